"""``numbavol render``: a structure file to a potential map."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from numbavol.cli.common_options import (
    device_option,
    json_option,
    overwrite_option,
    quiet_option,
    report_option,
    threads_option,
)
from numbavol.cli.html_report import Picture, check_page, write_page
from numbavol.cli.model_options import model_options
from numbavol.cli.options import LARGEST_SIDE, WordOrNumber, read_device
from numbavol.cli.output import Report, check_output, plural
from numbavol.progress import progress_bar

if TYPE_CHECKING:
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
@model_options
@click.option(
    "--tolerance", type=click.FloatRange(min=0, max=1, max_open=True), default=DEFAULT_TOLERANCE,
    show_default=True, metavar="T",
    help="Share of the map that may be left out in far tails; 0 leaves out nothing.",
)  # fmt: skip
@click.option(
    "--method", type=click.Choice(["auto", "gaussian", "fft"]), default="auto", show_default=True,
    help="gaussian averages the potential over voxels; fft averages what it has of frequencies "
    "that the voxels can hold, in a box that repeats itself. auto takes the faster one where both "
    "are the same to --tolerance, and gaussian elsewhere.",
)  # fmt: skip
@device_option
@threads_option
@overwrite_option
@report_option
@click.option("--verbose", is_flag=True, help="Say what each method is predicted to take.")
@quiet_option
@json_option
def render(
    model: Path,
    output: Path,
    voxel_size: float,
    box: str | float,
    b_factors: str | float,
    tolerance: float,
    models: str | float,
    select: str,
    alternates: str,
    hydrogens: str,
    waters: str,
    assembly: str | None,
    method: str,
    device: str,
    threads: int | None,
    overwrite: bool,
    page: Path | None,
    verbose: bool,
    quiet: bool,
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
    from numbavol.cli.models import ModelOptions, read_model

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    check_output(output, model, "model", overwrite)
    check_page(page, model, (output,), overwrite)
    options = ModelOptions(b_factors, models, select, alternates, hydrogens, waters, assembly)
    atoms, center = read_model(model, options, report)
    volume = numbavol.make_gaussian_mixture(atoms)

    n_voxels = _box_that_holds(volume, voxel_size, tolerance) if box == "auto" else int(box)
    where = read_device(device)
    mixture = numbavol.GaussianMixtureRenderFn(
        (n_voxels,) * 3, voxel_size, tolerance=tolerance, device=where
    )
    if where != "cpu" and method == "auto":
        # What each takes is predicted for the CPU.
        method = "gaussian"
    _say_what_is_rendered(volume, mixture, box, report)
    chosen, render_map = choose_method(method, atoms, volume, mixture, report, verbose=verbose)
    with progress_bar("rendering", is_wanted=report.shows_progress) as progress:
        real_voxel_grid = render_map(progress)
    origin = center - (n_voxels // 2) * voxel_size
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
    if page is not None:
        from numbavol.plot import draw_map

        caption = "Central sections, projections, power spectrum and histogram of the map."
        pictures = [Picture(caption, draw_map(real_voxel_grid, voxel_size))]
        write_page(page, report, pictures, overwrite)
        report.say(f"report  {page}", report=str(page))
    report.finish()


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
