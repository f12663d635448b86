"""Places of space in the plane: for the kernels of every device."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.jit import helper

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def place_in_plane(positions: Array, a: int, rotation: Array, offset: Array) -> tuple[float, float]:
    """Turn position ``a`` of (n, 3) by ``rotation`` (2, 3), and move it by ``offset`` (2,)."""
    x, y, z = positions[a, 0], positions[a, 1], positions[a, 2]
    return (
        rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z + offset[0],
        rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z + offset[1],
    )
