"""Numbers of electrons: Poisson's distribution, by inversion where few are expected.

Where many are, it is transformed rejection (Hörmann (1993), Insurance: Mathematics and Economics
12, 39-45, algorithm PTRS without its squeezes): two uniform numbers propose a count.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.double import natural_log
from numbavol.kernels.jit import helper

# uint64.
Word = Any

# Rejection holds from here on.
MANY = 10.0
NOT_TAKEN = -1.0
# A row has fewer places than 2 to this: the bits above tell the proposals for a place apart.
PLACE_BITS = np.uint64(24)
TWO_PI = 2.0 * math.pi
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
    b = 0.931 + 2.53 * math.sqrt(expected)
    a = -0.059 + 0.02483 * b
    distance = 0.5 - abs(u - 0.5)
    count = float(math.floor((2.0 * a / distance + b) * (u - 0.5) + expected + 0.43))
    k = max(count, 0.0)
    inverse = 1.0 / max(k, 1.0)
    # Divisions take most of the time: where two can be one, they are (scripts/bench imaging).
    square = distance * distance
    height = v * square * (1.1239 * (b - 3.4) + 1.1328) * math.sqrt(TWO_PI * max(k, 1.0))
    height /= (b - 3.4) * (a + b * square)
    log_probability = k * natural_log(expected * inverse) + (k - expected)
    log_probability -= _remainder_of_stirling(k, inverse)
    is_taken = (count >= 0.0) & (natural_log(height) <= log_probability)
    return count if is_taken else NOT_TAKEN


@helper
def place_of_proposal(place: Word, proposal: int) -> Word:
    """Place in a row that the words of a further proposal are drawn at."""
    return place | (np.uint64(proposal) << PLACE_BITS)
