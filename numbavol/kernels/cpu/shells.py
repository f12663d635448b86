"""Sums over shells of equal distance from the origin, in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.frequencies import frequency_of_index
from numbavol.kernels.jit import kernel
from numbavol.kernels.shells import shell_of_place

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
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
    z in widths of a shell: a sample belongs to the shell nearest to its frequency. The caller owns
    ``sums`` (shells, 4): the number of samples of the full transforms, the real part of
    ``first * conj(second)``, and the squares of both.
    """
    n_z, n_y, n_half = first.shape
    for z in range(start, stop):
        kz = frequency_of_index(z, n_z) * steps[2]
        for y in range(n_y):
            ky = frequency_of_index(y, n_y) * steps[1]
            for x in range(n_half):
                kx = x * steps[0]
                shell = shell_of_place(kx, ky, kz)
                if shell >= sums.shape[0]:
                    break
                # The half that is left out has the same products.
                count = 1.0 if x == 0 or 2 * x == n_x else 2.0
                a, b = np.complex128(first[z, y, x]), np.complex128(second[z, y, x])
                sums[shell, 0] += count
                sums[shell, 1] += count * (a.real * b.real + a.imag * b.imag)
                sums[shell, 2] += count * (a.real * a.real + a.imag * a.imag)
                sums[shell, 3] += count * (b.real * b.real + b.imag * b.imag)


@kernel
def sum_real_shells(sums: Array, values: Array, steps: Array, start: int, stop: int) -> None:
    """Sum a real array over shells around its origin, on the planes ``start <= z < stop``.

    ``values`` is (z, y, x), the origin at ``n // 2`` of each axis; ``steps`` (3,) is an element's
    side along x, y and z in widths of a shell. The caller owns ``sums`` (shells, 2): the number of
    elements, and their sum.
    """
    n_z, n_y, n_x = values.shape
    for z in range(start, stop):
        dz = (z - n_z // 2) * steps[2]
        for y in range(n_y):
            dy = (y - n_y // 2) * steps[1]
            for x in range(n_x):
                dx = (x - n_x // 2) * steps[0]
                shell = shell_of_place(dx, dy, dz)
                if shell < sums.shape[0]:
                    sums[shell, 0] += 1.0
                    sums[shell, 1] += values[z, y, x]
