"""Read a map file into an array."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import read_count
from numbavol.io.map_header import OpenMap, VoxelLayout, open_map, parse_header
from numbavol.notebooks import describe_grid, describe_memory, make_table
from numbavol.values import ArrayValue

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.io.unpacked_stacks import UnpackedStacks

_CHUNK_BYTES = 2**24


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RealSpaceMap(ArrayValue):
    """A map and where it lies.

    Attributes
    ----------
    data
        Indexed `[z, y, x]`, float32, contiguous.
    voxel_size
        `(x, y, z)` in angstroms, float64 of shape `(3,)`; None if the file has none.
    origin
        Where the centre of voxel `[0, 0, 0]` lies, `(x, y, z)` in angstroms, float64 of shape
        `(3,)`. See `MapHeader`.
    nstart
        The `nstart` fields of the file `(x, y, z)` in voxels, int64 of shape `(3,)`.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.io import RealSpaceMap
    >>> nowhere = np.zeros(3)
    >>> RealSpaceMap(np.ones((2, 3, 4), np.float32), None, nowhere, nowhere.astype(np.int64))
    RealSpaceMap(shape=(2, 3, 4), voxel_size=None, origin=[0.0, 0.0, 0.0])
    """

    data: NDArray[np.float32]
    voxel_size: NDArray[np.float64] | None
    origin: NDArray[np.float64]
    nstart: NDArray[np.int64]

    def __repr__(self) -> str:
        """Leave out the voxels."""
        voxel_size = None if self.voxel_size is None else self.voxel_size.tolist()
        return (
            f"{type(self).__name__}(shape={self.data.shape}, voxel_size={voxel_size}, "
            f"origin={self.origin.tolist()})"
        )

    def _repr_html_(self) -> str:
        """Say in a notebook what there is, and draw the central section."""
        size = None if self.voxel_size is None else tuple(self.voxel_size.tolist())
        z, y, x = self.data.shape
        facts = {
            **describe_grid((z, y, x), size),
            "origin (x, y, z)": ", ".join(f"{place:.5g}" for place in self.origin) + " Å",
            "memory": describe_memory(self.data),
        }
        section = self.data[z // 2] if self.data.size else None
        return make_table(type(self).__name__, facts, section)


def read_map(filename: str | os.PathLike[str]) -> RealSpaceMap:
    """Read an MRC map as `[z, y, x]`, whatever the order of its axes.

    Voxels become float32 of the machine's byte order, whichever of the real modes of the format
    (0, 1, 2, 6 and 12) the file has. The bytes of mode 0 have a sign, but for files of IMOD whose
    flags say that they have none. Voxels are not checked: a file may hold NaN.

    Parameters
    ----------
    filename
        An MRC or CCP4 map of either byte order, gzipped or not.

    Returns
    -------
    The map, its voxel size and its place.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a map, is cut short or damaged, or holds complex numbers, a stack of volumes
        or a cell without right angles; names the file and says why.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_map, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "map.mrc.gz"
    ...     write_map(path, np.zeros((4, 6, 8)), voxel_size=1.34, origin=(-5.36, -4.02, -2.68))
    ...     density = read_map(path)
    >>> density
    RealSpaceMap(shape=(4, 6, 8), voxel_size=[1.34, 1.34, 1.34], origin=[-5.36, -4.02, -2.68])
    """
    with open_map(filename) as file:
        header, layout = parse_header(file)
        voxels = _read_voxels(file, layout)
    return RealSpaceMap(
        data=np.ascontiguousarray(voxels.transpose(layout.to_zyx), dtype=np.float32),
        voxel_size=header.voxel_size,
        origin=header.origin,
        nstart=header.nstart,
    )


def read_images(
    filename: str | os.PathLike[str], start: int = 0, stop: int | None = None
) -> NDArray[np.float32]:
    """Read some images of a stack, and nothing of the others.

    Parameters
    ----------
    filename
        An MRC stack of either byte order; of a gzipped one, what comes before is unpacked.
    start, stop
        The first image, counted from 0, and the one after the last; by default all of them. A stack
        that ends before `stop` gives those that it has.

    Returns
    -------
    ndarray
        float32, (n, y, x).

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If `start` or `stop` is no whole number of at least 0, or there is no image between them;
        or if the file is not a map that `read_map` could read, or has other axes than columns
        along x and images along z.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_images, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "stack.mrcs"
    ...     write_map(path, np.arange(5)[:, None, None] * np.ones((5, 2, 2)), voxel_size=1.0)
    ...     images = read_images(path, 1, 3)
    >>> images[:, 0, 0]
    array([1., 2.], dtype=float32)
    """
    first = read_count("start", start, lowest=0)
    last = None if stop is None else read_count("stop", stop, lowest=0)
    if last is not None and last <= first:
        msg = f"stop: expected more than start, {first}, got {last}"
        raise ValueError(msg)
    with open_map(filename) as file:
        layout = _parse_header_of_stack(file)
        n_images = layout.shape[0]
        last = n_images if last is None else min(last, n_images)
        if first < last:
            return _read_run(file, layout, first, last)
    # Out here, where it is not said of the file that it cannot be read.
    msg = f"start: expected less than {n_images}, the images of {filename}, got {first}"
    raise ValueError(msg)


def read_stack_layout(filename: str | os.PathLike[str]) -> VoxelLayout:
    """Read where and how a stack has its images, for `read_chosen_images`.

    Raises
    ------
    OSError, ValueError
        As `read_images` does.
    """
    with open_map(filename) as file:
        return _parse_header_of_stack(file)


def read_chosen_images(
    filename: Path,
    layout: VoxelLayout,
    numbers: NDArray[np.integer],
    images: NDArray[np.float32],
    places: NDArray[np.integer],
    unpacked_stacks: UnpackedStacks,
) -> None:
    """Read images of a stack in one pass, those that follow each other at once.

    Parameters
    ----------
    filename
        The stack.
    layout
        From `read_stack_layout`.
    numbers
        ``(m,)``, from 0 on, ascending; they may repeat.
    images
        ``(n, y, x)``: where they are put.
    places
        ``(m,)``: the places there.
    unpacked_stacks
        Where gzipped stacks are found that are read again.

    Raises
    ------
    OSError, ValueError
        As `read_images` does.
    """
    breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
    with open_map(filename) as file:
        if file.size is None:
            _check_length(file, layout.offset + layout.n_bytes)
            unpacked = unpacked_stacks.find(filename, file, layout)
            if unpacked is not None:
                images[places] = unpacked[numbers]
                return
        for start, stop in zip([0, *breaks], [*breaks, len(numbers)], strict=True):
            first, last = int(numbers[start]), int(numbers[stop - 1]) + 1
            run = _read_run(file, layout, first, last)
            is_once = stop - start == last - first
            images[places[start:stop]] = run if is_once else run[numbers[start:stop] - first]


def _parse_header_of_stack(file: OpenMap) -> VoxelLayout:
    header, layout = parse_header(file)
    if header.axis_order != "xyz":
        msg = f"it is no stack of images: expected axes xyz, got {header.axis_order}"
        raise ValueError(msg)
    return layout


def _read_run(file: OpenMap, layout: VoxelLayout, first: int, last: int) -> NDArray[np.float32]:
    n_images = layout.shape[0]
    wanted = dataclasses.replace(
        layout,
        offset=layout.offset + first * (layout.n_bytes // n_images),
        shape=(last - first, *layout.shape[1:]),
    )
    images = _read_voxels(file, wanted, checks_all=last == n_images)
    return np.ascontiguousarray(images, np.float32)


def _check_length(file: OpenMap, n_bytes: int) -> None:
    # Asked before memory is: a damaged header can claim any size.
    if file.most_bytes < n_bytes:
        msg = f"it is cut short: expected {n_bytes} bytes, there are {file.size or 'fewer'}"
        raise ValueError(msg)


def _read_voxels(file: OpenMap, layout: VoxelLayout, *, checks_all: bool = True) -> NDArray[Any]:
    n_bytes = layout.offset + layout.n_bytes
    _check_length(file, n_bytes)
    file.stream.seek(layout.offset)
    voxels = np.empty(layout.shape, layout.dtype)
    # In pieces, because gzip makes a copy of what is read at once.
    remaining = voxels.reshape(-1).view(np.uint8).data
    while remaining:
        n_read = file.stream.readinto(remaining[:_CHUNK_BYTES])
        if n_read == 0:
            msg = f"it is cut short: expected {n_bytes} bytes, {len(remaining)} are missing"
            raise ValueError(msg)
        remaining = remaining[n_read:]
    if file.size is None and checks_all:
        # gzip checks what it has read only at the end of the file.
        while file.stream.read(_CHUNK_BYTES):
            pass
    return voxels
