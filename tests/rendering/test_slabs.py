"""How atoms and planes are laid out."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.rendering.slabs import BLOCK_NUMBER, balanced_slabs, block_side_in_voxels


@st.composite
def planes_of_positions(draw):
    n_planes = draw(st.integers(1, 50))
    first = draw(st.lists(st.integers(0, n_planes - 1), max_size=30))
    planes = [(start, draw(st.integers(start, n_planes))) for start in first]
    return np.array(planes, np.int64).reshape(-1, 2), n_planes


@given(planes_of_positions(), st.integers(1, 20))
def test_slabs_are_all_planes_once_and_in_order(planes_of_positions, n_slabs):
    planes, n_planes = planes_of_positions
    slabs = balanced_slabs(planes, n_planes, n_slabs)
    assert [z for start, stop in slabs for z in range(start, stop)] == list(range(n_planes))
    assert all(start < stop for start, stop in slabs)
    assert len(slabs) <= n_slabs


@given(planes_of_positions(), st.integers(1, 20))
def test_no_slab_has_more_than_its_share_and_one_plane(planes_of_positions, n_slabs):
    planes, n_planes = planes_of_positions
    work = np.zeros(n_planes, int)
    for start, stop in planes:
        work[start:stop] += 1
    for start, stop in balanced_slabs(planes, n_planes, n_slabs):
        assert work[start:stop].sum() <= work.sum() / n_slabs + work.max()


def test_equal_work_is_cut_into_equal_slabs():
    planes = np.array([[z, z + 1] for z in range(12)])
    assert balanced_slabs(planes, 12, 3) == [(0, 4), (4, 8), (8, 12)]


@given(st.tuples(*[st.integers(1, 5000)] * 3))
@example((512, 512, 1024))  # One block of 16 too many.
def test_blocks_can_be_numbered_and_are_no_larger_than_needed(shape):
    def count(side):
        return math.prod(math.ceil(n / side) for n in shape)

    side = block_side_in_voxels(shape)
    # The largest number is that of no block.
    largest = np.iinfo(BLOCK_NUMBER).max
    assert count(side) <= largest
    assert side == 16 or count(side // 2) > largest
    assert math.log2(side).is_integer()
