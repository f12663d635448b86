"""Assemblies and crystals: which copies of which atoms belong together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numbavol.atoms.atoms import Atoms
from numbavol.atoms.structure_file import naming_file, parse_structure_file

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import gemmi
    from numpy.typing import NDArray

# Of a cell, as a share of it: a centre that rounding alone puts before an edge is on it.
EDGE = 1e-6


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

    def describe_chains(self) -> str:
        """Name the chains, or the parts of chains, that there are copies of."""
        names = dict.fromkeys(
            name for each in self.generators for name in each.subchains or each.chains
        )
        return f"chains {', '.join(names)}"


def find_assembly(
    filename: str | os.PathLike[str], structure: gemmi.Structure, name: str
) -> AssemblyOperators:
    """Find an assembly by its name.

    Raises
    ------
    ValueError
        If the file has none of that name, and says which it has; or no operators of it.
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
    if not any(len(generator.rotations) for generator in generators):
        msg = f"assembly: expected one whose operators {filename} has, got {name!r}"
        raise ValueError(msg)
    return AssemblyOperators(tuple(generators))


class CrystalOperators(NamedTuple):
    """Rotations and translations of the copies in a unit cell.

    Attributes
    ----------
    rotations
        ``(c, 3, 3)``: a position r becomes ``rotation @ r + translation``. Groups that have
        inversions and mirrors have them here.
    translations
        ``(c, 3)``, in angstroms.

    Examples
    --------
    >>> from numbavol.atoms import read_crystal_operators
    >>> from numbavol.data import enterotoxin
    >>> read_crystal_operators(enterotoxin()).translations.shape
    (6, 3)
    """

    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]


def read_crystal_operators(filename: str | os.PathLike[str]) -> CrystalOperators:
    """Read which copies of the atoms of a file make up its unit cell.

    They are those of the space group, each of them for every operator of non-crystallographic
    symmetry whose copy the file does not have. What is deposited comes first and stays where it is;
    a copy is moved by whole edges of the cell so that its centre is in the same cell.

    Parameters
    ----------
    filename
        PDB or mmCIF, gzipped or not.

    Returns
    -------
    CrystalOperators
        What `Atoms.repeat` takes: ``(c, 3, 3)`` rotations and ``(c, 3)`` translations.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a structure, has no unit cell or no space group, or one that does not fit the
        other; names the file.

    Examples
    --------
    >>> import numbavol
    >>> atoms = numbavol.load_atoms(numbavol.data.enterotoxin())
    >>> atoms.repeat(*numbavol.read_crystal_operators(numbavol.data.enterotoxin()))
    Atoms(34104: C 20430, O 7668, N 5736, S 270)
    """
    structure = parse_structure_file(filename).structure
    cell: gemmi.UnitCell = structure.cell
    group: Any = structure.find_spacegroup()  # None where there is none
    if not cell.is_crystal():
        msg = f"{filename}: expected a crystal, the file has no unit cell"
        raise ValueError(msg)
    named = f"space group {structure.spacegroup_hm!r}"
    if group is None:
        msg = f"{filename}: expected a crystal, its {named} is none"
        raise ValueError(msg)
    if not cell.is_compatible_with_spacegroup(group):
        msg = f"{filename}: expected a crystal, its {named} does not fit its unit cell"
        raise ValueError(msg)
    others = [copy.tr for copy in structure.ncs if not copy.given]
    with naming_file(filename):
        center = Atoms.from_gemmi(structure).center_of_mass
    edges, inverse = (np.array(matrix.mat.tolist()) for matrix in (cell.orth, cell.frac))
    home = np.floor(inverse @ center + EDGE)
    rotations, translations = [], []
    for operator in group.operations():
        image = cell.op_as_transform(operator)
        for transform in (image, *(image.combine(other) for other in others)):
            rotation, translation = (
                np.array(part.tolist()) for part in (transform.mat, transform.vec)
            )
            n_cells = np.floor(inverse @ (rotation @ center + translation) + EDGE) - home
            rotations.append(rotation)
            translations.append(translation - edges @ n_cells)
    return CrystalOperators(np.array(rotations), np.array(translations))


def join_atoms(parts: Sequence[Atoms]) -> Atoms:
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
