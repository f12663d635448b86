"""Sums over shells of equal distance from the origin, in one pass.

The order in which threads add is not the same twice, nor are the last bits of the sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.frequencies import frequency_of_index
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.shells import shell_of_place

Array = np.ndarray[Any, np.dtype[Any]]

# A thread walks along so many rows, and stays in a shell for some of them.
ROWS_A_BAND = 32


def sum_fourier_shells(
    sums: Array,
    first: Array,
    second: Array,
    n_x: int,
    steps: Array,
    start: int,
    stop: int,
) -> None:
    """Sum products of two half transforms over shells, on the planes ``start <= z < stop``.

    ``first`` and ``second`` (z, y, x // 2 + 1) are complex, the zero frequency in the corner;
    ``n_x`` is the real arrays' length along x. ``steps`` (3,) is the frequency step along x, y and
    z in widths of a shell: a sample belongs to the shell nearest to its frequency. All threads add
    to ``sums`` (shells, 4), in an order that changes the last bits: the number of samples of the
    full transforms, the real part of ``first * conj(second)``, and the squares of both.
    """
    n_threads = _count_threads(first.shape, start, stop)
    launch_for_each(_sum_fourier, n_threads, sums, first, second, n_x, steps, start, stop)


@cuda_kernel
def _sum_fourier(
    sums: Array,
    first: Array,
    second: Array,
    n_x: int,
    steps: Array,
    start: int,
    stop: int,
) -> None:
    n_z, n_y, _ = first.shape
    z, first_row, last_row, x = _locate_thread(first.shape, start)
    if z >= stop:
        return
    kz, kx = frequency_of_index(z, n_z) * steps[2], x * steps[0]
    # The half that is left out has the same products.
    weight = 1.0 if x == 0 or 2 * x == n_x else 2.0
    present, count, product, first_squared, second_squared = 0, 0.0, 0.0, 0.0, 0.0
    for y in range(first_row, last_row):
        shell = shell_of_place(kx, frequency_of_index(y, n_y) * steps[1], kz)
        if shell >= sums.shape[0]:
            continue
        if shell != present:
            _add(sums, present, 0, count)
            _add(sums, present, 1, product)
            _add(sums, present, 2, first_squared)
            _add(sums, present, 3, second_squared)
            present, count, product, first_squared, second_squared = shell, 0.0, 0.0, 0.0, 0.0
        a, b = np.complex128(first[z, y, x]), np.complex128(second[z, y, x])
        count += weight
        product += weight * (a.real * b.real + a.imag * b.imag)
        first_squared += weight * (a.real * a.real + a.imag * a.imag)
        second_squared += weight * (b.real * b.real + b.imag * b.imag)
    _add(sums, present, 0, count)
    _add(sums, present, 1, product)
    _add(sums, present, 2, first_squared)
    _add(sums, present, 3, second_squared)


def sum_real_shells(sums: Array, values: Array, steps: Array, start: int, stop: int) -> None:
    """Sum a real array over shells around its origin, on the planes ``start <= z < stop``.

    ``values`` is (z, y, x), the origin at ``n // 2`` of each axis; ``steps`` (3,) is an element's
    side along x, y and z in widths of a shell. All threads add to ``sums`` (shells, 2), in an order
    that changes the last bits: the number of elements, and their sum.
    """
    n_threads = _count_threads(values.shape, start, stop)
    launch_for_each(_sum_real, n_threads, sums, values, steps, start, stop)


@cuda_kernel
def _sum_real(sums: Array, values: Array, steps: Array, start: int, stop: int) -> None:
    n_z, n_y, n_x = values.shape
    z, first_row, last_row, x = _locate_thread(values.shape, start)
    if z >= stop:
        return
    dz, dx = (z - n_z // 2) * steps[2], (x - n_x // 2) * steps[0]
    present, count, total = 0, 0.0, 0.0
    for y in range(first_row, last_row):
        shell = shell_of_place(dx, (y - n_y // 2) * steps[1], dz)
        if shell >= sums.shape[0]:
            continue
        if shell != present:
            _add(sums, present, 0, count)
            _add(sums, present, 1, total)
            present, count, total = shell, 0.0, 0.0
        count += 1.0
        total += np.float64(values[z, y, x])
    _add(sums, present, 0, count)
    _add(sums, present, 1, total)


def _count_threads(shape: tuple[int, ...], start: int, stop: int) -> int:
    return (stop - start) * -(-shape[1] // ROWS_A_BAND) * shape[2]


@cuda_helper
def _locate_thread(shape: tuple[int, int, int], start: int) -> tuple[int, int, int, int]:
    """Return the plane, the first row, the row after the last one, and the column of a thread."""
    n_bands = -(-shape[1] // ROWS_A_BAND)
    thread = cuda.grid(1)
    band = thread // shape[2]
    first = band % n_bands * ROWS_A_BAND
    return start + band // n_bands, first, min(first + ROWS_A_BAND, shape[1]), thread % shape[2]


@cuda_helper
def _add(sums: Array, shell: int, n: int, value: float) -> None:
    # Nothing was found yet, or it was 0.
    if value != 0.0:
        cuda.atomic.add(sums, (shell, n), value)
