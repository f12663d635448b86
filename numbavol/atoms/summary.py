"""What a person wants to know about a structure file before using it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from numbavol.atoms.atom_table import tabulate_atoms
from numbavol.atoms.structure_file import StructureFile, naming_file, parse_structure_file

if TYPE_CHECKING:
    import os


@dataclasses.dataclass(frozen=True)
class StructureSummary:
    """A few facts about a structure file; counts are of its first model.

    Attributes
    ----------
    format
        `"PDB"` or `"mmCIF"`.
    entry_id, title
        As in the file, empty if it has none.
    model_numbers
        The number of each model.
    chains
        The name of each chain, in the order of the file.
    n_residues, n_waters, n_atoms
        Residues (waters among them), waters, atoms.
    n_alternates
        Atoms that belong to an alternate conformation.
    elements
        How many atoms there are of each element, by its symbol; `"X"` is unknown, `"D"`
        deuterium.
    occupancy_sum
        The sum of all occupancies.
    b_factor_range, b_factor_mean
        The lowest and highest, and the mean B-factor in square angstroms.
    n_without_b_factor
        Atoms of all models of which the file says none: 20 square angstroms is taken.
    extent
        The size `(x, y, z)` of the smallest box around all atoms' centres, in angstroms.

    Examples
    --------
    >>> from numbavol.atoms import describe_structure
    >>> from numbavol.data import enterotoxin
    >>> summary = describe_structure(enterotoxin())
    >>> summary.format, summary.n_atoms, [round(side, 1) for side in summary.extent]
    ('mmCIF', 5684, [73.1, 63.0, 75.5])
    """

    format: str
    entry_id: str
    title: str
    model_numbers: tuple[int, ...]
    chains: tuple[str, ...]
    n_residues: int
    n_waters: int
    n_atoms: int
    n_alternates: int
    elements: dict[str, int] = dataclasses.field(hash=False)
    occupancy_sum: float
    b_factor_range: tuple[float, float]
    b_factor_mean: float
    n_without_b_factor: int
    extent: tuple[float, float, float]


def describe_structure(filename: str | os.PathLike[str]) -> StructureSummary:
    """Summarize a PDB or mmCIF file, gzipped or not, reading it once.

    Parameters
    ----------
    filename
        The file.

    Returns
    -------
    The summary; lengths are in angstroms.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a structure, is damaged or has no atoms; names the file.

    Examples
    --------
    >>> from numbavol.atoms import describe_structure
    >>> from numbavol.data import enterotoxin
    >>> summary = describe_structure(enterotoxin())
    >>> summary.entry_id, summary.n_atoms, summary.elements
    ('1TII', 5684, {'C': 3405, 'N': 956, 'O': 1278, 'S': 45})
    """
    return summarize_structure(filename, parse_structure_file(filename))


def summarize_structure(
    filename: str | os.PathLike[str], parsed: StructureFile
) -> StructureSummary:
    """Summarize a structure that has been parsed.

    Raises
    ------
    ValueError
        If its first model has no atoms, or a number is missing; names the file.
    """
    structure = parsed.structure
    model = structure[0]
    residues = [residue for chain in model for residue in chain]
    with naming_file(filename):
        table = tabulate_atoms(structure).of_model(model.num)
    if len(table.positions) == 0:
        msg = f"{filename}: model {model.num} has no atoms"
        raise ValueError(msg)
    info = dict(structure.info.items())
    extent = np.ptp(table.positions, axis=0)
    return StructureSummary(
        format=parsed.format,
        entry_id=info.get("_entry.id", ""),
        title=info.get("_struct.title", ""),
        model_numbers=tuple(m.num for m in structure),
        chains=tuple(dict.fromkeys(chain.name for chain in model)),
        n_residues=len(residues),
        n_waters=sum(residue.is_water() for residue in residues),
        n_atoms=len(table.positions),
        n_alternates=int(np.count_nonzero(table.alternates)),
        elements=table.count_elements(),
        occupancy_sum=float(table.occupancies.sum()),
        b_factor_range=(float(table.b_factors.min()), float(table.b_factors.max())),
        b_factor_mean=float(table.b_factors.mean()),
        n_without_b_factor=parsed.n_without_b_factor,
        extent=(float(extent[0]), float(extent[1]), float(extent[2])),
    )
