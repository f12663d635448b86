"""``numbavol fsc``: the Fourier shell correlation of two maps."""

from __future__ import annotations

from pathlib import Path

import click

from numbavol.cli.correlations import (
    check_outputs,
    correlation_options,
    read_like,
    say_correlation,
    write_correlation,
)
from numbavol.cli.output import Report


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@correlation_options
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
    below 0.5, the custom for a map and a model. A curve that never does, or does at once, gives a
    bound.

    \b
    Examples:
      numbavol fsc half1.mrc half2.mrc --mask mask.mrc --plot fsc.png
      numbavol fsc map.mrc model.mrc --json
    """
    import numbavol
    from numbavol.cli.comparing import check_mask_leaves_something
    from numbavol.io.wanted_maps import read_wanted_map

    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    check_outputs(plot, page, first, (second, mask), overwrite)
    one = read_wanted_map(first)
    data, other = one.data, read_like(one, first, second, report).data
    if mask is not None:
        weights = read_like(one, first, mask, report).data
        check_mask_leaves_something(weights, mask)
        data, other = data * weights, other * weights
    if one.voxel_size is None:
        report.warn(f"{first} has no voxel size; frequencies are in cycles a voxel")
    curve = say_correlation(data, other, one.voxel_size, report)
    write_correlation(curve, f"{first} and {second}", plot, page, report, overwrite)
    report.finish()
