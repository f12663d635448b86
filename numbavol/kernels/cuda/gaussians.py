"""Voxel averages of Gaussian mixtures."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.blocks import bound_groups, is_near, keep_near_groups
from numbavol.kernels.cuda.device import IS_SIMULATED
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.map_profiles import (
    PART,
    Mixture,
    Profiles,
    fill_profiles,
    find_windows,
    split,
)
from numbavol.kernels.cuda.warps import (
    WARP,
    first_lane,
    first_of,
    narrow,
    second_of,
    unsigned,
    vote,
    without_first_lane,
)
from numbavol.kernels.jit import cuda_helper, cuda_kernel, cuda_kernel_in_registers
from numbavol.kernels.profiles import locate_gaussian

Array = np.ndarray[Any, np.dtype[Any]]

# A block owns a tile of the map, a warp a part of it, and a thread 2 x 2 x 4 voxels, in registers.
CELLS_X, CELLS_Y, CELLS_Z = 2, 2, 4
LANES_X, LANES_Y, LANES_Z = PART // CELLS_X, PART // CELLS_Y, PART // CELLS_Z
WARPS_X, WARPS_Y, WARPS_Z = (2, 1, 1) if IS_SIMULATED else (2, 2, 2)
TILE_X, TILE_Y, TILE_Z = PART * WARPS_X, PART * WARPS_Y, PART * WARPS_Z
SIDES = (TILE_X, TILE_Y, TILE_Z)
N_WARPS = WARPS_X * WARPS_Y * WARPS_Z
THREADS_A_TILE = WARP * N_WARPS
N_CELLS = CELLS_X * CELLS_Y * CELLS_Z
# Neighbours whose windows are looked at together before one by one.
POSITIONS_IN_A_GROUP = 4 if IS_SIMULATED else 32
# Gaussians that are added in one precision before their sum is, with its error.
MOST_IN_A_SUM = 2 * WARP if IS_SIMULATED else 256


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
) -> None:
    """Place Gaussians in a map: see the kernel of the CPU.

    A thread owns what belongs to a position.
    """
    outside = int(np.iinfo(blocks.dtype).max)
    launch_for_each(
        _locate, len(positions), positions, variances, tuple(map(float, voxel_size)), reach, shape,
        block_side, outside, centres, planes, blocks,
    )  # fmt: skip


@cuda_kernel
def _locate(
    positions: Array,
    variances: Array,
    voxel_size: tuple[float, float, float],
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
    precision: Array,  # noqa: ARG001  # it is that of the map
    fused: tuple[int, ...],
) -> None:
    """Add the voxel averages of Gaussians to z-planes of a map: see the kernel of the CPU.

    The profiles of a Gaussian along the axes are made once, in memory. Then a block owns a tile of
    the map: it looks at groups of Gaussians that follow one another in ``order``, and each of its
    warps adds products of profiles of those that reach into its part. Nothing is sorted, and
    nothing is added with atomics, so that the result is the same to the bit whenever it is
    computed. No more than `MOST_IN_A_SUM` and a warp's are added in single precision; their sums
    are added with their errors.
    """
    mixture = Mixture(
        order, centres, amplitudes, variances, tuple(map(float, voxel_size)), fused
    )  # fmt: skip
    if mixture.n_gaussians == 0:
        return
    windows, begins = find_windows(mixture, out.shape, first_plane, n_planes, reach)
    group_size = POSITIONS_IN_A_GROUP * len(fused)
    bounds = bound_groups(windows, group_size)
    batches = split(begins, group_size)
    profiles = Profiles.allocate(batches, out.dtype)
    nothing = out.dtype.type(0)
    n_tiles = math.prod(
        -(-length // side) for length, side in zip(out.shape, SIDES[::-1], strict=True)
    )
    for batch in batches:
        fill_profiles(profiles, batch, mixture, windows, begins, first_plane, nothing)
        launch(
            _ADD_TO_TILES[out.dtype], n_tiles, THREADS_A_TILE, out, windows, bounds,
            batch.first // group_size, -(-batch.end // group_size), group_size, profiles.places,
            profiles.pairs,
        )  # fmt: skip


@cuda_helper
def _own_cells(thread: int) -> tuple[int, int, int]:
    """First cell (x, y, z) of a thread in its tile."""
    lane, warp = thread % WARP, thread // WARP
    return (
        warp % WARPS_X * PART + lane % LANES_X * CELLS_X,
        warp // WARPS_X % WARPS_Y * PART + lane // LANES_X % LANES_Y * CELLS_Y,
        warp // (WARPS_X * WARPS_Y) * PART + lane // (LANES_X * LANES_Y) * CELLS_Z,
    )


@cuda_helper
def _add_to_map(out: Array, starts: Array, sums: Array) -> None:
    """Add a thread's sums to its voxels; what rounding leaves of them begins the next sums."""
    nz, ny, nx = out.shape
    own_x, own_y, own_z = _own_cells(cuda.threadIdx.x)
    for n in range(N_CELLS):
        x = starts[0] + own_x + n % 2
        y = starts[1] + own_y + n // 2 % 2
        z = starts[2] + own_z + n // 4
        if x < nx and y < ny and z < nz:
            before = out[z, y, x]
            total = before + sums[n]
            # The error of a sum, exactly (Knuth).
            part = total - before
            sums[n] = (before - (total - part)) + (sums[n] - part)
            out[z, y, x] = total


