"""How long a rendering will take, and whether two ways of rendering agree.

Seconds are those of one core of the machine that the constants were measured on (AMD Zen 4): only
their ratio is meant.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.ndimage.nonuniform import Spreading, single_precision_suffices

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.volumes import GaussianMixtureVolume

# What rows of 16 voxels and what positions take in Gaussian mixtures.
SECONDS_A_ROW, SECONDS_A_POSITION = 1.5e-9, 3e-7
# What cells of the finer grid and what points take, for each non-uniform transform.
SECONDS_A_CELL = {np.dtype(np.complex64): 1.4e-8, np.dtype(np.complex128): 3.4e-8}
SECONDS_A_POINT = 2e-6


def predict_windows(
    sides: NDArray[np.float64], n_gaussians: int, voxel_size: NDArray[np.float64]
) -> float:
    """Predict how many seconds it takes to add Gaussians in cubic windows.

    Parameters
    ----------
    sides
        ``(n,)``: the side of each position's window, in angstroms.
    n_gaussians
        At each position.
    voxel_size
        ``(3,)``, in angstroms.
    """
    x, y, z = voxel_size
    rows = sides**2 / (y * z) * np.ceil(sides / x / 16)
    return SECONDS_A_ROW * n_gaussians * float(rows.sum()) + SECONDS_A_POSITION * len(sides)


def predict_gaussian_mixture(
    volume: GaussianMixtureVolume, voxel_size: ArrayLike, reach: float
) -> float:
    """Predict how many seconds `GaussianMixtureRenderFn` takes.

    Parameters
    ----------
    volume
        The Gaussians.
    voxel_size
        In angstroms.
    reach
        Half a window's side, in standard deviations.
    """
    size = np.broadcast_to(np.asarray(voxel_size, np.float64), (3,))
    sides = 2 * reach * np.sqrt(volume.variances.max(axis=1, initial=0.0)) + size.max()
    return predict_windows(sides, volume.variances.shape[1], size)


def predict_fft_atoms(
    shape: tuple[int, int, int], n_transforms: int, n_points: int, eps: float
) -> float:
    """Predict how many seconds `FFTAtomRenderFn` takes.

    Parameters
    ----------
    shape
        Of the map.
    n_transforms
        Non-uniform transforms that are made.
    n_points
        Points of all of them.
    eps
        Relative l2 error.
    """
    is_single = single_precision_suffices(shape, eps / 2)
    dtype = np.dtype(np.complex64 if is_single else np.complex128)
    spreading = Spreading(eps / 2, dtype, ())
    lengths = (*shape[:2], shape[2] // 2 + 1)
    cells = math.prod(spreading.count_cells(length) for length in lengths)
    return n_transforms * cells * SECONDS_A_CELL[dtype] + n_points * SECONDS_A_POINT


def averages_agree(volume: GaussianMixtureVolume, voxel_size: ArrayLike, tolerance: float) -> bool:
    """Tell whether both renderers average a mixture over voxels alike, to a tolerance.

    They do where no Gaussian has more than the tolerance left at the Nyquist frequency: what lies
    beyond it, the average of the mixture folds back, and that of the transform does not have.

    Parameters
    ----------
    volume
        The Gaussians.
    voxel_size
        In angstroms.
    tolerance
        As a share of each Gaussian.
    """
    nyquist = 0.5 / float(np.max(voxel_size))
    narrowest = float(volume.variances.min(initial=np.inf))
    return math.exp(-2 * (math.pi * nyquist) ** 2 * narrowest) <= tolerance
