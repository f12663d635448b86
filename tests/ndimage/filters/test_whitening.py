"""Filters that make the power of images flat."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import specimens
import strategies
from hypothesis import given
from hypothesis import strategies as st

from numbavol import fftn, irfftn, rfftn
from numbavol.ndimage.filters import WhiteningFilter

shapes = strategies.image_and_map_shapes(longest=8)
seeds = st.integers(0, 2**32 - 1)


def average_power(transform, n_pixels, radius):
    """The mean of ``|F|^2 / N`` over each ring or shell of a full transform."""
    power = np.abs(transform) ** 2 / n_pixels
    shells = np.unique(radius)
    return np.array([power[radius == shell].mean() for shell in shells])


def measure_radius(shape):
    grid = naive.frequency_vectors(shape, half=False)
    return np.floor(np.sqrt((grid**2).sum(-1)) * max(shape) + 0.5 + 1e-9).astype(int)


@given(shapes, seeds)
def test_whitening_makes_the_radial_power_flat(shape, seed):
    image = specimens.make_real(shape, seed) + 3.0
    filter_ = WhiteningFilter(image[None], interpolation_mode="nearest")
    radius = measure_radius(shape)
    power = average_power(filter_(fftn(image)), image.size, radius)
    np.testing.assert_allclose(power[1:], 1.0, rtol=1e-12)
    assert power[0] == 0
    white = irfftn(filter_(rfftn(image)), shape)
    np.testing.assert_allclose(white.mean(), 0, atol=1e-13)
    np.testing.assert_allclose((white**2).mean(), 1 - 1 / image.size, rtol=1e-12)


@given(shapes, seeds, st.floats(0.01, 100.0))
def test_whitening_is_the_inverse_of_the_amplitude(shape, seed, scale):
    image = specimens.make_real(shape, seed)
    image /= max(image.std(), 1e-3)
    radius = measure_radius(shape)
    expected = average_power(fftn(image), image.size, radius)
    inverse = WhiteningFilter(image[None], interpolation_mode="nearest")
    array = inverse(np.ones(shape))
    for shell, power in zip(np.unique(radius)[1:], expected[1:], strict=True):
        np.testing.assert_allclose(array[radius == shell], power**-0.5, rtol=1e-10)
    squared = WhiteningFilter(image[None], interpolation_mode="nearest", outputs_squared=True)
    np.testing.assert_allclose(squared.get(), inverse.get() ** 2, rtol=1e-12)
    scaled = WhiteningFilter(image[None] * scale, interpolation_mode="nearest")
    np.testing.assert_allclose(scaled.get(), inverse.get() / scale, rtol=1e-9)


def test_powers_of_a_stack_are_averaged():
    stack = specimens.make_real((3, 9, 8))
    filters = [WhiteningFilter(image, outputs_squared=True) for image in stack]
    averaged = WhiteningFilter(stack, outputs_squared=True).get()[0, 1:]
    expected = np.mean([1 / filter_.get()[0, 1:] for filter_ in filters], axis=0)
    np.testing.assert_allclose(1 / averaged, expected, rtol=1e-12)


def make_coloured_noise(shape, seed):
    k = np.sqrt((naive.frequency_vectors(shape) ** 2).sum(-1))
    amplitude = np.exp(-10 * k**2)
    return irfftn(amplitude * rfftn(specimens.make_real(shape, seed)), shape) + 100, amplitude


def test_linear_interpolation_follows_a_smooth_spectrum():
    stack, amplitude = zip(*(make_coloured_noise((64, 64), i) for i in range(200)), strict=True)
    filter_ = WhiteningFilter(np.stack(stack))
    assert np.count_nonzero(filter_.get() == 0) == 1
    # But for the ring in the corners, which has no next one.
    radius = np.sqrt((naive.frequency_vectors((64, 64)) ** 2).sum(-1)) * 64
    kept = (radius > 0) & (radius < 44)
    # 200 images of four or more samples a ring: 1/sqrt(2 * 800) is 2.5 %, and three times it.
    ratio = (filter_.get() * amplitude[0])[kept]
    np.testing.assert_allclose(ratio, 1.0, atol=0.08)
    nearest = WhiteningFilter(np.stack(stack), interpolation_mode="nearest")
    others = (nearest.get() * amplitude[0])[kept]
    assert np.abs(ratio - 1).mean() < np.abs(others - 1).mean()


@pytest.mark.parametrize("shape", [(32, 32), (33, 90), (128, 128)])
def test_a_whitening_filter_for_another_shape_is_the_same_function_of_frequency(shape):
    stack = np.stack([make_coloured_noise((64, 64), i)[0] for i in range(20)])
    filter_ = WhiteningFilter(stack, shape)
    assert filter_.shape == shape
    assert filter_.get().shape == (shape[0], shape[1] // 2 + 1)
    original = WhiteningFilter(stack).get()
    for x, x_original in [(shape[1] // 2, 32), (shape[1] // 4, 16)]:
        if shape[1] % 4 == 0:
            np.testing.assert_allclose(filter_.get()[0, x], original[0, x_original], rtol=1e-12)
    assert filter_.get()[0, 0] == 0
    # The mean of 100 is no part of the frequencies next to 0.
    assert np.all(filter_.get().ravel()[1:] > 0.5)


def test_whitening_of_a_volume():
    volume = specimens.make_real((8, 9, 10))
    filter_ = WhiteningFilter.from_volume(volume, interpolation_mode="nearest")
    assert filter_.shape == (8, 9, 10)
    power = average_power(filter_(fftn(volume)), volume.size, measure_radius((8, 9, 10)))
    np.testing.assert_allclose(power[1:], 1.0, rtol=1e-12)
    other = WhiteningFilter.from_volume(volume, [4, 4, 4], outputs_squared=True)
    assert other.get().shape == (4, 4, 3)
    assert other.outputs_squared
    with pytest.raises(ValueError, match=r"volume: expected 3 axes, got shape \(8, 9\)"):
        WhiteningFilter.from_volume(volume[..., 0])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("mean", [0.0, 1.0, 1e4])
def test_rounding_errors_are_not_amplified(dtype, mean):
    # Nothing but the mean, and a wave of one frequency.
    x = np.arange(64) % 16 * np.ones((64, 1))
    image = (mean + np.cos(2 * np.pi * x / 16)).astype(dtype)
    array = WhiteningFilter(image, interpolation_mode="nearest").get()
    assert array.dtype == np.dtype(dtype)
    radius = np.rint(np.sqrt((naive.frequency_vectors((64, 64)) ** 2).sum(-1)) * 64)
    assert np.all(array[radius == 4] > 0)
    if not (dtype == "f4" and mean == 1e4):
        assert np.all(array[radius != 4] == 0)
    np.testing.assert_array_equal(WhiteningFilter(np.full((5, 4), mean, dtype)).get(), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(4),), r"image_or_image_stack: expected 2 or 3 or 4 axes, got shape \(4,\)"),
        ((np.ones((0, 4, 4)),), r"image_or_image_stack: expected an array with .* \(0, 4, 4\)"),
        ((np.ones((4, 4)) * 1j,), "image_or_image_stack: expected real numbers"),
        ((np.full((4, 4), np.nan),), "image_or_image_stack: expected finite values"),
        ((np.ones((4, 4)), (4, 4, 4)), "shape: expected 2 axes, as the image has"),
        ((np.ones((4, 4)), (4, 0)), "shape: expected 2 whole numbers above 0"),
        ((np.ones((4, 4)), 4), "shape: expected two or three whole numbers"),
    ],
)
def test_what_cannot_be_whitened_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        WhiteningFilter(*arguments)


def test_an_unknown_interpolation_is_an_error():
    with pytest.raises(ValueError, match="interpolation_mode: expected 'nearest' or 'linear', got"):
        WhiteningFilter(np.ones((4, 4)), interpolation_mode="cubic")


def test_images_of_long_double_are_read_in_double_precision():
    image = specimens.make_real((6, 7), 3)
    long = WhiteningFilter(image.astype(np.longdouble)).get()
    np.testing.assert_array_equal(long, WhiteningFilter(image).get())
    assert long.dtype == np.float64


def test_a_word_is_not_taken_for_the_square():
    with pytest.raises(TypeError, match="outputs_squared: expected True or False, got 'no'"):
        WhiteningFilter(specimens.make_real((4, 4), 0), outputs_squared="no")
