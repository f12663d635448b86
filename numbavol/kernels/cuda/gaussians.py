"""Voxel averages of Gaussian mixtures."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.map_profiles import (
    PAIRS_A_PART,
    PART,
    Mixture,
    fill_profiles,
    find_windows,
    split,
)
from numbavol.kernels.cuda.map_terms import count_parts, find_terms, split_places
from numbavol.kernels.cuda.warps import (
    PAIRS,
    WARP,
    as_pairs,
    first_of,
    join,
    narrow,
    second_of,
    unsigned,
)
from numbavol.kernels.jit import cuda_helper, cuda_kernel, cuda_kernel_in_registers
from numbavol.kernels.profiles import locate_gaussian

Array = np.ndarray[Any, np.dtype[Any]]

# A warp owns a part of the map, and a thread 2 x 2 x 4 of its voxels, in registers.
CELLS_X, CELLS_Y, CELLS_Z = 2, 2, 4
LANES_X, LANES_Y = PART // CELLS_X, PART // CELLS_Y
N_CELLS = CELLS_X * CELLS_Y * CELLS_Z
# Of a part along x, y and z.
PAIRS_A_TERM = 3 * PAIRS_A_PART
# Lanes that follow one another read the pairs of one term, which lie in one line of memory; so many
# terms are read at once.
TERMS_A_READ = WARP // PAIRS_A_PART
# Pairs of one term along an axis, which are read together, are in other banks.
ROWS = {
    np.dtype(np.float32): WARP + TERMS_A_READ // 2,
    np.dtype(np.float64): WARP + TERMS_A_READ // 4,
}
N_STAGED = PAIRS_A_TERM * max(ROWS.values())
# The more, the less often a loop asks whether it is at its end.
TERMS_AT_ONCE = 2 if IS_SIMULATED else 4
# Gaussians that are added in one precision before their sum is, with its error.
MOST_IN_A_SUM = 2 * WARP if IS_SIMULATED else 256


def locate_gaussians(
    positions: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    shape: tuple[int, int, int],
    block_side: int,
    centres: Array,
    planes: Array,
    blocks: Array,
) -> None:
    """Place Gaussians in a map: see the kernel of the CPU.

    A thread owns what belongs to a position.
    """
    outside = int(np.iinfo(blocks.dtype).max)
    launch_for_each(
        _locate, len(positions), positions, variances, tuple(map(float, voxel_size)), reach, shape,
        block_side, outside, centres, planes, blocks,
    )  # fmt: skip


@cuda_kernel
def _locate(
    positions: Array,
    variances: Array,
    voxel_size: tuple[float, float, float],
    reach: float,
    shape: tuple[int, int, int],
    block_side: int,
    outside: int,
    centres: Array,
    planes: Array,
    blocks: Array,
) -> None:
    a = cuda.grid(1)
    if a < positions.shape[0]:
        locate_gaussian(
            a, positions, variances, voxel_size, reach, shape, block_side, outside, centres,
            planes, blocks,
        )  # fmt: skip


def render_gaussians(
    out: Array,
    first_plane: int,
    n_planes: int,
    order: Array,
    centres: Array,
    amplitudes: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    precision: Array,  # noqa: ARG001  # it is that of the map
    fused: tuple[int, ...],
) -> None:
    """Add the voxel averages of Gaussians to z-planes of a map: see the kernel of the CPU.

    The profiles of a Gaussian along the axes are made once, in memory, and its terms are listed:
    the parts of the map that it reaches. A warp owns a part and adds up its terms, products of
    profiles, in the order of the list; nothing is added with atomics, so that the result is the
    same to the bit whenever it is computed. No more than `MOST_IN_A_SUM` and a warp's are added in
    single precision; their sums, of a batch, are added with their errors.
    """
    mixture = Mixture(
        order, centres, amplitudes, variances, tuple(map(float, voxel_size)), fused
    )  # fmt: skip
    # Beyond them, what reaches the last part would be added too.
    own = out[: max(n_planes - first_plane, 0)]
    n_parts = count_parts(own.shape)
    if mixture.n_gaussians == 0 or len(own) == 0:
        return
    windows = find_windows(mixture, own.shape, first_plane, n_planes, reach)
    batches = split(windows)
    most_pairs = max((batch.n_pairs for batch in batches), default=0)
    pairs = as_pairs(get_device().xp.empty(2 * most_pairs, out.dtype))
    for batch in batches:
        fill_profiles(pairs, batch, mixture, windows, first_plane, reach, out.dtype.type(0))
        terms = find_terms(batch, windows, n_parts)
        launch(
            _ADD_TERMS[out.dtype], math.prod(n_parts), WARP, own, terms.begins, terms.order,
            terms.places, pairs, n_parts,
        )  # fmt: skip


@cuda_helper
def _own_cells(lane: int) -> tuple[int, int, int]:
    """First cell (x, y, z) of a thread in its part."""
    return (
        narrow(lane % LANES_X * CELLS_X), narrow(lane // LANES_X % LANES_Y * CELLS_Y),
        narrow(lane // (LANES_X * LANES_Y) * CELLS_Z),
    )  # fmt: skip


@cuda_helper
def _add_to_map(out: Array, starts: Array, sums: Array) -> None:
    """Add a thread's sums to its voxels; what rounding leaves of them begins the next sums."""
    nz, ny, nx = out.shape
    own_x, own_y, own_z = _own_cells(narrow(cuda.threadIdx.x))
    for n in range(N_CELLS):
        x = starts[0] + own_x + n % 2
        y = starts[1] + own_y + n // 2 % 2
        z = starts[2] + own_z + n // 4
        if x < nx and y < ny and z < nz:
            at_z, at_y, at_x = unsigned(z), unsigned(y), unsigned(x)
            before = out[at_z, at_y, at_x]
            total = before + sums[n]
            # The error of a sum, exactly (Knuth).
            part = total - before
            sums[n] = (before - (total - part)) + (sums[n] - part)
            out[at_z, at_y, at_x] = total


