"""Integrals of a Gaussian over the cells of one axis, a cell a thread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.math import N_TERMS, SERIES, erf, gaussian_increment
from numbavol.kernels.profiles import SQRT_LOG2_E, TWO_OVER_SQRT_PI, count_parts

Array = np.ndarray[Any, np.dtype[Any]]

# What is known of a cell's width: the width, how many parts it has, and coefficients.
N_PARAMETERS = 2 + N_TERMS


def fill_parameters(parameters: Array, widths: Array, *, is_averaged: bool) -> None:
    """Write what `integrate_cell` needs to know of cells of a width.

    ``widths`` (m,) are in units of sqrt(2 variance); without ``is_averaged``, a cell has the value
    of its middle. A thread owns a row of ``parameters`` (m, N_PARAMETERS), of the type of widths.
    """
    launch_for_each(_fill, len(widths), parameters, widths, is_averaged)


@cuda_kernel
def _fill(parameters: Array, widths: Array, is_averaged: bool) -> None:
    m = cuda.grid(1)
    if m >= widths.size:
        return
    real = parameters.dtype.type
    width = widths[m]
    n_parts = count_parts(width)
    parameters[m, 0] = width
    parameters[m, 1] = real(n_parts if is_averaged else 1)
    part = width / real(max(n_parts, 1))
    q = real(0.25) * part * part
    scale = part * real(TWO_OVER_SQRT_PI)
    for k in range(N_TERMS):
        total = real(SERIES[N_TERMS - 1, k])
        for n in range(N_TERMS - 2, -1, -1):
            total = real(SERIES[n, k]) + q * total
        parameters[m, 2 + k] = scale * total
    if not is_averaged:
        parameters[m, 2] = width * real(TWO_OVER_SQRT_PI)
        for k in range(1, N_TERMS):
            parameters[m, 2 + k] = real(0)


@cuda_helper
def integrate_cell(middle: Any, low: Any, high: Any, parameters: Array, m: int) -> Any:
    """Twice the integral of a unit Gaussian over a cell, 0 outside ``low`` and ``high``.

    ``middle`` is the middle of the cell, in cells from the Gaussian's; row ``m`` of ``parameters``
    is of its width.
    """
    real = parameters.dtype.type
    if not low < middle < high:
        return real(0)
    half = real(0.5)
    width, n_parts = parameters[m, 0], int(parameters[m, 1])
    if n_parts == 0:
        return erf(min(middle + half, high) * width) - erf(max(middle - half, low) * width)
    scale, share = width * real(SQRT_LOG2_E), real(1) / real(n_parts)
    total = real(0)
    for part in range(n_parts):
        place = middle + ((real(part) + half) * share - half)
        total += gaussian_increment(
            place * scale,
            parameters[m, 2], parameters[m, 3], parameters[m, 4], parameters[m, 5],
            parameters[m, 6], parameters[m, 7], parameters[m, 8], parameters[m, 9],
        )  # fmt: skip
    return total
