"""The profiles of the Gaussians of a map, made once, in memory.

Gaussian after Gaussian of position after position, and of each along x, y and z: twice the averages
over the voxels of its window, and 0 for those that the window lacks of whole *parts* of the map.
Neighbours are read together, as pairs.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.blocks import join_window, read_window
from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.cuda.profiles import fill_profile, fit_polynomial, nearest_cell
from numbavol.kernels.cuda.warps import as_pairs, narrow
from numbavol.kernels.jit import cuda_kernel
from numbavol.kernels.profiles import SHARPEST, end_cell, first_cell

Array = np.ndarray[Any, np.dtype[Any]]

# Voxels of a part along each axis.
PART = 4 if IS_SIMULATED else 8
# Of the profiles that are made at once, 256 MiB in single precision.
MOST_PAIRS = 2**25
# Threads that write a profile together.
LANES_A_PROFILE = 2
IS_AVERAGED = True


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
    """Gaussians ``first`` to ``end``, of which those before have ``n_before`` pairs."""

    first: int
    end: int
    n_before: int
    n_pairs: int


@dataclasses.dataclass(frozen=True, eq=False)
class Profiles:
    """The profiles of a batch."""

    places: Array
    """``(3 n,)``, int32: of a Gaussian along x, y and z, the place of the pair that the map begins
    with, if there were one."""
    pairs: Array
    """Of neighbours of a profile."""

    @classmethod
    def allocate(cls, batches: list[Batch], dtype: Any) -> Profiles:
        """Make room for any of them, and for the places of all."""
        xp = get_device().xp
        n = max((batch.end for batch in batches), default=0)
        n_pairs = max((batch.n_pairs for batch in batches), default=0)
        return cls(xp.empty(3 * n, np.int32), as_pairs(xp.empty(2 * n_pairs, dtype)))


def split(begins: Array, group_size: int) -> list[Batch]:
    """Split Gaussians, at groups, so that the profiles of a batch fit into `MOST_PAIRS`, or nearly.

    ``begins`` (n + 1,) count the pairs before each Gaussian, and all. Those at the end that have
    none are in no batch.
    """
    device = get_device()
    xp, n_pairs = device.xp, begins[-1:]
    # Together, for the device is waited for.
    n_all, n = map(int, device.fetch(xp.concatenate([n_pairs, xp.searchsorted(begins, n_pairs)])))
    firsts, before = np.zeros(1, np.int64), np.zeros(1, np.int64)
    if n_all > MOST_PAIRS:
        numbers = device.fetch(xp.searchsorted(begins, xp.arange(MOST_PAIRS, n_all, MOST_PAIRS)))
        firsts = np.unique(np.append(firsts, numbers // group_size * group_size))
        before = device.fetch(begins[device.send(firsts)])
    first, n_before = ([int(number) for number in each] for each in (firsts, before))
    return [
        Batch(start, stop, before_it, before_next - before_it)
        for start, stop, before_it, before_next in zip(
            first, [*first[1:], n], n_before, [*n_before[1:], n_all], strict=True
        )
        if before_next > before_it
    ]


def find_windows(
    mixture: Mixture, shape: tuple[int, int, int], first_plane: int, n_planes: int, reach: float
) -> tuple[Array, Array]:
    """Find the voxels of planes of a map that Gaussians reach.

    Returns
    -------
    windows
        ``(3, n)``, of `join_window` along each axis, with first = end where there is nothing.
    begins
        ``(n + 1,)``: how many pairs the profiles before each Gaussian have, and all.
    """
    xp, n = get_device().xp, mixture.n_gaussians
    windows, counts = xp.empty((3, n), np.uint64), xp.empty(n + 1, np.int64)
    launch_for_each(
        _find_windows, n, windows, counts, mixture.order, mixture.centres, mixture.variances,
        tuple(1.0 / side for side in mixture.sides), reach, n_planes, first_plane, shape,
        mixture.fused,
    )  # fmt: skip
    return windows, xp.cumsum(counts)


@cuda_kernel
def _find_windows(
    windows: Array,
    counts: Array,
    order: Array,
    centres: Array,
    variances: Array,
    voxels_per_angstrom: tuple[float, float, float],
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
    n_pairs, is_empty = 0, False
    for axis in range(3):
        n_cells = n_planes if axis == 2 else shape[2 - axis]
        from_cell = first_plane if axis == 2 else 0
        centre, cells = centres[a, axis], radius * voxels_per_angstrom[axis]
        first = max(first_cell(centre, cells, n_cells) - from_cell, 0)
        end = min(end_cell(centre, cells, n_cells) - from_cell, shape[2 - axis])
        is_empty = is_empty or first >= end
        windows[axis, number] = join_window(first, max(first, end))
        n_pairs += ((end + PART - 1) // PART - first // PART) * (PART // 2)
    counts[number + 1] = 0 if is_empty else n_pairs
    if number == 0:
        counts[0] = 0


def fill_profiles(
    profiles: Profiles,
    batch: Batch,
    mixture: Mixture,
    windows: Array,
    begins: Array,
    first_plane: int,
    nothing: Any,
) -> None:
    """Write the profiles of a batch; those along z have the amplitude, by the volume of a voxel.

    They are computed in the precision of ``nothing``, 0. A few threads own those of a Gaussian.
    """
    normalisation = 0.125 / math.prod(mixture.sides)
    launch_for_each(
        _fill_profiles, (batch.end - batch.first) * LANES_A_PROFILE, profiles.pairs, nothing,
        profiles.places, batch.first, batch.end, batch.n_before, begins, windows, mixture.order,
        mixture.centres, mixture.amplitudes, mixture.variances, mixture.sides, normalisation,
        first_plane, mixture.fused,
    )  # fmt: skip


@cuda_kernel
def _fill_profiles(
    profiles: Array,
    nothing: Any,
    places: Array,
    first: int,
    end: int,
    n_before: int,
    begins: Array,
    windows: Array,
    order: Array,
    centres: Array,
    amplitudes: Array,
    variances: Array,
    sides: tuple[float, float, float],
    normalisation: float,
    first_plane: int,
    fused: tuple[int, ...],
) -> None:
    thread, k, real = narrow(cuda.grid(1)), len(fused), type(nothing)
    number, lane = narrow(first + thread // LANES_A_PROFILE), narrow(thread % LANES_A_PROFILE)
    if number >= end or begins[number] == begins[number + 1]:
        return
    a, i = order[number // k], number % k
    begin = narrow(begins[number] - n_before)
    sharpness = 1.0 / math.sqrt(2.0 * variances[a, i])
    width = real(min(sides[0] * sharpness, SHARPEST))
    fitted = fit_polynomial(width, IS_AVERAGED)
    for axis in range(3):
        if axis > 0 and sides[axis] != sides[axis - 1]:
            width = real(min(sides[axis] * sharpness, SHARPEST))
            fitted = fit_polynomial(width, IS_AVERAGED)
        window_first, window_end = read_window(windows, axis, number)
        start = narrow(window_first // PART * PART)
        n_pairs = narrow((window_end + PART - 1) // PART * (PART // 2) - start // 2)
        centre = centres[a, axis]
        nearest = nearest_cell(centre)
        within = real(centre - nearest)
        edge = real(0.5) + within
        before = nearest - first_plane if axis == 2 else nearest
        fill_profile(
            profiles, begin, 1, (lane, n_pairs, LANES_A_PROFILE), real(narrow(start - before)),
            within, real(narrow(window_first - before)) - edge,
            real(narrow(window_end - before)) - edge, width, fitted,
            real(amplitudes[a, i] * normalisation) if axis == 2 else real(1),
        )  # fmt: skip
        if lane == 0:
            places[3 * number + axis] = begin - start // 2
        begin = narrow(begin + n_pairs)