@cuda_helper
def _add_products(
    sums: Array,
    profiles: Array,
    places: Array,
    first: int,
    mask: np.uint32,
    own: tuple[int, int, int],
) -> None:
    """Add the products of profiles of the Gaussians of a mask to a thread's 2 x 2 x 4 sums.

    ``first`` is that of lane 0. ``own`` are the pairs (x, y, z) of the map that are the thread's,
    the first of two along z.
    """
    one = unsigned(1)
    while mask != 0:
        at = unsigned(np.uint32(3) * np.uint32(np.uint32(first) + first_lane(mask)))
        mask = without_first_lane(mask)
        at_x = unsigned(narrow(places[at] + own[0]))
        at_y = unsigned(narrow(places[at + one] + own[1]))
        at_z = unsigned(narrow(places[at + one + one] + own[2]))
        of_x, of_y = profiles[at_x], profiles[at_y]
        of_z, of_z_after = profiles[at_z], profiles[at_z + one]
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


def _add_to_tiles(
    out: Array,
    windows: Array,
    bounds: Array,
    first_group: int,
    end_group: int,
    group_size: int,
    places: Array,
    profiles: Array,
) -> None:
    real, n_gaussians = out.dtype.type, narrow(windows.shape[1])
    tiles_x = (out.shape[2] + TILE_X - 1) // TILE_X
    tiles_y = (out.shape[1] + TILE_Y - 1) // TILE_Y
    tile, thread = cuda.blockIdx.x, narrow(cuda.threadIdx.x)
    lane = narrow(thread & (WARP - 1))
    counts = cuda.shared.array(N_WARPS, numba.int32)
    near_groups = cuda.shared.array(THREADS_A_TILE, numba.int32)
    # In shared memory, which the compiler reads anew where it would run out of registers.
    starts = cuda.shared.array(3, numba.int32)
    if thread == 0:
        starts[0] = tile % tiles_x * TILE_X
        starts[1] = tile // tiles_x % tiles_y * TILE_Y
        starts[2] = tile // (tiles_x * tiles_y) * TILE_Z
    cuda.syncthreads()
    own_x, own_y, own_z = _own_cells(thread)
    own = (
        narrow((starts[0] + own_x) // 2), narrow((starts[1] + own_y) // 2),
        narrow((starts[2] + own_z) // 2),
    )  # fmt: skip
    part_x, part_y, part_z = _own_cells(thread - lane)
    part = (
        narrow(starts[0] + part_x), narrow(starts[1] + part_y), narrow(starts[2] + part_z)
    )  # fmt: skip
    sides = (PART, PART, PART)
    sums = cuda.local.array(N_CELLS, out.dtype)
    for n in range(N_CELLS):
        sums[n] = real(0)
    n_in_sum, start = narrow(0), narrow(first_group)
    while start < narrow(end_group):
        n_groups = keep_near_groups(bounds, start, end_group, starts, SIDES, counts, near_groups)
        near = narrow(0)
        while near < narrow(n_groups):
            group = near_groups[unsigned(near)]
            is_near_group = is_near(bounds, group, part, sides)
            first, end = narrow(group * group_size), narrow((group + 1) * group_size)
            # The simulator's votes are of all warps.
            while first < end and (is_near_group or IS_SIMULATED):
                number = narrow(first + lane)
                is_own = is_near_group and number < n_gaussians
                mask = vote(is_own and is_near(windows, number, part, sides))
                n_in_sum = narrow(n_in_sum + cuda.popc(mask))
                _add_products(sums, profiles, places, first, mask, own)
                if n_in_sum > MOST_IN_A_SUM:
                    n_in_sum = narrow(0)
                    _add_to_map(out, starts, sums)
                first = narrow(first + WARP)
            near = narrow(near + 1)
        start = narrow(start + THREADS_A_TILE)
    if n_in_sum > 0:
        _add_to_map(out, starts, sums)


# Of the first four blocks fit onto a multiprocessor, of the second two, and no register is spilled.
_add_to_tiles_single = cuda_kernel_in_registers(64)(_add_to_tiles)
_add_to_tiles_double = cuda_kernel_in_registers(128)(_add_to_tiles)
_ADD_TO_TILES = {
    np.dtype(np.float32): _add_to_tiles_single,
    np.dtype(np.float64): _add_to_tiles_double,
}
