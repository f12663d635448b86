"""Operators that a user wrote as functions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.ndimage.operators.base import AbstractFourierOperator, AbstractRealOperator
from numbavol.ndimage.parameters import read_vectors
from numbavol.values import protect

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Function = Callable[[NDArray[Any]], ArrayLike]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CustomFourierOperator(AbstractFourierOperator):
    """A function of frequency that a user wrote.

    Parameters
    ----------
    fn
        Takes frequencies in inverse angstroms, a float32 or float64 array of shape ``(..., 2)``
        or ``(..., 3)``, and returns one real or complex value for each. Its parameters can be
        bound by `functools.partial`. It is not to write into what it is given.

    Raises
    ------
    TypeError
        If `fn` cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.ndimage.operators import CustomFourierOperator, FourierGaussian
    >>> along_x = CustomFourierOperator(lambda k: np.exp(-k[..., 0] ** 2))
    >>> (2 * along_x * FourierGaussian())([[0.0, 0.0, 0.0]])
    array([2.])
    """

    fn: Function

    def __post_init__(self) -> None:
        """Check the function."""
        _check_callable("fn", self.fn)

    def __call__(self, frequency_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate the function; a `ValueError` if its values are not one for each vector."""
        return call_on_grid("fn", self.fn, read_vectors("frequency_grid", frequency_grid))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CustomRealOperator(AbstractRealOperator):
    """A function of position that a user wrote.

    Parameters
    ----------
    fn
        Takes coordinates in angstroms, a float32 or float64 array of shape ``(..., 2)`` or
        ``(..., 3)``, and returns one real or complex value for each. Its parameters can be bound
        by `functools.partial`. It is not to write into what it is given.

    Raises
    ------
    TypeError
        If `fn` cannot be called.

    Examples
    --------
    >>> from numbavol.ndimage.operators import CustomRealOperator
    >>> x = CustomRealOperator(lambda r: r[..., 0])
    >>> (x * x - 1)([[3.0, 7.0]])
    array([8.])
    """

    fn: Function

    def __post_init__(self) -> None:
        """Check the function."""
        _check_callable("fn", self.fn)

    def __call__(self, coordinate_grid: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Evaluate the function; a `ValueError` if its values are not one for each vector."""
        return call_on_grid("fn", self.fn, read_vectors("coordinate_grid", coordinate_grid))


def call_on_grid(
    name: str, function: Function, vectors: NDArray[np.floating[Any]]
) -> NDArray[np.inexact[Any]]:
    """Call a user's function, and give its values the precision of the grid.

    Raises
    ------
    ValueError
        If it does not return one number for each vector. The message has `name` in it.
    """
    values = np.asarray(function(protect(vectors)))
    if values.shape != vectors.shape[:-1] or values.dtype.kind not in "biufc":
        msg = (
            f"{name}: expected numbers of shape {vectors.shape[:-1]} for a grid of shape "
            f"{vectors.shape}, got {values.dtype} of shape {values.shape}"
        )
        raise ValueError(msg)
    if not values.flags.writeable:
        # It returned what it was given, or a part of it.
        values = values.copy()
    unit = np.ones((), vectors.dtype)
    dtype = np.result_type(unit, 1j) if values.dtype.kind == "c" else unit.dtype
    return values.astype(dtype, copy=False)


def _check_callable(name: str, fn: object) -> None:
    if not callable(fn):
        msg = f"{name}: expected a function, got {fn!r}"
        raise TypeError(msg)
