"""`VitreousIce`: the grain of a layer of ice, as the power spectrum of a random field."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_flag, read_shape
from numbavol.imaging.curves import compute_on_plane
from numbavol.imaging.water import ICE_DENSITY, VOLTS_OF_ONE, count_molecules
from numbavol.ndimage.open_grids import make_open_frequency_grid
from numbavol.ndimage.parameters import read_grid_spacing, read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# Of the power: height, place and width in inverse angstroms of each Gaussian. 2.88 angstroms is the
# distance of neighbouring molecules.
GAUSSIANS = ((0.199, 0.0, 0.731), (0.801, 1.0 / 2.88, 0.081))
# Variance of the projected potential at a point, a molecule on the square angstrom: in square volts
# times angstroms to the fourth.
VARIANCE_OF_A_MOLECULE = 10195.82


@dataclasses.dataclass(frozen=True)
class VitreousIce:
    r"""A layer of vitreous ice as a Gaussian random field.

    The power spectrum of the potential, integrated along z through a layer of thickness t with n
    molecules in a cubic angstrom, is

    .. math:: S(k) = n t \, v \, p(k) / \int p(k) \, d^2k, \qquad
              p(k) = \sum_{i=1}^2 a_i e^{-(k - m_i)^2 / (2 s_i^2)},

    with a, m and s of 0.199, 0 and 0.731, and of 0.801, 1/2.88 and 0.081 inverse angstroms. It is
    the layer's thickness times the spectrum in three dimensions on the plane of frequencies across
    the beam, which holds for layers of several molecules, some 10 angstroms, or more. The mean of
    the potential, ``thickness * k_sol``, is left out; nor is the ice missing where a molecule is.

    Parameters
    ----------
    thickness_in_angstroms
        Of the layer.
    density
        In grams per cubic centimetre.
    antialias
        Whether pixels are averages: the power is then times ``sinc(kx dx)^2 sinc(ky dy)^2``.

    Raises
    ------
    TypeError
        If `antialias` is neither True nor False.
    ValueError
        If a number is not finite or below 0.

    Notes
    -----
    p and v are of the authors' program python-multem, which was fitted to simulated ice; v is
    10195.82 square volts times angstroms to the fourth, that is the variance which the integral has
    at points when there is a molecule on the square angstrom. The program, which works on slices of
    a few angstroms, then rescales each slice to a variance tabulated for the pixel's area. That
    table falls faster than averages of pixels do, together with the mean, by how its potential is
    sampled: at pixels of 1, 1.5 and 2 A it has 0.065, 0.0052 and 0.0004 of the variance of points,
    and images have 0.32, 0.135 and 0.050 here. It is not used, so that the power at a frequency
    does not depend on the pixel: at low frequencies it is one and a half times what the
    compressibility of water gives.

    References
    ----------
    Parkhurst et al. (2024), Ultramicroscopy 256, 113882.

    Examples
    --------
    >>> import numbavol
    >>> power = numbavol.VitreousIce(300.0).evaluate((64, 64), pixel_size=1.5)
    >>> power.shape
    (64, 33)
    >>> numbavol.VitreousIce(600.0).evaluate((64, 64), 1.5)[0, 9] / power[0, 9]
    np.float64(2.0)
    """

    thickness_in_angstroms: float
    _: dataclasses.KW_ONLY
    density: float = ICE_DENSITY
    antialias: bool = True

    def __post_init__(self) -> None:
        """Read the arguments."""
        check_flag("antialias", self.antialias)
        for name in ("thickness_in_angstroms", "density"):
            object.__setattr__(self, name, read_number(name, getattr(self, name), minimum=0.0))

    def evaluate(self, shape: Sequence[int], pixel_size: ArrayLike) -> NDArray[np.float64]:
        """Evaluate the power of an image of the layer.

        Parameters
        ----------
        shape
            Shape (y, x) of the image.
        pixel_size
            Side of a pixel in angstroms, or its two sides (x, y).

        Returns
        -------
        NDArray
            The expectation of ``abs(numbavol.rfftn(image))**2 / (y * x)`` at each frequency, shape
            ``(y, x // 2 + 1)``, in inverse square angstroms, where the image is the rescaled
            potential integrated along z. Its mean over the whole transform is the variance of a
            pixel; what the ice has beyond the Nyquist frequency is left out, not folded back.

        Raises
        ------
        ValueError
            If `shape` is not two whole numbers above 0, or the pixel size is not above 0.

        Examples
        --------
        >>> import numbavol
        >>> power = numbavol.VitreousIce(300.0).evaluate((4, 4), pixel_size=1.0)
        >>> power.shape, power[0, 1] > power[0, 0]
        ((4, 3), np.True_)
        """
        lengths = read_shape("shape", shape, 2)
        sides = read_grid_spacing("pixel_size", pixel_size, 2)
        variance = VARIANCE_OF_A_MOLECULE / VOLTS_OF_ONE**2
        variance *= self.thickness_in_angstroms * count_molecules(self.density)
        # Of densities in the plane of frequencies, a pixel has as many as fit into its Nyquist box.
        scale = variance / _integrate() / math.prod(sides)
        power = compute_on_plane(lambda k: _evaluate(k) * scale, lengths, pixel_size)
        if self.antialias:
            grid = make_open_frequency_grid(lengths, pixel_size, np.float64)
            y, x = (np.sinc(k * side) ** 2 for k, side in zip(grid.axes, sides, strict=True))
            power *= y[:, np.newaxis]
            power *= x
        return power


def _evaluate(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the Gaussians at absolute frequencies."""
    power = np.zeros_like(frequencies)
    for height, place, width in GAUSSIANS:
        power += height * np.exp(-((frequencies - place) ** 2) / (2.0 * width**2))
    return power


def _integrate() -> float:
    """Integrate the sum of the Gaussians over the plane of frequencies."""
    total = 0.0
    for height, place, width in GAUSSIANS:
        t = place / width / math.sqrt(2.0)
        ring = place * width * math.sqrt(math.pi / 2.0) * (1.0 + math.erf(t))
        total += 2.0 * math.pi * height * (width**2 * math.exp(-(t**2)) + ring)
    return total
