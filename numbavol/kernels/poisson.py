"""Numbers of electrons: Poisson's distribution, by inversion where few are expected.

Where many are, it is transformed rejection (Hörmann (1993), Insurance: Mathematics and Economics
12, 39-45, algorithm PTRS): two uniform numbers propose a count, and mostly it is taken at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper
from numbavol.kernels.random import draw_words, uniform_of_words

# uint64.
Word = Any

# Rejection holds from here on.
MANY = 10.0
NOT_TAKEN = -1.0
# A row has fewer places than 2 to this: the bits above tell the proposals for a place apart.
PLACE_BITS, NEXT_PROPOSAL = np.uint64(24), np.uint64(1 << 24)


@helper
def probability_of_next(probability: float, expected: float, inverse: float) -> float:
    """Probability of n electrons, of that of n - 1 and the inverse of n."""
    return probability * (expected * inverse)


@helper
def _transform(expected: float, u: float) -> tuple[float, float, float, float]:
    """Count that a uniform number proposes; its distance from the end, and the hat's a and b."""
    b = 0.931 + 2.53 * math.sqrt(expected)
    a = -0.059 + 0.02483 * b
    distance = 0.5 - abs(u - 0.5)
    count = math.floor((2.0 * a / distance + b) * (u - 0.5) + expected + 0.43)
    return float(count), distance, a, b


@helper
def propose_count(expected: float, u: float, v: float) -> float:
    """Return the count that two uniform numbers propose if it is below the squeeze, as most are.

    Otherwise return `NOT_TAKEN`; `draw_large_count` is then to be asked.
    """
    count, distance, _, b = _transform(expected, u)
    is_below = (distance >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2.0))
    return count if is_below else NOT_TAKEN


@helper
def _examine_count(expected: float, u: float, v: float) -> float:
    """Return the count that two uniform numbers propose, or `NOT_TAKEN`."""
    count, distance, a, b = _transform(expected, u)
    if count < 0.0:
        return NOT_TAKEN
    height = v * (1.1239 + 1.1328 / (b - 3.4)) / (a / (distance * distance) + b)
    log_probability = count * math.log(expected) - expected - math.lgamma(count + 1.0)
    return count if math.log(height) <= log_probability else NOT_TAKEN


@helper
def draw_large_count(
    expected: float, seed: Word, purpose: Word, number: Word, row: Word, place: Word
) -> float:
    """Draw a number of electrons where `MANY` or more are expected."""
    count, proposal = NOT_TAKEN, place
    while count < 0.0:
        a, b, c, d = draw_words(seed, purpose, number, row, proposal)
        u, v = uniform_of_words(a, b), uniform_of_words(c, d)
        count = propose_count(expected, u, v)
        if count < 0.0:
            count = _examine_count(expected, u, v)
        proposal += NEXT_PROPOSAL
    return count
