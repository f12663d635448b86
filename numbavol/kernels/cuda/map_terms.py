"""The terms of the parts of a map: which Gaussians reach into each, and where their profiles are.

They are listed Gaussian after Gaussian and then sorted by parts, so that each part has them one
after another, in the same order whenever they are listed.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.map_profiles import PAIRS_A_PART, PART, Batch, Windows, find_parts
from numbavol.kernels.cuda.warps import WARP, join_whole, narrow, split_whole, unsigned
from numbavol.kernels.jit import cuda_helper, cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]

# Half the bits take half the time to sort.
PARTS_IN_16_BITS = 2**16
# Of the three axes together: a term keeps its steps in 16 bits.
MOST_PARTS_OF_AXES = 2**16 - 1
# Of its Gaussians, and their end.
BEGINS_A_WARP = WARP + 1


@dataclasses.dataclass(frozen=True, eq=False)
class Terms:
    """The terms of a batch of Gaussians."""

    begins: Array
    """``(parts + 1,)``, int32: how many terms the parts before each have, and all."""
    order: Array
    """``(n,)``: the terms of part after part, those of a part as their Gaussians are in order."""
    places: Array
    """``(n,)``: of `join_places`, where the pairs begin that a part has of the profiles."""


def count_parts(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Count the parts of a map, (z, y, x).

    Raises
    ------
    ValueError
        If there are so many that a term has no place for its steps.
    """
    n_z, n_y, n_x = (-(-length // PART) for length in shape)
    if n_z + n_y + n_x > MOST_PARTS_OF_AXES:
        msg = (
            f"shape: on CUDA, expected axes of up to {MOST_PARTS_OF_AXES} parts of {PART} voxels "
            f"together, got {tuple(shape)}, which has {n_z + n_y + n_x}"
        )
        raise ValueError(msg)
    return n_z, n_y, n_x


def find_terms(batch: Batch, windows: Windows, n_parts: tuple[int, int, int]) -> Terms:
    """Find the terms of a batch in a map of so many parts (z, y, x)."""
    xp, n = get_device().xp, math.prod(n_parts)
    parts = xp.empty(batch.n_terms, np.uint16 if n <= PARTS_IN_16_BITS else np.uint32)
    places, begins = xp.empty(batch.n_terms, np.uint64), xp.empty(n + 1, np.int32)
    launch(
        _list_terms, -(-(batch.end - batch.first) // WARP), WARP, parts, places, batch.first,
        batch.end, batch.pairs_before, batch.terms_before, windows.pair_begins,
        windows.term_begins, windows.edges, n_parts,
    )  # fmt: skip
    order = xp.argsort(parts, kind="stable")
    launch_for_each(_find_begins, n + 1, begins, parts, order)
    return Terms(begins, order, places)


@cuda_helper
def join_places(x: int, y: int, z: int) -> np.uint64:
    """Keep where pairs begin in one number: along x, and by how many parts later along y and z."""
    to_y, to_z = unsigned((y - x) // PAIRS_A_PART), unsigned((z - x) // PAIRS_A_PART)
    return join_whole(x, to_y | to_z << 16)


@cuda_helper
def split_places(places: np.uint64) -> tuple[int, int, int]:
    """Take apart where the pairs of a term begin along x, y and z."""
    x, steps = split_whole(places)
    y = narrow(x + (steps & 0xFFFF) * PAIRS_A_PART)
    return x, y, narrow(x + narrow(np.uint32(steps) >> np.uint32(16)) * PAIRS_A_PART)


@cuda_kernel
def _list_terms(
    parts: Array,
    places: Array,
    first: int,
    end: int,
    pairs_before: int,
    terms_before: int,
    pair_begins: Array,
    term_begins: Array,
    edges: Array,
    n_parts: tuple[int, int, int],
) -> None:
    """List terms: a warp those of as many Gaussians as it has lanes, and a lane some of them."""
    part, lane = parts.dtype.type, narrow(cuda.threadIdx.x)
    own_first = first + cuda.blockIdx.x * WARP
    own_end = min(own_first + WARP, end)
    # Of each Gaussian: the terms before it, its first part along x, y and z, how many there are
    # along x and y, and where the pairs of its profiles begin.
    begins = cuda.shared.array(BEGINS_A_WARP, numba.int32)
    first_parts = cuda.shared.array((3, WARP), numba.int32)
    lengths = cuda.shared.array((2, WARP), numba.int32)
    pair_places = cuda.shared.array((3, WARP), numba.int32)
    terms_before_own = term_begins[unsigned(own_first)]
    number = unsigned(min(own_first + lane, own_end))
    begins[lane] = term_begins[number] - terms_before_own
    if lane == 0:
        begins[WARP] = term_begins[unsigned(own_end)] - terms_before_own
    if own_first + lane < own_end:
        place = pair_begins[number] - pairs_before
        for axis in range(3):
            first_parts[axis, lane], n = find_parts(edges, axis, number)
            if axis < 2:
                lengths[axis, lane] = n
            pair_places[axis, lane] = place
            place += n * PAIRS_A_PART
    cuda.syncthreads()
    term = lane
    while term < begins[WARP]:
        # The last Gaussian that has no more terms before it.
        slot, step = narrow(0), narrow(WARP // 2)
        while step > 0:
            if begins[slot + step] <= term:
                slot = narrow(slot + step)
            step = narrow(step // 2)
        within = np.uint32(term - begins[slot])
        row = np.uint32(within // np.uint32(lengths[0, slot]))
        x = narrow(within - row * np.uint32(lengths[0, slot]))
        z = narrow(row // np.uint32(lengths[1, slot]))
        y = narrow(row - np.uint32(z) * np.uint32(lengths[1, slot]))
        at = unsigned(terms_before_own - terms_before + term)
        plane = (first_parts[2, slot] + z) * n_parts[1] + first_parts[1, slot] + y
        parts[at] = part(plane * n_parts[2] + first_parts[0, slot] + x)
        places[at] = join_places(
            pair_places[0, slot] + x * PAIRS_A_PART, pair_places[1, slot] + y * PAIRS_A_PART,
            pair_places[2, slot] + z * PAIRS_A_PART,
        )  # fmt: skip
        term = narrow(term + WARP)


@cuda_kernel
def _find_begins(begins: Array, parts: Array, order: Array) -> None:
    """Find the first term of each part, and of those after it: a thread owns a part."""
    part = cuda.grid(1)
    if part >= begins.size:
        return
    first, end = 0, order.size
    while first < end:
        middle = (first + end) // 2
        if parts[order[middle]] < part:
            first = middle + 1
        else:
            end = middle
    begins[part] = first
