"""`PointGrid`: where solvent is looked for."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_fits_in_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class PointGrid:
    """Points on which solvent is looked for.

    Attributes
    ----------
    first
        Point [0, 0, 0], (x, y, z) in angstroms.
    spacing
        From one to the next along x, y and z, in angstroms.
    shape
        How many, (z, y, x).
    """

    first: NDArray[np.float64]
    spacing: NDArray[np.float64]
    shape: tuple[int, int, int]

    def pad(self, margin: float) -> tuple[PointGrid, tuple[slice, slice, slice]]:
        """Add points on all sides, to a margin in angstroms or a little more.

        Parameters
        ----------
        margin
            In angstroms.

        Returns
        -------
        PointGrid
            The larger grid.
        tuple of slice
            Where in it the points of this one are.
        """
        added = np.ceil(margin / self.spacing).astype(int)
        n_z, n_y, n_x = np.array(self.shape) + 2 * added[::-1]
        x, y, z = (
            slice(int(before), int(before) + n)
            for before, n in zip(added, reversed(self.shape), strict=True)
        )
        first = self.first - added * self.spacing
        return PointGrid(first, self.spacing, (int(n_z), int(n_y), int(n_x))), (z, y, x)

    def check_memory(self, bytes_a_point: int) -> None:
        """Refuse a grid that does not fit into the free memory.

        Parameters
        ----------
        bytes_a_point
            Of all that is made on the grid.

        Raises
        ------
        MemoryError
            If it does not.
        """
        points = " x ".join(map(str, self.shape))
        n_bytes = math.prod(self.shape) * bytes_a_point
        what = f"solvent on {points} points (z, y, x), with what its radii reach,"
        check_fits_in_memory("voxel_size", what, n_bytes)

    def find_near(self, positions: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
        """Find positions whose distance from the grid's box is at most `reach` along each axis.

        Parameters
        ----------
        positions
            ``(n, 3)``, in angstroms.
        reach
            In angstroms.

        Returns
        -------
        NDArray
            A mask, ``(n,)``.
        """
        last = self.first + (np.array(self.shape[::-1]) - 1) * self.spacing
        is_near: NDArray[np.bool_] = np.all(
            (positions >= self.first - reach) & (positions <= last + reach), axis=1
        )
        return is_near
