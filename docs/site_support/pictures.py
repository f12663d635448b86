"""Pictures that examples have made, as HTML of the page."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("agg")

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_AN_INCH = 110


def show_file(filename: str, caption: str) -> str:
    """Write a PNG file as a figure of the page."""
    return _show(Path(filename).read_bytes(), caption)


def show_figure(axes_or_figure: Any, caption: str) -> str:
    """Write a figure of matplotlib, or that of some axes, as a figure of the page."""
    first = axes_or_figure.ravel()[0] if hasattr(axes_or_figure, "ravel") else axes_or_figure
    figure: Figure = first.figure if hasattr(first, "figure") and first.figure else first
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=DOTS_AN_INCH)
    return _show(png.getvalue(), caption)


def _show(png: bytes, caption: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    text = html.escape(caption)
    return f'<figure><img src="{source}" alt="{text}"><figcaption>{text}</figcaption></figure>'
