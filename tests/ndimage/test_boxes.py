"""Padding and cropping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from numbavol.ndimage.boxes import (
    crop_to_shape,
    crop_to_shape_with_center,
    pad_to_shape,
    resize_with_crop_or_pad,
)

dtypes = st.sampled_from([np.float32, np.float64, np.complex64, np.int16, np.bool_])


@st.composite
def nested_shapes(draw):
    """A shape and one that is at least as large along every axis, every parity of both."""
    small = draw(array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=6))
    return small, tuple(n + draw(st.integers(0, 5)) for n in small)


@st.composite
def two_shapes(draw):
    n_axes = draw(st.integers(1, 4))
    shapes = array_shapes(min_dims=n_axes, max_dims=n_axes, min_side=1, max_side=7)
    return draw(shapes), draw(shapes)


def make_array(shape, dtype=float):
    return (np.random.default_rng(shape).uniform(1, 100, shape)).astype(dtype)


def middle(shape):
    return tuple(n // 2 for n in shape)


@given(nested_shapes(), dtypes)
def test_pad_then_crop_is_the_identity(shapes, dtype):
    small, large = shapes
    array = make_array(small, dtype)
    restored = crop_to_shape(pad_to_shape(array, large), small)
    np.testing.assert_array_equal(restored, array, strict=True)


@given(nested_shapes())
def test_padding_keeps_the_origin_and_adds_zeros(shapes):
    small, large = shapes
    array = make_array(small)
    padded = pad_to_shape(array, large)
    assert padded.shape == large
    assert padded[middle(large)] == array[middle(small)]
    assert np.count_nonzero(padded) == array.size
    assert padded.sum() == pytest.approx(array.sum(), rel=1e-14)


@given(nested_shapes())
def test_cropping_keeps_the_origin(shapes):
    small, large = shapes
    array = make_array(large)
    cropped = crop_to_shape(array, small)
    assert cropped.shape == small
    assert cropped[middle(small)] == array[middle(large)]


@given(two_shapes(), dtypes)
def test_every_element_keeps_its_distance_from_the_origin(shapes, dtype):
    old, new = shapes
    array = make_array(old, dtype)
    resized = resize_with_crop_or_pad(array, new)
    assert resized.shape == new
    assert resized.dtype == np.dtype(dtype)
    for index in np.ndindex(new):
        there = tuple(i - m // 2 + n // 2 for i, m, n in zip(index, new, old, strict=True))
        is_inside = all(0 <= j < n for j, n in zip(there, old, strict=True))
        assert resized[index] == (array[there] if is_inside else 0)


@given(nested_shapes())
def test_resizing_is_padding_or_cropping(shapes):
    small, large = shapes
    inner, outer = make_array(small), make_array(large)
    np.testing.assert_array_equal(resize_with_crop_or_pad(inner, large), pad_to_shape(inner, large))
    np.testing.assert_array_equal(
        resize_with_crop_or_pad(outer, small), crop_to_shape(outer, small)
    )


@given(nested_shapes())
def test_cropping_around_the_origin_is_cropping(shapes):
    small, large = shapes
    array = make_array(large)
    np.testing.assert_array_equal(
        crop_to_shape_with_center(array, small, middle(large)[::-1]), crop_to_shape(array, small)
    )


@given(nested_shapes(), st.data())
def test_the_center_becomes_the_origin(shapes, data):
    small, large = shapes
    array = make_array(large)
    center = tuple(
        data.draw(st.integers(m // 2, n - m + m // 2)) for m, n in zip(small, large, strict=True)
    )
    cropped = crop_to_shape_with_center(array, small, center[::-1])
    assert cropped.shape == small
    assert cropped[middle(small)] == array[center]
    first = tuple(c - m // 2 for c, m in zip(center, small, strict=True))
    assert cropped.flat[0] == array[first]


def test_a_center_is_x_y_z():
    array = np.arange(24).reshape(2, 3, 4)
    assert crop_to_shape_with_center(array, (1, 1, 1), (3, 2, 0)).item() == array[0, 2, 3]


def test_padding_takes_the_modes_of_numpy():
    np.testing.assert_array_equal(pad_to_shape([1, 2, 3], (6,), "edge"), [1, 1, 1, 2, 3, 3])
    np.testing.assert_array_equal(
        pad_to_shape([1, 2], (4,), mode="constant", constant_values=7), [7, 1, 2, 7]
    )
    np.testing.assert_array_equal(
        resize_with_crop_or_pad([[1, 2, 3]], (2, 2), mode="wrap"), [[1, 2], [1, 2]]
    )
    np.testing.assert_array_equal(
        resize_with_crop_or_pad([[1, 2, 3]], (2, 2), constant_values=5), [[5, 5], [1, 2]]
    )


RESIZERS = [
    lambda array: pad_to_shape(array, (5, 8, 7)),
    lambda array: pad_to_shape(array, array.shape),
    lambda array: crop_to_shape(array, (3, 4, 5)),
    lambda array: crop_to_shape(array, array.shape),
    lambda array: crop_to_shape_with_center(array, (2, 2, 2), (1, 2, 3)),
    lambda array: resize_with_crop_or_pad(array, (9, 4, 6)),
]


@pytest.mark.parametrize("resize", RESIZERS)
@pytest.mark.parametrize("dtype", [">f4", "<f4", ">c16", "<c16", ">i2"])
def test_results_are_new_native_and_contiguous_for_any_layout(resize, dtype):
    array = make_array((4, 5, 6)).astype(dtype)
    expected = resize(array)
    read_only = array.copy()
    read_only.setflags(write=False)
    for same in (array, read_only, np.asfortranarray(array), np.repeat(array, 2, axis=0)[::2]):
        before = same.copy()
        result = resize(same)
        assert result.dtype.isnative
        assert result.dtype == np.dtype(dtype).newbyteorder("=")
        assert result.flags.c_contiguous
        assert result.flags.writeable
        assert not np.shares_memory(result, same)
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(same, before)


def test_padding_to_a_smaller_shape_is_an_error():
    with pytest.raises(
        ValueError, match=r"shape: expected at least the shape \(4, 5\) of array, got \(6, 4\)"
    ):
        pad_to_shape(np.ones((4, 5)), (6, 4))


def test_cropping_to_a_larger_shape_is_an_error():
    with pytest.raises(
        ValueError, match=r"shape: expected a box that fits .* shape \(4, 5\), .* got \(3, 6\)"
    ):
        crop_to_shape(np.ones((4, 5)), (3, 6))


@pytest.mark.parametrize("center", [(0, 2), (4, 2), (2, 0), (2, 3), (-1, 2), (10, 2)])
def test_cropping_beyond_an_edge_is_an_error(center):
    assert crop_to_shape_with_center(np.ones((4, 5)), (3, 3), (1, 1)).shape == (3, 3)
    assert crop_to_shape_with_center(np.ones((4, 5)), (3, 3), (3, 2)).shape == (3, 3)
    element = rf"\({center[1]}, {center[0]}\)"
    with pytest.raises(ValueError, match=rf"shape: expected a box that fits .* element {element}"):
        crop_to_shape_with_center(np.ones((4, 5)), (3, 3), center)


@pytest.mark.parametrize("center", [(1,), (1, 2, 3), (1.0, 2.0)])
def test_a_center_that_is_no_element_is_an_error(center):
    with pytest.raises(ValueError, match=r"center: expected 2 whole numbers \(x, y, z\), got \(1"):
        crop_to_shape_with_center(np.ones((4, 5)), (3, 3), center)


functions = pytest.mark.parametrize(
    "resize", [pad_to_shape, crop_to_shape, resize_with_crop_or_pad]
)


@functions
@pytest.mark.parametrize("shape", [(4,), (4, 5, 6), (0, 5), (4.0, 5.0)])
def test_a_shape_that_does_not_match_is_an_error(resize, shape):
    with pytest.raises(ValueError, match=r"shape: expected 2 whole numbers above 0, got \("):
        resize(np.ones((4, 5)), shape)


@functions
@pytest.mark.parametrize(
    ("array", "got"), [(3.0, r"shape \(\)"), (np.ones((0, 3)), r"shape \(0, 3\)"), ("ab", "dtype")]
)
def test_what_is_no_array_of_numbers_is_an_error(resize, array, got):
    with pytest.raises(ValueError, match=f"array: expected .*, got {got}"):
        resize(array, (2,))
