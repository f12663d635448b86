"""`load_atoms`: a structure file to the atoms that are meant, and what is odd about them."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from numbavol.atoms.assemblies import find_assembly, join_atoms
from numbavol.atoms.atom_table import tabulate_atoms
from numbavol.atoms.atoms import atoms_of
from numbavol.atoms.reading import choose_models, describe_empty_selection, select_atoms
from numbavol.atoms.structure_file import parse_structure_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import gemmi
    from numpy.typing import NDArray

    from numbavol.atoms.atoms import Atoms

# Of a sum of occupancies, which files round to two digits.
ROUNDING = 0.02
WATERS = ("HOH", "DOD", "WAT", "H2O")


class StructureWarning(UserWarning):
    """Something in a structure file that a map would show, and that is probably not meant.

    Examples
    --------
    >>> import warnings
    >>> from numbavol.atoms import StructureWarning, load_atoms
    >>> from numbavol.data import enterotoxin
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", StructureWarning)
    ...     atoms = load_atoms(enterotoxin())
    """


class LoadedAtoms(NamedTuple):
    """Atoms, and what is to be said of them."""

    atoms: Atoms
    format: str
    n_sites: dict[int, int]
    """How many atoms each model of the file has."""
    n_selected: int
    """How many of them were named by the selection, in the models that were asked for."""
    notes: tuple[str, ...]
    """What was done to what the file says."""
    problems: tuple[str, ...]
    """What is odd in it, with counts."""


def load_atoms(
    filename: str | os.PathLike[str],
    *,
    selection_string: str = "all",
    models: Literal["first", "all"] | int = "first",
    alternates: str = "all",
    hydrogens: Literal["keep", "drop"] = "keep",
    waters: Literal["keep", "drop"] = "keep",
    b_factors: Literal["file"] | float = "file",
    b_factor_scale: float = 1.0,
    b_factor_offset: float = 0.0,
    assembly: str | None = None,
) -> Atoms:
    """Read the atoms of a PDB or mmCIF file, gzipped or not, that are to be rendered.

    Parameters
    ----------
    filename
        The file.
    selection_string
        Which atoms, in gemmi's selection language: ``"//A"`` is chain A, ``"(ALA)"`` all
        alanines, ``"all"`` everything.
    models
        ``"first"``, the number of a model, or ``"all"`` of them together.
    alternates
        ``"all"`` keeps every alternate conformation, weighted by its occupancy. ``"highest"``
        keeps, of each residue, the one whose occupancies sum to most; a letter keeps that one where
        the residue has it, and else the highest. What is kept then counts as much as all alternates
        of its site.
    hydrogens, waters
        ``"keep"`` those of the file, or ``"drop"`` them. Deuterium is hydrogen.
    b_factors
        ``"file"``, or one value in square angstroms in place of them. Anisotropic atoms of a file
        have the isotropic equivalent, a third of the trace.
    b_factor_scale, b_factor_offset
        B becomes ``scale * B + offset``; the offset is in square angstroms.
    assembly
        The name of a biological assembly of the file, as in ``"1"``; by default the atoms as they
        are deposited.

    Returns
    -------
    Atoms
        Where the file has them. Atoms of unknown element are left out.

    Warns
    -----
    StructureWarning
        With counts, if occupancies at a site sum to more than 1, B-factors are 0 or below, atoms
        occur twice, or their element is unknown.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a structure or is damaged, a number in it is missing, an option is another, or
        nothing is left.

    References
    ----------
    Trueblood et al. (1996), Acta Crystallographica A52, 770-781: the isotropic equivalent.

    Examples
    --------
    >>> from numbavol.atoms import load_atoms
    >>> from numbavol.data import enterotoxin
    >>> load_atoms(enterotoxin(), waters="drop")
    Atoms(5469: C 3405, O 1063, N 956, S 45)
    """
    loaded = load_with_notes(
        filename,
        selection_string=selection_string,
        models=models,
        alternates=alternates,
        hydrogens=hydrogens,
        waters=waters,
        b_factors=b_factors,
        b_factor_scale=b_factor_scale,
        b_factor_offset=b_factor_offset,
        assembly=assembly,
    )
    for problem in loaded.problems:
        warnings.warn(f"{filename}: {problem}", StructureWarning, stacklevel=2)
    return loaded.atoms


def load_with_notes(
    filename: str | os.PathLike[str],
    *,
    selection_string: str,
    models: Literal["first", "all"] | int,
    alternates: str,
    hydrogens: str,
    waters: str,
    b_factors: Literal["file"] | float,
    b_factor_scale: float,
    b_factor_offset: float,
    assembly: str | None,
) -> LoadedAtoms:
    """Read atoms as `load_atoms` does, and say what was done and what is odd."""
    _check_options(alternates, hydrogens, waters, b_factors, b_factor_scale, b_factor_offset)
    structure, file_format = parse_structure_file(filename)
    operators = None if assembly is None else find_assembly(filename, structure, assembly)
    n_sites = {model.num: model.count_atom_sites() for model in structure}
    notes: list[str] = []
    problems: list[str] = []
    numbers = choose_models(filename, models, list(n_sites))
    if b_factors == "file" and (n_anisotropic := _make_isotropic(structure, numbers)):
        notes.append(f"{n_anisotropic} anisotropic B-factors as their isotropic equivalents")
    select_atoms(structure, selection_string)
    try:
        table = tabulate_atoms(structure)
    except ValueError as error:
        msg = f"{filename}: {error}"
        raise ValueError(msg) from error
    parts = [atoms_of(table.of_model(number)) for number in numbers]
    atoms = join_atoms(parts)
    if (n_selected := len(atoms)) == 0:
        raise ValueError(describe_empty_selection(filename, selection_string, numbers, n_sites))
    if waters == "drop":
        parts = _leave_out(parts, lambda part: np.isin(part.residue_names, WATERS), "waters", notes)
    if hydrogens == "drop":
        parts = _leave_out(parts, lambda part: part.atomic_numbers == 1, "hydrogens", notes)
    parts = _leave_out(
        parts, lambda part: part.atomic_numbers == 0, "atoms of unknown element", problems
    )
    problems += _find_problems(parts)
    if alternates != "all":
        n_before = sum(map(len, parts))
        parts = [_choose_alternates(part, alternates) for part in parts]
        if n_left_out := n_before - sum(map(len, parts)):
            notes.append(f"{n_left_out} alternates left out")
    atoms = join_atoms(parts)
    if len(atoms) == 0:
        msg = f"{filename}: nothing is left of it: {', '.join(notes + problems)}"
        raise ValueError(msg)
    b = atoms.b_factors if b_factors == "file" else np.full(len(atoms), float(b_factors))
    atoms = dataclasses.replace(atoms, b_factors=b_factor_scale * b + b_factor_offset)
    if operators is not None:
        atoms = operators.apply(atoms)
        notes.append(f"assembly {assembly}: {operators.describe()}")
    return LoadedAtoms(atoms, file_format, n_sites, n_selected, tuple(notes), tuple(problems))


def _check_options(
    alternates: str,
    hydrogens: str,
    waters: str,
    b_factors: str | float,
    b_factor_scale: float,
    b_factor_offset: float,
) -> None:
    if alternates not in ("all", "highest") and not (len(alternates) == 1 and alternates.isalnum()):
        msg = f"alternates: expected 'all', 'highest' or a letter, got {alternates!r}"
        raise ValueError(msg)
    for name, choice in (("hydrogens", hydrogens), ("waters", waters)):
        if choice not in ("keep", "drop"):
            msg = f"{name}: expected 'keep' or 'drop', got {choice!r}"
            raise ValueError(msg)
    if isinstance(b_factors, str) and b_factors != "file":
        msg = f"b_factors: expected 'file' or a number, got {b_factors!r}"
        raise ValueError(msg)
    numbers = {"b_factor_scale": b_factor_scale, "b_factor_offset": b_factor_offset}
    if not isinstance(b_factors, str):
        numbers["b_factors"] = b_factors
    for name, number in numbers.items():
        if not math.isfinite(number):
            msg = f"{name}: expected a finite number, got {number}"
            raise ValueError(msg)


def _leave_out(
    parts: list[Atoms],
    find: Callable[[Atoms], NDArray[np.bool_]],
    what: str,
    notes: list[str],
) -> list[Atoms]:
    are_left_out = [find(part) for part in parts]
    if n_left_out := sum(int(np.count_nonzero(each)) for each in are_left_out):
        notes.append(f"{n_left_out} {what} left out")
    return [part[~each] for part, each in zip(parts, are_left_out, strict=True)]


def _make_isotropic(structure: gemmi.Structure, numbers: list[int]) -> int:
    """Give anisotropic atoms of models the isotropic equivalent; returns how many there are."""
    n_anisotropic = 0
    for model in structure:
        if model.num not in numbers:
            continue
        for site in model.all():
            if site.atom.aniso.nonzero():
                site.atom.b_iso = site.atom.b_eq()
                n_anisotropic += 1
    return n_anisotropic


def _find_problems(parts: list[Atoms]) -> list[str]:
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
        _, sites = np.unique(_name_sites(atoms, with_alternates=False), axis=0, return_inverse=True)
        _, repeats = np.unique(_name_sites(atoms, with_alternates=True), axis=0, return_counts=True)
        found = (
            np.bincount(sites.ravel(), atoms.occupancies) > 1.0 + ROUNDING,
            repeats - 1,
            atoms.b_factors < 0,
            atoms.b_factors == 0,
            atoms.occupancies < 0,
        )
        for what, each in zip(counts, found, strict=True):
            counts[what] += int(np.sum(each))
    return [f"{count} {what}" for what, count in counts.items() if count]


def _name_sites(atoms: Atoms, *, with_alternates: bool) -> NDArray[np.int64]:
    """Numbers that are equal for atoms of one name, residue and chain: ``(n, fields)``."""
    columns = [atoms.chains, atoms.residue_numbers, atoms.names]
    if with_alternates:
        columns += [atoms.alternates, atoms.residue_names]
    return np.stack(
        [np.unique(column, return_inverse=True)[1].ravel() for column in columns], axis=1
    )


def _choose_alternates(atoms: Atoms, which: str) -> Atoms:
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
    _, site = np.unique(_name_sites(atoms, with_alternates=False), axis=0, return_inverse=True)
    sums = np.bincount(site.ravel(), atoms.occupancies)
    occupancies = np.where(has_alternates, sums[site.ravel()], atoms.occupancies)
    return dataclasses.replace(atoms, occupancies=occupancies)[is_kept]
