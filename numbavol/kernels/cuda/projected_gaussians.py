"""Projections of Gaussian mixtures along z."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import get_device
from numbavol.kernels.cuda.launch import launch, launch_for_each
from numbavol.kernels.cuda.patches import (
    CELLS_A_PROFILE,
    N_WARPS,
    PAIRS_A_PROFILE,
    THREADS,
    add_patch,
    add_whole_numbers,
    begin_windows,
    count_segments,
    find_own,
    put_window,
    split_images,
)
from numbavol.kernels.cuda.profiles import (
    Polynomial,
    count_averaged,
    fill_profile,
    fit_polynomial,
    nearest_cell,
)
from numbavol.kernels.cuda.warps import PAIRS, ROW, WARP, narrow, unsigned
from numbavol.kernels.jit import cuda_helper, cuda_kernel, cuda_kernel_in_registers
from numbavol.kernels.math import N_TERMS
from numbavol.kernels.places import place_in_plane
from numbavol.kernels.profiles import TWO_OVER_SQRT_PI, end_cell, first_cell, scale_gaussian

Array = np.ndarray[Any, np.dtype[Any]]

MOST_GAUSSIANS = 6
ROWS_AN_AXIS = MOST_GAUSSIANS * PAIRS_A_PROFILE
N_PAIRS = 2 * ROWS_AN_AXIS * ROW
PAIR = PAIRS[np.dtype(np.float32)]
# None is spilled, and with 64 it takes 3 % longer (scripts/bench --device cuda).
REGISTERS = 48


def scale_gaussians(
    order: Array,
    positions: Array,
    amplitudes: Array,
    variances: Array,
    pixel_size: float,
    reach: float,
    sharpest: float,
    in_pixels: Array,
    radii: Array,
    scaled: Array,
    widths: Array,
) -> None:
    """Put Gaussians in an order, and write them in pixels: see the kernel of the CPU.

    A thread owns what belongs to a position.
    """
    launch_for_each(
        _scale, len(order), order, positions, amplitudes, variances, pixel_size, reach, sharpest,
        in_pixels, radii, scaled, widths,
    )  # fmt: skip


@cuda_kernel
def _scale(
    order: Array,
    positions: Array,
    amplitudes: Array,
    variances: Array,
    pixel_size: float,
    reach: float,
    sharpest: float,
    in_pixels: Array,
    radii: Array,
    scaled: Array,
    widths: Array,
) -> None:
    """Write a position in pixels: a thread each."""
    n = cuda.grid(1)
    if n < len(order):
        scale_gaussian(
            n, order, positions, amplitudes, variances, pixel_size, reach, sharpest, in_pixels,
            radii, scaled, widths,
        )  # fmt: skip


def project_gaussians(
    sums: Array,
    first_row: int,
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
    if first_row != 0:
        offsets = offsets - xp.array([0.0, first_row])
    # Of a profile: twice the average over a pixel, or twice what a sample is at most.
    highest = 2.0 if antialias else TWO_OVER_SQRT_PI * widths.astype(np.float64)
    bound = (xp.abs(amplitudes) * highest**2).sum(dtype=np.float64).reshape(1)
    whole = xp.zeros((n_images, 2, *sums.shape[1:]), np.int64)
    polynomials = xp.empty((N_TERMS, k, n), widths.dtype)
    launch_for_each(_fit, n * k, polynomials, widths, antialias)
    n_blocks = -(-n // WARP)
    for some in split_images(n_images, n_blocks):
        launch(
            _add_patches, len(rotations[some]) * n_blocks, THREADS, whole[some], positions, radii,
            amplitudes, widths, polynomials, antialias, rotations[some], offsets[some], bound,
            fused,
        )  # fmt: skip
    add_whole_numbers(sums, whole, bound)


@cuda_kernel
def _fit(polynomials: Array, widths: Array, antialias: bool) -> None:
    """Write the polynomials (powers, k, n) of Gaussians, which no pose changes: a thread each."""
    number = cuda.grid(1)
    n, k = widths.shape
    if number >= n * k:
        return
    a, i = number // k, number % k
    width = widths[a, i]
    polynomial = fit_polynomial(width, count_averaged(width, antialias), antialias)
    for power in range(N_TERMS):
        polynomials[power, i, a] = polynomial[power]


@cuda_kernel_in_registers(REGISTERS)
def _add_patches(
    whole: Array,
    positions: Array,
    radii: Array,
    amplitudes: Array,
    widths: Array,
    polynomials: Array,
    antialias: bool,
    rotations: Array,
    offsets: Array,
    bound: Array,
    fused: tuple[int, ...],
) -> None:
    k, real = len(fused), widths.dtype.type
    image, first, end = find_own(positions.shape[0])
    thread = narrow(cuda.threadIdx.x)
    lane, warp = narrow(thread % WARP), narrow(thread // WARP)
    windows = cuda.shared.array((6, WARP), numba.int32)
    box = cuda.shared.array(6, numba.int32)
    # Of x and y: the pixel next to a position, and how far it is from its middle.
    pixels = cuda.shared.array((2, WARP), numba.int32)
    beside = cuda.shared.array((2, WARP), widths.dtype)
    profiles = cuda.shared.array(N_PAIRS, PAIR)
    scales = cuda.shared.array(1, numba.float64)

    begin_windows(windows, box, scales, bound)
    a = unsigned(first + lane)
    if warp == 0 and first + lane < end:
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
            pixel_x, pixel_y = nearest_cell(x), nearest_cell(y)
            pixels[0, lane], pixels[1, lane] = pixel_x, pixel_y
            beside[0, lane], beside[1, lane] = real(x - pixel_x), real(y - pixel_y)
    cuda.syncthreads()

    n_segments_x, n_segments_y = count_segments(box, 0), count_segments(box, 1)
    for segment_y in range(n_segments_y):
        for segment_x in range(n_segments_x):
            if windows[0, lane] < windows[1, lane]:
                task = warp
                while task < 2 * k:
                    axis, i = narrow(task & 1), unsigned(narrow(task >> 1))
                    own_segment = narrow(segment_y) if axis == 1 else narrow(segment_x)
                    begin = windows[3 * axis + 2, lane] + CELLS_A_PROFILE * own_segment
                    width = widths[a, i]
                    fill_profile(
                        profiles, (axis * ROWS_AN_AXIS + i * PAIRS_A_PROFILE) * ROW + lane, ROW,
                        (0, PAIRS_A_PROFILE, 1), real(narrow(begin - pixels[axis, lane])),
                        beside[axis, lane], real(radii[a, i]) + real(0.5), width,
                        (count_averaged(width, antialias), _read(polynomials, i, a)),
                        amplitudes[a, i] if axis == 1 else real(1),
                    )  # fmt: skip
                    task = narrow(task + N_WARPS)
            cuda.syncthreads()
            add_patch(
                whole[image], profiles, windows, box, segment_x, segment_y, k, ROWS_AN_AXIS,
                real(0), scales[0],
            )  # fmt: skip
            cuda.syncthreads()


@cuda_helper
def _read(polynomials: Array, i: int, a: int) -> Polynomial:
    """Read what `_fit` wrote of Gaussian i of position a."""
    return (
        polynomials[0, i, a], polynomials[1, i, a], polynomials[2, i, a], polynomials[3, i, a],
        polynomials[4, i, a], polynomials[5, i, a], polynomials[6, i, a], polynomials[7, i, a],
    )  # fmt: skip
