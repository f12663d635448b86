"""Shifting an image by a pose's offset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numbavol.poses import EulerAnglePose, QuaternionPose

# A transform of up to 144 values below 1, there and back: a few hundred roundings of 1e-16. The
# phase of a shift by n pixels rounds by n * 1e-16.
ROUNDING = 1e-12

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
few = settings(deadline=None, max_examples=80)


def make_image(shape):
    return np.random.default_rng(shape).uniform(size=shape)


def make_frequencies(shape, pixel_size=1.0):
    q_x, q_y = np.fft.rfftfreq(shape[1], pixel_size), np.fft.fftfreq(shape[0], pixel_size)
    return np.stack(np.meshgrid(q_x, q_y), axis=-1)


def translate(fourier_image, shape, t_x, t_y, pixel_size=1.0):
    pose = EulerAnglePose(t_x, t_y)
    ramp = pose.compute_translation_operator(make_frequencies(shape, pixel_size))
    return pose.translate_image(fourier_image, ramp, shape)


def test_the_operator_is_the_phase_of_each_frequency():
    frequencies = np.random.default_rng(1).normal(size=(4, 5, 2))
    operator = EulerAnglePose(1.5, -2.5, 20, 50, 70).compute_translation_operator(frequencies)
    assert operator.shape == (4, 5)
    assert operator.dtype == np.dtype(np.complex128)
    for y in range(4):
        for x in range(5):
            q_x, q_y = frequencies[y, x]
            expected = np.exp(-2j * np.pi * (q_x * 1.5 - q_y * 2.5))
            assert operator[y, x] == pytest.approx(expected, abs=ROUNDING)


def test_the_offset_along_z_moves_no_image():
    frequencies = make_frequencies((4, 6))
    flat, deep = QuaternionPose(1, 2), QuaternionPose(1, 2, offset_z_in_angstroms=30)
    np.testing.assert_array_equal(
        flat.compute_translation_operator(frequencies),
        deep.compute_translation_operator(frequencies),
    )


@few
@given(shapes, st.integers(-30, 30), st.integers(-30, 30), st.sampled_from([1.0, 0.5, 1.3]))
def test_whole_pixel_translation_is_a_roll(shape, x, y, pixel_size):
    image = make_image(shape)
    shifted = translate(np.fft.rfft2(image), shape, x * pixel_size, y * pixel_size, pixel_size)
    expected = np.fft.rfft2(np.roll(image, (y, x), axis=(0, 1)))
    np.testing.assert_allclose(shifted, expected, atol=ROUNDING)


@few
@given(shapes, st.floats(-9, 9), st.floats(-9, 9))
def test_a_translated_image_is_real(shape, x, y):
    shifted = translate(np.fft.rfft2(make_image(shape)), shape, x, y)
    # Only the half transform of a real image survives the way there and back.
    again = np.fft.rfft2(np.fft.irfft2(shifted, s=shape))
    np.testing.assert_allclose(again, shifted, atol=ROUNDING)


@few
@given(shapes, st.floats(-9, 9), st.floats(-9, 9), st.data())
def test_a_translated_wave_is_the_wave_at_the_shifted_place(shape, t_x, t_y, data):
    n_y, n_x = shape
    k_x = data.draw(st.integers(0, n_x // 2))
    k_y = data.draw(st.integers(0, n_y // 2))
    x, y = np.arange(n_x), np.arange(n_y)[:, np.newaxis]

    def wave(x, y):
        return np.cos(2 * np.pi * k_x * x / n_x) * np.cos(2 * np.pi * k_y * y / n_y)

    shifted = translate(np.fft.rfft2(wave(x, y)), shape, t_x, t_y)
    np.testing.assert_allclose(
        np.fft.irfft2(shifted, s=shape), wave(x - t_x, y - t_y), atol=ROUNDING
    )


def test_positive_offsets_move_density_toward_positive_x_and_y():
    image = np.zeros((5, 6))
    image[1, 2] = 1
    shifted = np.fft.irfft2(translate(np.fft.rfft2(image), (5, 6), 2.0, 1.0), s=(5, 6))
    assert np.unravel_index(shifted.argmax(), shifted.shape) == (2, 4)


@pytest.mark.parametrize(
    ("dtype", "expected"), [("<c8", "c8"), (">c8", "c8"), ("<c16", "c16"), (">c16", "c16")]
)
def test_translation_keeps_the_precision_and_changes_no_input(dtype, expected):
    fourier_image = np.fft.rfft2(make_image((4, 6))).astype(dtype)
    operator = EulerAnglePose(0.5, 1).compute_translation_operator(make_frequencies((4, 6)))
    before = fourier_image.copy(), operator.copy()
    fourier_image.setflags(write=False)
    operator.setflags(write=False)
    shifted = EulerAnglePose().translate_image(fourier_image, operator, (4, 6))
    assert shifted.dtype == np.dtype(expected)
    np.testing.assert_array_equal(fourier_image, before[0])
    np.testing.assert_array_equal(operator, before[1])
    exact = translate(np.fft.rfft2(make_image((4, 6))), (4, 6), 0.5, 1)
    tolerance = 1e-5 if expected == "c8" else ROUNDING  # float32 rounds values up to 24 by 1e-6
    np.testing.assert_allclose(shifted, exact, atol=tolerance)


def test_an_operator_in_single_precision_will_do():
    frequencies = make_frequencies((4, 6))
    operator = EulerAnglePose(2, 1).compute_translation_operator(frequencies).astype(np.complex64)
    image = make_image((4, 6))
    shifted = EulerAnglePose().translate_image(np.fft.rfft2(image), operator, (4, 6))
    expected = np.fft.rfft2(np.roll(image, (1, 2), axis=(0, 1)))
    np.testing.assert_allclose(shifted, expected, atol=1e-5)  # as above


@pytest.mark.parametrize("shape", [(4, 6, 2), (4, 4, 1), (6,), (6, 4)])
def test_an_operator_or_image_of_another_shape_is_an_error(shape):
    operator = np.ones((4, 4), complex)
    with pytest.raises(ValueError, match=r"fourier_image: expected shape \(4, 4\), .* \(4, 6\)"):
        EulerAnglePose().translate_image(np.ones(shape), operator, (4, 6))
    with pytest.raises(ValueError, match=r"translation_operator: expected shape \(4, 4\), .*got"):
        EulerAnglePose().translate_image(operator, np.ones(shape), (4, 6))


@pytest.mark.parametrize("shape", [(4,), (4, 6, 8), (0, 6)])
def test_a_shape_of_no_image_is_an_error(shape):
    with pytest.raises(ValueError, match=r"shape: expected two positive numbers \(y, x\), got"):
        EulerAnglePose().translate_image(np.ones((4, 4)), np.ones((4, 4)), shape)


def test_a_centred_operator_is_an_error():
    frequencies = np.fft.fftshift(make_frequencies((4, 6)), axes=0)
    operator = EulerAnglePose(0.3, 0.4).compute_translation_operator(frequencies)
    with pytest.raises(ValueError, match="translation_operator: expected zero frequency in the c"):
        EulerAnglePose().translate_image(np.ones((4, 4)), operator, (4, 6))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (1, 4, 6, 2)])
def test_a_frequency_grid_of_another_shape_is_an_error(shape):
    with pytest.raises(
        ValueError, match=r"frequency_grid_in_angstroms: expected shape \(y, x, 2\)"
    ):
        EulerAnglePose().compute_translation_operator(np.ones(shape))
