"""Projections of Gaussian mixtures along z."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.lanes import (
    LANES,
    in_whole_lanes,
    load,
    load_output,
    load_scalar,
    store,
    store_output,
    widen,
)
from numbavol.kernels.cpu.profiles import fill_coefficients, fill_distances, fill_profiles
from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.math import N_TERMS
from numbavol.kernels.places import place_in_plane
from numbavol.kernels.profiles import (
    TWO_OVER_SQRT_PI,
    count_parts,
    end_cell,
    first_cell,
    scale_gaussian,
)

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
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
    """Put Gaussians in an order, and write them in pixels.

    Reads ``positions`` (n, 3), ``amplitudes`` and ``variances`` (n, k) where ``order`` says, for
    pixels of ``pixel_size``, in angstroms. Owns ``in_pixels`` (len(order), 3), and ``radii``,
    ``scaled`` and ``widths`` (len(order), k), float32, which are what `project_gaussians` takes;
    ``reach`` is a radius in standard deviations, and no width is above ``sharpest``.
    """
    for n in range(len(order)):
        scale_gaussian(
            n, order, positions, amplitudes, variances, pixel_size, reach, sharpest, in_pixels,
            radii, scaled, widths,
        )  # fmt: skip


@helper
def _widest_radius(radii: Array, a: int) -> float:
    """Radius of the widest Gaussian of a position."""
    reach = 0.0
    for i in range(radii.shape[1]):
        reach = max(reach, radii[a, i])
    return reach


@helper
def _touches(place: float, reach: float, first: int, end: int) -> bool:
    """Whether what is at a place reaches some pixels of an axis; not if that is not a number."""
    return place + reach >= first - 0.5 and place - reach <= end - 0.5


@kernel
def project_gaussians(
    sums: Array,
    first_row: int,
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

    Owns ``sums`` (images, y, x), float64: row ``first_row`` of the images and those after it, as
    many as it has. A pixel is the same to the bit in whichever rows. Positions ``groups[g]`` to
    ``groups[g + 1]`` are neighbours: they add up in a patch of the image, in single precision, so
    that few terms meet there. ``positions`` (n, 3) in pixels become, for each image,
    ``rotations[image]`` (2, 3) times them plus ``offsets[image]`` (2,), which is (x, y) from the
    centre of pixel 0. ``amplitudes`` and ``widths`` (n, k) are float32; a width is that of a pixel
    in units of sqrt(2 variance). Of a Gaussian, pixels that lie further than ``radii`` (n, k) from
    it along an axis are left out. ``fused`` holds k zeros: its length is known to the compiler.
    """
    n_images, ny, nx = sums.shape
    end_row = first_row + ny
    flat = sums.reshape(-1)
    k = len(fused)
    widest = 0.0
    reaches = np.zeros(groups.size - 1)
    for g in range(groups.size - 1):
        for a in range(groups[g], groups[g + 1]):
            reaches[g] = max(reaches[g], _widest_radius(radii, a))
        widest = max(widest, reaches[g])
    # A window has at most 2 radius + 2 pixels of an axis.
    length = in_whole_lanes(int(min(2.0 * widest + 3.0, float(max(ny + LANES, nx)))))
    stride = 2 * length
    profiles = np.empty(k * stride, np.float32)
    distances = np.empty(stride, np.float32)
    edges = np.empty(LANES + 1, np.float32)
    parts, coefficients = np.empty(k, np.int64), np.empty(k * N_TERMS, np.float32)
    patch = np.empty(ny * (nx + 2 * LANES), np.float32)

    for image in range(n_images):
        for g in range(groups.size - 1):
            start, stop = groups[g], groups[g + 1]
            reach = reaches[g]
            lowest_x, highest_x, lowest_y, highest_y = np.inf, -np.inf, np.inf, -np.inf
            for a in range(start, stop):
                x, y = place_in_plane(positions, a, rotations[image], offsets[image])
                if _touches(x, reach, 0, nx) and _touches(y, reach, first_row, end_row):
                    lowest_x, highest_x = min(lowest_x, x), max(highest_x, x)
                    lowest_y, highest_y = min(lowest_y, y), max(highest_y, y)
            if lowest_x > highest_x:
                continue
            low_x, high_x = first_cell(lowest_x, reach, nx), end_cell(highest_x, reach, nx)
            low_y = max(first_cell(lowest_y, reach, end_row), first_row)
            high_y = end_cell(highest_y, reach, end_row)
            # Rows are written in whole lanes.
            n_columns = in_whole_lanes(high_x - low_x) + LANES
            patch[: (high_y - low_y) * n_columns] = np.float32(0)

            for a in range(start, stop):
                x, y = place_in_plane(positions, a, rotations[image], offsets[image])
                own_reach = _widest_radius(radii, a)
                if not (
                    _touches(x, own_reach, 0, nx) and _touches(y, own_reach, first_row, end_row)
                ):
                    continue
                x_first, x_end = first_cell(x, own_reach, nx), end_cell(x, own_reach, nx)
                y_whole = first_cell(y, own_reach, end_row)
                y_first = max(y_whole, first_row)
                # Chunks of profiles begin where they do for all rows: at the end of a chunk, a
                # difference of erf is rounded in another way.
                y_from = y_whole + (y_first - y_whole) // LANES * LANES
                y_end = end_cell(y, own_reach, end_row)
                for i in range(k):
                    if antialias:
                        parts[i] = count_parts(widths[a, i])
                        fill_coefficients(widths[a, i], parts[i], coefficients, i * N_TERMS)
                    else:
                        parts[i] = 1
                        coefficients[i * N_TERMS : (i + 1) * N_TERMS] = np.float32(0)
                        coefficients[i * N_TERMS] = np.float32(TWO_OVER_SQRT_PI) * widths[a, i]
                x_lanes = in_whole_lanes(x_end - x_first)
                y_lanes = in_whole_lanes(y_end - y_from)
                fill_distances(distances, 0, x_lanes, x_first, x)
                fill_distances(distances, x_lanes, y_lanes, y_from, y)
                fill_profiles(
                    profiles,
                    stride,
                    0,
                    x_lanes + y_lanes,
                    distances,
                    radii[a],
                    widths[a],
                    parts,
                    coefficients,
                    edges,
                )
                for i in range(k):
                    amplitude = amplitudes[a, i]
                    own = i * stride + x_lanes
                    for chunk in range(own, own + y_lanes, LANES):
                        store(profiles, chunk, amplitude * load(profiles, chunk))
                for chunk in range(0, x_lanes, LANES):
                    cell = (y_first - low_y) * n_columns + x_first - low_x + chunk
                    for row_y in range(x_lanes + y_first - y_from, x_lanes + y_end - y_from):
                        total = load_scalar(profiles, row_y) * load(profiles, chunk)
                        for i in range(1, k):
                            weight = load_scalar(profiles, row_y + i * stride)
                            total = total + weight * load(profiles, i * stride + chunk)
                        store_output(patch, cell, load_output(patch, cell) + total)
                        cell += n_columns

            n_whole = (high_x - low_x) // LANES * LANES
            for y in range(low_y, high_y):
                cell = (image * ny + y - first_row) * nx + low_x
                row = (y - low_y) * n_columns
                for x in range(0, n_whole, LANES):
                    more = widen(load_output(patch, row + x), flat)
                    store(flat, cell + x, load(flat, cell + x) + more)
                for x in range(n_whole, high_x - low_x):
                    flat[cell + x] += patch[row + x]
