"""The pose as RELION's and FREALIGN's files have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from numbavol.poses.arguments import read_parameters

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class RelionAngles(NamedTuple):
    """RELION's five pose columns: float64 arrays of shape `()` for one pose, `(n,)` for n.

    Attributes
    ----------
    rot, tilt, psi
        `rlnAngleRot`, `rlnAngleTilt` and `rlnAnglePsi`, in degrees. Shape `()` or `(n,)`.
    origin_x_in_angstroms, origin_y_in_angstroms
        `rlnOriginXAngst` and `rlnOriginYAngst`. Shape `()` or `(n,)`.

    Examples
    --------
    >>> from numbavol.poses import EulerAnglePose
    >>> angles = EulerAnglePose(3.0, psi_angle=45.0).to_relion_angles()
    >>> angles.psi, angles.origin_x_in_angstroms
    (array(-45.), array(-3.))
    """

    rot: NDArray[np.float64]
    tilt: NDArray[np.float64]
    psi: NDArray[np.float64]
    origin_x_in_angstroms: NDArray[np.float64]
    origin_y_in_angstroms: NDArray[np.float64]


def read_relion_angles(
    rot: ArrayLike, tilt: ArrayLike, psi: ArrayLike, origin_x: ArrayLike, origin_y: ArrayLike
) -> RelionAngles:
    """Read the five columns and broadcast them to one number of poses.

    Raises
    ------
    ValueError
        If one is not a finite number a pose, or they are of unequal numbers.
    """
    columns = (rot, tilt, psi, origin_x, origin_y)
    read = read_parameters(dict(zip(RelionAngles._fields, columns, strict=True)))
    return RelionAngles(**read)


def negate(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Change the sign, and keep 0 from becoming the -0 that looks odd in a file."""
    return np.asarray(0.0 - values)
