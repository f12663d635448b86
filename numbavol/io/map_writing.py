"""Write an array as a map file."""

from __future__ import annotations

import gzip
import os
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from mrcfile.constants import IMAGE_STACK_SPACEGROUP, MAP_ID, VOLUME_SPACEGROUP
from mrcfile.dtypes import HEADER_DTYPE
from mrcfile.utils import machine_stamp_from_byte_order, mode_from_dtype

from numbavol.arguments import check_is_on_host, read_voxel_size
from numbavol.io.whole_file import write_whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

_FORMAT_VERSION = 20141
LABEL: bytes = b"Written by numbavol"
"""The first line of every header."""
_CHUNK_BYTES = 2**24
_UNKNOWN_RMS = -1.0
_LEAST_RELATIVE_RMS = 1e-5  # of the mean; a hundred roundings
_LARGEST_RMS = 1e18  # its square must not overflow
_LARGEST_INTEGER = int(np.iinfo(np.int32).max)
_GZIP_LEVEL = 6  # the gzip command's; gzip's own 9 takes several times as long for 1 %


def write_map(
    filename: str | os.PathLike[str],
    data: ArrayLike,
    voxel_size: ArrayLike,
    *,
    origin: ArrayLike = (0.0, 0.0, 0.0),
    nstart: ArrayLike = (0, 0, 0),
    intervals: ArrayLike | None = None,
    axis_order: str = "xyz",
    labels: Sequence[str] = (),
    overwrite: bool = False,
) -> None:
    """Write a map as an MRC2014 file, which appears whole or not at all.

    The same arguments give the same bytes. Besides `data`, little memory is needed, also for
    arrays that are not float32 or not contiguous.

    Parameters
    ----------
    filename
        The file to write; gzipped if its name ends in `.gz`.
    data
        A real map indexed `[z, y, x]`. Stored as float32, or as float16 if it is float16.
    voxel_size
        A number, or three `(x, y, z)`, in angstroms.
    origin
        Where the centre of voxel `[0, 0, 0]` lies, `(x, y, z)` in angstroms. A map whose atoms
        are centred as elsewhere in numbavol has it at `-(n // 2) * voxel_size` for `n` voxels.
        Where it is zero, readers take `nstart` times the voxel size.
    nstart
        The `nstart` fields `(x, y, z)` in voxels: another way to say where the map lies.
    intervals
        Into how many voxels the cell is divided, `(x, y, z)`; by default as many as there are. The
        lengths of the cell are these times `voxel_size`.
    axis_order
        Which axes the columns, rows and sections of the file are: `"xyz"` in any order.
    labels
        Up to nine lines of at most 80 printable ASCII characters, which the header keeps.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    OSError
        If it cannot be written. There is then no file of that name, or still the previous one.
    TypeError
        If `overwrite` is neither True nor False.
    ValueError
        If an argument has the wrong type or shape, or a value that a map cannot hold.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_map, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "map.mrc"
    ...     write_map(path, np.ones((4, 6, 8)), voxel_size=1.5)
    ...     read_map(path).data.shape
    (4, 6, 8)
    """
    array = _check_data(data)
    axes = _check_axis_order(axis_order)
    starts = _check_whole_numbers("nstart", nstart, -_LARGEST_INTEGER)
    size = np.broadcast_to(read_voxel_size("voxel_size", voxel_size), 3)
    dtype = np.dtype("<f2" if array.dtype.type is np.float16 else "<f4")
    header = make_header(array.shape, dtype, VOLUME_SPACEGROUP)
    add_labels(header, labels)
    if intervals is not None:
        numbers = _check_whole_numbers("intervals", intervals, 1)
        header["mx"], header["my"], header["mz"] = numbers
    set_cell(header, "voxel_size", size)
    header["origin"] = tuple(_check_origin(origin))
    lengths = array.shape[::-1]
    for place, axis in zip("xyz", axes, strict=True):
        # Of columns, rows and sections.
        header[f"n{place}"], header[f"n{place}start"] = lengths[axis], starts[axis]
    header["mapc"], header["mapr"], header["maps"] = (axis + 1 for axis in axes)
    of_data = [2 - axis for axis in reversed(axes)]
    array = array.transpose(of_data)
    with write_whole_file(filename, overwrite=overwrite) as file:
        measured = _measure(header, array, dtype, of_data)
        if os.fspath(filename).lower().endswith(".gz"):
            # What is packed cannot be gone back to, so that sections are made twice: for the
            # header, which has their statistics, and to be written.
            deque(measured, maxlen=0)
            # Neither name nor time, so that the bytes depend on the map alone.
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, fileobj=file, mtime=0) as stream:
                stream.write(header.tobytes())
                for _, sections in _sections(array, dtype):
                    stream.write(_view_bytes(sections))
        else:
            file.seek(header.nbytes)
            for sections in measured:
                file.write(_view_bytes(sections))
            file.seek(0)
            file.write(header.tobytes())


