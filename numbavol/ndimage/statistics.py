"""Averages over shells and rings: radial profiles, power spectra, Fourier correlations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numbavol.arguments import check_fits_in_memory
from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.kernels.rounding import HALF_A_SHELL
from numbavol.ndimage.parameters import REAL, get_working_dtype, read_array, read_grid_spacing
from numbavol.ndimage.shells import PLANES_PER_TASK, sum_fourier_shells, sum_in_parts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DEFAULT_THRESHOLD = 0.143
# More rings than fit into any memory.
MOST_RINGS = 2.0**62


class RadialProfile(NamedTuple):
    """Averages over shells of equal distance from the origin.

    Attributes
    ----------
    values
        ``(n,)``: the average over each shell; NaN where a shell has no element.
    distances
        ``(n,)``: the distance of each shell's middle from the origin, in the unit of the grid
        spacing; of a power spectrum the frequency, in the inverse of it.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_radial_average
    >>> profile = compute_radial_average(np.eye(3), 1.5)
    >>> profile.values, profile.distances
    (array([1. , 0.25]), array([0. , 1.5]))
    """

    values: NDArray[np.float64]
    distances: NDArray[np.float64]


class FourierCorrelation(NamedTuple):
    """The correlation of two transforms over shells of equal frequency.

    Attributes
    ----------
    correlation
        ``(n,)``, from -1 to 1; 0 where one of the two has no power.
    frequencies
        ``(n,)``: the frequency of each shell's middle, in the inverse unit of the voxel size.
    resolution
        Where the correlation first falls below the threshold, in the unit of the voxel size.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_fourier_shell_correlation
    >>> values = np.random.default_rng(0).standard_normal((4, 4, 4))
    >>> fsc = compute_fourier_shell_correlation(values, values, voxel_size=1.5)
    >>> fsc.frequencies.round(4), fsc.resolution
    (array([0.    , 0.1667, 0.3333]), 3.0)
    """

    correlation: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    resolution: float

    def at_threshold(self, threshold: float) -> FourierCorrelation:
        """Take the resolution at another threshold.

        Parameters
        ----------
        threshold
            Of the correlation, between 0 and 1.

        Returns
        -------
        FourierCorrelation
            The same curve.

        Raises
        ------
        ValueError
            If the threshold is not in (0, 1).
        """
        _check_threshold(threshold)
        resolution = _resolution(self.correlation, self.frequencies, threshold)
        return self._replace(resolution=resolution)


def compute_fourier_shell_correlation(
    volume_1: ArrayLike,
    volume_2: ArrayLike,
    voxel_size: ArrayLike = 1.0,
    threshold: float = DEFAULT_THRESHOLD,
) -> FourierCorrelation:
    r"""Correlate two maps over shells of equal frequency.

    .. math:: \mathrm{FSC}(k) = \frac{\Re \sum F_1 F_2^*}{\sqrt{\sum |F_1|^2 \sum |F_2|^2}}

    Parameters
    ----------
    volume_1, volume_2
        Real maps of one shape (z, y, x).
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms or another unit.
    threshold
        Of the correlation, for the resolution: 0.143 for two half maps, 0.5 for a map and a model.

    Returns
    -------
    FourierCorrelation
        Shells are as wide as one step of the finest frequency axis, up to the lowest Nyquist
        frequency. The resolution is interpolated between shells; where the correlation stays above
        the threshold it is that of the last shell.

    Raises
    ------
    ValueError
        If they are not two real maps of one shape, a value is not finite, or the threshold is not
        in (0, 1).

    References
    ----------
    Harauz & van Heel (1986), Optik 73, 146-156; Rosenthal & Henderson (2003), Journal of
    Molecular Biology 333, 721-745.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_fourier_shell_correlation
    >>> values = np.random.default_rng(0).standard_normal((8, 8, 8))
    >>> fsc = compute_fourier_shell_correlation(values, -2.0 * values, voxel_size=1.5)
    >>> fsc.correlation.round(9)
    array([-1., -1., -1., -1., -1.])
    """
    return _correlate(volume_1, volume_2, voxel_size, threshold, ("volume_1", "volume_2"), 3)


def compute_fourier_ring_correlation(
    image_1: ArrayLike,
    image_2: ArrayLike,
    pixel_size: ArrayLike = 1.0,
    threshold: float = DEFAULT_THRESHOLD,
) -> FourierCorrelation:
    """Correlate two images over rings of equal frequency.

    Parameters
    ----------
    image_1, image_2
        Real images of one shape (y, x).
    pixel_size
        Side of a pixel, or its two sides (x, y), in angstroms or another unit.
    threshold
        As in `compute_fourier_shell_correlation`.

    Returns
    -------
    FourierCorrelation
        As from `compute_fourier_shell_correlation`, over rings.

    Raises
    ------
    ValueError
        If they are not two real images of one shape, a value is not finite, or the threshold is
        not in (0, 1).

    References
    ----------
    Saxton & Baumeister (1982), Journal of Microscopy 127, 127-138.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_fourier_ring_correlation
    >>> image = np.random.default_rng(0).standard_normal((8, 8))
    >>> compute_fourier_ring_correlation(image, 2.0 * image, pixel_size=1.5).correlation.round(9)
    array([1., 1., 1., 1., 1.])
    """
    return _correlate(image_1, image_2, pixel_size, threshold, ("image_1", "image_2"), 2)


def compute_power_spectrum(array: ArrayLike, grid_spacing: ArrayLike = 1.0) -> RadialProfile:
    """Average the squared transform of an image or a map over rings or shells.

    Parameters
    ----------
    array
        Real, (y, x) or (z, y, x).
    grid_spacing
        Side of an element, or its sides in the order (x, y[, z]), in angstroms or another unit.

    Returns
    -------
    RadialProfile
        The mean of the squared modulus of `numbavol.fftn`, and frequencies, up to the lowest
        Nyquist frequency.

    Raises
    ------
    ValueError
        If the array is not real with two or three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_power_spectrum
    >>> compute_power_spectrum(np.ones((4, 4))).values.round(9)
    array([256.,   0.,   0.])
    """
    values = _read_real("array", array, (2, 3))
    spacing = read_grid_spacing("grid_spacing", grid_spacing, values.ndim)
    sums, frequencies = _correlate_up_to_nyquist(values, values, spacing)
    return RadialProfile(_divide(sums[:, 2], sums[:, 0]), frequencies)


def compute_radial_average(array: ArrayLike, grid_spacing: ArrayLike = 1.0) -> RadialProfile:
    """Average an image or a map over rings or shells around its origin.

    Parameters
    ----------
    array
        Real, (y, x) or (z, y, x); the origin is element ``n // 2`` of each axis.
    grid_spacing
        Side of an element, or its sides in the order (x, y[, z]), in angstroms or another unit.

    Returns
    -------
    RadialProfile
        Rings are as wide as the shortest side of an element, and go to the farthest element.

    Raises
    ------
    ValueError
        If the array is not real with two or three axes.
    MemoryError
        If there are more rings, for sides that differ very much, than fit into the free memory.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_radial_average
    >>> image = np.zeros((5, 5))
    >>> image[2, 2] = 3.0
    >>> compute_radial_average(image).values
    array([3., 0., 0., 0.])
    """
    values = _read_real("array", array, (2, 3))
    spacing = np.array(read_grid_spacing("grid_spacing", grid_spacing, values.ndim))
    width = float(spacing.min())
    farthest = float(
        np.linalg.norm([n // 2 * side for n, side in zip(values.shape, spacing, strict=True)])
    )
    n_shells = int(min(farthest / width, MOST_RINGS) + HALF_A_SHELL) + 1
    volume = values.reshape((1,) * (3 - values.ndim) + values.shape)
    # Two sums of each part, their totals, the distances and the averages.
    n_numbers = 2 * math.ceil(len(volume) / PLANES_PER_TASK) + 6
    check_fits_in_memory("grid_spacing", f"a profile of {n_shells} rings", 8 * n_shells * n_numbers)
    steps = np.zeros(3)
    steps[: values.ndim] = spacing[::-1] / width
    device = find_device_of(values)
    kernel = find_kernel("sum_real_shells", device.name)
    sums = sum_in_parts(
        lambda part, start, stop: kernel(part, volume, steps, start, stop),
        len(volume),
        (n_shells, 2),
        device,
    )
    return RadialProfile(
        _divide(sums[:, 1], sums[:, 0]), width * np.arange(n_shells, dtype=np.float64)
    )


def _correlate(
    first: ArrayLike,
    second: ArrayLike,
    grid_spacing: ArrayLike,
    threshold: float,
    names: tuple[str, str],
    n_axes: int,
) -> FourierCorrelation:
    one, other = (
        _read_real(name, value, (n_axes,))
        for name, value in zip(names, (first, second), strict=True)
    )
    if one.shape != other.shape:
        msg = f"{names[1]}: expected the shape of {names[0]}, {one.shape}, got {other.shape}"
        raise ValueError(msg)
    _check_threshold(threshold)
    of_sides = "voxel_size" if n_axes == 3 else "pixel_size"
    spacing = read_grid_spacing(of_sides, grid_spacing, n_axes)
    sums, frequencies = _correlate_up_to_nyquist(one, other, spacing)
    for name, squares in zip(names, (sums[:, 2], sums[:, 3]), strict=True):
        if not np.isfinite(squares).all():
            msg = f"{name}: expected finite values, whose squares are finite, too"
            raise ValueError(msg)
    # The product of both would leave float64 where values are very large or small.
    power = np.sqrt(sums[:, 2]) * np.sqrt(sums[:, 3])
    correlation = np.divide(sums[:, 1], power, out=np.zeros(len(sums)), where=power > 0)
    return FourierCorrelation(
        correlation, frequencies, _resolution(correlation, frequencies, threshold)
    )


def _check_threshold(threshold: float) -> None:
    if not 0.0 < threshold < 1.0:
        msg = f"threshold: expected a number between 0 and 1, got {threshold!r}"
        raise ValueError(msg)


def _resolution(
    correlation: NDArray[np.float64], frequencies: NDArray[np.float64], threshold: float
) -> float:
    # The first shell is the mean alone.
    below = np.flatnonzero(correlation[1:] < threshold) + 1
    if below.size == 0:
        return float(1.0 / frequencies[-1]) if len(frequencies) > 1 else float("inf")
    shell = int(below[0])
    if shell == 1:
        return float(1.0 / frequencies[1])
    high, low = correlation[shell - 1], correlation[shell]
    share = (high - threshold) / (high - low)
    crossing = frequencies[shell - 1] + share * (frequencies[shell] - frequencies[shell - 1])
    return float(1.0 / crossing)


def _correlate_up_to_nyquist(
    one: NDArray[Any], other: NDArray[Any], spacing: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    width = 1.0 / float(np.max(np.array(one.shape) * spacing))
    n_shells = int(0.5 / max(spacing) / width + 1e-9) + 1
    # A common shift of both changes no product: the origin stays in the corner.
    device = find_device_of(one, other)
    half = device.fft.rfftn(one, **device.fft_options)
    other_half = half if other is one else device.fft.rfftn(other, **device.fft_options)
    sums = sum_fourier_shells(half, other_half, one.shape, spacing, n_shells)
    return sums, width * np.arange(n_shells, dtype=np.float64)


def _divide(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    averages = np.full(len(sums), np.nan)
    np.divide(sums, counts, out=averages, where=counts > 0)
    return averages


def _read_real(name: str, value: ArrayLike, n_axes: tuple[int, ...]) -> NDArray[Any]:
    array = read_array(name, value, n_axes, kinds=REAL)
    working: NDArray[Any] = find_device_of(array).xp.ascontiguousarray(
        array, get_working_dtype(array.dtype)
    )
    return working
