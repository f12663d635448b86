"""Voxel averages of Gaussian mixtures."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.blocks import bound_groups, is_near, keep_near, keep_near_groups
from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.profiles import fill_profile, nearest_cell
from numbavol.kernels.cuda.warps import (
    PAIRS,
    WARP,
    first_lane,
    first_of,
    narrow,
    second_of,
    vote,
    without_first_lane,
)
from numbavol.kernels.jit import cuda_helper, cuda_kernel, cuda_kernel_in_registers
from numbavol.kernels.profiles import SHARPEST, end_cell, first_cell, locate_gaussian

Array = np.ndarray[Any, np.dtype[Any]]

# A block owns a tile of the map, a warp a part of it, and a thread 2 x 2 x 4 voxels, in registers.
CELLS_X, CELLS_Y, CELLS_Z = 2, 2, 4
LANES_X, LANES_Y, LANES_Z = (2, 2, 1) if IS_SIMULATED else (4, 4, 2)
WARPS_X, WARPS_Y, WARPS_Z = (2, 1, 1) if IS_SIMULATED else (2, 2, 2)
PART_X, PART_Y, PART_Z = CELLS_X * LANES_X, CELLS_Y * LANES_Y, CELLS_Z * LANES_Z
TILE_X, TILE_Y, TILE_Z = PART_X * WARPS_X, PART_Y * WARPS_Y, PART_Z * WARPS_Z
SIDES = (TILE_X, TILE_Y, TILE_Z)
N_WARPS = WARPS_X * WARPS_Y * WARPS_Z
THREADS_A_TILE = WARP * N_WARPS
# Neighbours whose windows are looked at together before one by one.
POSITIONS_IN_A_GROUP = 4 if IS_SIMULATED else 32
GROUPS_AT_A_TIME = THREADS_A_TILE // POSITIONS_IN_A_GROUP
MOST_GAUSSIANS = 6
IS_AVERAGED = True
# Of the profile of a Gaussian along an axis of the tile.
PAIRS_A_PROFILE = TILE_X // 2
# Those that are left where they are no round, and as many as a block has threads.
MOST_WAITING = THREADS_A_TILE + WARP
N_PROFILES = 3 * MOST_GAUSSIANS * PAIRS_A_PROFILE
# Positions that are added in one precision before their sum is, with its error.
MOST_IN_A_SUM = 2 * WARP if IS_SIMULATED else 256
N_CELLS = CELLS_X * CELLS_Y * CELLS_Z


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
    than `MOST_IN_A_SUM` and a warp's are added in single precision; their sums are added with
    their errors.
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
    widths = xp.empty((n_axes, k, n), precision.dtype)
    launch_for_each(
        _prepare, n, windows, widths, order, centres, variances, voxel_size, reach, shape, fused
    )
    bounds = bound_groups(windows, POSITIONS_IN_A_GROUP)
    n_tiles = math.prod(
        -(-length // side) for length, side in zip(out.shape, (TILE_Z, TILE_Y, TILE_X), strict=True)
    )
    normalisation = 0.125 / float(np.prod(voxel_size))
    launch(
        _ADD_TO_TILES[precision.dtype], n_tiles, THREADS_A_TILE, out, first_plane, order, windows,
        bounds, centres, amplitudes, normalisation, widths, fused,
    )  # fmt: skip


@cuda_kernel
def _prepare(
    windows: Array,
    widths: Array,
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
    for i in range(k):
        sharpness = 1.0 / math.sqrt(2.0 * variances[a, i])
        for axis in range(widths.shape[0]):
            widths[axis, i, n] = min(voxel_size[axis] * sharpness, SHARPEST)


@cuda_helper
def _own_cells(thread: int) -> tuple[int, int, int]:
    """First cell (x, y, z) of a thread in its tile."""
    lane, warp = thread % WARP, thread // WARP
    return (
        warp % WARPS_X * PART_X + lane % LANES_X * CELLS_X,
        warp // WARPS_X % WARPS_Y * PART_Y + lane // LANES_X % LANES_Y * CELLS_Y,
        warp // (WARPS_X * WARPS_Y) * PART_Z + lane // (LANES_X * LANES_Y) * CELLS_Z,
    )


@cuda_helper
def _is_near_part(windows: Array, number: int, starts: Array) -> bool:
    """Whether a window has cells of the part of a tile that is the warp's."""
    warp = cuda.threadIdx.x // WARP
    x = starts[0] + warp % WARPS_X * PART_X
    y = starts[1] + warp // WARPS_X % WARPS_Y * PART_Y
    z = starts[2] + warp // (WARPS_X * WARPS_Y) * PART_Z
    return is_near(windows, number, (x, y, z), (PART_X, PART_Y, PART_Z))


