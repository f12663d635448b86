"""Numbers of electrons: the quantiles of Poisson's distribution that uniform numbers are.

Where few are expected, probabilities are added until they reach the uniform number. Where many are,
the quantile is that of the normal distribution, expanded in how many are expected (Giles (2016),
Approximation of the inverse Poisson cumulative distribution function, ACM Transactions on
Mathematical Software 42, 7). How much that errs is known: where it is too near to a whole number,
probabilities decide. Up to 1e6 are exact so, but for numbers within 1e-8 of a sum of probabilities.
"""

from __future__ import annotations

import math

from numbavol.kernels.double import natural_log
from numbavol.kernels.jit import helper

# The expansion holds from here on, and from there on in the tails as well.
MANY, VERY_MANY = 10.0, 100.0
UNDECIDED = -1.0
# Of the quantile w of the normal distribution, w / (u - 1/2) by powers of -ln(4 u (1 - u)) up to
# LAST_POWER, where |w| is 3: fitted at Chebyshev's points; w errs by less than 9e-12.
LAST_POWER = 5.2
CENTRAL = (
    2.506628274617,
    0.6562337488941,
    0.03266645654832,
    -0.006604580963656,
    -0.000362391798719,
    0.0001322114066845,
    5.329427235852e-06,
    -2.608176081902e-06,
    -2.139271141739e-07,
    8.993377788725e-08,
    1.594808237545e-09,
    -3.174155075483e-09,
    4.954529633263e-10,
    -3.432799301664e-11,
    9.518943299732e-13,
)
# A probability, beside the sum of those before it.
NEGLIGIBLE = 1e-18
SQRT_HALF, SQRT_TWO_PI = math.sqrt(0.5), math.sqrt(2.0 * math.pi)
# Of Newton's to the quantile of the normal distribution, which begin 5e-4 from it.
STEPS = 3


@helper
def probability_of_next(probability: float, expected: float, inverse: float) -> float:
    """Probability of n electrons, of that of n - 1 and the inverse of n."""
    return probability * (expected * inverse)


@helper
def _expand(expected: float, w: float) -> tuple[float, float]:
    """Return a quantile by that of the normal distribution, and by how much it may err."""
    root, square = math.sqrt(expected), w * w
    inverse = 1.0 / root
    shift = (1.0 / 3.0 + square * (1.0 / 6.0)) - w * (2.0 + square) * (inverse * (1.0 / 72.0))
    error = (1.0 / 40.0 + square * (1.0 / 80.0 + square * (1.0 / 160.0))) * (inverse * inverse)
    return expected + (root * w + shift), error


@helper
def find_quantile(expected: float, u: float) -> float:
    """Return the quantile that u is, where `MANY` or more are expected, or `UNDECIDED`."""
    power = -natural_log(4.0 * (u * (1.0 - u)))
    ratio = CENTRAL[-1]
    for n in range(len(CENTRAL) - 2, -1, -1):
        ratio = CENTRAL[n] + power * ratio
    quantile, error = _expand(expected, (u - 0.5) * ratio)
    count = float(math.floor(quantile - error))
    is_decided = (power <= LAST_POWER) & (count == float(math.floor(quantile + error)))
    return count if is_decided else UNDECIDED


@helper
def _normal_quantile(u: float, n_steps: int) -> float:
    p = min(u, 1.0 - u)
    s = math.sqrt(-2.0 * math.log(p))
    # Abramowitz & Stegun (1964), 26.2.23.
    above = 2.515517 + s * (0.802853 + s * 0.010328)
    w = s - above / (1.0 + s * (1.432788 + s * (0.189269 + s * 0.001308)))
    for _ in range(n_steps):
        density = math.exp(-0.5 * w * w) / SQRT_TWO_PI
        w += (0.5 * math.erfc(SQRT_HALF * w) - p) / density
    return w if u > 0.5 else -w


@helper
def decide_quantile(expected: float, u: float) -> float:
    """Return the quantile that u is, where `MANY` or more are expected, also if it takes long."""
    # Where probabilities decide, any number near it will do to begin with.
    n_steps = STEPS if expected >= VERY_MANY else 0
    quantile, error = _expand(expected, _normal_quantile(u, n_steps))
    n = max(0.0, float(math.floor(quantile - error)))
    if expected >= VERY_MANY and n == float(math.floor(quantile + error)):
        return n
    probability = math.exp(n * math.log(expected) - expected - math.lgamma(n + 1.0))
    # By how much the sum of the probabilities up to n is above u: of both tails, the one is added
    # that n stands in.
    term, k, tail = probability, n, 0.0
    if n <= expected:
        while term > tail * NEGLIGIBLE:
            tail += term
            term *= k / expected
            k -= 1.0
        above = tail - u
    else:
        while term > tail * NEGLIGIBLE:
            k += 1.0
            term *= expected / k
            tail += term
        above = (1.0 - u) - tail
    while above < 0.0 and probability > 0.0:
        n += 1.0
        probability *= expected / n
        above += probability
    while n > 0.0 and above >= probability:
        above -= probability
        probability *= n / expected
        n -= 1.0
    return n
