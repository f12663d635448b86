"""Sums and products of filters, and filters as values."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import naive
import numpy as np
import pytest
import specimens
import strategies
from hypothesis import given
from hypothesis import strategies as st

from numbavol import fftn, rfftn
from numbavol.ndimage.filters import (
    AbstractFilter,
    BFactorFilter,
    CustomFilter,
    LowpassFilter,
    WhiteningFilter,
)
from numbavol.ndimage.masks import CustomMask
from numbavol.ndimage.operators import FourierGaussian

shapes = strategies.image_and_map_shapes(longest=8)


# Algebra.


@given(shapes, specimens.filter_kinds, specimens.filter_kinds, st.floats(-3, 3), st.booleans())
def test_filters_add_subtract_and_multiply(shape, one, other, number, is_half):
    A, B = specimens.make_filters(shape)[one], specimens.make_filters(shape)[other]
    transform = (rfftn if is_half else fftn)(specimens.make_real(shape))
    a, b = A(transform), B(transform)
    scale = max(1.0, np.abs(a).max(), np.abs(b).max())
    for filter_, expected in [
        (A + B, a + b),
        (A - B, a - b),
        (A * B, A(b)),
        (A + number, a + number * transform),
        (number + A, a + number * transform),
        (A - number, a - number * transform),
        (number - A, number * transform - a),
        (A * number, a * number),
        (number * A, a * number),
        (-A, -a),
    ]:
        assert isinstance(filter_, AbstractFilter)
        assert not filter_.get().flags.writeable
        np.testing.assert_allclose(filter_(transform), expected, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize(
    "other", [FourierGaussian(), CustomMask(np.ones((5, 4))), np.ones((5, 4)), "2", None, 1j]
)
def test_filters_combine_with_nothing_else(filter_, other):
    for combine in (lambda: filter_ * other, lambda: other * filter_, lambda: filter_ + other):
        with pytest.raises(TypeError):
            combine()


def test_filters_of_other_shapes_do_not_combine(filter_):
    other = CustomFilter(np.ones((6, 4)))
    with pytest.raises(
        ValueError, match=r"\+: expected filters of one shape, or of a full and its"
    ):
        filter_ + other


def test_single_precision_filters_combine_to_one():
    filter_ = LowpassFilter(naive.frequency_vectors((5, 6)).astype("f4"))
    assert (2 * filter_ - 1).get().dtype == np.float32
    assert (filter_ * filter_).get().dtype == np.float32


def test_a_users_subclass_filters_and_combines():
    class Halving(AbstractFilter):
        def get(self):
            return np.full((5, 4), 0.5)

    np.testing.assert_array_equal(Halving()(np.ones((5, 6))), np.full((5, 6), 0.5))
    np.testing.assert_array_equal((1 + Halving())(np.ones((5, 4))), np.full((5, 4), 1.5))
    assert repr(Halving()) == "Halving(shape=(5, 4))"


# Values.


def test_filters_are_values(filter_):
    for same in (
        copy.copy(filter_),
        copy.deepcopy(filter_),
        pickle.loads(pickle.dumps(filter_)),
    ):
        assert same == filter_
        assert hash(same) == hash(filter_)
        np.testing.assert_array_equal(same.get(), filter_.get())
        with pytest.raises(ValueError, match="read-only"):
            same.get()[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        filter_.array = 1
    assert filter_ != filter_.get()
    assert filter_ != CustomFilter(np.zeros((5, 4)))


def test_filters_differ():
    filters = list(specimens.make_filters((5, 6)).values())
    filters += [
        LowpassFilter(naive.frequency_vectors((5, 6)), 1.0, 0.4, 0.3),
        LowpassFilter(naive.frequency_vectors((6, 6))),
    ]
    for i, one in enumerate(filters):
        for j, other in enumerate(filters):
            assert (one == other) == (i == j)


def test_replace_needs_the_grid_again():
    grid = naive.frequency_vectors((5, 6))
    lowpass = LowpassFilter(grid, 1.0, 0.4, 0.3)
    name = "frequency_grid_in_angstroms_or_pixels"
    replaced = dataclasses.replace(lowpass, **{name: grid}, rolloff_width_fraction=0.1)
    assert replaced == LowpassFilter(grid, 1.0, 0.4, 0.1)
    # From Python 3.13 on it is a TypeError.
    with pytest.raises((TypeError, ValueError), match=name):
        dataclasses.replace(lowpass, rolloff_width_fraction=0.1)
    image = specimens.make_real((5, 6))
    white = WhiteningFilter(image, interpolation_mode="nearest")
    replaced = dataclasses.replace(white, image_or_image_stack=image, outputs_squared=True)
    assert replaced.interpolation_mode == "nearest"
    np.testing.assert_allclose(replaced.get(), white.get() ** 2)


def test_repr_is_short():
    grid = naive.frequency_vectors((5, 6))
    assert repr(LowpassFilter(grid)) == (
        "LowpassFilter(shape=(5, 4), grid_spacing=1.0, frequency_cutoff_fraction=0.95, "
        "rolloff_width_fraction=0.05)"
    )
    assert repr(BFactorFilter(grid, -50)) == "BFactorFilter(shape=(5, 4), b_factor=-50.0)"
    assert repr(CustomFilter(np.ones((5, 4)))) == "CustomFilter(shape=(5, 4))"
