"""From a volume to a voxel grid.

- ``base``: `AbstractVolumeRenderFn`, and the ways a rendered map is returned.
- ``gaussian_mixture``: `GaussianMixtureRenderFn`, voxel averages of Gaussians.
- ``fft_atoms``: `FFTAtomRenderFn`, groups of atoms by non-uniform Fourier transforms.
- ``terms``: which transforms these are.
- ``slabs``: how atoms and planes are laid out so that threads share the work.
"""

from numbavol.rendering.base import AbstractVolumeRenderFn
from numbavol.rendering.fft_atoms import FFTAtomRenderFn, render_fft_atoms
from numbavol.rendering.gaussian_mixture import GaussianMixtureRenderFn, render_gaussian_mixture

__all__ = [
    "AbstractVolumeRenderFn",
    "FFTAtomRenderFn",
    "GaussianMixtureRenderFn",
    "render_fft_atoms",
    "render_gaussian_mixture",
]
