"""``numbavol filter``: a map to a filtered, resampled, masked or resized map."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import (
    json_option,
    overwrite_option,
    quiet_option,
    report_option,
    threads_option,
)
from numbavol.cli.filter_steps import Steps
from numbavol.cli.html_report import check_page, picture_map, write_page
from numbavol.cli.options import (
    DEFAULT_MASK_EDGE,
    LARGEST_SIDE,
    FiniteNumber,
    SphereText,
)
from numbavol.cli.output import Report, check_map_name, check_output

if TYPE_CHECKING:
    from numbavol.cli.options import Sphere
    from numbavol.cli.placed_map import PlacedMap

LENGTH = FiniteNumber(click.FloatRange(min=0, min_open=True))
SIDE = click.IntRange(min=1, max=LARGEST_SIDE)


@click.command("filter")
@click.argument("map_file", metavar="MAP", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The map to write (MRC; gzipped if it ends in .gz).",
)  # fmt: skip
@click.option(
    "--lowpass", type=LENGTH, metavar="A",
    help="Take away what is finer than this resolution in angstroms. The soft edge beyond it is a "
    "twentieth of the Nyquist frequency wide, and at most half the cutoff's frequency.",
)  # fmt: skip
@click.option(
    "--highpass", type=LENGTH, metavar="A",
    help="Take away what is coarser than this resolution in angstroms, the mean with it. The "
    "edge is as that of --lowpass.",
)  # fmt: skip
@click.option(
    "--b-factor", type=FiniteNumber(click.FLOAT), metavar="B",
    help="Multiply the transform by exp(-B k^2 / 4), B in square angstroms: "
    "below 0 it sharpens, above 0 it blurs.",
)  # fmt: skip
@click.option(
    "--voxel-size", type=LENGTH, metavar="A",
    help="Resample to voxels of this side in angstroms, or as near to it as a whole number of "
    "voxels in the box allows.",
)  # fmt: skip
@click.option(
    "--mask", type=SphereText(), metavar="sphere:RADIUS[:EDGE]",
    help="Keep a sphere around the middle of the box; its soft edge, outside of the radius, is "
    f"{DEFAULT_MASK_EDGE:g} A wide if EDGE is left out. Both in angstroms.",
)  # fmt: skip
@click.option("--crop", type=SIDE, metavar="N", help="Cut the box to N voxels a side.")
@click.option("--pad", type=SIDE, metavar="N", help="Add zeros up to N voxels a side.")
@click.option("--box", type=SIDE, metavar="N", help="Make N voxels a side: cut or add zeros.")
@threads_option
@overwrite_option
@report_option
@quiet_option
@json_option
def filter_map(
    map_file: Path,
    output: Path,
    lowpass: float | None,
    highpass: float | None,
    b_factor: float | None,
    voxel_size: float | None,
    mask: Sphere | None,
    crop: int | None,
    pad: int | None,
    box: int | None,
    threads: int | None,
    overwrite: bool,
    page: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Filter, resample, mask or resize MAP (MRC or CCP4, gzipped or not).

    Whatever the order of the options, the steps are done in this one:

    \b
      1. --lowpass, --highpass and --b-factor, on one transform of the whole box;
      2. --voxel-size;
      3. --mask;
      4. --crop, --pad or --box, in voxels of the size that step 2 made.

    Every step keeps the map in its place on the model, and the header of the new map says where
    that is. The middle of an axis of n voxels is voxel n // 2, counted from 0. Steps 1 and 2 take
    the map as repeating beyond its box. The new map has float32 values.

    \b
    Examples:
      numbavol filter map.mrc -o smooth.mrc --lowpass 8
      numbavol filter map.mrc -o sharp.mrc --b-factor -80 --lowpass 3.2 --mask sphere:60:6
      numbavol filter map.mrc -o small.mrc --voxel-size 2 --box 128
    """
    steps = Steps(lowpass, highpass, b_factor, voxel_size, mask, crop, pad, box)
    steps.check()

    import numbavol
    from numbavol.cli import map_steps
    from numbavol.cli.placed_map import read_placed_map

    began = time.perf_counter()
    report = Report(as_json, quiet)
    if threads is not None:
        numbavol.set_num_threads(threads)
    check_map_name(output)
    check_output(output, map_file, "map", overwrite)
    check_page(page, map_file, (output,), overwrite)
    density = read_placed_map(map_file)
    report.say(
        f"read      {map_file}: {_describe(density)}", map=str(map_file), read=_facts(density)
    )
    map_steps.check_steps(density, steps, map_file)

    if steps.multiplies_the_transform:
        density = map_steps.filter_frequencies(density, steps, report)
    if voxel_size is not None:
        density = map_steps.resample(density, voxel_size, report)
    if mask is not None:
        density = map_steps.apply_mask(density, mask, report)
    if steps.side is not None:
        density = map_steps.resize(density, steps.side, report)
    numbavol.write_map(
        output, density.data, density.voxel_size, origin=density.origin, overwrite=overwrite
    )
    seconds = time.perf_counter() - began
    report.say(
        f"wrote     {output}: {_describe(density)}; {seconds:.2f} s",
        output=str(output),
        **_facts(density),
        seconds=seconds,
    )
    if density.minimum == density.maximum:
        report.warn(f"every voxel of {output} is {density.minimum:g}")
    if page is not None:
        write_page(page, report, [picture_map(density.data, density.voxel_size)], overwrite)
        report.say(f"report    {page}", report=str(page))
    report.finish()


def _describe(density: PlacedMap) -> str:
    return (
        f"{density.describe_grid()}; min {density.minimum:.5g}, max {density.maximum:.5g}, "
        f"mean {density.mean:.5g}"
    )


def _facts(density: PlacedMap) -> dict[str, Any]:
    return {
        "shape": list(density.data.shape),
        "voxel_size": density.voxel_size.tolist(),
        "origin": density.origin.tolist(),
        "minimum": density.minimum,
        "maximum": density.maximum,
        "mean": density.mean,
    }
