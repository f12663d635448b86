"""Where Gaussians reach, and how their integrals over cells are computed: for every device."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import by_precision, helper
from numbavol.kernels.math import ceil, floor

Array = np.ndarray[Any, np.dtype[Any]]

# Of a cell in widths of a Gaussian: a point, as far as arithmetic goes, but not infinite.
SHARPEST = 1e30
# The widest cell that `gaussian_increment` averages over; wider ones are so many of its parts.
WIDEST_PART = np.float32(1.6)
TWO, FOUR = np.float32(2), np.float32(4)
LOG2_E = math.log2(math.e)
TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def _count_parts_single(width: np.float32) -> int:
    # Comparisons: rounding a quotient up takes as long as a whole profile (scripts/bench render).
    if width <= WIDEST_PART:
        return 1
    if width <= TWO * WIDEST_PART:
        return 2
    return 4 if width <= FOUR * WIDEST_PART else 0


def _count_parts_double(width: np.float64) -> int:  # noqa: ARG001
    return 0


count_parts = by_precision(float32=_count_parts_single, float64=_count_parts_double)
"""In how many parts a cell is averaged over, or 0 if a difference of values of `erf` is better."""


@helper
def first_cell(centre: float, radius: float, n_cells: int) -> int:
    """First cell of an axis that reaches into [centre - radius, centre + radius]."""
    # Bounded before rounding: a radius may be larger than integers are.
    return ceil(min(max(centre - radius - 0.5, 0.0), float(n_cells)))


@helper
def end_cell(centre: float, radius: float, n_cells: int) -> int:
    """One past the last cell of an axis that reaches into [centre - radius, centre + radius]."""
    return floor(min(max(centre + radius + 0.5, -1.0), n_cells - 1.0)) + 1


@helper
def locate_gaussian(
    a: int,
    positions: Array,
    variances: Array,
    voxel_size: Array | tuple[float, float, float],
    reach: float,
    shape: tuple[int, int, int],
    block_side: int,
    outside: int,
    centres: Array,
    planes: Array,
    blocks: Array,
) -> None:
    """Place position ``a`` in a map: see `locate_gaussians` of the CPU."""
    variance = variances[a, 0]
    for i in range(1, variances.shape[1]):
        variance = max(variance, variances[a, i])
    radius = reach * math.sqrt(variance)
    block = 0
    is_inside = True
    for axis in range(2, -1, -1):
        n_cells = shape[2 - axis]
        centre = positions[a, axis] / voxel_size[axis] + n_cells // 2
        centres[a, axis] = centre
        cells = radius / voxel_size[axis]
        # Comparing before rounding: a position may be further away than integers reach.
        is_inside = is_inside and centre + cells >= -0.5 and centre - cells <= n_cells - 0.5
        nearest = min(max(centre, 0.0), n_cells - 1.0)
        block = block * (-(-n_cells // block_side)) + int(nearest) // block_side
    blocks[a] = block if is_inside else outside
    if is_inside:
        cells = radius / voxel_size[2]
        planes[a, 0] = first_cell(centres[a, 2], cells, shape[0])
        planes[a, 1] = end_cell(centres[a, 2], cells, shape[0])


@helper
def scale_gaussian(
    n: int,
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
    """Write position ``order[n]`` in pixels: see `scale_gaussians` of the CPU."""
    a = order[n]
    for axis in range(3):
        in_pixels[n, axis] = positions[a, axis] / pixel_size
    root_half = math.sqrt(0.5)
    for i in range(variances.shape[1]):
        deviation = math.sqrt(variances[a, i]) / pixel_size
        radii[n, i] = reach * deviation
        widths[n, i] = root_half / max(deviation, root_half / sharpest)
        # Profiles are twice the average over a pixel.
        scaled[n, i] = amplitudes[a, i] / (4.0 * pixel_size * pixel_size)
