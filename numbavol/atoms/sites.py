"""Atoms that share a site: what is odd about them, and which of several alternates are kept."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.atoms.atoms import Atoms

# Of a sum of occupancies, which files round to two digits.
ROUNDING = 0.02


def find_problems(parts: list[Atoms], *, b_factors_are_the_files: bool) -> list[str]:
    """Count what is odd, in each model by itself."""
    counts = dict.fromkeys(
        (
            "sites whose occupancies sum to more than 1",
            "atoms that occur more than once, and all count",
            "atoms with a B-factor below 0",
            "atoms with a B-factor of 0",
            "atoms with an occupancy below 0",
        ),
        0,
    )
    for atoms in parts:
        _, sites = np.unique(name_sites(atoms, with_alternates=False), axis=0, return_inverse=True)
        _, repeats = np.unique(name_sites(atoms, with_alternates=True), axis=0, return_counts=True)
        found = (
            np.bincount(sites.ravel(), atoms.occupancies) > 1.0 + ROUNDING,
            repeats - 1,
            b_factors_are_the_files & (atoms.b_factors < 0),
            b_factors_are_the_files & (atoms.b_factors == 0),
            atoms.occupancies < 0,
        )
        for what, each in zip(counts, found, strict=True):
            counts[what] += int(np.sum(each))
    return [f"{count} {what}" for what, count in counts.items() if count]


def name_sites(atoms: Atoms, *, with_alternates: bool) -> NDArray[np.int64]:
    """Numbers that are equal for atoms of one name, residue and chain: ``(n, fields)``."""
    columns = [atoms.chains, atoms.residue_numbers, atoms.names]
    if with_alternates:
        columns += [atoms.alternates, atoms.residue_names]
    return np.stack(
        [np.unique(column, return_inverse=True)[1].ravel() for column in columns], axis=1
    )


def choose_alternates(atoms: Atoms, which: str) -> Atoms:
    """Keep one alternate of each residue, which counts as much as all alternates of its sites."""
    has_alternates = atoms.alternates != ""
    residues = np.stack(
        [
            np.unique(column, return_inverse=True)[1].ravel()
            for column in (atoms.chains, atoms.residue_numbers)
        ],
        axis=1,
    )
    _, residue = np.unique(residues, axis=0, return_inverse=True)
    letters, letter = np.unique(atoms.alternates, return_inverse=True)
    shape = (int(residue.max(initial=-1)) + 1, len(letters))
    weights = np.zeros(shape)
    np.add.at(weights, (residue.ravel(), letter.ravel()), atoms.occupancies)
    if "" in letters:
        weights[:, np.flatnonzero(letters == "")] = -np.inf
    kept = np.argmax(weights, axis=1)
    if which != "highest":
        has_letter = np.zeros(shape[0], bool)
        has_letter[residue.ravel()[atoms.alternates == which]] = True
        kept[has_letter] = np.searchsorted(letters, which)
    is_kept = ~has_alternates | (letter.ravel() == kept[residue.ravel()])
    _, site = np.unique(name_sites(atoms, with_alternates=False), axis=0, return_inverse=True)
    sums = np.bincount(site.ravel(), atoms.occupancies)
    occupancies = np.where(has_alternates, sums[site.ravel()], atoms.occupancies)
    return dataclasses.replace(atoms, occupancies=occupancies)[is_kept]
