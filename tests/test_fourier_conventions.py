"""The conventions of Fourier space, one test each: transforms, frequencies and shifts.

What is expected is a closed form, or an expression of NumPy.
"""

from __future__ import annotations

import naive
import numpy as np
import pytest

from numbavol import (
    EulerAnglePose,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    convert_fftn_to_rfftn,
    fftn,
    fourier_resample_to_shape,
    ifftn,
    irfftn,
    make_frequency_grid,
    make_frequency_slice,
    rfftn,
)

# Sums of at most 336 numbers of size 1, each rounded by 1e-16.
ROUNDING = 1e-12
BOTH_PARITIES = pytest.mark.parametrize("shape", [(4, 5, 6), (5, 4, 7)])


def random_map(shape):
    return np.random.default_rng(1).normal(size=shape)


def random_transform(shape):
    """Complex numbers of no symmetry."""
    return random_map(shape) + 1j * np.random.default_rng(2).normal(size=shape)


def assert_close(actual, expected, atol=ROUNDING):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=atol)


# Transforms


@BOTH_PARITIES
def test_fftn_is_numpys_of_the_array_with_its_origin_in_the_corner(shape):
    array = random_map(shape)
    assert_close(fftn(array), np.fft.fftn(np.fft.ifftshift(array)))


@BOTH_PARITIES
def test_rfftn_is_numpys_of_the_array_with_its_origin_in_the_corner(shape):
    array = random_map(shape)
    assert_close(rfftn(array), np.fft.rfftn(np.fft.ifftshift(array)))


@BOTH_PARITIES
def test_ifftn_is_numpys_with_the_origin_moved_to_the_middle(shape):
    transform = random_transform(shape)
    assert_close(ifftn(transform), np.fft.fftshift(np.fft.ifftn(transform)))


@BOTH_PARITIES
def test_irfftn_is_numpys_with_the_origin_moved_to_the_middle(shape):
    half = np.fft.rfftn(random_map(shape))
    assert_close(irfftn(half, shape), np.fft.fftshift(np.fft.irfftn(half, s=shape, axes=(0, 1, 2))))


