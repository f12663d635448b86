"""What a notebook shows of an object: a table of facts, and a thumbnail of a map."""

from __future__ import annotations

import base64
import html
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

SIDE_OF_THUMBNAIL = 96
# Of the values of a picture, as percentiles: a few bright voxels are not to hide the others.
DARKEST, BRIGHTEST = 0.5, 99.9


def make_table(title: str, facts: Mapping[str, str], thumbnail: NDArray[Any] | None = None) -> str:
    """Write a table of facts in HTML.

    Parameters
    ----------
    title
        Above it.
    facts
        By their names; texts, not HTML.
    thumbnail
        A real image (y, x) beside it, drawn in gray with its first row below.
    """
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
        f"<td style='text-align:left'>{html.escape(fact)}</td></tr>"
        for name, fact in facts.items()
    )
    picture = ""
    if thumbnail is not None:
        png = base64.b64encode(encode_png(make_thumbnail(thumbnail))).decode()
        picture = f"<img alt='central section' src='data:image/png;base64,{png}'>"
    return (
        "<div style='display:flex;gap:1em;align-items:flex-start'>"
        f"<div><strong>{html.escape(title)}</strong><table>{rows}</table></div>{picture}</div>"
    )


def describe_grid(
    shape: tuple[int, int, int], voxel_size: float | tuple[float, ...] | None, box: str = "box"
) -> dict[str, str]:
    """Say the shape (z, y, x) and the voxel size (x, y, z) of a map as facts.

    Parameters
    ----------
    shape, voxel_size
        Of the map; the voxel size is None where it is not known.
    box
        What the whole of it is called.
    """
    facts = {"shape (z, y, x)": " x ".join(str(n) for n in shape)}
    if voxel_size is None:
        return {**facts, "voxel size": "not known"}
    sides = np.broadcast_to(np.asarray(voxel_size, np.float64), 3)
    lengths = [f"{n * side:.5g}" for n, side in zip(reversed(shape), sides, strict=True)]
    return {
        **facts,
        "voxel size": describe_sides(sides) + " Å",
        f"{box} (x, y, z)": " x ".join(lengths) + " Å",
    }


def describe_sides(sides: Iterable[float], n_digits: int = 5) -> str:
    """Say the sides of a voxel or a pixel: one number, if they are alike."""
    texts = [f"{side:.{n_digits}g}" for side in sides]
    return texts[0] if len(set(texts)) == 1 else " x ".join(texts)


def describe_memory(*arrays: NDArray[Any]) -> str:
    """Say how much memory arrays take, and where."""
    on_card = any(hasattr(array, "__cuda_array_interface__") for array in arrays)
    where = " on the CUDA device" if on_card else ""
    return describe_bytes(sum(array.nbytes for array in arrays)) + where


def describe_bytes(n_bytes: float) -> str:
    """Say a number of bytes in the unit that suits it."""
    for unit in ("bytes", "KiB", "MiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.4g} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.4g} GiB"


def find_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Values of a picture that are to be black and white; those that are not finite do not count.

    Parameters
    ----------
    values
        Real, of any shape.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, (DARKEST, BRIGHTEST)))
    if low == high:
        # Hardly anything is there: what there is, is to be seen.
        low, high = float(finite.min()), float(finite.max())
    return (low, high) if low < high else (low, max(low + 1.0, math.nextafter(low, math.inf)))


def make_thumbnail(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale an image to gray, and to a side that suits a thumbnail by leaving pixels out."""
    step = max(1, max(image.shape) // SIDE_OF_THUMBNAIL)
    pixels = np.nan_to_num(image[::step, ::step].astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = find_limits(pixels)
    scale = 255 / (high - low)
    gray: NDArray[np.uint8] = np.clip((pixels - low) * scale, 0, 255).astype(np.uint8)
    return gray[::-1]


def encode_png(gray: NDArray[np.uint8]) -> bytes:
    """Write an image of bytes (y, x) as PNG, the first row above.

    The format: W3C (2003), Portable Network Graphics, second edition.
    """
    n_y, n_x = gray.shape
    # Each row begins with its filter, none.
    rows = np.zeros((n_y, n_x + 1), np.uint8)
    rows[:, 1:] = gray
    header = struct.pack(">IIBBBBB", n_x, n_y, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
