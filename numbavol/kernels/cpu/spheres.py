"""Distances of grid points from the surfaces of spheres."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import kernel

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
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

    Owns those planes of ``distances`` (z, y, x). ``centers`` (n, 3) are (x, y, z) from point
    [0, 0, 0]; ``steps`` (3,) are from one point to the next, along x, y and z. The distance is from
    the surface, negative inside of a sphere. Points farther than ``reach`` from a centre are left
    as they are.
    """
    real = distances.dtype.type
    _, n_y, n_x = distances.shape
    columns = np.empty(n_x, distances.dtype)
    for column in range(n_x):
        columns[column] = column * steps[0]
    for a in range(len(centers)):
        x, y, z = centers[a, 0], centers[a, 1], centers[a, 2]
        radius, x_of_centre = real(radii[a]), real(x)
        first_z = max(start, math.ceil((z - reach) / steps[2]))
        last_z = min(stop - 1, math.floor((z + reach) / steps[2]))
        for plane in range(first_z, last_z + 1):
            dz = plane * steps[2] - z
            # Rounding may put the outermost plane a little beyond.
            half = math.sqrt(max(reach * reach - dz * dz, 0.0))
            first_y = max(0, math.ceil((y - half) / steps[1]))
            last_y = min(n_y - 1, math.floor((y + half) / steps[1]))
            for row in range(first_y, last_y + 1):
                dy = row * steps[1] - y
                half_x = math.sqrt(max(half * half - dy * dy, 0.0))
                first_x = max(0, math.ceil((x - half_x) / steps[0]))
                last_x = min(n_x - 1, math.floor((x + half_x) / steps[0]))
                squared = real(dz * dz + dy * dy)
                points = distances[plane, row, first_x : last_x + 1]
                places = columns[first_x : last_x + 1]
                for i in range(points.size):
                    dx = places[i] - x_of_centre
                    distance = np.sqrt(squared + dx * dx) - radius
                    # Always stored: a loop without a branch becomes vector instructions.
                    points[i] = distance if distance < points[i] else points[i]
