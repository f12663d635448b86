"""The profiles of the Gaussians of a map, made once, in memory.

Gaussian after Gaussian of position after position, and of each along x, y and z: twice the averages
over the voxels of whole *parts* of the map that its window reaches, and 0 for those that are
farther from it.
Neighbours are read together, as pairs. What a Gaussian adds to a part is a *term* of it.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.cuda.profiles import (
    count_averaged,
    fill_profile,
    fit_polynomial,
    nearest_cell,
)
from numbavol.kernels.cuda.warps import join_whole, narrow, split_whole, unsigned
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.profiles import SHARPEST, end_cell, first_cell

Array = np.ndarray[Any, np.dtype[Any]]

# Voxels of a part along each axis.
PART = 4 if IS_SIMULATED else 8
PAIRS_A_PART = PART // 2
# Of the profiles that are made at once, 256 MiB in single precision.
MOST_PAIRS = 2**25
# Of those that are sorted at once, some 50 bytes each.
MOST_TERMS = 2**23
# Threads that write a profile together.
LANES_A_PROFILE = 2
IS_AVERAGED = True
SQRT_HALF = math.sqrt(0.5)


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """Gaussians of a map: arguments of `render_gaussians`."""

    order: Array
    centres: Array
    amplitudes: Array
    variances: Array
    sides: tuple[float, ...]
    fused: tuple[int, ...]

    @property
    def n_gaussians(self) -> int:
        """Of all positions."""
        return len(self.order) * len(self.fused)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Gaussians ``first`` to ``end``, their pairs and terms, and how many those before have."""

    first: int
    end: int
    pairs_before: int
    n_pairs: int
    terms_before: int
    n_terms: int


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """The voxels that Gaussians reach in planes of a map."""

    edges: Array
    """``(3, n)``: of `join_whole` along x, y and z, the first and one past the last, which are the
    same where there is nothing."""
    begins: Array
    """``(2, n + 1)``: how many pairs the profiles before each Gaussian have, and all; and how many
    terms, counted on from these."""

    @property
    def pair_begins(self) -> Array:
        """Of `begins`, the pairs."""
        return self.begins[0]  # type: ignore[no-any-return]

    @property
    def term_begins(self) -> Array:
        """Of `begins`, the terms."""
        return self.begins[1]  # type: ignore[no-any-return]


def split(windows: Windows) -> list[Batch]:
    """Split Gaussians so that no batch has more than `MOST_PAIRS` and `MOST_TERMS`, or one more."""
    device = get_device()
    xp, n = device.xp, windows.edges.shape[1]
    begins = windows.pair_begins, windows.term_begins
    # Together, for the device is waited for.
    n_pairs, n_both = map(int, device.fetch(windows.begins[:, -1]))
    cuts = [np.array([0, n])]
    firsts, ends = (0, n_pairs), (n_pairs, n_both)
    for each, first, end, most in zip(begins, firsts, ends, (MOST_PAIRS, MOST_TERMS), strict=True):
        if end - first > most:
            cuts.append(device.fetch(xp.searchsorted(each, xp.arange(first + most, end, most))))
    before = [list(each) for each in zip(firsts, ends, strict=True)]
    edges = np.unique(np.concatenate(cuts))
    if len(cuts) > 1:
        before = [device.fetch(each[device.send(edges)]).tolist() for each in begins]
    return [
        Batch(first, end, pairs, next_pairs - pairs, terms, next_terms - terms)
        for (first, end), (pairs, next_pairs), (terms, next_terms) in zip(
            *(itertools.pairwise(each) for each in (edges.tolist(), *before)), strict=True
        )
        if next_pairs > pairs
    ]


def find_windows(
    mixture: Mixture, shape: tuple[int, int, int], first_plane: int, n_planes: int, reach: float
) -> Windows:
    """Find the voxels of planes of a map that Gaussians reach."""
    xp, n = get_device().xp, mixture.n_gaussians
    edges, counts = xp.empty((3, n), np.uint64), xp.empty((2, n + 1), np.int64)
    launch_for_each(
        _find_windows, n, edges, counts, mixture.order, mixture.centres, mixture.variances,
        mixture.sides, reach, n_planes, first_plane, shape, mixture.fused,
    )  # fmt: skip
    return Windows(edges, xp.cumsum(counts).reshape(counts.shape))


