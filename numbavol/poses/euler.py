"""Euler angles and quaternions, each of the other, without the gimbal lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Below it, the angle that the lock leaves free turns nothing by more than rounding does.
_LOCKED = 4 * np.finfo(np.float64).eps


def compute_euler_angles(
    wxyz: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Find the zyz angles of unit quaternions, accurately at every angle.

    By the formula of `compute_quaternions`, half the sum and half the difference of `psi` and `phi`
    come from an arctangent each. SciPy's `as_euler` warns where `theta` is 0 or 180, and a warning
    can be silenced only for all threads at once.

    Parameters
    ----------
    wxyz
        Shape `(..., 4)`.

    Returns
    -------
    tuple of NDArray[np.float64]
        `phi`, `theta`, `psi` with `R = Rz(psi) Ry(theta) Rz(phi)`, each of shape `(...)`, in
        degrees; `theta` from 0 to 180, the others from -180 to 180. Where `theta` is 0 or 180
        to rounding, `phi` is 0.

    References
    ----------
    E. Bernardes and S. Viollet, Quaternion to Euler angles conversion: a direct, general and
    computationally efficient method, PLoS ONE 17(11): e0276302, 2022.

    Examples
    --------
    >>> phi, theta, psi = compute_euler_angles(np.array([1.0, 0.0, 0.0, 1.0]) / np.sqrt(2))
    >>> [round(float(angle), 9) for angle in (phi, theta, psi)]
    [0.0, 0.0, 90.0]
    """
    w, x, y, z = np.moveaxis(wxyz, -1, 0)
    cos_half_theta, sin_half_theta = np.hypot(w, z), np.hypot(x, y)
    half_sum, half_difference = np.arctan2(z, w), np.arctan2(-x, y)
    half_difference = np.where(sin_half_theta < _LOCKED, half_sum, half_difference)
    half_sum = np.where(cos_half_theta < _LOCKED, half_difference, half_sum)
    theta = np.rad2deg(2 * np.arctan2(sin_half_theta, cos_half_theta))
    phi = np.rad2deg(half_sum - half_difference)
    psi = np.rad2deg(half_sum + half_difference)
    return _wrap(phi), theta, _wrap(psi)


def compute_quaternions(
    phi: NDArray[np.float64], theta: NDArray[np.float64], psi: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Find the unit quaternions of zyz angles, of many in an eighth of SciPy's time.

    The product of the three elementary quaternions is::

        w = cos(theta/2) cos((psi + phi)/2)    x = -sin(theta/2) sin((psi - phi)/2)
        z = cos(theta/2) sin((psi + phi)/2)    y =  sin(theta/2) cos((psi - phi)/2)

    `Rotation.from_euler` takes a microsecond for each, and a card 1.6 for an image (scripts/bench
    arrays).

    Parameters
    ----------
    phi, theta, psi
        In degrees, of `R = Rz(psi) Ry(theta) Rz(phi)`, each of shape `(...)`.

    Returns
    -------
    NDArray[np.float64]
        `wxyz`, of shape `(..., 4)`.

    Examples
    --------
    >>> compute_quaternions(*np.array([0.0, 0.0, 180.0])).round(9)
    array([0., 0., 0., 1.])
    """
    half_phi, half_theta, half_psi = (np.deg2rad(angle) / 2 for angle in (phi, theta, psi))
    half_sum, half_difference = half_psi + half_phi, half_psi - half_phi
    cos_half_theta, sin_half_theta = np.cos(half_theta), np.sin(half_theta)
    w, z = cos_half_theta * np.cos(half_sum), cos_half_theta * np.sin(half_sum)
    # 0 and not -0, where theta is 0.
    x = 0.0 - sin_half_theta * np.sin(half_difference)
    y = 0.0 + sin_half_theta * np.cos(half_difference)
    return np.stack([w, x, y, z], axis=-1)


def _wrap(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    # Angles that lie within half a turn already keep every bit.
    return np.asarray(degrees - 360 * np.rint(degrees / 360))
