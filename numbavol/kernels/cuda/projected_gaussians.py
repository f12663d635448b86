"""Projections of Gaussian mixtures along z."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.blocks import bound_groups, keep_near, keep_near_groups
from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.gaussians import MOST_GAUSSIANS
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.profiles import N_PARAMETERS, fill_parameters, integrate_cell
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.math import floor
from numbavol.kernels.places import place_in_plane
from numbavol.kernels.profiles import end_cell, first_cell

Array = np.ndarray[Any, np.dtype[Any]]

# A block owns a tile of an image, and a thread a pixel of it.
TILE = 4 if IS_SIMULATED else 16
SIDES = (TILE, TILE)
THREADS_A_TILE = TILE * TILE
POSITIONS_IN_A_GROUP = 4 if IS_SIMULATED else 32
GROUPS_AT_A_TIME = THREADS_A_TILE // POSITIONS_IN_A_GROUP
POSITIONS_A_ROUND = 2 if IS_SIMULATED else 8
N_PROFILES = POSITIONS_A_ROUND * MOST_GAUSSIANS * 2 * TILE


def project_gaussians(
    sums: Array,
    groups: Array,  # noqa: ARG001  # it finds its own
    positions: Array,
    radii: Array,
    amplitudes: Array,
    widths: Array,
    antialias: bool,
    rotations: Array,
    offsets: Array,
    fused: tuple[int, ...],
) -> None:
    """Add the projections of Gaussians to images: see the kernel of the CPU.

    A block owns a tile of an image. It looks at positions that follow one another as
    `render_gaussians` does, whatever ``groups`` says, adds in single precision no more of them than
    it has threads, and those sums in that of ``sums``: the result is the same to the bit whenever
    it is computed.
    """
    xp = get_device().xp
    n, k, n_images = len(positions), len(fused), len(sums)
    if n == 0:
        return
    if k > MOST_GAUSSIANS:
        msg = f"fused: expected at most {MOST_GAUSSIANS} Gaussians a position, got {k}"
        raise ValueError(msg)
    windows = xp.empty((n_images, n, 4), np.int32)
    rotations, offsets = get_device().send(rotations), get_device().send(offsets)
    launch_for_each(
        _find_windows, n_images * n, windows, positions, radii, rotations, offsets, sums.shape[1:]
    )
    parameters = xp.empty((n * k, N_PARAMETERS), np.float32)
    fill_parameters(parameters, widths.reshape(n * k), is_averaged=antialias)
    bounds = bound_groups(windows, POSITIONS_IN_A_GROUP)
    n_tiles = n_images * -(-sums.shape[1] // TILE) * -(-sums.shape[2] // TILE)
    launch(
        _add_to_tiles, n_tiles, THREADS_A_TILE, sums, windows, bounds, positions, amplitudes,
        parameters, rotations, offsets, fused,
    )  # fmt: skip


@cuda_kernel
def _find_windows(
    windows: Array,
    positions: Array,
    radii: Array,
    rotations: Array,
    offsets: Array,
    shape: tuple[int, int],
) -> None:
    number = cuda.grid(1)
    n = positions.shape[0]
    if number >= windows.shape[0] * n:
        return
    image, a = number // n, number % n
    ny, nx = shape
    x, y = place_in_plane(positions, a, rotations[image], offsets[image])
    reach = radii[a]
    # Also false where a place is not a number.
    is_inside = (
        x + reach >= -0.5 and x - reach <= nx - 0.5 and y + reach >= -0.5 and y - reach <= ny - 0.5
    )
    windows[image, a, 0] = first_cell(x, reach, nx) if is_inside else 0
    windows[image, a, 1] = end_cell(x, reach, nx) if is_inside else 0
    windows[image, a, 2] = first_cell(y, reach, ny) if is_inside else 0
    windows[image, a, 3] = end_cell(y, reach, ny) if is_inside else 0


@cuda_kernel
def _add_to_tiles(
    sums: Array,
    windows: Array,
    bounds: Array,
    positions: Array,
    amplitudes: Array,
    parameters: Array,
    rotations: Array,
    offsets: Array,
    fused: tuple[int, ...],
) -> None:
    k, real = len(fused), parameters.dtype.type
    ny, nx = sums.shape[1], sums.shape[2]
    tiles_x, tiles_y = (nx + TILE - 1) // TILE, (ny + TILE - 1) // TILE
    tile, thread = cuda.blockIdx.x, cuda.threadIdx.x
    image = tile // (tiles_x * tiles_y)
    x_start, y_start = tile % tiles_x * TILE, tile // tiles_x % tiles_y * TILE
    starts = (x_start, y_start)
    own_x, own_y = thread % TILE, thread // TILE

    counts = cuda.shared.array(THREADS_A_TILE, numba.int32)
    near_groups = cuda.shared.array(THREADS_A_TILE, numba.int32)
    near = cuda.shared.array(THREADS_A_TILE, numba.int32)
    # Of those near: the pixel next to each place, and how far beyond it the place is.
    nearest = cuda.shared.array((2, THREADS_A_TILE), numba.int32)
    within = cuda.shared.array((2, THREADS_A_TILE), parameters.dtype)
    profiles = cuda.shared.array(N_PROFILES, parameters.dtype)
    total = 0.0

    for start in range(0, bounds.shape[1], THREADS_A_TILE):
        n_groups = keep_near_groups(bounds[image], start, starts, SIDES, counts, near_groups)
        for first in range(0, n_groups, GROUPS_AT_A_TIME):
            n_near = keep_near(
                windows[image], near_groups, first, n_groups, POSITIONS_IN_A_GROUP, starts, SIDES,
                counts, near,
            )  # fmt: skip
            if thread < n_near:
                x, y = place_in_plane(positions, near[thread], rotations[image], offsets[image])
                pixel_x, pixel_y = floor(x + 0.5), floor(y + 0.5)
                nearest[0, thread], nearest[1, thread] = pixel_x, pixel_y
                within[0, thread], within[1, thread] = real(x - pixel_x), real(y - pixel_y)
            cuda.syncthreads()
            sum_of_near = real(0)
            for begin in range(0, n_near, POSITIONS_A_ROUND):
                n_round = min(POSITIONS_A_ROUND, n_near - begin)
                for item in range(thread, n_round * k * 2 * TILE, THREADS_A_TILE):
                    axis = item // TILE % 2
                    i = item // (2 * TILE) % k
                    slot = begin + item // (2 * TILE * k)
                    a = near[slot]
                    cell = item % TILE + (x_start if axis == 0 else y_start)
                    pixel, beyond = nearest[axis, slot], within[axis, slot]
                    edge = real(0.5) + beyond
                    value = integrate_cell(
                        real(cell - pixel) - beyond,
                        real(windows[image, a, 2 * axis] - pixel) - edge,
                        real(windows[image, a, 2 * axis + 1] - pixel) - edge,
                        parameters,
                        a * k + i,
                    )
                    profiles[item] = value * amplitudes[a, i] if axis == 1 else value
                cuda.syncthreads()
                for at in range(0, n_round * k * 2 * TILE, 2 * TILE):
                    sum_of_near += profiles[at + own_x] * profiles[at + TILE + own_y]
                cuda.syncthreads()
            total += sum_of_near

    x, y = x_start + own_x, y_start + own_y
    if x < nx and y < ny:
        sums[image, y, x] += total
