"""Planes of a transform, sampled for many orientations without coordinates ever existing."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch
from numbavol.kernels.cuda.warps import (
    WARP,
    as_pairs,
    divide_small,
    first_of,
    join,
    narrow,
    second_of,
    unsigned,
)
from numbavol.kernels.jit import cuda_helper, cuda_kernel_in_registers
from numbavol.kernels.math import cubic_weight, floor
from numbavol.kernels.sampling import curve, is_between, place_of_sample, sample_periodic

Array = np.ndarray[Any, np.dtype[Any]]

# Of a tile: a sample a thread, where the tile has so many.
THREADS_A_TILE = 8 if IS_SIMULATED else 256
# Where threads are in a tile is found once for so many, where there are enough to fill a card with
# (scripts/bench --device cuda).
MOST_TILES_A_BLOCK, FEWEST_BLOCKS = (2, 2) if IS_SIMULATED else (16, 2**12)
# Four blocks fit onto a multiprocessor: while some wait for the memory, others go on.
REGISTERS = 64
# Of a warp: the squarer, the fewer lines of memory its neighbours are in.
PATCH_X, PATCH_Y = (2, 2) if IS_SIMULATED else (8, 4)


def sample_planes(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    order: tuple[int, ...],
    planes: Array,
    n_positive: tuple[int, int],
    lowest: Array,
    highest: Array,
    tiles: Array,
    side: int,
    start: int,
    stop: int,
) -> None:
    """Sample planes on the tiles ``start <= t < stop``: see the kernel of the CPU.

    A block owns a few tiles, and a thread some of their samples.
    """
    lowest, highest = _as_numbers(lowest), _as_numbers(highest)
    n_blocks, n_tiles = _share_tiles(stop - start)
    launch(
        _sample_planes, n_blocks, THREADS_A_TILE, as_pairs(out)[..., 0], values, as_pairs(values),
        shape, order, planes, n_positive, lowest, highest, tiles, side, start, stop, n_tiles,
    )  # fmt: skip


def sample_surfaces(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    order: tuple[int, ...],
    planes: Array,
    curvatures: Array,
    n_positive: tuple[int, int],
    lowest: Array,
    highest: Array,
    tiles: Array,
    side: int,
    start: int,
    stop: int,
) -> None:
    """Sample curved surfaces on the tiles ``start <= t < stop``: see the kernel of the CPU.

    A block owns a few tiles, and a thread some of their samples.
    """
    lowest, highest = _as_numbers(lowest), _as_numbers(highest)
    n_blocks, n_tiles = _share_tiles(stop - start)
    launch(
        _sample_surfaces, n_blocks, THREADS_A_TILE, as_pairs(out)[..., 0], values,
        as_pairs(values), shape, order, planes, curvatures, n_positive, lowest, highest, tiles,
        side, start, stop, n_tiles,
    )  # fmt: skip


def _share_tiles(n: int) -> tuple[int, int]:
    """Share n tiles among blocks: how many blocks, and how many tiles each has."""
    n_tiles = min(max(n // FEWEST_BLOCKS, 1), MOST_TILES_A_BLOCK)
    return -(-n // n_tiles), n_tiles


def _as_numbers(array: Array) -> Any:
    """Three numbers that a kernel takes with its arguments, not from memory."""
    return tuple(map(float, get_device().fetch(array)))


@cuda_helper
def _mix(near: Any, far: Any, within: Any) -> tuple[Any, Any]:
    """Interpolate linearly between two complex numbers."""
    real, imaginary = first_of(near), second_of(near)
    return (
        real + within * (first_of(far) - real),
        imaginary + within * (second_of(far) - imaginary),
    )


@cuda_helper
def _sample_linear(
    pairs: Array, at: int, along_y: int, along_z: int, x: Any, y: Any, z: Any
) -> tuple[Any, Any]:
    """Interpolate between eight complex neighbours, the first at ``at``."""
    one = unsigned(1)
    a, b = _mix(pairs[at], pairs[at + one], x)
    low = at + along_y
    c, d = _mix(pairs[low], pairs[low + one], x)
    high = at + along_z
    e, f = _mix(pairs[high], pairs[high + one], x)
    both = high + along_y
    g, h = _mix(pairs[both], pairs[both + one], x)
    a, b, e, f = a + y * (c - a), b + y * (d - b), e + y * (g - e), f + y * (h - f)
    return a + z * (e - a), b + z * (f - b)


@cuda_helper
def _sample_cubic(
    pairs: Array, at: int, along_y: int, along_z: int, x: Any, y: Any, z: Any
) -> tuple[Any, Any]:
    """Interpolate between 64 complex coefficients of a spline, the first at ``at``."""
    x0, x1, x2, x3 = cubic_weight(x, 0), cubic_weight(x, 1), cubic_weight(x, 2), cubic_weight(x, 3)
    zero = type(x)(0)
    real, imaginary = zero, zero
    for k in range(4):
        of_layer, imaginary_of_layer = zero, zero
        for j in range(4):
            row = at + unsigned(k) * along_z + unsigned(j) * along_y
            p, q = pairs[row], pairs[row + unsigned(1)]
            r, s = pairs[row + unsigned(2)], pairs[row + unsigned(3)]
            weight = cubic_weight(y, j)
            of_layer += weight * (
                x0 * first_of(p) + x1 * first_of(q) + x2 * first_of(r) + x3 * first_of(s)
            )
            imaginary_of_layer += weight * (
                x0 * second_of(p) + x1 * second_of(q) + x2 * second_of(r) + x3 * second_of(s)
            )
        weight = cubic_weight(z, k)
        real += weight * of_layer
        imaginary += weight * imaginary_of_layer
    return real, imaginary


@cuda_helper
def _sample(
    values: Array,
    pairs: Array,
    shape: tuple[int, int, int],
    order: int,
    place: tuple[float, float, float],
) -> tuple[Any, Any]:
    """Interpolate at a place in the array, of which ``pairs`` are the complex numbers."""
    number = values.dtype.type
    nz, ny, nx = shape
    padding = order - 1
    step_y = unsigned(np.uint32(nx + padding))
    step_z = unsigned(step_y * unsigned(np.uint32(ny + padding)))
    x, y, z = place
    i, j, k = narrow(floor(x)), narrow(floor(y)), narrow(floor(z))
    # What is below 0 is, without a sign, far above.
    i_whole, j_whole, k_whole = np.uint32(i), np.uint32(j), np.uint32(k)
    if (
        (i_whole < np.uint32(nx - 1))
        & (j_whole < np.uint32(ny - 1))
        & (k_whole < np.uint32(nz - 1))
    ):  # fmt: skip
        at = unsigned(
            unsigned(k_whole) * step_z + unsigned(j_whole) * step_y + unsigned(i_whole)
        )  # fmt: skip
        within_x, within_y, within_z = number(x - i), number(y - j), number(z - k)
        if order == 1:
            return _sample_linear(pairs, at, step_y, step_z, within_x, within_y, within_z)
        return _sample_cubic(pairs, at, step_y, step_z, within_x, within_y, within_z)
    cells = cuda.local.array((3, 4), numba.int64)
    weights = cuda.local.array((3, 4), values.dtype)
    return (
        sample_periodic(values, shape, padding, order, place, 0, cells, weights),
        sample_periodic(values, shape, padding, order, place, 1, cells, weights),
    )


@cuda_helper
def _walk_tiles(
    out: Array,
    values: Array,
    pairs: Array,
    shape: tuple[int, int, int],
    order: int,
    planes: Array,
    curved: tuple[int, ...],
    curvatures: Array,
    n_positive: tuple[int, int],
    lowest: tuple[float, float, float],
    highest: tuple[float, float, float],
    tiles: Array,
    side: int,
    start: int,
    stop: int,
    n_tiles: int,
) -> None:
    """Sample the block's tiles (3,) of planes, or of surfaces where ``curved`` is not empty."""
    n_y, n_x = narrow(out.shape[1]), narrow(out.shape[2])
    thread, n_cells = narrow(cuda.threadIdx.x), narrow(side)
    lane = narrow(thread % WARP)
    own_column, own_row = narrow(lane % PATCH_X), narrow(lane // PATCH_X)
    across = narrow((n_cells + PATCH_X - 1) // PATCH_X)
    n_patches = narrow(across * narrow((n_cells + PATCH_Y - 1) // PATCH_Y))
    patch = narrow(thread // WARP)
    while patch < n_patches:
        down = divide_small(patch, across)
        column_of_tile = narrow((patch - down * across) * PATCH_X + own_column)
        row_of_tile = narrow(down * PATCH_Y + own_row)
        patch = narrow(patch + THREADS_A_TILE // WARP)
        if row_of_tile >= n_cells or column_of_tile >= n_cells:
            continue
        first = start + cuda.blockIdx.x * n_tiles
        for number in range(first, min(first + n_tiles, stop)):
            tile = tiles[unsigned(number)]
            plane = unsigned(tile[unsigned(0)])
            row = narrow(narrow(tile[unsigned(1)]) + row_of_tile)
            column = narrow(narrow(tile[unsigned(2)]) + column_of_tile)
            if row < n_y and column < n_x:
                place = place_of_sample(planes[plane], row, column, n_y, n_x, n_positive)
                if len(curved) > 0:
                    place = curve(place, shape, curvatures[plane])
                real = imaginary = values.dtype.type(0)
                if is_between(place, lowest, highest):
                    real, imaginary = _sample(values, pairs, shape, order, place)
                out[plane, unsigned(row), unsigned(column)] = join(real, imaginary)


@cuda_kernel_in_registers(REGISTERS)
def _sample_planes(
    out: Array,
    values: Array,
    pairs: Array,
    shape: tuple[int, int, int],
    order: tuple[int, ...],
    planes: Array,
    n_positive: tuple[int, int],
    lowest: tuple[float, float, float],
    highest: tuple[float, float, float],
    tiles: Array,
    side: int,
    start: int,
    stop: int,
    n_tiles: int,
) -> None:
    _walk_tiles(
        out, values, pairs, shape, len(order), planes, (), planes[:, 0], n_positive, lowest,
        highest, tiles, side, start, stop, n_tiles,
    )  # fmt: skip


@cuda_kernel_in_registers(REGISTERS)
def _sample_surfaces(
    out: Array,
    values: Array,
    pairs: Array,
    shape: tuple[int, int, int],
    order: tuple[int, ...],
    planes: Array,
    curvatures: Array,
    n_positive: tuple[int, int],
    lowest: tuple[float, float, float],
    highest: tuple[float, float, float],
    tiles: Array,
    side: int,
    start: int,
    stop: int,
    n_tiles: int,
) -> None:
    _walk_tiles(
        out, values, pairs, shape, len(order), planes, (0,), curvatures, n_positive, lowest,
        highest, tiles, side, start, stop, n_tiles,
    )  # fmt: skip
