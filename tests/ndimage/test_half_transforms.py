"""Half transforms, and their samples that are their own conjugates."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from numbavol.ndimage.half_transforms import (
    convert_fftn_to_rfftn,
    enforce_self_conjugate_rfftn_components,
)
from numbavol.ndimage.transforms import fftn, irfftn, rfftn

# Sums of at most 343 values below 1, there and back: a few hundred roundings of 1e-16.
ATOL = 1e-13

shapes = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7)
modes = st.sampled_from(["zero", "one", "real"])


def make_array(shape):
    return np.random.default_rng(shape).uniform(size=shape)


def make_half(shape):
    """Complex numbers of no symmetry."""
    half_shape = (*shape[:-1], shape[-1] // 2 + 1)
    rng = np.random.default_rng(shape)
    return rng.uniform(1, 2, half_shape) + 1j * rng.uniform(1, 2, half_shape)


def is_its_own_negative(index, shape):
    return all(-k % n == k for k, n in zip(index, shape, strict=True))


@given(shapes)
def test_half_of_the_transform_of_a_real_array_is_its_half_transform(shape):
    array = make_array(shape)
    for mode in (None, "real"):
        converted = convert_fftn_to_rfftn(fftn(array), mode=mode)
        np.testing.assert_allclose(converted, rfftn(array), rtol=0, atol=ATOL, strict=True)


@given(shapes)
def test_a_converted_transform_is_that_of_a_real_array(shape):
    array = make_array(shape)
    restored = irfftn(convert_fftn_to_rfftn(fftn(array), mode="real"), shape)
    np.testing.assert_allclose(restored, array, rtol=0, atol=ATOL)


@given(shapes, modes, st.booleans())
def test_exactly_the_samples_at_their_own_negative_frequency_change(shape, mode, includes_zero):
    half = make_half(shape)
    enforced = enforce_self_conjugate_rfftn_components(half, shape, includes_zero, mode)
    assert enforced.shape == half.shape
    for index in naive.indices(half.shape):
        expected = half[index]
        if is_its_own_negative(index, shape) and (any(index) or includes_zero):
            expected = {"zero": 0, "one": 1, "real": expected.real}[mode]
        assert enforced[index] == expected


@given(shapes, modes)
def test_conversion_is_half_and_then_enforcement(shape, mode):
    half = make_half(shape)
    full = np.concatenate([half, half[..., : (shape[-1] - 1) // 2]], axis=-1)
    assert full.shape == shape
    np.testing.assert_array_equal(
        convert_fftn_to_rfftn(full, mode),
        enforce_self_conjugate_rfftn_components(half, shape, mode=mode),
    )
    np.testing.assert_array_equal(convert_fftn_to_rfftn(full, None), half)


@given(shapes)
def test_the_default_is_zero_and_leaves_the_zero_frequency(shape):
    full = np.full(shape, 2 + 3j)
    converted = convert_fftn_to_rfftn(full)
    np.testing.assert_array_equal(converted, convert_fftn_to_rfftn(full, "zero"))
    assert converted.flat[0] == 2 + 3j


@given(shapes)
def test_what_enforcement_takes_away_is_what_no_real_array_has(shape):
    half = rfftn(make_array(shape))
    for index in naive.indices(half.shape):
        if is_its_own_negative(index, shape):
            half[index] += 0.5j
    enforced = enforce_self_conjugate_rfftn_components(half, shape, True, mode="real")  # noqa: FBT003
    np.testing.assert_allclose(rfftn(irfftn(half, shape)), enforced, rtol=0, atol=ATOL)


@given(shapes)
def test_parseval_holds_for_both_transforms(shape):
    array = make_array(shape)
    energy = np.sum(array**2) * array.size
    full = fftn(array)
    half = convert_fftn_to_rfftn(full, mode="real")
    # Every other frequency along x stands for its negative as well.
    weights = np.full(half.shape[-1], 2.0)
    weights[0] = 1
    if shape[-1] % 2 == 0:
        weights[-1] = 1
    assert np.sum(np.abs(full) ** 2) == pytest.approx(energy, rel=1e-13)
    assert np.sum(weights * np.abs(half) ** 2) == pytest.approx(energy, rel=1e-13)


def look_alikes(array):
    """Arrays of the same values in other guises."""
    read_only = array.copy()
    read_only.setflags(write=False)
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    strided = np.repeat(array, 2, axis=0)[::2]
    return [read_only, big_endian, np.asfortranarray(array), strided]


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("mode", ["zero", "one", "real", None])
def test_any_layout_keeps_its_precision_and_is_not_changed(dtype, mode):
    full = fftn(make_array((4, 5, 6))).astype(dtype)
    expected = convert_fftn_to_rfftn(full, mode)
    assert expected.dtype == np.dtype(dtype)
    for array in look_alikes(full):
        before = array.copy()
        converted = convert_fftn_to_rfftn(array, mode)
        assert converted.dtype == np.dtype(dtype)
        assert not np.shares_memory(converted, array)
        np.testing.assert_array_equal(converted, expected)
        np.testing.assert_array_equal(array, before)
    for array in look_alikes(make_half((4, 5, 6)).astype(dtype)):
        before = array.copy()
        enforced = enforce_self_conjugate_rfftn_components(array, (4, 5, 6), mode=mode or "zero")
        assert not np.shares_memory(enforced, array)
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize(
    ("dtype", "expected"), [(np.float32, np.complex64), (float, complex), (int, complex)]
)
def test_real_transforms_become_complex(dtype, expected):
    converted = convert_fftn_to_rfftn(np.ones((3, 4), dtype), mode="real")
    np.testing.assert_array_equal(converted, np.ones((3, 3), expected), strict=True)


@pytest.mark.parametrize("shape", [(4, 4), (4, 8), (5, 6)])
def test_a_half_transform_of_another_shape_is_an_error(shape):
    with pytest.raises(
        ValueError, match=r"rfftn_array: expected shape \(\d, \d\), the half .*, got \(4, 4\)"
    ):
        enforce_self_conjugate_rfftn_components(np.ones((4, 4), complex), shape)


def test_a_shape_of_another_number_of_axes_is_an_error():
    with pytest.raises(ValueError, match=r"shape: expected 2 whole numbers above 0, got \(4,\)"):
        enforce_self_conjugate_rfftn_components(np.ones((4, 4), complex), (4,))


def test_an_unknown_mode_is_an_error():
    match = "mode: expected 'zero', 'one' or 'real', got 'imaginary'"
    with pytest.raises(ValueError, match=match):
        convert_fftn_to_rfftn(np.ones((4, 4), complex), mode="imaginary")
    with pytest.raises(ValueError, match=match):
        enforce_self_conjugate_rfftn_components(np.ones((4, 3), complex), (4, 4), mode="imaginary")


@pytest.mark.parametrize(
    ("array", "got"),
    [(1j, r"shape \(\)"), (np.ones((0, 3), complex), r"shape \(0, 3\)"), (["a"], "dtype <U1")],
)
def test_what_is_no_array_of_numbers_is_an_error(array, got):
    with pytest.raises(ValueError, match=f"fftn_array: expected .*, got {got}"):
        convert_fftn_to_rfftn(array)
    with pytest.raises(ValueError, match=f"rfftn_array: expected .*, got {got}"):
        enforce_self_conjugate_rfftn_components(array, (4,))


def test_a_word_is_not_taken_for_the_zero_frequency():
    with pytest.raises(TypeError, match="includes_zero_frequency: expected True or False"):
        enforce_self_conjugate_rfftn_components([1j, 2j], (2,), "no")
