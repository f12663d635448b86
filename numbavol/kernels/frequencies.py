"""Frequencies of an axis and samples of a half transform: for the kernels of every device."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def frequency_of_index(index: int, n: int) -> int:
    """Frequency, in steps, of an index of an axis of ``n`` with the zero frequency first."""
    return index if 2 * index < n else index - n


@helper
def index_of_centred(place: int, n: int, margin: int) -> int:
    """Index, 0 first, of what is at ``place`` of a centred axis of ``n`` and ``margin`` twice."""
    return (place - margin - n // 2) % n


@helper
def read_full_transform(half: Array, kz: int, ky: int, kx: int, n_x: int) -> Any:
    """Sample of the full transform of a real array of ``n_x`` columns, from the half of it.

    The indices are those of the full transform; in both the zero frequency is in the corner.
    """
    if kx <= n_x // 2:
        return half[kz, ky, kx]
    mirrored_z = half.shape[0] - kz if kz > 0 else 0
    mirrored_y = half.shape[1] - ky if ky > 0 else 0
    return np.conj(half[mirrored_z, mirrored_y, n_x - kx])


@helper
def phase_factor(index: int, n: int, offset: float) -> complex:
    """Factor of a frequency of an axis of ``n`` pixels in a shift by ``offset`` pixels.

    The Nyquist frequency of an even axis is as much negative as positive: it gets the mean of both.
    """
    turns = offset * frequency_of_index(index, n) / n
    # Whole turns leave nothing, and sine and cosine their accuracy.
    angle = -2.0 * math.pi * (turns - math.floor(turns))
    imaginary = 0.0 if 2 * index == n else math.sin(angle)
    return complex(math.cos(angle), imaginary)
