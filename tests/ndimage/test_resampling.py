"""Resampling through Fourier transforms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.resampling import (
    find_side_for_voxel_size,
    fourier_crop_downsample,
    fourier_crop_downsample_to_shape,
    fourier_resample_to_shape,
    rescale_voxel_size,
)
from numbavol.ndimage.transforms import fftn, rfftn

# Values below about 10 through two transforms of at most 1000 samples each.
ATOL = 1e-12

sides = st.integers(1, 10)
dtypes = st.sampled_from([np.float64, np.complex128])


@st.composite
def two_shapes(draw):
    """Any two shapes, every parity: each axis may become longer or shorter, or stay."""
    n_axes = draw(st.integers(1, 3))
    return tuple(tuple(draw(sides) for _ in range(n_axes)) for _ in range(2))


@st.composite
def nested_shapes(draw):
    shapes = draw(two_shapes())
    return tuple(map(min, *shapes)), tuple(map(max, *shapes))


def make_array(shape, dtype=np.float64, seed=0):
    rng = np.random.default_rng((seed, *shape))
    array = rng.uniform(-1, 1, shape)
    return array + 1j * rng.uniform(-1, 1, shape) if dtype == np.complex128 else array


def assert_close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=ATOL, strict=True)


def sample_waves(shape, cycles, amplitudes):
    """Of waves with a period of the box, each of a vector of cycles a box (x, y, z)."""
    places = make_coordinate_grid(shape, 1 / np.array(shape[::-1]))
    return np.exp(2j * np.pi * places @ np.transpose(cycles)) @ amplitudes


@st.composite
def waves(draw, shapes):
    """Vectors of cycles below the Nyquist frequency of every shape."""
    n_waves = draw(st.integers(1, 4))
    most = [(min(lengths) - 1) // 2 for lengths in zip(*shapes, strict=True)][::-1]
    cycles = [[draw(st.integers(-k, k)) for k in most] for _ in range(n_waves)]
    return np.array(cycles), make_array((n_waves,), np.complex128)


@pytest.mark.parametrize("is_real", [True, False])
@given(data=st.data(), shapes=two_shapes())
def test_band_limited_waves_are_sampled_exactly(is_real, data, shapes):
    cycles, amplitudes = data.draw(waves(shapes))
    old, new = (sample_waves(shape, cycles, amplitudes) for shape in shapes)
    if is_real:
        old, new = old.real, new.real
    assert_close(fourier_resample_to_shape(old, shapes[1]), new)


@given(shapes=two_shapes(), data=st.data())
def test_the_mean_square_of_band_limited_waves_is_kept(shapes, data):
    array = sample_waves(shapes[0], *data.draw(waves(shapes)))
    resampled = fourier_resample_to_shape(array, shapes[1])
    expected = np.mean(np.abs(array) ** 2)
    assert np.mean(np.abs(resampled) ** 2) == pytest.approx(expected, rel=1e-12, abs=ATOL)


@given(nested_shapes())
def test_a_cosine_at_nyquist_is_sampled_exactly_on_the_coarser_grid(shapes):
    small, large = shapes

    def sample(shape):
        places = make_coordinate_grid(shape, 1 / np.array(shape[::-1]))
        most = [n // 2 for n in small[::-1]]
        return np.prod(np.cos(2 * np.pi * np.array(most) * places), axis=-1)

    assert_close(fourier_resample_to_shape(sample(large), small), sample(small))
    assert_close(fourier_resample_to_shape(sample(small), large), sample(large))


@given(two_shapes(), dtypes)
def test_it_is_scipys_resampling_of_every_axis_around_the_origin(shapes, dtype):
    array = make_array(shapes[0], dtype)
    expected = np.fft.ifftshift(array)
    for axis, m in enumerate(shapes[1]):
        expected = scipy.signal.resample(expected, m, axis=axis)
    assert_close(fourier_resample_to_shape(array, shapes[1]), np.fft.fftshift(expected))


@given(nested_shapes(), dtypes)
def test_up_then_down_is_the_identity(shapes, dtype):
    small, large = shapes
    array = make_array(small, dtype)
    finer = fourier_resample_to_shape(array, large)
    assert_close(fourier_crop_downsample_to_shape(finer, small), array)


@given(shapes=nested_shapes(), data=st.data())
def test_down_then_up_is_the_identity_for_band_limited_waves(shapes, data):
    small, large = shapes
    array = sample_waves(large, *data.draw(waves(shapes)))
    coarser = fourier_crop_downsample_to_shape(array, small)
    assert_close(fourier_resample_to_shape(coarser, large), array)


@given(nested_shapes(), dtypes)
def test_down_then_up_takes_away_once(shapes, dtype):
    small, large = shapes
    once = fourier_resample_to_shape(
        fourier_crop_downsample_to_shape(make_array(large, dtype), small), large
    )
    twice = fourier_resample_to_shape(fourier_crop_downsample_to_shape(once, small), large)
    assert_close(twice, once)


@given(two_shapes(), st.floats(-9, 9))
def test_a_constant_stays_constant(shapes, value):
    array = np.full(shapes[0], value)
    assert_close(fourier_resample_to_shape(array, shapes[1]), np.full(shapes[1], value))


@given(two_shapes(), dtypes)
def test_the_mean_stays(shapes, dtype):
    array = make_array(shapes[0], dtype)
    resampled = fourier_resample_to_shape(array, shapes[1])
    assert np.mean(resampled) == pytest.approx(np.mean(array), rel=0, abs=ATOL)


@given(two_shapes(), dtypes, st.floats(-3, 3))
def test_it_is_linear(shapes, dtype, factor):
    one, other = make_array(shapes[0], dtype), make_array(shapes[0], dtype, seed=1)

    def resample(array):
        return fourier_resample_to_shape(array, shapes[1])

    assert_close(resample(one + factor * other), resample(one) + factor * resample(other))


@given(two_shapes())
def test_a_complex_array_is_its_real_and_imaginary_parts(shapes):
    array = make_array(shapes[0], np.complex128)
    real, imaginary = (
        fourier_resample_to_shape(part, shapes[1]) for part in (array.real, array.imag)
    )
    assert_close(fourier_resample_to_shape(array, shapes[1]), real + 1j * imaginary)


@given(two_shapes())
def test_the_peak_of_a_point_is_the_origin(shapes):
    point = np.zeros(shapes[0])
    point[tuple(n // 2 for n in shapes[0])] = 1
    resampled = fourier_resample_to_shape(point, shapes[1])
    peak = resampled[tuple(m // 2 for m in shapes[1])]
    assert peak > 0
    assert peak >= np.abs(resampled).max() - ATOL


@given(array_shapes(min_dims=1, max_dims=3, max_side=6), st.integers(1, 3), st.data())
def test_shifts_by_whole_voxels_commute_with_whole_factors(small, factor, data):
    large = tuple(factor * n for n in small)
    axes = tuple(range(len(small)))
    shift = np.array([data.draw(st.integers(-n, n)) for n in small])
    array = make_array(large)
    assert_close(
        fourier_crop_downsample(np.roll(array, factor * shift, axes), factor),
        np.roll(fourier_crop_downsample(array, factor), shift, axes),
    )
    array = make_array(small)
    assert_close(
        fourier_resample_to_shape(np.roll(array, shift, axes), large),
        np.roll(fourier_resample_to_shape(array, large), factor * shift, axes),
    )


@given(two_shapes(), dtypes)
def test_in_fourier_space_it_is_the_transform_of_the_result(shapes, dtype):
    array = make_array(shapes[0], dtype)
    resampled = fourier_resample_to_shape(array, shapes[1])
    transform = (rfftn if dtype == np.float64 else fftn)(resampled)
    spectrum = fourier_resample_to_shape(array, shapes[1], outputs_real_space=False)
    np.testing.assert_allclose(spectrum, transform, rtol=0, atol=1e-11, strict=True)


@given(nested_shapes())
def test_downsampling_to_a_shape_is_resampling(shapes):
    small, large = shapes
    array = make_array(large)
    for real_space in (True, False):
        np.testing.assert_array_equal(
            fourier_crop_downsample_to_shape(array, small, real_space),
            fourier_resample_to_shape(array, small, real_space),
        )


@pytest.mark.parametrize(
    ("n", "factor", "m"), [(6, 2, 3), (7, 2, 3), (7, 1, 7), (33, 1.1, 30), (6, 1.1, 5), (3, 3, 1)]
)
def test_a_factor_makes_the_whole_part_of_the_quotient(n, factor, m):
    array = make_array((n, n + 2))
    expected = (m, math.floor((n + 2) / factor))
    assert fourier_crop_downsample(array, factor).shape == expected
    half = fourier_crop_downsample(array, factor, outputs_real_space=False)
    assert half.shape == (m, expected[1] // 2 + 1)
    np.testing.assert_array_equal(
        fourier_crop_downsample(array, factor), fourier_resample_to_shape(array, expected)
    )


@given(
    array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=8),
    st.floats(1, 4),
    st.floats(0.4, 3.9),
)
def test_a_rescaled_map_has_the_nearest_voxel_size_of_its_box(shape, current, new):
    array = make_array(shape)
    rescaled, voxel_size = rescale_voxel_size(array, current, new)
    np.testing.assert_array_equal(rescaled, fourier_resample_to_shape(array, rescaled.shape))
    assert len(voxel_size) == len(shape)
    for n, m, side in zip(shape, rescaled.shape, voxel_size[::-1], strict=True):
        assert m == round(n * current / new)
        assert m * side == pytest.approx(n * current, rel=1e-14)
        assert side / new == pytest.approx(1, abs=1 / (2 * m) + 1e-14)


def test_voxel_sizes_are_x_y_z():
    array = make_array((4, 6, 8))
    rescaled, voxel_size = rescale_voxel_size(array, (1.0, 2.0, 3.0), (2.0, 3.0, 1.0))
    assert rescaled.shape == (12, 4, 4)
    assert voxel_size == (2.0, 3.0, 1.0)
    rescaled, voxel_size = rescale_voxel_size(array, 1.0, (2.0, 3.0, 1.5))
    assert rescaled.shape == (3, 2, 4)
    assert voxel_size == (2.0, 3.0, 4 / 3)


FUNCTIONS = [
    lambda array: fourier_resample_to_shape(array, (7, 4, 8)),
    lambda array: fourier_resample_to_shape(array, array.shape),
    lambda array: fourier_crop_downsample_to_shape(array, (4, 4, 4)),
    lambda array: fourier_crop_downsample(array, 1.3),
    lambda array: rescale_voxel_size(array, 1.0, 0.8)[0],
]


@pytest.mark.parametrize("resample", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_any_layout_keeps_its_precision_and_is_not_changed(resample, dtype):
    exact = make_array((4, 5, 6), dtype=np.dtype(dtype).kind == "c" and np.complex128)
    array = exact.astype(dtype)
    expected = resample(array)
    # float32 and complex64 round values of about 1, through transforms of about 100, to 1e-7.
    np.testing.assert_allclose(expected, resample(exact), rtol=0, atol=3e-6)
    read_only = array.copy()
    read_only.setflags(write=False)
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    strided = np.repeat(array, 2, axis=0)[::2]
    for same in (array, read_only, big_endian, np.asfortranarray(array), strided):
        before = same.copy()
        resampled = resample(same)
        assert resampled.dtype == np.dtype(dtype)
        assert resampled.dtype.isnative
        assert not np.shares_memory(resampled, same)
        np.testing.assert_allclose(resampled, expected, rtol=0, atol=3e-6)
        np.testing.assert_array_equal(same, before)


def test_whole_numbers_become_float64():
    resampled = fourier_resample_to_shape([[1, 2], [3, 4]], (3, 3))
    assert_close(resampled, fourier_resample_to_shape([[1.0, 2.0], [3.0, 4.0]], (3, 3)))


@pytest.mark.parametrize("resample", FUNCTIONS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, complex(0, np.nan)])
def test_a_value_that_is_not_finite_is_an_error(resample, value):
    array = np.ones((4, 5, 6), np.result_type(np.float32, value))
    array[1, 2, 3] = value
    with pytest.raises(ValueError, match=r"array: expected finite values .* got the sum"):
        resample(array)


def test_a_larger_shape_is_no_downsampling():
    with pytest.raises(
        ValueError,
        match=r"downsampled_shape: expected at most the shape \(4, 5\) of array, got \(4, 6\)",
    ):
        fourier_crop_downsample_to_shape(np.ones((4, 5)), (4, 6))


@pytest.mark.parametrize("factor", [0.9, 0, -2, 4.1, np.inf, np.nan])
def test_a_factor_that_leaves_too_many_or_no_elements_is_an_error(factor):
    with pytest.raises(
        ValueError, match=r"downsample_factor: expected a number from 1 to 4, .*got"
    ):
        fourier_crop_downsample(np.ones((4, 5)), factor)


@pytest.mark.parametrize("shape", [(4,), (4, 5, 6), (0, 5), (4.5, 5)])
def test_a_shape_that_does_not_match_is_an_error(shape):
    with pytest.raises(ValueError, match=r"^shape: expected 2 whole numbers above 0, got \("):
        fourier_resample_to_shape(np.ones((4, 5)), shape)
    with pytest.raises(ValueError, match=r"^downsampled_shape: expected 2 whole numbers above 0"):
        fourier_crop_downsample_to_shape(np.ones((4, 5)), shape)


def test_a_voxel_size_that_leaves_no_voxel_is_an_error():
    with pytest.raises(
        ValueError, match=r"new_voxel_size: expected less than twice the sides \(10.0, 8.0\) .* 17"
    ):
        rescale_voxel_size(np.ones((4, 5)), 2.0, 17.0)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, (1.0, np.inf), (1.0, 1.0, 1.0)])
def test_a_voxel_size_that_is_none_is_an_error(wrong):
    with pytest.raises(ValueError, match=r"current_voxel_size: expected .*, got"):
        rescale_voxel_size(np.ones((4, 5)), wrong, 1.0)
    with pytest.raises(ValueError, match=r"new_voxel_size: expected .*, got"):
        rescale_voxel_size(np.ones((4, 5)), 1.0, wrong)


@pytest.mark.parametrize("resample", FUNCTIONS)
@pytest.mark.parametrize("array", [np.float64(3.0), np.ones((0, 4)), np.array(["ab"])])
def test_what_is_no_array_of_numbers_is_an_error(resample, array):
    with pytest.raises(ValueError, match=r"array: expected .*, got (shape|dtype)"):
        resample(array)


def test_a_result_that_does_not_fit_into_memory_says_so():
    with pytest.raises(MemoryError, match=r"shape: complex128 of shape \(100000, 1, 50001\)"):
        fourier_resample_to_shape(np.ones((2, 1, 2)), (100_000, 1, 100_000))


@pytest.mark.parametrize(
    ("shape", "voxel_size", "new", "side"),
    [
        ((96, 96, 96), 1.0, 1.3, 104),
        ((96, 96, 96), 1.0, 2.0, 96),
        ((95, 96, 97), 1.0, 2.0, 98),
        ((10, 10, 10), 1.0, 1.0, 10),
        ((10, 10, 10), 1.0, 10.5, None),
        ((10, 10, 10), 1.0, 1.0137, None),
        # Of a header, whose numbers are float32.
        ((96, 96, 96), float(np.float32(1.1)), 1.3, 104),
        ((10, 8, 12), (0.9, 1.1, 0.75), 0.75, 15),
        ((10, 8, 12), (0.9, 1.1, 0.75), 1.1, 22),
        ((10, 8, 12), (0.9, 1.1, 0.7531), 0.9, None),
    ],
)
def test_a_side_holds_a_whole_number_of_new_voxels(shape, voxel_size, new, side):
    assert find_side_for_voxel_size(shape, voxel_size, new) == side
    if side is not None:
        numbers = side * np.broadcast_to(voxel_size, 3) / new
        np.testing.assert_allclose(numbers, numbers.round(), rtol=1e-6)
        resampled, sides = rescale_voxel_size(np.zeros((side,) * 3, np.float32), voxel_size, new)
        assert resampled.shape == tuple(numbers[::-1].round())
        np.testing.assert_allclose(sides, new, rtol=1e-6)


@pytest.mark.parametrize("factor", [(2, 2), "2"])
def test_a_factor_that_is_no_number_is_named(factor):
    with pytest.raises(ValueError, match="downsample_factor: expected"):
        fourier_crop_downsample(np.ones((4, 5)), factor)


def test_a_word_is_not_taken_for_real_space():
    with pytest.raises(TypeError, match="outputs_real_space: expected True or False, got 'no'"):
        fourier_crop_downsample(np.ones((4, 5)), 2, "no")
