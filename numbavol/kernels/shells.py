"""Shells of equal distance from the origin: for the kernels of every device."""

from __future__ import annotations

import math

from numbavol.kernels.jit import helper
from numbavol.kernels.rounding import HALF_A_SHELL


@helper
def shell_of_place(x: float, y: float, z: float) -> int:
    """Find the shell nearest to a place, which is in widths of a shell from the origin."""
    return int(math.sqrt(x * x + y * y + z * z) + HALF_A_SHELL)
