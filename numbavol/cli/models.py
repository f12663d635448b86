"""Models as commands read them: atoms, and what is said of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import gemmi
import numpy as np

from numbavol.atoms.assemblies import join_atoms
from numbavol.atoms.loading import center_together, load_with_notes
from numbavol.cli.copies import copy_models
from numbavol.cli.options import name_options
from numbavol.cli.output import Report, count_elements, plural

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.atoms.loading import LoadedAtoms
    from numbavol.cli.model_options import ModelOptions


def read_model(
    filename: Path,
    options: ModelOptions,
    report: Report,
    box_center: NDArray[np.float64] | None = None,
) -> tuple[Atoms, NDArray[np.float64]]:
    """Read the atoms of a file, and say which; of an ensemble, so that they are its mean.

    Parameters
    ----------
    filename
        PDB or mmCIF.
    options
        Which atoms.
    report
        Says what was read.
    box_center
        That of the map that the model lies in, ``(3,)``; None where there is none.

    Returns
    -------
    Atoms
        The atoms around the centre of mass, of an ensemble that of its first model.
    NDArray
        Where that was, ``(3,)``.
    """
    models, center = read_models(filename, options, report, "their mean", box_center)
    atoms = join_atoms(models)
    return dataclasses.replace(atoms, occupancies=atoms.occupancies / len(models)), center


def read_models(
    filename: Path,
    options: ModelOptions,
    report: Report,
    use: str,
    box_center: NDArray[np.float64] | None = None,
) -> tuple[list[Atoms], NDArray[np.float64]]:
    """Read the models of a file that are an ensemble, or else one, and say which.

    Parameters
    ----------
    filename, options, report, box_center
        As in `read_model`.
    use
        Says what is made of an ensemble.

    Returns
    -------
    list of Atoms
        Around the centre of mass of the first.
    NDArray
        Where that was, ``(3,)``.
    """
    with name_options(options.names):
        loaded = load_with_notes(filename, options.load_options)
        models, notes, problems = copy_models(loaded.models, filename, options, box_center)
    if options.is_ensemble:
        notes = [*notes, f"an ensemble of {plural(len(models), 'model')}: {use}"]
    else:
        models = [join_atoms(models)]
    _say_what_was_read(filename, options, loaded, models, [*loaded.notes, *notes], report)
    for problem in problems:
        report.warn(f"{filename}: {problem}")
    with name_options(options.names):
        return center_together(models)


def _say_what_was_read(
    filename: Path,
    options: ModelOptions,
    loaded: LoadedAtoms,
    models: list[Atoms],
    notes: list[str],
    report: Report,
) -> None:
    atoms, n_sites = join_atoms(models), loaded.n_sites
    elements = _count_symbols(atoms.atomic_numbers)
    used = {
        "first": [next(iter(n_sites))],
        "all": list(n_sites),
        "ensemble": list(n_sites),
    }.get(options.models, [options.models])
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
    if notes:
        report.say(f"model   {'; '.join(notes)}", notes=notes)
    for problem in loaded.problems:
        # The library speaks to programs.
        text = problem.replace("b_factors can be", "--b-factors can be")
        report.warn(f"{filename}: {text}")
    scale, offset = options.b_factor_scale, options.b_factor_offset
    changed = f", times {scale:g}" if scale != 1.0 else ""
    changed += f", {'plus' if offset > 0 else 'minus'} {abs(offset):g} A^2" if offset else ""
    if options.b_factors == "file":
        described_b = f"of the file{changed}, mean {atoms.b_factors.mean():.1f} A^2"
    elif options.b_factors == "none":
        described_b = f"none{changed}"
    else:
        described_b = f"{float(options.b_factors):g} A^2{changed}"
    n_partial = int(np.count_nonzero(atoms.occupancies != 1.0))
    weighted = f", {plural(n_partial, 'atom')} weighted by occupancy" if n_partial else ""
    report.say(
        f"atoms   B-factors {described_b}{weighted}",
        b_factors=options.b_factors,
        b_factor_scale=scale,
        b_factor_offset=offset,
        n_partial_occupancies=n_partial,
    )


def _count_symbols(atomic_numbers: NDArray[np.int64]) -> dict[str, int]:
    numbers, counts = np.unique(atomic_numbers, return_counts=True)
    return {
        gemmi.Element(int(number)).name: int(count)
        for number, count in zip(numbers, counts, strict=True)
    }
