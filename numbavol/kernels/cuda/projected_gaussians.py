"""Projections of Gaussian mixtures along z."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch
from numbavol.kernels.cuda.patches import (
    CELLS_A_PROFILE,
    N_WARPS,
    PAIRS_A_PROFILE,
    ROW,
    THREADS,
    add_patch,
    add_whole_numbers,
    begin_windows,
    count_segments,
    find_own,
    put_window,
    scale_of,
    split_images,
)
from numbavol.kernels.cuda.profiles import fill_profile, fit_polynomial, nearest_cell
from numbavol.kernels.cuda.warps import PAIRS, WARP, narrow
from numbavol.kernels.jit import cuda_kernel_in_registers
from numbavol.kernels.places import place_in_plane
from numbavol.kernels.profiles import TWO_OVER_SQRT_PI, end_cell, first_cell

Array = np.ndarray[Any, np.dtype[Any]]

MOST_GAUSSIANS = 6
ROWS_AN_AXIS = MOST_GAUSSIANS * PAIRS_A_PROFILE
N_PAIRS = 2 * ROWS_AN_AXIS * ROW
PAIR = PAIRS[np.dtype(np.float32)]
# Four blocks fit onto a multiprocessor, a tenth faster than three (scripts/bench --device cuda).
REGISTERS = 64


def project_gaussians(
    sums: Array,
    groups: Array,  # noqa: ARG001  # it has its own
    positions: Array,
    radii: Array,
    amplitudes: Array,
    widths: Array,
    antialias: bool,
    rotations: Array,
    offsets: Array,
    fused: tuple[int, ...],
) -> None:
    """Add the projections of Gaussians to images: see the kernel of the CPU.

    A block owns as many positions, one after another, as a warp has lanes. It adds them up in
    single precision, and these sums to the image as whole numbers (`patches`): the result is the
    same to the bit whenever it is computed.
    """
    xp = get_device().xp
    n, k, n_images = len(positions), len(fused), len(sums)
    if n == 0:
        return
    if k > MOST_GAUSSIANS:
        msg = f"fused: expected at most {MOST_GAUSSIANS} Gaussians a position, got {k}"
        raise ValueError(msg)
    rotations, offsets = get_device().send(rotations), get_device().send(offsets)
    # Of a profile: twice the average over a pixel, or twice what a sample is at most.
    highest = 2.0 if antialias else TWO_OVER_SQRT_PI * widths.astype(np.float64)
    bound = (xp.abs(amplitudes) * highest**2).sum(dtype=np.float64).reshape(1)
    whole = xp.zeros((n_images, 2, *sums.shape[1:]), np.int64)
    n_blocks = -(-n // WARP)
    for some in split_images(n_images, n_blocks):
        launch(
            _add_patches, len(rotations[some]) * n_blocks, THREADS, whole[some], positions, radii,
            amplitudes, widths, antialias, rotations[some], offsets[some], bound, fused,
        )  # fmt: skip
    add_whole_numbers(sums, whole, bound)


@cuda_kernel_in_registers(REGISTERS)
def _add_patches(
    whole: Array,
    positions: Array,
    radii: Array,
    amplitudes: Array,
    widths: Array,
    antialias: bool,
    rotations: Array,
    offsets: Array,
    bound: Array,
    fused: tuple[int, ...],
) -> None:
    k, real = len(fused), widths.dtype.type
    image, first, end = find_own(positions.shape[0])
    lane, warp = cuda.threadIdx.x % WARP, cuda.threadIdx.x // WARP
    windows = cuda.shared.array((6, WARP), numba.int32)
    box = cuda.shared.array(6, numba.int32)
    places = cuda.shared.array((2, WARP), numba.float64)
    profiles = cuda.shared.array(N_PAIRS, PAIR)

    begin_windows(windows, box)
    a = first + lane
    if warp == 0 and a < end:
        x, y = place_in_plane(positions, a, rotations[image], offsets[image])
        n_y, n_x, reach = whole.shape[2], whole.shape[3], 0.0
        for i in range(k):
            reach = max(reach, radii[a, i])
        # Also false where a place is not a number.
        if (
            x + reach >= -0.5 and x - reach <= n_x - 0.5
            and y + reach >= -0.5 and y - reach <= n_y - 0.5
        ):  # fmt: skip
            put_window(windows, box, lane, 0, first_cell(x, reach, n_x), end_cell(x, reach, n_x))
            put_window(windows, box, lane, 1, first_cell(y, reach, n_y), end_cell(y, reach, n_y))
            places[0, lane], places[1, lane] = x, y
    cuda.syncthreads()

    n_segments_x, n_segments_y = count_segments(box, 0), count_segments(box, 1)
    scale = scale_of(bound)
    for segment in range(n_segments_x * n_segments_y):
        segment_x, segment_y = segment % n_segments_x, segment // n_segments_x
        if windows[0, lane] < windows[1, lane]:
            for task in range(warp, 2 * k, N_WARPS):
                axis, i = task % 2, task // 2
                own_segment = segment_y if axis == 1 else segment_x
                begin = windows[3 * axis + 2, lane] + CELLS_A_PROFILE * own_segment
                place, radius = places[axis, lane], radii[a, i]
                n_pixels = whole.shape[3 - axis]
                pixel = nearest_cell(place)
                within = real(place - pixel)
                edge = real(0.5) + within
                fill_profile(
                    profiles, (axis * ROWS_AN_AXIS + i * PAIRS_A_PROFILE) * ROW + lane, ROW,
                    (0, PAIRS_A_PROFILE, 1),
                    real(narrow(begin - pixel)), within,
                    real(narrow(first_cell(place, radius, n_pixels) - pixel)) - edge,
                    real(narrow(end_cell(place, radius, n_pixels) - pixel)) - edge,
                    widths[a, i], fit_polynomial(widths[a, i], antialias),
                    amplitudes[a, i] if axis == 1 else real(1),
                )  # fmt: skip
        cuda.syncthreads()
        add_patch(
            whole[image], profiles, windows, box, segment_x, segment_y, k, ROWS_AN_AXIS, real(0),
            scale,
        )  # fmt: skip
        cuda.syncthreads()
