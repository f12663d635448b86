"""Numbers of cells along a curve that fills space: neighbours on it are neighbours in space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BITS_AN_AXIS = 21


def compute_morton_keys(cells: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Compute the numbers of cells along Morton's curve, by the bits of their indices in turn.

    Parameters
    ----------
    cells
        ``(n, 3)``: indices below 2**21.
    """
    of_x, of_y, of_z = (_spread_bits(cells[:, axis]) << np.uint64(axis) for axis in range(3))
    keys: NDArray[np.uint64] = of_x | of_y | of_z
    return keys


def _spread_bits(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put two zeros between the bits of numbers below 2**21."""
    spread = numbers
    for shift, mask in (
        (32, 0x001F00000000FFFF),
        (16, 0x001F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
