"""The whole of a transform from the half that determines it, and products with half transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.jit import kernel

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def expand_half_transform(out: Array, half: Array, margin: int, start: int, stop: int) -> None:
    """Write the planes ``start <= z < stop`` of a centred full transform from a half transform.

    ``half`` (z, y, x // 2 + 1) is that of a real array, the zero frequency in the corner. ``out``
    is complex of shape (z, y, x) + 2 ``margin`` with the zero frequency at ``n // 2 + margin``; in
    the margins it repeats itself. The caller owns those planes of ``out``.
    """
    nz, ny = half.shape[0], half.shape[1]
    nx = out.shape[2] - 2 * margin
    for z in range(start, stop):
        kz = (z - margin - nz // 2) % nz
        for y in range(out.shape[1]):
            ky = (y - margin - ny // 2) % ny
            mirrored_z, mirrored_y = (nz - kz) % nz, (ny - ky) % ny
            for x in range(out.shape[2]):
                kx = (x - margin - nx // 2) % nx
                if kx <= nx // 2:
                    out[z, y, x] = half[kz, ky, kx]
                else:
                    out[z, y, x] = np.conj(half[mirrored_z, mirrored_y, nx - kx])


@kernel
def multiply_by_axes(out: Array, half: Array, column: Array, row: Array) -> None:
    """Multiply a half transform by one factor a row and one a column.

    Owns ``out`` (y, x), complex like ``half``, ``column`` (y,) and ``row`` (x,).
    """
    for y in range(half.shape[0]):
        for x in range(half.shape[1]):
            out[y, x] = half[y, x] * (column[y] * row[x])
