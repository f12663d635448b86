"""Polynomials of two variables, [power of y, power of x]: for the kernels of every device."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.jit import helper

Array = np.ndarray[Any, np.dtype[Any]]

EVEN, ODD = 0, 1


@helper
def coefficient_along_row(polynomial: Array, power: int, parity: int, y: float) -> float:
    """Coefficient of a power of x at a y, of the terms whose order is even or odd."""
    coefficient = 0.0
    for i in range(polynomial.shape[0] - 1, -1, -1):
        coefficient *= y
        if (i + power) % 2 == parity:
            coefficient += polynomial[i, power]
    return coefficient


@helper
def has_odd_terms(polynomial: Array) -> bool:
    """Whether a term of odd order is not 0."""
    for i in range(polynomial.shape[0]):
        for j in range((i + 1) % 2, polynomial.shape[1], 2):
            if polynomial[i, j] != 0.0:
                return True
    return False
