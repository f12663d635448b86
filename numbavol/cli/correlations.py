"""Fourier shell correlations that commands say, draw and write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from numbavol.cli.common_options import (
    add_options,
    json_option,
    overwrite_option,
    quiet_option,
    report_option,
    threads_option,
)
from numbavol.cli.html_report import Picture, check_page, write_page
from numbavol.cli.output import check_inputs_stay, check_output
from numbavol.cli.pictures import check_picture, write_picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from numbavol.cli.output import Report
    from numbavol.io import RealSpaceMap
    from numbavol.ndimage import FourierCorrelation

THRESHOLDS = (0.143, 0.5)
# Of a voxel: programs round what they write.
SAME_PLACE = 0.05


def correlation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that correlates two maps."""
    return add_options(
        command,
        click.option(
            "--mask", type=click.Path(path_type=Path), help="A map that multiplies both."
        ),
        click.option(
            "--plot", type=click.Path(path_type=Path), metavar="FILE",
            help="Picture of the curve to write: .png, .svg or .pdf.",
        ),
        threads_option,
        overwrite_option,
        report_option,
        quiet_option,
        json_option,
    )  # fmt: skip


def check_outputs(
    plot: Path | None,
    page: Path | None,
    map_file: Path,
    others: tuple[Path | None, ...],
    overwrite: bool,
) -> None:
    """Refuse a picture or a page that cannot be written: before the work, not after it.

    Parameters
    ----------
    plot, page
        The files to write; None where none is wanted.
    map_file
        The map whose grid is that of both.
    others
        The other files that are read.
    overwrite
        Whether existing files may be replaced.
    """
    if plot is not None:
        check_picture("--plot", plot)
        check_output(plot, map_file, "map", overwrite)
    check_inputs_stay((plot, page), (map_file, *others))
    check_page(page, map_file, () if plot is None else (plot,), overwrite)


class Curve(NamedTuple):
    """A correlation, and the unit that its lengths are in."""

    correlation: FourierCorrelation
    unit: str


def say_correlation(
    data: NDArray[Any], other: NDArray[Any], voxel_size: NDArray[Any] | None, report: Report
) -> Curve:
    """Correlate two maps over shells, and say where the curve falls below the thresholds.

    Parameters
    ----------
    data, other
        Two maps of one shape.
    voxel_size
        (x, y, z) in angstroms; None where it is not known.
    report
        Says it.
    """
    import numbavol

    sides, unit = (1.0, "voxels") if voxel_size is None else (voxel_size, "A")
    curve = numbavol.compute_fourier_shell_correlation(data, other, sides, THRESHOLDS[0])
    found = {threshold: curve.at_threshold(threshold) for threshold in THRESHOLDS}
    report.say(
        f"shells      {len(curve.frequencies)}, up to {1 / curve.frequencies[-1]:.3g} {unit}"
        if len(curve.frequencies) > 1
        else "shells      1",
        frequencies=curve.frequencies.tolist(),
        correlation=curve.correlation.tolist(),
    )
    for threshold, correlation in found.items():
        _say_resolution(threshold, correlation, unit, report)
    _warn_of_no_correlation(data, other, curve, report)
    return Curve(curve, unit)


def _warn_of_no_correlation(
    data: NDArray[Any], other: NDArray[Any], curve: FourierCorrelation, report: Report
) -> None:
    """Say why two maps do not correlate, where the maps themselves show it."""
    for which, values in (("first", data), ("second", other)):
        if values.min() == values.max():
            report.warn(f"the {which} map is constant, and correlates with nothing")
            return
    coarse = curve.correlation[1 : 2 + len(curve.correlation) // 4]
    if len(coarse) and coarse.mean() < -THRESHOLDS[1]:
        report.warn(
            f"the maps are opposite where they are coarse (mean correlation {coarse.mean():.2f}): "
            "one may have its contrast inverted"
        )


def _say_resolution(
    threshold: float, correlation: FourierCorrelation, unit: str, report: Report
) -> None:
    # The first shell is the mean alone.
    values, frequencies = correlation.correlation[1:], correlation.frequencies[1:]
    is_below = values < threshold
    falls, resolution = bool(is_below.any()), None
    if len(values) == 0:
        what = "not known: there is no shell but the mean"
    elif not falls:
        what = f"better than {1 / frequencies[-1]:.2f} {unit} (never falls below {threshold:g})"
    elif is_below[0]:
        what = (
            f"worse than {1 / frequencies[0]:.2f} {unit} (below {threshold:g} in the first shell)"
        )
    else:
        resolution = correlation.resolution
        what = f"{resolution:.2f} {unit}"
    report.say(
        f"FSC {threshold:<8g}{what}",
        **{f"resolution_at_{threshold:g}": resolution, f"falls_below_{threshold:g}": falls},
    )


def write_correlation(
    curve: Curve,
    of_what: str,
    plot: Path | None,
    page: Path | None,
    report: Report,
    overwrite: bool,
) -> None:
    """Write the picture and the page of a correlation, where they are wanted."""
    if plot is not None:
        write_picture(_draw(curve), plot, overwrite)
        report.say(f"wrote       {plot}", plot=str(plot))
    if page is not None:
        caption = f"Fourier shell correlation of {of_what}."
        write_page(page, report, [Picture(caption, _draw(curve), _describe(curve))], overwrite)
        report.say(f"report      {page}", report=str(page))


def read_like(one: RealSpaceMap, first: Path, other: Path, report: Report) -> RealSpaceMap:
    """Read a map that is to have the grid of another, which ``first`` is the file of.

    Warns if it lies in another place: voxels are compared one by one.

    Raises
    ------
    ValueError
        If it is a stack, its shape or its voxel size is another, or a value is not finite.
    """
    import numpy as np

    from numbavol.io.wanted_maps import read_wanted_map

    read = read_wanted_map(other)
    if read.data.shape != one.data.shape:
        msg = f"{other}: expected the shape of {first}, {one.data.shape}, got {read.data.shape}"
        raise ValueError(msg)
    ours, theirs = one.voxel_size, read.voxel_size
    # Headers keep float32, and programs round what they write.
    if ours is not None and theirs is not None and not np.allclose(ours, theirs, rtol=1e-3):
        msg = f"{other}: expected the voxel size of {first}, {ours.tolist()}, got {theirs.tolist()}"
        raise ValueError(msg)
    away = read.origin - one.origin
    if ours is not None and np.any(np.abs(away) > SAME_PLACE * ours):
        x, y, z = away.tolist()
        report.warn(
            f"{other} lies ({x:.4g}, {y:.4g}, {z:.4g}) A from {first} by their headers; it is "
            "used voxel for voxel"
        )
    return read


def _describe(curve: Curve) -> str:
    values, lines = curve.correlation.correlation, " and ".join(f"{n:g}" for n in THRESHOLDS)
    return (
        f"A curve over the spatial frequency, from {values[0]:.2f} to {values[-1]:.2f}, "
        f"and lines at {lines}."
    )


def _draw(curve: Curve) -> Figure:
    from matplotlib.figure import Figure

    from numbavol.plot import plot_fourier_correlation

    figure = Figure(figsize=(6, 4), layout="constrained")
    plot_fourier_correlation(
        curve.correlation,
        thresholds=THRESHOLDS,
        unit=curve.unit.replace("A", "Å"),
        axes=figure.add_subplot(),
    )
    return figure
