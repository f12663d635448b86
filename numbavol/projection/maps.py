"""Maps as volumes whose slices are images: how they are padded, and corrected for interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbavol.ndimage.gridding import undo_linear_interpolation
from numbavol.volumes import FourierVoxelGridVolume, FourierVoxelSplineVolume

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Interpolation by splines of a map padded so errs by less than the map's own corners do; a linear
# one needs more (docs/projecting.md).
PAD_SCALES = {"spline": 1.25, "linear": 2.0}


def make_sliced_volume(
    real_voxel_grid: NDArray[np.float32],
    voxel_size: ArrayLike,
    method: str,
    pad_scale: float | None = None,
) -> FourierVoxelSplineVolume | FourierVoxelGridVolume:
    """Transform a map so that slices through it, interpolated by a method, are its projections.

    Parameters
    ----------
    real_voxel_grid
        The map, (z, y, x).
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms.
    method
        ``"spline"`` or ``"linear"``; what linear interpolation takes from a map's edges is given
        back before.
    pad_scale
        The map is padded so many times; by default what suits the method.

    Returns
    -------
    FourierVoxelSplineVolume or FourierVoxelGridVolume
        What `FourierSliceExtraction` takes.
    """
    pad = pad_scale or PAD_SCALES[method]
    if method == "spline":
        return FourierVoxelSplineVolume.from_real_voxel_grid(
            real_voxel_grid, pad_scale=pad, voxel_size=voxel_size
        )
    grid = FourierVoxelGridVolume.from_real_voxel_grid(
        undo_linear_interpolation(
            real_voxel_grid, [int(length * pad) for length in real_voxel_grid.shape]
        ),
        pad_scale=pad,
        voxel_size=voxel_size,
    )
    # A slice has the zero frequency itself, which interpolation did nothing to.
    middle = tuple(length // 2 for length in grid.shape)
    grid.fourier_voxel_grid[middle] = real_voxel_grid.sum(dtype=np.float64)
    return grid
