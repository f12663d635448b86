"""``numbavol fsc``: the Fourier shell correlation of two maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from numbavol.cli.common_options import (
    json_option,
    overwrite_option,
    quiet_option,
    report_option,
    threads_option,
)
from numbavol.cli.html_report import Picture, check_page, write_page
from numbavol.cli.output import Report, check_output
from numbavol.cli.pictures import check_picture, write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from numbavol.io import RealSpaceMap
    from numbavol.ndimage import FourierCorrelation

THRESHOLDS = (0.143, 0.5)


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--mask", type=click.Path(path_type=Path), help="A map that multiplies both.")
@click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE",
    help="Picture of the curve to write: .png, .svg or .pdf.",
)  # fmt: skip
@threads_option
@overwrite_option
@report_option
@quiet_option
@json_option
def fsc(
    first: Path,
    second: Path,
    mask: Path | None,
    plot: Path | None,
    threads: int | None,
    overwrite: bool,
    page: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Correlate two maps, FIRST and SECOND, over shells of equal frequency.

    The resolution is where the curve first falls below 0.143, the custom for two half maps, and
    below 0.5, the custom for a map and a model.

    \b
    Examples:
      numbavol fsc half1.mrc half2.mrc --mask mask.mrc --plot fsc.png
      numbavol fsc map.mrc model.mrc --json
    """  # noqa: D301
    import numbavol

    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    if plot is not None:
        check_picture("--plot", plot)
        check_output(plot, first, "map", overwrite)
    check_page(page, first, () if plot is None else (plot,), overwrite)
    one = numbavol.read_map(first)
    data, other = one.data, _read_like(one, first, second).data
    if mask is not None:
        weights = _read_like(one, first, mask).data
        data, other = data * weights, other * weights
    voxel_size = one.voxel_size if one.voxel_size is not None else 1.0
    unit = "A" if one.voxel_size is not None else "voxels"
    found = {
        threshold: numbavol.compute_fourier_shell_correlation(data, other, voxel_size, threshold)
        for threshold in THRESHOLDS
    }
    curve = found[THRESHOLDS[0]]
    if one.voxel_size is None:
        report.warn(f"{first} has no voxel size; frequencies are in cycles a voxel")
    report.say(
        f"shells      {len(curve.frequencies)}, up to {1 / curve.frequencies[-1]:.3g} {unit}"
        if len(curve.frequencies) > 1
        else "shells      1",
        frequencies=curve.frequencies.tolist(),
        correlation=curve.correlation.tolist(),
    )
    for threshold, correlation in found.items():
        report.say(
            f"FSC {threshold:<8g}{correlation.resolution:.2f} {unit}",
            **{f"resolution_at_{threshold:g}": correlation.resolution},
        )
    if plot is not None:
        write_picture(_draw(curve, unit), plot, overwrite)
        report.say(f"wrote       {plot}", plot=str(plot))
    if page is not None:
        caption = f"Fourier shell correlation of {first} and {second}."
        write_page(page, report, [Picture(caption, _draw(curve, unit))], overwrite)
        report.say(f"report      {page}", report=str(page))
    report.finish()


def _read_like(one: RealSpaceMap, first: Path, other: Path) -> RealSpaceMap:
    import numpy as np

    import numbavol

    read = numbavol.read_map(other)
    if read.data.shape != one.data.shape:
        msg = f"{other}: expected the shape of {first}, {one.data.shape}, got {read.data.shape}"
        raise ValueError(msg)
    ours, theirs = one.voxel_size, read.voxel_size
    # Headers keep float32, and programs round what they write.
    if ours is not None and theirs is not None and not np.allclose(ours, theirs, rtol=1e-3):
        msg = f"{other}: expected the voxel size of {first}, {ours.tolist()}, got {theirs.tolist()}"
        raise ValueError(msg)
    return read


def _draw(curve: FourierCorrelation, unit: str) -> Figure:
    from matplotlib.figure import Figure

    from numbavol.plot import plot_fourier_correlation

    figure = Figure(figsize=(6, 4), layout="constrained")
    plot_fourier_correlation(
        curve, thresholds=THRESHOLDS, unit=unit.replace("A", "Å"), axes=figure.add_subplot()
    )
    return figure
