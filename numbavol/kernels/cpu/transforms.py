"""The whole of a transform from the half that determines it, and shifts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper, kernel

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


@helper
def fill_phase_factors(factors: Array, n: int, offset: float) -> None:
    """Write what the frequencies of an axis of ``n`` pixels, 0 first, are multiplied by in a shift.

    The Nyquist frequency of an even axis is as much negative as positive: it gets the mean of both.
    """
    for i in range(factors.size):
        turns = offset * (i if 2 * i < n else i - n) / n
        # Whole turns leave nothing, and sine and cosine their accuracy.
        angle = -2.0 * math.pi * (turns - math.floor(turns))
        imaginary = 0.0 if 2 * i == n else math.sin(angle)
        factors[i] = complex(math.cos(angle), imaginary)


@kernel
def shift_half_transforms(out: Array, halves: Array, n_x: int, offsets: Array) -> None:
    """Multiply half transforms of images of ``n_x`` columns so that each moves, in pixels.

    Owns ``out``, complex (n, y, x // 2 + 1) like ``halves``, which it may be; ``offsets`` (n, 2)
    are (x, y).
    """
    n_y, n_half = halves.shape[1], halves.shape[2]
    column, row = np.empty(n_y, halves.dtype), np.empty(n_half, halves.dtype)
    for image in range(halves.shape[0]):
        fill_phase_factors(column, n_y, offsets[image, 1])
        fill_phase_factors(row, n_x, offsets[image, 0])
        for y in range(n_y):
            for x in range(n_half):
                out[image, y, x] = halves[image, y, x] * (column[y] * row[x])
