"""`ImageConfig`: the pixels and the electrons of an image."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from numbavol.arguments import read_shape
from numbavol.ndimage import (
    crop_to_shape,
    make_coordinate_grid,
    make_frequency_grid,
    pad_to_shape,
)
from numbavol.ndimage.parameters import read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

# In kilovolts; what is above is in volts.
HIGHEST_VOLTAGE = 3000.0
# Of the electron, in kiloelectronvolts.
REST_ENERGY = 510.99895


@dataclasses.dataclass(frozen=True)
class ImageConfig:
    r"""The shape, the pixel size and the acceleration voltage of images.

    Parameters
    ----------
    shape
        Pixels (y, x).
    pixel_size
        Side of a pixel in angstroms.
    voltage_in_kilovolts
        Acceleration voltage of the electrons.
    pad_scale
        Images are computed on ``int(n * pad_scale)`` pixels along each axis, and cut to `shape`
        afterwards; 1 or more.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> from numbavol import ImageConfig
    >>> image_config = ImageConfig((64, 96), pixel_size=1.5, pad_scale=2.0)
    >>> image_config.padded_shape
    (128, 192)
    >>> round(image_config.wavelength_in_angstroms, 5)
    0.01969
    """

    shape: tuple[int, int]
    pixel_size: float
    voltage_in_kilovolts: float = 300.0
    _: dataclasses.KW_ONLY
    pad_scale: float = 1.0

    if TYPE_CHECKING:

        def __init__(
            self,
            shape: Sequence[int],
            pixel_size: float,
            voltage_in_kilovolts: float = 300.0,
            *,
            pad_scale: float = 1.0,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments."""
        numbers = {
            name: read_number(name, getattr(self, name))
            for name in ("pixel_size", "voltage_in_kilovolts", "pad_scale")
        }
        for name in ("pixel_size", "voltage_in_kilovolts"):
            if numbers[name] <= 0:
                msg = f"{name}: expected a number above 0, got {numbers[name]:g}"
                raise ValueError(msg)
        if numbers["voltage_in_kilovolts"] > HIGHEST_VOLTAGE:
            msg = (
                f"voltage_in_kilovolts: expected a number of at most {HIGHEST_VOLTAGE:g}, got "
                f"{numbers['voltage_in_kilovolts']:g}"
            )
            raise ValueError(msg)
        if numbers["pad_scale"] < 1:
            msg = f"pad_scale: expected a number of 1 or more, got {numbers['pad_scale']:g}"
            raise ValueError(msg)
        values = {"shape": read_shape("shape", self.shape, 2), **numbers}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def padded_shape(self) -> tuple[int, int]:
        """Pixels (y, x) of the images that are computed."""
        y, x = (int(length * self.pad_scale) for length in self.shape)
        return (y, x)

    @property
    def wavelength_in_angstroms(self) -> float:
        r"""Wavelength of the electrons, :math:`12.2639 / \sqrt{V + 0.97845 \cdot 10^{-6} V^2}`.

        This is :math:`h / \sqrt{2 m_0 e V (1 + e V / 2 m_0 c^2)}` for :math:`V` volts, to 3e-5 of
        it.

        References
        ----------
        Spence (2013), High-Resolution Electron Microscopy, 4th edition, chapter 2.
        """
        volts = 1e3 * self.voltage_in_kilovolts
        return 12.2639 / math.sqrt(volts + 0.97845e-6 * volts**2)

    @property
    def wavenumber_in_inverse_angstroms(self) -> float:
        r"""The wavenumber :math:`2 \pi / \lambda` of the electrons."""
        return 2 * math.pi / self.wavelength_in_angstroms

    @property
    def lorentz_factor(self) -> float:
        """How much heavier the electrons are than at rest."""
        return 1.0 + self.voltage_in_kilovolts / REST_ENERGY

    @property
    def coordinate_grid_in_pixels(self) -> NDArray[np.float64]:
        """``(y, x, 2)``: places (x, y) of the pixels, 0 at pixel ``n // 2``."""
        return make_coordinate_grid(self.shape)

    @property
    def coordinate_grid_in_angstroms(self) -> NDArray[np.float64]:
        """`coordinate_grid_in_pixels`, in angstroms."""
        return make_coordinate_grid(self.shape, self.pixel_size)

    @property
    def frequency_grid_in_pixels(self) -> NDArray[np.float64]:
        """``(y, x // 2 + 1, 2)``: frequencies (x, y) of half transforms, in cycles a pixel."""
        return make_frequency_grid(self.shape)

    @property
    def frequency_grid_in_angstroms(self) -> NDArray[np.float64]:
        """`frequency_grid_in_pixels`, in inverse angstroms."""
        return make_frequency_grid(self.shape, self.pixel_size)

    @property
    def padded_coordinate_grid_in_pixels(self) -> NDArray[np.float64]:
        """`coordinate_grid_in_pixels`, of padded images."""
        return make_coordinate_grid(self.padded_shape)

    @property
    def padded_coordinate_grid_in_angstroms(self) -> NDArray[np.float64]:
        """`coordinate_grid_in_angstroms`, of padded images."""
        return make_coordinate_grid(self.padded_shape, self.pixel_size)

    @property
    def padded_frequency_grid_in_pixels(self) -> NDArray[np.float64]:
        """`frequency_grid_in_pixels`, of padded images."""
        return make_frequency_grid(self.padded_shape)

    @property
    def padded_frequency_grid_in_angstroms(self) -> NDArray[np.float64]:
        """`frequency_grid_in_angstroms`, of padded images."""
        return make_frequency_grid(self.padded_shape, self.pixel_size)

    def crop_to_shape(self, image: ArrayLike) -> NDArray[Any]:
        """Cut a padded image to `shape`.

        Parameters
        ----------
        image
            Real or complex, of shape `padded_shape`, (y, x).

        Returns
        -------
        NDArray
            A new array of shape `shape`, around the same origin.
        """
        return crop_to_shape(image, self.shape)

    def pad_to_padded_shape(self, image: ArrayLike) -> NDArray[Any]:
        """Pad an image of `shape` with zeros.

        Parameters
        ----------
        image
            Real or complex, of shape `shape`, (y, x).

        Returns
        -------
        NDArray
            A new array of shape `padded_shape`, around the same origin.
        """
        return pad_to_shape(image, self.padded_shape)
