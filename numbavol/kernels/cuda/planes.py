"""Planes of a transform, sampled for many orientations without coordinates ever existing."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import THREADS_A_BLOCK, launch
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.math import cubic_weight, floor
from numbavol.kernels.sampling import curve, is_between, place_of_sample, sample_periodic

Array = np.ndarray[Any, np.dtype[Any]]


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

    A block owns a tile, and a thread some of its samples.
    """
    launch(
        _sample_planes, stop - start, THREADS_A_BLOCK, out, values, shape, order, planes,
        n_positive, lowest, highest, tiles, side, start,
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

    A block owns a tile, and a thread some of its samples.
    """
    launch(
        _sample_surfaces, stop - start, THREADS_A_BLOCK, out, values, shape, order, planes,
        curvatures, n_positive, lowest, highest, tiles, side, start,
    )  # fmt: skip


@cuda_helper
def _mix_channel(
    values: Array,
    at: int,
    along_y: int,
    along_z: int,
    order: int,
    within: tuple[Any, Any, Any],
) -> Any:
    """Interpolate one channel between (order + 1)^3 complex neighbours, the first at ``at``."""
    real = values.dtype.type
    within_x, within_y, within_z = within
    if order == 1:
        near = values[at] + within_x * (values[at + 2] - values[at])
        low = at + along_y
        near += within_y * (values[low] + within_x * (values[low + 2] - values[low]) - near)
        high = at + along_z
        far = values[high] + within_x * (values[high + 2] - values[high])
        high += along_y
        far += within_y * (values[high] + within_x * (values[high + 2] - values[high]) - far)
        return near + within_z * (far - near)
    x0, x1 = cubic_weight(within_x, 0), cubic_weight(within_x, 1)
    x2, x3 = cubic_weight(within_x, 2), cubic_weight(within_x, 3)
    total = real(0)
    for k in range(4):
        layer = real(0)
        for j in range(4):
            row = at + k * along_z + j * along_y
            along_x = x0 * values[row] + x1 * values[row + 2]
            along_x += x2 * values[row + 4] + x3 * values[row + 6]
            layer += cubic_weight(within_y, j) * along_x
        total += cubic_weight(within_z, k) * layer
    return total


@cuda_helper
def _write_sample(
    out: Array,
    number: int,
    row: int,
    column: int,
    values: Array,
    shape: tuple[int, int, int],
    order: int,
    place: tuple[float, float, float],
) -> None:
    """Interpolate both channels at a place in the array."""
    real = out.dtype.type
    nz, ny, nx = shape
    padding = order - 1
    along_y = 2 * (nx + padding)
    along_z = along_y * (ny + padding)
    x, y, z = place
    i, j, k = floor(x), floor(y), floor(z)
    if 0 <= i < nx - 1 and 0 <= j < ny - 1 and 0 <= k < nz - 1:
        at = k * along_z + j * along_y + 2 * i
        within = (real(x - i), real(y - j), real(z - k))
        out[number, row, column, 0] = _mix_channel(values, at, along_y, along_z, order, within)
        out[number, row, column, 1] = _mix_channel(values, at + 1, along_y, along_z, order, within)
        return
    cells = cuda.local.array((3, 4), numba.int64)
    weights = cuda.local.array((3, 4), out.dtype)
    for channel in range(2):
        out[number, row, column, channel] = sample_periodic(
            values, shape, padding, order, place, channel, cells, weights
        )


@cuda_helper
def _walk_tile(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    order: int,
    planes: Array,
    curved: tuple[int, ...],
    curvatures: Array,
    n_positive: tuple[int, int],
    lowest: Array,
    highest: Array,
    tile: Array,
    side: int,
) -> None:
    """Sample the block's tile (3,) of a plane, or of a surface where ``curved`` is not empty."""
    number, first_row, first_column = tile[0], tile[1], tile[2]
    n_y, n_x = out.shape[1], out.shape[2]
    for sample in range(cuda.threadIdx.x, side * side, cuda.blockDim.x):
        row, column = first_row + sample // side, first_column + sample % side
        if row < n_y and column < n_x:
            place = place_of_sample(planes[number], row, column, n_y, n_x, n_positive)
            if len(curved) > 0:
                place = curve(place, shape, curvatures[number])
            if is_between(place, lowest, highest):
                _write_sample(out, number, row, column, values, shape, order, place)
            else:
                out[number, row, column, 0] = out.dtype.type(0)
                out[number, row, column, 1] = out.dtype.type(0)


@cuda_kernel
def _sample_planes(
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
) -> None:
    _walk_tile(
        out, values, shape, len(order), planes, (), planes[:, 0], n_positive, lowest, highest,
        tiles[start + cuda.blockIdx.x], side,
    )  # fmt: skip


@cuda_kernel
def _sample_surfaces(
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
) -> None:
    _walk_tile(
        out, values, shape, len(order), planes, (0,), curvatures, n_positive, lowest, highest,
        tiles[start + cuda.blockIdx.x], side,
    )  # fmt: skip
