"""Where samples of arrays are taken, and from which cells: for the kernels of every device."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper
from numbavol.kernels.math import cubic_weight, floor

Array = np.ndarray[Any, np.dtype[Any]]

FILL, CLIP, WRAP = 0, 1, 2


@helper
def into_range(coordinate: float, n_cells: int, mode: int) -> float:
    """Bring a coordinate of an axis into the array, or return -1 where that is not wanted.

    Not a number is what is none, or has no place in a period because it is infinite.
    """
    if math.isnan(coordinate) or (mode == WRAP and math.isinf(coordinate)):
        return math.nan
    if mode == WRAP:
        # Most are: a division takes as long as all the rest (scripts/bench arrays).
        if 0.0 <= coordinate < n_cells:
            return coordinate
        inside = coordinate - math.floor(coordinate / n_cells) * n_cells
        # Rounded, the sum can be n_cells, or just below 0.
        return inside if 0.0 <= inside < n_cells else 0.0
    if mode == CLIP:
        return min(max(coordinate, 0.0), n_cells - 1.0)
    return coordinate if 0.0 <= coordinate <= n_cells - 1.0 else -1.0


@helper
def wrap_index(index: int, n_cells: int) -> int:
    """Repeat an axis: most indices are within it, and are not divided."""
    return index if 0 <= index < n_cells else index % n_cells


@helper
def take_cell(index: int, n_cells: int, mode: int) -> int:
    """Bring the index of a neighbour into the array; what lies beyond has the weight 0."""
    if mode == WRAP:
        return wrap_index(index, n_cells)
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
    below = floor(coordinate)
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
            cells[n] = wrap_index(below - 1 + n, n_cells) + 1
        else:
            cells[n] = min(below + n, n_cells + 1)
        weights[n] = cubic_weight(within, n)
    return 4


@helper
def _take_nearest(
    values: Array,
    shape: tuple[int, int, int],
    place: tuple[float, float, float],
    p: int,
    mode: int,
    out: Array,
) -> None:
    """Take the element next to a place (z, y, x) within an array of three axes."""
    z, y, x = place
    k = take_cell(floor(z + 0.5), shape[0], mode)
    j = take_cell(floor(y + 0.5), shape[1], mode)
    i = take_cell(floor(x + 0.5), shape[2], mode)
    cell = (k * shape[1] + j) * shape[2] + i
    for channel in range(out.shape[1]):
        out[p, channel] = values[cell * out.shape[1] + channel]


@helper
def _interpolate_between_eight(
    values: Array,
    shape: tuple[int, int, int],
    place: tuple[float, float, float],
    p: int,
    mode: int,
    out: Array,
) -> None:
    """Interpolate linearly at a place (z, y, x) within an array of three axes."""
    real, one, channels = out.dtype.type, out.dtype.type(1), out.shape[1]
    z, y, x = place
    k, j, i = floor(z), floor(y), floor(x)
    within_z, within_y, within_x = real(z - k), real(y - j), real(x - i)
    low_z, high_z = take_cell(k, shape[0], mode), take_cell(k + 1, shape[0], mode)
    low_y, high_y = take_cell(j, shape[1], mode), take_cell(j + 1, shape[1], mode)
    left = take_cell(i, shape[2], mode) * channels
    right = take_cell(i + 1, shape[2], mode) * channels
    row, plane = shape[2] * channels, shape[1] * shape[2] * channels
    a, b = low_z * plane + low_y * row, low_z * plane + high_y * row
    c, d = high_z * plane + low_y * row, high_z * plane + high_y * row
    for channel in range(channels):
        at_left, at_right = left + channel, right + channel
        of_a = (one - within_x) * values[a + at_left] + within_x * values[a + at_right]
        of_b = (one - within_x) * values[b + at_left] + within_x * values[b + at_right]
        of_c = (one - within_x) * values[c + at_left] + within_x * values[c + at_right]
        of_d = (one - within_x) * values[d + at_left] + within_x * values[d + at_right]
        low = (one - within_y) * of_a + within_y * of_b
        high = (one - within_y) * of_c + within_y * of_d
        out[p, channel] = (one - within_z) * low + within_z * high


@helper
def _interpolate_between_rows(
    values: Array,
    shape: tuple[int, int, int],
    padding: tuple[int, int, int],
    place: tuple[float, float, float],
    p: int,
    out: Array,
) -> None:
    """Interpolate by a spline's 64 coefficients next to a place (z, y, x), none of them wrapped."""
    real, channels = out.dtype.type, out.shape[1]
    z, y, x = place
    n_y, n_x = shape[1] + padding[1], shape[2] + padding[2]
    k, j, i = floor(z), floor(y), floor(x)
    within_z, within_y, within_x = real(z - k), real(y - j), real(x - i)
    x0, x1 = cubic_weight(within_x, 0), cubic_weight(within_x, 1)
    x2, x3 = cubic_weight(within_x, 2), cubic_weight(within_x, 3)
    first = ((k * n_y + j) * n_x + i) * channels
    for channel in range(channels):
        total = real(0)
        for layer in range(4):
            of_layer = real(0)
            for line in range(4):
                at = first + (layer * n_y + line) * n_x * channels + channel
                of_layer += cubic_weight(within_y, line) * (
                    x0 * values[at] + x1 * values[at + channels]
                    + x2 * values[at + 2 * channels] + x3 * values[at + 3 * channels]
                )  # fmt: skip
            total += cubic_weight(within_z, layer) * of_layer
        out[p, channel] = total


