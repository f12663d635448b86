"""Distances of grid points from the surfaces of spheres."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.jit import cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]


def lower_to_distances(
    distances: Array,
    centers: Array,
    radii: Array,
    reach: float,
    steps: Array,
    start: int,
    stop: int,
) -> None:
    """Lower values to the distance from the nearest sphere, on the planes ``start <= z < stop``.

    All threads lower ``distances`` (z, y, x), whose least value does not depend on their order.
    ``centers`` (n, 3) are (x, y, z) from point [0, 0, 0]; ``steps`` (3,) are from one point to the
    next, along x, y and z. The distance is from the surface, negative inside of a sphere. Points
    farther than ``reach`` from a centre are left as they are.
    """
    launch_for_each(
        _lower, len(centers) * (stop - start), distances, centers, radii, reach, steps, start, stop
    )


@cuda_kernel
def _lower(
    distances: Array,
    centers: Array,
    radii: Array,
    reach: float,
    steps: Array,
    start: int,
    stop: int,
) -> None:
    # A thread is one sphere on one plane; those of a sphere that reaches no plane end here.
    thread = cuda.grid(1)
    a, plane = thread // (stop - start), start + thread % (stop - start)
    if a >= centers.shape[0]:
        return
    _, n_y, n_x = distances.shape
    x, y, dz = centers[a, 0], centers[a, 1], plane * steps[2] - centers[a, 2]
    if abs(dz) > reach:
        return
    radius, half = radii[a], math.sqrt(reach * reach - dz * dz)
    first_y = max(0, math.ceil((y - half) / steps[1]))
    last_y = min(n_y - 1, math.floor((y + half) / steps[1]))
    for row in range(first_y, last_y + 1):
        dy = row * steps[1] - y
        half_x = math.sqrt(max(half * half - dy * dy, 0.0))
        first_x = max(0, math.ceil((x - half_x) / steps[0]))
        last_x = min(n_x - 1, math.floor((x + half_x) / steps[0]))
        for column in range(first_x, last_x + 1):
            dx = column * steps[0] - x
            distance = math.sqrt(dz * dz + dy * dy + dx * dx) - radius
            cuda.atomic.min(distances, (plane, row, column), distance)
