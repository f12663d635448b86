"""``numbavol compare``: how well a model's map and another map agree."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from numbavol.cli.correlations import (
    check_outputs,
    correlation_options,
    read_like,
    say_correlation,
    write_correlation,
)
from numbavol.cli.model_options import model_options, read_options
from numbavol.cli.options import FiniteNumber, name_options
from numbavol.cli.output import Report


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("map_file", metavar="MAP", type=click.Path(path_type=Path))
@click.option(
    "--resolution", type=FiniteNumber(click.FloatRange(min=0, min_open=True)), metavar="A",
    help="Blur the model's map by a Gaussian that falls to 1/e there, besides B-factors.",
)  # fmt: skip
@model_options
@correlation_options
def compare(
    model: Path,
    map_file: Path,
    mask: Path | None,
    resolution: float | None,
    plot: Path | None,
    threads: int | None,
    overwrite: bool,
    page: Path | None,
    quiet: bool,
    as_json: bool,
    **atoms_that_count: Any,
) -> None:
    """Compare the map of MODEL (PDB or mmCIF) with MAP, on the grid of MAP.

    The real-space correlation is that of the voxels' values around their means (Pearson), in the
    whole box or, with --mask, weighted by the mask. The Fourier shell correlation is that of
    numbavol fsc; 0.5 is the custom for a map and a model.

    \b
    Examples:
      numbavol compare model.cif map.mrc --mask mask.mrc --plot fsc.png
      numbavol compare model.cif map.mrc --resolution 4 --waters drop
    """
    import numbavol
    from numbavol.cli.comparing import check_comparison_fits, check_mask, correlate_voxels
    from numbavol.cli.map_grid import MapGrid
    from numbavol.cli.models import read_model
    from numbavol.cli.resolutions import blur
    from numbavol.io.wanted_maps import read_wanted_map

    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    check_outputs(plot, page, map_file, (model, mask), overwrite)
    grid = MapGrid.like(map_file, "MAP")
    read = read_wanted_map(map_file)
    check_comparison_fits(read.data, is_masked=mask is not None)
    weights = None
    if mask is not None:
        weights = read_like(read, map_file, mask, report).data
        check_mask(weights, mask)
    options = read_options(atoms_that_count)
    atoms, center = read_model(model, options, report, grid.center)
    if resolution is not None:
        atoms = blur(atoms, resolution)
    moved = dataclasses.replace(atoms, positions=atoms.positions + (center - grid.center))
    grid.say_atoms_outside(moved.positions, report)
    with name_options(options.names_for(model) | grid.names):
        volume = numbavol.make_gaussian_mixture(moved)
        of_model = numbavol.GaussianMixtureRenderFn(grid.shape, grid.voxel_sides)(volume)
    found = correlate_voxels(read.data, of_model, weights)
    if found is None:
        report.warn("one of the two maps is constant; a correlation with it is taken for 0")
    report.say(
        f"real space  correlation {found or 0.0:.4f}"
        + ("" if mask is None else ", within the mask"),
        real_space_correlation=found or 0.0,
    )
    data = read.data
    if weights is not None:
        data, of_model = data * weights, of_model * weights
    curve = say_correlation(data, of_model, grid.voxel_size, report)
    write_correlation(curve, f"{model} and {map_file}", plot, page, report, overwrite)
    report.finish()
