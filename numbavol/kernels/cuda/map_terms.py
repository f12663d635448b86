"""The terms of the parts of a map: which Gaussians reach into each, and where their profiles are.

They are listed Gaussian after Gaussian and then sorted by parts, so that each part has them one
after another, in the same order whenever they are listed.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.cuda.map_profiles import PAIRS_A_PART, PART, Batch, Windows, find_parts
from numbavol.kernels.cuda.warps import join_whole, narrow
from numbavol.kernels.jit import cuda_kernel

Array = np.ndarray[Any, np.dtype[Any]]

# Half the bits take half the time to sort.
PARTS_IN_16_BITS = 2**16


@dataclasses.dataclass(frozen=True, eq=False)
class Terms:
    """The terms of a batch of Gaussians."""

    begins: Array
    """``(parts + 1,)``, int32: how many terms the parts before each have, and all."""
    order: Array
    """``(n,)``: the terms of part after part, those of a part as their Gaussians are in order."""
    places: Array
    """``(n, 2)``: of `join_whole`, where the pairs begin that a part has of the profiles along x
    and y, and along z and 0."""


def count_parts(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Count the parts of a map, (z, y, x)."""
    n_z, n_y, n_x = (-(-length // PART) for length in shape)
    return n_z, n_y, n_x


def find_terms(batch: Batch, windows: Windows, n_parts: tuple[int, int, int]) -> Terms:
    """Find the terms of a batch in a map of so many parts (z, y, x)."""
    xp, n = get_device().xp, math.prod(n_parts)
    parts = xp.empty(batch.n_terms, np.uint16 if n <= PARTS_IN_16_BITS else np.uint32)
    places, begins = xp.empty((batch.n_terms, 2), np.uint64), xp.empty(n + 1, np.int32)
    launch_for_each(
        _list_terms, batch.end - batch.first, parts, places, batch.first, batch.end,
        batch.pairs_before, batch.terms_before, windows.pair_begins, windows.term_begins,
        windows.edges, n_parts,
    )  # fmt: skip
    order = xp.argsort(parts, kind="stable")
    launch_for_each(_find_begins, n + 1, begins, parts, order)
    return Terms(begins, order, places)


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
    number = narrow(first + cuda.grid(1))
    if number >= end or term_begins[number] == term_begins[number + 1]:
        return
    part = parts.dtype.type
    term = term_begins[number] - terms_before
    first_x, n_x = find_parts(edges, 0, number)
    first_y, n_y = find_parts(edges, 1, number)
    first_z, n_z = find_parts(edges, 2, number)
    of_x = narrow(pair_begins[number] - pairs_before)
    of_y = narrow(of_x + n_x * PAIRS_A_PART)
    of_z = narrow(of_y + n_y * PAIRS_A_PART)
    for z in range(n_z):
        for y in range(n_y):
            row = ((first_z + z) * n_parts[1] + first_y + y) * n_parts[2] + first_x
            for x in range(n_x):
                parts[term] = part(row + x)
                places[term, 0] = join_whole(of_x + x * PAIRS_A_PART, of_y + y * PAIRS_A_PART)
                places[term, 1] = join_whole(of_z + z * PAIRS_A_PART, 0)
                term += 1


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
