"""`NoiseSpectrum`: the power of noise at each spatial frequency."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Self

import numpy as np

from numbavol.imaging.curves import average_over_plane, evaluate_curve, read_curve
from numbavol.io.star_blocks import explain_star_errors, read_star_columns, write_star_columns
from numbavol.ndimage.parameters import read_number
from numbavol.values import ArrayValue, FrozenArrays

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

BLOCK_NAME = "noise_spectrum"
TAGS = ("_numbavolSpatialFrequency", "_numbavolNoisePower")
# Of pink noise, in inverse angstroms: it has the same power at all longer waves, and no more colour
# at frequencies that no pixel is small enough for.
LOWEST_FREQUENCY, HIGHEST_FREQUENCY = 1e-3, 5.0
# Of pink noise: what is linear between so many is the curve to 1e-4, for exponents up to 2.
N_FREQUENCIES = 1024


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NoiseSpectrum(FrozenArrays, ArrayValue):
    r"""The power spectrum of noise, the same in all directions.

    The power at a frequency is :math:`P(k) = \langle |F(k)|^2 \rangle / n`, with the transform F
    of an image of noise and n pixels. White noise of variance :math:`\sigma^2` a pixel has
    :math:`P = \sigma^2` at all frequencies, and the variance of any noise is the mean of its power
    over the plane of frequencies.

    Parameters
    ----------
    frequencies
        ``(n,)``, in inverse angstroms, increasing from 0.
    power
        ``(n,)``, of at least 0, in the unit of the images squared. It is linear between the
        frequencies, and constant beyond the last.

    Raises
    ------
    ValueError
        If they are not as described.

    See Also
    --------
    estimate_noise_spectrum : Measure it from a stack of images.

    Examples
    --------
    >>> from numbavol import NoiseSpectrum
    >>> spectrum = NoiseSpectrum(frequencies=[0.0, 0.25, 0.5], power=[4.0, 2.0, 2.0])
    >>> spectrum.evaluate((2, 4), pixel_size=2.0)
    array([[4., 3., 2.],
           [2., 2., 2.]])
    >>> spectrum.variance((2, 4), pixel_size=2.0)
    2.5
    """

    frequencies: NDArray[np.float64]
    power: NDArray[np.float64]

    if TYPE_CHECKING:

        def __init__(self, frequencies: ArrayLike, power: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        frequencies, power = read_curve("power", self.frequencies, self.power)
        object.__setattr__(self, "frequencies", frequencies)
        object.__setattr__(self, "power", power)

    def __repr__(self) -> str:
        """Say how many frequencies there are, and the range of the power."""
        return (
            f"{type(self).__name__}({len(self.frequencies)} frequencies up to "
            f"{self.frequencies[-1]:.4g} 1/A, power {self.power.min():.4g} to "
            f"{self.power.max():.4g})"
        )

    @classmethod
    def white(cls, variance: float) -> Self:
        """Make the spectrum of white noise.

        Parameters
        ----------
        variance
            Of a pixel, in the unit of the images squared.

        Returns
        -------
        NoiseSpectrum
            Of the same power at all frequencies.

        Raises
        ------
        ValueError
            If the variance is below 0.

        Examples
        --------
        >>> from numbavol import NoiseSpectrum
        >>> NoiseSpectrum.white(9.0).variance((64, 64), pixel_size=1.5)
        9.0
        """
        return cls([0.0], [read_number("variance", variance, minimum=0.0)])

    @classmethod
    def pink(cls, white_variance: float, corner_frequency: float, exponent: float = 1.0) -> Self:
        r"""Make the spectrum of white noise with more power at low frequencies.

        It is :math:`P(k) = \sigma^2 [1 + (k_c / k)^a]`, and constant below 1/1000 1/A.

        Parameters
        ----------
        white_variance
            The variance :math:`\sigma^2` that the white part has, in the unit of the images
            squared.
        corner_frequency
            The frequency :math:`k_c` where the power is twice that of the white part, in inverse
            angstroms.
        exponent
            The exponent a: 1 for pink noise, 2 for Brownian noise.

        Returns
        -------
        NoiseSpectrum
            The power to 1e-4 of it, for exponents up to 2.

        Raises
        ------
        ValueError
            If an argument is below 0.

        Examples
        --------
        >>> from numbavol import NoiseSpectrum
        >>> spectrum = NoiseSpectrum.pink(9.0, corner_frequency=0.05)
        >>> spectrum.evaluate((1, 4), pixel_size=10.0).round(2)
        array([[459.,  27.,  18.]])
        """
        variance = read_number("white_variance", white_variance, minimum=0.0)
        corner = read_number("corner_frequency", corner_frequency, minimum=0.0)
        power_of_wave = read_number("exponent", exponent, minimum=0.0)
        k = np.geomspace(LOWEST_FREQUENCY, HIGHEST_FREQUENCY, N_FREQUENCIES)
        power = variance * (1.0 + (corner / k) ** power_of_wave)
        return cls(np.concatenate([[0.0], k]), np.concatenate([power[:1], power]))

    @classmethod
    def read(cls, filename: str | os.PathLike[str]) -> Self:
        """Read a spectrum from a STAR file.

        Parameters
        ----------
        filename
            A STAR file of one block with ``_numbavolSpatialFrequency``, in inverse angstroms, and
            ``_numbavolNoisePower``, in the unit of the images squared, as `write` writes it.

        Returns
        -------
        NoiseSpectrum
            What it holds.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it holds no spectrum; names the file.
        """
        columns = read_star_columns(filename, "noise spectrum", TAGS)
        with explain_star_errors(filename, "noise spectrum"):
            return cls(*columns)

    def write(self, filename: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the spectrum as a STAR file, whole or not at all.

        Parameters
        ----------
        filename
            The file to write. Its block ``data_noise_spectrum`` is a loop of
            ``_numbavolSpatialFrequency``, in inverse angstroms, and ``_numbavolNoisePower``, in
            the unit of the images squared. Numbers have all their digits.
        overwrite
            Whether to replace an existing file.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is False.
        OSError
            If it cannot be written.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> from numbavol import NoiseSpectrum
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "spectrum.star"
        ...     NoiseSpectrum([0.0, 0.5], [4.0, 2.0]).write(path)
        ...     print(path.read_text().strip())
        ...     spectrum = NoiseSpectrum.read(path)
        data_noise_spectrum
        loop_
        _numbavolSpatialFrequency
        _numbavolNoisePower
        0.0 4.0
        0.5 2.0
        >>> spectrum.power
        array([4., 2.])
        """
        columns = dict(zip(TAGS, (self.frequencies, self.power), strict=True))
        write_star_columns(filename, BLOCK_NAME, columns, overwrite=overwrite)

    def evaluate(self, shape: Sequence[int], pixel_size: ArrayLike) -> NDArray[np.float64]:
        """Evaluate the power at the samples of half transforms.

        Parameters
        ----------
        shape
            Pixels (y, x) of an image.
        pixel_size
            Side of a pixel, or its two sides (x, y), in angstroms.

        Returns
        -------
        NDArray
            ``(y, x // 2 + 1)``, the zero frequency in the corner.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        return evaluate_curve(self.frequencies, self.power, shape, pixel_size)

    def variance(self, shape: Sequence[int], pixel_size: ArrayLike) -> float:
        """Return the variance that a pixel has: the mean power over the plane of frequencies.

        Parameters
        ----------
        shape
            Pixels (y, x) of an image.
        pixel_size
            Side of a pixel, or its two sides (x, y), in angstroms.

        Returns
        -------
        float
            In the unit of the images squared.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        return average_over_plane(self.evaluate(shape, pixel_size), shape[1])

    def scaled_to(self, variance: float, shape: Sequence[int], pixel_size: ArrayLike) -> Self:
        """Make the spectrum of the same noise with another variance.

        Parameters
        ----------
        variance
            That a pixel is to have, in the unit of the images squared.
        shape
            Pixels (y, x) of an image.
        pixel_size
            Side of a pixel, or its two sides (x, y), in angstroms.

        Returns
        -------
        NoiseSpectrum
            This one times a number.

        Raises
        ------
        ValueError
            If an argument is not as described, or there is no noise to scale.

        Examples
        --------
        >>> from numbavol import NoiseSpectrum
        >>> spectrum = NoiseSpectrum([0.0, 0.5], [4.0, 2.0]).scaled_to(1.0, (64, 64), 1.5)
        >>> round(spectrum.variance((64, 64), 1.5), 9)
        1.0
        """
        wanted = read_number("variance", variance, minimum=0.0)
        present = self.variance(shape, pixel_size)
        if present == 0:
            msg = "power: expected a variance above 0 to scale, got noise of variance 0"
            raise ValueError(msg)
        return type(self)(self.frequencies, self.power * (wanted / present))
