"""From a volume to a voxel grid.

- ``base``: `AbstractVolumeRenderFn`, and the ways a rendered map is returned.
- ``gaussian_mixture``: `GaussianMixtureRenderFn`, voxel averages of Gaussians.
- ``fft_atoms``: `FFTAtomRenderFn`, groups of atoms by non-uniform Fourier transforms.
- ``terms``: which transforms these are.
- ``scattering``: transforms of points times what each of them scatters.
- ``auto``: `AutoVolumeRenderFn` and `render`, the renderer that a volume needs.
- ``costs``: how long a rendering will take, and whether two agree.
- ``windows``: how far Gaussians reach, for maps and for images.
- ``slabs``: how atoms and planes are laid out so that threads share the work.
"""

from numbavol.rendering.auto import AutoVolumeRenderFn, render, render_voxel_volume
from numbavol.rendering.base import AbstractVolumeRenderFn
from numbavol.rendering.fft_atoms import FFTAtomRenderFn, render_fft_atoms
from numbavol.rendering.gaussian_mixture import GaussianMixtureRenderFn, render_gaussian_mixture

__all__ = [
    "AbstractVolumeRenderFn",
    "AutoVolumeRenderFn",
    "FFTAtomRenderFn",
    "GaussianMixtureRenderFn",
    "render",
    "render_fft_atoms",
    "render_gaussian_mixture",
    "render_voxel_volume",
]
