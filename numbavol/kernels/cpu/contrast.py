"""Half transforms of images times the contrast transfer function of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.frequencies import frequency_of_index
from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.math import fraction_of_turns, sine_of_turns
from numbavol.kernels.polynomials import EVEN, ODD, coefficient_along_row, has_odd_terms

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def _fill_turns(turns: Array, polynomial: Array, parity: int, x: Array, y: float) -> None:
    """Evaluate the terms of one parity of a polynomial [power of y, power of x] along a row."""
    turns[:] = 0.0
    for j in range(polynomial.shape[1] - 1, -1, -1):
        coefficient = coefficient_along_row(polynomial, j, parity, y)
        for n in range(x.size):
            turns[n] = turns[n] * x[n] + coefficient


@helper
def _fill_row(
    row: Array,
    turns: Array,
    polynomial: Array,
    is_odd: bool,
    x: Array,
    y: float,
    along_x: Array,
    factor: float,
) -> None:
    """Evaluate a transfer function along a row: (2, columns), real and imaginary part."""
    real = row.dtype.type
    _fill_turns(turns, polynomial, EVEN, x, y)
    for n in range(x.size):
        sine = sine_of_turns(real(fraction_of_turns(turns[n])))
        row[0, n] = sine * real(factor * along_x[n])
        row[1, n] = real(0)
    if is_odd:
        _fill_turns(turns, polynomial, ODD, x, y)
        for n in range(x.size):
            fraction = fraction_of_turns(turns[n])
            row[1, n] = row[0, n] * sine_of_turns(real(fraction))
            row[0, n] *= sine_of_turns(real(fraction_of_turns(fraction + 0.25)))


@kernel
def transfer_contrast(
    out: Array,
    halves: Array,
    n_x: int,
    steps: Array,
    polynomials: Array,
    b_factors: Array,
    scales: Array,
    weights: Array,
) -> None:
    """Multiply half transforms of images of ``n_x`` columns by contrast transfer functions.

    Owns ``out``, complex (n, y, x // 2 + 1) like ``halves``, which it may be. ``polynomials`` (n,
    d, d) are phases in turns by the powers of the frequencies along y and x, ``steps`` (x, y) of
    which are between two samples: the sine of the even terms, turned by the odd ones, damped by
    ``b_factors`` (n,), times ``scales`` (n,) and ``weights`` (y, x // 2 + 1). A Nyquist frequency,
    as much negative as positive, has the mean of both.
    """
    n_y, n_half = halves.shape[1], halves.shape[2]
    is_even_x, is_even_y = n_x % 2 == 0, n_y % 2 == 0
    # The last column has both signs of an even axis.
    x = np.empty(n_half + 1)
    for n in range(n_half):
        x[n] = n * steps[0]
    x[n_half] = -x[n_half - 1]
    turns, along_x = np.empty(n_half + 1), np.empty(n_half + 1)
    row = np.empty((2, n_half + 1), weights.dtype)
    other = np.empty((2, n_half + 1), weights.dtype)
    real = weights.dtype.type
    for image in range(halves.shape[0]):
        damping = -0.25 * b_factors[image]
        is_odd = has_odd_terms(polynomials[image])
        for n in range(n_half + 1):
            along_x[n] = math.exp(damping * x[n] * x[n])
        for i in range(n_y):
            y = frequency_of_index(i, n_y) * steps[1]
            factor = scales[image] * math.exp(damping * y * y)
            _fill_row(row, turns, polynomials[image], is_odd, x, y, along_x, factor)
            if is_even_y and 2 * i == n_y:
                _fill_row(other, turns, polynomials[image], is_odd, x, -y, along_x, factor)
                for n in range(n_half + 1):
                    row[0, n] = real(0.5) * (row[0, n] + other[0, n])
                    row[1, n] = real(0.5) * (row[1, n] + other[1, n])
            if is_even_x:
                for part in range(2):
                    row[part, n_half - 1] = real(0.5) * (row[part, n_half - 1] + row[part, n_half])
            for n in range(n_half):
                weight = weights[i, n]
                re, im = halves[image, i, n].real, halves[image, i, n].imag
                out[image, i, n] = complex(
                    weight * (re * row[0, n] - im * row[1, n]),
                    weight * (re * row[1, n] + im * row[0, n]),
                )
