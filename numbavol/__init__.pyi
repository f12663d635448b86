from .atoms import (
    AtomProperties,
    PengScatteringFactorParameters,
    b_factor_to_variance,
    describe_structure,
    read_atoms_from_pdb,
    variance_to_b_factor,
)
from .io import RealSpaceMap, read_map, read_map_header, write_map
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
__all__: list[str]
