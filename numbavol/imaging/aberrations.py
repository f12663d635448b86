"""Phases of an electron microscope's lens, as polynomials of the spatial frequency."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


# Numbers of RELION's odd Zernike polynomials: sine and cosine of three lobes; x and y of the third
# order, and of the first.
TREFOILS, COMAS, TILTS = [2, 5], [4, 3], [1, 0]
N_THIRD_ORDER = 6
ANGSTROMS_A_MILLIMETRE = 1e7


def join_odd_terms(
    odd: NDArray[np.float64], trefoil: NDArray[np.float64], third_order: NDArray[np.float64]
) -> NDArray[np.float64]:
    r"""Join all antisymmetric aberrations in one list of Zernike coefficients.

    Parameters
    ----------
    odd
        ``(..., terms)``: coefficients of Zernike polynomials.
    trefoil
        ``(..., 2)``: of :math:`\rho^3 \sin 3 \phi` and :math:`\rho^3 \cos 3 \phi`.
    third_order
        ``(..., 2)``: of :math:`\rho^2 x` and :math:`\rho^2 y`, which a beam tilt has: they are a
        third of the coma's polynomial, and two thirds of that of the first order.

    Returns
    -------
    NDArray
        ``(..., max(terms, 6))``.
    """
    joined = np.zeros((*odd.shape[:-1], max(odd.shape[-1], N_THIRD_ORDER)))
    joined[..., : odd.shape[-1]] = odd
    joined[..., TREFOILS] += trefoil
    joined[..., COMAS] += third_order / 3
    joined[..., TILTS] += third_order * (2 / 3)
    return joined


def count_orders(n_terms: int, *, is_odd: bool) -> int:
    """Return the largest power of the frequency in the first so many Zernike polynomials."""
    return max((list_zernike(n, is_odd=is_odd)[1] for n in range(n_terms)), default=0)


@functools.lru_cache(maxsize=64)
def list_zernike(number: int, *, is_odd: bool) -> tuple[int, int]:
    """Return the indices (m, n) of RELION's Zernike polynomials, by their number.

    References
    ----------
    RELION, ``src/jaz/math/Zernike.cpp``: ``evenIndexToMN`` and ``oddIndexToMN``.
    """
    if is_odd:
        k = (math.isqrt(1 + 4 * number) - 1) // 2
        n = 2 * k + 1
        return 2 * (number - k * k - k) - n, n
    k = math.isqrt(number)
    return 2 * (number - k * k - k), 2 * k


@functools.lru_cache(maxsize=64)
def expand_zernike(m: int, n: int, n_powers: int) -> NDArray[np.float64]:
    r"""Expand a Zernike polynomial by the powers of the frequencies along y and x.

    .. math:: Z_n^m = R_n^{|m|}(\rho) \cos(m \phi) \; (m \ge 0), \quad
        R_n^{|m|}(\rho) \sin(|m| \phi) \; (m < 0)

    with :math:`x = \rho \cos\phi`, :math:`y = \rho \sin\phi`, and no factor of normalisation.

    Returns
    -------
    NDArray
        ``(n_powers, n_powers)``, [power of y, power of x].
    """
    order = abs(m)
    expanded = np.zeros((n_powers, n_powers))
    for k in range((n - order) // 2 + 1):
        coefficient = (-1) ** k * math.comb(n - k, k) * math.comb(n - 2 * k, (n - order) // 2 - k)
        # rho^(n - 2 k) cos or sin: a power of rho^2 times a part of (x + i y)^order.
        power = (n - 2 * k - order) // 2
        for i in range(power + 1):
            for j in range(order + 1):
                # i^j is real for even j, and imaginary for odd ones.
                if (j % 2 == 1) != (m < 0):
                    continue
                sign = -1 if j % 4 >= 2 else 1
                expanded[2 * i + j, 2 * (power - i) + order - j] += (
                    coefficient * math.comb(power, i) * math.comb(order, j) * sign
                )
    expanded.setflags(write=False)
    return expanded


def add_zernike(
    polynomials: NDArray[np.float64], coefficients: NDArray[np.float64], *, is_odd: bool
) -> None:
    """Add sums of Zernike polynomials.

    Parameters
    ----------
    polynomials
        ``(n, powers, powers)``, [power of y, power of x]. They are written to.
    coefficients
        ``(n, terms)``.
    is_odd
        Of which numbering they are.
    """
    for number in range(coefficients.shape[1]):
        m, n = list_zernike(number, is_odd=is_odd)
        polynomials += coefficients[:, number, np.newaxis, np.newaxis] * expand_zernike(
            m, n, polynomials.shape[1]
        )


def expand_phases(
    parameters: Mapping[str, NDArray[np.float64]], wavelength: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expand the phases of contrast transfer functions by the powers of the frequencies.

    Parameters
    ----------
    parameters
        Of n images, by the names of those of `numbavol.CTF`: all that has an axis of n. The
        antisymmetric aberrations are all in ``odd_zernike``.
    wavelength
        ``(n,)``, in angstroms.

    Returns
    -------
    NDArray
        ``(n, powers, powers)``, [power of y, power of x], in turns.
    """
    odd, even = parameters["odd_zernike"], parameters["even_zernike"]
    orders = count_orders(odd.shape[1], is_odd=True), count_orders(even.shape[1], is_odd=False)
    n_powers = 1 + max(4, *orders)
    polynomials = np.zeros((len(wavelength), n_powers, n_powers))
    add_zernike(polynomials, -even, is_odd=False)
    if odd.any():
        add_zernike(polynomials, odd, is_odd=True)
    polynomials /= 2 * math.pi
    polynomials[:, 0, 0] += (
        np.arcsin(parameters["amplitude_contrast"]) + np.deg2rad(parameters["phase_shift"])
    ) / (2 * math.pi)
    angle = np.deg2rad(parameters["astigmatism_angle"])
    cosine, sine = np.cos(angle), np.sin(angle)
    u, v = parameters["defocus_u_in_angstroms"], parameters["defocus_v_in_angstroms"]
    polynomials[:, 0, 2] += wavelength / 2 * (u * cosine**2 + v * sine**2)
    polynomials[:, 2, 0] += wavelength / 2 * (u * sine**2 + v * cosine**2)
    polynomials[:, 1, 1] += wavelength * (u - v) * sine * cosine
    aberration = ANGSTROMS_A_MILLIMETRE * parameters["spherical_aberration_in_millimetres"]
    for power, share in ((0, 1), (2, 2), (4, 1)):
        polynomials[:, power, 4 - power] -= share * aberration * wavelength**3 / 4
    return polynomials
