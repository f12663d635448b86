"""What slices and curved surfaces of Fourier volumes have in common."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.dispatch import find_device_of
from numbavol.ndimage import map_coordinates, map_coordinates_spline
from numbavol.ndimage.resampling import find_side_for_voxel_size
from numbavol.projection.batches import AbstractProjectionInBatches, count_images_at_a_time
from numbavol.volumes import FourierVoxelGridVolume, FourierVoxelSplineVolume
from numbavol.volumes.coordinates import (
    AbstractCoordinates,
    AffineCoordinates,
    CoordinatesField,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
    from numbavol.projection.base import AbstractVolumeIntegrator
    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.projection.projections import Placement, Projection
    from numbavol.volumes import AbstractVolumeRepresentation

    FourierVolume = FourierVoxelGridVolume | FourierVoxelSplineVolume
    Transforms = NDArray[np.complexfloating[Any]]
    # Values or coefficients of a volume, its shape, frames (n, 3, 3) in cycles a voxel, the shape
    # of a slice, and the order of interpolation.
    SampleFrames = Callable[
        [Transforms, tuple[int, int, int], NDArray[np.float64], tuple[int, int], int], Transforms
    ]
    # Transforms (n, y, x), and offsets (n, 2) in angstroms.
    Finish = Callable[[Transforms, NDArray[np.float64]], Projection]

MODES = ("fill", "clip", "wrap")
# Of frequencies that were turned.
ROUNDING = 1e-13
# They take no longer than waking a thread: those of a small image (scripts/bench scaling).
FEW_SAMPLES = 2**14
# A header keeps a voxel size as the length of a box in float32.
SAME_SIZE = 1e-5


def check_out_of_bounds(mode: str, fill_value: complex) -> None:
    """Check what is to be beyond the frequencies of a volume.

    Raises
    ------
    ValueError
        If the mode is another one, or the value is not finite.
    """
    if mode not in MODES:
        msg = f"out_of_bounds_mode: expected one of {MODES}, got {mode!r}"
        raise ValueError(msg)
    if not np.isfinite(complex(fill_value)):
        msg = f"fill_value: expected a finite number, got {fill_value!r}"
        raise ValueError(msg)


def read_fourier_volume(
    volume: AbstractVolumeRepresentation, image_config: ImageConfig
) -> tuple[FourierVolume, AbstractCoordinates]:
    """Read a volume that slices are taken of, and the frequencies of its slice.

    Raises
    ------
    TypeError
        If it is of another kind.
    ValueError
        If it has several slices, or its voxels are not the pixels of the images.
    """
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
    return volume, kept


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


def check_is_cpu(integrator: AbstractVolumeIntegrator) -> None:
    """Refuse frequencies one by one on CUDA.

    Raises
    ------
    NotImplementedError
        If the integrator is to work there.
    """
    if integrator.device != "cpu":
        msg = (
            f"device: {type(integrator).__name__} on {integrator.device!r} takes a volume's own "
            "frequency slice and the out_of_bounds_mode 'fill' with 0 alone so far"
        )
        raise NotImplementedError(msg)


def sample_at_frequencies(
    volume: FourierVolume,
    frequencies: NDArray[np.float64],
    kept: AbstractCoordinates,
    mode: str,
    fill_value: complex,
    finish: Finish,
) -> Prepared:
    """Make projections of a volume by sampling it at frequencies that a pose turns.

    Parameters
    ----------
    volume
        The volume.
    frequencies
        ``(y, x, 3)`` in cycles a voxel, in the order of the transform.
    kept
        The slice that they are of.
    mode, fill_value
        What is beyond the frequencies of the volume.
    finish
        Makes projections of transforms.
    """
    lengths = np.array(volume.shape[::-1])
    highest = np.where(lengths % 2 == 0, 0.5, (lengths - 1) / (2 * lengths))

    def project(placement: Placement) -> Projection:
        turned = frequencies @ kept.find_turns(placement.rotation)
        if mode == "clip":
            turned = np.clip(turned, -highest, highest)
        cells = np.moveaxis(turned * lengths + lengths // 2, -1, 0)[::-1]
        values: Transforms
        if isinstance(volume, FourierVoxelGridVolume):
            values = np.asarray(map_coordinates(volume.fourier_voxel_grid, cells, 1, "wrap"))
        else:
            values = np.asarray(map_coordinates_spline(volume.spline_coefficients, cells, "wrap"))
        if mode == "fill":
            is_beyond = np.any(np.abs(turned) > highest * (1 + ROUNDING), axis=-1)
            values[is_beyond] = fill_value
        return finish(values[np.newaxis], placement.offset[np.newaxis]).take_the_only_one()

    return project


class FrameSampler(AbstractProjectionInBatches):
    """Projections of a volume whose frequencies are a frame's, many sampled together.

    Parameters
    ----------
    volume
        The volume.
    frame
        The frequencies of its slice.
    sample
        Samples the volume on turned frames.
    finish
        Makes projections of transforms.
    device
        Where they are sampled.
    n_samples
        Of a slice, and of the transform of an image that is made of it.
    """

    def __init__(
        self,
        volume: FourierVolume,
        frame: AffineCoordinates,
        sample: SampleFrames,
        finish: Finish,
        device: Device,
        n_samples: tuple[int, int],
    ) -> None:
        self._volume, self._frame, self._sample, self._finish = volume, frame, sample, finish
        self.device = device
        _, n_y, n_x = frame.shape
        self._shape = (n_y, n_x)
        if isinstance(volume, FourierVoxelGridVolume):
            self._values, self._order = device.send(volume.fourier_voxel_grid), 1
        else:
            self._values, self._order = device.send(volume.spline_coefficients), 3
        if device.name == "cpu":
            self.n_on_one_thread = FEW_SAMPLES // n_samples[0]
        # A device makes the images of all slices at once, a processor those of a few.
        n_held = n_samples[0] if device.name == "cpu" else max(n_samples)
        self.n_at_a_time = count_images_at_a_time(device, self._values.itemsize * n_held)

    def begin(
        self, rotations: NDArray[np.float64], offsets: NDArray[np.float64]
    ) -> Callable[[int, int], Projection]:
        """Sample the transforms of some poses."""
        frame = np.stack([self._frame.middle, *self._frame.steps[:2]])
        turned = frame @ self._frame.find_turns(rotations)
        transforms = self._sample(
            self._values, self._volume.shape, turned, self._shape, self._order
        )
        return lambda start, stop: self._finish(transforms[start:stop], offsets[start:stop])


def are_cubes(voxel_size: Sequence[float]) -> bool:
    """Tell whether voxels have one size along all axes, as headers keep it."""
    return np.allclose(voxel_size, voxel_size[0], rtol=SAME_SIZE, atol=0.0)


def describe_resampling(
    shape: tuple[int, ...], voxel_size: Sequence[float], pixel_size: float | None
) -> str:
    """Say what images a map of other voxels, in the words of the command.

    Parameters
    ----------
    shape
        Of the map, (z, y, x).
    voxel_size
        Of the map, (x, y, z) in angstroms.
    pixel_size
        Of the images, in angstroms; None where any will do.
    """
    sizes = [] if pixel_size is None else [pixel_size]
    if not are_cubes(voxel_size):
        # The finest loses nothing of the map.
        sizes += sorted(voxel_size)
    for size in sizes:
        side = find_side_for_voxel_size(shape, voxel_size, size)
        if side is not None and all(length == side for length in shape):
            return f"numbavol filter --voxel-size {size:g} resamples it"
        if side is not None:
            return f"numbavol filter --box {side} and then --voxel-size {size:g} resample it"
    if are_cubes(voxel_size):
        return f"a pixel size of {voxel_size[0]:.7g} images it as it is"
    return (
        "no box of up to twice its longest side holds whole numbers of cubes along all axes, so "
        "numbavol filter cannot make them: interpolate it in another program"
    )


def move_and_resize(
    projection: Projection, offsets: NDArray[np.float64], image_config: ImageConfig
) -> Projection:
    """Move projections by offsets (n, 2) in angstroms, and give them the shape of the images.

    They move in the larger of the two boxes, so that what leaves the smaller one is gone.
    """
    padded = image_config.padded_shape
    largest = (max(projection.shape[0], padded[0]), max(projection.shape[1], padded[1]))
    in_pixels = offsets / image_config.pixel_size
    if largest == projection.shape:
        return projection.shift(in_pixels).resize(padded)
    # An image does not depend on which others are made with it.
    moves = np.any(offsets != 0, axis=1)
    still = projection.resize(padded)
    if not np.any(moves):
        return still
    which = find_device_of(projection.array).send(np.flatnonzero(moves))
    moving = dataclasses.replace(projection, array=projection.array[which])
    moved = moving.resize(largest).shift(in_pixels[moves]).resize(padded)
    images = still.to_image().copy()
    images[which] = moved.to_image()
    return dataclasses.replace(still, array=images, is_image=True, factor=1.0)