@cuda_helper
def _add_to_map(out: Array, first_plane: int, starts: Array, sums: Array) -> None:
    """Add a thread's sums to its voxels; what rounding leaves of them begins the next sums."""
    nz, ny, nx = out.shape
    own_x, own_y, own_z = _own_cells(cuda.threadIdx.x)
    for n in range(N_CELLS):
        x = starts[0] + own_x + n % 2
        y = starts[1] + own_y + n // 2 % 2
        z = starts[2] - first_plane + own_z + n // 4
        if x < nx and y < ny and z < nz:
            before = out[z, y, x]
            total = before + sums[n]
            # The error of a sum, exactly (Knuth).
            part = total - before
            sums[n] = (before - (total - part)) + (sums[n] - part)
            out[z, y, x] = total


@cuda_helper
def _fill_profiles(
    profiles: Array,
    n_slots: int,
    slot: int,
    entry: int,
    a: int,
    starts: Array,
    windows: Array,
    centres: Array,
    amplitudes: Array,
    normalisation: float,
    widths: Array,
    k: int,
) -> None:
    """Write the profiles of position ``a`` that are the warp's, the lanes of a slot together."""
    real, row = widths.dtype.type, n_slots + 1
    lane, warp = narrow(cuda.threadIdx.x % WARP), narrow(cuda.threadIdx.x // WARP)
    for task in range(warp, 3 * k, N_WARPS):
        axis, i = task % 3, task // 3
        centre = centres[a, axis]
        nearest = nearest_cell(centre)
        within = real(centre - nearest)
        edge = real(0.5) + within
        fill_profile(
            profiles, (axis * MOST_GAUSSIANS + i) * PAIRS_A_PROFILE * row + slot, row,
            (lane // n_slots, PAIRS_A_PROFILE, WARP // n_slots),
            real(narrow(starts[axis] - nearest)), within,
            real(narrow(windows[entry, 2 * axis] - nearest)) - edge,
            real(narrow(windows[entry, 2 * axis + 1] - nearest)) - edge,
            widths[min(axis, widths.shape[0] - 1), i, entry],
            real(amplitudes[a, i] * normalisation) if axis == 2 else real(1),
            IS_AVERAGED,
        )  # fmt: skip


@cuda_helper
def _add_products(sums: Array, profiles: Array, n_slots: int, mask: np.uint32, k: int) -> None:
    """Add the products of profiles of the slots of a mask to a thread's 2 x 2 x 4 sums."""
    row = n_slots + 1
    rows_an_axis = MOST_GAUSSIANS * PAIRS_A_PROFILE * row
    own_x, own_y, own_z = _own_cells(narrow(cuda.threadIdx.x))
    from_x = np.uint32(own_x // 2 * row)
    from_y = np.uint32(own_y // 2 * row + rows_an_axis)
    from_z = np.uint32(own_z // 2 * row + 2 * rows_an_axis)
    while mask != 0:
        slot = first_lane(mask)
        mask = without_first_lane(mask)
        at_x, at_y = np.uint32(from_x + slot), np.uint32(from_y + slot)
        at_z = np.uint32(from_z + slot)
        for i in range(k):
            offset = i * PAIRS_A_PROFILE * row
            of_x, of_y = profiles[at_x + offset], profiles[at_y + offset]
            of_z, of_z_after = profiles[at_z + offset], profiles[at_z + offset + row]
            x0, x1 = first_of(of_x), second_of(of_x)
            y0, y1 = first_of(of_y), second_of(of_y)
            z0, z1 = first_of(of_z), second_of(of_z)
            z2, z3 = first_of(of_z_after), second_of(of_z_after)
            for n in range(CELLS_X * CELLS_Y):
                weight = (x0 if n % 2 == 0 else x1) * (y0 if n < 2 else y1)
                sums[n] += weight * z0
                sums[n + 4] += weight * z1
                sums[n + 8] += weight * z2
                sums[n + 12] += weight * z3


def _make_add_to_tiles(pair: Any, n_slots: int, n_registers: int) -> Any:
    """Make the kernel of a precision, of whose profiles ``n_slots`` fit into a block's memory."""
    n_pairs = N_PROFILES * (n_slots + 1)

    @cuda_kernel_in_registers(n_registers)
    def add_to_tiles(
        out: Array,
        first_plane: int,
        order: Array,
        windows: Array,
        bounds: Array,
        centres: Array,
        amplitudes: Array,
        normalisation: float,
        widths: Array,
        fused: tuple[int, ...],
    ) -> None:
        k, real = len(fused), widths.dtype.type
        tiles_x = (out.shape[2] + TILE_X - 1) // TILE_X
        tiles_y = (out.shape[1] + TILE_Y - 1) // TILE_Y
        tile, thread = cuda.blockIdx.x, narrow(cuda.threadIdx.x)
        lane = narrow(thread % WARP)
        counts = cuda.shared.array(N_WARPS, numba.int32)
        near_groups = cuda.shared.array(THREADS_A_TILE, numba.int32)
        near = cuda.shared.array(MOST_WAITING, numba.int32)
        # [axis, Gaussian, pair of cells, slot], with a gap between rows: other banks.
        profiles = cuda.shared.array(n_pairs, pair)
        # In shared memory, which the compiler reads anew where it would run out of registers.
        starts = cuda.shared.array(3, numba.int32)
        if thread == 0:
            starts[0] = tile % tiles_x * TILE_X
            starts[1] = tile // tiles_x % tiles_y * TILE_Y
            starts[2] = first_plane + tile // (tiles_x * tiles_y) * TILE_Z
        cuda.syncthreads()
        sums = cuda.local.array(N_CELLS, out.dtype)
        for n in range(N_CELLS):
            sums[n] = real(0)
        n_in_sum, n_waiting = narrow(0), narrow(0)

        for start in range(0, bounds.shape[0] + THREADS_A_TILE, THREADS_A_TILE):
            # Once more, for what waits.
            is_last = start >= bounds.shape[0]
            n_groups = keep_near_groups(bounds, start, starts, SIDES, counts, near_groups)
            if n_groups == 0 and not is_last:
                continue
            for first in range(0, max(n_groups, 1), GROUPS_AT_A_TIME):
                n_waiting = narrow(keep_near(
                    windows, near_groups, first, n_groups, POSITIONS_IN_A_GROUP, starts, SIDES,
                    counts, near, n_waiting,
                ))  # fmt: skip
                n_ready = n_waiting if is_last else n_waiting - n_waiting % n_slots
                for begin in range(0, n_ready, n_slots):
                    slot, is_of_part = lane % n_slots, False
                    if begin + slot < n_ready:
                        entry = near[begin + slot]
                        _fill_profiles(
                            profiles, n_slots, slot, entry, order[entry], starts, windows, centres,
                            amplitudes, normalisation, widths, k,
                        )  # fmt: skip
                        is_of_part = bool(lane < n_slots and _is_near_part(windows, entry, starts))
                    cuda.syncthreads()
                    mask = vote(is_of_part)
                    n_in_sum = narrow(n_in_sum + cuda.popc(mask))
                    _add_products(sums, profiles, n_slots, mask, k)
                    if n_in_sum > MOST_IN_A_SUM:
                        n_in_sum = narrow(0)
                        _add_to_map(out, first_plane, starts, sums)
                    cuda.syncthreads()
                n_left = n_waiting - n_ready
                # Those that are left are fewer than a round: none is where another was.
                if thread < n_left:
                    near[thread] = near[n_ready + thread]
                n_waiting = narrow(n_left)

        if n_in_sum > 0:
            _add_to_map(out, first_plane, starts, sums)

    return add_to_tiles


_add_to_tiles_single = _make_add_to_tiles(PAIRS[np.dtype(np.float32)], WARP, 64)
_add_to_tiles_double = _make_add_to_tiles(PAIRS[np.dtype(np.float64)], WARP // 2, 128)
_ADD_TO_TILES = {
    np.dtype(np.float32): _add_to_tiles_single,
    np.dtype(np.float64): _add_to_tiles_double,
}
