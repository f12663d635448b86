"""Spreading of points over a grid in the plane: the first step of a non-uniform transform."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.blocks import bound_groups, keep_near, keep_near_groups
from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.math import ceil
from numbavol.kernels.places import place_in_plane

Array = np.ndarray[Any, np.dtype[Any]]

# A block owns a tile of a grid, and a thread a cell of it.
TILE = 4 if IS_SIMULATED else 16
SIDES = (TILE, TILE)
THREADS_A_TILE = TILE * TILE
POINTS_IN_A_GROUP = 4 if IS_SIMULATED else 32
GROUPS_AT_A_TIME = THREADS_A_TILE // POINTS_IN_A_GROUP
POINTS_A_ROUND = 2 if IS_SIMULATED else 32
N_PROFILES = POINTS_A_ROUND * 2 * TILE


def spread_in_plane(
    grids: Array,
    groups: Array,  # noqa: ARG001  # it finds its own
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

    Points are spread over grids that do not repeat themselves, of which a block owns a tile; then
    a thread owns a cell of ``grids``, and adds the cells up that it stands for. Nothing is added
    with atomics: the result is the same to the bit whenever it is computed.
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
    windows = device.xp.empty((n_images, n, 4), np.int32)
    launch_for_each(
        _find_windows, n_images * n, windows, positions, rotations, offsets, lowest, highest,
        width, (first_x, first_y),
    )  # fmt: skip
    bounds = bound_groups(windows, POINTS_IN_A_GROUP)
    unfolded = device.xp.empty((n_images, n_y, n_x), grids.dtype)
    n_tiles = n_images * -(-n_y // TILE) * -(-n_x // TILE)
    launch(
        _spread_to_tiles, n_tiles, THREADS_A_TILE, unfolded, windows, bounds, positions, strengths,
        rotations, offsets, (first_x, first_y), width, window,
    )  # fmt: skip
    launch_for_each(_fold, grids.size, grids, unfolded, (first_x, first_y))


@cuda_kernel
def _find_windows(
    windows: Array,
    positions: Array,
    rotations: Array,
    offsets: Array,
    lowest: Array,
    highest: Array,
    width: int,
    first: tuple[int, int],
) -> None:
    number = cuda.grid(1)
    n = positions.shape[0]
    if number >= windows.shape[0] * n:
        return
    image, a = number // n, number % n
    x, y = place_in_plane(positions, a, rotations[image], offsets[image])
    # Also false where a place is not a number.
    is_inside = lowest[0] <= x <= highest[0] and lowest[1] <= y <= highest[1]
    for axis in range(2):
        cell = 0
        if is_inside:
            cell = ceil((x if axis == 0 else y) - 0.5 * width) - first[axis]
        windows[image, a, 2 * axis] = cell
        windows[image, a, 2 * axis + 1] = cell + width if is_inside else cell


@cuda_kernel
def _spread_to_tiles(
    unfolded: Array,
    windows: Array,
    bounds: Array,
    positions: Array,
    strengths: Array,
    rotations: Array,
    offsets: Array,
    first_cell: tuple[int, int],
    width: int,
    window: Array,
) -> None:
    real = window.dtype.type
    n_powers = window.shape[0]
    ny, nx = unfolded.shape[1], unfolded.shape[2]
    tiles_x, tiles_y = (nx + TILE - 1) // TILE, (ny + TILE - 1) // TILE
    tile, thread = cuda.blockIdx.x, cuda.threadIdx.x
    image = tile // (tiles_x * tiles_y)
    starts = (tile % tiles_x * TILE, tile // tiles_x % tiles_y * TILE)
    own_x, own_y = thread % TILE, thread // TILE

    counts = cuda.shared.array(THREADS_A_TILE, numba.int32)
    near_groups = cuda.shared.array(THREADS_A_TILE, numba.int32)
    near = cuda.shared.array(THREADS_A_TILE, numba.int32)
    # Where in a cell the window of a point begins: the argument of its polynomials.
    arguments = cuda.shared.array((2, THREADS_A_TILE), window.dtype)
    profiles = cuda.shared.array(N_PROFILES, window.dtype)
    total = 0.0

    for start in range(0, bounds.shape[1], THREADS_A_TILE):
        n_groups = keep_near_groups(bounds[image], start, starts, SIDES, counts, near_groups)
        for first in range(0, n_groups, GROUPS_AT_A_TIME):
            n_near = keep_near(
                windows[image], near_groups, first, n_groups, POINTS_IN_A_GROUP, starts, SIDES,
                counts, near,
            )  # fmt: skip
            if thread < n_near:
                a = near[thread]
                x, y = place_in_plane(positions, a, rotations[image], offsets[image])
                cell_x = windows[image, a, 0] + first_cell[0]
                cell_y = windows[image, a, 2] + first_cell[1]
                arguments[0, thread] = real(2.0 * (cell_x - x + 0.5 * width) - 1.0)
                arguments[1, thread] = real(2.0 * (cell_y - y + 0.5 * width) - 1.0)
            cuda.syncthreads()
            sum_of_near = real(0)
            for begin in range(0, n_near, POINTS_A_ROUND):
                n_round = min(POINTS_A_ROUND, n_near - begin)
                for item in range(thread, n_round * 2 * TILE, THREADS_A_TILE):
                    axis, slot = item // TILE % 2, begin + item // (2 * TILE)
                    a = near[slot]
                    start_of_tile = starts[0] if axis == 0 else starts[1]
                    cell = item % TILE + start_of_tile - windows[image, a, 2 * axis]
                    value = real(0)
                    if 0 <= cell < width:
                        argument = arguments[axis, slot]
                        for power in range(n_powers):
                            value = window[power, cell] + argument * value
                        if axis == 0:
                            value *= strengths[a]
                    profiles[item] = value
                cuda.syncthreads()
                for at in range(0, n_round * 2 * TILE, 2 * TILE):
                    sum_of_near += profiles[at + own_x] * profiles[at + TILE + own_y]
                cuda.syncthreads()
            total += sum_of_near

    x, y = starts[0] + own_x, starts[1] + own_y
    if x < nx and y < ny:
        unfolded[image, y, x] = total


@cuda_kernel
def _fold(grids: Array, unfolded: Array, first_cell: tuple[int, int]) -> None:
    number = cuda.grid(1)
    n_y, n_x = grids.shape[1], grids.shape[2]
    if number >= grids.size:
        return
    image, y, x = number // (n_y * n_x), number // n_x % n_y, number % n_x
    total = grids[image, y, x]
    for row in range((y - first_cell[1]) % n_y, unfolded.shape[1], n_y):
        for column in range((x - first_cell[0]) % n_x, unfolded.shape[2], n_x):
            total += unfolded[image, row, column]
    grids[image, y, x] = total
