"""``numbavol view``: a picture of a map or a stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from numbavol.cli.common_options import json_option, overwrite_option, quiet_option
from numbavol.cli.output import Report, check_output, plural, warn_if_cut_short
from numbavol.cli.pictures import check_picture, write_picture

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from numbavol.io import MapHeader

DEFAULT_N_IMAGES = 18


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True,
    help="The picture to write: .png, .svg or .pdf.",
)  # fmt: skip
@click.option(
    "--images", "n_images", type=click.IntRange(min=1, max=600), default=DEFAULT_N_IMAGES,
    show_default=True, metavar="N", help="How many images of a stack are drawn.",
)  # fmt: skip
@click.option(
    "--first", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="The first image of a stack that is drawn, counted from 1 as RELION does.",
)  # fmt: skip
@click.option(
    "--as", "kind", type=click.Choice(["map", "stack"]),
    help="What FILE is; by default, what its name or its header says.",
)  # fmt: skip
@overwrite_option
@quiet_option
@json_option
def view(
    file: Path,
    output: Path,
    n_images: int,
    first: int,
    kind: str | None,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Draw FILE, a map or a stack of images (MRC), as a picture.

    Of a map: its three central sections, its three projections, its power spectrum and the
    histogram of its voxels. Of a stack (.mrcs, .mrcs.gz, or a file that says it is one): its
    first images, their mean power spectrum and the histogram of their pixels.

    \b
    Examples:
      numbavol view map.mrc -o map.png
      numbavol view stack.mrcs -o stack.png --images 36 --first 1001
    """
    import numbavol
    from numbavol.io.wanted_maps import is_meant_as_map, is_stack

    report = Report(as_json, quiet)
    check_picture("-o", output)
    check_output(output, file, "file", overwrite)
    if not is_meant_as_map(file):
        msg = f"{file}: expected a map or a stack (MRC); numbavol render makes a map of a model"
        raise ValueError(msg)
    header = numbavol.read_map_header(file)
    if (kind == "stack") if kind else is_stack(file, header):
        figure = _draw_stack(file, header, first, n_images, report)
    else:
        figure = _draw_map(file, header, report)
    write_picture(figure, output, overwrite)
    report.say(f"wrote   {output}", output=str(output))
    report.finish()


def _draw_map(file: Path, header: MapHeader, report: Report) -> Figure:
    import numbavol
    from numbavol.notebooks import describe_sides
    from numbavol.plot import draw_map

    z, y, x = header.shape
    size = header.voxel_size
    what = f"{x} x {y} x {z} voxels (x, y, z)"
    what += ", voxel size not set" if size is None else f" of {describe_sides(size)} A"
    report.say(f"read    {file}: {what}", file=str(file), kind="map", shape=list(header.shape))
    density = numbavol.read_map(file)
    _check_finite(file, density.data, "voxel")
    return draw_map(density.data, size, title=_make_title(file.name, what))


def _draw_stack(file: Path, header: MapHeader, first: int, n_images: int, report: Report) -> Figure:
    import numbavol
    from numbavol.notebooks import describe_sides
    from numbavol.plot import draw_stack

    n, y, x = header.shape
    size = header.pixel_size
    pixels = "pixel size not set" if size is None else f"pixels of {describe_sides(size)} A"
    what = f"{plural(n, 'image')} of {x} x {y} (x, y), {pixels}"
    report.say(f"read    {file}: {what}", file=str(file), kind="stack", shape=list(header.shape))
    warn_if_cut_short(file, header, report)
    if first > n:
        msg = f"--first: {file} has {plural(n, 'image')}, got {first}"
        raise ValueError(msg)
    images = numbavol.io.read_images(file, first - 1, first - 1 + n_images)
    shown = f"images {first} to {first + len(images) - 1}"
    report.say(f"draw    {shown}", first=first, n_images=len(images))
    _check_finite(file, images, "pixel")
    return draw_stack(images, size, title=_make_title(f"{file.name}, {shown}", what))


def _check_finite(file: Path, values: NDArray[np.float32], what: str) -> None:
    import numpy as np

    n_bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if n_bad:
        msg = f"{file}: {plural(n_bad, what)} not finite, which have neither sum nor spectrum"
        raise ValueError(msg)


def _make_title(name: str, what: str) -> str:
    # Names may have bytes that are no text, and dollars that are no formula.
    readable = name.encode(errors="replace").decode().replace("$", r"\$")
    return f"{readable}: {what.replace(' A', ' Å')}"
