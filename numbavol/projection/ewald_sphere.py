"""Projections of Fourier volumes on the Ewald sphere."""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_flag
from numbavol.kernels.dispatch import check_device, find_device
from numbavol.ndimage.planes import sample_curved_surfaces
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.fourier_sampling import (
    FrameSampler,
    check_is_cpu,
    check_out_of_bounds,
    move_and_resize,
    read_fourier_volume,
    sample_at_frequencies,
)
from numbavol.projection.projections import ComplexProjection
from numbavol.volumes.coordinates import AffineCoordinates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.projection.projections import Projection
    from numbavol.volumes import AbstractVolumeRepresentation

# Of the angle between the two axes of a plane: below, its normal is rounding.
LEAST_SINE = 1e-8


@dataclasses.dataclass(frozen=True)
class EwaldSphereExtraction(AbstractVolumeIntegrator):
    r"""Project a Fourier volume by the surface that electrons of finite energy scatter to.

    With the plane's frequencies :math:`k` in cycles a pixel, its normal :math:`\hat z`, the
    wavelength :math:`\lambda` and the pixel size :math:`\Delta`, the transform of the image is the
    volume's at

    .. math:: k \pm \frac{\lambda}{2 \Delta} |k|^2 \, \hat z ,

    the Ewald sphere to second order. Images are complex, ``(y, x)`` with position 0 at pixel
    ``n // 2``. Their transforms are whole ones, ``(y, x)`` as `numbavol.fftn` returns them, with
    the zero frequency in the corner.

    For a real map, the transform at :math:`k` for one sign is the conjugate of that at :math:`-k`
    for the other: the two images are conjugates, and their mean is real. The Nyquist frequencies
    of even axes are taken from both of their ends, so that this holds there as well, and so that
    the image without curvature is that of `FourierSliceExtraction`.

    Parameters
    ----------
    outputs_integral
        Multiply by the pixel size, so that the image is the integral in inverse angstroms. Without
        it, it is the sum over voxels.
    curvature_sign
        1 or -1: to which side of the plane the surface bends, +z or -z of the turned volume.
    out_of_bounds_mode, fill_value
        What is beyond the frequencies that the volume holds, as in `FourierSliceExtraction`.
    device
        As in `FourierSliceExtraction`.

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
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check the arguments."""
        sign: object = self.curvature_sign
        if not np.isscalar(sign) or sign not in (1, -1):
            msg = f"curvature_sign: expected 1 or -1, got {sign!r}"
            raise ValueError(msg)
        check_flag("outputs_integral", self.outputs_integral)
        check_out_of_bounds(self.out_of_bounds_mode, self.fill_value)
        object.__setattr__(self, "device", check_device(self.device))

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
        device = find_device(self.device)
        scale = image_config.pixel_size if self.outputs_integral else 1.0
        bend = self.curvature_sign * image_config.wavelength_in_angstroms
        bend /= 2.0 * image_config.pixel_size

        def finish(
            transforms: NDArray[np.complexfloating[Any]], offsets: NDArray[np.float64]
        ) -> Projection:
            projection = ComplexProjection(transforms, shape, is_image=False, factor=scale)
            return move_and_resize(projection, offsets, image_config)

        def join_and_finish(
            transforms: NDArray[np.complexfloating[Any]], offsets: NDArray[np.float64]
        ) -> Projection:
            n_y, n_x = shape
            joined = np.ascontiguousarray(transforms[:, :n_y, :n_x])
            _join_ends(joined, transforms[:, -1, :n_x], transforms[:, :n_y, -1])
            return finish(joined, offsets)

        mode, fill_value = self.out_of_bounds_mode, self.fill_value
        if isinstance(kept, AffineCoordinates) and mode == "fill" and fill_value == 0:
            return FrameSampler(
                volume, kept, partial(_sample_surfaces, bend), finish, device,
                (math.prod(shape), math.prod(image_config.padded_shape)),
            )  # fmt: skip
        check_is_cpu(self)
        surface = _bend(kept.to_array()[0], bend)
        return sample_at_frequencies(volume, surface, kept, mode, fill_value, join_and_finish)


