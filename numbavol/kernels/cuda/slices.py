"""Slices of images put into half a padded transform, and what they leave there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.bricks import find_brick, solve_cell, write_sample
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.frequencies import frequency_of_index, phase_factor
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.math import floor

Array = np.ndarray[Any, np.dtype[Any]]


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
    """Move half transforms of images and weigh them: see the kernel of the CPU.

    A thread owns a sample, and adds to the sums of shells.
    """
    shell_weights[:] = 0.0
    n_samples = samples.shape[0] * samples.shape[1] * samples.shape[2]
    launch_for_each(
        _prepare, n_samples, samples, shell_weights, halves, n_x, offsets, transfers,
        are_multiplied, weights, radius,
    )  # fmt: skip


@cuda_kernel
def _prepare(
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
    farthest = samples.shape[2] - 1
    number = cuda.grid(1)
    column, line = number % (farthest + 1), number // (farthest + 1)
    image, row = line // (2 * farthest + 1), line % (2 * farthest + 1) - farthest
    if image >= samples.shape[0]:
        return
    n_y = halves.shape[1]
    y = row % n_y
    factor = phase_factor(y, n_y, offsets[image, 1]) * phase_factor(column, n_x, offsets[image, 0])
    moved = halves.dtype.type(factor) * halves[image, y, column]
    weight = write_sample(
        samples[image, row + farthest, column], moved,
        transfers[image % transfers.shape[0], y, column], are_multiplied, row, column,
        weights[image % weights.shape[0]], radius,
    )  # fmt: skip
    if weight > 0.0:
        shell = int(math.sqrt(float(row * row + column * column)) + 0.5)
        cuda.atomic.add(shell_weights, (image, shell), weight)


def insert_slices(
    bricks: Array,
    corners: Array,
    table: Array,
    samples: Array,
    frames: Array,
    radius: float,
    start: int,
    stop: int,
) -> None:
    """Add slices to the bricks ``start <= b < stop``: see the kernel of the CPU.

    A thread owns a sample, and adds it to its cells with atomics: their order is left to the card.
    """
    n_samples = samples.shape[1] * samples.shape[2]
    launch_for_each(
        _insert, len(samples) * frames.shape[1] * n_samples, bricks, corners, table, samples,
        frames, radius, start, stop,
    )  # fmt: skip


@cuda_kernel
def _insert(
    bricks: Array,
    corners: Array,
    table: Array,
    samples: Array,
    frames: Array,
    radius: float,
    start: int,
    stop: int,
) -> None:
    real = bricks.dtype.type
    n_rows, n_columns = samples.shape[1], samples.shape[2]
    n_planes = frames.shape[1]
    number = cuda.grid(1)
    column, line = number % n_columns, number // n_columns
    row, slice_number = line % n_rows, line // n_rows
    image, plane = slice_number // n_planes, slice_number % n_planes
    if image >= samples.shape[0]:
        return
    farthest = n_columns - 1
    k = row - farthest
    if k * k + column * column >= radius * radius:
        return
    frame = frames[image, plane]
    x = k * frame[1, 0] + column * frame[0, 0]
    y = k * frame[1, 1] + column * frame[0, 1]
    z = k * frame[1, 2] + column * frame[0, 2]
    re, im = samples[image, row, column, 0], samples[image, row, column, 1]
    weight = samples[image, row, column, 2]
    if x < 0.0:
        x, y, z, im = -x, -y, -z, -im
    side = bricks.shape[1] - 1
    brick = table[
        find_brick(floor(z), side, table.shape[0] // 2),
        find_brick(floor(y), side, table.shape[1] // 2),
        find_brick(floor(x), side, 0),
    ]
    if not start <= brick < stop:
        return
    x -= corners[brick, 0]
    y -= corners[brick, 1]
    z -= corners[brick, 2]
    # Just below the brick's end, a difference rounds to it.
    i, j, n = min(floor(x), side - 1), min(floor(y), side - 1), min(floor(z), side - 1)
    within_x, within_y, within_z = real(x - i), real(y - j), real(z - n)
    for far_z in range(2):
        of_z = within_z if far_z == 1 else real(1) - within_z
        for far_y in range(2):
            of_y = of_z * (within_y if far_y == 1 else real(1) - within_y)
            for far_x in range(2):
                share = of_y * (within_x if far_x == 1 else real(1) - within_x)
                cell = (brick, n + far_z, j + far_y, i + far_x)
                cuda.atomic.add(bricks, (cell[0], cell[1], cell[2], cell[3], 0), share * re)
                cuda.atomic.add(bricks, (cell[0], cell[1], cell[2], cell[3], 1), share * im)
                cuda.atomic.add(bricks, (cell[0], cell[1], cell[2], cell[3], 2), share * weight)


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
    """Divide sums by weights on the planes ``start <= z < stop``: see the kernel of the CPU.

    A thread owns a cell.
    """
    launch_for_each(
        _solve, (stop - start) * out.shape[1] * out.shape[2], out, bricks, table, radius, added,
        lowest, start, stop,
    )  # fmt: skip


@cuda_kernel
def _solve(
    out: Array,
    bricks: Array,
    table: Array,
    radius: float,
    added: Array,
    lowest: Array,
    start: int,
    stop: int,
) -> None:
    n, n_x = out.shape[1], out.shape[2]
    number = cuda.grid(1)
    x, line = number % n_x, number // n_x
    y, z = line % n, start + line // n
    if z < stop:
        k_y, k_z = frequency_of_index(y, n), frequency_of_index(z, n)
        out[z, y, x] = solve_cell(bricks, table, radius, added, lowest, x, k_y, k_z)
