"""`RealVoxelGridVolume`: density as a map."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.kernels.dispatch import find_device_of
from numbavol.ndimage.boxes import crop_to_shape
from numbavol.values import ArrayValue
from numbavol.volumes.coordinates import AffineCoordinates, CoordinatesField
from numbavol.volumes.voxel_base import (
    AbstractVoxelVolume,
    keep_voxel_size,
    read_known_voxel_size,
    read_real_voxel_grid,
    shape_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.poses import AbstractPose

    RealArray = NDArray[np.floating[Any]]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class RealVoxelGridVolume(ArrayValue, AbstractVoxelVolume):
    """A density by its map, and where its voxels are.

    Parameters
    ----------
    real_voxel_grid
        Real, (z, y, x). It is kept, not copied.
    coordinate_grid_in_pixels
        ``(z, y, x, 3)``: the place (x, y, z) of each voxel, in voxels.
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms, if it is to be known.

    Raises
    ------
    ValueError
        If a shape or a type is another.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import RealVoxelGridVolume
    >>> volume = RealVoxelGridVolume.from_real_voxel_grid(np.ones((3, 4, 5)), crop_scale=1.5)
    >>> volume.shape
    (2, 2, 3)
    >>> volume.coordinate_grid_in_pixels[0, 0, 0]
    array([-1., -1., -1.])
    """

    real_voxel_grid: RealArray
    coordinate_grid_in_pixels: CoordinatesField = CoordinatesField()  # noqa: RUF009
    voxel_size: float | tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        """Read the arguments."""
        grid = read_real_voxel_grid(self.real_voxel_grid)
        object.__setattr__(self, "real_voxel_grid", grid)
        coordinates = CoordinatesField.kept_by(self, "coordinate_grid_in_pixels")
        if coordinates.shape != grid.shape:
            msg = (
                f"coordinate_grid_in_pixels: expected one point a voxel of {grid.shape}, got shape "
                f"{coordinates.shape}"
            )
            raise ValueError(msg)
        keep_voxel_size(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of the grid."""
        return shape_of(self.real_voxel_grid)

    def _draw_thumbnail(self) -> NDArray[Any]:
        section = self.real_voxel_grid[self.shape[0] // 2]
        return find_device_of(section).fetch(section)

    @classmethod
    def from_real_voxel_grid(
        cls,
        real_voxel_grid: ArrayLike,
        *,
        coordinate_grid_in_pixels: ArrayLike | None = None,
        crop_scale: float | None = None,
        voxel_size: ArrayLike | None = None,
    ) -> Self:
        """Hold a map.

        Parameters
        ----------
        real_voxel_grid
            The map, (z, y, x), of any sizes.
        coordinate_grid_in_pixels
            ``(z, y, x, 3)``, in voxels: where its voxels are, (x, y, z); by default voxel
            ``n // 2`` of each axis is at 0.
        crop_scale
            The map is cropped to ``int(n / crop_scale)`` along each axis; 1 or more. Not together
            with coordinates.
        voxel_size
            Side of a voxel, or its three sides (x, y, z), in angstroms, if it is to be known.

        Returns
        -------
        RealVoxelGridVolume
            float32 for a map of float32, else float64.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        grid = read_real_voxel_grid(real_voxel_grid)
        known_size = read_known_voxel_size(voxel_size)
        if crop_scale is not None:
            if coordinate_grid_in_pixels is not None:
                msg = "crop_scale: expected None where coordinate_grid_in_pixels is given"
                raise ValueError(msg)
            if not crop_scale >= 1.0:
                msg = f"crop_scale: expected a number of 1 or more, got {crop_scale!r}"
                raise ValueError(msg)
            shape = tuple(int(length / crop_scale) for length in grid.shape)
            if min(shape) < 1:
                msg = (
                    f"crop_scale: expected one that leaves voxels of a map of shape {grid.shape}, "
                    f"got {crop_scale!r}"
                )
                raise ValueError(msg)
            grid = crop_to_shape(grid, shape)
        if coordinate_grid_in_pixels is None:
            coordinates = AffineCoordinates(shape_of(grid), np.zeros(3), np.eye(3))
            return cls(grid, coordinates, known_size)
        return cls(grid, coordinate_grid_in_pixels, known_size)

    def rotate_to_pose(self, pose: AbstractPose, inverse: bool = False) -> Self:
        """Turn the coordinates by the rotation of one pose.

        Parameters
        ----------
        pose
            One pose; its offset is not used.
        inverse
            Turn by the inverse rotation.

        Returns
        -------
        RealVoxelGridVolume
            With coordinates ``R r``, or ``R^T r`` if ``inverse``. The map is the same array.

        Raises
        ------
        TypeError
            If it is no pose, or `inverse` neither True nor False.
        ValueError
            If there are many poses.
        """
        name = "coordinate_grid_in_pixels"
        turned = CoordinatesField.kept_by(self, name).rotate(pose, inverse=inverse)
        return dataclasses.replace(self, coordinate_grid_in_pixels=turned)
