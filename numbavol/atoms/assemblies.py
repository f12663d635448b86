"""Biological assemblies: which copies of which atoms belong together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import os

    import gemmi
    from numpy.typing import NDArray

    from numbavol.atoms.atoms import Atoms


class _Generator(NamedTuple):
    """Copies of some chains."""

    chains: tuple[str, ...]
    subchains: tuple[str, ...]
    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class AssemblyOperators:
    """How an assembly is made of the atoms of a file."""

    generators: tuple[_Generator, ...]

    def apply(self, atoms: Atoms) -> Atoms:
        """Make the copies; atoms of chains that have none are left out."""
        parts = []
        for generator in self.generators:
            # Of an mmCIF file, the parts of chains; of a PDB file, chains.
            is_meant = (
                np.isin(atoms.subchains, generator.subchains)
                if generator.subchains
                else np.isin(atoms.chains, generator.chains)
            )
            part = atoms[is_meant]
            parts.append(part.repeat(generator.rotations, generator.translations))
        return join_atoms(parts)

    def describe(self) -> str:
        """Say how many copies there are of how many chains."""
        counts = [
            f"{len(each.rotations)} of {len(each.subchains or each.chains)} chains"
            for each in self.generators
        ]
        return "copies: " + ", ".join(counts)


def find_assembly(
    filename: str | os.PathLike[str], structure: gemmi.Structure, name: str
) -> AssemblyOperators:
    """Find an assembly by its name.

    Raises
    ------
    ValueError
        If the file has none of that name; says which it has.
    """
    named = {assembly.name: assembly for assembly in structure.assemblies}
    if name not in named:
        those = f"those named {', '.join(named)}" if named else "none"
        msg = f"assembly: expected one that {filename} has, {those}, got {name!r}"
        raise ValueError(msg)
    generators = []
    for generator in named[name].generators:
        transforms = [operator.transform for operator in generator.operators]
        generators.append(
            _Generator(
                tuple(generator.chains),
                tuple(generator.subchains),
                np.array([transform.mat.tolist() for transform in transforms]).reshape(-1, 3, 3),
                np.array([transform.vec.tolist() for transform in transforms]).reshape(-1, 3),
            )
        )
    return AssemblyOperators(tuple(generators))


def join_atoms(parts: list[Atoms]) -> Atoms:
    """Put atoms together, one part after the other; what has labels in common, keeps them."""
    first = parts[0]
    joined: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(first)
        if field.name != "labels"
    }
    if any(part.labels is not first.labels for part in parts):
        columns = {
            field.name: np.concatenate([getattr(part.labels, field.name) for part in parts])
            for field in dataclasses.fields(first.labels)
        }
        joined["labels"] = dataclasses.replace(first.labels, **columns)
        starts = np.cumsum([0, *(len(part.labels.names) for part in parts)])
        joined["label_numbers"] = np.concatenate(
            [part.label_numbers + start for part, start in zip(parts, starts, strict=False)]
        ).astype(np.int32)
    return dataclasses.replace(first, **joined)
