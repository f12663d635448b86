"""What a half transform is still to be moved by and multiplied by, until it is asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol.projection.fourier_sampling import move_and_resize
from numbavol.projection.projections import ComplexProjection, Projection

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))


def draw(shape, n=2):
    images = np.random.default_rng(5).standard_normal((n, *shape))
    return images, np.fft.rfft2(np.fft.ifftshift(images, axes=(-2, -1)))


@given(SHAPES, st.sampled_from([1.0, 2.5, -0.5]))
def test_every_way_out_has_the_factor(shape, factor):
    images, halves = draw(shape)
    projection = Projection(halves, shape, is_image=False, factor=factor)
    expected = factor * images
    np.testing.assert_allclose(projection.to_image(), expected, atol=1e-13)
    np.testing.assert_allclose(projection.to_transform(), factor * halves, atol=1e-12)
    np.testing.assert_allclose(
        projection.to_transform_from_first_pixel(), np.fft.rfft2(expected), atol=1e-12
    )


@given(SHAPES, st.tuples(st.integers(-3, 3), st.integers(-3, 3)))
def test_what_was_moved_has_the_factor_once(shape, offset):
    images, halves = draw(shape)
    expected = 3.0 * np.roll(images, offset[::-1], axis=(1, 2))
    for start in (
        Projection(halves, shape, is_image=False, factor=3.0),
        Projection(3.0 * images, shape, is_image=True),
        # What an image is still to be moved by, and multiplied by, was done.
        Projection(3.0 * images, shape, True, np.array([1.0, 1.0]), 7.0),  # noqa: FBT003
    ):
        moved = start.shift(np.array(offset, float)).shift(np.zeros(2))
        np.testing.assert_allclose(moved.to_image(), expected, atol=1e-12)
        np.testing.assert_allclose(
            moved.to_transform_from_first_pixel(), np.fft.rfft2(expected), atol=1e-12
        )


def test_the_only_one_has_the_factor():
    images, halves = draw((4, 5), n=1)
    several = Projection(halves, (4, 5), is_image=False, factor=3.0).shift(np.array([1.0, 0.0]))
    expected = 3.0 * np.roll(images[0], 1, axis=1)
    np.testing.assert_allclose(several.take_the_only_one().to_image(), expected, atol=1e-13)


def test_resizing_applies_the_factor_once():
    images, halves = draw((4, 5))
    resized = Projection(halves, (4, 5), is_image=False, factor=2.0).resize((6, 6))
    assert (resized.is_image, resized.factor) == (True, 1.0)
    np.testing.assert_allclose(resized.to_image()[:, 1:5, 1:6], 2.0 * images, atol=1e-13)


@pytest.mark.parametrize("shape", [(4, 5), (8, 8)])
def test_images_of_which_some_move_have_the_factor_once(shape):
    images, halves = draw((6, 6), n=3)
    # Whole pixels of 2 A; what leaves the larger box is gone.
    offsets = np.array([[0.0, 0.0], [2.0, -2.0], [0.0, 0.0]])
    config = numbavol.ImageConfig(shape, 2.0)
    moved = move_and_resize(
        Projection(halves, (6, 6), is_image=False, factor=2.0), offsets, config
    )  # fmt: skip
    found = moved.shift(np.zeros(2)).to_image()
    padded = np.pad(2.0 * images, ((0, 0), (8, 8), (8, 8)))
    padded[1] = np.roll(padded[1], (-1, 1), axis=(0, 1))
    if max(shape) < 6:
        # Smaller images move in the volume's box, where what leaves comes in at the other side.
        padded[1, 8:14, 8:14] = np.roll(2.0 * images[1], (-1, 1), axis=(0, 1))
    y, x = (11 - n // 2 for n in shape)
    np.testing.assert_allclose(found, padded[:, y : y + shape[0], x : x + shape[1]], atol=1e-12)


def test_complex_projections_have_the_factor():
    rng = np.random.default_rng(6)
    images = rng.standard_normal((2, 4, 5)) + 1j * rng.standard_normal((2, 4, 5))
    whole = np.fft.fft2(np.fft.ifftshift(images, axes=(-2, -1)))
    projection = ComplexProjection(whole, (4, 5), is_image=False, factor=0.5)
    np.testing.assert_allclose(projection.to_image(), 0.5 * images, atol=1e-13)
    np.testing.assert_allclose(projection.to_transform(), 0.5 * whole, atol=1e-13)


@pytest.mark.parametrize("integrator", [
    numbavol.FourierSliceExtraction(), numbavol.EwaldSphereExtraction(),
])  # fmt: skip
def test_integrals_are_sums_times_the_pixel_size(integrator):
    grid = np.random.default_rng(7).standard_normal((6, 6, 6))
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(grid)
    config = numbavol.ImageConfig((6, 6), 1.5)
    sums = dataclasses.replace(integrator, outputs_integral=False)
    for outputs_real_space in (True, False):
        found, expected = (
            each.integrate(volume, config, outputs_real_space=outputs_real_space)
            for each in (integrator, sums)
        )
        np.testing.assert_allclose(found, 1.5 * expected, atol=1e-12)
