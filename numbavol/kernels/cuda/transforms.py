"""The whole of a transform from the half that determines it, and shifts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import THREADS_A_BLOCK, launch, launch_for_each
from numbavol.kernels.frequencies import index_of_centred, phase_factor, read_full_transform
from numbavol.kernels.jit import cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]

# What a thread knows of its column serves for so many rows.
ROWS_TO_EXPAND = 8
ROWS_TO_SHIFT = 32


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


def shift_half_transforms(out: Array, halves: Array, n_x: int, offsets: Array) -> None:
    """Multiply half transforms of images of ``n_x`` columns so that each moves, in pixels.

    ``out`` is complex (n, y, x // 2 + 1) like ``halves``, which it may be; ``offsets`` (n, 2) are
    (x, y). A block owns a tile of an image, and a thread one of its columns.
    """
    n, n_y, n_half = halves.shape
    n_tiles = -(-n_y // ROWS_TO_SHIFT) * -(-n_half // THREADS_A_BLOCK)
    launch(_shift, n * n_tiles, THREADS_A_BLOCK, out, halves, n_x, offsets)


@cuda_kernel
def _shift(out: Array, halves: Array, n_x: int, offsets: Array) -> None:
    along_y = cuda.shared.array(ROWS_TO_SHIFT, out.dtype)
    n_y, n_half = halves.shape[1], halves.shape[2]
    thread, n_threads = cuda.threadIdx.x, cuda.blockDim.x
    n_bands, n_across = -(-n_y // ROWS_TO_SHIFT), -(-n_half // n_threads)
    band = cuda.blockIdx.x // n_across
    image = band // n_bands
    first = band % n_bands * ROWS_TO_SHIFT
    stop = min(first + ROWS_TO_SHIFT, n_y)
    for y in range(first + thread, stop, n_threads):
        along_y[y - first] = phase_factor(y, n_y, offsets[image, 1])
    cuda.syncthreads()
    x = cuda.blockIdx.x % n_across * n_threads + thread
    if x < n_half:
        along_x = out.dtype.type(phase_factor(x, n_x, offsets[image, 0]))
        for y in range(first, stop):
            out[image, y, x] = halves[image, y, x] * (along_y[y - first] * along_x)
