"""Models as commands read them: atoms, and what is said of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np

import numbavol
from numbavol.atoms.loading import load_with_notes
from numbavol.cli.output import Report, count_elements, plural

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.atoms.loading import LoadedAtoms
    from numbavol.cli.options import Helix


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """Which atoms of a file are meant, and how they count: the options of the same names."""

    b_factors: str | float
    models: Any
    select: str
    alternates: str
    hydrogens: str
    waters: str
    assembly: str | None
    symmetry: str | None
    helix: Helix | None


def read_model(
    filename: Path, options: ModelOptions, report: Report
) -> tuple[Atoms, NDArray[np.float64]]:
    """Read the atoms of a file, and say which.

    Parameters
    ----------
    filename
        PDB or mmCIF.
    options
        Which atoms.
    report
        Says what was read.

    Returns
    -------
    Atoms
        The atoms around their centre of mass.
    NDArray
        Where that was, ``(3,)``.
    """
    loaded = load_with_notes(
        filename,
        selection_string=options.select,
        models=options.models,
        alternates=options.alternates,
        hydrogens=options.hydrogens,
        waters=options.waters,
        b_factors=0.0 if options.b_factors == "none" else options.b_factors,  # type: ignore[arg-type]
        b_factor_scale=1.0,
        b_factor_offset=0.0,
        assembly=options.assembly,
    )
    loaded = _copy(loaded, options)
    atoms = loaded.atoms
    _say_what_was_read(filename, options, loaded, report)
    center = atoms.center_of_mass
    return dataclasses.replace(atoms, positions=atoms.positions - center), center


def _copy(loaded: LoadedAtoms, options: ModelOptions) -> LoadedAtoms:
    """Make the copies of a point group, and then those of a helix."""
    atoms, notes = loaded.atoms, list(loaded.notes)
    if options.symmetry is not None:
        rotations = numbavol.make_symmetry_rotations(options.symmetry).as_matrix()
        atoms = atoms.repeat(rotations, np.zeros((len(rotations), 3)))
        notes.append(f"{len(rotations)} copies by symmetry {options.symmetry}")
    if options.helix is not None:
        helix = numbavol.make_helical_operators(*options.helix)
        atoms = atoms.repeat(helix.rotations, helix.translations)
        notes.append(f"{options.helix.n_subunits} copies along a helix")
    return loaded._replace(atoms=atoms, notes=tuple(notes))


def _say_what_was_read(
    filename: Path, options: ModelOptions, loaded: LoadedAtoms, report: Report
) -> None:
    atoms, n_sites = loaded.atoms, loaded.n_sites
    elements = _count_symbols(atoms.atomic_numbers)
    used = {"all": list(n_sites), "first": [next(iter(n_sites))]}.get(
        options.models, [options.models]
    )
    left_out = {
        "models": len(n_sites) - len(used),
        "atoms": sum(n_sites[number] for number in used) - loaded.n_selected,
    }
    reasons = {"models": "model{} of the file", "atoms": "atom{} that --select does not name"}
    described = [
        f"{count} {reasons[what].format('' if count == 1 else 's')}"
        for what, count in left_out.items()
        if count
    ]
    report.say(
        f"read    {filename} ({loaded.format}): {plural(len(atoms), 'atom')} "
        f"({count_elements(elements)})"
        + (f"; left out: {', '.join(described)}" if described else ""),
        model=str(filename),
        format=loaded.format,
        n_atoms=len(atoms),
        elements=elements,
        left_out=left_out,
    )
    if loaded.notes:
        report.say(f"model   {'; '.join(loaded.notes)}", notes=list(loaded.notes))
    for problem in loaded.problems:
        report.warn(f"{filename}: {problem}")
    if options.b_factors == "file":
        described_b = f"of the file, mean {atoms.b_factors.mean():.1f} A^2"
    elif options.b_factors == "none":
        described_b = "none"
    else:
        described_b = f"{float(options.b_factors):g} A^2"
    n_partial = int(np.count_nonzero(atoms.occupancies != 1.0))
    weighted = f", {plural(n_partial, 'atom')} weighted by occupancy" if n_partial else ""
    report.say(
        f"atoms   B-factors {described_b}{weighted}",
        b_factors=options.b_factors,
        n_partial_occupancies=n_partial,
    )


def _count_symbols(atomic_numbers: NDArray[np.int64]) -> dict[str, int]:
    numbers, counts = np.unique(atomic_numbers, return_counts=True)
    return {
        gemmi.Element(int(number)).name: int(count)
        for number, count in zip(numbers, counts, strict=True)
    }
