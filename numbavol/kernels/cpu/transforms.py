"""The whole of a transform from the half that determines it, and shifts."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.frequencies import index_of_centred, phase_factor, read_full_transform
from numbavol.kernels.jit import kernel

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def expand_half_transform(out: Array, half: Array, margin: int, start: int, stop: int) -> None:
    """Write the planes ``start <= z < stop`` of a centred full transform from a half transform.

    ``half`` (z, y, x // 2 + 1) is that of a real array, the zero frequency in the corner. ``out``
    is complex of shape (z, y, x) + 2 ``margin`` with the zero frequency at ``n // 2 + margin``; in
    the margins it repeats itself. The caller owns those planes of ``out``.
    """
    n_z, n_y = half.shape[0], half.shape[1]
    n_x = out.shape[2] - 2 * margin
    for z in range(start, stop):
        kz = index_of_centred(z, n_z, margin)
        for y in range(out.shape[1]):
            ky = index_of_centred(y, n_y, margin)
            for x in range(out.shape[2]):
                kx = index_of_centred(x, n_x, margin)
                out[z, y, x] = read_full_transform(half, kz, ky, kx, n_x)


@kernel
def shift_half_transforms(
    out: Array, halves: Array, n_x: int, offsets: Array, factor: float
) -> None:
    """Multiply half transforms by a factor, and so that images of ``n_x`` columns move.

    Owns ``out``, complex (n, y, x // 2 + 1) like ``halves``, which it may be; ``offsets`` (n, 2)
    are (x, y) in pixels.
    """
    n_y, n_half = halves.shape[1], halves.shape[2]
    column, row = np.empty(n_y, halves.dtype), np.empty(n_half, halves.dtype)
    for image in range(halves.shape[0]):
        for y in range(n_y):
            column[y] = factor * phase_factor(y, n_y, offsets[image, 1])
        for x in range(n_half):
            row[x] = phase_factor(x, n_x, offsets[image, 0])
        for y in range(n_y):
            for x in range(n_half):
                out[image, y, x] = halves[image, y, x] * (column[y] * row[x])
