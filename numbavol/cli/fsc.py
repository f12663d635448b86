"""``numbavol fsc``: the Fourier shell correlation of two maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from numbavol.cli.output import Report

if TYPE_CHECKING:
    from numbavol.io import RealSpaceMap
    from numbavol.ndimage import FourierCorrelation

THRESHOLDS = (0.143, 0.5)


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--mask", type=click.Path(path_type=Path), help="A map that multiplies both.")
@click.option("--plot", type=click.Path(path_type=Path), help="Picture of the curve to write.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with the curve.")
def fsc(first: Path, second: Path, mask: Path | None, plot: Path | None, as_json: bool) -> None:
    """Correlate two maps, FIRST and SECOND, over shells of equal frequency.

    The resolution is where the curve first falls below 0.143, the custom for two half maps, and
    below 0.5, the custom for a map and a model.
    """
    import numbavol

    report = Report(as_json)
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
        _plot(curve, unit, plot)
        report.say(f"wrote       {plot}", plot=str(plot))
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


def _plot(curve: FourierCorrelation, unit: str, picture: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        msg = "--plot needs matplotlib: pip install 'numbavol[plot]'"
        raise ValueError(msg) from error

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(curve.frequencies, curve.correlation)
    for threshold in THRESHOLDS:
        axes.axhline(threshold, color="gray", linewidth=0.8, linestyle="--")
    axes.set(
        xlabel=f"spatial frequency (1/{unit})",
        ylabel="Fourier shell correlation",
        xlim=(0, curve.frequencies[-1]),
        ylim=(min(-0.05, curve.correlation.min()), 1.02),
    )
    figure.savefig(picture, dpi=150)
