"""Integrals of a Gaussian over the cells of one axis, a row of lanes at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.lanes import (
    LANES,
    at_most,
    copy_sign,
    keep_up_to,
    load,
    load_eight,
    magnitude,
    store,
    widen,
)
from numbavol.kernels.jit import by_precision, helper
from numbavol.kernels.math import (
    ERF_IS_ONE_FROM,
    HALF,
    LARGEST_POWER,
    N_TERMS,
    ONE,
    SERIES,
    erf,
    erf_of_positive,
    floor,
    gaussian_increment,
)
from numbavol.kernels.profiles import LOG2_E, TWO_OVER_SQRT_PI

Array = np.ndarray[Any, np.dtype[Any]]

FLAT_SERIES = SERIES.reshape(-1)
NUMBERS = np.arange(LANES, dtype=np.float32)
# Cells from there on are as good as infinitely far: integers count them, and the square is a
# float32.
FARTHEST = 1e18


def _fill_coefficients_single(
    width: np.float32, n_parts: int, coefficients: Array, at: int
) -> None:
    if n_parts > 0:
        part = width if n_parts == 1 else width / np.float32(n_parts)
        q = np.float32(0.25) * part * part
        sums = load_eight(FLAT_SERIES, (N_TERMS - 1) * N_TERMS)
        for n in range(N_TERMS - 2, -1, -1):
            sums = load_eight(FLAT_SERIES, n * N_TERMS) + q * sums
        store(coefficients, at, part * np.float32(TWO_OVER_SQRT_PI) * sums)


def _fill_coefficients_double(
    width: np.float64, n_parts: int, coefficients: Array, at: int
) -> None:
    pass


fill_coefficients = by_precision(
    float32=_fill_coefficients_single, float64=_fill_coefficients_double
)
"""Write what `fill_profiles` needs to know of cells of a width, in units of sqrt(2 variance).

Owns the N_TERMS elements of ``coefficients`` from ``at`` on.
"""


@helper
def fill_distances(distances: Array, at: int, length: int, start: int, centre: float) -> None:
    """Write how far cells of an axis from ``start`` on are from ``centre``, both in cells.

    Owns the ``length`` elements of ``distances`` from ``at`` on.
    """
    real = distances.dtype.type
    # Coordinates are taken from the nearest cell, so that float32 is exact where density is.
    nearest = floor(min(max(centre, -FARTHEST), FARTHEST) + 0.5)
    within = real(centre - nearest)
    numbers = widen(load(NUMBERS, 0), distances)
    for chunk in range(0, length, LANES):
        # A whole number first: where density is, what is left of it has all its digits.
        store(distances, at + chunk, (real(start + chunk - nearest) + numbers) - within)


@helper
def _average_over_part(
    distance: Array, scale: np.float32, polynomial: tuple[np.float32, ...]
) -> Array:
    """Twice the integral over a part of each cell."""
    # Where powers of 1/2 end, the polynomial ends as well: it would outgrow them.
    v = at_most(scale * (distance * distance), LARGEST_POWER)
    increment: Array = gaussian_increment(v, *polynomial)
    return increment


def _fill_averages_single(
    width: np.float32,
    profiles: Array,
    own: int,
    first: int,
    end: int,
    distances: Array,
    radius: float,
    n_parts: int,
    coefficients: Array,
    at: int,
) -> None:
    polynomial = (
        coefficients[at], coefficients[at + 1], coefficients[at + 2], coefficients[at + 3],
        coefficients[at + 4], coefficients[at + 5], coefficients[at + 6], coefficients[at + 7],
    )  # fmt: skip
    scale = width * width * np.float32(LOG2_E)
    reach = np.float32(min(radius, FARTHEST)) + HALF
    # Most have one part: its own loop makes images a tenth faster (scripts/bench project).
    if n_parts == 1:
        for cell in range(first, end, LANES):
            distance = load(distances, cell)
            average = _average_over_part(distance, scale, polynomial)
            store(profiles, own + cell, keep_up_to(average, distance * distance, reach * reach))
        return
    step = ONE / np.float32(n_parts)
    for cell in range(first, end, LANES):
        distance = load(distances, cell)
        beyond = distance - HALF * (ONE - step)
        total = _average_over_part(beyond, scale, polynomial)
        for part in range(1, n_parts):
            total = total + _average_over_part(beyond + np.float32(part) * step, scale, polynomial)
        store(profiles, own + cell, keep_up_to(total, distance * distance, reach * reach))


def _fill_averages_double(
    width: np.float64,
    profiles: Array,
    own: int,
    first: int,
    end: int,
    distances: Array,
    radius: float,
    n_parts: int,
    coefficients: Array,
    at: int,
) -> None:
    pass


_fill_averages = by_precision(float32=_fill_averages_single, float64=_fill_averages_double)
"""Write a row of `fill_profiles` as sums of `gaussian_increment` over the parts of cells."""


def _fill_edges_single(width: np.float32, edges: Array, distances: Array, cell: int) -> None:
    x = width * (load(distances, cell) - HALF)
    within = at_most(magnitude(x), ERF_IS_ONE_FROM)
    store(edges, 0, copy_sign(erf_of_positive(within), x))


def _fill_edges_double(width: np.float64, edges: Array, distances: Array, cell: int) -> None:
    for lane in range(LANES):
        edges[lane] = erf(width * (distances[cell + lane] - 0.5))


_fill_edges = by_precision(float32=_fill_edges_single, float64=_fill_edges_double)
"""Write `erf` at where the cells of a row of lanes begin."""


@helper
def _fill_differences(
    width: Any,
    profiles: Array,
    own: int,
    first: int,
    end: int,
    distances: Array,
    radius: float,
    edges: Array,
) -> None:
    """Write a row of `fill_profiles` as differences of `erf`."""
    real = profiles.dtype.type
    half = real(0.5)
    reach = real(min(radius, FARTHEST)) + half
    for cell in range(first, end, LANES):
        _fill_edges(width, edges, distances, cell)
        last = distances[cell + LANES - 1]
        # Often the last lane is no cell of the window, and where it ends does not matter.
        edges[LANES] = erf(width * (last + half)) if last <= reach else edges[LANES - 1]
        integrals = load(edges, 1) - load(edges, 0)
        distance = load(distances, cell)
        store(profiles, own + cell, keep_up_to(integrals, distance * distance, reach * reach))


@helper
def fill_profiles(
    profiles: Array,
    stride: int,
    first: int,
    end: int,
    distances: Array,
    radii: Array,
    widths: Array,
    parts: Array,
    coefficients: Array,
    edges: Array,
) -> None:
    """Twice the integral of each unit Gaussian over cells at ``distances``, ``first`` to ``end``.

    Cells of which no point is within ``radii[i]`` become 0 for Gaussian i; radii are in cells,
    ``widths`` (k,) those of a cell in units of sqrt(2 variance) of each Gaussian, ``parts`` (k,)
    and ``coefficients`` (k * N_TERMS,) are theirs. Gaussian i owns the elements of ``profiles``
    from ``i * stride`` on that stand as those of ``distances``; ``edges`` (LANES + 1,) are scratch.
    """
    for i in range(widths.size):
        if parts[i] > 0:
            _fill_averages(
                widths[i], profiles, i * stride, first, end, distances, radii[i], parts[i],
                coefficients, i * N_TERMS,
            )  # fmt: skip
        else:
            _fill_differences(
                widths[i], profiles, i * stride, first, end, distances, radii[i], edges
            )
