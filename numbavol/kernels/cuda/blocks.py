"""What the threads of a block do together, and which of many things concern them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.cuda.warps import WARP, narrow, unsigned, vote
from numbavol.kernels.jit import cuda_helper, cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]


@cuda_helper
def count_before(is_counted: bool, counts: Array) -> tuple[int, int]:
    """How many threads of a block before this one are counted, and how many in all.

    ``counts`` is shared memory, an element a warp. Every thread of the block calls this, and waits
    for the others before it does so again.
    """
    mask = vote(is_counted)
    warp, lane = cuda.threadIdx.x // WARP, cuda.threadIdx.x % WARP
    if lane == 0:
        counts[warp] = cuda.popc(mask)
    cuda.syncthreads()
    before, n = cuda.popc(np.uint32(mask & np.uint32((1 << lane) - 1))), 0
    for other in range(counts.size):
        if other < warp:
            before += counts[other]
        n += counts[other]
    return before, n


@cuda_helper
def _reaches(windows: Array, number: int, axis: int, start: int, side: int) -> bool:
    first = windows[2 * axis, unsigned(number)]
    end = windows[2 * axis + 1, unsigned(number)]
    reaches: bool = first < narrow(start + side) and end > narrow(start) and first < end
    return reaches


@cuda_helper
def is_near(
    windows: Array,
    number: int,
    starts: Array | tuple[int, int, int],
    sides: tuple[int, int, int],
) -> bool:
    """Whether window ``number`` has cells of the tile that begins at ``starts``.

    ``windows`` (6, n) are (first, end) of each axis, with first = end where there is nothing.
    """
    return (
        _reaches(windows, number, 0, starts[0], sides[0])
        and _reaches(windows, number, 1, starts[1], sides[1])
        and _reaches(windows, number, 2, starts[2], sides[2])
    )


@cuda_helper
def keep_near_groups(
    bounds: Array,
    start: int,
    end: int,
    starts: Array,
    sides: tuple[int, int, int],
    counts: Array,
    near_groups: Array,
) -> int:
    """List the groups that reach into a tile, of as many from ``start`` on as there are threads.

    None is listed from ``end`` on. Owns ``near_groups``, shared memory; returns how many there are.
    Every thread of the block calls this.
    """
    group = start + cuda.threadIdx.x
    is_kept = group < end and is_near(bounds, group, starts, sides)
    if not cuda.syncthreads_or(np.int32(is_kept)):
        return 0
    place, n_kept = count_before(is_kept, counts)
    if is_kept:
        near_groups[place] = group
    cuda.syncthreads()
    return n_kept


def bound_groups(windows: Array, group_size: int) -> Array:
    """Find the cells that windows of a group have, ``group_size`` after one another.

    ``windows`` (6, n), int32, are (first, end) of each axis, with first = end where there is
    nothing; returned are (6, groups).
    """
    bounds = get_device().xp.empty((6, -(-windows.shape[1] // group_size)), np.int32)
    launch_for_each(_bound, bounds.shape[1], bounds, windows, group_size)
    return bounds  # type: ignore[no-any-return]


@cuda_kernel
def _bound(bounds: Array, windows: Array, group_size: int) -> None:
    g = cuda.grid(1)
    if g >= bounds.shape[1]:
        return
    for axis in range(3):
        first, end = np.int32(2**31 - 1), np.int32(-(2**31))
        for entry in range(g * group_size, min((g + 1) * group_size, windows.shape[1])):
            if windows[2 * axis, entry] < windows[2 * axis + 1, entry]:
                first = min(first, windows[2 * axis, entry])
                end = max(end, windows[2 * axis + 1, entry])
        bounds[2 * axis, g], bounds[2 * axis + 1, g] = first, end
