"""What is a volume, and what can be rotated and imaged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import numpy as np

    from numbavol.poses import AbstractPose


class AbstractVolumeParametrization(ABC):
    r"""Whatever describes a molecule well enough to make its density from it.

    Volumes hold the rescaled electrostatic potential, in inverse square angstroms,

    .. math:: U(\mathbf r) = \frac{m_0 e}{2 \pi \hbar^2} V(\mathbf r),

    of which the Fourier transform of one atom is its electron scattering factor [1]_ [2]_. One
    unit of U is 47.878 volts.

    References
    ----------
    .. [1] Hawkes & Kasper (2022), Principles of Electron Optics, volume 4, equation 69.6.
    .. [2] Vulovic et al. (2013), Journal of Structural Biology 183, 19-32, supplement.

    Examples
    --------
    A molecule that has an atom in one of two places:

    >>> import numpy as np
    >>> from numbavol import AbstractVolumeParametrization, GaussianMixtureVolume
    >>> class TwoPlaces(AbstractVolumeParametrization):
    ...     def get_representation(self, rng=None):
    ...         x = np.random.default_rng(rng).choice([-2.0, 2.0])
    ...         return GaussianMixtureVolume([[x, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> abs(TwoPlaces().get_representation(rng=0).positions)
    array([[2., 0., 0.]])
    """

    @abstractmethod
    def get_representation(
        self, rng: np.random.Generator | int | None = None
    ) -> AbstractVolumeRepresentation:
        """Make the density that is to be rendered or imaged.

        Parameters
        ----------
        rng
            Where a random choice comes from, if the volume makes one: a generator, or a seed.

        Returns
        -------
        AbstractVolumeRepresentation
            The density.
        """


class AbstractVolumeRepresentation(AbstractVolumeParametrization):
    """A density in coordinates: it can be rotated, rendered and imaged.

    Examples
    --------
    >>> from numbavol import EulerAnglePose, GaussianMixtureVolume
    >>> volume = GaussianMixtureVolume([[1.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> volume.rotate_to_pose(EulerAnglePose(psi_angle=90.0)).positions.round(9)
    array([[0., 1., 0.]])
    >>> volume.get_representation() is volume
    True
    """

    @abstractmethod
    def rotate_to_pose(self, pose: AbstractPose, inverse: bool = False) -> Self:
        """Turn the volume by the rotation of one pose.

        Parameters
        ----------
        pose
            One pose; its offset is not used.
        inverse
            Turn by the inverse rotation.

        Returns
        -------
        AbstractVolumeRepresentation
            A new volume of the same class.
        """

    def get_representation(
        self,
        rng: np.random.Generator | int | None = None,  # noqa: ARG002
    ) -> Self:
        """Return the volume itself, which is its own representation.

        Parameters
        ----------
        rng
            Not used.

        Returns
        -------
        AbstractVolumeRepresentation
            This volume.
        """
        return self


class AbstractAtomVolume(AbstractVolumeRepresentation):
    """A density that belongs to positions: it can be moved, too.

    Examples
    --------
    >>> from numbavol import EulerAnglePose, GaussianMixtureVolume
    >>> volume = GaussianMixtureVolume([[1.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> volume.translate_to_pose(EulerAnglePose(offset_x_in_angstroms=2.0)).positions
    array([[3., 0., 0.]])
    """

    @abstractmethod
    def translate_to_pose(self, pose: AbstractPose) -> Self:
        """Move the volume by the offset of one pose.

        Parameters
        ----------
        pose
            One pose; its rotation is not used.

        Returns
        -------
        AbstractAtomVolume
            A new volume of the same class.
        """
