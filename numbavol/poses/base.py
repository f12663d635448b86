"""`AbstractPose`: all of a pose that does not depend on how its rotation is written."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.arguments import check_is_a, read_reals
from numbavol.poses.arguments import (
    broadcast_batches,
    read_parameter,
    read_rotation,
)
from numbavol.poses.euler import compute_euler_angles, compute_quaternions
from numbavol.poses.parameters import PoseParameters
from numbavol.poses.relion import RelionAngles, negate, read_relion_angles
from numbavol.poses.translation import compute_phase_ramp, multiply_phase_ramp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class AbstractPose(PoseParameters, ABC):
    """How a particle is turned and shifted in one image, or in each of many.

    Parameters that are arrays of shape `(n,)` make one object hold n poses: it has a length, can
    be indexed by a number, a slice, an array or a mask, and iterated over. What it holds are
    read-only float64 copies, so a pose never changes; `dataclasses.replace` makes another one.
    Poses are equal if their class, number of poses and every value are.

    Attributes
    ----------
    offset_x_in_angstroms, offset_y_in_angstroms
        How far the density moves toward +x and +y after the rotation. Shape `()` or `(n,)`.
    offset_z_in_angstroms
        The same along z, or None. It moves atoms, not images.

    Examples
    --------
    >>> from numbavol.poses import EulerAnglePose
    >>> poses = EulerAnglePose(psi_angle=[0.0, 90.0])
    >>> len(poses), poses[1].rotate_coordinates([1.0, 0.0, 0.0]).round(9)
    (2, array([0., 1., 0.]))
    """

    @classmethod
    @abstractmethod
    def from_rotation(cls, rotation: Rotation) -> Self:
        """Make a pose with this rotation and no offset.

        Parameters
        ----------
        rotation
            One rotation, or n.

        Returns
        -------
        AbstractPose
            One pose of this class, or n.

        Raises
        ------
        TypeError
            If `rotation` is not a `scipy.spatial.transform.Rotation`.
        ValueError
            If it is a grid of rotations.
        """

    @classmethod
    def from_translation(cls, offset_in_angstroms: ArrayLike) -> Self:
        """Make a pose with this offset and no rotation.

        Parameters
        ----------
        offset_in_angstroms
            `(x, y)` or `(x, y, z)`, of shape `(2,)` or `(3,)`, or `(n, 2)` or `(n, 3)` for n poses.

        Returns
        -------
        AbstractPose
            One pose of this class, or n.

        Raises
        ------
        ValueError
            If the shape is another one, or a value is not finite.

        Examples
        --------
        >>> from numbavol.poses import AxisAnglePose
        >>> AxisAnglePose.from_translation([3.0, -1.5]).offset_in_angstroms
        array([ 3. , -1.5])
        """
        return cls.from_rotation_and_translation(Rotation.identity(), offset_in_angstroms)

    @classmethod
    def from_rotation_and_translation(
        cls, rotation: Rotation, offset_in_angstroms: ArrayLike
    ) -> Self:
        """Make a pose with this rotation and this offset.

        Parameters
        ----------
        rotation
            One rotation, or n.
        offset_in_angstroms
            `(x, y)` or `(x, y, z)`, of shape `(2,)` or `(3,)`, or `(n, 2)` or `(n, 3)` for n poses.

        Returns
        -------
        AbstractPose
            One pose of this class, or n.

        Raises
        ------
        TypeError
            If `rotation` is not a `scipy.spatial.transform.Rotation`.
        ValueError
            If a shape is another one, a value is not finite, or the two are of unequal numbers.

        Examples
        --------
        >>> from numbavol.poses import EulerAnglePose
        >>> from scipy.spatial.transform import Rotation
        >>> EulerAnglePose.from_rotation_and_translation(Rotation.identity(5), [3.0, -1.5])
        <EulerAnglePose: 5 poses>
        """
        quaternions = read_rotation(rotation).as_quat()
        offset = read_parameter("offset_in_angstroms", offset_in_angstroms, (2, 3))
        broadcast_batches(
            {"rotation": quaternions.shape[:-1], "offset_in_angstroms": offset.shape[:-1]}
        )
        return dataclasses.replace(
            cls.from_rotation(rotation),
            offset_x_in_angstroms=offset[..., 0],
            offset_y_in_angstroms=offset[..., 1],
            offset_z_in_angstroms=offset[..., 2] if offset.shape[-1] == 3 else None,
        )

    @classmethod
    def from_pose(cls, pose: AbstractPose) -> Self:
        """Write the rotation of another pose in this class's way, and keep its offset.

        Parameters
        ----------
        pose
            One pose of any class, or n.

        Returns
        -------
        AbstractPose
            As many, of this class: `pose` itself if it is of it.

        Raises
        ------
        TypeError
            If it is no pose.

        Examples
        --------
        >>> from numbavol.poses import EulerAnglePose, QuaternionPose
        >>> QuaternionPose.from_pose(EulerAnglePose(psi_angle=180.0)).wxyz.round(9)
        array([0., 0., 0., 1.])
        """
        if type(pose) is cls:
            return pose
        check_is_a("pose", pose, AbstractPose)
        return cls.from_rotation_and_translation(pose.rotation, pose.offset_in_angstroms)

    @classmethod
    def from_relion_angles(
        cls,
        rot: ArrayLike,
        tilt: ArrayLike,
        psi: ArrayLike,
        origin_x_in_angstroms: ArrayLike = 0.0,
        origin_y_in_angstroms: ArrayLike = 0.0,
    ) -> Self:
        """Make a pose from the columns of a RELION STAR file.

        `(phi, theta, psi)` of the pose are `(-rot, -tilt, -psi)`, and its offset is minus the
        origin: RELION turns the frame, and its origins say how to undo the particle's shift.

        Parameters
        ----------
        rot, tilt, psi
            `rlnAngleRot`, `rlnAngleTilt` and `rlnAnglePsi` in degrees, of shape `()` or `(n,)`.
        origin_x_in_angstroms, origin_y_in_angstroms
            `rlnOriginXAngst` and `rlnOriginYAngst`, of shape `()` or `(n,)`.

        Returns
        -------
        AbstractPose
            One pose of this class, or n.

        Raises
        ------
        ValueError
            If a shape is another one, a value is not finite, or they are of unequal numbers.

        Examples
        --------
        >>> from numbavol.poses import EulerAnglePose
        >>> pose = EulerAnglePose.from_relion_angles([10, 20], [30, 40], [50, 60], 2.5, -1.5)
        >>> pose.theta_angle
        array([-30., -40.])
        >>> pose[0].offset_in_angstroms
        array([-2.5,  1.5])
        """
        columns = read_relion_angles(rot, tilt, psi, origin_x_in_angstroms, origin_y_in_angstroms)
        wxyz = compute_quaternions(*map(negate, columns[:3]))
        rotation = Rotation.from_quat(wxyz, scalar_first=True)
        return cls.from_rotation_and_translation(rotation, negate(np.stack(columns[3:], axis=-1)))

    def to_relion_angles(self) -> RelionAngles:
        """Write the pose as the columns of a RELION STAR file: the inverse of `from_relion_angles`.

        An `EulerAnglePose` gives its own angles back, with the sign changed. Of another pose,
        `tilt` is from 0 to 180, the others from -180 to 180, and `rot` is 0 where `tilt` leaves it
        free. The offset along z is left out.

        Returns
        -------
        RelionAngles
            Angles in degrees and origins in angstroms, each of shape `()` or `(n,)`.

        Examples
        --------
        >>> from numbavol.poses import QuaternionPose
        >>> pose = QuaternionPose.from_relion_angles(10.0, 20.0, 30.0, 1.5, 2.5)
        >>> [round(float(column), 9) for column in pose.to_relion_angles()]
        [10.0, 20.0, 30.0, 1.5, 2.5]
        """
        # R = Rz(-psi) Ry(-tilt) Rz(-rot); half a turn about z on both sides takes Ry to its
        # inverse, so that the angles are found with a positive tilt.
        wxyz = self.rotation.as_quat(scalar_first=True) * (1.0, -1.0, -1.0, 1.0)
        minus_rot, tilt, minus_psi = compute_euler_angles(wxyz)
        return RelionAngles(
            rot=negate(minus_rot),
            tilt=tilt,
            psi=negate(minus_psi),
            origin_x_in_angstroms=negate(self.offset_x_in_angstroms),
            origin_y_in_angstroms=negate(self.offset_y_in_angstroms),
        )

    @property
    @abstractmethod
    def rotation(self) -> Rotation:
        """The rotation R: one, or n of them. It can be written to, and is made anew each time."""

    @abstractmethod
    def to_inverse_rotation(self) -> Self:
        """Make the pose with the inverse rotation and the same offset.

        Returns
        -------
        AbstractPose
            Of the same class, with as many poses.
        """

    def rotate_coordinates(
        self,
        coordinate_grid_or_list: ArrayLike,
        inverse: bool = False,
    ) -> NDArray[np.float64]:
        """Turn coordinates, or frequencies, to this pose.

        Parameters
        ----------
        coordinate_grid_or_list
            Vectors `(x, y, z)` in any unit: any array of shape `(..., 3)`.
        inverse
            Compute `R^T r` instead of `R r`. A Fourier slice turns by `R^T`.

        Returns
        -------
        NDArray[np.float64]
            A new array of the same shape, in the same unit.

        Raises
        ------
        ValueError
            If the last axis is not of length 3, or this holds many poses.

        Examples
        --------
        >>> from numbavol.poses import EulerAnglePose
        >>> EulerAnglePose(psi_angle=90.0).rotate_coordinates([[1.0, 0.0, 0.0]]).round(9)
        array([[0., 1., 0.]])
        """
        self._require_one("rotate_coordinates")
        vectors = read_reals("coordinate_grid_or_list", coordinate_grid_or_list)
        if vectors.ndim == 0 or vectors.shape[-1] != 3:
            msg = f"coordinate_grid_or_list: expected shape (..., 3), got {vectors.shape}"
            raise ValueError(msg)
        matrix = self.rotation.as_matrix()
        # As rows, so that any grid is one matrix product: (R r)^T = r^T R^T.
        rotated = vectors.reshape(-1, 3) @ (matrix if inverse else matrix.T)
        return rotated.reshape(vectors.shape)

    def compute_translation_operator(
        self, frequency_grid_in_angstroms: ArrayLike
    ) -> NDArray[np.complex128]:
        """Compute what a transform is multiplied by to shift its image by the offset.

        It is `exp(-2 pi i (q_x t_x + q_y t_y))`.

        Parameters
        ----------
        frequency_grid_in_angstroms
            `(q_x, q_y)` in inverse angstroms, shape `(y, x, 2)`.

        Returns
        -------
        NDArray[np.complex128]
            Shape `(y, x)`.

        Raises
        ------
        ValueError
            If the grid has another shape, or this holds many poses.
        """
        self._require_one("compute_translation_operator")
        t_x, t_y = float(self.offset_x_in_angstroms), float(self.offset_y_in_angstroms)
        return compute_phase_ramp(frequency_grid_in_angstroms, t_x, t_y)

    def translate_image(
        self,
        fourier_image: ArrayLike,
        translation_operator: ArrayLike,
        shape: tuple[int, int],
    ) -> NDArray[np.complex64] | NDArray[np.complex128]:
        """Shift an image, given as its half transform.

        The two are multiplied, except that a Nyquist row or column of an even axis gets the real
        part of that axis's factor. So the image stays real, and a shift by whole pixels is a roll.

        Parameters
        ----------
        fourier_image
            The half transform, shape `(y, x//2 + 1)`, zero frequency in the corner.
        translation_operator
            Of the same shape: what `compute_translation_operator` returns for its frequencies.
        shape
            `(y, x)` of the image in real space.

        Returns
        -------
        NDArray
            A new array of the same shape, complex64 if `fourier_image` is of single precision,
            else complex128.

        Raises
        ------
        ValueError
            If a shape does not match `shape`, or the operator's zero frequency is not in its
            corner.

        Examples
        --------
        >>> import numpy as np
        >>> from numbavol.poses import EulerAnglePose
        >>> image = np.arange(12.0).reshape(3, 4)
        >>> q_x, q_y = np.meshgrid(np.fft.rfftfreq(4), np.fft.fftfreq(3))
        >>> pose = EulerAnglePose(offset_x_in_angstroms=1.0)
        >>> ramp = pose.compute_translation_operator(np.stack([q_x, q_y], axis=-1))
        >>> shifted = pose.translate_image(np.fft.rfft2(image), ramp, image.shape)
        >>> np.allclose(np.fft.irfft2(shifted, s=image.shape), np.roll(image, 1, axis=1))
        True
        """
        return multiply_phase_ramp(fourier_image, translation_operator, shape)

    def _require_one(self, method: str) -> None:
        if self.n_poses is not None:
            msg = f"{method}: expected one pose, got {self!r}; index it or iterate over it"
            raise ValueError(msg)
