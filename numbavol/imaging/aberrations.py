"""Phases of an electron microscope's lens, as polynomials of the spatial frequency."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
