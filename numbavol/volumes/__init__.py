"""How density is held.

- ``base``: the abstract classes: what is a volume, and what can be rotated and imaged.
- ``gaussian_mixture``: `GaussianMixtureVolume`, Gaussians at positions.
"""

from numbavol.volumes.base import (
    AbstractAtomVolume,
    AbstractVolumeParametrization,
    AbstractVolumeRepresentation,
)
from numbavol.volumes.gaussian_mixture import GaussianMixtureVolume

__all__ = [
    "AbstractAtomVolume",
    "AbstractVolumeParametrization",
    "AbstractVolumeRepresentation",
    "GaussianMixtureVolume",
]
