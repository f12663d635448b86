"""How much of a map is outside images that are smaller than it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Of the summed absolute density: less is what a margin around a particle holds.
LEAST_SHARE = 1e-3


def find_cut_share(real_voxel_grid: NDArray[np.floating[Any]], side: int) -> float:
    """Find the share of a map's density that images of a side do not show in every pose.

    That is what lies outside of the ball that such a cube holds: the sum of absolute values there
    over that of all.

    Parameters
    ----------
    real_voxel_grid
        The map, (z, y, x).
    side
        Of the images, in voxels.

    Returns
    -------
    float
        0 where the images are as large as the map, or too little is outside to speak of.
    """
    if side >= max(real_voxel_grid.shape):
        return 0.0
    z, y, x = (np.square(np.arange(n) - n // 2) for n in real_voxel_grid.shape)
    from_axis = y[:, np.newaxis] + x
    outside = total = 0.0
    # Section by section: maps are large.
    for section, along_axis in zip(real_voxel_grid, z.tolist(), strict=True):
        density = np.abs(section)
        total += float(density.sum(dtype=np.float64))
        is_outside = from_axis + along_axis > side**2 / 4
        outside += float(density.sum(dtype=np.float64, where=is_outside))
    return outside / total if outside >= LEAST_SHARE * total > 0 else 0.0
