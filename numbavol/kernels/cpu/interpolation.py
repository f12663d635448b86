"""Interpolation of arrays at points, and of transforms on planes: linear and cubic."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.math import cubic_weight

Array = np.ndarray[Any, np.dtype[Any]]

FILL, CLIP, WRAP = 0, 1, 2


@helper
def into_range(coordinate: float, n_cells: int, mode: int) -> float:
    """Bring a coordinate of an axis into the array, or return -1 where that is not wanted."""
    if mode == WRAP:
        inside = coordinate - math.floor(coordinate / n_cells) * n_cells
        # Just below 0, the sum rounds to n_cells.
        return max(inside, 0.0) if inside < n_cells else 0.0
    if mode == CLIP:
        return min(max(coordinate, 0.0), n_cells - 1.0)
    return coordinate if 0.0 <= coordinate <= n_cells - 1.0 else -1.0


@helper
def take_cell(index: int, n_cells: int, mode: int) -> int:
    """Bring the index of a neighbour into the array; what lies beyond has the weight 0."""
    if mode == WRAP:
        return index % n_cells
    return min(max(index, 0), n_cells - 1)


@helper
def find_neighbours(
    coordinate: float,
    n_cells: int,
    order: int,
    mode: int,
    cells: Array,
    weights: Array,
) -> int:
    """Write the cells along one axis that a value is made of, and their weights.

    ``coordinate`` is inside the array, ``order`` 1 or 3. For the order 3, cells are those of
    coefficients with one more on each side. Returns how many there are.
    """
    real = weights.dtype.type
    below = math.floor(coordinate)
    within = real(coordinate - below)
    if order == 1:
        cells[0] = take_cell(below, n_cells, mode)
        cells[1] = take_cell(below + 1, n_cells, mode)
        weights[0] = real(1) - within
        weights[1] = within
        return 2
    for n in range(4):
        # Wrapped, the coefficients repeat with the data; the one more on each side is not needed.
        if mode == WRAP:
            cells[n] = (below - 1 + n) % n_cells + 1
        else:
            cells[n] = min(below + n, n_cells + 1)
        weights[n] = cubic_weight(within, n)
    return 4


@kernel
def interpolate_points(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    padding: tuple[int, int, int],
    coordinates: Array,
    order: int,
    mode: int,
    fill: Array,
    start: int,
    stop: int,
) -> None:
    """Interpolate an array at the points ``start <= p < stop``.

    ``values`` is the array's memory as real numbers, one or two a cell (complex); ``shape``
    (z, y, x) is that of the data, with ones before the axes that there are, ``padding`` what
    coefficients have more of along each axis; ``coordinates`` (axes, n) are in cells; ``order`` is
    0, 1 or 3; ``mode`` is ``FILL``, ``CLIP`` or ``WRAP``, ``fill`` (channels,) the value outside
    for ``FILL``. Owns ``out`` (n, channels) between ``start`` and ``stop``.
    """
    real = out.dtype.type
    channels = out.shape[1]
    n_missing = 3 - coordinates.shape[0]
    cells = np.zeros((3, 4), np.int64)
    weights = np.ones((3, 4), out.dtype)
    counts = np.ones(3, np.int64)
    ny, nx = shape[1] + padding[1], shape[2] + padding[2]
    for p in range(start, stop):
        inside, nearest = True, 0
        for axis in range(n_missing, 3):
            coordinate = into_range(coordinates[axis - n_missing, p], shape[axis], mode)
            if not coordinate >= 0.0:
                inside = False
                break
            if order == 0:
                cell = take_cell(math.floor(coordinate + 0.5), shape[axis], mode)
                nearest = nearest * shape[axis] + cell
                continue
            counts[axis] = find_neighbours(
                coordinate, shape[axis], order, mode, cells[axis], weights[axis]
            )
        for channel in range(channels):
            if not inside:
                out[p, channel] = fill[channel]
                continue
            if order == 0:
                out[p, channel] = values[nearest * channels + channel]
                continue
            total = real(0)
            for k in range(counts[0]):
                for j in range(counts[1]):
                    row = (cells[0, k] * ny + cells[1, j]) * nx
                    along_x = real(0)
                    for i in range(counts[2]):
                        along_x += weights[2, i] * values[(row + cells[2, i]) * channels + channel]
                    total += weights[0, k] * weights[1, j] * along_x
            out[p, channel] = total