@cuda_helper
def find_parts(edges: Array, axis: int, number: int) -> tuple[int, int]:
    """Find the parts of the map that a window reaches along an axis: the first, and how many."""
    first, end = split_whole(edges[axis, unsigned(number)])
    first_part = narrow(first // PART)
    return first_part, narrow(narrow((end + PART - 1) // PART) - first_part)


@cuda_kernel
def _find_windows(
    edges: Array,
    counts: Array,
    order: Array,
    centres: Array,
    variances: Array,
    sides: tuple[float, float, float],
    reach: float,
    n_planes: int,
    first_plane: int,
    shape: tuple[int, int, int],
    fused: tuple[int, ...],
) -> None:
    number, k = cuda.grid(1), len(fused)
    if number >= order.size * k:
        return
    a = order[number // k]
    radius = reach * math.sqrt(variances[a, number % k])
    n_parts, n_terms, is_empty = 0, 1, False
    for axis in range(3):
        n_cells = n_planes if axis == 2 else shape[2 - axis]
        from_cell = first_plane if axis == 2 else 0
        centre, cells = centres[a, axis], radius / sides[axis]
        first = max(first_cell(centre, cells, n_cells) - from_cell, 0)
        end = min(end_cell(centre, cells, n_cells) - from_cell, shape[2 - axis])
        is_empty = is_empty or first >= end
        edges[axis, number] = join_whole(first, max(first, end))
        _, n = find_parts(edges, axis, number)
        n_parts, n_terms = n_parts + n, n_terms * n
    counts[0, number + 1] = 0 if is_empty else n_parts * PAIRS_A_PART
    counts[1, number + 1] = 0 if is_empty else n_terms
    if number == 0:
        counts[0, 0] = counts[1, 0] = 0


def fill_profiles(
    pairs: Array,
    batch: Batch,
    mixture: Mixture,
    windows: Windows,
    first_plane: int,
    reach: float,
    nothing: Any,
) -> None:
    """Write the profiles of a batch; those along z have the amplitude, by the volume of a voxel.

    They are computed in the precision of ``nothing``, 0. A few threads own those of a Gaussian.
    """
    normalisation = 0.125 / math.prod(mixture.sides)
    launch_for_each(
        _fill_profiles, (batch.end - batch.first) * LANES_A_PROFILE, pairs, nothing, batch.first,
        batch.end, batch.pairs_before, windows.pair_begins, windows.edges, mixture.order,
        mixture.centres, mixture.amplitudes, mixture.variances, mixture.sides, normalisation,
        first_plane, reach, mixture.fused,
    )  # fmt: skip


@cuda_kernel
def _fill_profiles(
    pairs: Array,
    nothing: Any,
    first: int,
    end: int,
    pairs_before: int,
    pair_begins: Array,
    edges: Array,
    order: Array,
    centres: Array,
    amplitudes: Array,
    variances: Array,
    sides: tuple[float, float, float],
    normalisation: float,
    first_plane: int,
    reach: float,
    fused: tuple[int, ...],
) -> None:
    thread, k, real = narrow(cuda.grid(1)), len(fused), type(nothing)
    number, lane = narrow(first + thread // LANES_A_PROFILE), narrow(thread % LANES_A_PROFILE)
    if number >= end or pair_begins[number] == pair_begins[number + 1]:
        return
    a, i = order[number // k], number % k
    begin = narrow(pair_begins[number] - pairs_before)
    deviation = math.sqrt(variances[a, i])
    radius = reach * deviation
    for axis in range(3):
        if axis == 0 or sides[axis] != sides[axis - 1]:
            width = real(min(SQRT_HALF * sides[axis] / deviation, SHARPEST))
            reach_in_cells = real(radius / sides[axis] + 0.5)
            n_averaged = count_averaged(width, IS_AVERAGED)
            polynomial = fit_polynomial(width, n_averaged, IS_AVERAGED)
        part, n_parts = find_parts(edges, axis, number)
        n_pairs = narrow(n_parts * PAIRS_A_PART)
        centre = centres[a, axis]
        nearest = nearest_cell(centre)
        before = nearest - first_plane if axis == 2 else nearest
        fill_profile(
            pairs, begin, 1, (lane, n_pairs, LANES_A_PROFILE), real(narrow(part * PART - before)),
            real(centre - nearest), reach_in_cells, width, (n_averaged, polynomial),
            real(amplitudes[a, i] * normalisation) if axis == 2 else real(1),
        )  # fmt: skip
        begin = narrow(begin + n_pairs)
