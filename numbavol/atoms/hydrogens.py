"""Hydrogens that a structure file does not have, where gemmi places them."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, NamedTuple

import gemmi

from numbavol.atoms.reading import select_atoms
from numbavol.atoms.structure_file import GEMMI_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARY_VARIABLE = "CLIBD_MON"
MOST_NAMES = 10
UNPLACED = "Placing of hydrogen"


class AddedHydrogens(NamedTuple):
    """What is to be said of hydrogens that were added."""

    notes: tuple[str, ...]
    problems: tuple[str, ...]


def add_hydrogens(
    filename: str | os.PathLike[str],
    structure: gemmi.Structure,
    numbers: list[int],
    selection_string: str,
    monomer_library: str | os.PathLike[str] | None,
) -> AddedHydrogens:
    """Put riding hydrogens in the place of those of a file, in some of its models.

    What is bonded to what is read from the whole structure; what is not selected is removed
    afterwards. Waters stay as they are.

    Parameters
    ----------
    filename
        For messages.
    structure
        Is changed.
    numbers
        Of the models.
    selection_string
        Which atoms are meant: their residues must be in the library.
    monomer_library
        Its folder, or None for that of the environment.

    Raises
    ------
    ValueError
        If there is no library, it cannot be read or does not have a residue, or a hydrogen cannot
        be placed.
    """
    names = _names_of(structure, numbers)
    selected = structure
    if selection_string != "all":
        selected = structure.clone()
        select_atoms(selected, selection_string)
    library = _read_library(filename, monomer_library, names, _names_of(selected, numbers))
    n_before = _count_hydrogens(selected, numbers)

    messages = _place(filename, structure, numbers, library)
    select_atoms(structure, selection_string)
    n_after = _count_hydrogens(structure, numbers)
    _check_placed(filename, structure, numbers, messages)
    n_unsettled = sum(
        atom.is_hydrogen() and atom.occ == 0
        for residue in _residues_of(structure, numbers)
        for atom in residue
    )
    note = f"{n_after} riding hydrogens" + (
        f" in the place of {n_before} of the file" if n_before else " added"
    )
    if n_unsettled:
        note += f", {n_unsettled} of occupancy 0"
    # Of what is not selected, nothing need be placed.
    remarks = [_read_message(message) for message in messages if UNPLACED not in message]
    problems = []
    if remarks:
        problems.append(f"{len(remarks)} remarks of gemmi on the bonds; the first: {remarks[0]}")
    return AddedHydrogens((note,), tuple(problems))


def _place(
    filename: str | os.PathLike[str],
    structure: gemmi.Structure,
    numbers: list[int],
    library: gemmi.MonLib,
) -> list[str]:
    """Place hydrogens in models; returns what gemmi remarks."""
    subchains = [(residue, residue.subchain) for residue in _residues_of(structure, numbers)]
    structure.setup_entities()
    messages: list[str] = []
    try:
        for index, model in enumerate(structure):
            if model.num in numbers:
                gemmi.prepare_topology(
                    structure,
                    library,
                    index,
                    gemmi.HydrogenChange.ReAddButWater,
                    warnings=messages.append,
                )
    except GEMMI_ERRORS as error:
        msg = f"{filename}: hydrogens='add': gemmi cannot place them: {str(error).strip()}"
        raise ValueError(msg) from error
    # Names that gemmi made up are not the file's.
    for residue, subchain in subchains:
        residue.subchain = subchain
    return messages


def _read_library(
    filename: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None,
    names: list[str],
    needed: list[str],
) -> gemmi.MonLib:
    where = os.environ.get(LIBRARY_VARIABLE, "") if folder is None else os.fspath(folder)
    if not where:
        msg = (
            "monomer_library: expected the folder of a monomer library with hydrogens='add', got "
            f"none, and the environment variable {LIBRARY_VARIABLE} has none. CCP4 has one, and so "
            "has https://github.com/MonomerLibrary/monomers"
        )
        raise ValueError(msg)
    library = gemmi.MonLib()
    messages: list[str] = []
    try:
        library.read_monomer_lib(where, names, logging=messages.append)
    except (*GEMMI_ERRORS, OSError) as error:
        msg = f"monomer_library: expected the folder of a monomer library, got {where}: {error}"
        raise ValueError(msg) from error
    missing = [name for name in needed if name not in library.monomers]
    if missing:
        shown = ", ".join(missing[:MOST_NAMES]) + (", ..." if len(missing) > MOST_NAMES else "")
        damage = [_read_message(message) for message in messages if "Failed to read" in message]
        msg = (
            f"{filename}: hydrogens='add': the monomer library {where} does not have {shown}"
            + (f" ({damage[0]})" if damage else "")
            + f"; selection_string='(!{','.join(missing[:MOST_NAMES])})' leaves them out"
        )
        raise ValueError(msg)
    return library


def _check_placed(
    filename: str | os.PathLike[str],
    structure: gemmi.Structure,
    numbers: list[int],
    messages: list[str],
) -> None:
    lost = [
        f"{atom.name} of {residue.name} {residue.seqid}"
        for residue in _residues_of(structure, numbers)
        for atom in residue
        if atom.is_hydrogen()
        and (
            atom.calc_flag == gemmi.CalcFlag.Dummy or not all(map(math.isfinite, atom.pos.tolist()))
        )
    ]
    if lost:
        reasons = [_read_message(message) for message in messages if UNPLACED in message]
        msg = (
            f"{filename}: hydrogens='add': {len(lost)} cannot be placed; the first is {lost[0]}"
            + (f"; gemmi: {reasons[0]}" if reasons else "")
        )
        raise ValueError(msg)


def _residues_of(structure: gemmi.Structure, numbers: list[int]) -> Iterator[gemmi.Residue]:
    for model in structure:
        if model.num in numbers:
            for chain in model:
                yield from chain


def _names_of(structure: gemmi.Structure, numbers: list[int]) -> list[str]:
    """Names of residues that are no waters."""
    return sorted(
        {residue.name for residue in _residues_of(structure, numbers) if not residue.is_water()}
    )


def _count_hydrogens(structure: gemmi.Structure, numbers: list[int]) -> int:
    """Count those that are no waters'."""
    residues = [each for each in _residues_of(structure, numbers) if not each.is_water()]
    return sum(atom.is_hydrogen() for residue in residues for atom in residue)


def _read_message(message: str) -> str:
    """Put what gemmi writes into one line."""
    return " ".join(message.removeprefix("Warning: ").split())
