"""Slices of images put into half a padded transform, and what they leave there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.bricks import solve_cell, write_sample
from numbavol.kernels.cpu.lanes import load_four, store
from numbavol.kernels.frequencies import frequency_of_index, phase_factor
from numbavol.kernels.jit import helper, kernel

Array = np.ndarray[Any, np.dtype[Any]]

# What rounding may move the ends of a row's piece in a brick by; the samples there are looked at.
SLACK = 1e-6
# Steps so small, in cells, do not leave a brick within a row.
SMALLEST_STEP = 1e-9


@kernel
def prepare_slices(
    samples: Array,
    shell_weights: Array,
    halves: Array,
    n_x: int,
    offsets: Array,
    transfers: Array,
    are_multiplied: bool,
    weights: Array,
    radius: float,
) -> None:
    """Move half transforms of images, multiply them by transfer functions, and weigh them.

    Owns ``samples`` (n, 2 r + 1, r + 1, 4) of the rows -r to r and the columns 0 to r of
    ``halves`` (n, y, x // 2 + 1), whose images of ``n_x`` columns move by ``offsets`` (n, 2), (x,
    y) in pixels: real and imaginary part of the transform times the conjugate of ``transfers`` (n
    or 1, y, x // 2 + 1), real or complex, or of their phase alone where images ``are_multiplied``
    by the rest; the square of these, and 0; all times ``weights`` (n or 1, shells), a curve over
    the distance from the zero frequency, and 0 from ``radius`` on. Owns ``shell_weights`` (n,
    shells), float64: the sums of the squares by the nearest shell.
    """
    n, n_y = halves.shape[0], halves.shape[1]
    farthest = samples.shape[2] - 1
    shell_weights[:] = 0.0
    row_factors = np.empty(farthest + 1, np.complex128)
    for image in range(n):
        transfer = transfers[image % transfers.shape[0]]
        curve = weights[image % weights.shape[0]]
        for column in range(farthest + 1):
            row_factors[column] = phase_factor(column, n_x, offsets[image, 0])
        for row in range(-farthest, farthest + 1):
            y = row % n_y
            factor = phase_factor(y, n_y, offsets[image, 1])
            for column in range(farthest + 1):
                moved = halves.dtype.type(factor * row_factors[column]) * halves[image, y, column]
                weight = write_sample(
                    samples[image, row + farthest, column], moved, transfer[y, column],
                    are_multiplied, row, column, curve, radius,
                )  # fmt: skip
                shell = int(math.sqrt(row * row + column * column) + 0.5)
                if weight > 0.0:
                    shell_weights[image, shell] += weight


@helper
def add_row(
    bricks: Array,
    brick: int,
    samples: Array,
    at: int,
    first: int,
    last: int,
    places: tuple[float, float, float],
    steps: tuple[float, float, float],
    signs: Any,
    edge: float,
    corner: Array,
    side: int,
) -> None:
    """Add those samples of a row that are in a brick to the eight cells around each.

    ``places``, ``steps`` and ``corner`` (x, y, z) are in cells of the transform; what lies at an x
    of ``edge`` or below is left out.
    """
    real = bricks.dtype.type
    one = real(1)
    length = side + 1
    along_y, along_z = 4 * length, 4 * length * length
    for column in range(first, last + 1):
        x = places[0] + column * steps[0]
        y = places[1] + column * steps[1]
        z = places[2] + column * steps[2]
        # By its place in the transform, which is the same number to every brick: of places in
        # bricks, rounding would leave samples at borders to both, or to none.
        if not (
            corner[0] <= x < corner[0] + side
            and corner[1] <= y < corner[1] + side
            and corner[2] <= z < corner[2] + side
            and x > edge
        ):
            continue
        x, y, z = x - corner[0], y - corner[1], z - corner[2]
        # Just below the brick's end, a difference rounds to it.
        i, j, k = min(int(x), side - 1), min(int(y), side - 1), min(int(z), side - 1)
        within_y, within_z = real(y - j), real(z - k)
        four = signs * load_four(samples, at + 4 * column)
        right = real(x - i) * four
        left = four - right
        cell = brick + k * along_z + j * along_y + 4 * i
        for depth in range(2):
            of_z = within_z if depth == 1 else one - within_z
            lower, upper = (one - within_y) * of_z, within_y * of_z
            store(bricks, cell, load_four(bricks, cell) + lower * left)
            store(bricks, cell + 4, load_four(bricks, cell + 4) + lower * right)
            row = cell + along_y
            store(bricks, row, load_four(bricks, row) + upper * left)
            store(bricks, row + 4, load_four(bricks, row + 4) + upper * right)
            cell += along_z


@helper
def clip_row(
    first: float, last: float, place: float, step: float, side: int
) -> tuple[float, float]:
    """Take off a row what lies outside 0 to ``side`` of one axis."""
    if abs(step) < SMALLEST_STEP:
        return first, last
    low, high = -place / step, (side - place) / step
    return max(first, min(low, high)), min(last, max(low, high))


@helper
def range_of_plane(corner: Array, side: int, step: Array, sign: float) -> tuple[float, float]:
    """Range of a plane's rows, or columns, that reaches a brick."""
    squared = step[0] * step[0] + step[1] * step[1] + step[2] * step[2]
    middle = spread = 0.0
    for axis in range(3):
        middle += sign * (corner[axis] + 0.5 * side) * step[axis]
        spread += 0.5 * side * abs(step[axis])
    return (middle - spread) / squared, (middle + spread) / squared


@helper
def misses(corner: Array, side: int, along_x: Array, along_y: Array) -> bool:
    """Whether a plane through the zero frequency, and its negative, pass by a brick."""
    distance = reach = 0.0
    for axis in range(3):
        second, third = (axis + 1) % 3, (axis + 2) % 3
        normal = along_x[second] * along_y[third] - along_x[third] * along_y[second]
        distance += (corner[axis] + 0.5 * side) * normal
        reach += 0.5 * side * abs(normal)
    return abs(distance) > (1.0 + SLACK) * reach


@kernel
def insert_slices(
    bricks: Array,
    corners: Array,
    table: Array,  # noqa: ARG001  # CUDA finds bricks by it
    samples: Array,
    frames: Array,
    radius: float,
    start: int,
    stop: int,
) -> None:
    """Add slices to the bricks ``start <= b < stop``, which the caller owns.

    ``bricks`` (bricks, B + 1, B + 1, B + 1, 4) hold sums of ``samples`` times weights of linear
    interpolation, of cells (z, y, x) from ``corners`` (bricks, 3), (x, y, z), on. ``samples`` (n,
    2 r + 1, r + 1, 4) are those of `prepare_slices`; what lies at ``radius`` or beyond is 0.
    ``frames`` (n, m, 2, 3) are the steps (x, y, z) in cells along a column and a row of each of m
    planes that have the samples of one image. A sample at a negative x is inserted as its
    conjugate. The order of images alone is the order in which a cell is added to.
    """
    side = bricks.shape[1] - 1
    farthest = samples.shape[2] - 1
    of_brick, of_row = 4 * (side + 1) ** 3, 4 * (farthest + 1)
    of_image = (2 * farthest + 1) * of_row
    flat, flat_samples = bricks.reshape(-1), samples.reshape(-1)
    signs = np.ones(8, bricks.dtype)
    signs[5] = bricks.dtype.type(-1)
    for b in range(start, stop):
        corner = corners[b]
        for image in range(samples.shape[0]):
            for plane in range(frames.shape[1]):
                along_x, along_y = frames[image, plane, 0], frames[image, plane, 1]
                if misses(corner, side, along_x, along_y):
                    continue
                for is_negative in range(2):
                    sign = -1.0 if is_negative else 1.0
                    # At an x of 0 a sample and its conjugate are in the half: one is enough.
                    edge = 0.0 if is_negative else -1.0
                    low, high = range_of_plane(corner, side, along_y, sign)
                    first_row = max(-farthest, math.ceil(low - SLACK))
                    last_row = min(farthest, math.floor(high + SLACK))
                    left, right = range_of_plane(corner, side, along_x, sign)
                    steps = (sign * along_x[0], sign * along_x[1], sign * along_x[2])
                    for row in range(first_row, last_row + 1):
                        places = (
                            sign * row * along_y[0],
                            sign * row * along_y[1],
                            sign * row * along_y[2],
                        )
                        inside = math.sqrt(max(radius * radius - row * row, 0.0))
                        low, high = max(left, 0.0), min(right, inside)
                        low, high = clip_row(low, high, places[0] - corner[0], steps[0], side)
                        low, high = clip_row(low, high, places[1] - corner[1], steps[1], side)
                        low, high = clip_row(low, high, places[2] - corner[2], steps[2], side)
                        first = max(0, math.ceil(low - SLACK))
                        last = min(farthest, math.floor(high + SLACK))
                        at = image * of_image + (row + farthest) * of_row
                        add_row(
                            flat, b * of_brick, flat_samples, at, first, last, places, steps,
                            load_four(signs, 4 * is_negative), edge, corner, side,
                        )  # fmt: skip


@kernel
def solve_bricks(
    out: Array,
    bricks: Array,
    table: Array,
    radius: float,
    added: Array,
    lowest: Array,
    start: int,
    stop: int,
) -> None:
    """Divide sums by weights on the planes ``start <= z < stop`` of a half transform.

    The caller owns those planes of ``out`` (n, n, n // 2 + 1), complex, the zero frequency in the
    corner. ``table`` (z, y, x) has the number of the brick at each place, or -1; half of those
    along z and y begin below 0. ``added`` and ``lowest``, curves over the distance from the zero
    frequency in cells, are what is added to weights, and the least that they are then. From
    ``radius`` on, ``out`` is 0.
    """
    n = out.shape[0]
    for z in range(start, stop):
        k_z = frequency_of_index(z, n)
        for y in range(n):
            k_y = frequency_of_index(y, n)
            for x in range(out.shape[2]):
                out[z, y, x] = solve_cell(bricks, table, radius, added, lowest, x, k_y, k_z)
