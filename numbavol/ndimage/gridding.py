"""What interpolation between the samples of a transform does to a map, undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def undo_linear_interpolation(
    real_voxel_grid: NDArray[np.floating[Any]], padded_shape: Sequence[int]
) -> NDArray[np.floating[Any]]:
    r"""Divide a map by what linear interpolation between the samples of its transform does to it.

    That is :math:`\prod_i \operatorname{sinc}^2(r_i / N_i)`, with N the voxels of the padded map.

    Parameters
    ----------
    real_voxel_grid
        Of any number of axes, float32 or float64.
    padded_shape
        Shape of the map whose transform is interpolated.
    """
    for axis, (length, padded) in enumerate(zip(real_voxel_grid.shape, padded_shape, strict=True)):
        along = np.sinc((np.arange(length) - length // 2) / padded) ** -2
        shape = [1] * real_voxel_grid.ndim
        shape[axis] = length
        real_voxel_grid = real_voxel_grid * along.astype(real_voxel_grid.dtype).reshape(shape)
    return real_voxel_grid
