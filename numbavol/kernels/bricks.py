"""Half a padded transform in bricks, and the samples of slices: for the kernels of every device.

The cells of the half transform (frequencies x >= 0) are cut into bricks of B cells a side. A brick
holds B + 1 cells of each axis, so that everything that one sample adds to is in the brick that its
lower cell is in; cells that several bricks hold are added up in the end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def interpolate_curve(curve: Array, place: float) -> float:
    """Read a curve between its elements, linearly; beyond the last, it stays what it is."""
    below = int(place)
    if below >= curve.size - 1:
        return float(curve[curve.size - 1])
    within = place - below
    return (1.0 - within) * float(curve[below]) + within * float(curve[below + 1])


@helper
def write_sample(
    out: Array,
    value: Any,
    transfer: Any,
    is_multiplied: bool,
    row: int,
    column: int,
    weights: Array,
    radius: float,
) -> float:
    """Write real and imaginary part and weight of a sample, (4,), and return the weight.

    Of a value that is multiplied by the absolute of ``transfer``, only its phase is undone. The
    column 0 holds each of its frequencies twice, as itself and as the negative of another row:
    each counts half.
    """
    real = out.dtype.type
    k = math.sqrt(float(row * row + column * column))
    weight = 0.0
    if k < radius:
        weight = (0.5 if column == 0 else 1.0) * interpolate_curve(weights, k)
    squared = transfer.real * transfer.real + transfer.imag * transfer.imag
    turned = np.conj(transfer) * value
    if is_multiplied:
        # Where the transfer is 0, so is the value.
        turned = turned / math.sqrt(squared) if squared > 0 else real(0) * turned
    out[0] = real(weight) * turned.real
    out[1] = real(weight) * turned.imag
    out[2] = real(weight) * real(squared)
    out[3] = real(0)
    return float(out[2])


@helper
def find_brick(cell: int, side: int, n_below: int) -> int:
    """Find the brick, along an axis, that a cell is in; ``n_below`` bricks begin below 0."""
    return (cell + n_below * side) // side


@helper
def sum_over_bricks(
    bricks: Array, table: Array, x: int, y: int, z: int
) -> tuple[float, float, float]:
    """Add up what all bricks hold of a cell: real and imaginary part, and weight."""
    side = bricks.shape[1] - 1
    n_z, n_y, n_x = table.shape
    brick_x, brick_y = find_brick(x, side, 0), find_brick(y, side, n_y // 2)
    brick_z = find_brick(z, side, n_z // 2)
    in_x, in_y = x - brick_x * side, y - (brick_y - n_y // 2) * side
    in_z = z - (brick_z - n_z // 2) * side
    re, im, weight = 0.0, 0.0, 0.0
    # The first cell of a brick is also the last one of that before it.
    for k in range(2 if in_z == 0 else 1):
        for j in range(2 if in_y == 0 else 1):
            for i in range(2 if in_x == 0 else 1):
                at_z, at_y, at_x = brick_z - k, brick_y - j, brick_x - i
                if not (0 <= at_z < n_z and 0 <= at_y < n_y and 0 <= at_x < n_x):
                    continue
                brick = table[at_z, at_y, at_x]
                if brick >= 0:
                    held = bricks[brick, in_z + k * side, in_y + j * side, in_x + i * side]
                    re += float(held[0])
                    im += float(held[1])
                    weight += float(held[2])
    return re, im, weight


@helper
def solve_cell(
    bricks: Array, table: Array, radius: float, added: Array, lowest: Array, x: int, y: int, z: int
) -> complex:
    """Divide what slices have added to a cell by its weight: see `solve_bricks` of the CPU."""
    distance = math.sqrt(float(x * x + y * y + z * z))
    if distance >= radius:
        return complex(0.0, 0.0)
    re, im, weight = sum_over_bricks(bricks, table, x, y, z)
    if x == 0:
        # A sample and its conjugate are of two cells of this plane; only one was written.
        mirrored = sum_over_bricks(bricks, table, 0, -y, -z)
        re += mirrored[0]
        im -= mirrored[1]
        weight += mirrored[2]
    weight += interpolate_curve(added, distance)
    weight = max(weight, interpolate_curve(lowest, distance))
    if weight == 0.0:
        return complex(0.0, 0.0)
    return complex(re / weight, im / weight)
