"""Sums and products of masks, and masks as values."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import specimens
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.filters import CustomFilter
from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.masks import AbstractMask, CustomMask, InverseSincMask
from numbavol.ndimage.operators import CustomRealOperator

# Algebra.


@given(specimens.mask_names, specimens.mask_names, st.floats(-3, 3))
def test_masks_add_subtract_and_multiply(one, other, number):
    A, B = specimens.make_mask(one, (6, 5, 4)), specimens.make_mask(other, (6, 5, 4))
    image = np.random.default_rng(0).normal(size=A.get().shape)
    if A.get().shape != B.get().shape:
        with pytest.raises(ValueError, match="expected masks of one shape, got"):
            A * B
        B = CustomMask(np.random.default_rng(1).normal(size=A.get().shape))
    a, b = A(image), B(image)
    for mask, expected in [
        (A + B, a + b),
        (A - B, a - b),
        (A * B, A(b)),
        (A + number, a + number * image),
        (1 - A, image - a),
        (number * A, number * a),
        (A * number - A, (number - 1) * a),
        (-A, -a),
    ]:
        assert isinstance(mask, AbstractMask)
        np.testing.assert_allclose(mask(image), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "other",
    [CustomRealOperator(abs), CustomFilter(np.ones((9, 8))), np.ones((9, 8)), "2", None, 1j],
    ids=str,
)
def test_masks_combine_with_nothing_else(mask, other):
    for combine in (lambda: mask * other, lambda: other * mask, lambda: mask - other):
        with pytest.raises(TypeError):
            combine()


# Values.


def test_masks_are_values(mask):
    for same in (copy.copy(mask), copy.deepcopy(mask), pickle.loads(pickle.dumps(mask))):
        assert same == mask
        assert hash(same) == hash(mask)
        with pytest.raises(ValueError, match="read-only"):
            same.get()[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        mask.array = 1
    assert mask != mask.get()
    assert mask != CustomMask(mask.get())


def test_masks_differ():
    masks = [specimens.make_mask(name) for name in specimens.MASKS]
    masks += [InverseSincMask.from_shape((9, 8)), CustomMask(np.ones((9, 8)))]
    for i, one in enumerate(masks):
        for j, other in enumerate(masks):
            assert (one == other) == (i == j)


def test_replace_needs_the_grid_again(mask):
    grid = make_coordinate_grid(mask.array.shape)
    replaced = dataclasses.replace(mask, coordinate_grid=grid, rolloff_width=0.5)
    assert replaced.rolloff_width == 0.5
    assert (
        dataclasses.replace(replaced, coordinate_grid=grid, rolloff_width=mask.rolloff_width)
        == mask
    )
    # From Python 3.13 on it is a TypeError.
    with pytest.raises((TypeError, ValueError), match="coordinate_grid"):
        dataclasses.replace(mask, rolloff_width=0.5)


def test_repr_is_short():
    assert repr(specimens.make_mask("circle")) == (
        "CircularCosineMask(shape=(9, 8), radius=2.2, rolloff_width=3.0, xy_offset=(0.0, 0.0))"
    )
    assert repr(specimens.make_mask("cylinder")) == (
        "Cylindrical3DCosineMask(shape=(9, 8, 7), radius=1.5, rolloff_width=2.0, length=None)"
    )
    assert repr(InverseSincMask.from_shape((3, 4))) == "InverseSincMask(shape=(3, 4))"
