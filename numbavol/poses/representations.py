"""Three ways to write a rotation: Euler angles, a unit quaternion, an axis with an angle."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Self

from scipy.spatial.transform import Rotation

from numbavol.poses.arguments import read_parameters, read_rotation
from numbavol.poses.base import AbstractPose
from numbavol.poses.euler import compute_euler_angles, compute_quaternions
from numbavol.poses.relion import RelionAngles, negate, read_relion_angles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class EulerAnglePose(AbstractPose):
    """A pose by three Euler angles: `R = Rz(psi) Ry(theta) Rz(phi)`, zyz about fixed axes.

    Parameters
    ----------
    offset_x_in_angstroms, offset_y_in_angstroms
        How far the density moves toward +x and +y after the rotation. Shape `()` or `(n,)`.
    phi_angle, theta_angle, psi_angle
        In degrees: about z first, then about y, then about z. Shape `()` or `(n,)`.
    offset_z_in_angstroms
        The offset along z, which moves atoms. Shape `()` or `(n,)`.

    Raises
    ------
    ValueError
        If a shape is another one, a value is not finite, or the parameters do not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import EulerAnglePose
    >>> EulerAnglePose(3.0, psi_angle=45.0).rotation.as_euler("xyz", degrees=True).round(9)
    array([ 0.,  0., 45.])
    >>> poses = EulerAnglePose(phi_angle=np.arange(0.0, 360.0, 10.0), theta_angle=30.0)
    >>> poses, len(poses[:4])
    (<EulerAnglePose: 36 poses>, 4)
    """

    phi_angle: NDArray[np.float64]
    theta_angle: NDArray[np.float64]
    psi_angle: NDArray[np.float64]

    def __init__(
        self,
        offset_x_in_angstroms: ArrayLike = 0.0,
        offset_y_in_angstroms: ArrayLike = 0.0,
        phi_angle: ArrayLike = 0.0,
        theta_angle: ArrayLike = 0.0,
        psi_angle: ArrayLike = 0.0,
        *,
        offset_z_in_angstroms: ArrayLike | None = None,
    ) -> None:
        numbers = {
            "offset_x_in_angstroms": offset_x_in_angstroms,
            "offset_y_in_angstroms": offset_y_in_angstroms,
            "offset_z_in_angstroms": offset_z_in_angstroms,
            "phi_angle": phi_angle,
            "theta_angle": theta_angle,
            "psi_angle": psi_angle,
        }
        self.__setstate__(read_parameters(numbers))

    @classmethod
    def from_rotation(cls, rotation: Rotation) -> Self:
        """Make a pose with this rotation: `theta_angle` from 0 to 180, the others from -180 to 180.

        Where `theta_angle` is 0 or 180, `phi_angle` is 0.

        Raises
        ------
        TypeError
            If `rotation` is not a `scipy.spatial.transform.Rotation`.
        ValueError
            If it is a grid of rotations.
        """
        wxyz = read_rotation(rotation).as_quat(scalar_first=True)
        phi, theta, psi = compute_euler_angles(wxyz)
        return cls(phi_angle=phi, theta_angle=theta, psi_angle=psi)

    @property
    def rotation(self) -> Rotation:
        """The rotation `Rz(psi) Ry(theta) Rz(phi)`."""
        wxyz = compute_quaternions(self.phi_angle, self.theta_angle, self.psi_angle)
        return Rotation.from_quat(wxyz, scalar_first=True)

    def to_inverse_rotation(self) -> Self:
        """Make the pose with the inverse rotation, `Rz(-phi) Ry(-theta) Rz(-psi)`."""
        return dataclasses.replace(
            self,
            phi_angle=-self.psi_angle,
            theta_angle=-self.theta_angle,
            psi_angle=-self.phi_angle,
        )

    @classmethod
    def from_relion_angles(
        cls,
        rot: ArrayLike,
        tilt: ArrayLike,
        psi: ArrayLike,
        origin_x_in_angstroms: ArrayLike = 0.0,
        origin_y_in_angstroms: ArrayLike = 0.0,
    ) -> Self:
        """Make a pose from RELION's columns, as `AbstractPose` does, with the angles unchanged."""
        columns = read_relion_angles(rot, tilt, psi, origin_x_in_angstroms, origin_y_in_angstroms)
        rot, tilt, psi, origin_x, origin_y = map(negate, columns)
        return cls(origin_x, origin_y, rot, tilt, psi)

    def to_relion_angles(self) -> RelionAngles:
        """Write the pose as RELION's columns: its own angles with the sign changed."""
        return RelionAngles(
            rot=negate(self.phi_angle),
            tilt=negate(self.theta_angle),
            psi=negate(self.psi_angle),
            origin_x_in_angstroms=negate(self.offset_x_in_angstroms),
            origin_y_in_angstroms=negate(self.offset_y_in_angstroms),
        )


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class QuaternionPose(AbstractPose):
    """A pose by a quaternion, the real part first.

    Parameters
    ----------
    offset_x_in_angstroms, offset_y_in_angstroms
        How far the density moves toward +x and +y after the rotation. Shape `()` or `(n,)`.
    wxyz
        The quaternion, of any length but 0; the rotation is that of the unit quaternion. It is
        kept as it came. Shape `(4,)` or `(n, 4)`.
    offset_z_in_angstroms
        The offset along z, which moves atoms. Shape `()` or `(n,)`.

    Raises
    ------
    ValueError
        If a shape is another one, a value is not finite, a quaternion is zero, or the parameters do
        not broadcast.

    Examples
    --------
    >>> from numbavol import QuaternionPose
    >>> QuaternionPose(wxyz=(1.0, 0.0, 0.0, 1.0)).rotate_coordinates((1.0, 0.0, 0.0)).round(9)
    array([0., 1., 0.])
    """

    wxyz: NDArray[np.float64]

    def __init__(
        self,
        offset_x_in_angstroms: ArrayLike = 0.0,
        offset_y_in_angstroms: ArrayLike = 0.0,
        wxyz: ArrayLike = (1.0, 0.0, 0.0, 0.0),
        *,
        offset_z_in_angstroms: ArrayLike | None = None,
    ) -> None:
        numbers = {
            "offset_x_in_angstroms": offset_x_in_angstroms,
            "offset_y_in_angstroms": offset_y_in_angstroms,
            "offset_z_in_angstroms": offset_z_in_angstroms,
        }
        self.__setstate__(read_parameters(numbers, {"wxyz": (wxyz, 4)}))
        zero = ~self.wxyz.any(axis=-1)
        if zero.any():
            where = "" if self.n_poses is None else f" for pose {int(zero.argmax())}"
            msg = f"wxyz: expected quaternions other than zero, got (0, 0, 0, 0){where}"
            raise ValueError(msg)

    @classmethod
    def from_rotation(cls, rotation: Rotation) -> Self:
        """Make a pose with this rotation, as the unit quaternion whose real part is not negative.

        Raises
        ------
        TypeError
            If `rotation` is not a `scipy.spatial.transform.Rotation`.
        ValueError
            If it is a grid of rotations.
        """
        return cls(wxyz=read_rotation(rotation).as_quat(canonical=True, scalar_first=True))

    @property
    def rotation(self) -> Rotation:
        """The rotation of the unit quaternion `q / |q|`."""
        # The squares of very long and very short ones are out of range.
        scale = abs(self.wxyz).max(axis=-1, keepdims=True)
        return Rotation.from_quat(self.wxyz / scale, scalar_first=True)

    def to_inverse_rotation(self) -> Self:
        """Make the pose with the inverse rotation, by the conjugate quaternion."""
        return dataclasses.replace(self, wxyz=self.wxyz * (1.0, -1.0, -1.0, -1.0))


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class AxisAnglePose(AbstractPose):
    """A pose by a rotation vector: its direction is the axis, its length the angle in degrees.

    Parameters
    ----------
    offset_x_in_angstroms, offset_y_in_angstroms
        How far the density moves toward +x and +y after the rotation. Shape `()` or `(n,)`.
    euler_vector
        The rotation vector `(x, y, z)` in degrees. Shape `(3,)` or `(n, 3)`.
    offset_z_in_angstroms
        The offset along z, which moves atoms. Shape `()` or `(n,)`.

    Raises
    ------
    ValueError
        If a shape is another one, a value is not finite, or the parameters do not broadcast.

    Examples
    --------
    >>> from numbavol import AxisAnglePose
    >>> AxisAnglePose(euler_vector=(0.0, 0.0, 90.0)).rotate_coordinates((1.0, 0.0, 0.0)).round(9)
    array([0., 1., 0.])
    """

    euler_vector: NDArray[np.float64]

    def __init__(
        self,
        offset_x_in_angstroms: ArrayLike = 0.0,
        offset_y_in_angstroms: ArrayLike = 0.0,
        euler_vector: ArrayLike = (0.0, 0.0, 0.0),
        *,
        offset_z_in_angstroms: ArrayLike | None = None,
    ) -> None:
        numbers = {
            "offset_x_in_angstroms": offset_x_in_angstroms,
            "offset_y_in_angstroms": offset_y_in_angstroms,
            "offset_z_in_angstroms": offset_z_in_angstroms,
        }
        self.__setstate__(read_parameters(numbers, {"euler_vector": (euler_vector, 3)}))

    @classmethod
    def from_rotation(cls, rotation: Rotation) -> Self:
        """Make a pose with this rotation, by an angle from 0 to 180.

        Raises
        ------
        TypeError
            If `rotation` is not a `scipy.spatial.transform.Rotation`.
        ValueError
            If it is a grid of rotations.
        """
        return cls(euler_vector=read_rotation(rotation).as_rotvec(degrees=True))

    @property
    def rotation(self) -> Rotation:
        """The rotation about the vector's direction by its length in degrees."""
        return Rotation.from_rotvec(self.euler_vector, degrees=True)

    def to_inverse_rotation(self) -> Self:
        """Make the pose with the inverse rotation, about the opposite axis."""
        return dataclasses.replace(self, euler_vector=-self.euler_vector)
