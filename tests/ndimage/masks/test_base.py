"""Applying masks, and masks of any array."""

from __future__ import annotations

import math

import numpy as np
import pytest
import specimens
from hypothesis import given

from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.masks import CustomMask, SphericalCosineMask
from numbavol.ndimage.operators import CustomRealOperator

# Applying them.


@given(specimens.masks())
def test_a_mask_multiplies(drawn):
    mask = drawn[0]
    image = np.random.default_rng(0).normal(size=mask.get().shape)
    before = image.copy()
    image.setflags(write=False)
    masked = mask(image)
    np.testing.assert_array_equal(masked, image * mask.get())
    np.testing.assert_array_equal(image, before)
    assert not np.shares_memory(masked, image)


def test_a_mask_of_ones_changes_nothing():
    image = np.random.default_rng(0).normal(size=(5, 6, 7))
    for mask in (
        CustomMask(np.ones((5, 6, 7))),
        SphericalCosineMask.from_shape((5, 6, 7), radius=10, rolloff_width=1),
    ):
        np.testing.assert_array_equal(mask(image), image)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("image_dtype", ["f4", ">f4", "f8", ">f8", "i2", "u1", "?", "f2", "c8"])
def test_precision_is_that_of_the_image(dtype, image_dtype, mask):
    mask = CustomMask(mask.get().astype(dtype))
    assert mask.array.dtype == np.dtype(dtype)
    numbers = np.random.default_rng(0).normal(size=mask.array.shape) * 5
    # What a number below 0 is without a sign depends on the processor.
    image = (np.abs(numbers) if image_dtype == "u1" else numbers).astype(image_dtype)
    masked = mask(image)
    expected = {"f4": "f4", "f2": "f4", "c8": "c8"}.get(image_dtype.strip(">"), "f8")
    assert masked.dtype == np.dtype(expected)
    np.testing.assert_allclose(masked, image.astype("c16") * mask.array, rtol=1e-6)


@pytest.mark.parametrize("shape", [(9, 8, 6), (9, 7), (8, 9), (9,), (), (1, 9, 8)])
def test_another_shape_is_an_error(mask, shape):
    with pytest.raises(ValueError, match=r"image: expected (shape \(9, 8.*\), as|an array)"):
        mask(np.ones(shape))


def test_what_are_no_numbers_is_an_error(mask):
    with pytest.raises(ValueError, match="image: expected real or complex numbers, got dtype"):
        mask(np.full(mask.array.shape, "a"))


# Masks of an array.


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(4), r"mask_array: expected 2 or 3 axes, got shape \(4,\)"),
        (np.ones((2, 2)) * 1j, "mask_array: expected real numbers, got dtype complex128"),
        ([[math.inf]], "mask_array: expected finite values"),
    ],
)
def test_a_wrong_array_is_an_error(array, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        CustomMask(array)


def test_a_mask_of_a_function_is_its_values():
    grid = make_coordinate_grid((4, 5, 6)).astype("f4")
    operator = CustomRealOperator(lambda r: r[..., 2] > 0) * 2
    mask = CustomMask.from_function(operator, grid)
    assert mask.get().dtype == np.float32
    np.testing.assert_array_equal(mask.get(), np.broadcast_to([[[0]]] * 3 + [[[2]]], (4, 5, 6)))
    with pytest.raises(ValueError, match="mask_array: expected real numbers"):
        CustomMask.from_function(lambda r: 1j * r[..., 0], grid)
    with pytest.raises(ValueError, match="coordinate_grid: expected shape"):
        CustomMask.from_function(operator, grid[0])
