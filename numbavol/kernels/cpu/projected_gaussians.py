"""Projections of Gaussian mixtures along z."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.lanes import (
    LANES,
    load,
    load_output,
    load_scalar,
    store,
    store_output,
)
from numbavol.kernels.cpu.profiles import fill_coefficients, fill_profiles, in_whole_lanes
from numbavol.kernels.jit import kernel
from numbavol.kernels.math import N_TERMS
from numbavol.kernels.places import place_in_plane
from numbavol.kernels.profiles import TWO_OVER_SQRT_PI, count_parts, end_cell, first_cell

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def project_gaussians(
    sums: Array,
    groups: Array,
    positions: Array,
    radii: Array,
    amplitudes: Array,
    widths: Array,
    antialias: bool,
    rotations: Array,
    offsets: Array,
    fused: tuple[int, ...],
) -> None:
    """Add the projections of Gaussians to images, as averages of pixels or at their centres.

    Owns ``sums`` (images, y, x), float64. Positions ``groups[g]`` to ``groups[g + 1]`` are
    neighbours: they add up in a patch of the image, in single precision, so that few terms meet
    there. ``positions`` (n, 3) in pixels become, for each image, ``rotations[image]`` (2, 3) times
    them plus ``offsets[image]`` (2,), which is (x, y) from the centre of pixel 0. ``amplitudes``
    and ``widths`` (n, k) are float32; a width is that of a pixel in units of sqrt(2 variance).
    Of a Gaussian, pixels that lie further than ``radii`` (n, k) from it along an axis are left out.
    ``fused`` holds k zeros: its length is known to the compiler.
    """
    n_images, ny, nx = sums.shape
    k = len(fused)
    most = 0
    for g in range(groups.size - 1):
        most = max(most, groups[g + 1] - groups[g])
    places = np.empty((most, 2))
    windows = np.empty((most, 4), np.int64)
    widest = 0.0
    for a in range(positions.shape[0]):
        for i in range(k):
            widest = max(widest, radii[a, i])
    # A window has at most 2 radius + 2 pixels of an axis.
    length = in_whole_lanes(int(min(2.0 * widest + 3.0, float(max(ny, nx)))))
    profiles = np.empty(2 * k * length, np.float32)
    edges, row = np.empty(length + 1, np.float32), np.empty(LANES, np.float32)
    parts, coefficients = np.empty(k, np.int64), np.empty(k * N_TERMS, np.float32)
    firsts, ends = np.empty(k, np.int64), np.empty(k, np.int64)
    patch = np.empty(ny * (nx + 2 * LANES), np.float32)

    for image in range(n_images):
        for g in range(groups.size - 1):
            start, stop = groups[g], groups[g + 1]
            low_x, high_x, low_y, high_y = nx, 0, ny, 0
            for a in range(start, stop):
                x, y = place_in_plane(positions, a, rotations[image], offsets[image])
                window, reach = windows[a - start], 0.0
                for i in range(k):
                    reach = max(reach, radii[a, i])
                places[a - start, 0], places[a - start, 1] = x, y
                window[:] = 0
                # Also false where a place is not a number.
                if (
                    x + reach >= -0.5
                    and x - reach <= nx - 0.5
                    and y + reach >= -0.5
                    and y - reach <= ny - 0.5
                ):
                    window[0], window[1] = first_cell(x, reach, nx), end_cell(x, reach, nx)
                    window[2], window[3] = first_cell(y, reach, ny), end_cell(y, reach, ny)
                    low_x, high_x = min(low_x, window[0]), max(high_x, window[1])
                    low_y, high_y = min(low_y, window[2]), max(high_y, window[3])
            if low_x >= high_x or low_y >= high_y:
                continue
            # Rows are written in whole lanes.
            stride = (high_x - low_x + LANES - 1) // LANES * LANES + LANES
            patch[: (high_y - low_y) * stride] = np.float32(0)

            for a in range(start, stop):
                x_first, x_end = windows[a - start, 0], windows[a - start, 1]
                y_first, y_end = windows[a - start, 2], windows[a - start, 3]
                if x_first >= x_end or y_first >= y_end:
                    continue
                for i in range(k):
                    if antialias:
                        parts[i] = count_parts(widths[a, i])
                        fill_coefficients(widths[a, i], parts[i], coefficients, i * N_TERMS)
                    else:
                        parts[i] = 1
                        coefficients[i * N_TERMS : (i + 1) * N_TERMS] = np.float32(0)
                        coefficients[i * N_TERMS] = np.float32(TWO_OVER_SQRT_PI) * widths[a, i]
                x_lanes = (x_end - x_first + LANES - 1) // LANES * LANES
                y_lanes = (y_end - y_first + LANES - 1) // LANES * LANES
                for axis in range(2):
                    place, n_pixels = places[a - start, axis], nx if axis == 0 else ny
                    for i in range(k):
                        firsts[i] = first_cell(place, radii[a, i], n_pixels)
                        ends[i] = end_cell(place, radii[a, i], n_pixels)
                    fill_profiles(
                        profiles,
                        axis * k * length,
                        length,
                        x_lanes if axis == 0 else y_lanes,
                        x_first if axis == 0 else y_first,
                        firsts,
                        ends,
                        place,
                        widths[a],
                        parts,
                        coefficients,
                        edges,
                        row,
                    )
                for i in range(k):
                    amplitude = amplitudes[a, i]
                    for chunk in range((k + i) * length, (k + i) * length + y_lanes, LANES):
                        store(profiles, chunk, amplitude * load(profiles, chunk))
                for chunk in range(0, x_lanes, LANES):
                    cell = (y_first - low_y) * stride + x_first - low_x + chunk
                    for y in range(k * length, k * length + y_end - y_first):
                        total = load_scalar(profiles, y) * load(profiles, chunk)
                        for i in range(1, k):
                            weight = load_scalar(profiles, y + i * length)
                            total = total + weight * load(profiles, i * length + chunk)
                        store_output(patch, cell, load_output(patch, cell) + total)
                        cell += stride

            for y in range(low_y, high_y):
                in_patch = (y - low_y) * stride
                for x in range(low_x, high_x):
                    sums[image, y, x] += patch[in_patch + x - low_x]
