"""Whether a map file is whole, which its header alone cannot tell."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numbavol.io.map_header import MapHeader

_CHUNK_BYTES = 2**20
# A file of gzip ends with the number of bytes that were compressed, modulo 2^32.
_BYTES_OF_LENGTH = 4


def describe_cut(filename: str | os.PathLike[str], header: MapHeader) -> str | None:
    """Say that a map or a stack ends before its header says, or its compression does.

    A gzipped file is believed if its last bytes are the length that the header says, as those of a
    file that is cut are by chance alone: unpacking a large one takes minutes. Any other is
    unpacked, in pieces, to see where it ends. What is damaged and not cut `read_map` finds.

    Parameters
    ----------
    filename
        The file.
    header
        Its header.

    Returns
    -------
    str or None
        What is wrong, in words; None where it is whole.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    expected = header.expected_bytes
    if header.actual_bytes is not None:
        n_bytes, reason = header.actual_bytes, None
    elif _read_length(filename) == expected % 2 ** (8 * _BYTES_OF_LENGTH):
        return None
    else:
        n_bytes, reason = _unpack(filename)
    if n_bytes < expected:
        reason = f"the file is cut short: {n_bytes} bytes of {expected}"
    return reason


def _read_length(filename: str | os.PathLike[str]) -> int:
    with Path(filename).open("rb") as file:
        # That it has a header was read.
        file.seek(-_BYTES_OF_LENGTH, os.SEEK_END)
        return int.from_bytes(file.read(), "little")


def _unpack(filename: str | os.PathLike[str]) -> tuple[int, str | None]:
    """Count the bytes that can be unpacked, and say what is wrong with the compression."""
    n_bytes = 0
    try:
        with gzip.open(filename, "rb") as stream:
            # One read of the file at a time: a larger one would lose what comes before its end.
            while piece := stream.read1(_CHUNK_BYTES):
                n_bytes += len(piece)
    except EOFError:
        return n_bytes, "the file is cut short: the end of its compression is missing"
    except (gzip.BadGzipFile, zlib.error) as error:
        return n_bytes, f"its compression is damaged: {error}"
    return n_bytes, None
