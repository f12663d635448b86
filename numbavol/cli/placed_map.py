"""A map that knows where it lies."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.wanted_maps import read_wanted_map
from numbavol.notebooks import describe_sides

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class PlacedMap:
    """A map, its voxel size and its place.

    Attributes
    ----------
    data
        Indexed `[z, y, x]`, float32.
    voxel_size
        `(x, y, z)` in angstroms.
    origin
        Where the centre of voxel `[0, 0, 0]` lies, `(x, y, z)` in angstroms.
    """

    data: NDArray[np.float32]
    voxel_size: NDArray[np.float64]
    origin: NDArray[np.float64]

    @property
    def center(self) -> NDArray[np.float64]:
        """Where the centre of voxel `n // 2` lies, `(x, y, z)` in angstroms."""
        return self.origin + _middle(self.data.shape) * self.voxel_size

    @functools.cached_property
    def minimum(self) -> float:
        """The smallest value."""
        # A zero without a sign; so below.
        return float(self.data.min()) + 0.0

    @functools.cached_property
    def maximum(self) -> float:
        """The largest value."""
        return float(self.data.max()) + 0.0

    @functools.cached_property
    def mean(self) -> float:
        """The mean value."""
        return float(self.data.mean(dtype=np.float64)) + 0.0

    @property
    def finest_resolution(self) -> float:
        """What the voxels hold along an axis, in angstroms."""
        return 2 * float(self.voxel_size.min())

    def around_same_center(
        self, data: NDArray[Any], voxel_size: Sequence[float] | NDArray[np.float64]
    ) -> PlacedMap:
        """Make a map of another shape or voxel size whose voxel `m // 2` lies where `n // 2` did.

        Parameters
        ----------
        data
            Of the new map.
        voxel_size
            Of the new map, `(x, y, z)` in angstroms.
        """
        sides = np.asarray(voxel_size, np.float64)
        return PlacedMap(data, sides, self.center - _middle(data.shape) * sides)

    def describe_grid(self) -> str:
        """Write the shape and the voxel size."""
        sides = describe_sides(self.voxel_size, 6)
        return f"{describe_shape(self.data.shape)} voxels (x, y, z) of {sides} A"


def _middle(shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.array([n // 2 for n in reversed(shape)])


def describe_shape(shape: Sequence[int]) -> str:
    """Write a shape `(z, y, x)` in the order (x, y, z)."""
    return " x ".join(str(n) for n in reversed(shape))


def read_placed_map(map_file: Path) -> PlacedMap:
    """Read a map whose place and size are known, and whose values can be computed with.

    Parameters
    ----------
    map_file
        An MRC or CCP4 map.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a map, or is a stack, has no voxel size, or has a value that is not finite.
    """
    read = read_wanted_map(map_file)
    if read.voxel_size is None:
        msg = (
            f"{map_file}: expected a voxel size in the header, got none; without it, nothing in "
            "angstroms can be done, nor a place be given to the new map"
        )
        raise ValueError(msg)
    return PlacedMap(read.data, read.voxel_size, read.origin)
