"""What every mask is: an array that multiplies images and maps."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from numbavol.ndimage.algebra import BY_SYMBOL
from numbavol.ndimage.image_transforms import AbstractImageTransform, keep_array
from numbavol.ndimage.open_grids import OpenGrid, compute_on_grid, make_open_coordinate_grid
from numbavol.ndimage.operators.custom import call_on_grid
from numbavol.ndimage.parameters import (
    REAL,
    check_n_axes,
    get_working_dtype,
    read_grid,
    read_host_array,
    read_number,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.ndimage.open_grids import Components
    from numbavol.ndimage.operators.custom import Function


class AbstractMask(AbstractImageTransform["AbstractMask"]):
    """An array that multiplies an image or a map in real space.

    Masks add, subtract and multiply, with each other and with numbers, to masks. A product of two
    is what both leave, and ``1 - mask`` is what it takes away.

    Examples
    --------
    >>> from numbavol import SquareCosineMask
    >>> square = SquareCosineMask.from_shape((1, 5), side_length=2.0, rolloff_width=2.0)
    >>> (1 - square * square).get()
    array([[0.75, 0.  , 0.  , 0.  , 0.75]], dtype=float32)
    """

    @abstractmethod
    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to.

        Returns
        -------
        NDArray
            Shape ``(y, x)`` or ``(z, y, x)``.
        """

    def __call__(self, image: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Multiply an image or a map by the mask.

        Parameters
        ----------
        image
            Of the shape of the mask.

        Returns
        -------
        NDArray
            A new array of the same shape, in the precision of `image`.

        Raises
        ------
        ValueError
            If the shape is another one, or the values are no numbers.
        """
        values, array = read_host_array("image", image), self.get()
        if values.shape != array.shape:
            msg = f"image: expected shape {array.shape}, as the mask has, got {values.shape}"
            raise ValueError(msg)
        masked = np.empty(values.shape, get_working_dtype(values.dtype))
        np.multiply(values, array, out=masked, casting="same_kind")
        return masked

    @classmethod
    def _is_family(cls, operand: object) -> bool:
        return isinstance(operand, AbstractMask)

    @classmethod
    def _combine(
        cls, symbol: str, left: AbstractMask | float, right: AbstractMask | float
    ) -> AbstractMask:
        one = left if isinstance(left, float) else left.get()
        other = right if isinstance(right, float) else right.get()
        if not isinstance(one, float) and not isinstance(other, float) and one.shape != other.shape:
            msg = f"{symbol}: expected masks of one shape, got {one.shape} and {other.shape}"
            raise ValueError(msg)
        combined = BY_SYMBOL[symbol](one, other)
        combined.setflags(write=False)
        return CustomMask(combined)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CustomMask(AbstractMask):
    """A mask of a user's own values.

    Parameters
    ----------
    mask_array
        Real, of two or three axes.

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
    >>> from numbavol.ndimage.masks import CustomMask
    >>> CustomMask([[1, 0], [0, 0.5]])([[2, 2], [2, 2]])
    array([[2., 0.],
           [0., 1.]])
    """

    mask_array: dataclasses.InitVar[ArrayLike]
    array: NDArray[np.floating[Any]] = dataclasses.field(init=False)

    def __post_init__(self, mask_array: ArrayLike) -> None:
        """Read the arguments."""
        vars(self)["array"] = keep_array("mask_array", mask_array, REAL)

    @classmethod
    def from_function(cls, function: Function, coordinate_grid: ArrayLike) -> Self:
        """Make the mask of an operator, or of another function of position.

        Parameters
        ----------
        function
            A real-space operator, or a function that takes coordinates of shape ``(y, x, 2)`` or
            ``(z, y, x, 3)`` and returns a value for each.
        coordinate_grid
            In the unit that `function` takes, as `make_coordinate_grid` returns it: shape
            ``(y, x, 2)`` or ``(z, y, x, 3)``.

        Returns
        -------
        Self
            With one value for each place of the grid.

        Raises
        ------
        ValueError
            If the grid has another shape, or the function does not return real values for it.

        Examples
        --------
        >>> from numbavol.ndimage.grids import make_coordinate_grid
        >>> from numbavol.ndimage.masks import CustomMask
        >>> CustomMask.from_function(lambda r: r[..., 0] >= 0, make_coordinate_grid((1, 4))).get()
        array([[0., 0., 1., 1.]])
        """
        grid = read_grid("coordinate_grid", coordinate_grid)
        return cls(call_on_grid("function", function, grid))

    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to."""
        return self.array


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AbstractCosineMask(AbstractMask):
    """A mask with a soft edge: 1 inside, half a period of a cosine over the edge, 0 outside.

    A subclass is a frozen dataclass, whose first argument is the grid. It says in `_compute` what
    the mask is at some coordinates, given by components that broadcast as `compute_on_grid` says,
    and hands the names of its lengths to `_read`.
    """

    coordinate_grid: dataclasses.InitVar[ArrayLike | OpenGrid]
    array: NDArray[np.floating[Any]] = dataclasses.field(init=False)

    n_axes: ClassVar[int]

    @classmethod
    def from_shape(
        cls,
        shape: Sequence[int],
        grid_spacing: ArrayLike = 1.0,
        *,
        dtype: DTypeLike = np.float32,
        **parameters: Any,
    ) -> Self:
        """Make the mask for images or maps of a shape, around their voxel ``n // 2``.

        Parameters
        ----------
        shape
            Shape ``(y, x)`` or ``(z, y, x)`` of what is to be masked.
        grid_spacing
            The pixel or voxel size in angstroms, or 1 for lengths in pixels: one number, or one an
            axis in the order (x, y, z).
        dtype
            Of the array, float32 or float64. Masked arrays keep their own precision.
        **parameters
            All arguments of the class but the grid, in the unit of `grid_spacing`.

        Returns
        -------
        Self
            The mask. No grid of coordinate vectors is held while it is made.

        Raises
        ------
        ValueError
            If an argument is not as described.

        Examples
        --------
        >>> from numbavol.ndimage.masks import SphericalCosineMask
        >>> SphericalCosineMask.from_shape((96, 96, 96), 1.5, radius=50.0, rolloff_width=6.0)
        SphericalCosineMask(shape=(96, 96, 96), radius=50.0, rolloff_width=6.0)
        """
        check_n_axes("shape", tuple(shape), (cls.n_axes,))
        return cls(make_open_coordinate_grid(shape, grid_spacing, dtype), **parameters)

    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to."""
        return self.array

    @abstractmethod
    def _compute(self, coordinates: Components) -> NDArray[np.float64]: ...

    def _read(self, coordinate_grid: ArrayLike | OpenGrid, *lengths: str) -> None:
        """Read the lengths, and compute the array."""
        vars(self).update(
            {name: read_number(name, getattr(self, name), minimum=0.0) for name in lengths}
        )
        vars(self)["array"] = compute_on_grid(
            "coordinate_grid", coordinate_grid, self._compute, (self.n_axes,)
        )