def _view_bytes(sections: NDArray[np.floating[Any]]) -> memoryview:
    return sections.reshape(-1).view(np.uint8).data


def _sections(
    array: NDArray[Any], dtype: np.dtype[Any]
) -> Iterator[tuple[int, NDArray[np.floating[Any]]]]:
    """Yield a few sections at a time, as they are stored, with the index of the first."""
    step = max(1, _CHUNK_BYTES // (array[0].size * dtype.itemsize))
    for first in range(0, len(array), step):
        with np.errstate(over="ignore"):  # `_measure` finds what overflows
            yield first, np.ascontiguousarray(array[first : first + step], dtype=dtype)


def make_header(shape: Sequence[int], dtype: np.dtype[Any], space_group: int) -> NDArray[np.void]:
    """Make the header of sections that are stored as `dtype`, without its lengths and statistics.

    Parameters
    ----------
    shape
        Of the map `(z, y, x)`, or of the image stack `(n, y, x)`.
    dtype
        Little-endian.
    space_group
        0 for an image stack, whose cell is one image thick, or 1 for a map.
    """
    header = np.zeros((), dtype=HEADER_DTYPE.newbyteorder("<"))
    for axis, length in zip("zyx", shape, strict=True):
        header[f"n{axis}"] = header[f"m{axis}"] = length
    if space_group == IMAGE_STACK_SPACEGROUP:
        header["mz"] = 1
    header["mode"] = mode_from_dtype(dtype)
    header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
    header["cellb"] = (90.0, 90.0, 90.0)
    header["ispg"] = space_group
    header["nversion"] = _FORMAT_VERSION
    header["map"] = MAP_ID
    header["machst"] = list(machine_stamp_from_byte_order("<"))
    header["nlabl"] = 1
    header["label"][0] = LABEL
    return header


def add_labels(header: NDArray[np.void], labels: Sequence[str]) -> None:
    """Add lines of text to a header.

    Raises
    ------
    ValueError
        If it is a single text, there are more than it has room for, or a line is too long or no
        ASCII.
    """
    if isinstance(labels, (str, bytes)):
        msg = f"labels: expected a list of texts, got {labels!r}"
        raise ValueError(msg)
    first, (n_labels,) = int(header["nlabl"]), header["label"].shape
    room = header["label"].dtype.itemsize
    if first + len(labels) > n_labels:
        msg = f"labels: expected at most {n_labels - first}, got {len(labels)}"
        raise ValueError(msg)
    for n, label in enumerate(labels, first):
        if len(label) > room or not (label.isascii() and label.isprintable()):
            msg = f"labels: expected up to {room} printable ASCII characters, got {label!r}"
            raise ValueError(msg)
        header["label"][n] = label.encode()
    header["nlabl"] = first + len(labels)


def set_cell(header: NDArray[np.void], name: str, voxel_size: NDArray[np.float64]) -> None:
    """Set the lengths of the cell, by the size `(x, y, z)` of a voxel in angstroms.

    Raises
    ------
    ValueError
        If the file's float32 cannot hold them. The message has `name` in it.
    """
    n_voxels = [int(header[field]) for field in ("mx", "my", "mz")]
    with np.errstate(over="ignore"):
        cell = np.asarray(voxel_size * n_voxels, dtype=np.float32)
    if not np.all(np.isfinite(cell) & (cell > 0)):
        msg = (
            f"{name}: {voxel_size.tolist()} for {n_voxels} voxels (x, y, z) is a cell of "
            f"{cell.tolist()} angstroms in the file's float32"
        )
        raise ValueError(msg)
    header["cella"] = tuple(cell)


def set_statistics(
    header: NDArray[np.void],
    minimum: float,
    maximum: float,
    parts: tuple[ArrayLike, ArrayLike, ArrayLike],
) -> None:
    """Set the statistics of the values in a file.

    Parameters
    ----------
    header
        Where they are set.
    minimum, maximum
        Of all values.
    parts
        The number of values, the mean and the variance of each of the parts that the values come
        in.
    """
    counts, means, variances = (np.asarray(numbers, dtype=np.float64) for numbers in parts)
    mean = np.average(means, weights=counts)
    rms = np.sqrt(np.average(variances + (means - mean) ** 2, weights=counts))
    # Where programs that compute it in float32, mrcfile.validate among them, would find another
    # value, it is given as not known.
    is_robust = _LEAST_RELATIVE_RMS * abs(mean) <= rms <= _LARGEST_RMS
    header["dmin"], header["dmax"] = minimum, maximum
    header["dmean"], header["rms"] = mean, rms if is_robust else _UNKNOWN_RMS


def _measure(
    header: NDArray[np.void], array: NDArray[Any], dtype: np.dtype[Any], of_data: list[int]
) -> Iterator[NDArray[np.floating[Any]]]:
    """Yield the sections, a few at a time; the header has their statistics after the last."""
    counts, means, variances = [], [], []
    minimum, maximum = np.inf, -np.inf
    for first, sections in _sections(array, dtype):
        low, high = float(sections.min()), float(sections.max())
        if not np.isfinite(high - low):
            index = np.argwhere(~np.isfinite(sections))[0]
            index[0] += first
            # As the data were given, whose axes the file may have in another order.
            place = [int(index[of_data.index(axis)]) for axis in range(3)]
            value = array[tuple(index)]
            msg = f"data: expected finite {dtype.name} values, there is {value} at index {place}"
            raise ValueError(msg)
        minimum, maximum = min(minimum, low), max(maximum, high)
        counts.append(sections.size)
        means.append(sections.mean(dtype=np.float64))
        variances.append(sections.var(dtype=np.float64))
        yield sections
    set_statistics(header, minimum, maximum, (counts, means, variances))


def _check_data(data: ArrayLike) -> NDArray[Any]:
    check_is_on_host("data", data)
    array = np.asarray(data)
    if array.dtype.kind not in "biuf":
        msg = f"data: expected real numbers, not {array.dtype}"
        raise ValueError(msg)
    if array.ndim != 3 or array.size == 0:
        msg = f"data: expected a map of shape (z, y, x), not {array.shape}"
        raise ValueError(msg)
    return array


def _check_axis_order(axis_order: str) -> list[int]:
    if sorted(axis_order) != ["x", "y", "z"]:
        msg = f"axis_order: expected 'xyz' in any order, got {axis_order!r}"
        raise ValueError(msg)
    return ["xyz".index(axis) for axis in axis_order]


def _check_whole_numbers(name: str, value: ArrayLike, least: int) -> NDArray[np.int64]:
    numbers = np.asarray(value)
    is_whole = numbers.shape == (3,) and numbers.dtype.kind in "iu"
    if not is_whole or np.any((numbers < least) | (numbers > _LARGEST_INTEGER)):
        at_least = f" of at least {least}" if least > 0 else ""
        msg = f"{name}: expected three whole numbers{at_least} (x, y, z), got {value!r}"
        raise ValueError(msg)
    return numbers.astype(np.int64)


def _check_origin(origin: ArrayLike) -> NDArray[np.float64]:
    position = np.asarray(origin, dtype=np.float64)
    largest = np.finfo(np.float32).max
    if position.shape != (3,) or not np.all(np.abs(position) <= largest):
        msg = f"origin: expected three numbers (x, y, z), not {origin!r}"
        raise ValueError(msg)
    return position
