"""Interpolation of arrays at points: the nearest element, linear and cubic."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.jit import kernel
from numbavol.kernels.sampling import interpolate_in_box, interpolate_point

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
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
    """Interpolate an array at the points ``start <= p < stop``.

    ``values`` is the array's memory as real numbers, one or two a cell (complex); ``shape``
    (z, y, x) is that of the data, with ones before the axes that there are, ``padding`` what
    coefficients have more of along each axis; ``coordinates`` (axes, n) are in cells; ``order`` is
    0, 1 or 3; ``mode`` is ``FILL``, ``CLIP`` or ``WRAP``, ``fill`` (channels,) the value outside
    for ``FILL``. Owns ``out`` (n, channels) between ``start`` and ``stop``.
    """
    cells = np.zeros((3, 4), np.int64)
    weights = np.ones((3, 4), out.dtype)
    counts = np.ones(3, np.int64)
    for p in range(start, stop):
        # Most points take half the time so (scripts/bench arrays).
        if interpolate_in_box(values, shape, padding, coordinates, p, order, mode, out):
            continue
        interpolate_point(
            values, shape, padding, coordinates, p, order, mode, fill, out, cells, weights, counts
        )
