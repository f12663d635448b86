"""What a map file says about itself: the header of the MRC2014 format."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from mrcfile.constants import MAP_ID, MAP_ID_OFFSET_BYTES
from mrcfile.dtypes import HEADER_DTYPE
from mrcfile.utils import (
    byte_order_from_machine_stamp,
    printable_string_from_bytes,
    spacegroup_is_volume_stack,
)

from numbavol.io.voxel_types import find_voxel_dtype
from numbavol.values import ArrayValue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from typing import Any

    from numpy.typing import NDArray

_GZIP_MAGIC = b"\x1f\x8b"
_BEST_GZIP_RATIO = 1032  # of the deflate format
_LARGEST_PLAUSIBLE_LENGTH = 65535  # of an image; stacks have more of them
_LARGEST_PLAUSIBLE_MODE = 255


@dataclasses.dataclass(frozen=True, eq=False)
class MapHeader(ArrayValue):
    """The header of a map file, with every axis put in its place.

    Attributes
    ----------
    shape
        Of the map as `read_map` returns it, `(z, y, x)`.
    mode, dtype
        How voxels are stored: the number of the MRC mode, and the NumPy name of it. Mode 0 is
        int8, or uint8 in a file of IMOD whose flags say so.
    voxel_size
        `(x, y, z)` in angstroms, float64 of shape `(3,)`; None if the file has none.
    pixel_size
        `(x, y)` in angstroms, float64 of shape `(2,)`; None if the file has none. Stacks of images
        may have this alone.
    intervals
        Into how many voxels the cell is divided, `(x, y, z)`, int64 of shape `(3,)`. Of a part of a
        cell, not as many as there are. The lengths of the cell are these times the voxel size.
    origin
        Where the centre of voxel `[0, 0, 0]` lies, `(x, y, z)` in angstroms, float64 of shape
        `(3,)`: the `origin` field or, where that is zero, `nstart` times the voxel size (which
        is zero if the file has no voxel size). This is what ChimeraX does.
    written_origin
        The `origin` field alone, `(x, y, z)` in angstroms, float64 of shape `(3,)`.
    nstart
        The `nstart` fields `(x, y, z)` in voxels, int64 of shape `(3,)`.
    axis_order
        Which axes the file's columns, rows and sections are, as in `"xyz"`.
    space_group
        1 for most maps. 0 is that of image stacks, whose cell is one image thick, and of the maps
        of RELION and others. All are read as maps.
    minimum, maximum, mean, rms
        Statistics that the file claims; None where it claims none. `rms` is the standard
        deviation.
    labels
        Lines of text, without trailing spaces.
    expected_bytes, actual_bytes
        The size the file must at least have, and the one it has; None if it is compressed.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_map_header, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "map.mrc"
    ...     write_map(path, np.ones((4, 6, 8)), voxel_size=1.5, origin=(-6.0, -4.5, -3.0))
    ...     header = read_map_header(path)
    >>> header.axis_order, header.origin, header.mean, header.actual_bytes
    ('xyz', array([-6. , -4.5, -3. ]), 1.0, 1792)
    """

    shape: tuple[int, int, int]
    mode: int
    dtype: str
    voxel_size: NDArray[np.float64] | None
    pixel_size: NDArray[np.float64] | None
    intervals: NDArray[np.int64]
    origin: NDArray[np.float64]
    written_origin: NDArray[np.float64]
    nstart: NDArray[np.int64]
    axis_order: str
    space_group: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    rms: float | None
    labels: tuple[str, ...]
    expected_bytes: int
    actual_bytes: int | None


@dataclasses.dataclass(frozen=True)
class VoxelLayout:
    """Where and how a file stores its voxels."""

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, int, int]
    to_zyx: tuple[int, int, int]

    @property
    def n_bytes(self) -> int:
        """The size of the block of voxels."""
        # In Python's integers; the file's could overflow.
        return self.dtype.itemsize * self.shape[0] * self.shape[1] * self.shape[2]


class OpenMap(NamedTuple):
    """A map file opened for reading."""

    stream: BufferedIOBase
    size: int | None  # None if it is compressed
    most_bytes: int  # what can be read at most


def read_map_header(filename: str | os.PathLike[str]) -> MapHeader:
    """Read what an MRC map says about itself, and not its voxels.

    Parameters
    ----------
    filename
        An MRC or CCP4 map of either byte order, gzipped or not.

    Returns
    -------
    The header. A file that is cut short has one too: compare `expected_bytes`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a map that `read_map` could read; names the file and says why.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_map_header, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "map.mrc"
    ...     write_map(path, np.zeros((4, 6, 8)), voxel_size=1.34)
    ...     header = read_map_header(path)
    >>> header.shape, header.voxel_size, header.dtype
    ((4, 6, 8), array([1.34, 1.34, 1.34]), 'float32')
    """
    with open_map(filename) as file:
        return parse_header(file)[0]


def is_map_file(filename: str | os.PathLike[str]) -> bool:
    """Tell by its content whether a file is a map, gzipped or not.

    Parameters
    ----------
    filename
        Any file.

    Returns
    -------
    Whether the mark of the MRC format is in it.

    Raises
    ------
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> from numbavol.data import enterotoxin
    >>> from numbavol.io import is_map_file
    >>> is_map_file(enterotoxin())
    False
    """
    with contextlib.suppress(ValueError), open_map(filename) as file:
        start = file.stream.read(MAP_ID_OFFSET_BYTES + len(MAP_ID))
        return start[MAP_ID_OFFSET_BYTES:].startswith(MAP_ID[:3])
    return False


@contextlib.contextmanager
def open_map(filename: str | os.PathLike[str]) -> Iterator[OpenMap]:
    """Open a map file, gzipped or not.

    Every `ValueError` of the block, and every sign of damaged compression, leaves as a
    `ValueError` that names the file.
    """
    with Path(filename).open("rb") as file:
        start = file.read(MAP_ID_OFFSET_BYTES + len(MAP_ID))
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        try:
            # The number of columns of an uncompressed map may look like gzip's mark.
            if start.startswith(_GZIP_MAGIC) and not start.endswith(MAP_ID):
                with gzip.GzipFile(fileobj=file, mode="rb") as stream:
                    yield OpenMap(stream, None, _BEST_GZIP_RATIO * size)
            else:
                yield OpenMap(file, size, size)
        except (ValueError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            msg = f"{filename}: not a map that can be read: {error}"
            raise ValueError(msg) from error


def parse_header(file: OpenMap) -> tuple[MapHeader, VoxelLayout]:
    """Read and check the header at the start of a file.

    Raises
    ------
    ValueError
        If it is not the header of a map.
    """
    raw = file.stream.read(HEADER_DTYPE.itemsize)
    if len(raw) < HEADER_DTYPE.itemsize:
        msg = f"an MRC header has {HEADER_DTYPE.itemsize} bytes, there are {len(raw)}"
        raise ValueError(msg)
    fields = _in_right_byte_order(raw)
    # Three of the four letters, as other programs do: some write a NUL for the space.
    if bytes(fields["map"])[:3] != MAP_ID[:3]:
        msg = "there is no 'MAP' at byte 208, so this is no MRC file"
        raise ValueError(msg)
    dtype = find_voxel_dtype(fields)
    axes = _axes(fields)
    columns, rows, sections = (int(fields[name]) for name in ("nx", "ny", "nz"))
    if min(columns, rows, sections) < 1:
        msg = f"the map has {columns} columns, {rows} rows and {sections} sections"
        raise ValueError(msg)
    if spacegroup_is_volume_stack(int(fields["ispg"])):
        msg = f"it holds a stack of volumes (space group {fields['ispg']}), expected one map"
        raise ValueError(msg)
    angles = np.array(fields["cellb"].tolist())
    if not (np.allclose(angles, 90.0, atol=0.01) or np.all(angles == 0.0)):
        msg = f"its cell has angles of {angles.tolist()} degrees, expected right angles"
        raise ValueError(msg)
    if fields["nsymbt"] < 0:
        msg = f"its extended header has {fields['nsymbt']} bytes"
        raise ValueError(msg)

    file_axes = [axes.index(axis) for axis in (2, 1, 0)]  # of z, y, x; 0 is columns
    lengths = (columns, rows, sections)
    layout = VoxelLayout(
        offset=HEADER_DTYPE.itemsize + int(fields["nsymbt"]),
        dtype=dtype,
        shape=(sections, rows, columns),
        to_zyx=(2 - file_axes[0], 2 - file_axes[1], 2 - file_axes[2]),
    )
    sides = _sides(fields)
    voxel_size = None if np.isnan(sides).any() else sides
    nstart = np.zeros(3, dtype=np.int64)
    nstart[axes] = [fields["nxstart"], fields["nystart"], fields["nzstart"]]
    minimum, maximum, mean, rms = _statistics(fields)
    header = MapHeader(
        shape=(lengths[file_axes[0]], lengths[file_axes[1]], lengths[file_axes[2]]),
        mode=int(fields["mode"]),
        dtype=dtype.name,
        voxel_size=voxel_size,
        pixel_size=None if np.isnan(sides[:2]).any() else sides[:2],
        intervals=_intervals(fields),
        origin=_origin(fields, voxel_size, nstart),
        written_origin=_written_origin(fields),
        nstart=nstart,
        axis_order="".join("xyz"[axis] for axis in axes),
        space_group=int(fields["ispg"]),
        minimum=minimum,
        maximum=maximum,
        mean=mean,
        rms=rms,
        labels=tuple(
            text
            for label in fields["label"].tolist()[: max(0, int(fields["nlabl"]))]
            if (text := printable_string_from_bytes(label).rstrip())
        ),
        expected_bytes=layout.offset + layout.n_bytes,
        actual_bytes=file.size,
    )
    return header, layout


def _in_right_byte_order(raw: bytes) -> np.void:
    """Interpret the header, by its machine stamp unless that makes no sense.

    Some programs write no stamp, or always the same.
    """
    candidates: list[np.void] = [
        np.frombuffer(raw, HEADER_DTYPE.newbyteorder(order))[0] for order in ("<", ">")
    ]
    with contextlib.suppress(ValueError):
        if byte_order_from_machine_stamp(candidates[0]["machst"]) == ">":
            candidates.reverse()
    return next(filter(_is_plausible, candidates), candidates[0])


def _is_plausible(fields: np.void) -> bool:
    return (
        all(0 <= fields[name] <= 3 for name in ("mapc", "mapr", "maps"))
        and all(0 < fields[name] <= _LARGEST_PLAUSIBLE_LENGTH for name in ("nx", "ny"))
        and bool(0 <= fields["mode"] <= _LARGEST_PLAUSIBLE_MODE)
    )


def _axes(fields: np.void) -> list[int]:
    """Return the axis, 0 for x, of the file's columns, rows and sections."""
    axes = [int(fields[name]) - 1 for name in ("mapc", "mapr", "maps")]
    if axes == [-1, -1, -1]:  # not filled in, by old programs
        return [0, 1, 2]
    if sorted(axes) != [0, 1, 2]:
        msg = f"its axes are {[axis + 1 for axis in axes]}, expected 1, 2 and 3 in any order"
        raise ValueError(msg)
    return axes


