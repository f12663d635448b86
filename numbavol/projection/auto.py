"""The integrator that a volume needs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from numbavol.kernels.dispatch import check_device
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.fft_atoms import FFTAtomProjection
from numbavol.projection.fourier_slices import FourierSliceExtraction
from numbavol.projection.gaussian_mixture import GaussianMixtureProjection
from numbavol.projection.real_voxels import RealVoxelProjection
from numbavol.volumes import (
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    GaussianMixtureVolume,
    IndependentAtomVolume,
    RealVoxelGridVolume,
)

if TYPE_CHECKING:
    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation


@dataclasses.dataclass(frozen=True)
class AutoVolumeProjection(AbstractVolumeIntegrator):
    """Project a volume by the integrator of its class, with its defaults.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used.

    Raises
    ------
    ValueError, RuntimeError
        If there is no such device.

    Examples
    --------
    >>> from numbavol import AutoVolumeProjection, GaussianMixtureVolume
    >>> volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> AutoVolumeProjection().choose(volume)
    GaussianMixtureProjection(antialias=True, tolerance=1e-06, shape=None, device='cpu')
    """

    _: dataclasses.KW_ONLY
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Read the argument."""
        object.__setattr__(self, "device", check_device(self.device))

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        return self.choose(volume_representation).prepare(volume_representation, image_config)

    def choose(self, volume: AbstractVolumeRepresentation) -> AbstractVolumeIntegrator:
        """Return the integrator that a volume is projected by.

        Parameters
        ----------
        volume
            The volume.

        Returns
        -------
        AbstractVolumeIntegrator
            With its defaults, on the same device.

        Raises
        ------
        TypeError
            If there is none for it.
        """
        if isinstance(volume, GaussianMixtureVolume):
            return GaussianMixtureProjection(device=self.device)
        if isinstance(volume, (FourierVoxelGridVolume, FourierVoxelSplineVolume)):
            return FourierSliceExtraction(device=self.device)
        if isinstance(volume, IndependentAtomVolume):
            return FFTAtomProjection(device=self.device)
        if isinstance(volume, RealVoxelGridVolume):
            return RealVoxelProjection(device=self.device)
        msg = f"volume_representation: no integrator projects a {type(volume).__name__}"
        raise TypeError(msg)
