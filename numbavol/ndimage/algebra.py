"""Values that combine with ``+``, ``-`` and ``*``: what operators, filters and masks share."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from numbavol.values import FrozenArrays, have_equal_values

Family = TypeVar("Family")

BY_SYMBOL = {"+": operator.add, "-": operator.sub, "*": operator.mul}

LONGEST_ARRAY_WRITTEN_OUT = 8


class AlgebraicValue(FrozenArrays, ABC, Generic[Family]):
    """A frozen object that compares by value, and combines with its family and with numbers.

    A family (the Fourier operators, the filters) says in `_combine` what its sums, differences
    and products are. Anything else as an operand is a `TypeError`.
    """

    # An array on the left of an operator would otherwise work through its elements one by one.
    __array_ufunc__ = None

    @classmethod
    @abstractmethod
    def _combine(cls, symbol: str, left: Family | float, right: Family | float) -> Family:
        """Make ``left + right``, ``left - right`` or ``left * right``; one may be a number."""

    @classmethod
    @abstractmethod
    def _is_family(cls, operand: object) -> bool:
        """Tell whether `operand` is of the family."""

    def __add__(self, other: Family | float) -> Family:
        """Add another of the family, or a number."""
        return self._combine_if_known("+", self, other)

    def __radd__(self, other: Family | float) -> Family:
        """Add it to a number."""
        return self._combine_if_known("+", other, self)

    def __sub__(self, other: Family | float) -> Family:
        """Subtract another of the family, or a number."""
        return self._combine_if_known("-", self, other)

    def __rsub__(self, other: Family | float) -> Family:
        """Subtract it from a number."""
        return self._combine_if_known("-", other, self)

    def __mul__(self, other: Family | float) -> Family:
        """Multiply by another of the family, or by a number."""
        return self._combine_if_known("*", self, other)

    def __rmul__(self, other: Family | float) -> Family:
        """Multiply a number by it."""
        return self._combine_if_known("*", other, self)

    def __neg__(self) -> Family:
        """Change the sign."""
        return self._combine_if_known("*", -1.0, self)

    def __eq__(self, other: object) -> bool:
        """Compare class and values; False for anything else."""
        return type(other) is type(self) and have_equal_values(vars(self), vars(other))

    def __hash__(self) -> int:
        """Hash the values, of arrays their shape alone."""
        values = (
            value.shape if isinstance(value, np.ndarray) else value for value in vars(self).values()
        )
        return hash((type(self), *values))

    def __repr__(self) -> str:
        """Write the values, of long arrays their type and shape."""
        values = (f"{name}={_describe(value)}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(values)})"

    def _combine_if_known(self, symbol: str, left: Any, right: Any) -> Family:
        one, other = (
            operand if self._is_family(operand) else _as_number(symbol, operand)
            for operand in (left, right)
        )
        if one is None or other is None:
            return NotImplemented  # type: ignore[no-any-return]
        return self._combine(symbol, one, other)


def _as_number(symbol: str, operand: object) -> float | None:
    if not isinstance(operand, (float, int, np.generic, np.ndarray)):
        return None
    array = np.asarray(operand)
    if array.ndim or array.dtype.kind not in "biuf":
        return None
    number = float(array)
    if not math.isfinite(number):
        msg = f"{symbol}: expected a finite number, got {number}"
        raise ValueError(msg)
    return number


def _describe(value: object) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    if value.size <= LONGEST_ARRAY_WRITTEN_OUT:
        return repr(value.tolist())
    return f"<{value.dtype} of shape {value.shape}>"
