"""What every filter is: an array that multiplies full and half Fourier transforms."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.ndimage.algebra import BY_SYMBOL
from numbavol.ndimage.image_transforms import AbstractImageTransform, keep_array
from numbavol.ndimage.operators.custom import call_on_grid
from numbavol.ndimage.parameters import (
    REAL_OR_COMPLEX,
    get_working_dtype,
    read_grid,
    read_host_array,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.ndimage.operators.custom import Function


class AbstractFilter(AbstractImageTransform["AbstractFilter"]):
    """An array that multiplies the Fourier transform of an image or of a map.

    Filters add, subtract and multiply, with each other and with numbers, to filters. A product of
    two filters is one after the other, and ``1 - filter`` is what it takes away.

    **Full and half transforms.** A filter holds one array, as its frequency grid was full or half,
    and multiplies either transform of a map. Of a full array it takes the half. A half array it
    continues to the negative frequencies by ``F(-k) = conj F(k)``, the one way to filter a real
    map to a real map. So a half array serves everywhere, in half the memory. Which one is meant
    is seen from the last axis: ``n // 2 + 1`` values belong to a full transform of ``n``.

    Examples
    --------
    >>> from numbavol import LowpassFilter, make_frequency_grid
    >>> lowpass = LowpassFilter(make_frequency_grid((1, 8)), 1.0, 0.5, 0.5)
    >>> (1 - lowpass * lowpass).get()
    array([[0.  , 0.  , 0.  , 0.75, 1.  ]])
    """

    def __call__(self, image: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Multiply a transform by the filter.

        Parameters
        ----------
        image
            The full or the half transform of an image or of a map, the zero frequency where the
            filter has it: in the corner, unless it was made from a grid that is shifted, which
            then has to be of the same shape.

        Returns
        -------
        NDArray
            A new array of the same shape, in the precision of `image`.

        Raises
        ------
        ValueError
            If the shape does not belong to the filter's.
        """
        transform, array = read_host_array("image", image), self.get()
        filtered = np.empty(transform.shape, get_working_dtype(transform.dtype, array.dtype))
        if transform.shape == array.shape:
            np.multiply(transform, array, out=filtered, casting="same_kind")
        elif transform.shape == _halve(array.shape):
            array = array[..., : transform.shape[-1]]
            np.multiply(transform, array, out=filtered, casting="same_kind")
        elif _halve(transform.shape) == array.shape:
            _multiply_full(transform, array, filtered)
        else:
            msg = (
                f"image: expected shape {array.shape}, or that of the half or full transform "
                f"that goes with it, got {transform.shape}"
            )
            raise ValueError(msg)
        return filtered

    @classmethod
    def _is_family(cls, operand: object) -> bool:
        return isinstance(operand, AbstractFilter)

    @classmethod
    def _combine(
        cls, symbol: str, left: AbstractFilter | float, right: AbstractFilter | float
    ) -> AbstractFilter:
        one = left if isinstance(left, float) else left.get()
        other = right if isinstance(right, float) else right.get()
        if not isinstance(one, float) and not isinstance(other, float):
            one, other = _match_halves(symbol, one, other)
        combined = BY_SYMBOL[symbol](one, other)
        combined.setflags(write=False)
        return CustomFilter(combined)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CustomFilter(AbstractFilter):
    """A filter of a user's own values.

    Parameters
    ----------
    filter
        Real or complex, for the full or the half transform, of two or three axes. If it is full,
        and to be used on half transforms too, it has to obey ``F(-k) = conj F(k)``.

    Attributes
    ----------
    array
        A read-only copy.

    Raises
    ------
    ValueError
        If it has another number of axes, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.ndimage import rfftn
    >>> from numbavol.ndimage.filters import CustomFilter
    >>> CustomFilter(np.full((4, 3), 2.0))(rfftn(np.ones((4, 4))))[0, 0]
    np.complex128(32+0j)
    """

    filter: dataclasses.InitVar[ArrayLike]
    array: NDArray[np.inexact[Any]] = dataclasses.field(init=False)

    def __post_init__(self, filter: ArrayLike) -> None:  # noqa: A002
        """Read the arguments."""
        vars(self)["array"] = keep_array("filter", filter, REAL_OR_COMPLEX)

    @classmethod
    def from_function(cls, function: Function, frequency_grid: ArrayLike) -> Self:
        """Make the filter of an operator, or of another function of frequency.

        Parameters
        ----------
        function
            A Fourier operator, or a function that takes frequencies of shape ``(y, x, 2)`` or
            ``(z, y, x, 3)`` and returns a value for each.
        frequency_grid
            In the unit that `function` takes, full or half, as `make_frequency_grid` returns it:
            shape ``(y, x, 2)`` or ``(z, y, x, 3)``.

        Returns
        -------
        Self
            With one value for each frequency of the grid.

        Raises
        ------
        ValueError
            If the grid has another shape, or the function does not return its values.

        Examples
        --------
        >>> from numbavol.ndimage.filters import CustomFilter
        >>> from numbavol.ndimage.grids import make_frequency_grid
        >>> from numbavol.ndimage.operators import ZeroMode
        >>> CustomFilter.from_function(1 - ZeroMode(1.0), make_frequency_grid((2, 2))).get()
        array([[0., 1.],
               [1., 1.]])
        """
        grid = read_grid("frequency_grid", frequency_grid)
        return cls(call_on_grid("function", function, grid))

    def get(self) -> NDArray[np.inexact[Any]]:
        """Return the array. It is not to be written to."""
        return self.array


def _halve(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[:-1], *(n // 2 + 1 for n in shape[-1:]))


def _match_halves(
    symbol: str, left: NDArray[np.inexact[Any]], right: NDArray[np.inexact[Any]]
) -> tuple[NDArray[np.inexact[Any]], NDArray[np.inexact[Any]]]:
    if left.shape == right.shape:
        return left, right
    if _halve(left.shape) == right.shape:
        return left[..., : right.shape[-1]], right
    if left.shape == _halve(right.shape):
        return left, right[..., : left.shape[-1]]
    msg = (
        f"{symbol}: expected filters of one shape, or of a full and its half transform, "
        f"got {left.shape} and {right.shape}"
    )
    raise ValueError(msg)


def _multiply_full(
    transform: NDArray[Any], half: NDArray[np.inexact[Any]], filtered: NDArray[np.inexact[Any]]
) -> None:
    n, n_half = transform.shape[-1], half.shape[-1]
    np.multiply(transform[..., :n_half], half, out=filtered[..., :n_half], casting="same_kind")
    # Sample k of a full axis is -k where the half has it: 0 stays, all others are turned round.
    stays, turns = (slice(0, 1), slice(0, 1)), (slice(1, None), slice(None, 0, -1))
    for leading in itertools.product([stays, turns], repeat=half.ndim - 1):
        here = (*(there for there, _ in leading), slice(n_half, None))
        mirrored = (*(back for _, back in leading), slice(n - n_half, 0, -1))
        factor = np.conj(half[mirrored]) if half.dtype.kind == "c" else half[mirrored]
        np.multiply(transform[here], factor, out=filtered[here], casting="same_kind")
