"""Logarithm and exponential in double precision, for loops that are to become vector instructions.

Those of the standard library are called number by number.
"""

from __future__ import annotations

import math

import numpy as np

from numbavol.kernels.jit import helper
from numbavol.kernels.math import ROUNDING_DOUBLE

LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # their sum is ln 2 to 2^-85
LOG2_E = 1.0 / math.log(2.0)
MANTISSA_BITS, MANTISSA_MASK = np.int64(52), np.int64(0x000FFFFFFFFFFFFF)
BITS_OF_SQRT_HALF = np.int64(0x3FE6A09E667F3BCD)
EXPONENT_BIAS = np.int64(1023)
# Of the inverse hyperbolic tangent, and of the exponential: Taylor's, to below the rounding.
A = tuple(2.0 / (2 * n + 1) for n in range(10))
E = tuple(1.0 / math.factorial(n) for n in range(14))


@helper
def _split(x: float) -> tuple[float, float]:
    """Exponent and mantissa, from sqrt(1/2) to sqrt(2), of a normal x > 0."""
    bits = np.int64(np.float64(x).view(np.int64) - BITS_OF_SQRT_HALF)
    scaled = np.int64((bits & MANTISSA_MASK) + BITS_OF_SQRT_HALF)
    return np.float64(bits >> MANTISSA_BITS), scaled.view(np.float64)


@helper
def natural_log(x: float) -> float:
    """ln(x) of a normal number above 0, to 5e-16, or so much of a value beyond 1."""
    exponent, m = _split(x)
    f = (m - 1.0) / (m + 1.0)
    q = f * f
    low, high = A[8] + q * A[9], A[6] + q * A[7]
    series = A[4] + q * A[5] + q * q * (high + q * q * low)
    series = A[0] + q * (A[1] + q * (A[2] + q * (A[3] + q * series)))
    return exponent * LN2_HIGH + (f * series + exponent * LN2_LOW)


@helper
def exponential(x: float) -> float:
    """exp(x) for -700 <= x <= 0, to 4e-16 of the value."""
    whole = (x * LOG2_E + ROUNDING_DOUBLE) - ROUNDING_DOUBLE
    r = (x - whole * LN2_HIGH) - whole * LN2_LOW
    series = E[13]
    for n in range(12, -1, -1):
        series = E[n] + r * series
    power = np.int64((np.int64(whole) + EXPONENT_BIAS) << MANTISSA_BITS)
    return series * power.view(np.float64)
