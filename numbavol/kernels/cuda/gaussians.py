"""Voxel averages of Gaussian mixtures."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.blocks import bound_groups, keep_near, keep_near_groups
from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.profiles import N_PARAMETERS, fill_parameters, integrate_cell
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.math import floor
from numbavol.kernels.profiles import SHARPEST, end_cell, first_cell, locate_gaussian

Array = np.ndarray[Any, np.dtype[Any]]

# A block owns a tile of the map, and a thread a column of its voxels, in registers.
TILE_X, TILE_Y, TILE_Z = (4, 2, 2) if IS_SIMULATED else (16, 16, 8)
SIDES = (TILE_X, TILE_Y, TILE_Z)
THREADS_A_TILE = TILE_X * TILE_Y
CELLS_A_TILE = TILE_X + TILE_Y + TILE_Z
# Neighbours whose windows are looked at together before one by one.
POSITIONS_IN_A_GROUP = 4 if IS_SIMULATED else 32
GROUPS_AT_A_TIME = THREADS_A_TILE // POSITIONS_IN_A_GROUP
# Their profiles share the block's memory: more are fewer barriers, and fewer blocks at a time.
POSITIONS_A_ROUND = 2 if IS_SIMULATED else 8
MOST_GAUSSIANS = 6
N_PROFILES = POSITIONS_A_ROUND * MOST_GAUSSIANS * CELLS_A_TILE


def locate_gaussians(
    positions: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    shape: tuple[int, int, int],
    block_side: int,
    centres: Array,
    planes: Array,
    blocks: Array,
) -> int:
    """Place Gaussians in a map; returns how many reach into it: see the kernel of the CPU.

    A thread owns what belongs to a position.
    """
    outside = int(np.iinfo(blocks.dtype).max)
    launch_for_each(
        _locate, len(positions), positions, variances, voxel_size, reach, shape, block_side,
        outside, centres, planes, blocks,
    )  # fmt: skip
    return int((blocks != outside).sum())


@cuda_kernel
def _locate(
    positions: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    shape: tuple[int, int, int],
    block_side: int,
    outside: int,
    centres: Array,
    planes: Array,
    blocks: Array,
) -> None:
    a = cuda.grid(1)
    if a < positions.shape[0]:
        locate_gaussian(
            a, positions, variances, voxel_size, reach, shape, block_side, outside, centres,
            planes, blocks,
        )  # fmt: skip


def render_gaussians(
    out: Array,
    first_plane: int,
    n_planes: int,
    order: Array,
    centres: Array,
    amplitudes: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    precision: Array,
    fused: tuple[int, ...],
) -> None:
    """Add the voxel averages of Gaussians to z-planes of a map: see the kernel of the CPU.

    A block owns a tile of the map. It looks at groups of positions that follow one another in
    ``order``, and at the positions of those that reach into it: nothing is sorted, and nothing is
    added with atomics, so that the result is the same to the bit whenever it is computed. No more
    than a block's threads are added in single precision; their sums are added with their errors.
    """
    xp = get_device().xp
    n, k = len(order), len(fused)
    if n == 0:
        return
    if k > MOST_GAUSSIANS:
        msg = f"fused: expected at most {MOST_GAUSSIANS} Gaussians a position, got {k}"
        raise ValueError(msg)
    shape = (n_planes, out.shape[1], out.shape[2])
    n_axes = 1 if np.ptp(voxel_size) == 0 else 3
    windows = xp.empty((n, 6), np.int32)
    widths = xp.empty(n * n_axes * k, precision.dtype)
    launch_for_each(
        _prepare, n, windows, widths, n_axes, order, centres, variances, voxel_size, reach, shape,
        fused,
    )  # fmt: skip
    parameters = xp.empty((len(widths), N_PARAMETERS), precision.dtype)
    fill_parameters(parameters, widths, is_averaged=True)
    bounds = bound_groups(windows[np.newaxis], POSITIONS_IN_A_GROUP)[0]
    n_tiles = math.prod(
        -(-length // side) for length, side in zip(out.shape, (TILE_Z, TILE_Y, TILE_X), strict=True)
    )
    normalisation = 0.125 / float(np.prod(voxel_size))
    launch(
        _add_to_tiles, n_tiles, THREADS_A_TILE, out, first_plane, order, windows, bounds, centres,
        amplitudes, normalisation, parameters, n_axes, fused,
    )  # fmt: skip


@cuda_kernel
def _prepare(
    windows: Array,
    widths: Array,
    n_axes: int,
    order: Array,
    centres: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    shape: tuple[int, int, int],
    fused: tuple[int, ...],
) -> None:
    n = cuda.grid(1)
    if n >= order.size:
        return
    a, k = order[n], len(fused)
    variance = 0.0
    for i in range(k):
        variance = max(variance, variances[a, i])
    deviation = math.sqrt(variance)
    for axis in range(3):
        radius = reach * deviation / voxel_size[axis]
        n_cells = shape[2 - axis]
        windows[n, 2 * axis] = first_cell(centres[a, axis], radius, n_cells)
        windows[n, 2 * axis + 1] = end_cell(centres[a, axis], radius, n_cells)
    for axis in range(n_axes):
        for i in range(k):
            sharpness = 1.0 / math.sqrt(2.0 * variances[a, i])
            widths[(n * n_axes + axis) * k + i] = min(voxel_size[axis] * sharpness, SHARPEST)


@cuda_kernel
def _add_to_tiles(
    out: Array,
    first_plane: int,
    order: Array,
    windows: Array,
    bounds: Array,
    centres: Array,
    amplitudes: Array,
    normalisation: float,
    parameters: Array,
    n_axes: int,
    fused: tuple[int, ...],
) -> None:
    k, real = len(fused), parameters.dtype.type
    n_own, ny, nx = out.shape
    tiles_x, tiles_y = (nx + TILE_X - 1) // TILE_X, (ny + TILE_Y - 1) // TILE_Y
    tile, thread = cuda.blockIdx.x, cuda.threadIdx.x
    x_start = tile % tiles_x * TILE_X
    y_start = tile // tiles_x % tiles_y * TILE_Y
    z_start = first_plane + tile // (tiles_x * tiles_y) * TILE_Z
    starts = (x_start, y_start, z_start)
    own_x, own_y = thread % TILE_X, thread // TILE_X

    counts = cuda.shared.array(THREADS_A_TILE, numba.int32)
    near_groups = cuda.shared.array(THREADS_A_TILE, numba.int32)
    near = cuda.shared.array(THREADS_A_TILE, numba.int32)
    profiles = cuda.shared.array(N_PROFILES, parameters.dtype)
    sums = cuda.local.array(TILE_Z, parameters.dtype)
    totals = cuda.local.array(TILE_Z, parameters.dtype)
    errors = cuda.local.array(TILE_Z, parameters.dtype)
    for n in range(TILE_Z):
        totals[n] = real(0)
        errors[n] = real(0)
    is_empty = True

    for start in range(0, bounds.shape[0], THREADS_A_TILE):
        n_groups = keep_near_groups(bounds, start, starts, SIDES, counts, near_groups)
        for first in range(0, n_groups, GROUPS_AT_A_TIME):
            n_near = keep_near(
                windows, near_groups, first, n_groups, POSITIONS_IN_A_GROUP, starts, SIDES, counts,
                near,
            )  # fmt: skip
            if n_near == 0:
                continue
            is_empty = False
            for n in range(TILE_Z):
                sums[n] = real(0)
            for begin in range(0, n_near, POSITIONS_A_ROUND):
                n_round = min(POSITIONS_A_ROUND, n_near - begin)
                for item in range(thread, n_round * k * CELLS_A_TILE, THREADS_A_TILE):
                    cell = item % CELLS_A_TILE
                    i = item // CELLS_A_TILE % k
                    entry = near[begin + item // (CELLS_A_TILE * k)]
                    a = order[entry]
                    axis, cell = 0, x_start + cell
                    if cell >= x_start + TILE_X + TILE_Y:
                        axis, cell = 2, cell - x_start - TILE_X - TILE_Y + z_start
                    elif cell >= x_start + TILE_X:
                        axis, cell = 1, cell - x_start - TILE_X + y_start
                    centre = centres[a, axis]
                    nearest = floor(centre + 0.5)
                    within = real(centre - nearest)
                    edge = real(0.5) + within
                    value = integrate_cell(
                        real(cell - nearest) - within,
                        real(windows[entry, 2 * axis] - nearest) - edge,
                        real(windows[entry, 2 * axis + 1] - nearest) - edge,
                        parameters,
                        (entry * n_axes + min(axis, n_axes - 1)) * k + i,
                    )
                    if axis == 2:
                        value *= real(amplitudes[a, i] * normalisation)
                    profiles[item] = value
                cuda.syncthreads()
                for slot in range(n_round):
                    for i in range(k):
                        at = (slot * k + i) * CELLS_A_TILE
                        along_y = profiles[at + TILE_X + own_y]
                        # A row that the window does not reach: the warp goes on.
                        if along_y != real(0):
                            weight = profiles[at + own_x] * along_y
                            for n in range(TILE_Z):
                                sums[n] += weight * profiles[at + TILE_X + TILE_Y + n]
                cuda.syncthreads()
            for n in range(TILE_Z):
                # The error of a sum, exactly (Knuth).
                total = totals[n] + sums[n]
                part = total - totals[n]
                errors[n] += (totals[n] - (total - part)) + (sums[n] - part)
                totals[n] = total

    x, y = x_start + own_x, y_start + own_y
    if is_empty or x >= nx or y >= ny:
        return
    for n in range(TILE_Z):
        z = z_start - first_plane + n
        if z < n_own:
            out[z, y, x] += totals[n] + errors[n]
