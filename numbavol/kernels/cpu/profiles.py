"""Integrals of a Gaussian over the cells of one axis, a row of lanes at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.lanes import LANES, load, load_eight, prefer_whole_lanes, store
from numbavol.kernels.jit import by_precision, helper
from numbavol.kernels.math import N_TERMS, SERIES, erf, floor, gaussian_increment
from numbavol.kernels.profiles import SQRT_LOG2_E, TWO_OVER_SQRT_PI

Array = np.ndarray[Any, np.dtype[Any]]

FLAT_SERIES = SERIES.reshape(-1)


@helper
def in_whole_lanes(n_cells: int) -> int:
    """Length of a profile of ``n_cells`` and one edge more, in whole lanes."""
    return (n_cells // LANES + 1) * LANES


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
def fill_increments(
    row: Array,
    cell: Any,
    offset: Any,
    low: Any,
    high: Any,
    scale: Any,
    coefficients: Array,
    at: int,
) -> None:
    """Averages of a Gaussian over a part of each cell.

    ``cell`` is the first cell, a whole number of cells from that of the Gaussian, and the Gaussian
    is ``offset`` beyond the middle of that part of its own; cells outside ``low`` and ``high``
    become 0. ``coefficients`` are used from ``at`` on. Owns ``row`` (LANES,).
    """
    prefer_whole_lanes()
    real = row.dtype.type
    c0, c1 = coefficients[at], coefficients[at + 1]
    c2, c3 = coefficients[at + 2], coefficients[at + 3]
    c4, c5 = coefficients[at + 4], coefficients[at + 5]
    c6, c7 = coefficients[at + 6], coefficients[at + 7]
    for lane in range(LANES):
        # A whole number first: where density is, what is left of it has all its digits.
        whole = cell + real(np.int32(lane))
        increment = gaussian_increment((whole - offset) * scale, c0, c1, c2, c3, c4, c5, c6, c7)
        row[lane] = increment if low < whole < high else real(0)


@helper
def fill_profiles(
    profiles: Array,
    at: int,
    stride: int,
    length: int,
    start: int,
    firsts: Array,
    ends: Array,
    centre: float,
    widths: Array,
    parts: Array,
    coefficients: Array,
    edges: Array,
    row: Array,
) -> None:
    """Twice the integral of each unit Gaussian over ``length`` cells of an axis from ``start`` on.

    Cells outside [``firsts[i]``, ``ends[i]``) become 0 for Gaussian i. ``centre`` is in cells,
    ``widths`` (k,) those of a cell in units of sqrt(2 variance) of each Gaussian, ``parts`` (k,)
    and ``coefficients`` (k * N_TERMS,) are theirs. Gaussian i owns the ``length`` elements of
    ``profiles`` from ``at + i * stride`` on; ``edges`` (stride + 1,) and ``row`` (LANES,) are
    scratch.
    """
    prefer_whole_lanes()
    real = profiles.dtype.type
    # Coordinates are taken from the nearest cell, so that float32 is exact where density is.
    nearest = floor(centre + 0.5)
    within = real(centre - nearest)
    half = real(0.5)
    # Gaussian after Gaussian of the usual kind, so that constants stay in registers.
    for i in range(widths.size):
        if parts[i] == 1:
            low, high = real(firsts[i] - nearest) - half, real(ends[i] - nearest) - half
            scale = widths[i] * real(SQRT_LOG2_E)
            for chunk in range(0, length, LANES):
                cell = real(start + chunk - nearest)
                fill_increments(row, cell, within, low, high, scale, coefficients, i * N_TERMS)
                store(profiles, at + i * stride + chunk, load(row, 0))
    for i in range(widths.size):
        n_parts = parts[i]
        if n_parts == 1:
            continue
        own = at + i * stride
        low, high = real(firsts[i] - nearest) - half, real(ends[i] - nearest) - half
        if n_parts > 1:
            scale = widths[i] * real(SQRT_LOG2_E)
            share = real(1) / real(n_parts)
            for chunk in range(0, length, LANES):
                cell = real(start + chunk - nearest)
                for part in range(n_parts):
                    shift = (real(part) + half) * share - half
                    fill_increments(
                        row, cell, within - shift, low, high, scale, coefficients, i * N_TERMS
                    )
                    if part > 0:
                        store(row, 0, load(profiles, own + chunk) + load(row, 0))
                    store(profiles, own + chunk, load(row, 0))
            continue
        first_edge, last_edge = low - within, high - within
        for chunk in range(0, length, LANES):
            cell = real(start + chunk - nearest)
            for lane in range(LANES):
                edge = cell + real(np.int32(lane)) - (half + within)
                row[lane] = erf(min(max(edge, first_edge), last_edge) * widths[i])
            store(edges, chunk, load(row, 0))
        # Only where a row begins early is the last lane a cell of the window.
        is_whole = ends[i] == start + length
        edges[length] = erf(last_edge * widths[i]) if is_whole else edges[length - 1]
        for chunk in range(0, length, LANES):
            store(profiles, own + chunk, load(edges, chunk + 1) - load(edges, chunk))
