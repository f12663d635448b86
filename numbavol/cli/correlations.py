"""Fourier shell correlations that commands say, draw and write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from numbavol.cli.html_report import Picture, write_page
from numbavol.cli.pictures import write_picture

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from numbavol.cli.output import Report
    from numbavol.io import RealSpaceMap
    from numbavol.ndimage import FourierCorrelation

THRESHOLDS = (0.143, 0.5)


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
    found = {
        threshold: numbavol.compute_fourier_shell_correlation(data, other, sides, threshold)
        for threshold in THRESHOLDS
    }
    curve = found[THRESHOLDS[0]]
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
    return Curve(curve, unit)


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


def read_like(one: RealSpaceMap, first: Path, other: Path) -> RealSpaceMap:
    """Read a map that is to have the grid of another, which ``first`` is the file of.

    Raises
    ------
    ValueError
        If its shape or its voxel size is another.
    """
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
