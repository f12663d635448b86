"""Projections of Fourier volumes: slices through the transform."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.ndimage import map_coordinates, map_coordinates_spline
from numbavol.ndimage.half_transforms import list_self_conjugate
from numbavol.ndimage.masks import AbstractMask
from numbavol.ndimage.planes import sample_half_planes
from numbavol.projection.base import (
    AbstractProjectionInBatches,
    AbstractVolumeIntegrator,
    Projection,
)
from numbavol.volumes import FourierVoxelGridVolume, FourierVoxelSplineVolume
from numbavol.volumes.coordinates import AffineCoordinates, CoordinatesField

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from numbavol.projection.base import Placement, Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation

    FourierVolume = FourierVoxelGridVolume | FourierVoxelSplineVolume
    Sample = Callable[[NDArray[np.float64]], NDArray[np.complexfloating[Any]]]

MODES = ("fill", "clip", "wrap")
# Of frequencies that were turned.
ROUNDING = 1e-13
# A header keeps a voxel size as the length of a box in float32.
SAME_SIZE = 1e-5
# Slices that are sampled together: the more, the more often what one reads is in the cache for the
# next (scripts/bench project).
BYTES_AT_A_TIME = 2**26


@dataclasses.dataclass(frozen=True)
class FourierSliceExtraction(AbstractVolumeIntegrator):
    r"""Project a Fourier volume by a slice through its transform.

    By the central-slice theorem, the transform of the projection along z is the slice
    :math:`q_z = 0` of the volume's transform, at the frequencies that the volume holds. The half
    plane :math:`q_x \ge 0` is what counts. `FourierVoxelGridVolume` is interpolated linearly,
    `FourierVoxelSplineVolume` by its cubic spline.

    Parameters
    ----------
    outputs_integral
        Multiply by the pixel size, so that the image is the integral in inverse angstroms. Without
        it, it is the sum over voxels.
    correction_mask
        Multiplies the image, of the volume's longest side, in real space: `InverseSincMask`
        undoes what linear interpolation did.
    out_of_bounds_mode
        What is beyond the frequencies that the volume holds: ``"fill"`` for `fill_value`,
        ``"clip"`` for the value at the nearest edge, ``"wrap"`` to repeat the transform.
    fill_value
        For ``"fill"``.

    Raises
    ------
    ValueError
        If `out_of_bounds_mode` is another one.
    TypeError
        If `correction_mask` is no mask.

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

    def __post_init__(self) -> None:
        """Check the arguments."""
        mask: object = self.correction_mask
        if mask is not None and not isinstance(mask, AbstractMask):
            msg = f"correction_mask: expected a mask or None, got {type(mask).__name__}"
            raise TypeError(msg)
        if self.out_of_bounds_mode not in MODES:
            msg = f"out_of_bounds_mode: expected one of {MODES}, got {self.out_of_bounds_mode!r}"
            raise ValueError(msg)
        if not np.isfinite(complex(self.fill_value)):
            msg = f"fill_value: expected a finite number, got {self.fill_value!r}"
            raise ValueError(msg)

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        volume = _read_volume(volume_representation, image_config)
        kept = CoordinatesField.kept_by(volume, "frequency_slice_in_pixels")
        _, n_y, n_x = kept.shape[:3]
        shape, padded = (n_y, n_x), image_config.padded_shape
        mask = _read_mask(self.correction_mask, shape)
        scale = image_config.pixel_size if self.outputs_integral else 1.0
        # An image moves in the larger box, so that what leaves the smaller one is gone.
        largest = (max(n_y, padded[0]), max(n_x, padded[1]))

        self_conjugate = list_self_conjugate(shape)

        def finish(
            halves: NDArray[np.complexfloating[Any]], offsets: NDArray[np.float64]
        ) -> Projection:
            if scale != 1.0:
                halves *= halves.real.dtype.type(scale)
            for y, x in self_conjugate:
                halves[:, y, x] = halves[:, y, x].real
            projection = Projection(halves, shape, is_real=False)
            if mask is not None:
                corrected = np.stack([mask(image) for image in projection.to_real()])
                projection = Projection(corrected, shape, is_real=True)
            if np.any(offsets):
                in_pixels = offsets / image_config.pixel_size
                projection = projection.resize(largest).shift(in_pixels)
            return projection.resize(padded)

        is_plain = self.out_of_bounds_mode == "fill" and self.fill_value == 0
        if isinstance(kept, AffineCoordinates) and is_plain:
            return _PlaneSampler(volume, kept, finish)
        array = kept.to_array() if isinstance(kept, AffineCoordinates) else kept
        sample = self._make_array_sampler(volume, array[0])
        return lambda placement: finish(
            sample(placement.rotation)[np.newaxis], placement.offset[np.newaxis]
        ).take_the_only_one()

    def _make_array_sampler(
        self, volume: FourierVolume, frequencies: NDArray[np.float64]
    ) -> Sample:
        lengths = np.array(volume.shape[::-1])
        half_plane = _take_half_plane(frequencies)
        highest = np.where(lengths % 2 == 0, 0.5, (lengths - 1) / (2 * lengths))

        def sample(rotation: NDArray[np.float64]) -> NDArray[np.complexfloating[Any]]:
            # As rows, R^T q is q R.
            turned = half_plane @ rotation
            if self.out_of_bounds_mode == "clip":
                turned = np.clip(turned, -highest, highest)
            cells = np.moveaxis(turned * lengths + lengths // 2, -1, 0)[::-1]
            values: NDArray[Any]
            if isinstance(volume, FourierVoxelGridVolume):
                values = map_coordinates(volume.fourier_voxel_grid, cells, 1, "wrap")
            else:
                values = map_coordinates_spline(volume.spline_coefficients, cells, "wrap")
            if self.out_of_bounds_mode == "fill":
                is_beyond = np.any(np.abs(turned) > highest * (1 + ROUNDING), axis=-1)
                values[is_beyond] = self.fill_value
            return np.asarray(values)

        return sample


def _read_volume(volume: AbstractVolumeRepresentation, image_config: ImageConfig) -> FourierVolume:
    if not isinstance(volume, (FourierVoxelGridVolume, FourierVoxelSplineVolume)):
        msg = (
            "volume_representation: expected a FourierVoxelGridVolume or a "
            f"FourierVoxelSplineVolume, got {type(volume).__name__}"
        )
        raise TypeError(msg)
    check_pixel_size(volume.voxel_size, image_config)
    kept = CoordinatesField.kept_by(volume, "frequency_slice_in_pixels")
    if kept.shape[0] != 1:
        msg = f"frequency_slice_in_pixels: expected one slice, got {kept.shape[0]}"
        raise ValueError(msg)
    return volume


def check_pixel_size(
    voxel_size: float | tuple[float, float, float] | None, image_config: ImageConfig
) -> None:
    """Refuse images whose pixels are not the voxels of a volume.

    Raises
    ------
    ValueError
        If the volume knows its voxel size, and that is another one.
    """
    if voxel_size is None:
        return
    if not np.allclose(voxel_size, image_config.pixel_size, rtol=SAME_SIZE, atol=0.0):
        msg = (
            f"pixel_size: expected the volume's voxel size, {voxel_size} A, got "
            f"{image_config.pixel_size} A"
        )
        raise ValueError(msg)


def _read_mask(mask: AbstractMask | None, shape: tuple[int, int]) -> AbstractMask | None:
    if mask is not None and mask.get().shape != shape:
        msg = (
            f"correction_mask: expected shape {shape}, of the volume's slice, got "
            f"{mask.get().shape}"
        )
        raise ValueError(msg)
    return mask


class _PlaneSampler(AbstractProjectionInBatches):
    """Slices of a volume whose frequencies are a frame's, many together."""

    def __init__(
        self,
        volume: FourierVolume,
        frame: AffineCoordinates,
        finish: Callable[[NDArray[np.complexfloating[Any]], NDArray[np.float64]], Projection],
    ) -> None:
        self._volume, self._frame, self._finish = volume, frame, finish
        _, n_y, n_x = frame.shape
        self._shape = (n_y, n_x)
        if isinstance(volume, FourierVoxelGridVolume):
            self._values, self._order = volume.fourier_voxel_grid, 1
        else:
            self._values, self._order = volume.spline_coefficients, 3
        bytes_a_slice = self._values.itemsize * n_y * (n_x // 2 + 1)
        self.n_at_a_time = max(1, BYTES_AT_A_TIME // bytes_a_slice)

    def begin(self, placements: Sequence[Placement]) -> Callable[[int, int], Projection]:
        """Sample the slices of some placements."""
        # As rows, R^T q is q R.
        rotations = np.stack([placement.rotation for placement in placements])
        frame = np.stack([self._frame.middle, *self._frame.steps[:2]])
        halves = sample_half_planes(
            self._values, self._volume.shape, frame @ rotations, self._shape, self._order
        )
        offsets = np.stack([placement.offset for placement in placements])
        return lambda start, stop: self._finish(halves[start:stop], offsets[start:stop])


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