def _compute_normals(
    along_x: NDArray[np.float64], along_y: NDArray[np.float64]
) -> NDArray[np.float64]:
    normals = np.cross(along_x, along_y)
    normalised: NDArray[np.float64] = normals / np.linalg.norm(normals, axis=-1, keepdims=True)
    return normalised


def _sample_surfaces(
    bend: float,
    values: NDArray[np.complexfloating[Any]],
    grid_shape: tuple[int, int, int],
    frames: NDArray[np.float64],
    shape: tuple[int, int],
    order: int,
) -> NDArray[np.complexfloating[Any]]:
    """Sample the transforms of images of a shape on turned frames, (n, 3, 3)."""
    curvatures = bend * _compute_normals(frames[:, 1], frames[:, 2])

    def sample(row: int, column: int, shape: tuple[int, int]) -> NDArray[np.complexfloating[Any]]:
        planes = frames.copy()
        planes[:, 0] += row * frames[:, 2] + column * frames[:, 1]
        return sample_curved_surfaces(values, grid_shape, planes, curvatures, shape, order)

    n_y, n_x = shape
    transforms = sample(0, 0, shape)
    rows, columns = sample(n_y // 2, 0, (1, n_x)), sample(0, n_x // 2, (n_y, 1))
    _join_ends(transforms, rows[:, 0], columns[..., 0])
    return transforms


def _bend(frequencies: NDArray[np.float64], bend: float) -> NDArray[np.float64]:
    """Move the frequencies of a centred plane, (y, x, 3), onto the surface, 0 in the corner.

    There is one row more and one column more at the end, the positive Nyquist frequencies of even
    axes.
    """
    n_y, n_x = frequencies.shape[:2]
    if min(n_y, n_x) == 1:
        msg = (
            "frequency_slice_in_pixels: expected a plane of two frequencies or more along each "
            f"axis, got {n_y} x {n_x}"
        )
        raise ValueError(msg)
    along_x, along_y = frequencies[0, 1] - frequencies[0, 0], frequencies[1, 0] - frequencies[0, 0]
    area = np.linalg.norm(np.cross(along_x, along_y))
    if area <= LEAST_SINE * np.linalg.norm(along_x) * np.linalg.norm(along_y):
        msg = (
            "frequency_slice_in_pixels: expected the frequencies of a plane, got steps of "
            f"{along_x} along x and of {along_y} along y"
        )
        raise ValueError(msg)
    plane = np.fft.ifftshift(frequencies, axes=(0, 1))
    for axis, n in enumerate((n_y, n_x)):
        middle, lowest = (plane.take([index], axis) for index in (0, (n + 1) // 2))
        plane = np.concatenate([plane, 2 * middle - lowest], axis)
    squared = np.sum(plane**2, axis=-1, keepdims=True)
    surface: NDArray[np.float64] = plane + bend * squared * _compute_normals(along_x, along_y)
    return surface


def _join_ends(
    transforms: NDArray[np.complexfloating[Any]],
    row: NDArray[np.complexfloating[Any]],
    column: NDArray[np.complexfloating[Any]],
) -> None:
    """Join the positive Nyquist frequencies of even axes with the negative ones.

    Of n transforms (n, y, x), they are a ``row`` (n, x) and a ``column`` (n, y). A slice takes the
    Nyquist row of its half plane from the negative end, which leaves the other half the positive
    one. What belongs to both halves is their mean.
    """
    n_y, n_x = transforms.shape[1:]
    if n_y % 2 == 0:
        nyquist, half = transforms[:, n_y // 2], (n_x + 1) // 2
        nyquist[:, 0] = (nyquist[:, 0] + row[:, 0]) / 2
        nyquist[:, half:] = row[:, half:]
    if n_x % 2 == 0:
        nyquist = transforms[..., n_x // 2]
        nyquist[:] = (nyquist + column) / 2
