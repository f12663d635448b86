"""Curves of maps and images: power spectra, Fourier correlations, histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_is_a
from numbavol.imaging import NoiseSpectrum
from numbavol.ndimage import FourierCorrelation, compute_power_spectrum
from numbavol.plot.axes import make_axes, read_lengths, read_reals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

FIGURE = (5.0, 3.4)
N_BINS = 100
# Of the values of a histogram, as a share of the largest.
LEAST_RANGE = 1e-6
ANY_NUMBER = tuple(range(33))
THRESHOLDS = (0.143, 0.5)


def plot_power_spectrum(
    array: ArrayLike,
    grid_spacing: ArrayLike | None = None,
    *,
    axes: Axes | None = None,
) -> Axes:
    """Draw the power spectrum of a map or an image, averaged over shells or rings.

    Parameters
    ----------
    array
        Real, a map (z, y, x) or an image (y, x).
    grid_spacing
        Side of an element, or its sides in the order (x, y[, z]), in angstroms; None if it is not
        known.
    axes
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The mean of the squared modulus of `numbavol.fftn`, on a logarithmic scale, from the first
        shell to the Nyquist frequency.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If the array is not real with two or three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import plot_power_spectrum
    >>> noise = np.random.default_rng(0).standard_normal((16, 16, 16))
    >>> plot_power_spectrum(noise, 1.5).get_yscale()
    'log'
    """
    values = read_reals("array", array, (2, 3), "(y, x) or (z, y, x)")
    sides, unit = read_lengths("grid_spacing", grid_spacing, values.ndim)
    frequencies, power = _compute_spectrum(values, sides)
    return _plot_spectrum(frequencies, power, unit, make_axes(axes, FIGURE))


def plot_mean_power_spectrum(
    images: NDArray[np.floating[Any]], pixel_size: ArrayLike | None, axes: Axes
) -> Axes:
    """Draw the mean of the power spectra of images (n, y, x): see `plot_power_spectrum`."""
    sides, unit = read_lengths("pixel_size", pixel_size, 2)
    spectra = [_compute_spectrum(image, sides) for image in images]
    mean = np.mean([power for _, power in spectra], axis=0)
    return _plot_spectrum(spectra[0][0], mean, unit, axes)


def plot_noise_spectrum(spectrum: NoiseSpectrum, *, axes: Axes | None = None) -> Axes:
    """Draw the power spectrum of noise.

    Parameters
    ----------
    spectrum
        The spectrum.
    axes
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The power on a logarithmic scale, without the zero frequency.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    TypeError
        If it is no `NoiseSpectrum`.

    Examples
    --------
    >>> from numbavol import NoiseSpectrum
    >>> from numbavol.plot import plot_noise_spectrum
    >>> plot_noise_spectrum(NoiseSpectrum([0.0, 0.2, 0.3], [4.0, 2.0, 1.0])).get_yscale()
    'log'
    """
    check_is_a("spectrum", spectrum, NoiseSpectrum)
    frequencies, power = spectrum.frequencies, spectrum.power
    if len(frequencies) == 1:
        # White noise: a line, and no point.
        frequencies, power = np.array([0.0, 0.0, 1.0]), np.repeat(power, 3)
    return _plot_spectrum(frequencies, power, "Å", make_axes(axes, FIGURE))


def plot_fourier_correlation(
    correlation: FourierCorrelation,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    unit: str = "Å",
    axes: Axes | None = None,
) -> Axes:
    """Draw a Fourier shell or ring correlation.

    Parameters
    ----------
    correlation
        From `numbavol.compute_fourier_shell_correlation` or its like for rings.
    thresholds
        Correlations that lines are drawn at.
    unit
        What lengths are called.
    axes
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The correlation against the frequency.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    TypeError
        If it is no `FourierCorrelation`.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_fourier_shell_correlation
    >>> from numbavol.plot import plot_fourier_correlation
    >>> noise = np.random.default_rng(0).standard_normal((2, 16, 16, 16))
    >>> axes = plot_fourier_correlation(compute_fourier_shell_correlation(*noise))
    >>> axes.get_ylabel()
    'Fourier correlation'
    """
    check_is_a("correlation", correlation, FourierCorrelation)
    axes = make_axes(axes, FIGURE)
    axes.plot(correlation.frequencies, correlation.correlation)
    for threshold in thresholds:
        axes.axhline(threshold, color="gray", linewidth=0.8, linestyle="--")
    axes.set(
        xlabel=f"spatial frequency (1/{unit})",
        ylabel="Fourier correlation",
        xlim=(0, max(correlation.frequencies[-1], np.finfo(np.float64).tiny)),
        ylim=(min(-0.05, float(correlation.correlation.min())), 1.02),
    )
    return axes


def plot_histogram(values: ArrayLike, *, label: str = "value", axes: Axes | None = None) -> Axes:
    """Draw how often values occur, on a logarithmic scale.

    Parameters
    ----------
    values
        Real, of any shape; those that are not finite do not count.
    label
        What they are, and their unit.
    axes
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Counts in 100 bins; without bars where no value is finite, which it says.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If they are not real, or there are none at all.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import plot_histogram
    >>> plot_histogram(np.arange(8.0), label="potential (1/Å$^2$)").get_yscale()
    'log'
    """
    flat = read_reals("values", values, ANY_NUMBER, "(...)").ravel()
    axes = make_axes(axes, FIGURE)
    is_finite = np.isfinite(flat)
    finite = (flat if is_finite.all() else flat[is_finite]).astype(np.float64, copy=False)
    axes.hist(finite, bins=N_BINS, range=_find_range(finite), log=True, color="gray")
    axes.set(xlabel=label, ylabel="count")
    if not finite.size:
        _write(axes, "no value is finite")
    elif finite.min() == finite.max():
        _write(axes, f"every value is {finite[0]:g}")
    return axes


def _compute_spectrum(
    values: NDArray[np.floating[Any]], sides: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and power, of a constant 0 beside the mean: no errors of rounding."""
    spectrum = compute_power_spectrum(values, sides)
    power = spectrum.values
    if values.min() == values.max():
        power = np.where(np.arange(len(power)) > 0, 0.0, power)
    return spectrum.distances, power


def _find_range(values: np.ndarray) -> tuple[float, float]:
    """Return the lowest and the highest value, far enough apart for bins between them."""
    if values.size == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if low == high:
        # Around one bar, numbers that can be read.
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    widest = np.finfo(np.float64).max / 4
    low, high = max(low, -widest), min(high, widest)
    least = LEAST_RANGE * max(abs(low), abs(high), np.finfo(np.float64).tiny / LEAST_RANGE**2)
    if high - low >= least:
        return low, high
    return low - least, high + least


def _plot_spectrum(frequencies: np.ndarray, power: np.ndarray, unit: str, axes: Axes) -> Axes:
    # The first shell is the mean alone; a logarithm has no 0.
    is_drawn = np.isfinite(power) & (power > 0)
    is_drawn[0] = False
    axes.plot(frequencies[is_drawn], power[is_drawn])
    if np.any(is_drawn):
        axes.set_yscale("log")
    elif not np.any(power[1:]):
        _write(axes, "no power beside the mean")
    axes.set(
        xlabel=f"spatial frequency (1/{unit})",
        ylabel="power",
        xlim=(0, max(float(frequencies[-1]), np.finfo(np.float64).tiny)),
    )
    return axes


def _write(axes: Axes, text: str) -> None:
    """Write into axes what they cannot show."""
    axes.text(0.5, 0.8, text, ha="center", va="center", transform=axes.transAxes)
