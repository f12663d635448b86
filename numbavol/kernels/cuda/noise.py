"""Random numbers for particles, and noise for the half transforms of their images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.random import (
    draw_words,
    normal_of_words,
    pairs_of_columns,
    uniform_of_words,
)

Array = np.ndarray[Any, np.dtype[Any]]


def fill_uniforms(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    """Draw numbers evenly distributed over (0, 1), an even number of them for each of ``numbers``.

    ``out`` is float64 (n, 2 m), of which a thread owns two; ``numbers`` are uint64 (n,).
    """
    launch_for_each(_fill_uniforms, out.size // 2, out, seed, purpose, numbers)


@cuda_kernel
def _fill_uniforms(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    thread, n_pairs = cuda.grid(1), out.shape[1] // 2
    n, pair = thread // n_pairs, thread % n_pairs
    if n >= out.shape[0]:
        return
    a, b, c, d = draw_words(seed, purpose, numbers[n], np.uint64(0), np.uint64(pair))
    out[n, 2 * pair] = uniform_of_words(a, b)
    out[n, 2 * pair + 1] = uniform_of_words(c, d)


def add_noise(
    out: Array, amplitudes: Array, n_x: int, seed: int, purpose: int, numbers: Array
) -> None:
    """Add complex normal numbers to half transforms, those that real images have.

    ``out`` is (n, y, x // 2 + 1, 2) with real and imaginary part last, of images of ``n_x``
    columns; ``amplitudes`` (y, x // 2 + 1) are the deviations of the numbers' moduli, and the draw
    of an image belongs to ``seed``, ``purpose`` and its one of ``numbers``, uint64 (n,). A thread
    owns two columns of a row.
    """
    n_threads = out.shape[0] * out.shape[1] * pairs_of_columns(out.shape[2])
    launch_for_each(_add_noise, n_threads, out, amplitudes, n_x, seed, purpose, numbers)


@cuda_helper
def _add(out: Array, amplitudes: Array, y: int, x: int, real: Any, imaginary: Any) -> None:
    out[y, x, 0] += amplitudes[y, x] * real
    out[y, x, 1] += amplitudes[y, x] * imaginary


@cuda_kernel
def _add_noise(
    out: Array, amplitudes: Array, n_x: int, seed: int, purpose: int, numbers: Array
) -> None:
    n_y, n_half = out.shape[1], out.shape[2]
    n_pairs = pairs_of_columns(n_half)
    thread = cuda.grid(1)
    pair, y = thread % n_pairs, thread // n_pairs % n_y
    image = thread // (n_pairs * n_y)
    if image >= out.shape[0]:
        return
    negative = (n_y - y) % n_y
    for part in range(2):
        x = pair + part * n_pairs
        if x >= n_half:
            continue
        # Columns whose negatives are in the same half.
        is_own = x == 0 or 2 * x == n_x
        row = min(y, negative) if is_own else y
        a, b, c, d = draw_words(seed, purpose, numbers[image], np.uint64(row), np.uint64(pair))
        first, second = (a, b) if part == 0 else (c, d)
        real, imaginary = normal_of_words(np.uint32(first), np.uint32(second))
        if is_own and y == negative:
            real *= np.float32(math.sqrt(2.0))
            imaginary = np.float32(0)
        elif is_own and y > negative:
            imaginary = -imaginary
        _add(out[image], amplitudes, y, x, real, imaginary)
