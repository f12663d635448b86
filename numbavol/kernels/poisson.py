"""Numbers of electrons: Poisson's distribution, by inversion where few are expected.

Where many are, it is transformed rejection (Hörmann (1993), Insurance: Mathematics and Economics
12, 39-45, algorithm PTRS without its squeezes): two uniform numbers propose a count.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.double import natural_logs
from numbavol.kernels.jit import helper

# uint64.
Word = Any

# Rejection holds from here on.
MANY = 10.0
NOT_TAKEN = -1.0
# A row has fewer places than 2 to this: the bits above tell the proposals for a place apart.
PLACE_BITS = np.uint64(24)
TWO_PI = 2.0 * math.pi
SQRT_TWO_PI = math.sqrt(TWO_PI)
# What Stirling's formula, k ln(k) - k + ln(2 pi k) / 2, lacks of ln(k!): of 0, at which it is taken
# as if k were 1 in the logarithms, to 15; beyond, a series.
LAST_REMAINDER = 15.0
REMAINDERS = np.array(
    [
        math.lgamma(k + 1.0)
        - (k * math.log(k) - k + 0.5 * math.log(TWO_PI * k) if k else 0.5 * math.log(TWO_PI))
        for k in range(16)
    ]
)


@helper
def probability_of_next(probability: float, expected: float, inverse: float) -> float:
    """Probability of n electrons, of that of n - 1 and the inverse of n."""
    return probability * (expected * inverse)


@helper
def _remainder_of_stirling(k: float, inverse: float) -> float:
    q = inverse * inverse
    series = inverse * (1.0 / 12.0 - q * (1.0 / 360.0 - q * (1.0 / 1260.0 - q * (1.0 / 1680.0))))
    tabulated = REMAINDERS[int(min(k, LAST_REMAINDER))]
    return tabulated if k <= LAST_REMAINDER else series


@helper
def propose_count(expected: float, u: float, v: float) -> float:
    """Return the count that two uniform numbers propose, or `NOT_TAKEN`."""
    root = math.sqrt(expected)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    distance = 0.5 - abs(u - 0.5)
    count = float(math.floor((2.0 * a / distance + b) * (u - 0.5) + expected + 0.43))
    k = max(count, 0.0)
    # Divisions and roots take most of the time: where two can be one, they are, and of
    # sqrt(2 pi k) only sqrt(2 pi expected) stands in the height (scripts/bench imaging).
    at_least_one, square = max(k, 1.0), distance * distance
    base = (b - 3.4) * (a + b * square)
    of_both = 1.0 / (at_least_one * base)
    inverse = of_both * base
    height = v * square * (1.1239 * (b - 3.4) + 1.1328) * (SQRT_TWO_PI * root)
    height *= of_both * at_least_one
    log_ratio, log_height = natural_logs(expected * inverse, height)
    log_probability = (k + 0.5) * log_ratio + (k - expected) - _remainder_of_stirling(k, inverse)
    is_taken = (count >= 0.0) & (log_height <= log_probability)
    return count if is_taken else NOT_TAKEN


@helper
def place_of_proposal(place: Word, proposal: int) -> Word:
    """Place in a row that the words of a further proposal are drawn at."""
    return place | (np.uint64(proposal) << PLACE_BITS)
