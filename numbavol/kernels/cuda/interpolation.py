"""Interpolation of arrays at points: the nearest element, linear and cubic."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.sampling import interpolate_in_box, interpolate_point

Array = np.ndarray[Any, np.dtype[Any]]


def interpolate_points(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    padding: tuple[int, int, int],
    coordinates: Array,
    order: int,
    mode: int,
    fill: Array,
    start: int,
    stop: int,
) -> None:
    """Interpolate an array at the points ``start <= p < stop``: see the kernel of the CPU.

    A thread owns ``out[p]``.
    """
    launch_for_each(
        _interpolate, stop - start, out, values, shape, padding, coordinates, order, mode, fill,
        start, stop,
    )  # fmt: skip


@cuda_kernel
def _interpolate(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    padding: tuple[int, int, int],
    coordinates: Array,
    order: int,
    mode: int,
    fill: Array,
    start: int,
    stop: int,
) -> None:
    p = start + cuda.grid(1)
    if p >= stop:
        return
    if interpolate_in_box(values, shape, padding, coordinates, p, order, mode, out):
        return
    cells = cuda.local.array((3, 4), numba.int64)
    weights = cuda.local.array((3, 4), out.dtype)
    counts = cuda.local.array(3, numba.int64)
    for axis in range(3):
        counts[axis] = 1
        cells[axis, 0] = 0
        weights[axis, 0] = out.dtype.type(1)
    interpolate_point(
        values, shape, padding, coordinates, p, order, mode, fill, out, cells, weights, counts
    )
