"""Projections of Fourier volumes on the Ewald sphere."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.ndimage.planes import sample_curved_surfaces
from numbavol.projection.base import AbstractVolumeIntegrator, ComplexProjection
from numbavol.projection.fourier_sampling import (
    FrameSampler,
    check_out_of_bounds,
    move_and_resize,
    read_fourier_volume,
    sample_at_frequencies,
)
from numbavol.volumes.coordinates import AffineCoordinates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.projection.base import Prepared, Projection
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation


@dataclasses.dataclass(frozen=True)
class EwaldSphereExtraction(AbstractVolumeIntegrator):
    r"""Project a Fourier volume by the surface that electrons of finite energy scatter to.

    With the plane's frequencies :math:`k` in cycles a pixel, its normal :math:`\hat z`, the
    wavelength :math:`\lambda` and the pixel size :math:`\Delta`, the transform of the image is the
    volume's at

    .. math:: k \pm \frac{\lambda}{2 \Delta} |k|^2 \, \hat z ,

    the Ewald sphere to second order. It is not that of a real image: images are complex, and
    `integrate` returns their whole transforms. For a real map, the transform at :math:`k` for one
    sign is the conjugate of that at :math:`-k` for the other, so that the two images are
    conjugates.

    Parameters
    ----------
    outputs_integral
        Multiply by the pixel size, so that the image is the integral in inverse angstroms. Without
        it, it is the sum over voxels.
    curvature_sign
        1 or -1: to which side of the plane the surface bends, +z or -z of the turned volume.
    out_of_bounds_mode, fill_value
        What is beyond the frequencies that the volume holds, as in `FourierSliceExtraction`.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    DeRosier (2000), Ultramicroscopy 81, 83-98, equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(np.ones((8, 8, 8)))
    >>> image_config = numbavol.ImageConfig((8, 8), pixel_size=1.5, voltage_in_kilovolts=300.0)
    >>> integrator = numbavol.EwaldSphereExtraction()
    >>> integrator.integrate(volume, image_config, outputs_real_space=True).dtype
    dtype('complex128')
    """

    _: dataclasses.KW_ONLY
    outputs_integral: bool = True
    curvature_sign: int = 1
    out_of_bounds_mode: str = "fill"
    fill_value: complex = 0.0

    def __post_init__(self) -> None:
        """Check the arguments."""
        if self.curvature_sign not in (1, -1):
            msg = f"curvature_sign: expected 1 or -1, got {self.curvature_sign!r}"
            raise ValueError(msg)
        check_out_of_bounds(self.out_of_bounds_mode, self.fill_value)

    def describe_output(
        self,
        shape: tuple[int, int],
        *,
        outputs_real_space: bool,  # noqa: ARG002  # images and transforms are alike
    ) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Say of what shape and type images and transforms are: see the base class."""
        return shape, np.dtype(np.complex64)

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        volume, kept = read_fourier_volume(volume_representation, image_config)
        shape = (kept.shape[1], kept.shape[2])
        scale = image_config.pixel_size if self.outputs_integral else 1.0
        bend = self.curvature_sign * image_config.wavelength_in_angstroms
        bend /= 2.0 * image_config.pixel_size

        def finish(
            transforms: NDArray[np.complexfloating[Any]], offsets: NDArray[np.float64]
        ) -> Projection:
            if scale != 1.0:
                transforms *= transforms.real.dtype.type(scale)
            projection = ComplexProjection(transforms, shape, is_image=False)
            return move_and_resize(projection, offsets, image_config)

        def sample(
            values: NDArray[np.complexfloating[Any]],
            grid_shape: tuple[int, int, int],
            frames: NDArray[np.float64],
            shape: tuple[int, int],
            order: int,
        ) -> NDArray[np.complexfloating[Any]]:
            curvatures = bend * _compute_normals(frames[:, 1], frames[:, 2])
            return sample_curved_surfaces(values, grid_shape, frames, curvatures, shape, order)

        mode, fill_value = self.out_of_bounds_mode, self.fill_value
        if isinstance(kept, AffineCoordinates):
            if mode == "fill" and fill_value == 0:
                return FrameSampler(volume, kept, sample, finish)
            kept = kept.to_array()
        surface = _bend(np.fft.ifftshift(kept[0], axes=(0, 1)), bend)
        return sample_at_frequencies(volume, surface, mode, fill_value, finish)


def _compute_normals(
    along_x: NDArray[np.float64], along_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    normals = np.cross(along_x, along_y)
    normalised: NDArray[np.float64] = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    return normalised


def _bend(frequencies: NDArray[np.float64], bend: float) -> NDArray[np.float64]:
    """Move the frequencies of a plane, (y, x, 3), 0 in the corner, onto the surface."""
    n_y, n_x = frequencies.shape[:2]
    if min(n_y, n_x) == 1:
        msg = (
            "frequency_slice_in_pixels: expected a plane of two frequencies or more along each "
            f"axis, got {n_y} x {n_x}"
        )
        raise ValueError(msg)
    origin = frequencies[0, 0]
    normal = _compute_normals(frequencies[0, 1] - origin, frequencies[1, 0] - origin)
    squared = np.sum(frequencies**2, axis=-1, keepdims=True)
    surface: NDArray[np.float64] = frequencies + bend * squared * normal
    return surface