@helper
def interpolate_in_box(
    values: Array,
    shape: tuple[int, int, int],
    padding: tuple[int, int, int],
    coordinates: Array,
    p: int,
    order: int,
    mode: int,
    out: Array,
) -> bool:
    """Interpolate at point ``p`` as `interpolate_point` does, without loops over axes.

    Returns whether it did: in arrays of three axes, where the neighbours of most points are.
    """
    if coordinates.shape[0] != 3:
        return False
    z = into_range(coordinates[0, p], shape[0], mode)
    y = into_range(coordinates[1, p], shape[1], mode)
    x = into_range(coordinates[2, p], shape[2], mode)
    if not (z >= 0.0 and y >= 0.0 and x >= 0.0):
        return False
    if order == 0:
        _take_nearest(values, shape, (z, y, x), p, mode, out)
        return True
    if order == 1:
        _interpolate_between_eight(values, shape, (z, y, x), p, mode, out)
        return True
    if z < shape[0] - 1 and y < shape[1] - 1 and x < shape[2] - 1:
        _interpolate_between_rows(values, shape, padding, (z, y, x), p, out)
        return True
    return False


@helper
def interpolate_point(
    values: Array,
    shape: tuple[int, int, int],
    padding: tuple[int, int, int],
    coordinates: Array,
    p: int,
    order: int,
    mode: int,
    fill: Array,
    out: Array,
    cells: Array,
    weights: Array,
    counts: Array,
) -> None:
    """Interpolate at point ``p``: see `interpolate_points` of the CPU.

    Owns ``out[p]``; ``cells`` and ``weights`` (3, 4) and ``counts`` (3,) are scratch, and 0, 1
    and 1 along the axes that there are not.
    """
    real = out.dtype.type
    n_missing = 3 - coordinates.shape[0]
    ny, nx = shape[1] + padding[1], shape[2] + padding[2]
    inside, is_number, nearest = True, True, 0
    for axis in range(n_missing, 3):
        coordinate = into_range(coordinates[axis - n_missing, p], shape[axis], mode)
        if not coordinate >= 0.0:
            inside, is_number = False, is_number and not math.isnan(coordinate)
            continue
        if order == 0:
            cell = take_cell(floor(coordinate + 0.5), shape[axis], mode)
            nearest = nearest * shape[axis] + cell
            continue
        counts[axis] = find_neighbours(
            coordinate, shape[axis], order, mode, cells[axis], weights[axis]
        )
    channels = out.shape[1]
    for channel in range(channels):
        if not inside:
            out[p, channel] = fill[channel] if is_number else real(math.nan)
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


@helper
def sample_periodic(
    values: Array,
    shape: tuple[int, int, int],
    padding: int,
    order: int,
    position: tuple[float, float, float],
    channel: int,
    cells: Array,
    weights: Array,
) -> Any:
    """Interpolate one channel of a periodic complex array at ``position`` (x, y, z) in cells."""
    real = weights.dtype.type
    for axis in range(3):
        find_neighbours(position[2 - axis], shape[axis], order, WRAP, cells[axis], weights[axis])
    ny, nx = shape[1] + padding, shape[2] + padding
    total = real(0)
    for k in range(order + 1):
        for j in range(order + 1):
            row = (cells[0, k] * ny + cells[1, j]) * nx
            along_x = real(0)
            for i in range(order + 1):
                along_x += weights[2, i] * values[2 * (row + cells[2, i]) + channel]
            total += weights[0, k] * weights[1, j] * along_x
    return total


@helper
def place_of_sample(
    plane: Array, row: int, column: int, n_y: int, n_x: int, n_positive: tuple[int, int]
) -> tuple[float, float, float]:
    """Place (x, y, z) of a sample of a plane, in cells: see `sample_planes` of the CPU."""
    rows = row if row < n_positive[0] else row - n_y
    columns = column if column < n_positive[1] else column - n_x
    return (
        plane[0, 0] + rows * plane[2, 0] + columns * plane[1, 0],
        plane[0, 1] + rows * plane[2, 1] + columns * plane[1, 1],
        plane[0, 2] + rows * plane[2, 2] + columns * plane[1, 2],
    )


@helper
def curve(
    place: tuple[float, float, float], shape: tuple[int, int, int], curvature: Array
) -> tuple[float, float, float]:
    """Move a place off its plane, by the square of its distance from the middle."""
    nz, ny, nx = shape
    x, y, z = place
    k_x, k_y, k_z = (x - nx // 2) / nx, (y - ny // 2) / ny, (z - nz // 2) / nz
    squared = k_x * k_x + k_y * k_y + k_z * k_z
    return x + curvature[0] * squared, y + curvature[1] * squared, z + curvature[2] * squared


@helper
def is_between(
    place: tuple[float, float, float],
    lowest: Array | tuple[float, float, float],
    highest: Array | tuple[float, float, float],
) -> bool:
    """Whether a place (x, y, z) is in a box; False where it is not a number."""
    x, y, z = place
    is_in_plane: bool = lowest[0] <= x <= highest[0] and lowest[1] <= y <= highest[1]
    return is_in_plane and lowest[2] <= z <= highest[2]
