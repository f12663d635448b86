from .atoms import (
    AtomProperties,
    PengScatteringFactorParameters,
    StructureSummary,
    b_factor_to_variance,
    describe_structure,
    read_atoms_from_pdb,
    variance_to_b_factor,
)
from .io import MapHeader, RealSpaceMap, read_map, read_map_header, write_map
from .kernels.threads import get_num_threads, set_num_threads
from .ndimage import fftn, ifftn, irfftn, rfftn
from .poses import (
    AbstractPose,
    AxisAnglePose,
    EulerAnglePose,
    QuaternionPose,
    RelionAngles,
)
from .rendering import AbstractVolumeRenderFn, GaussianMixtureRenderFn
from .volumes import (
    AbstractAtomVolume,
    AbstractVolumeParametrization,
    AbstractVolumeRepresentation,
    GaussianMixtureVolume,
)

__version__: str
__all__ = [
    "AbstractAtomVolume",
    "AbstractPose",
    "AbstractVolumeParametrization",
    "AbstractVolumeRenderFn",
    "AbstractVolumeRepresentation",
    "AtomProperties",
    "AxisAnglePose",
    "EulerAnglePose",
    "GaussianMixtureRenderFn",
    "GaussianMixtureVolume",
    "MapHeader",
    "PengScatteringFactorParameters",
    "QuaternionPose",
    "RealSpaceMap",
    "RelionAngles",
    "StructureSummary",
    "b_factor_to_variance",
    "describe_structure",
    "fftn",
    "get_num_threads",
    "ifftn",
    "irfftn",
    "read_atoms_from_pdb",
    "read_map",
    "read_map_header",
    "rfftn",
    "set_num_threads",
    "variance_to_b_factor",
    "write_map",
]
