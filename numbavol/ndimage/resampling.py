"""Maps and images on finer and coarser grids, through their Fourier transforms.

An axis of `n` voxels is read as a sum of waves of period `n`, with frequencies of at most `n / 2`
cycles. The Nyquist frequency of an even `n` belongs to both ends: half of its coefficient is at
`+n / 2`, half at `-n / 2`. A grid of `m` voxels over the same box samples the waves of at most
`m / 2` cycles. Hence:

- values are kept, not sums: a constant map stays constant, and a map without frequencies beyond
  either grid's Nyquist frequency is sampled without an error other than rounding;
- element `n // 2` is at the place of element `m // 2`, and the voxel size becomes
  `n / m` times what it was;
- a real map stays real, and going to a finer grid and back changes nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import allocate_zeros, check_flag, read_reals, read_shape
from numbavol.ndimage.parameters import read_grid_spacing, read_host_array
from numbavol.ndimage.transforms import (
    ComplexArray,
    RealOrComplexArray,
    fftn,
    ifftn,
    irfftn,
    rfftn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# A quotient that ought to be a whole number is off by about 1e-16 of itself: 33 / 1.1 < 30.
_ROUNDING = 1e-12
# Sides that differ by less are one: headers keep float32.
SAME_SIDE = 1e-6


def fourier_resample_to_shape(
    array: ArrayLike, shape: Sequence[int], outputs_real_space: bool = True
) -> RealOrComplexArray:
    """Resample an array to any other shape, over the same box.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    shape
        The shape of the result in real space: each axis may become finer or coarser.
    outputs_real_space
        Whether to transform back. If not, the transform of the result is returned, the zero
        frequency in the corner: the half transform if `array` is real.

    Returns
    -------
    NDArray
        A new array of the new shape. Single precision stays single, integers become float64.

    Raises
    ------
    TypeError
        If `outputs_real_space` is neither True nor False.
    ValueError
        If `array` has values that are not finite, or `shape` another number of axes.

    Examples
    --------
    >>> from numbavol import fourier_resample_to_shape
    >>> fourier_resample_to_shape([0.0, 1.0, 2.0, 1.0], (8,)).round(3)
    array([0.   , 0.293, 1.   , 1.707, 2.   , 1.707, 1.   , 0.293])
    """
    values = read_host_array("array", array)
    return _resample(values, read_shape("shape", shape, values.ndim), outputs_real_space)


def fourier_crop_downsample_to_shape(
    array: ArrayLike, downsampled_shape: Sequence[int], outputs_real_space: bool = True
) -> RealOrComplexArray:
    """Resample an array to a smaller shape, over the same box.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    downsampled_shape
        The shape of the result in real space, at most that of `array` along every axis.
    outputs_real_space
        Whether to transform back. If not, the transform of the result is returned, the zero
        frequency in the corner: the half transform if `array` is real.

    Returns
    -------
    NDArray
        A new array of the new shape. Single precision stays single, integers become float64.

    Raises
    ------
    TypeError
        If `outputs_real_space` is neither True nor False.
    ValueError
        If `array` has values that are not finite, or `downsampled_shape` is larger along an axis
        or has another number of axes.

    Examples
    --------
    >>> from numbavol import fourier_crop_downsample_to_shape
    >>> fourier_crop_downsample_to_shape([0.0, 1.0, 2.0, 1.0], (3,)).round(3)
    array([0.5, 2. , 0.5])
    """
    values = read_host_array("array", array)
    target = read_shape("downsampled_shape", downsampled_shape, values.ndim)
    if any(m > n for m, n in zip(target, values.shape, strict=True)):
        msg = f"downsampled_shape: expected at most the shape {values.shape} of array, got {target}"
        raise ValueError(msg)
    return _resample(values, target, outputs_real_space)


def fourier_crop_downsample(
    array: ArrayLike, downsample_factor: float, outputs_real_space: bool = True
) -> RealOrComplexArray:
    """Resample an array to a coarser grid, over the same box.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    downsample_factor
        How many times coarser, 1 or more. An axis of `n` elements becomes one of
        `m = floor(n / downsample_factor)`, and the voxel size grows by `n / m`.
    outputs_real_space
        Whether to transform back. If not, the transform of the result is returned, the zero
        frequency in the corner: the half transform if `array` is real.

    Returns
    -------
    NDArray
        A new array of the new shape. Single precision stays single, integers become float64.

    Raises
    ------
    TypeError
        If `outputs_real_space` is neither True nor False.
    ValueError
        If `array` has values that are not finite, or the factor is not a number from 1 to the
        length of the shortest axis.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import fourier_crop_downsample
    >>> fourier_crop_downsample(np.ones((5, 6)), 2)
    array([[1., 1., 1.],
           [1., 1., 1.]])
    """
    values = read_host_array("array", array)
    factor = read_reals("downsample_factor", downsample_factor)
    if factor.ndim or not 1 <= factor <= min(values.shape):
        msg = (
            f"downsample_factor: expected a number from 1 to {min(values.shape)}, the length of "
            f"the shortest axis of array, got {downsample_factor}"
        )
        raise ValueError(msg)
    target = tuple(math.floor(n / float(factor) * (1 + _ROUNDING)) for n in values.shape)
    return _resample(values, target, outputs_real_space)


def rescale_voxel_size(
    array: ArrayLike, current_voxel_size: ArrayLike, new_voxel_size: ArrayLike
) -> tuple[RealOrComplexArray, tuple[float, ...]]:
    """Resample a map or an image to another voxel size, over the same box.

    A box holds a whole number of voxels, so an axis of `n` becomes one of
    `m = round(n * current / new)`, and the voxel size that results is `n * current / m`. It
    differs from the one that was asked for by at most one part in `2 m`.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    current_voxel_size, new_voxel_size
        In angstroms: one number, or one an axis in the order (x, y, z).

    Returns
    -------
    rescaled : NDArray
        A new array. Single precision stays single, integers become float64.
    voxel_size : tuple of float
        Its exact voxel size in angstroms, one number an axis in the order (x, y, z).

    Raises
    ------
    ValueError
        If `array` has values that are not finite, or a voxel size is not above 0 or leaves no
        voxel in the box.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import rescale_voxel_size
    >>> rescaled, voxel_size = rescale_voxel_size(np.ones((10, 12)), 1.0, 1.5)
    >>> rescaled.shape
    (7, 8)
    >>> [round(length, 3) for length in voxel_size]
    [1.5, 1.429]
    """
    values = read_host_array("array", array)
    current = read_grid_spacing("current_voxel_size", current_voxel_size, values.ndim)
    new = read_grid_spacing("new_voxel_size", new_voxel_size, values.ndim)
    sides = [n * length for n, length in zip(values.shape, current, strict=True)]
    target = tuple(round(side / length) for side, length in zip(sides, new, strict=True))
    if 0 in target:
        msg = (
            f"new_voxel_size: expected less than twice the sides {tuple(sides[::-1])} of the box "
            f"of array, got {new_voxel_size!r}"
        )
        raise ValueError(msg)
    voxel_size = [side / m for side, m in zip(sides, target, strict=True)]
    return _resample(values, target, outputs_real_space=True), tuple(voxel_size[::-1])


def find_side_for_voxel_size(
    shape: Sequence[int], voxel_size: float | Sequence[float], new_voxel_size: float
) -> int | None:
    """Find a box, of one number of voxels a side, that holds whole numbers of cubes of a new size.

    Parameters
    ----------
    shape
        Of the map that it is to hold.
    voxel_size
        Of the map, one number or one an axis.
    new_voxel_size
        Of what it is to become, in the same unit.

    Returns
    -------
    int or None
        The shortest side, in voxels of the map; None where no side of up to twice the map's does.
    """
    longest = max(shape)
    for side in range(longest, 2 * longest + 1):
        numbers = side * np.atleast_1d(voxel_size) / new_voxel_size
        whole = np.round(numbers)
        if np.all((whole > 0) & (np.abs(numbers - whole) < SAME_SIDE * numbers)):
            return side
    return None


def _resample(
    values: NDArray[Any], target: tuple[int, ...], outputs_real_space: bool
) -> RealOrComplexArray:
    check_flag("outputs_real_space", outputs_real_space)
    is_real = values.dtype.kind != "c"
    spectrum = rfftn(values) if is_real else fftn(values)
    if not np.isfinite(total := spectrum.flat[0]):
        msg = f"array: expected finite values with a finite sum, got the sum {total}"
        raise ValueError(msg)
    spectrum *= math.prod(target) / values.size
    if is_real:
        spectrum = _resample_half_axis(spectrum, values.shape[-1], target[-1])
    for axis in range(values.ndim - is_real):
        spectrum = _resample_axis(spectrum, axis, target[axis])
    if not outputs_real_space:
        return spectrum
    return irfftn(spectrum, target) if is_real else ifftn(spectrum)


def _resample_axis(spectrum: ComplexArray, axis: int, m: int) -> ComplexArray:
    n = spectrum.shape[axis]
    if m == n:
        return spectrum
    shape = (*spectrum.shape[:axis], m, *spectrum.shape[axis + 1 :])
    resampled: ComplexArray = allocate_zeros("shape", shape, spectrum.dtype)
    source, target = np.moveaxis(spectrum, axis, 0), np.moveaxis(resampled, axis, 0)
    below = (min(n, m) - 1) // 2  # frequencies below Nyquist, on either side of 0
    target[: below + 1] = source[: below + 1]
    target[m - below :] = source[n - below :]
    if m > n and n % 2 == 0:
        target[n // 2] = target[m - n // 2] = source[n // 2] / 2
    elif m < n and m % 2 == 0:
        target[m // 2] = source[m // 2] + source[n - m // 2]
    return resampled


def _resample_half_axis(spectrum: ComplexArray, n: int, m: int) -> ComplexArray:
    if m == n:
        return spectrum
    shape = (*spectrum.shape[:-1], m // 2 + 1)
    resampled: ComplexArray = allocate_zeros("shape", shape, spectrum.dtype)
    below = (min(n, m) - 1) // 2
    resampled[..., : below + 1] = spectrum[..., : below + 1]
    if m > n and n % 2 == 0:
        resampled[..., n // 2] = spectrum[..., n // 2] / 2
    elif m < n and m % 2 == 0:
        # The other end is the conjugate of the sample at the opposite frequency.
        plane = spectrum[..., m // 2 : m // 2 + 1]
        opposite = np.roll(np.flip(plane), 1, axis=tuple(range(plane.ndim)))
        resampled[..., m // 2 :] = plane + opposite.conj()
    return resampled