@BOTH_PARITIES
def test_an_array_of_1_at_the_origin_has_the_transform_1(shape):
    array = np.zeros(shape)
    array[tuple(n // 2 for n in shape)] = 1
    assert_close(fftn(array), 1)
    assert_close(ifftn(np.ones(shape, complex)), array)


@pytest.mark.parametrize("n", [6, 7])
def test_a_point_at_x_has_the_phase_minus_two_pi_k_x(n):
    array = np.zeros(n)
    array[n // 2 + 2] = 1
    assert_close(fftn(array), np.exp(-2j * np.pi * np.fft.fftfreq(n) * 2))


@BOTH_PARITIES
def test_a_shift_by_x_multiplies_by_the_phase_minus_two_pi_k_x(shape):
    array, (z, y, x) = random_map(shape), (1, -2, 3)
    k = naive.frequency_vectors(shape, half=False)
    phase = np.exp(-2j * np.pi * (k @ [x, y, z]))
    assert_close(fftn(np.roll(array, (z, y, x), axis=(0, 1, 2))), fftn(array) * phase)


def test_the_forward_transform_is_not_normalised():
    array = np.arange(24.0).reshape(2, 3, 4)
    assert fftn(array)[0, 0, 0] == 276
    assert rfftn(array)[0, 0, 0] == 276


@pytest.mark.parametrize("n", [6, 7])
def test_a_half_transform_is_the_first_half_of_the_last_axis(n):
    array = random_map((4, 5, n))
    half = rfftn(array)
    assert half.shape == (4, 5, n // 2 + 1)
    assert_close(half, np.fft.fftn(np.fft.ifftshift(array))[..., : n // 2 + 1])


@BOTH_PARITIES
def test_shifted_rendered_transforms_have_zero_frequency_at_half_n_rounded_down(shape):
    render_fn = GaussianMixtureRenderFn(shape, 1.0, dtype=np.float64)
    volume = GaussianMixtureVolume([[0.3, -0.2, 0.5]], 1.0, 1.0)
    total = render_fn(volume).sum()
    full = render_fn(volume, outputs_real_space=False, fftshifted=True)
    half = render_fn(volume, outputs_real_space=False, outputs_rfft=True, fftshifted=True)
    middle = tuple(n // 2 for n in shape)
    assert full[middle] == pytest.approx(total, rel=1e-14)
    assert half[(*middle[:2], 0)] == pytest.approx(total, rel=1e-14)  # x is halved: from 0 on


# Frequencies


@BOTH_PARITIES
def test_frequencies_are_x_y_z_in_cycles_per_length(shape):
    grid = make_frequency_grid(shape, (1.0, 2.0, 4.0), outputs_rfftfreqs=False)
    n_z, n_y, n_x = shape
    assert grid.shape == (*shape, 3)
    # Quotients of numbers near 1.
    assert_close(grid[0, 0, 1], [1 / n_x, 0, 0], atol=1e-15)
    assert_close(grid[0, 1, 0], [0, 1 / (2 * n_y), 0], atol=1e-15)
    assert_close(grid[1, 0, 0], [0, 0, 1 / (4 * n_z)], atol=1e-15)
    assert_close(grid[-1, 0, 0], [0, 0, -1 / (4 * n_z)], atol=1e-15)


@BOTH_PARITIES
def test_frequencies_of_images_and_of_rows_are_x_y_and_x(shape):
    for n_axes in (1, 2):
        expected = naive.frequency_vectors(shape[:n_axes])
        np.testing.assert_allclose(make_frequency_grid(shape[:n_axes]), expected, rtol=1e-15)
        assert expected.shape[-1] == n_axes


@BOTH_PARITIES
def test_a_frequency_grid_has_the_shape_of_a_half_transform_unless_asked(shape):
    assert make_frequency_grid(shape).shape == (*np.fft.rfftn(np.ones(shape)).shape, 3)


@BOTH_PARITIES
@pytest.mark.parametrize("is_half", [True, False])
def test_a_frequency_grid_has_its_zero_in_the_corner_only(shape, is_half):
    grid = make_frequency_grid(shape, outputs_rfftfreqs=is_half)
    assert np.argwhere(np.all(grid == 0, axis=-1)).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("n", [6, 98])
def test_nyquist_is_minus_a_half_in_a_full_grid_and_a_half_in_a_half_grid(n):
    assert make_frequency_grid((n,), outputs_rfftfreqs=False)[n // 2] == [-0.5]
    assert make_frequency_grid((n,))[-1] == [0.5]


@pytest.mark.parametrize(("shape", "half"), [((4, 6), (4, 4)), ((5, 7), (5, 4))])
def test_a_half_slice_is_centred_along_y_and_starts_with_zero_along_x(shape, half):
    plane = make_frequency_slice(shape)
    assert plane.shape == (1, *half, 3)
    assert np.argwhere(np.all(plane == 0, axis=-1)).tolist() == [[0, shape[0] // 2, 0]]
    assert plane[..., 0].min() == 0


@pytest.mark.parametrize("shape", [(4, 6), (5, 7)])
def test_a_full_slice_is_centred_along_x_and_y(shape):
    plane = make_frequency_slice(shape, outputs_rfftfreqs=False)
    assert plane.shape == (1, *shape, 3)
    assert np.argwhere(np.all(plane == 0, axis=-1)).tolist() == [[0, shape[0] // 2, shape[1] // 2]]


@pytest.mark.parametrize("is_half", [True, False])
def test_a_slice_is_the_plane_of_q_z_0(is_half):
    plane = make_frequency_slice((5, 7), (2.0, 4.0), outputs_rfftfreqs=is_half)
    assert not plane[..., 2].any()
    step = plane[0, 3, 1] - plane[0, 2, 0]
    assert_close(step, [1 / (2 * 7), 1 / (4 * 5), 0], atol=1e-15)


# Half transforms. Of these shapes, these samples but the zero frequency are their own negatives.

SELF_CONJUGATE = pytest.mark.parametrize(
    ("shape", "samples"),
    [((4, 5, 6), [(2, 0, 0), (0, 0, 3), (2, 0, 3)]), ((5, 4, 7), [(0, 2, 0)]), ((5, 3, 7), [])],
)


@BOTH_PARITIES
def test_conversion_to_a_half_transform_without_a_mode_changes_no_sample(shape):
    full = random_transform(shape)
    converted = convert_fftn_to_rfftn(full, mode=None)
    np.testing.assert_array_equal(converted, full[..., : shape[2] // 2 + 1])


@SELF_CONJUGATE
@pytest.mark.parametrize("mode", ["zero", "one", "real"])
def test_conversion_changes_the_samples_that_are_their_own_negatives_alone(shape, samples, mode):
    full = random_transform(shape)
    expected = full[..., : shape[2] // 2 + 1].copy()
    for index in samples:
        expected[index] = {"zero": 0, "one": 1, "real": full[index].real}[mode]
    np.testing.assert_array_equal(convert_fftn_to_rfftn(full, mode=mode), expected)


@pytest.mark.parametrize("mode", ["zero", "one", "real", None])
def test_conversion_leaves_the_zero_frequency(mode):
    assert convert_fftn_to_rfftn(np.full((4, 4), 2 + 3j), mode=mode)[0, 0] == 2 + 3j


# Translation


def translate(transform, shape, offset, pixel_size=1.0):
    pose = EulerAnglePose(*offset)
    ramp = pose.compute_translation_operator(naive.frequency_vectors(shape, pixel_size))
    return pose.translate_image(transform, ramp, shape)


def test_a_translation_multiplies_by_the_phase_minus_two_pi_q_t():
    q = naive.frequency_vectors((5, 7), 1.5)
    expected = np.exp(-2j * np.pi * (q[..., 0] * 2.2 + q[..., 1] * -0.7))
    assert_close(translate(np.ones((5, 4)), (5, 7), (2.2, -0.7), 1.5), expected)


def test_an_axis_multiplies_its_nyquist_frequency_by_the_cosine_of_pi_t():
    t_x, t_y = 0.3, -1.2
    shifted = translate(np.ones((4, 4)), (4, 6), (t_x, t_y))
    q_x, q_y = np.fft.rfftfreq(6), np.fft.fftfreq(4)
    along_x, along_y = np.exp(-2j * np.pi * q_x * t_x), np.exp(-2j * np.pi * q_y * t_y)
    along_x[3], along_y[2] = np.cos(np.pi * t_x), np.cos(np.pi * t_y)
    assert_close(shifted, along_y[:, np.newaxis] * along_x)


@pytest.mark.parametrize("shape", [(4, 6), (5, 6), (4, 7), (5, 7)])
def test_a_shift_by_whole_pixels_is_a_roll_toward_positive_x_and_y(shape):
    image, pixel_size = random_map(shape), 1.5
    shifted = translate(np.fft.rfft2(image), shape, (2 * pixel_size, -pixel_size), pixel_size)
    assert_close(np.fft.irfft2(shifted, s=shape), np.roll(image, (-1, 2), axis=(0, 1)))


@pytest.mark.parametrize("shape", [(4, 6), (5, 6), (4, 7), (5, 7)])
def test_a_shifted_image_is_real(shape):
    shifted = translate(np.fft.rfft2(random_map(shape)), shape, (0.3, -1.2))
    # The way there and back drops what no real image has.
    assert_close(np.fft.rfft2(np.fft.irfft2(shifted, s=shape)), shifted)


# Resampling


@pytest.mark.parametrize(("n", "m"), [(5, 8), (6, 9), (8, 6), (9, 5)])
def test_resampling_keeps_values_and_voxel_half_n_rounded_down(n, m):
    def wave(length):
        return 3 + np.sin(2 * np.pi * (np.arange(length) - length // 2) / length + 0.7)

    assert_close(fourier_resample_to_shape(wave(n), (m,)), wave(m))


# A half transform has no negative frequencies along its last axis, and all along the others.
COLUMN_AND_ROW = pytest.mark.parametrize("shape", [(-1, 1), (1, -1)])


@COLUMN_AND_ROW
def test_a_finer_grid_has_half_of_the_nyquist_coefficient_at_each_end(shape):
    # A cosine, where a coefficient at one end would be a complex wave, and real no more.
    coarse, cosine = np.array([1.0, -1, 1, -1]), np.cos(np.pi * (np.arange(8) - 4) / 2)
    finer = cosine.reshape(shape)
    assert_close(fourier_resample_to_shape(coarse.reshape(shape), finer.shape), finer)


@COLUMN_AND_ROW
def test_a_coarser_grid_adds_the_ends_to_its_nyquist_coefficient(shape):
    cosine, coarse = np.cos(np.pi * (np.arange(8) - 4) / 2), np.array([1.0, -1, 1, -1])
    coarser = coarse.reshape(shape)
    assert_close(fourier_resample_to_shape(cosine.reshape(shape), coarser.shape), coarser)
