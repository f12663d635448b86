"""What the threads of a block do together, and which of many things concern them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.cuda.warps import BITS, EVERY_LANE, WARP, narrow, unsigned, vote
from numbavol.kernels.jit import cuda_helper, cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]

NOWHERE = 2**31 - 1


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
def join_window(first: int, end: int) -> np.uint64:
    """Keep where a window begins and ends, not below 0, so that one instruction reads both."""
    return np.uint64(np.uint64(first) | np.uint64(np.uint64(end) << BITS))


@cuda_helper
def read_window(windows: Array, axis: int, number: int) -> tuple[int, int]:
    """Find where window ``number`` begins and ends along an axis."""
    window = windows[axis, unsigned(number)]
    return narrow(window & np.uint64(EVERY_LANE)), narrow(window >> BITS)


@cuda_helper
def is_near(
    windows: Array,
    number: int,
    starts: Array | tuple[int, int, int],
    sides: tuple[int, int, int],
) -> bool:
    """Whether window ``number`` has cells of the tile that begins at ``starts``.

    ``windows`` (3, n) are of `join_window` along each axis, with first = end where there is
    nothing.
    """
    is_found = True
    for axis in range(3):
        first, end = read_window(windows, axis, number)
        start, stop = narrow(starts[axis]), narrow(starts[axis] + sides[axis])
        # No branch: in a warp, some thread goes on in any case.
        is_found = is_found & (first < end) & (first < stop) & (end > start)
    return bool(is_found)


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
    """Find the window that all of a group have together, ``group_size`` after one another.

    ``windows`` (3, n) are of `join_window` along each axis, and so are those returned (3, groups).
    """
    bounds = get_device().xp.empty((3, -(-windows.shape[1] // group_size)), np.uint64)
    launch_for_each(_bound, bounds.shape[1], bounds, windows, group_size)
    return bounds  # type: ignore[no-any-return]


@cuda_kernel
def _bound(bounds: Array, windows: Array, group_size: int) -> None:
    group = cuda.grid(1)
    if group >= bounds.shape[1]:
        return
    for axis in range(3):
        first, end = NOWHERE, 0
        for number in range(group * group_size, min((group + 1) * group_size, windows.shape[1])):
            own_first, own_end = read_window(windows, axis, number)
            if own_first < own_end:
                first, end = min(first, own_first), max(end, own_end)
        bounds[axis, group] = join_window(first, end)
