"""`load_atoms`: a structure file to the atoms that are meant, and what is odd about them."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from numbavol.atoms.anisotropy import count_anisotropic, make_isotropic
from numbavol.atoms.assemblies import find_assembly, join_atoms
from numbavol.atoms.atoms import atoms_of
from numbavol.atoms.hydrogens import add_hydrogens
from numbavol.atoms.load_options import LoadOptions
from numbavol.atoms.reading import choose_models, tabulate_selected
from numbavol.atoms.sites import (
    WATERS,
    choose_alternates,
    find_crowded_sites,
    find_odd_values,
)
from numbavol.atoms.structure_file import parse_structure_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from numbavol.atoms.atoms import Atoms


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

    models: tuple[Atoms, ...]
    format: str
    n_sites: dict[int, int]
    """How many atoms each model of the file has."""
    n_selected: int
    """How many of them were named by the selection, in the models that were asked for."""
    notes: tuple[str, ...]
    """What was done to what the file says."""
    problems: tuple[str, ...]
    """What is odd in it, with counts."""

    @property
    def atoms(self) -> Atoms:
        """The atoms of all models that were asked for, one after the other."""
        return join_atoms(self.models)

    def warn(self, filename: str | os.PathLike[str], stacklevel: int) -> None:
        """Warn of what is odd."""
        for problem in self.problems:
            warnings.warn(f"{filename}: {problem}", StructureWarning, stacklevel=stacklevel + 1)


def load_atoms(
    filename: str | os.PathLike[str],
    *,
    selection_string: str = "all",
    models: Literal["first", "all"] | int = "first",
    alternates: str = "all",
    hydrogens: Literal["keep", "drop", "add"] = "keep",
    waters: Literal["keep", "drop"] = "keep",
    b_factors: Literal["file"] | float = "file",
    b_factor_scale: float = 1.0,
    b_factor_offset: float = 0.0,
    assembly: str | None = None,
    monomer_library: str | os.PathLike[str] | None = None,
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
        keeps, of each residue, the one of the highest mean occupancy; a letter keeps that one where
        the residue has it, and else the highest. What is kept then counts as much as all alternates
        of its site, or of its residue where the site has not all of them. A site that is full
        without the one that is kept keeps its own highest.
    hydrogens
        ``"keep"`` those of the file, ``"drop"`` them, or ``"add"`` them in their place: where bonds
        and angles of a monomer library put them, with the B-factor, occupancy and alternate of the
        atom that they ride on. Those that its angles do not settle, as of a hydroxyl group, and
        HD1 and HE2 of histidines have an occupancy of 0. Waters stay as they are. Deuterium is
        hydrogen.
    waters
        ``"keep"`` those of the file, or ``"drop"`` them.
    b_factors
        ``"file"``, or one value in square angstroms in place of them. Anisotropic atoms of a file
        have the isotropic equivalent, a third of the trace.
    b_factor_scale, b_factor_offset
        B becomes ``scale * B + offset``, of whichever it is; the offset is in square angstroms.
    assembly
        The name of a biological assembly of the file, as in ``"1"``; by default the atoms as they
        are deposited.
    monomer_library
        The folder of a monomer library, as CCP4 has it, for ``hydrogens="add"``; by default that
        of the environment variable ``CLIBD_MON``.

    Returns
    -------
    Atoms
        Where the file has them. Atoms of unknown element are left out.

    Warns
    -----
    StructureWarning
        With counts, if occupancies at a site sum to more than 1, B-factors are 0 or below or not
        there, atoms occur twice, or their element is unknown; if there are alternates, but none of
        the letter that is to be kept; if B-factors are the confidence of a prediction.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a structure or is damaged, a number in it is missing, an option is another,
        nothing is left, or hydrogens are to be added and there is no monomer library, it does not
        have a residue, or one cannot be placed.

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
    options = LoadOptions(
        selection_string=selection_string,
        models=models,
        alternates=alternates,
        hydrogens=hydrogens,
        waters=waters,
        b_factors=b_factors,
        b_factor_scale=b_factor_scale,
        b_factor_offset=b_factor_offset,
        assembly=assembly,
        monomer_library=monomer_library,
    )
    loaded = load_with_notes(filename, options)
    loaded.warn(filename, stacklevel=2)
    return loaded.atoms


def load_with_notes(filename: str | os.PathLike[str], options: LoadOptions) -> LoadedAtoms:
    """Read atoms as `load_atoms` does, and say what was done and what is odd."""
    parsed = parse_structure_file(filename)
    structure = parsed.structure
    assembly = options.assembly
    operators = None if assembly is None else find_assembly(filename, structure, assembly)
    numbers = choose_models(filename, options.models, [model.num for model in structure])
    notes: list[str] = []
    problems: list[str] = []
    uses_the_files = options.b_factors == "file"
    if uses_the_files and parsed.n_without_b_factor:
        problems.append(f"{parsed.n_without_b_factor} atoms without a B-factor: 20 A^2 is taken")
    if uses_the_files and parsed.has_confidences:
        problems.append(
            "its B-factors are the confidence of a prediction (pLDDT), which blurs most what is "
            "surest: b_factors can be one value for all"
        )
    # Before hydrogens, which have those of the atoms that they ride on.
    n_anisotropic = make_isotropic(structure, numbers) if uses_the_files else 0
    if options.hydrogens == "add":
        added = add_hydrogens(
            filename, structure, numbers, options.selection_string, options.monomer_library
        )
        notes += added.notes
        problems += added.problems
    n_sites = {model.num: model.count_atom_sites() for model in structure}
    table = tabulate_selected(filename, structure, options.selection_string, numbers)
    if n_anisotropic and (n_selected := count_anisotropic(structure, numbers)):
        notes.append(f"{n_selected} anisotropic B-factors as their isotropic equivalents")
    parts = [atoms_of(part) for part in table.split(numbers)]
    n_selected = sum(map(len, parts))
    if options.waters == "drop":
        parts = _leave_out(parts, lambda part: np.isin(part.residue_names, WATERS), "waters", notes)
    if options.hydrogens == "drop":
        parts = _leave_out(parts, lambda part: part.atomic_numbers == 1, "hydrogens", notes)
    parts = _leave_out(
        parts, lambda part: part.atomic_numbers == 0, "atoms of unknown element", problems
    )
    parts = [_change_b_factors(part, options) for part in parts]
    problems += find_crowded_sites(parts)
    if options.alternates != "all":
        problems += _find_missing_letter(parts, options.alternates)
        n_before = sum(map(len, parts))
        parts = [choose_alternates(part, options.alternates) for part in parts]
        if n_left_out := n_before - sum(map(len, parts)):
            notes.append(f"{n_left_out} alternates left out")
    problems += find_odd_values(parts, b_factors_are_the_files=uses_the_files)
    if not any(map(len, parts)):
        msg = f"{filename}: nothing is left of it: {', '.join(notes + problems)}"
        raise ValueError(msg)
    if operators is not None:
        copied = [operators.apply(part) for part in parts]
        if not any(map(len, copied)):
            chains = sorted({str(chain) for part in parts for chain in part.chains})
            msg = (
                f"{filename}: assembly {assembly!r} has nothing of chains {', '.join(chains)}, "
                f"which are left; it copies {operators.describe_chains()}"
            )
            raise ValueError(msg)
        parts = copied
        notes.append(f"assembly {assembly}: {operators.describe()}")
    return LoadedAtoms(
        tuple(parts), parsed.format, n_sites, n_selected, tuple(notes), tuple(problems)
    )


def center_together(models: Sequence[Atoms]) -> tuple[list[Atoms], NDArray[np.float64]]:
    """Move models by one shift, so that the centre of mass of the first is the origin.

    Returns the models, and where that centre was.

    Raises
    ------
    ValueError
        If one has no atoms.
    """
    for number, atoms in enumerate(models, 1):
        if len(atoms) == 0:
            msg = f"models: expected atoms in each, number {number} of {len(models)} has none left"
            raise ValueError(msg)
    center = models[0].center_of_mass
    moved = [dataclasses.replace(each, positions=each.positions - center) for each in models]
    return moved, center


def _find_missing_letter(parts: list[Atoms], alternates: str) -> list[str]:
    letters = {str(letter) for part in parts for letter in np.unique(part.alternates)} - {""}
    if alternates == "highest" or not letters or alternates in letters:
        return []
    return [f"no alternate {alternates!r}, only {', '.join(sorted(letters))}: the highest are kept"]


def _change_b_factors(atoms: Atoms, options: LoadOptions) -> Atoms:
    given = options.b_factors
    b = atoms.b_factors if given == "file" else np.full(len(atoms), float(given))
    changed = options.b_factor_scale * b + options.b_factor_offset
    return dataclasses.replace(atoms, b_factors=changed)


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
