"""Transforms times sums of Gaussians, which are products of what each axis has."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.jit import kernel

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def add_gaussian_filtered(
    total: Array,
    rows: Array,
    along_z: Array,
    along_y: Array,
    along_x: Array,
    start: int,
) -> None:
    """Add rows of a transform times a sum of Gaussians, from the row ``start`` of each plane on.

    ``total`` (z, y, 2 x) is real and imaginary part in turn, ``rows`` (z, n, 2 x) what belongs to
    its rows ``start <= y < start + n``, which the caller owns. ``along_z`` (Gaussians, z) and
    ``along_y`` (Gaussians, y) are factors, and ``along_x`` (Gaussians, 2 x), each value twice.
    """
    n_x = total.shape[2]
    factor = np.empty(n_x, along_x.dtype)
    for z in range(rows.shape[0]):
        for y in range(rows.shape[1]):
            factor[:] = 0
            for n in range(along_x.shape[0]):
                weight = along_z[n, z] * along_y[n, start + y]
                for x in range(n_x):
                    factor[x] += weight * along_x[n, x]
            for x in range(n_x):
                total[z, start + y, x] += factor[x] * rows[z, y, x]
