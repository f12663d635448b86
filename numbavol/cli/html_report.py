"""A web page of what a command did: one file, which needs no network."""

from __future__ import annotations

import base64
import datetime
import io
import json
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from numbavol.cli.output import split_line
from numbavol.cli.pictures import save_figure
from numbavol.cli.versions import describe_versions
from numbavol.kernels.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from numbavol.cli.output import Report


class Picture(NamedTuple):
    """A figure of the page."""

    caption: str
    figure: Figure
    looks: str
    """What is to be seen, for who does not see it: not what the caption says."""


class _DrawnPicture(NamedTuple):
    caption: str
    source: str
    looks: str


def picture_map(real_voxel_grid: NDArray[Any], voxel_size: NDArray[Any]) -> Picture:
    """Draw the map that a command made, for its page."""
    from numbavol.plot import draw_map

    return Picture(
        "Central sections, projections, power spectrum and histogram of the map.",
        draw_map(real_voxel_grid, voxel_size),
        "Two rows of three pictures in gray, along z, y and x, above two curves.",
    )


def check_page(page: Path | None, source: Path, outputs: Sequence[Path], overwrite: bool) -> None:
    """Refuse a page that cannot be written: before the work, not after it.

    Parameters
    ----------
    page
        The file to write; None where none is wanted.
    source
        The file that is read.
    outputs
        The other files that are written.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError, click.UsageError
        If it cannot be written. The message says why.
    """
    from numbavol.cli.output import check_output

    if page is None:
        return
    if page.suffix.lower() not in (".html", ".htm"):
        msg = f"--report: expected a name that ends in .html, got {page}"
        raise click.UsageError(msg)
    if page.resolve() in [output.resolve() for output in outputs]:
        msg = f"--report: {page} is the output itself"
        raise click.UsageError(msg)
    check_output(page, source, "source", overwrite)
    for module in ("jinja2", "matplotlib.figure"):
        try:
            import_extra(module, "--report needs", "plot")
        except ModuleNotFoundError as error:
            raise ValueError(str(error)) from error


def write_page(page: Path, report: Report, pictures: Sequence[Picture], overwrite: bool) -> None:
    """Write what a command said, and pictures, as a web page.

    Parameters
    ----------
    page
        The file to write.
    report
        What the command said.
    pictures
        Drawn below it, in their order.
    overwrite
        Whether an existing file may be replaced.
    """
    import jinja2

    from numbavol.io.whole_file import write_whole_file

    context = click.get_current_context()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("numbavol", "cli"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    html = environment.get_template("html_report.jinja").render(
        title=context.command_path,
        command=shlex.join(["numbavol", *(context.find_root().obj or [])]),
        steps=[split_line(line) for line in report.lines],
        warnings=report.warnings,
        pictures=[
            _DrawnPicture(picture.caption, _as_data(picture.figure), picture.looks)
            for picture in pictures
        ],
        facts=json.dumps(report.facts, indent=2),
        versions=describe_versions(),
        written=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    with write_whole_file(page, overwrite=overwrite) as stream:
        # A file's name may hold bytes that are no text.
        stream.write(html.encode(errors="backslashreplace"))


def _as_data(figure: Figure) -> str:
    png = io.BytesIO()
    save_figure(figure, png, "png")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
