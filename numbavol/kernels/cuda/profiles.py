"""Integrals of a Gaussian over the cells of one axis, which one thread computes, or a few do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.cuda.instructions import power_of_half
from numbavol.kernels.cuda.warps import join, narrow
from numbavol.kernels.jit import cuda_helper
from numbavol.kernels.math import (
    LARGEST_POWER,
    N_TERMS,
    SERIES,
    erf,
    floor,
    increment_polynomial,
)
from numbavol.kernels.profiles import LOG2_E, TWO_OVER_SQRT_PI, count_parts

Array = np.ndarray[Any, np.dtype[Any]]
FARTHEST = 2.0**30
SQRT_LOG2_E = math.sqrt(LOG2_E)
Polynomial = tuple[Any, Any, Any, Any, Any, Any, Any, Any]


@cuda_helper
def nearest_cell(place: float) -> int:
    """Cell next to a place, of those that 32 bits count: what is farther is wide."""
    return narrow(floor(min(max(place, -FARTHEST), FARTHEST) + 0.5))


@cuda_helper
def _coefficient(power: int, q: Any, scale: Any) -> Any:
    """Coefficient of a power of the polynomial of a part, by the square of half its width."""
    real = type(q)
    total = real(SERIES[N_TERMS - 1, power])
    for n in range(N_TERMS - 2, -1, -1):
        total = real(SERIES[n, power]) + q * total
    return scale * total


@cuda_helper
def share_of_part(n_parts: int, width: Any) -> Any:
    """Share of a cell that each of 1, 2 or 4 parts has, in the precision of a width."""
    real = type(width)
    return real(1) if n_parts == 1 else real(0.5) if n_parts == 2 else real(0.25)


@cuda_helper
def count_averaged(width: Any, is_averaged: bool) -> int:
    """In how many parts a cell is averaged over: 1 where it is sampled at its middle."""
    return narrow(count_parts(width) if is_averaged else 1)


@cuda_helper
def fit_polynomial(width: Any, n_parts: int, is_averaged: bool) -> Polynomial:
    """Find the polynomial of a part of a cell: see `fill_profile`."""
    real = type(width)
    # A difference of values of `erf` needs none.
    part = width * share_of_part(n_parts, width) if n_parts > 0 else real(0)
    q = real(0.25) * part * part if is_averaged else real(0)
    scale = part * real(TWO_OVER_SQRT_PI)
    return (
        _coefficient(0, q, scale), _coefficient(1, q, scale), _coefficient(2, q, scale),
        _coefficient(3, q, scale), _coefficient(4, q, scale), _coefficient(5, q, scale),
        _coefficient(6, q, scale), _coefficient(7, q, scale),
    )  # fmt: skip


@cuda_helper
def _average_over_part(u: Any, polynomial: Polynomial) -> Any:
    """Twice the integral over a part of a cell, whose middle is at u / sqrt(log2(e))."""
    # Where powers of 1/2 end, the polynomial ends as well: it would outgrow them.
    v = min(u * u, type(u)(LARGEST_POWER))
    return power_of_half(v) * increment_polynomial(v, *polynomial)


@cuda_helper
def _average_over_cell(u: Any, n_parts: int, step: Any, polynomial: Polynomial) -> Any:
    """Twice the integral over a cell whose parts are ``step`` apart, the first at u."""
    total = _average_over_part(u, polynomial)
    # No loop: neighbours in a warp have one part and two (scripts/bench --device cuda).
    if n_parts > 1:
        total += _average_over_part(u + step, polynomial)
        if n_parts > 2:
            total += _average_over_part(u + step + step, polynomial)
            total += _average_over_part(u + step + step + step, polynomial)
    return total


@cuda_helper
def fill_profile(
    profiles: Array,
    at: int,
    row: int,
    pairs: tuple[int, int, int],
    start: Any,
    within: Any,
    reach: Any,
    width: Any,
    parts: tuple[int, Polynomial],
    factor: Any,
) -> None:
    """Write twice the integrals of a Gaussian over cells, times a factor, as pairs of neighbours.

    ``profiles`` has the pair 0 of this Gaussian at ``at``, and the others ``row`` elements apart;
    written are the ``pairs`` (first, end, step). Cell 0 is ``start`` cells from the one next to the
    Gaussian, a whole number, and the Gaussian is ``within`` cells beyond the middle of that; cells
    are 0 whose middle is more than ``reach`` cells from the Gaussian. ``width`` is that of a cell
    in units of sqrt(2 variance), and ``parts`` what `fit_polynomial` found for it.
    """
    real = type(width)
    n_parts, polynomial = parts
    half = real(0.5)
    if n_parts == 0:
        for number in range(pairs[0], pairs[1], pairs[2]):
            at_first = start + real(narrow(2 * number))
            at_second = start + real(narrow(2 * number + 1))
            # Neighbours have one border, however it was rounded: what one loses, the other has.
            border = erf(((at_first + half) - within) * width)
            one = border - erf(((at_first - half) - within) * width)
            two = erf(((at_second + half) - within) * width) - border
            profiles[np.uint32(at + number * row)] = join(
                factor * one if abs(at_first - within) <= reach else real(0),
                factor * two if abs(at_second - within) <= reach else real(0),
            )
        return
    scale, share = width * real(SQRT_LOG2_E), share_of_part(n_parts, width)
    step, before_middle = share * scale, half * (real(1) - share)
    for number in range(pairs[0], pairs[1], pairs[2]):
        one_at = (start + real(narrow(2 * number))) - within
        two_at = (start + real(narrow(2 * number + 1))) - within
        one, two = real(0), real(0)
        if -reach <= two_at and one_at <= reach:
            one = _average_over_cell((one_at - before_middle) * scale, n_parts, step, polynomial)
            two = _average_over_cell((two_at - before_middle) * scale, n_parts, step, polynomial)
            one = factor * one if abs(one_at) <= reach else real(0)
            two = factor * two if abs(two_at) <= reach else real(0)
        profiles[np.uint32(at + number * row)] = join(one, two)
