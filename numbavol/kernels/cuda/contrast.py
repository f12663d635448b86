"""Half transforms of images times the contrast transfer function of each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.frequencies import frequency_of_index
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.math import fraction_of_turns, sine_of_turns
from numbavol.kernels.polynomials import EVEN, ODD, coefficient_along_row, has_odd_terms

Array = np.ndarray[Any, np.dtype[Any]]


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
    """Multiply half transforms of images by contrast transfer functions: see the CPU's kernel.

    A thread owns one sample of ``out``.
    """
    launch_for_each(
        _transfer, halves.size, out, halves, n_x, steps, polynomials, b_factors, scales, weights
    )  # fmt: skip


@cuda_helper
def _evaluate_turns(polynomial: Array, parity: int, x: float, y: float) -> float:
    """Evaluate the terms of one parity of a polynomial [power of y, power of x]."""
    turns = 0.0
    for j in range(polynomial.shape[1] - 1, -1, -1):
        turns = turns * x + coefficient_along_row(polynomial, j, parity, y)
    return fraction_of_turns(turns)


@cuda_kernel
def _transfer(
    out: Array,
    halves: Array,
    n_x: int,
    steps: Array,
    polynomials: Array,
    b_factors: Array,
    scales: Array,
    weights: Array,
) -> None:
    n_y, n_half = halves.shape[1], halves.shape[2]
    thread = cuda.grid(1)
    n, i, image = thread % n_half, thread // n_half % n_y, thread // (n_half * n_y)
    if image >= halves.shape[0]:
        return
    real = weights.dtype.type
    x, y = n * steps[0], frequency_of_index(i, n_y) * steps[1]
    factor = scales[image] * math.exp(-0.25 * b_factors[image] * (x * x + y * y))
    # A Nyquist frequency is as much negative as positive.
    n_signs_x, n_signs_y = 1 + int(2 * n == n_x), 1 + int(2 * i == n_y)
    is_odd = has_odd_terms(polynomials[image])
    in_phase, in_quadrature = real(0), real(0)
    for sign in range(n_signs_x * n_signs_y):
        here_x = -x if sign % n_signs_x == 1 else x
        here_y = -y if sign // n_signs_x == 1 else y
        value = sine_of_turns(real(_evaluate_turns(polynomials[image], EVEN, here_x, here_y)))
        if is_odd:
            turns = _evaluate_turns(polynomials[image], ODD, here_x, here_y)
            in_quadrature += value * sine_of_turns(real(turns))
            value *= sine_of_turns(real(fraction_of_turns(turns + 0.25)))
        in_phase += value
    share = weights[i, n] * real(factor / (n_signs_x * n_signs_y))
    in_phase, in_quadrature = in_phase * share, in_quadrature * share
    re, im = halves[image, i, n].real, halves[image, i, n].imag
    out[image, i, n] = complex(
        re * in_phase - im * in_quadrature, re * in_quadrature + im * in_phase
    )
