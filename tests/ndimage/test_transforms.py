"""Centred discrete Fourier transforms."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import numbavol
from numbavol import fftn, ifftn, irfftn, rfftn

# Odd, even and 1, in one to three dimensions; at most 5 * 5 * 5 samples, for naive's loops.
shapes = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)
reals = shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=st.floats(-10, 10)))
complexes = shapes.flatmap(
    lambda shape: arrays(
        np.complex128, shape, elements=st.complex_numbers(max_magnitude=10, allow_subnormal=False)
    )
)
# Sums of 125 values of at most 10, each with a factor that is rounded to 1e-16 of a few turns.
ATOL = 1e-11


def half(transform):
    return transform[..., : transform.shape[-1] // 2 + 1]


@given(complexes)
def test_fftn_is_the_sum_with_its_origin_in_the_middle(array):
    np.testing.assert_allclose(fftn(array), naive.centred_dft(array), rtol=0, atol=ATOL)


@given(reals)
def test_rfftn_is_half_of_the_sum(array):
    expected = half(naive.centred_dft(array))
    np.testing.assert_allclose(rfftn(array), expected, rtol=0, atol=ATOL)


@given(complexes)
def test_ifftn_is_the_inverse_sum(transform):
    expected = naive.centred_inverse_dft(transform)
    np.testing.assert_allclose(ifftn(transform), expected, rtol=0, atol=ATOL)


@given(complexes)
def test_ifftn_undoes_fftn(array):
    np.testing.assert_allclose(ifftn(fftn(array)), array, rtol=0, atol=ATOL)
    np.testing.assert_allclose(fftn(ifftn(array)), array, rtol=0, atol=ATOL)


@given(reals)
def test_irfftn_undoes_rfftn_for_odd_and_even_lengths(array):
    restored = irfftn(rfftn(array), array.shape)
    assert restored.shape == array.shape
    np.testing.assert_allclose(restored, array, rtol=0, atol=ATOL)


@given(reals)
def test_transforms_are_numpys_of_the_array_with_its_origin_in_the_corner(array):
    origin_in_corner = np.fft.ifftshift(array)
    np.testing.assert_allclose(fftn(array), np.fft.fftn(origin_in_corner), rtol=0, atol=ATOL)
    np.testing.assert_allclose(rfftn(array), np.fft.rfftn(origin_in_corner), rtol=0, atol=ATOL)


@pytest.mark.parametrize("shape", [(4, 5, 6), (7, 3), (8,)])
def test_a_point_in_the_middle_has_a_transform_of_one(shape):
    point = np.zeros(shape)
    point[tuple(n // 2 for n in shape)] = 1
    np.testing.assert_array_equal(fftn(point), np.ones(shape))
    np.testing.assert_array_equal(rfftn(point), half(np.ones(shape)))


@pytest.mark.parametrize(
    ("given_dtype", "real", "complex_"),
    [
        ("f4", "f4", "c8"),
        (">f4", "f4", "c8"),
        ("f8", "f8", "c16"),
        (">f8", "f8", "c16"),
        ("i4", "f8", "c16"),
        ("u1", "f8", "c16"),
        ("?", "f8", "c16"),
    ],
)
def test_single_precision_stays_single_and_all_else_is_double(given_dtype, real, complex_):
    array = (np.arange(60).reshape(3, 4, 5) % 2).astype(given_dtype)
    array.setflags(write=False)
    double = array.astype("f8")
    # The sum of 60 values of at most 1, with single precision's rounding of 6e-8.
    atol = 1e-5 if complex_ == "c8" else 1e-12
    for transform in (fftn, rfftn):
        assert transform(array).dtype == np.dtype(complex_)
        np.testing.assert_allclose(transform(array), transform(double), rtol=0, atol=atol)
    assert irfftn(rfftn(array), array.shape).dtype == np.dtype(real)
    assert ifftn(fftn(array)).dtype == np.dtype(complex_)
    np.testing.assert_allclose(ifftn(fftn(array)), double, rtol=0, atol=atol)


def test_complex_single_precision_stays_single():
    array = np.ones((3, 4), "c8")
    assert fftn(array).dtype == ifftn(array).dtype == np.complex64


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 1, 1), (5,), (1, 8)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_the_input_is_not_changed(shape, dtype):
    array = np.random.default_rng(1).normal(size=shape).astype(dtype)
    before = array.copy()
    fftn(array)
    ifftn(array + 0j)
    if array.dtype.kind == "f":
        rfftn(array)
    np.testing.assert_array_equal(array, before)
    transform = fftn(array)
    before = transform.copy()
    ifftn(transform)
    irfftn(transform[..., : shape[-1] // 2 + 1], shape)
    np.testing.assert_array_equal(transform, before)


def test_views_and_lists_are_transformed():
    array = np.random.default_rng(1).normal(size=(6, 8))
    for view in (array[::2, ::-1], array.T, np.asfortranarray(array)):
        np.testing.assert_allclose(fftn(view), naive.centred_dft(view), rtol=0, atol=ATOL)
    np.testing.assert_allclose(fftn(array.tolist()), fftn(array), rtol=0, atol=ATOL)


@pytest.mark.same_bits
@pytest.mark.usefixtures("_number_of_threads_is_restored")
def test_the_number_of_threads_changes_no_bit():
    array = np.random.default_rng(1).normal(size=(20, 21, 22))
    results = []
    for n_threads in (1, 2, 3):
        numbavol.set_num_threads(n_threads)
        forward, half_forward = fftn(array), rfftn(array)
        results.append([forward, half_forward, ifftn(forward), irfftn(half_forward, array.shape)])
    for other in results[1:]:
        for one, another in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(one, another)


@pytest.mark.parametrize(
    ("transform", "arguments", "message"),
    [
        (rfftn, (np.ones((4, 4), complex),), "^array: expected real numbers, got dtype complex128"),
        (rfftn, (3,), "^array: expected an array with at least one element"),
        (fftn, (1.0,), "^array: expected an array with at least one element"),
        (fftn, (["a"],), "^array: expected real or complex numbers"),
        (ifftn, (1j,), "^fourier_array: expected an array with at least one element"),
        (irfftn, (1j, ()), "^fourier_array: expected an array with at least one element"),
        (irfftn, (np.ones((3, 3)), 4), "^shape: expected 2 whole numbers above 0, got 4"),
        (irfftn, (np.ones(3), (4, 4)), "^shape: expected 1 whole numbers above 0"),
    ],
)
def test_what_cannot_be_transformed_is_named(transform, arguments, message):
    with pytest.raises(ValueError, match=message):
        transform(*arguments)


def test_the_shape_of_one_axis_may_be_its_length():
    np.testing.assert_array_equal(irfftn([1, 2, 3], 4), irfftn([1, 2, 3], (4,)))
