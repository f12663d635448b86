"""Positions in an order in which groups of neighbours follow each other."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from numbavol.ndimage.space_filling import BITS_AN_AXIS, order_along_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Positions that are added up together: many enough that a patch of the image is worth its clearing,
# few enough that it stays in the cache (scripts/bench project).
POSITIONS_IN_A_GROUP = 4096
CELL_SIDE = 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbourhood:
    """An order of positions, and where the groups of neighbours begin in it."""

    order: NDArray[np.intp]
    """``(n,)``: numbers of the positions, where these are."""
    groups: NDArray[np.int64]
    """``(groups + 1,)``: the first of each group, and n."""


def find_neighbours(positions: NDArray[np.float64], pixel_size: float) -> Neighbourhood:
    """Order positions along a curve that fills space (Morton's), and cut it into groups.

    Neighbours in space are neighbours in every projection.

    Parameters
    ----------
    positions
        ``(n, 3)`` in angstroms, of any device.
    pixel_size
        In angstroms.
    """
    # Halves of positions have differences that do not overflow.
    halves = [positions[:, axis] / 2 for axis in range(3)]
    spans = [float(half.max() - half.min()) if len(half) else 0.0 for half in halves]
    side = max(CELL_SIDE * pixel_size / 2, max(spans) / (2**BITS_AN_AXIS - 1))
    cells = [((half - half.min()) / side if len(half) else half).astype(np.intp) for half in halves]
    order = order_along_curve(cells, int(max(spans) / side))
    groups = np.append(np.arange(0, len(order), POSITIONS_IN_A_GROUP), len(order))
    return Neighbourhood(order, groups.astype(np.int64))
