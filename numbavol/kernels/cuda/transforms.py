"""The whole of a transform from the half that determines it, and shifts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.warps import as_pairs, divide_small, first_of, join, narrow, second_of
from numbavol.kernels.frequencies import index_of_centred, phase_factor, read_full_transform
from numbavol.kernels.jit import cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]

# What a thread knows of its column serves for so many rows.
ROWS_TO_EXPAND = 8
# A block moves so much of a transform; it knows the factors of each row and column.
ROWS_TO_SHIFT, COLUMNS_TO_SHIFT = (4, 8) if IS_SIMULATED else (64, 256)
THREADS_TO_SHIFT = 8 if IS_SIMULATED else 256


def expand_half_transform(out: Array, half: Array, margin: int, start: int, stop: int) -> None:
    """Write the planes ``start <= z < stop`` of a centred full transform from a half transform.

    ``half`` (z, y, x // 2 + 1) is that of a real array, the zero frequency in the corner. ``out``
    is complex of shape (z, y, x) + 2 ``margin`` with the zero frequency at ``n // 2 + margin``; in
    the margins it repeats itself. A thread owns one x of a few rows of a plane.
    """
    n_bands = -(-out.shape[1] // ROWS_TO_EXPAND)
    launch_for_each(
        _expand, (stop - start) * n_bands * out.shape[2], out, half, margin, start, stop
    )


@cuda_kernel
def _expand(out: Array, half: Array, margin: int, start: int, stop: int) -> None:
    n_rows, n_columns = out.shape[1], out.shape[2]
    n_bands = -(-n_rows // ROWS_TO_EXPAND)
    thread = cuda.grid(1)
    band = thread // n_columns
    z = start + band // n_bands
    if z >= stop:
        return
    x = thread % n_columns
    first = band % n_bands * ROWS_TO_EXPAND
    n_z, n_y, n_x = half.shape[0], half.shape[1], n_columns - 2 * margin
    kz, kx = index_of_centred(z, n_z, margin), index_of_centred(x, n_x, margin)
    ky = index_of_centred(first, n_y, margin)
    for y in range(first, min(first + ROWS_TO_EXPAND, n_rows)):
        out[z, y, x] = read_full_transform(half, kz, ky, kx, n_x)
        # A division for every row would take longer than the memory.
        ky = ky + 1 if ky + 1 < n_y else 0


def shift_half_transforms(
    out: Array, halves: Array, n_x: int, offsets: Array, factor: float
) -> None:
    """Multiply half transforms by a factor, and so that images move: see the kernel of the CPU.

    A block owns a tile of a transform.
    """
    n, n_y, n_half = halves.shape
    n_tiles = -(-n_y // ROWS_TO_SHIFT) * -(-n_half // COLUMNS_TO_SHIFT)
    launch(
        _shift, n * n_tiles, THREADS_TO_SHIFT, as_pairs(out), as_pairs(halves), n_x, offsets,
        factor,
    )  # fmt: skip


@cuda_kernel
def _shift(out: Array, halves: Array, n_x: int, offsets: Array, factor: float) -> None:
    along_x = cuda.shared.array(COLUMNS_TO_SHIFT, out.dtype)
    along_y = cuda.shared.array(ROWS_TO_SHIFT, out.dtype)
    n_y, n_half = halves.shape[1], halves.shape[2]
    thread, n_threads = cuda.threadIdx.x, cuda.blockDim.x
    n_bands = -(-n_y // ROWS_TO_SHIFT)
    n_across = -(-n_half // COLUMNS_TO_SHIFT)
    band = cuda.blockIdx.x // n_across
    image = band // n_bands
    number = type(first_of(halves[image, 0, 0]))
    first_row = band % n_bands * ROWS_TO_SHIFT
    first_column = cuda.blockIdx.x % n_across * COLUMNS_TO_SHIFT
    n_rows = min(ROWS_TO_SHIFT, n_y - first_row)
    n_columns = min(COLUMNS_TO_SHIFT, n_half - first_column)
    for row in range(thread, n_rows, n_threads):
        turned = phase_factor(first_row + row, n_y, offsets[image, 1])
        along_y[row] = join(number(turned.real), number(turned.imag))
    for column in range(thread, n_columns, n_threads):
        turned = factor * phase_factor(first_column + column, n_x, offsets[image, 0])
        along_x[column] = join(number(turned.real), number(turned.imag))
    cuda.syncthreads()
    element, n_elements = narrow(thread), n_rows * n_columns
    while element < n_elements:
        row = divide_small(element, n_columns)
        column = element - row * n_columns
        element = narrow(element + n_threads)
        of_x, of_y = along_x[column], along_y[row]
        cosine = first_of(of_x) * first_of(of_y) - second_of(of_x) * second_of(of_y)
        sine = first_of(of_x) * second_of(of_y) + second_of(of_x) * first_of(of_y)
        pair = halves[image, first_row + row, first_column + column]
        real, imaginary = first_of(pair), second_of(pair)
        out[image, first_row + row, first_column + column] = join(
            real * cosine - imaginary * sine, real * sine + imaginary * cosine
        )


def make_self_conjugate(halves: Array, n_x: int) -> None:
    """Keep of half transforms what belongs to real arrays, of a last axis of ``n_x`` elements.

    ``halves`` is complex (n, z, y, x // 2 + 1). In the columns whose frequency along x is its own
    negative, elements and those of the negative frequency become conjugates, by their mean. A
    thread owns both.
    """
    n_columns = 1 if n_x % 2 else 2
    n, n_z, n_y, _ = halves.shape
    launch_for_each(_make_self_conjugate, n * n_z * n_y * n_columns, halves, n_x // 2, n_columns)


@cuda_kernel
def _make_self_conjugate(halves: Array, nyquist: int, n_columns: int) -> None:
    number = cuda.grid(1)
    n, n_z, n_y = halves.shape[0], halves.shape[1], halves.shape[2]
    y, rest = number % n_y, number // n_y
    z, rest = rest % n_z, rest // n_z
    image = rest // n_columns
    if image >= n:
        return
    x = rest % n_columns * nyquist
    opposite_z, opposite_y = (n_z - z) % n_z, (n_y - y) % n_y
    if (z, y) > (opposite_z, opposite_y):
        return
    one, other = halves[image, z, y, x], halves[image, opposite_z, opposite_y, x]
    half = halves.real.dtype.type(0.5)
    real, imaginary = half * (one.real + other.real), half * (one.imag - other.imag)
    halves[image, z, y, x] = complex(real, imaginary)
    halves[image, opposite_z, opposite_y, x] = complex(real, -imaginary)
