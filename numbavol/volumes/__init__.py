"""How density is held.

- ``base``: the abstract classes: what is a volume, and what can be rotated and imaged.
- ``gaussian_mixture``: `GaussianMixtureVolume`, Gaussians at positions.
- ``independent_atoms``: `IndependentAtomVolume`, groups of atoms with a scattering factor each.
- ``grouping``: `split_atoms_by_element`, and bins of B-factors.
- ``positions``: positions of atoms; ``trees``: nested tuples, lists and dicts.
- ``voxel_base``: `AbstractVoxelVolume`, what every volume of voxels is.
- ``fourier_voxels``: `FourierVoxelGridVolume` and `FourierVoxelSplineVolume`.
- ``real_voxels``: `RealVoxelGridVolume`.
- ``tabulated``: `load_tabulated_volume`, from a structure file to a volume.
- ``stochastic``: `EnsembleVolume` and `ThermalVolume`, drawn at random.
- ``moving``: `to_device`, from one device to another.
- ``coordinates``: coordinates that stay affine.
"""

from numbavol.volumes.base import (
    AbstractAtomVolume,
    AbstractVolumeParametrization,
    AbstractVolumeRepresentation,
)
from numbavol.volumes.fourier_voxels import FourierVoxelGridVolume, FourierVoxelSplineVolume
from numbavol.volumes.gaussian_mixture import GaussianMixtureVolume
from numbavol.volumes.grouping import split_atoms_by_element
from numbavol.volumes.independent_atoms import IndependentAtomVolume
from numbavol.volumes.moving import to_device
from numbavol.volumes.real_voxels import RealVoxelGridVolume
from numbavol.volumes.stochastic import EnsembleVolume, ThermalVolume
from numbavol.volumes.tabulated import (
    load_tabulated_volume,
    make_gaussian_mixture,
    make_independent_atoms,
)
from numbavol.volumes.voxel_base import AbstractVoxelVolume

__all__ = [
    "AbstractAtomVolume",
    "AbstractVolumeParametrization",
    "AbstractVolumeRepresentation",
    "AbstractVoxelVolume",
    "EnsembleVolume",
    "FourierVoxelGridVolume",
    "FourierVoxelSplineVolume",
    "GaussianMixtureVolume",
    "IndependentAtomVolume",
    "RealVoxelGridVolume",
    "ThermalVolume",
    "load_tabulated_volume",
    "make_gaussian_mixture",
    "make_independent_atoms",
    "split_atoms_by_element",
    "to_device",
]