@cuda_helper
def _add_term(sums: Array, of_x: Any, of_y: Any, of_z: Any, of_z_after: Any) -> None:
    """Add the products of profiles to 2 x 2 x 4 sums: of a pair along x and y, and two along z."""
    x0, x1 = first_of(of_x), second_of(of_x)
    y0, y1 = first_of(of_y), second_of(of_y)
    z0, z1 = first_of(of_z), second_of(of_z)
    z2, z3 = first_of(of_z_after), second_of(of_z_after)
    for n in range(CELLS_X * CELLS_Y):
        weight = (x0 if n % 2 == 0 else x1) * (y0 if n < 2 else y1)
        sums[n] += weight * z0
        sums[n + 4] += weight * z1
        sums[n + 8] += weight * z2
        sums[n + 12] += weight * z3


def _make_add_terms(dtype: np.dtype[Any], n_registers: int) -> Any:
    """Make the kernel of a precision, in so many registers that none is kept in memory."""
    pair, staged_row = PAIRS[dtype], ROWS[dtype]

    @cuda_kernel_in_registers(n_registers)
    def add_terms(
        out: Array,
        begins: Array,
        order: Array,
        places: Array,
        pairs: Array,
        n_parts: tuple[int, int, int],
    ) -> None:
        real, part, lane = out.dtype.type, cuda.blockIdx.x, narrow(cuda.threadIdx.x)
        start, stop = begins[unsigned(part)], begins[unsigned(part + 1)]
        if start == stop:
            return
        # Of as many terms as there are lanes, the pairs of the part along x, y and z: the memory is
        # waited for once for all of them.
        staged = cuda.shared.array(N_STAGED, pair)
        # In shared memory, which the compiler reads anew where it would run out of registers.
        starts = cuda.shared.array(3, numba.int32)
        if lane == 0:
            row = np.uint32(np.uint32(part) // np.uint32(n_parts[2]))
            plane = np.uint32(row // np.uint32(n_parts[1]))
            starts[0] = (part - row * n_parts[2]) * PART
            starts[1] = (row - plane * n_parts[1]) * PART
            starts[2] = plane * PART
        own_x, own_y, own_z = _own_cells(lane)
        first_x = narrow(own_x // 2 * staged_row)
        first_y = narrow((PAIRS_A_PART + own_y // 2) * staged_row)
        first_z = narrow((2 * PAIRS_A_PART + own_z // 2) * staged_row)
        own_term, own_pair = narrow(lane // PAIRS_A_PART), narrow(lane % PAIRS_A_PART)
        # Where the pairs of each term begin, along x, y and z.
        begins_of = cuda.shared.array((3, WARP), numba.int32)
        nothing = join(real(0), real(0))
        own = cuda.local.array(PAIRS_A_TERM, pair)
        sums = cuda.local.array(N_CELLS, out.dtype)
        for n in range(N_CELLS):
            sums[n] = real(0)
        n_in_sum = narrow(0)
        while start < stop:
            if start + lane < stop:
                term = unsigned(order[unsigned(start + lane)])
                begins_of[0, lane], begins_of[1, lane], begins_of[2, lane] = split_places(
                    places[term]
                )
            cuda.syncthreads()
            for n in range(PAIRS_A_TERM):
                of_round, axis = narrow(n % PAIRS_A_PART), narrow(n // PAIRS_A_PART)
                read = narrow(of_round * TERMS_A_READ + own_term)
                own[n] = nothing
                if start + read < stop:
                    own[n] = pairs[unsigned(begins_of[axis, read] + own_pair)]
            for n in range(PAIRS_A_TERM):
                of_round, axis = narrow(n % PAIRS_A_PART), narrow(n // PAIRS_A_PART)
                own_row = narrow((axis * PAIRS_A_PART + own_pair) * staged_row)
                staged[unsigned(own_row + of_round * TERMS_A_READ + own_term)] = own[n]
            cuda.syncthreads()
            n_terms = narrow(min(stop - start, WARP))
            number = narrow(0)
            # Beyond the last term there are zeros.
            while number < n_terms:
                at_x, at_y = np.uint32(first_x + number), np.uint32(first_y + number)
                at_z = np.uint32(first_z + number)
                for n in range(TERMS_AT_ONCE):
                    _add_term(
                        sums, staged[unsigned(at_x) + unsigned(n)],
                        staged[unsigned(at_y) + unsigned(n)], staged[unsigned(at_z) + unsigned(n)],
                        staged[unsigned(at_z) + unsigned(staged_row + n)],
                    )  # fmt: skip
                number = narrow(number + TERMS_AT_ONCE)
            start = narrow(start + WARP)
            n_in_sum = narrow(n_in_sum + n_terms)
            if n_in_sum > MOST_IN_A_SUM:
                n_in_sum = narrow(0)
                _add_to_map(out, starts, sums)
        if n_in_sum > 0:
            _add_to_map(out, starts, sums)

    return add_terms


_add_terms_single = _make_add_terms(np.dtype(np.float32), 64)
_add_terms_double = _make_add_terms(np.dtype(np.float64), 128)
_ADD_TERMS = {
    np.dtype(np.float32): _add_terms_single,
    np.dtype(np.float64): _add_terms_double,
}
