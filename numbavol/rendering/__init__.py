"""From a volume to a voxel grid.

- ``base``: `AbstractVolumeRenderFn`, and the ways a rendered map is returned.
- ``gaussian_mixture``: `GaussianMixtureRenderFn`, voxel averages of Gaussians.
- ``slabs``: how atoms and planes are laid out so that threads share the work.
"""

from numbavol.rendering.base import AbstractVolumeRenderFn
from numbavol.rendering.gaussian_mixture import GaussianMixtureRenderFn, render_gaussian_mixture

__all__ = ["AbstractVolumeRenderFn", "GaussianMixtureRenderFn", "render_gaussian_mixture"]
