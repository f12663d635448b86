"""Transforms times sums of Gaussians, which are products of what each axis has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.jit import cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]


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
    its rows ``start <= y < start + n``, of which a thread owns one element. ``along_z`` (Gaussians,
    z) and ``along_y`` (Gaussians, y) are factors, and ``along_x`` (Gaussians, 2 x), each value
    twice.
    """
    launch_for_each(_add_filtered, rows.size, total, rows, along_z, along_y, along_x, start)


@cuda_kernel
def _add_filtered(
    total: Array,
    rows: Array,
    along_z: Array,
    along_y: Array,
    along_x: Array,
    start: int,
) -> None:
    n_z, n_y, n_x = rows.shape
    thread = cuda.grid(1)
    row, x = thread // n_x, thread % n_x
    z, y = row // n_y, row % n_y
    if z >= n_z:
        return
    factor = along_x.dtype.type(0)
    for n in range(along_x.shape[0]):
        factor += along_z[n, z] * along_y[n, start + y] * along_x[n, x]
    total[z, start + y, x] += factor * rows[z, y, x]
