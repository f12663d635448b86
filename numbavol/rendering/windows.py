"""How far Gaussians reach, and how many a position has: the same for maps and for images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfcinv

from numbavol.arguments import read_reals
from numbavol.kernels.dispatch import find_device_of

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from numbavol.volumes import GaussianMixtureVolume

DEFAULT_TOLERANCE = 1e-6
# Beyond six times sqrt(2) standard deviations every factor of the formula is 0 in float64. Beyond
# 6.5 nothing is left beside the rounding of float32, and not far from there products of three such
# factors are subnormal: Intel's processors take a hundred cycles for each.
FARTHEST_REACH = {np.dtype(np.float32): 6.5, np.dtype(np.float64): 6.0 * math.sqrt(2.0)}
# The kernel is compiled for each number of Gaussians a position up to this one.
MOST_FUSED_GAUSSIANS = 6


def read_tolerance(tolerance: float) -> float:
    """Read the share of Gaussians that may be left out.

    Raises
    ------
    ValueError
        If it is not a number in [0, 1).
    """
    share = read_reals("tolerance", tolerance)
    if share.ndim != 0 or not 0.0 <= share < 1.0:
        msg = f"tolerance: expected a number in [0, 1), got {tolerance!r}"
        raise ValueError(msg)
    return float(share)


def reach_in_deviations(tolerance: float, dtype: DTypeLike) -> float:
    r"""Half a window's side, in standard deviations, that leaves out no more than allowed.

    A Gaussian has the share :math:`\operatorname{erfc}(q / \sqrt 2)` of itself beyond
    :math:`q` deviations along one axis, and at most three times that outside a cube.

    Parameters
    ----------
    tolerance
        The share that may be left out, in [0, 1).
    dtype
        float32 or float64: of the arithmetic.

    Returns
    -------
    float
        At most the ``FARTHEST_REACH`` of the type.
    """
    farthest = FARTHEST_REACH[np.dtype(dtype)]
    if tolerance == 0.0:
        return farthest
    return min(math.sqrt(2.0) * float(erfcinv(tolerance / 3.0)), farthest)


def take_few_gaussians_each(
    volume: GaussianMixtureVolume,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Take positions, amplitudes and variances so that kernels have few Gaussians a position.

    Kernels are compiled for their number. Of more than ``MOST_FUSED_GAUSSIANS``, each is given a
    position of its own.
    """
    positions, amplitudes, variances = volume.positions, volume.amplitudes, volume.variances
    if amplitudes.shape[1] > MOST_FUSED_GAUSSIANS:
        positions = find_device_of(positions).xp.repeat(positions, amplitudes.shape[1], axis=0)
        if isinstance(positions, np.ndarray):
            # As all others are: the kernel is compiled once.
            positions.setflags(write=False)
        amplitudes, variances = amplitudes.reshape(-1, 1), variances.reshape(-1, 1)
    return positions, amplitudes, variances
