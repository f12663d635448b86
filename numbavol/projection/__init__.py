"""From a volume and poses to images.

- ``image_config``: `ImageConfig`, the pixels and the electrons.
- ``base``: `AbstractVolumeIntegrator`, what every integrator is.
- ``gaussian_mixture``: `GaussianMixtureProjection`, pixel averages of Gaussians.
- ``fourier_slices``: `FourierSliceExtraction`, slices of Fourier volumes.
- ``ewald_sphere``: `EwaldSphereExtraction`, curved surfaces of Fourier volumes.
- ``fourier_sampling``: what these two have in common.
- ``fft_atoms``: `FFTAtomProjection`, groups of atoms by transforms of their positions.
- ``real_voxels``: `RealVoxelProjection`, maps by transforms of their turned voxels.
- ``auto``: `AutoVolumeProjection`, the integrator of a volume.
- ``maps``: maps as volumes that slices are taken of.
- ``cut_density``: how much of a map is outside of images that are smaller.
- ``neighbours``: positions in an order of neighbours.
- ``projections``: `Projection` and `Placement`, what an integrator makes, and of what.
- ``batches``: `AbstractProjectionInBatches`, projections that have work in common.
- ``each``: one volume for each of many poses, and images on their way to where they go.
- ``draws``: volumes that are drawn at random, one for each pose.
- ``many``: `project`, for many poses.
"""

from numbavol.projection.auto import AutoVolumeProjection
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.batches import AbstractProjectionInBatches
from numbavol.projection.ewald_sphere import EwaldSphereExtraction
from numbavol.projection.fft_atoms import FFTAtomProjection
from numbavol.projection.fourier_slices import FourierSliceExtraction
from numbavol.projection.gaussian_mixture import GaussianMixtureProjection
from numbavol.projection.image_config import ImageConfig
from numbavol.projection.many import project
from numbavol.projection.projections import Placement, Projection
from numbavol.projection.real_voxels import RealVoxelProjection

__all__ = [
    "AbstractProjectionInBatches",
    "AbstractVolumeIntegrator",
    "AutoVolumeProjection",
    "EwaldSphereExtraction",
    "FFTAtomProjection",
    "FourierSliceExtraction",
    "GaussianMixtureProjection",
    "ImageConfig",
    "Placement",
    "Projection",
    "RealVoxelProjection",
    "project",
]
