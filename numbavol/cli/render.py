"""``numbavol render``: a structure file to a potential map."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.options import LARGEST_SIDE, WordOrNumber
from numbavol.cli.output import Report, check_output, count_elements, plural
from numbavol.progress import progress_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from numbavol.atoms import AtomProperties
    from numbavol.cli.methods import Model
    from numbavol.rendering import GaussianMixtureRenderFn
    from numbavol.volumes import GaussianMixtureVolume

# rendering.gaussian_mixture.DEFAULT_TOLERANCE, which --help is not to import NumPy for.
DEFAULT_TOLERANCE = 1e-6


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The map to write (MRC; gzipped if it ends in .gz).",
)  # fmt: skip
@click.option(
    "--voxel-size", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
    metavar="A", help="Side of a voxel in angstroms.",
)  # fmt: skip
@click.option(
    "--box", type=WordOrNumber(("auto",), click.IntRange(min=1)), default="auto",
    show_default=True, metavar="N|auto",
    help="Voxels of a side of the map; auto holds the whole model.",
)  # fmt: skip
@click.option(
    "--b-factors", type=WordOrNumber(("file", "none"), click.FLOAT), default="file",
    show_default=True, metavar="file|none|VALUE",
    help="B-factors: the file's, none, or one value in square angstroms.",
)  # fmt: skip
@click.option(
    "--tolerance", type=click.FloatRange(min=0, max=1, max_open=True), default=DEFAULT_TOLERANCE,
    show_default=True, metavar="T",
    help="Share of the map that may be left out in far tails; 0 leaves out nothing.",
)  # fmt: skip
@click.option(
    "--models", type=WordOrNumber(("first", "all"), click.INT), default="first",
    show_default=True, metavar="first|all|NUMBER", help="Models of the file.",
)  # fmt: skip
@click.option(
    "--select", default="all", show_default=True, metavar="SELECTION",
    help="Atoms, in gemmi's selection language: '//A' is chain A, '[!H]' all but hydrogen.",
)  # fmt: skip
@click.option(
    "--method", type=click.Choice(["auto", "gaussian", "fft"]), default="auto", show_default=True,
    help="gaussian averages the potential over voxels; fft averages what it has of frequencies "
    "that the voxels can hold, in a box that repeats itself. auto takes the faster one where both "
    "are the same to --tolerance, and gaussian elsewhere.",
)  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads; by default all CPUs.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the map if it exists.")
@click.option("--verbose", is_flag=True, help="Say what each method is predicted to take.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def render(
    model: Path,
    output: Path,
    voxel_size: float,
    box: str | float,
    b_factors: str | float,
    tolerance: float,
    models: str | float,
    select: str,
    method: str,
    threads: int | None,
    overwrite: bool,
    verbose: bool,
    as_json: bool,
) -> None:
    """Render the electrostatic potential of MODEL (PDB or mmCIF, gzipped or not) as a map.

    Voxels are averages of the rescaled potential, in inverse square angstroms. The map is
    centred on the model's centre of mass, and its header places it on the model's coordinates.
    Atoms count by their occupancy.

    \b
    Examples:
      numbavol render 1tii.cif.gz -o 1tii.mrc --voxel-size 1.0
      numbavol render model.pdb -o model.mrc --box 256 --b-factors none --select '//A,B'
    """  # noqa: D301
    import numpy as np

    import numbavol
    from numbavol.cli.methods import choose_method

    began = time.perf_counter()
    report = Report(as_json)
    if threads is not None:
        numbavol.set_num_threads(threads)
    check_output(output, model, "model", overwrite)
    positions, atomic_numbers, properties = _read(model, models, select, report)
    atoms = _make_model(positions, atomic_numbers, properties, b_factors, report)
    volume = atoms.as_gaussians()

    n_voxels = _box_that_holds(volume, voxel_size, tolerance) if box == "auto" else int(box)
    mixture = numbavol.GaussianMixtureRenderFn((n_voxels,) * 3, voxel_size, tolerance=tolerance)
    _say_what_is_rendered(volume, mixture, box, report)
    chosen, render_map = choose_method(method, atoms, volume, mixture, report, verbose=verbose)
    with progress_bar("rendering") as progress:
        real_voxel_grid = render_map(progress)
    origin = properties["center"] - (n_voxels // 2) * voxel_size
    numbavol.write_map(output, real_voxel_grid, voxel_size, origin=origin, overwrite=overwrite)

    total = float(np.sum(real_voxel_grid, dtype=np.float64)) * voxel_size**3
    expected = float(volume.amplitudes.sum())
    seconds = time.perf_counter() - began
    report.say(
        f"wrote   {output}: sum x voxel volume = {total:.2f} A, of {expected:.2f} A in the model; "
        f"{seconds:.2f} s",
        output=str(output),
        method=chosen,
        origin=origin.tolist(),
        integral=total,
        sum_of_amplitudes=expected,
        maximum=float(real_voxel_grid.max()),
        seconds=seconds,
    )
    report.finish()


def _read(
    model: Path, models: Any, select: str, report: Report
) -> tuple[NDArray[np.float64], NDArray[np.int64], AtomProperties]:
    from numbavol.atoms.reading import take_atoms
    from numbavol.atoms.structure_file import parse_structure_file

    parsed = parse_structure_file(model)
    # Before the selection, which takes what it does not name out of the structure.
    n_sites = {part.num: part.count_atom_sites() for part in parsed.structure}
    positions, atomic_numbers, properties = take_atoms(
        model, parsed.structure, center=True, selection_string=select, models=models
    )
    elements = _count_symbols(atomic_numbers)
    atoms = f"{plural(len(positions), 'atom')} ({count_elements(elements)})"
    used = (
        list(n_sites) if models == "all" else [next(iter(n_sites)) if models == "first" else models]
    )
    left_out = {
        "models": len(n_sites) - len(used),
        "atoms": sum(n_sites[number] for number in used) - len(positions),
    }
    reasons = {"models": "model{} of the file", "atoms": "atom{} that --select does not name"}
    described = [
        f"{count} {reasons[what].format('' if count == 1 else 's')}"
        for what, count in left_out.items()
        if count
    ]
    report.say(
        f"read    {model} ({parsed.format}): {atoms}"
        + (f"; left out: {', '.join(described)}" if described else ""),
        model=str(model),
        format=parsed.format,
        n_atoms=len(positions),
        elements=elements,
        left_out=left_out,
    )
    return positions, atomic_numbers, properties


def _count_symbols(atomic_numbers: NDArray[np.int64]) -> dict[str, int]:
    import gemmi
    import numpy as np

    numbers, counts = np.unique(atomic_numbers, return_counts=True)
    return {
        gemmi.Element(int(number)).name: int(count)
        for number, count in zip(numbers, counts, strict=True)
    }


def _make_model(
    positions: NDArray[np.float64],
    atomic_numbers: NDArray[np.int64],
    properties: AtomProperties,
    b_factors: str | float,
    report: Report,
) -> Model:
    import numpy as np

    from numbavol.cli.methods import Model

    if b_factors == "file":
        extra = properties["b_factors"]
        described = f"of the file, mean {extra.mean():.1f} A^2"
    elif b_factors == "none":
        extra, described = np.zeros(len(positions)), "none"
    else:
        extra = np.full(len(positions), float(b_factors))
        described = f"{float(b_factors):g} A^2"
    occupancies = properties["occupancies"]
    n_partial = int(np.count_nonzero(occupancies != 1.0))
    weighted = f", {plural(n_partial, 'atom')} weighted by occupancy" if n_partial else ""
    report.say(
        f"atoms   B-factors {described}{weighted}",
        b_factors=b_factors,
        n_partial_occupancies=n_partial,
    )
    return Model(positions, atomic_numbers, extra, occupancies)


def _say_what_is_rendered(
    volume: GaussianMixtureVolume,
    mixture: GaussianMixtureRenderFn,
    box: str | float,
    report: Report,
) -> None:
    import numpy as np

    from numbavol.rendering.base import count_outside

    n_voxels, tolerance = mixture.shape[0], mixture.tolerance
    voxel_size = float(np.max(mixture.voxel_size))
    n_outside = count_outside(volume.positions, mixture.shape, mixture.voxel_size)
    report.say(
        f"render  {n_voxels}^3 voxels of {voxel_size:g} A ({n_voxels * voxel_size:.6g} A)"
        f"{', which holds the model' if box == 'auto' else ''}, tolerance {tolerance:g}",
        shape=[n_voxels] * 3,
        voxel_size=voxel_size,
        tolerance=tolerance,
        n_outside=n_outside,
    )
    if n_outside:
        report.warn(
            f"{plural(n_outside, 'atom')} of {len(volume.positions)} outside the box; "
            "--box auto holds them all"
        )
    if not np.any(volume.amplitudes):
        report.warn("all occupancies are 0, and so is the map")


def _box_that_holds(volume: GaussianMixtureVolume, voxel_size: float, tolerance: float) -> int:
    """Side in voxels, quick to transform, of a box outside which no rendered window reaches."""
    import math

    import numpy as np
    import scipy.fft

    from numbavol.arguments import read_voxel_size
    from numbavol.rendering.gaussian_mixture import reach_in_deviations

    read_voxel_size("voxel_size", voxel_size)
    reach = reach_in_deviations(tolerance) * np.sqrt(volume.variances.max(axis=1))
    half = float(np.max(np.abs(volume.positions) + reach[:, np.newaxis]))
    if half / voxel_size > LARGEST_SIDE:
        msg = (
            f"--voxel-size: the model takes {2 * half:.3g} A, with its B-factors, and so "
            f"{2 * half / voxel_size:.3g} voxels of {voxel_size:g} A a side"
        )
        raise ValueError(msg)
    side: int = scipy.fft.next_fast_len(2 * math.ceil(half / voxel_size + 0.5), real=True)
    # An even side: one voxel more below the centre than above it.
    while side % 2:
        side = scipy.fft.next_fast_len(side + 1, real=True)
    return side