def _sides(fields: np.void) -> NDArray[np.float64]:
    """Return the sides of a voxel (x, y, z); NaN where there is none."""
    lengths = fields["cella"].tolist()
    return np.array(
        [
            _divide(length, n) if math.isfinite(length) and length > 0 and n > 0 else math.nan
            for length, n in zip(lengths, _intervals(fields).tolist(), strict=True)
        ]
    )


def _intervals(fields: np.void) -> NDArray[np.int64]:
    return np.array([fields[name] for name in ("mx", "my", "mz")], np.int64)


def _divide(length: float, intervals: int) -> float:
    """Return the shortest decimal number that `intervals` times is `length` in float32.

    The header has the length of the cell, so that the 1.34 that was written would be
    1.3400000333786011.
    """
    quotient = length / intervals
    rounded = (float(f"{quotient:.{digits}g}") for digits in range(1, 17))
    return next((r for r in rounded if np.float32(r * intervals) == np.float32(length)), quotient)


def _origin(
    fields: np.void, voxel_size: NDArray[np.float64] | None, nstart: NDArray[np.int64]
) -> NDArray[np.float64]:
    origin = _written_origin(fields)
    if origin.any() or voxel_size is None:
        return origin
    return nstart * voxel_size


def _written_origin(fields: np.void) -> NDArray[np.float64]:
    origin = np.array([float(str(fields["origin"][axis])) for axis in ("x", "y", "z")])
    if not np.isfinite(origin).all():
        msg = f"its origin is {tuple(origin.tolist())}, expected three numbers (x, y, z)"
        raise ValueError(msg)
    return origin


def _statistics(fields: np.void) -> list[float | None]:
    """Return the minimum, maximum, mean and standard deviation, if they are known."""
    minimum, maximum, mean, rms = (float(fields[name]) for name in ("dmin", "dmax", "dmean", "rms"))
    if minimum == maximum == mean == rms == 0:
        # Programs that compute none leave zeros.
        return [None] * 4
    # By the format, what makes no sense is not known.
    is_known = [minimum <= maximum, minimum <= maximum, mean >= min(minimum, maximum), rms >= 0]
    values = [minimum, maximum, mean, rms]
    return [value if known else None for value, known in zip(values, is_known, strict=True)]
