"""The two ways to say how much an atom moves: its B-factor and its variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

_EIGHT_PI_SQUARED = float(8.0 * np.pi**2)


@overload
def b_factor_to_variance(b_factor: float) -> float: ...
@overload
def b_factor_to_variance(b_factor: ArrayLike) -> NDArray[np.floating[Any]]: ...
def b_factor_to_variance(b_factor: ArrayLike) -> float | NDArray[np.floating[Any]]:
    """Convert B-factors to the variance of a Gaussian blur, `B / (8 pi^2)`.

    A B-factor multiplies the transform by `exp(-B |k|^2 / 4)`, which in real space is
    a convolution with a Gaussian of this variance along each axis.

    Parameters
    ----------
    b_factor
        A number or an array of any shape, in square angstroms.

    Returns
    -------
    The variance, in square angstroms, of the same shape; arrays of float32 stay so.

    References
    ----------
    Trueblood et al. (1996), Acta Crystallographica A52, 770-781.

    Examples
    --------
    >>> from numbavol.atoms import b_factor_to_variance
    >>> round(b_factor_to_variance(100.0), 4)
    1.2665
    """
    return _multiply(b_factor, 1.0 / _EIGHT_PI_SQUARED)


@overload
def variance_to_b_factor(variance: float) -> float: ...
@overload
def variance_to_b_factor(variance: ArrayLike) -> NDArray[np.floating[Any]]: ...
def variance_to_b_factor(variance: ArrayLike) -> float | NDArray[np.floating[Any]]:
    """Convert variances of a Gaussian blur to B-factors, `8 pi^2 variance`.

    Parameters
    ----------
    variance
        A number or an array of any shape, in square angstroms.

    Returns
    -------
    The B-factor, in square angstroms, of the same shape; arrays of float32 stay so.

    References
    ----------
    Trueblood et al. (1996), Acta Crystallographica A52, 770-781.

    Examples
    --------
    >>> from numbavol.atoms import variance_to_b_factor
    >>> round(variance_to_b_factor(1.0), 4)
    78.9568
    """
    return _multiply(variance, _EIGHT_PI_SQUARED)


def _multiply(values: ArrayLike, factor: float) -> float | NDArray[np.floating[Any]]:
    if np.ndim(values) == 0:
        return float(np.asarray(values)) * factor
    return np.asarray(np.asarray(values) * factor)
