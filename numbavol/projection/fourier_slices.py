"""Projections of Fourier volumes: slices through the transform."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_flag
from numbavol.kernels.dispatch import check_device, find_device
from numbavol.ndimage.half_transforms import list_self_conjugate
from numbavol.ndimage.masks import AbstractMask
from numbavol.ndimage.planes import sample_half_planes
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.fourier_sampling import (
    FrameSampler,
    check_is_cpu,
    check_out_of_bounds,
    move_and_resize,
    read_fourier_volume,
    sample_at_frequencies,
)
from numbavol.projection.projections import Projection
from numbavol.volumes.coordinates import AffineCoordinates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation


@dataclasses.dataclass(frozen=True)
class FourierSliceExtraction(AbstractVolumeIntegrator):
    r"""Project a Fourier volume by a slice through its transform.

    By the central-slice theorem, the transform of the projection along z is the slice
    :math:`q_z = 0` of the volume's transform, at the frequencies that the volume holds. The half
    plane :math:`q_x \ge 0` is what counts. `FourierVoxelGridVolume` is interpolated linearly,
    `FourierVoxelSplineVolume` by its cubic spline. Of an even side, the half transform has the
    Nyquist column of that half plane as it was sampled; an image has the mean of both its ends.

    Parameters
    ----------
    outputs_integral
        Multiply by the pixel size, so that the image is the integral in inverse angstroms. Without
        it, it is the sum over voxels.
    correction_mask
        Multiplies the image, of the volume's longest side, in real space. What linear
        interpolation does belongs to the axes of the volume: better multiply the map by
        `InverseSincMask`, twice, before it is transformed.
    out_of_bounds_mode
        What is beyond the frequencies that the volume holds: ``"fill"`` for `fill_value`,
        ``"clip"`` for the value at the nearest edge, ``"wrap"`` to repeat the transform.
    fill_value
        For ``"fill"``.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used. On CUDA, the
        frequency slice is to be the one that volumes are made with, turned or not, and what is
        beyond it 0.

    Raises
    ------
    ValueError
        If `out_of_bounds_mode` is another one.
    TypeError
        If `correction_mask` is no mask.

    References
    ----------
    DeRosier & Klug (1968), Nature 217, 130-134: the central-slice theorem.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(np.ones((8, 8, 8)))
    >>> image_config = numbavol.ImageConfig((8, 8), pixel_size=1.5)
    >>> integrator = numbavol.FourierSliceExtraction()
    >>> integrator.integrate(volume, image_config, outputs_real_space=True)[4, 4].round(6)
    np.float64(12.0)
    """

    _: dataclasses.KW_ONLY
    outputs_integral: bool = True
    correction_mask: AbstractMask | None = None
    out_of_bounds_mode: str = "fill"
    fill_value: complex = 0.0
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Check the arguments."""
        mask: object = self.correction_mask
        if mask is not None and not isinstance(mask, AbstractMask):
            msg = f"correction_mask: expected a mask or None, got {type(mask).__name__}"
            raise TypeError(msg)
        check_flag("outputs_integral", self.outputs_integral)
        check_out_of_bounds(self.out_of_bounds_mode, self.fill_value)
        object.__setattr__(self, "device", check_device(self.device))

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        volume, kept = read_fourier_volume(volume_representation, image_config)
        shape = (kept.shape[1], kept.shape[2])
        mask = _read_mask(self.correction_mask, shape)
        device = find_device(self.device)
        scale = image_config.pixel_size if self.outputs_integral else 1.0
        self_conjugate = list_self_conjugate(shape)

        def finish(
            halves: NDArray[np.complexfloating[Any]], offsets: NDArray[np.float64]
        ) -> Projection:
            for y, x in self_conjugate:
                halves[:, y, x] = halves[:, y, x].real
            projection = Projection(halves, shape, is_image=False, factor=scale)
            if mask is not None:
                images = projection.to_image()
                corrected = images * device.send(mask.get(), images.dtype)
                projection = Projection(corrected, shape, is_image=True)
            return move_and_resize(projection, offsets, image_config)

        mode, fill_value = self.out_of_bounds_mode, self.fill_value
        if isinstance(kept, AffineCoordinates) and mode == "fill" and fill_value == 0:
            return FrameSampler(
                volume, kept, sample_half_planes, finish, device,
                (_count_samples(shape), _count_samples(image_config.padded_shape)),
            )  # fmt: skip
        check_is_cpu(self)
        half_plane = _take_half_plane(kept.to_array()[0])
        return sample_at_frequencies(volume, half_plane, kept, mode, fill_value, finish)


def _count_samples(shape: tuple[int, int]) -> int:
    return shape[0] * (shape[1] // 2 + 1)


def _read_mask(mask: AbstractMask | None, shape: tuple[int, int]) -> AbstractMask | None:
    if mask is not None and mask.get().shape != shape:
        msg = (
            f"correction_mask: expected shape {shape}, of the volume's slice, got "
            f"{mask.get().shape}"
        )
        raise ValueError(msg)
    return mask


def _take_half_plane(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the frequencies of a half transform, 0 in the corner, from those of a whole plane."""
    n_y, n_x = frequencies.shape[:2]
    half = frequencies[:, n_x // 2 :]
    if n_x % 2 == 0:
        # The last one is the negative of the first.
        mirrored = np.roll(frequencies[::-1], 1 if n_y % 2 == 0 else 0, axis=0)
        last = -mirrored[:, :1]
        if n_y % 2 == 0:
            # The corner's negative is the corner: of a plane, this is its other end along x.
            last[0, 0] = 2 * frequencies[0, n_x // 2] - frequencies[0, 0]
        half = np.concatenate([half, last], axis=1)
    return np.fft.ifftshift(half, axes=0)
