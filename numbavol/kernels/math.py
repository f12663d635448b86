"""Scalar mathematics of the kernels, written once for every device and both precisions.

The approximations for float32 are minimax polynomials and a series, without a branch, so that a
loop over them becomes vector instructions; the largest error stands with each, and the tests hold
it. What takes `Lanes` takes several values at once, too, where a device has them.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from numbavol.kernels.jit import by_precision, by_type, helper

# A float32, or what adds and multiplies as one.
Lanes = Any

ONE = np.float32(1)

# 2**f on [-1/2, 1/2]: relative error 2e-9 before rounding.
E0, E1, E2, E3, E4, E5, E6 = (
    np.float32(c)
    for c in (1.0, 0.6931472, 0.24022646, 0.055503286, 0.009618489, 0.0013399931, 0.0001534581)
)
# -log2(erfc(x)) / x on [0, 4]: erf to 2e-8 before rounding.
C0, C1, C2, C3, C4, C5, C6, C7 = (
    np.float32(c)
    for c in (
        1.6279085874557495,
        0.9184163808822632,
        0.14848162233829498,
        -0.028253687545657158,
        0.0007746365154162049,
        0.001489437185227871,
        -0.0004455062444321811,
        4.5358421630226076e-05,
    )
)
# The mean of exp(-(u + t)^2) over |t| < h/2 is exp(-u^2) times the sum over n of
# H_2n(u) (h/2)^2n / (2n + 1)!, with H the Hermite polynomials. SERIES[n, k] multiplies (h/2)^2n and
# the k-th power of v = u^2 log2(e), for which exp(-u^2) is 2^-v.
N_TERMS = 8
SERIES = np.array(
    [
        [
            (-1) ** (n - k)
            * (4 / math.log2(math.e)) ** k
            / (math.factorial(n - k) * math.factorial(2 * k) * (2 * n + 1))
            if k <= n
            else 0.0
            for k in range(N_TERMS)
        ]
        for n in range(N_TERMS)
    ],
    np.float32,
)
# Adding and taking off 1.5 * 2**23 rounds a float32 to an integer.
ROUNDING = np.float32(12582912)
MANTISSA_BITS = np.int32(23)
# 2**-126 is the smallest normal float32.
LARGEST_POWER = np.float32(126)
# sin(2 pi t) / t on [0, 1/4], by the square of t: t times it errs by 7e-9 before rounding.
S0, S1, S2, S3, S4 = (
    np.float32(c)
    for c in (
        6.2831854820251465,
        -41.34168243408203,
        81.60247802734375,
        -76.58128356933594,
        39.76072311401367,
    )
)
# log(1 + f) / f for 1 + f from sqrt(1/2) to sqrt(2): f times it errs by 6e-8 before rounding.
L0, L1, L2, L3, L4, L5, L6, L7 = (
    np.float32(c)
    for c in (
        0.9999999403953552,
        -0.5000036358833313,
        0.33335113525390625,
        -0.24970071017742157,
        0.19898565113544464,
        -0.17247013747692108,
        0.1623418927192688,
        -0.10134056955575943,
    )
)
LN2 = np.float32(math.log(2.0))
BITS_OF_SQRT_HALF, MANTISSA_MASK = np.int32(0x3F3504F3), np.int32(0x007FFFFF)
HALF = np.float32(0.5)
# Adding and taking off 1.5 * 2**52 rounds a float64 to a whole number.
ROUNDING_DOUBLE = 6755399441055744.0
# erfc(4) is 1.5e-8, a quarter of the rounding of 1 in float32.
ERF_IS_ONE_FROM = np.float32(4)


def _scale_by_power_single(mantissa: np.float32, shifted: np.float32) -> np.float32:
    exponent = np.int32(np.float32(shifted).view(np.int32) << MANTISSA_BITS)
    return np.int32(np.float32(mantissa).view(np.int32) + exponent).view(np.float32)


scale_by_power = by_type({numba.float32: _scale_by_power_single})
"""Multiply by 2**n, n a whole number of which ROUNDING + n is given, to a normal float32."""


@helper
def power_of_half(v: Lanes) -> Lanes:
    """2**-v in float32 for 0 <= v <= LARGEST_POWER, to 1.2e-7 of the value."""
    shifted = ROUNDING - v
    f = (ROUNDING - shifted) - v
    mantissa = E0 + f * (E1 + f * (E2 + f * (E3 + f * (E4 + f * (E5 + f * E6)))))
    return scale_by_power(mantissa, shifted)


@helper
def erf_of_positive(a: Lanes) -> Lanes:
    """`erf` in float32 for 0 <= a <= ERF_IS_ONE_FROM."""
    power = a * (C0 + a * (C1 + a * (C2 + a * (C3 + a * (C4 + a * (C5 + a * (C6 + a * C7)))))))
    return ONE - power_of_half(power)


def _erf_single(x: np.float32) -> np.float32:
    return np.float32(math.copysign(erf_of_positive(min(abs(x), ERF_IS_ONE_FROM)), x))


def _erf_double(x: np.float64) -> np.float64:
    return np.float64(math.erf(x))


erf = by_precision(float32=_erf_single, float64=_erf_double)
"""The error function, to 1.5e-7 in float32 and to rounding in float64."""


@helper
def increment_polynomial(
    v: Lanes,
    c0: np.float32,
    c1: np.float32,
    c2: np.float32,
    c3: np.float32,
    c4: np.float32,
    c5: np.float32,
    c6: np.float32,
    c7: np.float32,
) -> Lanes:
    """Find what part of an exponential its average is: see `gaussian_increment`."""
    return c0 + v * (c1 + v * (c2 + v * (c3 + v * (c4 + v * (c5 + v * (c6 + v * c7))))))


@helper
def gaussian_increment(
    v: Lanes,
    c0: np.float32,
    c1: np.float32,
    c2: np.float32,
    c3: np.float32,
    c4: np.float32,
    c5: np.float32,
    c6: np.float32,
    c7: np.float32,
) -> Lanes:
    """Average of exp(-x^2) over a cell of width h around x, ``v`` = x^2 log2(e) <= LARGEST_POWER.

    The coefficients are the sums over n of (h / 2)^2n SERIES[n]. For h <= 1.6 it errs by 6.5e-7
    of its largest value, also where a difference of two values of `erf` would keep their errors.
    """
    return power_of_half(v) * increment_polynomial(v, c0, c1, c2, c3, c4, c5, c6, c7)


@helper
def cubic_weight(within: np.floating, n: int) -> np.floating:
    """Weight of coefficient n = 0..3 of a cubic B-spline, ``within`` [0, 1] after coefficient 1."""
    real = type(within)
    rest = real(1) - within
    if n == 0:
        return rest * rest * rest * real(1 / 6)
    if n == 1:
        return real(2 / 3) - within * within * (real(1) - within * real(0.5))
    if n == 2:
        return real(2 / 3) - rest * rest * (real(1) - rest * real(0.5))
    return within * within * within * real(1 / 6)


@helper
def floor(x: float) -> int:
    """Largest whole number not above x, an integer on every device."""
    # CUDA has it as a float64.
    return int(math.floor(x))  # noqa: RUF046


@helper
def ceil(x: float) -> int:
    """Smallest whole number not below x, an integer on every device."""
    return int(math.ceil(x))  # noqa: RUF046


@helper
def sine_of_turns_single(turns: np.float32) -> np.float32:
    """sin(2 pi turns) in float32 for -1/2 <= turns <= 1/2, to 2e-7."""
    a = abs(turns)
    a = min(a, HALF - a)
    q = a * a
    return np.float32(math.copysign(a * (S0 + q * (S1 + q * (S2 + q * (S3 + q * S4)))), turns))


def _sine_double(turns: np.float64) -> np.float64:
    return np.float64(math.sin(2.0 * math.pi * turns))


def _sine_single(turns: np.float32) -> np.float32:
    return np.float32(sine_of_turns_single(turns))


sine_of_turns = by_precision(float32=_sine_single, float64=_sine_double)
"""sin(2 pi t) for -1/2 <= t <= 1/2, to 2e-7 in float32 and to rounding in float64."""


@helper
def negative_log(x: np.float32) -> np.float32:
    """-ln(x) in float32 for normal x > 0, to 3e-7, or so much of a value above 1."""
    bits = np.int32(np.float32(x).view(np.int32) - BITS_OF_SQRT_HALF)
    exponent = np.int32(bits >> MANTISSA_BITS)
    scaled = np.int32((bits & MANTISSA_MASK) + BITS_OF_SQRT_HALF)
    f = scaled.view(np.float32) - ONE
    polynomial = L0 + f * (L1 + f * (L2 + f * (L3 + f * (L4 + f * (L5 + f * (L6 + f * L7))))))
    return -(np.float32(exponent) * LN2 + f * polynomial)


@helper
def fraction_of_turns(turns: float) -> float:
    """Take whole turns away, to leave from -1/2 to 1/2."""
    return turns - ((turns + ROUNDING_DOUBLE) - ROUNDING_DOUBLE)
