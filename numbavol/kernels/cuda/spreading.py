"""Spreading of points over a grid in the plane: the first step of a non-uniform transform."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.patches import (
    CELLS_A_PROFILE,
    N_WARPS,
    PAIRS_A_PROFILE,
    THREADS,
    add_patch,
    begin_windows,
    count_segments,
    find_own,
    put_window,
    split_images,
    value_of,
)
from numbavol.kernels.cuda.warps import PAIRS, ROW, WARP, join, narrow
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.math import ceil
from numbavol.kernels.places import place_in_plane

Array = np.ndarray[Any, np.dtype[Any]]

N_PAIRS = 2 * PAIRS_A_PROFILE * ROW


def spread_in_plane(
    grids: Array,
    first_row: int,
    n_rows: int,
    groups: Array,  # noqa: ARG001  # it has its own
    positions: Array,
    strengths: Array,
    rotations: Array,
    offsets: Array,
    lowest: Array,
    highest: Array,
    width: int,
    window: Array,
) -> None:
    """Add what points carry, spread over cells, to periodic grids: see the kernel of the CPU.

    A block owns as many points, one after another, as a warp has lanes, and adds them to grids that
    do not repeat themselves, as whole numbers (`patches`); then a thread owns a cell of ``grids``,
    and adds the cells up that it stands for: the result is the same to the bit whenever it is
    computed.
    """
    device = get_device()
    n, n_images = len(positions), len(grids)
    if n == 0:
        return
    half = 0.5 * width
    # Of the first cell that a window can have, and of how many there are.
    first_x, first_y = (math.ceil(float(low) - half) for low in lowest)
    n_x, n_y = (
        math.ceil(float(high) - half) + width - first
        for high, first in zip(highest, (first_x, first_y), strict=True)
    )
    rotations, offsets = device.send(rotations), device.send(offsets)
    # A window is 1 high, give or take what its polynomials err.
    bound = 2.0 * device.xp.abs(strengths).sum(dtype=np.float64).reshape(1)
    whole = device.xp.zeros((n_images, 2, n_y, n_x), np.int64)
    n_blocks = -(-n // WARP)
    for some in split_images(n_images, n_blocks):
        launch(
            _SPREAD[window.dtype], len(rotations[some]) * n_blocks, THREADS, whole[some],
            positions, strengths, rotations[some], offsets[some], lowest, highest,
            (first_x, first_y), width, window, bound,
        )  # fmt: skip
    # As they count from the first row that is owned.
    first_cell = (first_x, first_y - first_row)
    launch_for_each(_fold, grids.size, grids, n_rows, whole, first_cell, bound)


def _make_spread(pair: Any) -> Any:
    """Make the kernel of a precision."""

    @cuda_kernel
    def spread(
        whole: Array,
        positions: Array,
        strengths: Array,
        rotations: Array,
        offsets: Array,
        lowest: Array,
        highest: Array,
        first_cell: tuple[int, int],
        width: int,
        window: Array,
        bound: Array,
    ) -> None:
        real, n_powers = window.dtype.type, window.shape[0]
        image, first, end = find_own(positions.shape[0])
        thread = narrow(cuda.threadIdx.x)
        lane, warp = narrow(thread % WARP), narrow(thread // WARP)
        windows = cuda.shared.array((6, WARP), numba.int32)
        box = cuda.shared.array(6, numba.int32)
        # Where in a cell the window of a point begins: the argument of its polynomials.
        arguments = cuda.shared.array((2, WARP), window.dtype)
        profiles = cuda.shared.array(N_PAIRS, pair)
        scales = cuda.shared.array(1, numba.float64)

        begin_windows(windows, box, scales, bound)
        a = first + lane
        if warp == 0 and a < end:
            x, y = place_in_plane(positions, a, rotations[image], offsets[image])
            # Also false where a place is not a number.
            if lowest[0] <= x <= highest[0] and lowest[1] <= y <= highest[1]:
                for axis in range(2):
                    place = x if axis == 0 else y
                    cell = ceil(place - 0.5 * width)
                    arguments[axis, lane] = real(2.0 * (cell - place + 0.5 * width) - 1.0)
                    column = cell - first_cell[axis]
                    put_window(windows, box, lane, axis, column, column + width)
        cuda.syncthreads()

        n_segments_x, n_segments_y = count_segments(box, 0), count_segments(box, 1)
        for segment_y in range(n_segments_y):
            for segment_x in range(n_segments_x):
                if windows[0, lane] < windows[1, lane]:
                    task = warp
                    while task < 2 * PAIRS_A_PROFILE:
                        axis, pair_number = narrow(task & 1), narrow(task >> 1)
                        own_segment = narrow(segment_y) if axis == 1 else narrow(segment_x)
                        cell = windows[3 * axis + 2, lane] - windows[3 * axis, lane]
                        cell += CELLS_A_PROFILE * own_segment + 2 * pair_number
                        argument = arguments[axis, lane]
                        one, two = real(0), real(0)
                        for power in range(n_powers):
                            if 0 <= cell < width:
                                one = window[power, cell] + argument * one
                            if 0 <= cell + 1 < width:
                                two = window[power, cell + 1] + argument * two
                        factor = strengths[a] if axis == 0 else real(1)
                        at = (axis * PAIRS_A_PROFILE + pair_number) * ROW + lane
                        profiles[np.uint32(at)] = join(factor * one, factor * two)
                        task = narrow(task + N_WARPS)
                cuda.syncthreads()
                add_patch(
                    whole[image], profiles, windows, box, segment_x, segment_y, 1,
                    PAIRS_A_PROFILE, real(0), scales[0],
                )  # fmt: skip
                cuda.syncthreads()

    return spread


_spread_single = _make_spread(PAIRS[np.dtype(np.float32)])
_spread_double = _make_spread(PAIRS[np.dtype(np.float64)])
_SPREAD = {np.dtype(np.float32): _spread_single, np.dtype(np.float64): _spread_double}


@cuda_kernel
def _fold(
    grids: Array, n_rows: int, whole: Array, first_cell: tuple[int, int], bound: Array
) -> None:
    number = cuda.grid(1)
    n_y, n_x = grids.shape[1], grids.shape[2]
    if number >= grids.size:
        return
    image, y, x = number // (n_y * n_x), number // n_x % n_y, number % n_x
    first, second = 0, 0
    for row in range((y - first_cell[1]) % n_rows, whole.shape[2], n_rows):
        for column in range((x - first_cell[0]) % n_x, whole.shape[3], n_x):
            first += whole[image, 0, row, column]
            second += whole[image, 1, row, column]
    grids[image, y, x] += value_of(first, second, bound)
