"""Positions in an order in which groups of neighbours follow each other."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Positions that are added up together: many enough that a patch of the image is worth its clearing,
# few enough that it stays in the cache (scripts/bench project).
POSITIONS_IN_A_GROUP = 4096
CELL_SIDE = 4.0
BITS_AN_AXIS = 21


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbourhood:
    """An order of positions, and where the groups of neighbours begin in it."""

    order: NDArray[np.intp]
    """``(n,)``: numbers of the positions."""
    groups: NDArray[np.int64]
    """``(groups + 1,)``: the first of each group, and n."""


def find_neighbours(positions: NDArray[np.float64], pixel_size: float) -> Neighbourhood:
    """Order positions along a curve that fills space (Morton's), and cut it into groups.

    Neighbours in space are neighbours in every projection.

    Parameters
    ----------
    positions
        ``(n, 3)`` in angstroms.
    pixel_size
        In angstroms.
    """
    lowest = positions.min(axis=0, initial=0.0)
    side = CELL_SIDE * pixel_size
    span = float(np.max(positions - lowest, initial=0.0))
    side = max(side, span / (2**BITS_AN_AXIS - 1))
    cells = ((positions - lowest) / side).astype(np.uint64)
    keys = np.zeros(len(positions), np.uint64)
    for axis in range(3):
        keys |= _spread_bits(cells[:, axis]) << np.uint64(axis)
    order = np.argsort(keys, kind="stable")
    groups = np.append(np.arange(0, len(order), POSITIONS_IN_A_GROUP), len(order))
    return Neighbourhood(order, groups.astype(np.int64))


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
