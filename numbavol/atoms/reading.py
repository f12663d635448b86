"""Read the atoms of a structure file into arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict, overload

import gemmi
import numpy as np

from numbavol.arguments import find_whole_number
from numbavol.atoms.atom_table import AtomTable, check_elements, describe_atom, tabulate_atoms
from numbavol.atoms.structure_file import GEMMI_ERRORS, naming_file, parse_structure_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Positions = NDArray[np.float64]
    AtomicNumbers = NDArray[np.int64]
    Models = Literal["first", "all", "stack"] | int


class AtomProperties(TypedDict):
    """What `read_atoms_from_pdb` returns besides positions and elements.

    For `n` atoms; with `models="stack"`, `m` models of `n` atoms each.

    Attributes
    ----------
    b_factors
        Isotropic B-factors in square angstroms, float64, `(n,)` or `(m, n)`. 20, gemmi's
        default, where the file has none.
    occupancies
        Between 0 and 1 by convention, float64, `(n,)` or `(m, n)`. 1 where the file has none.
    masses
        In daltons, float64 of shape `(n,)`. Deuterium has 2.0141.
    charges
        Formal charges in elementary charges, int64 of shape `(n,)`.
    center
        What was subtracted from the positions `(x, y, z)`: the centre of mass in angstroms,
        or zeros if `center=False`. Float64 of shape `(3,)`.

    Examples
    --------
    >>> from numbavol.atoms import read_atoms_from_pdb
    >>> from numbavol.data import enterotoxin
    >>> positions, atomic_numbers, properties = read_atoms_from_pdb(
    ...     enterotoxin(), loads_properties=True
    ... )
    >>> sorted(properties)
    ['b_factors', 'center', 'charges', 'masses', 'occupancies']
    >>> properties["b_factors"].shape, properties["masses"][0].round(3)
    ((5684,), np.float64(14.007))
    """

    b_factors: NDArray[np.float64]
    occupancies: NDArray[np.float64]
    masses: NDArray[np.float64]
    charges: NDArray[np.int64]
    center: NDArray[np.float64]


@overload
def read_atoms_from_pdb(
    filename: str | os.PathLike[str],
    *,
    loads_properties: Literal[False] = False,
    center: bool = True,
    selection_string: str = "all",
    models: Models = "first",
) -> tuple[Positions, AtomicNumbers]: ...
@overload
def read_atoms_from_pdb(
    filename: str | os.PathLike[str],
    *,
    loads_properties: Literal[True],
    center: bool = True,
    selection_string: str = "all",
    models: Models = "first",
) -> tuple[Positions, AtomicNumbers, AtomProperties]: ...
@overload
def read_atoms_from_pdb(
    filename: str | os.PathLike[str],
    *,
    loads_properties: bool,
    center: bool = True,
    selection_string: str = "all",
    models: Models = "first",
) -> tuple[Positions, AtomicNumbers] | tuple[Positions, AtomicNumbers, AtomProperties]: ...
def read_atoms_from_pdb(
    filename: str | os.PathLike[str],
    *,
    loads_properties: bool = False,
    center: bool = True,
    selection_string: str = "all",
    models: Models = "first",
) -> tuple[Positions, AtomicNumbers] | tuple[Positions, AtomicNumbers, AtomProperties]:
    """Read atomic positions and elements from a PDB or mmCIF file, gzipped or not.

    Every selected atom is returned, in the order of the file (the atoms of one residue
    together): waters, hydrogens and all alternate conformations included. What kind of file it
    is, is decided by its content, not its name.

    Parameters
    ----------
    filename
        The file.
    loads_properties
        Whether to return `AtomProperties` too.
    center
        Whether to move the centre of mass of the returned atoms to the origin. Models are
        moved together, by one shift.
    selection_string
        Which atoms, in gemmi's selection language: `"//A"` is chain A, `"(ALA)"` all alanines,
        `"[!H]"` all but hydrogen, `"A/10-20/CA"` alpha carbons of residues 10 to 20.
        `"all"` is all of them.
    models
        `"first"` is the first model in the file, an integer the model of that number in the
        file, `"all"` one list of the atoms of all models, `"stack"` one model after the other
        along a new first axis, which must then have the same atoms.

    Returns
    -------
    positions
        `(x, y, z)` in angstroms, float64 of shape `(n, 3)`, or `(m, n, 3)` for `"stack"`.
    atomic_numbers
        int64 of shape `(n,)`. Deuterium is hydrogen, 1.
    properties
        Only with `loads_properties=True`: see `AtomProperties`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a structure or is damaged, a number or an element in it is missing, the
        selection is wrong or finds nothing, or the models do not exist or cannot be stacked.

    Examples
    --------
    >>> from numbavol.atoms import read_atoms_from_pdb
    >>> from numbavol.data import enterotoxin
    >>> positions, atomic_numbers = read_atoms_from_pdb(enterotoxin())
    >>> positions.shape, atomic_numbers.shape
    ((5684, 3), (5684,))
    >>> positions, atomic_numbers, properties = read_atoms_from_pdb(
    ...     enterotoxin(), loads_properties=True, selection_string="//A//CA"
    ... )
    >>> properties["b_factors"].shape, properties["center"].round(1)
    ((186,), array([28.4, 19.4,  5.1]))
    """
    structure = parse_structure_file(filename).structure
    positions, atomic_numbers, properties = take_atoms(
        filename, structure, center=center, selection_string=selection_string, models=models
    )
    return (
        (positions, atomic_numbers, properties) if loads_properties else (positions, atomic_numbers)
    )


def take_atoms(
    filename: str | os.PathLike[str],
    structure: gemmi.Structure,
    *,
    center: bool,
    selection_string: str,
    models: Models,
) -> tuple[Positions, AtomicNumbers, AtomProperties]:
    """Take the atoms that `read_atoms_from_pdb` describes out of a structure that was parsed.

    What is not selected is removed from the structure.

    Raises
    ------
    ValueError
        As `read_atoms_from_pdb` does; names the file.
    """
    model_numbers = [model.num for model in structure]
    wanted = choose_models(filename, models, model_numbers)
    table = tabulate_selected(filename, structure, selection_string, wanted)
    with naming_file(filename):
        check_elements(table)

    shift = np.zeros(3)
    if center:
        shift = table.masses @ table.positions / table.masses.sum()
    positions = table.positions - shift
    atomic_numbers, masses, charges = table.atomic_numbers, table.masses, table.charges
    b_factors, occupancies = table.b_factors, table.occupancies
    if models == "stack":
        n_atoms = _check_stack(filename, table, model_numbers)
        positions = positions.reshape(-1, n_atoms, 3)
        b_factors = b_factors.reshape(-1, n_atoms)
        occupancies = occupancies.reshape(-1, n_atoms)
        atomic_numbers = atomic_numbers[:n_atoms]
        masses, charges = masses[:n_atoms], charges[:n_atoms]
    properties = AtomProperties(
        b_factors=b_factors, occupancies=occupancies, masses=masses, charges=charges, center=shift
    )
    return positions, atomic_numbers, properties


def tabulate_selected(
    filename: str | os.PathLike[str],
    structure: gemmi.Structure,
    selection_string: str,
    numbers: list[int],
) -> AtomTable:
    """Copy the selected atoms of models into arrays; others are removed from the structure.

    Raises
    ------
    ValueError
        If the selection is wrong or finds nothing, or a number is missing; names the file.
    """
    n_atoms = {model.num: model.count_atom_sites() for model in structure}
    existing = list(n_atoms)
    other = next((number for number, n in n_atoms.items() if n), None)
    if other is not None and not any(n_atoms[number] for number in numbers):
        msg = f"{filename}: model {_join(numbers)} has no atoms; models={other} has some"
        raise ValueError(msg)
    select_atoms(structure, selection_string)
    with naming_file(filename):
        table = tabulate_atoms(structure)
    if numbers != existing:
        table = table.of_model(numbers[0])
    if len(table.positions) == 0:
        raise ValueError(_describe_empty_selection(filename, selection_string, numbers, existing))
    return table


def choose_models(
    filename: str | os.PathLike[str], models: Models, existing: list[int]
) -> list[int]:
    """Find the numbers of the models that are meant, of those that exist."""
    if models in ("all", "stack"):
        return existing
    if models == "first":
        return existing[:1]
    number = find_whole_number(models)
    if number is None:
        msg = f"models: expected 'first', 'all', 'stack' or a model's number, not {models!r}"
        raise ValueError(msg)
    if number not in existing:
        msg = f"models={models}: there is no such model in {filename}, only {_join(existing)}"
        raise ValueError(msg)
    return [number]


def select_atoms(structure: gemmi.Structure, selection_string: str) -> None:
    """Take what is not selected out of a structure."""
    # To gemmi "all" is a chain of that name.
    if selection_string == "all":
        return
    try:
        selection = gemmi.Selection(selection_string)
    except GEMMI_ERRORS as error:
        msg = f"selection_string={selection_string!r}: {error}"
        raise ValueError(msg) from error
    # A PDB file says by TER what a polymer is; without it, ";polymer" would find nothing.
    structure.add_entity_types()
    selection.remove_not_selected(structure)


def _check_stack(
    filename: str | os.PathLike[str], table: AtomTable, model_numbers: list[int]
) -> int:
    """Return how many atoms each model has, if they are the same atoms."""
    first = model_numbers[0]
    numbers, counts = np.unique(table.model_numbers, return_counts=True)
    sizes: dict[int, int] = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    n_atoms = sizes.get(first, 0)
    for number in model_numbers:
        if sizes.get(number, 0) != n_atoms:
            msg = (
                f"models='stack': models {first} and {number} of {filename} have {n_atoms} and "
                f"{sizes.get(number, 0)} atoms"
            )
            raise ValueError(msg)
    names, elements = table.names.reshape(-1, n_atoms), table.elements.reshape(-1, n_atoms)
    differs = (names != names[0]) | (elements != elements[0])
    if differs.any():
        model, index = np.argwhere(differs)[0].tolist()
        number = model_numbers[model]
        atoms = [describe_atom(table.of_model(n), index) for n in (first, number)]
        msg = (
            f"models='stack': models {first} and {number} of {filename} differ: {atoms[0]}, and "
            f"{atoms[1]}"
        )
        raise ValueError(msg)
    return n_atoms


def _describe_empty_selection(
    filename: str | os.PathLike[str],
    selection_string: str,
    wanted: list[int],
    existing: Iterable[int],
) -> str:
    """Say that a selection finds no atom, and how one is written."""
    return (
        f"selection_string={selection_string!r} finds no atom in {filename}, models "
        f"{_join(wanted)} of {_join(list(existing))}. In gemmi's selection language 'A' is "
        "a chain, '(ALA)' a residue name, '[C]' an element, '//*//CA' an atom name"
    )


def _join(numbers: list[int]) -> str:
    # An ensemble can have thousands.
    shown = ", ".join(str(number) for number in numbers[:10])
    return f"{shown}, ... {numbers[-1]}" if len(numbers) > 10 else shown
