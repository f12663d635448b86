"""A `gemmi.Structure` as arrays, one entry an atom, in the order of the file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import gemmi
import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

# gemmi numbers its elements by atomic number and appends deuterium.
_UNKNOWN = 0
DEUTERIUM = 119


class AtomTable(NamedTuple):
    """The atoms of all models, one after the other."""

    positions: NDArray[np.float64]  # (n, 3), angstroms
    elements: NDArray[np.uint8]  # gemmi's ordinals
    names: NDArray[np.bytes_]
    model_numbers: NDArray[np.int32]
    b_factors: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    masses: NDArray[np.float64]
    charges: NDArray[np.int64]
    alternates: NDArray[np.uint8]  # letters; 0 where there is none
    residue_names: NDArray[np.bytes_]
    residue_numbers: NDArray[np.int32]
    insertions: NDArray[np.uint8]  # letters; a space where there is none
    chains: NDArray[np.bytes_]
    subchains: NDArray[np.bytes_]

    @property
    def atomic_numbers(self) -> NDArray[np.int64]:
        """Atomic numbers; deuterium is hydrogen, 0 is an unknown element."""
        return np.where(self.elements == DEUTERIUM, 1, self.elements).astype(np.int64)

    def count_elements(self) -> dict[str, int]:
        """Count the atoms of each element, by symbol."""
        counts = np.bincount(self.elements)
        return {symbol_of(int(z)): int(counts[z]) for z in np.flatnonzero(counts)}

    def of_model(self, number: int) -> AtomTable:
        """Return the atoms of one model."""
        return AtomTable(*(column[self.model_numbers == number] for column in self))

    def split(self, numbers: list[int]) -> list[AtomTable]:
        """Return the atoms of each of several models, reading no model for another."""
        changes = np.flatnonzero(np.diff(self.model_numbers)) + 1
        edges = [0, *changes.tolist(), len(self.model_numbers)]
        whole = {
            int(self.model_numbers[start]): slice(start, stop)
            for start, stop in itertools.pairwise(edges)
        }
        columns: tuple[Any, ...] = self
        return [AtomTable(*(c[whole.get(n, slice(0))] for c in columns)) for n in numbers]


def tabulate_atoms(structure: gemmi.Structure) -> AtomTable:
    """Copy the atoms of a structure into arrays.

    Raises
    ------
    ValueError
        If a position, an occupancy or a B-factor is not a finite number; names the atom.
    """
    flat, long_names = _flatten(structure)
    flat.strings_as_numbers = False
    table = AtomTable(
        positions=np.array(flat.pos, order="C"),
        elements=np.array(flat.elements),
        names=np.array(flat.atom_names),
        model_numbers=np.array(flat.model_num),
        b_factors=_decimals_as_written(flat.b_iso),
        occupancies=_decimals_as_written(flat.occ),
        masses=np.array(flat.element_weights),
        charges=np.array(flat.charge, dtype=np.int64),
        alternates=np.array(flat.altlocs).view(np.uint8),
        residue_names=np.array(flat.residue_names),
        residue_numbers=np.array(flat.resnums),
        insertions=np.array(flat.icodes).view(np.uint8),
        chains=np.array(flat.chain_ids),
        subchains=np.array(flat.subchains),
    )
    table = table._replace(
        **{
            column: names[getattr(table, column).astype(np.int64)]
            for column, names in long_names.items()
        }
    )
    for what, values in (
        ("position", table.positions),
        ("occupancy", table.occupancies),
        ("B-factor", table.b_factors),
    ):
        is_finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        if not is_finite.all():
            first = int(np.argmin(is_finite))
            msg = (
                f"{np.count_nonzero(~is_finite)} atoms have no number for a {what}; the first is "
                f"{describe_atom(table, first)}"
            )
            raise ValueError(msg)
    return table


def check_elements(table: AtomTable) -> None:
    """Refuse atoms whose element is not known, which gemmi would let scatter like oxygen.

    Raises
    ------
    ValueError
        If there is such an atom; names the first.
    """
    unknown = np.flatnonzero(table.elements == _UNKNOWN)
    if unknown.size:
        msg = (
            f"the element of {unknown.size} atoms is not known; the first is "
            f"{describe_atom(table, int(unknown[0]))}. selection_string='[!X]' leaves them out"
        )
        raise ValueError(msg)


def describe_atom(table: AtomTable, index: int) -> str:
    """Name one atom of a table in an error message."""
    name = table.names[index].decode(errors="replace")
    return f"atom {index + 1}, {name!r} of element {symbol_of(int(table.elements[index]))}"


def symbol_of(ordinal: int) -> str:
    """Symbol of an element by gemmi's ordinal."""
    return "D" if ordinal == DEUTERIUM else gemmi.Element(ordinal).name


def _flatten(
    structure: gemmi.Structure,
) -> tuple[gemmi.FlatStructure, dict[str, NDArray[np.bytes_]]]:
    """Flatten a structure; returns what numbers in columns of names stand for, where they do."""
    try:
        return gemmi.FlatStructure(structure), {}
    except RuntimeError:  # it holds names of up to seven characters, mmCIF has longer ones
        numbered = structure.clone()
    numbers: dict[str, dict[str, int]] = {
        column: {} for column in ("chains", "residue_names", "subchains", "names")
    }

    def stand_in(column: str, name: str) -> str:
        return str(numbers[column].setdefault(name, len(numbers[column])))

    for model in numbered:
        for chain in model:
            chain.name = stand_in("chains", chain.name)
            for residue in chain:
                residue.name = stand_in("residue_names", residue.name)
                residue.subchain = stand_in("subchains", residue.subchain)
                residue.entity_id = ""  # nothing reads it
                for atom in residue:
                    atom.name = stand_in("names", atom.name)
    names = {
        column: np.array([name.encode() for name in known]) for column, known in numbers.items()
    }
    return gemmi.FlatStructure(numbered), names


def _decimals_as_written(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Widen gemmi's float32 to the number in the file: 0.65, and not 0.6499999762."""
    unique, inverse = np.unique(values, return_inverse=True)
    return np.array([float(str(value)) for value in unique], dtype=np.float64)[inverse]
