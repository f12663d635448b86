"""Orders of positions: each is there once, and groups are small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numbavol.ndimage.space_filling import (
    BITS_AN_AXIS,
    compute_morton_keys,
    order_along_curve,
)
from numbavol.projection.neighbours import POSITIONS_IN_A_GROUP, find_neighbours


@given(arrays(np.float64, st.tuples(st.integers(0, 50), st.just(3)), elements=st.floats(-1e6, 1e6)))
def test_every_position_is_in_one_group(positions) -> None:
    found = find_neighbours(positions, 1.5)
    assert sorted(found.order) == list(range(len(positions)))
    assert found.groups[-1] == len(positions)
    assert np.all(np.diff(found.groups) > 0)
    assert np.all(np.diff(found.groups) <= POSITIONS_IN_A_GROUP)


def test_groups_are_compact() -> None:
    rng = np.random.default_rng(0)
    positions = rng.uniform(0, 200, (100_000, 3))
    found = find_neighbours(positions, 1.0)
    sides = [
        np.ptp(positions[found.order[start:stop]], axis=0).max()
        for start, stop in zip(found.groups[:-1], found.groups[1:], strict=True)
    ]
    # A cube of 4096 of the 1e5 has a side of 69; a curve's pieces are at most a few cubes.
    assert np.median(sides) < 2 * 69


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e9, 8e307])
def test_positions_of_any_scale_have_an_order(scale) -> None:
    positions = np.random.default_rng(0).uniform(-scale, scale, (100, 3))
    assert sorted(find_neighbours(positions, 1.0).order) == list(range(100))


@given(
    st.integers(1, 2**BITS_AN_AXIS).flatmap(
        lambda end: st.lists(st.tuples(*[st.integers(0, end - 1)] * 3), min_size=1, max_size=20)
    )
)
def test_keys_have_the_bits_of_all_axes_in_turn(cells) -> None:
    largest = max(map(max, cells))
    keys = compute_morton_keys(np.array(cells).T, largest)
    for cell, key in zip(cells, keys.tolist(), strict=True):
        expected = sum(
            ((cell[axis] >> bit) & 1) << (3 * bit + axis)
            for bit in range(BITS_AN_AXIS)
            for axis in range(3)
        )
        assert key == expected


@given(
    arrays(np.intp, st.tuples(st.just(3), st.integers(0, 60)), elements=st.integers(0, 3)),
    st.integers(0, BITS_AN_AXIS - 2),
)
def test_the_order_is_that_of_keys_and_then_of_numbers(cells, shift) -> None:
    # Keys of all bits leave none for numbers.
    shifted = cells << shift
    order = order_along_curve(shifted, 3 << shift)
    keys = compute_morton_keys(shifted, 3 << shift)
    np.testing.assert_array_equal(order, np.argsort(keys, kind="stable"))
