"""What tests of Fourier slices share: random maps, and their slices by SciPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import strategies as st

from numbavol import (
    EulerAnglePose,
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    ImageConfig,
    project,
    resize_with_crop_or_pad,
)

# Of sums of up to 24^3 numbers of size 1 in float64, each rounded by 1e-16, and of their spline's
# coefficients, up to 27 times larger.
ROUNDING = 1e-11
POSE = EulerAnglePose(0, 0, 20, 50, 70)
KINDS = pytest.mark.parametrize("kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume])
# Cubes and others, odd and even along each axis.
SHAPES = pytest.mark.parametrize(
    "shape", [(6, 6, 6), (7, 7, 7), (4, 5, 6), (5, 4, 7), (8, 3, 4), (3, 8, 5), (1, 2, 3)]
)
lengths = st.integers(1, 9)
shapes = st.tuples(lengths, lengths, lengths)
kinds = st.sampled_from([FourierVoxelGridVolume, FourierVoxelSplineVolume])


def random_map(shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def random_grid(shape):
    """Complex numbers of no symmetry."""
    return random_map(shape) + 1j * random_map(shape, seed=2)


def assert_close(actual, expected, atol=ROUNDING):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


def square_config(volume, pixel_size=1.0, **options):
    side = max(volume.shape)
    return ImageConfig((side, side), pixel_size, **options)


def integrate(volume, config=None, **options):
    return FourierSliceExtraction(**options).integrate(
        volume, config or square_config(volume), outputs_real_space=True
    )


def project_exactly(volume, pose, config, **options):
    """In float64."""
    out = np.empty(config.shape)
    return project(volume, pose, config, integrator=FourierSliceExtraction(**options), out=out)


def sum_over_z(values):
    """In the square of the longest axis: the transform is of zeros beyond the map."""
    side = max(values.shape)
    return resize_with_crop_or_pad(values.sum(0), (side, side))


def volume_of_grid(kind, grid, frequencies):
    """With coordinates that are no frame."""
    if kind is FourierVoxelGridVolume:
        return kind(grid, frequencies)
    parts = [scipy.ndimage.spline_filter(part, mode="grid-wrap") for part in (grid.real, grid.imag)]
    return kind(np.pad(parts[0] + 1j * parts[1], 1, mode="wrap"), frequencies)


def plane_of_frequencies(shape, scale=1.0):
    y, x = np.indices(shape)
    q = np.zeros((1, *shape, 3))
    q[0, :, :, 0] = scale * (x - shape[1] // 2) / shape[1]
    q[0, :, :, 1] = scale * (y - shape[0] // 2) / shape[0]
    return q


def sample(grid, frequencies, order, mode="fill", fill_value=0.0):
    """SciPy's, at frequencies (..., 3); the Nyquist plane belongs to both ends of an even axis."""
    lengths = np.array(grid.shape[::-1])
    highest = np.where(lengths % 2 == 0, 0.5, (lengths - 1) / (2 * lengths))
    is_beyond = np.any(np.abs(frequencies) > highest + 1e-12, axis=-1)
    if mode == "clip":
        frequencies = np.clip(frequencies, -highest, highest)
    places = np.moveaxis(frequencies * lengths + lengths // 2, -1, 0)[::-1]
    options = {"order": order, "mode": "grid-wrap"}
    samples = scipy.ndimage.map_coordinates(grid.real, places, **options)
    samples = samples + 1j * scipy.ndimage.map_coordinates(grid.imag, places, **options)
    return np.where(is_beyond, fill_value, samples) if mode == "fill" else samples


def compute_half(grid, plane, kind, **options):
    """The half transform, zero in the corner, of a centred plane of an odd number of columns."""
    order = 1 if kind is FourierVoxelGridVolume else 3
    n_y, n_x = plane.shape[1:3]
    assert n_x % 2 == 1
    half = np.fft.ifftshift(sample(grid, plane[0, :, n_x // 2 :], order, **options), axes=0)
    for row in {0, n_y // 2} if n_y % 2 == 0 else {0}:
        half[row, 0] = half[row, 0].real
    return half


def given_as_an_array(volume):
    return dataclasses.replace(
        volume, frequency_slice_in_pixels=np.array(volume.frequency_slice_in_pixels)
    )
