"""``numbavol render``: a structure file to a potential map."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import (
    device_option,
    json_option,
    overwrite_option,
    quiet_option,
    report_option,
    threads_option,
)
from numbavol.cli.html_report import check_page, picture_map, write_page
from numbavol.cli.model_options import model_options, read_options
from numbavol.cli.options import (
    SIDE,
    FiniteNumber,
    WordOrNumber,
    name_options,
    read_device,
    refuse_without_effect,
)
from numbavol.cli.output import UNIT_LABEL, Report, check_inputs_stay, check_map_name, check_output
from numbavol.progress import progress_bar

if TYPE_CHECKING:
    from numbavol.cli.map_grid import MapGrid
    from numbavol.rendering import GaussianMixtureRenderFn
    from numbavol.volumes import GaussianMixtureVolume

# rendering.windows.DEFAULT_TOLERANCE, which --help is not to import NumPy for.
DEFAULT_TOLERANCE = 1e-6


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The map to write (MRC; gzipped if it ends in .gz).",
)  # fmt: skip
@click.option(
    "--voxel-size", type=SIDE, default=1.0, show_default=True, metavar="A",
    help="Side of a voxel in angstroms.",
)  # fmt: skip
@click.option(
    "--box", type=WordOrNumber(("auto", "fit"), click.IntRange(min=1)), default="auto",
    show_default=True, metavar="N|auto|fit",
    help="Voxels of a side of the map; auto is a cube that holds the whole model, fit a box.",
)  # fmt: skip
@click.option(
    "--margin", type=FiniteNumber(click.FloatRange(min=0)), default=0.0, show_default=True,
    metavar="A", help="Leave so much around the model, with --box auto or fit, in angstroms.",
)  # fmt: skip
@click.option(
    "--like", type=click.Path(path_type=Path), metavar="MAP",
    help="Render on the grid of another map: its voxel size, shape, place and order of axes.",
)  # fmt: skip
@click.option(
    "--resolution", type=FiniteNumber(click.FloatRange(min=0, min_open=True)), metavar="A",
    help="Blur the map to this resolution in angstroms, besides B-factors.",
)  # fmt: skip
@click.option(
    "--resolution-by", type=click.Choice(["gaussian", "sharp", "soft"]), default="gaussian",
    show_default=True,
    help="gaussian: times a Gaussian that falls to 1/e at the resolution, as molmap. sharp: "
    "nothing finer than the resolution, and all else. soft: the same, but falls over the last "
    "tenth of the frequencies that are left.",
)  # fmt: skip
@click.option(
    "--unit", type=click.Choice(["angstrom^-2", "volt"]), default="angstrom^-2",
    show_default=True, help="Of the map's values: the rescaled potential, or volts.",
)  # fmt: skip
@model_options
@click.option(
    "--solvent", type=click.Choice(["none", "bulk", "hydration"]), default="none",
    show_default=True,
    help="Add the vitreous ice around the model, less than ice everywhere: 0 far away, and what "
    "the model displaces. bulk is of one density, hydration has the layers of water at a protein.",
)  # fmt: skip
@click.option(
    "--tolerance", type=FiniteNumber(click.FloatRange(min=0, max=1, max_open=True)),
    default=DEFAULT_TOLERANCE, show_default=True, metavar="T",
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
    margin: float,
    like: Path | None,
    resolution: float | None,
    resolution_by: str,
    unit: str,
    solvent: str,
    tolerance: float,
    method: str,
    device: str,
    threads: int | None,
    overwrite: bool,
    page: Path | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **atoms_that_count: Any,
) -> None:
    """Render the electrostatic potential of MODEL (PDB or mmCIF, gzipped or not) as a map.

    Voxels are averages of the rescaled potential, in inverse square angstroms. The map is
    centred on the model's centre of mass, or lies as another map does; its header places it on the
    model's coordinates. Atoms count by their occupancy.

    \b
    Examples:
      numbavol render 1tii.cif.gz -o 1tii.mrc --voxel-size 1.0
      numbavol render model.pdb -o model.mrc --box 256 --b-factors none --select '//A,B'
      numbavol render model.cif -o model.mrc --like map.mrc --resolution 3.5
    """
    import numpy as np

    import numbavol
    from numbavol.cli.map_grid import MapGrid
    from numbavol.cli.methods import choose_method
    from numbavol.cli.models import read_model
    from numbavol.cli.resolutions import blur, limit
    from numbavol.cli.solvents import render_solvent
    from numbavol.imaging.water import VOLTS_OF_ONE

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    check_map_name(output)
    check_output(output, model, "model", overwrite)
    check_inputs_stay((output, page), (model, like))
    check_page(page, model, (output,), overwrite)
    if like is not None:
        refuse_without_effect(("voxel_size", "box", "margin"), "--like gives the grid")
    elif box not in ("auto", "fit"):
        refuse_without_effect(("margin",), f"--box {box:g} gives the box")
    if resolution is None:
        refuse_without_effect(("resolution_by",), "there is no --resolution")
    if solvent != "none" and atoms_that_count["models"] == "ensemble":
        msg = "--solvent: the models of an ensemble displace it each in its place; see --models"
        raise click.UsageError(msg)
    # Before the model, which takes longer.
    grid = None if like is None else MapGrid.like(like)
    box_center = None if grid is None else grid.center
    options = read_options(atoms_that_count)
    atoms, center = read_model(model, options, report, box_center)
    blurred_to = resolution if resolution_by == "gaussian" else None
    if blurred_to is not None:
        atoms = blur(atoms, blurred_to)
    if grid is not None:
        atoms = dataclasses.replace(atoms, positions=atoms.positions + (center - grid.center))
    with name_options(options.names_for(model)):
        volume = numbavol.make_gaussian_mixture(atoms)
    if grid is None:
        grid = MapGrid.around(volume, center, voxel_size, box, margin, tolerance, blurred_to)
    where = read_device(device)
    with name_options(grid.names):
        mixture = numbavol.GaussianMixtureRenderFn(
            grid.shape, grid.voxel_sides, tolerance=tolerance, device=where
        )
    if where != "cpu" and method == "auto":
        # What each takes is predicted for the CPU.
        method = "gaussian"
    _say_what_is_rendered(volume, mixture, grid, report)
    with name_options(grid.names):
        chosen, render_map = choose_method(
            method, atoms, volume, mixture, grid, report, verbose=verbose
        )
        with progress_bar("rendering", is_wanted=report.shows_progress) as progress:
            real_voxel_grid = render_map(progress)
        if solvent != "none":
            real_voxel_grid += render_solvent(solvent, atoms, grid, blurred_to, report)
        if resolution is not None:
            real_voxel_grid = limit(real_voxel_grid, grid, resolution, resolution_by, report)
    scale = VOLTS_OF_ONE if unit == "volt" else 1.0
    if unit == "volt":
        real_voxel_grid *= np.float32(scale)
        report.say(f"unit    volts, {scale:.4f} of an inverse square angstrom", unit=unit)
    numbavol.write_map(
        output,
        real_voxel_grid,
        grid.voxel_size,
        origin=grid.written_origin,
        nstart=grid.nstart,
        intervals=grid.intervals,
        axis_order=grid.axis_order,
        labels=[f"{UNIT_LABEL}{unit}"],
        overwrite=overwrite,
    )

    volume_of_a_voxel = float(np.prod(grid.voxel_size))
    total = float(np.sum(real_voxel_grid, dtype=np.float64)) * volume_of_a_voxel
    expected = float(volume.amplitudes.sum()) * scale
    unit_of_sums = "V A^3" if unit == "volt" else "A"
    seconds = time.perf_counter() - began
    report.say(
        f"wrote   {output}: sum x voxel volume = {total:.2f} {unit_of_sums}, of {expected:.2f} "
        f"{unit_of_sums} in the model; {seconds:.2f} s",
        output=str(output),
        method=chosen,
        origin=grid.origin.tolist(),
        integral=total,
        sum_of_amplitudes=expected,
        maximum=float(real_voxel_grid.max()),
        seconds=seconds,
    )
    if page is not None:
        write_page(page, report, [picture_map(real_voxel_grid, grid.voxel_size)], overwrite)
        report.say(f"report  {page}", report=str(page))
    report.finish()


def _say_what_is_rendered(
    volume: GaussianMixtureVolume, mixture: GaussianMixtureRenderFn, grid: MapGrid, report: Report
) -> None:
    import numpy as np

    from numbavol.cli.placed_map import describe_shape
    from numbavol.notebooks import describe_sides

    tolerance, sides = mixture.tolerance, grid.voxel_sides
    is_cube = len(set(grid.shape)) == 1 and not isinstance(sides, tuple)
    if is_cube:
        length = grid.shape[0] * float(grid.voxel_size[0])
        described = f"{grid.shape[0]}^3 voxels of {sides:g} A ({length:.6g} A)"
    else:
        size = describe_sides(grid.voxel_size, 6)
        described = f"{describe_shape(grid.shape)} voxels (x, y, z) of {size} A"
    report.say(
        f"render  {described}{grid.described}, tolerance {tolerance:g}",
        shape=list(grid.shape),
        voxel_size=sides if isinstance(sides, float) else list(sides),
        tolerance=tolerance,
    )
    grid.say_atoms_outside(volume.positions, report)
    if not np.any(volume.amplitudes):
        report.warn("all occupancies are 0, and so is the map")
