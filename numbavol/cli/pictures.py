"""Pictures that commands write."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, BinaryIO

import click

from numbavol.kernels.extras import how_to_install

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
DOTS_AN_INCH = 110


def check_picture(option: str, picture: Path) -> None:
    """Refuse a picture that cannot be drawn: before the work, not after it.

    Parameters
    ----------
    option
        What the name was given by.
    picture
        The file to write.

    Raises
    ------
    click.UsageError
        If its name is of no format that is known.
    ValueError
        If matplotlib is missing.
    """
    if picture.suffix.lower() not in FORMATS:
        msg = f"{option}: expected a name that ends in {', '.join(FORMATS)}, got {picture}"
        raise click.UsageError(msg)
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError as error:
        msg = f"{option} needs {error.name}: {how_to_install('plot')}"
        raise ValueError(msg) from error


def write_picture(figure: Figure, picture: Path, overwrite: bool) -> None:
    """Write a figure whole, or not at all, in the format of its name."""
    from numbavol.io.whole_file import write_whole_file

    with write_whole_file(picture, overwrite=overwrite) as stream:
        save_figure(figure, stream, picture.suffix[1:].lower())


def save_figure(figure: Figure, stream: BinaryIO, file_format: str) -> None:
    """Write a figure, whatever signs its texts have."""
    with warnings.catch_warnings():
        # Names of files may have signs that no font has; boxes stand in their place.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        figure.savefig(stream, format=file_format, dpi=DOTS_AN_INCH)
