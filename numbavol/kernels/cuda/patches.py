"""Patches of images: what neighbours in space leave in an image, added up before it is put there.

A block owns as many positions as a warp has lanes, neighbours in space. Their products of profiles
along x and y are added up in registers, a part of the patch a warp and 2 x 2 pixels a thread. What
comes out is added to the image with atomics, as whole numbers: sums of those are the same to the
bit in whatever order they are added. They have two words, of which the second is for what is left
beside the largest that could come: in single precision it is nothing but for the smallest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED
from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.cuda.warps import (
    ONE,
    ROW,
    WARP,
    first_lane,
    first_of,
    narrow,
    second_of,
    unsigned,
    vote,
    without_first_lane,
)
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.math import floor

Array = np.ndarray[Any, np.dtype[Any]]

# More wait for each other longer (scripts/bench --device cuda).
N_WARPS = 2 if IS_SIMULATED else 4
THREADS = N_WARPS * WARP
LANES_X, LANES_Y = (2, 2) if IS_SIMULATED else (8, 4)
PART_X, PART_Y = 2 * LANES_X, 2 * LANES_Y
# Of the profile of a position along an axis: a longer one is made in segments.
PAIRS_A_PROFILE = 4 if IS_SIMULATED else 8
CELLS_A_PROFILE = 2 * PAIRS_A_PROFILE
# Of all that could add up, in the first word: 64 bits, without a sign and with room for roundings.
LARGEST = 2.0**61
# Of the second word in one of the first: 2^22 blocks may add a half each.
OF_SECOND = 2.0**40
NOWHERE = 2**31 - 1
# At once, so that a launch takes no longer than a second, and grids are no larger than they may be.
MOST_BLOCKS = 2**24


def split_images(n_images: int, n_blocks: int) -> list[slice]:
    """Split images of so many blocks each into as many as are launched together."""
    n_at_once = max(1, MOST_BLOCKS // n_blocks)
    return [slice(start, start + n_at_once) for start in range(0, n_images, n_at_once)]


@cuda_helper
def find_own(n: int) -> tuple[int, int, int]:
    """Find the image of a block, its first position of n, and one past its last."""
    n_blocks, block = np.uint32((n + WARP - 1) // WARP), np.uint32(cuda.blockIdx.x)
    image = narrow(block // n_blocks)
    first = narrow((block - np.uint32(image) * n_blocks) * np.uint32(WARP))
    return image, first, narrow(min(first + WARP, n))


@cuda_helper
def begin_windows(windows: Array, box: Array, scales: Array, bound: Array) -> None:
    """Begin with windows of nothing, in a box of nothing: `put_window` is for after it.

    ``windows`` (6, WARP), int32 and shared, have of each slot (first, end, begin of the profile) of
    x and of y; ``box`` (6,) the (first, end, longest) that include them all. ``scales`` (1,) get
    what `scale_of` finds, when the block has waited for it once more.
    """
    thread = narrow(cuda.threadIdx.x)
    if thread < 6:
        box[thread] = NOWHERE if thread % 3 == 0 else 0
    if thread < WARP:
        for edge in range(6):
            windows[edge, thread] = 0
    cuda.syncthreads()
    # By one of a warp that has no windows to find.
    if thread == WARP:
        scales[0] = scale_of(bound)


@cuda_helper
def put_window(windows: Array, box: Array, slot: int, axis: int, first: int, end: int) -> None:
    """Write the window of a slot along an axis, which is not empty, and extend the box."""
    # Pairs of neighbours begin at even cells, for all slots and pixels.
    begin = first // 2 * 2
    windows[3 * axis, slot], windows[3 * axis + 1, slot] = first, end
    windows[3 * axis + 2, slot] = begin
    cuda.atomic.min(box, 3 * axis, begin)
    cuda.atomic.max(box, 3 * axis + 1, end)
    cuda.atomic.max(box, 3 * axis + 2, end - begin)


@cuda_helper
def count_segments(box: Array, axis: int) -> int:
    """In how many segments the longest profile of an axis is made."""
    return narrow((box[3 * axis + 2] + CELLS_A_PROFILE - 1) // CELLS_A_PROFILE)


@cuda_helper
def _overlaps(windows: Array, axis: int, slot: int, segment: int, start: int, side: int) -> bool:
    begin = narrow(windows[3 * axis + 2, slot] + segment * CELLS_A_PROFILE)
    first = max(windows[3 * axis, slot], begin)
    end = min(windows[3 * axis + 1, slot], narrow(begin + CELLS_A_PROFILE))
    # No branch: in a warp, some thread goes on in any case.
    overlaps: bool = (first < end) & (first < narrow(start + side)) & (end > start)
    return overlaps


@cuda_helper
def add_patch(
    image: Array,
    profiles: Array,
    windows: Array,
    box: Array,
    segment_x: int,
    segment_y: int,
    n_gaussians: int,
    rows_an_axis: int,
    nothing: Any,
    scale: float,
) -> None:
    """Add products of profiles to an image (2, y, x) of whole numbers, a ``scale``-th each.

    ``profiles`` are pairs [axis, Gaussian, pair, slot] of a segment along x and one along y, in the
    precision of ``nothing``, 0; ``windows`` and ``box`` are as of `begin_windows`. Every thread of
    the block calls this.
    """
    thread = narrow(cuda.threadIdx.x)
    lane, warp = narrow(thread % WARP), narrow(thread // WARP)
    x_before, y_before = narrow(segment_x * CELLS_A_PROFILE), narrow(segment_y * CELLS_A_PROFILE)
    x_first, y_first = narrow(box[0] + x_before), narrow(box[3] + y_before)
    # No segment begins beyond its box.
    n_across = narrow((box[1] - x_first + PART_X - 1) // PART_X)
    n_parts = narrow(n_across * narrow((box[4] - y_first + PART_Y - 1) // PART_Y))
    own_x, own_y = narrow(lane % LANES_X * 2), narrow(lane // LANES_X * 2)
    number, n_rounds = warp, narrow((n_parts + N_WARPS - 1) // N_WARPS)
    # The simulator's votes are of all warps.
    for _ in range(n_rounds):
        row = np.uint32(0)
        if number < n_parts:
            row = np.uint32(np.uint32(number) // np.uint32(n_across))
        x_start = narrow(x_first + narrow(number - narrow(row) * n_across) * PART_X)
        y_start = narrow(y_first + narrow(row) * PART_Y)
        mask = vote(
            (number < n_parts)
            & _overlaps(windows, 0, lane, segment_x, x_start, PART_X)
            & _overlaps(windows, 1, lane, segment_y, y_start, PART_Y)
        )
        number = narrow(number + N_WARPS)
        if mask == 0:
            continue
        x, y = narrow(x_start + own_x), narrow(y_start + own_y)
        x_from_begin, y_from_begin = narrow(x - x_before), narrow(y - y_before)
        low_left, low_right, high_left, high_right = nothing, nothing, nothing, nothing
        while mask != 0:
            slot = first_lane(mask)
            mask = without_first_lane(mask)
            within_x = np.uint32(x_from_begin - windows[2, slot])
            within_y = np.uint32(y_from_begin - windows[5, slot])
            # What lies before a profile is, without a sign, far beyond it.
            if within_x < np.uint32(CELLS_A_PROFILE) and within_y < np.uint32(CELLS_A_PROFILE):
                at_x = np.uint32((within_x >> ONE) * ROW + slot)
                at_y = np.uint32((within_y >> ONE) * ROW + slot)
                for i in range(n_gaussians):
                    offset = i * PAIRS_A_PROFILE * ROW
                    of_x = profiles[at_x + offset]
                    of_y = profiles[at_y + rows_an_axis * ROW + offset]
                    low_left += first_of(of_x) * first_of(of_y)
                    low_right += second_of(of_x) * first_of(of_y)
                    high_left += first_of(of_x) * second_of(of_y)
                    high_right += second_of(of_x) * second_of(of_y)
        after_x, after_y = narrow(x + 1), narrow(y + 1)
        _add(image, y, x, low_left, scale)
        _add(image, y, after_x, low_right, scale)
        _add(image, after_y, x, high_left, scale)
        _add(image, after_y, after_x, high_right, scale)


@cuda_helper
def _add(image: Array, y: int, x: int, value: Any, scale: float) -> None:
    if value != 0 and y < image.shape[1] and x < image.shape[2]:
        scaled = float(value) * scale
        first = floor(scaled + 0.5)
        second = floor((scaled - first) * OF_SECOND + 0.5)
        at_y, at_x = unsigned(y), unsigned(x)
        cuda.atomic.add(image, (unsigned(0), at_y, at_x), first)
        if second != 0:
            cuda.atomic.add(image, (unsigned(1), at_y, at_x), second)


@cuda_helper
def scale_of(bound: Array) -> float:
    """How many whole numbers 1 has, a power of 2, where no sum is above ``bound`` (1,)."""
    if not bound[0] > 0.0:
        return 0.0
    # Products with it are exact, and what rounds the bound does not change it.
    _, exponent = math.frexp(bound[0])
    return math.ldexp(LARGEST, -exponent)


@cuda_helper
def value_of(first: int, second: int, bound: Array) -> float:
    """Find what both words of a sum stand for."""
    if first == 0 and second == 0:
        return 0.0
    return (float(first) + float(second) / OF_SECOND) / scale_of(bound)


def add_whole_numbers(sums: Array, whole: Array, bound: Array) -> None:
    """Add what whole numbers (n, 2, y, x) stand for to sums (n, y, x).

    A thread owns an element.
    """
    launch_for_each(_add_whole_numbers, sums.size, sums, whole, bound)


@cuda_kernel
def _add_whole_numbers(sums: Array, whole: Array, bound: Array) -> None:
    number = cuda.grid(1)
    if number < sums.size:
        n_y, n_x = sums.shape[1], sums.shape[2]
        image, y, x = number // (n_y * n_x), number // n_x % n_y, number % n_x
        sums[image, y, x] += value_of(whole[image, 0, y, x], whole[image, 1, y, x], bound)
