"""Anisotropic B-factors of a structure, and the isotropic ones that stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import gemmi


def make_isotropic(structure: gemmi.Structure, numbers: list[int]) -> int:
    """Give anisotropic atoms of models the isotropic equivalent; returns how many there are."""
    n_anisotropic = 0
    for atom in _find_anisotropic(structure, numbers):
        atom.b_iso = atom.b_eq()
        n_anisotropic += 1
    return n_anisotropic


def count_anisotropic(structure: gemmi.Structure, numbers: list[int]) -> int:
    """Count anisotropic atoms of models."""
    return sum(1 for _ in _find_anisotropic(structure, numbers))


def _find_anisotropic(structure: gemmi.Structure, numbers: list[int]) -> Iterator[gemmi.Atom]:
    for model in structure:
        if model.num in numbers:
            for site in model.all():
                if site.atom.aniso.nonzero():
                    yield site.atom
