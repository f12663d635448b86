"""Squares, rectangles and boxes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from numbavol.ndimage.masks.base import AbstractCosineMask
from numbavol.ndimage.masks.distances import compute_box, turn_back
from numbavol.ndimage.parameters import read_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from numbavol.ndimage.open_grids import Components, OpenGrid


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SquareCosineMask(AbstractCosineMask):
    """A square with a soft edge: the product of the soft edges along x and along y.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(y, x, 2)``. All lengths are in its unit.
    side_length
        Of the square inside of the edge, in the unit of the grid.
    rolloff_width
        The width of the edge, on either side, in the unit of the grid; 0 for a step.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    side_length, rolloff_width
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    Examples
    --------
    >>> from numbavol.ndimage.masks import SquareCosineMask
    >>> SquareCosineMask.from_shape((3, 5), side_length=2.0, rolloff_width=2.0).get()
    array([[0.5, 1. , 1. , 1. , 0.5],
           [0.5, 1. , 1. , 1. , 0.5],
           [0.5, 1. , 1. , 1. , 0.5]], dtype=float32)
    """

    side_length: float
    rolloff_width: float

    n_axes: ClassVar[int] = 2

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        self._read(coordinate_grid, "side_length", "rolloff_width")

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        return compute_box(coordinates, (self.side_length,) * 2, self.rolloff_width)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Rectangular2DCosineMask(AbstractCosineMask):
    """A rectangle with a soft edge: the product of the soft edges along its two axes.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(y, x, 2)``. All lengths are in its unit.
    x_width, y_width
        Sides of the rectangle inside of the edge, in the unit of the grid.
    rolloff_width
        The width of the edge, on either side, in the unit of the grid; 0 for a step.
    in_plane_rotation_angle
        The rectangle is turned by this angle in degrees, from +x towards +y.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    x_width, y_width, rolloff_width, in_plane_rotation_angle
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    Examples
    --------
    >>> from numbavol.ndimage.masks import Rectangular2DCosineMask
    >>> Rectangular2DCosineMask.from_shape(
    ...     (3, 5), x_width=2.0, y_width=0.0, rolloff_width=2.0, in_plane_rotation_angle=90.0
    ... ).get()
    array([[0. , 0.5, 1. , 0.5, 0. ],
           [0. , 0.5, 1. , 0.5, 0. ],
           [0. , 0.5, 1. , 0.5, 0. ]], dtype=float32)
    """

    x_width: float
    y_width: float
    rolloff_width: float
    in_plane_rotation_angle: float = 0.0

    n_axes: ClassVar[int] = 2

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        angle = read_number("in_plane_rotation_angle", self.in_plane_rotation_angle)
        vars(self)["in_plane_rotation_angle"] = angle
        self._read(coordinate_grid, "x_width", "y_width", "rolloff_width")

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        turned = turn_back(coordinates, self.in_plane_rotation_angle)
        return compute_box(turned, (self.x_width, self.y_width), self.rolloff_width)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Rectangular3DCosineMask(AbstractCosineMask):
    """A box with a soft edge: the product of the soft edges along x, y and z.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(z, y, x, 3)``. All lengths are in its unit.
    x_width, y_width, z_width
        Sides of the box inside of the edge, in the unit of the grid.
    rolloff_width
        The width of the edge, on either side, in the unit of the grid; 0 for a step.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    x_width, y_width, z_width, rolloff_width
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    Examples
    --------
    >>> from numbavol.ndimage.masks import Rectangular3DCosineMask
    >>> Rectangular3DCosineMask.from_shape(
    ...     (1, 1, 5), x_width=2.0, y_width=0.0, z_width=0.0, rolloff_width=2.0
    ... ).get()
    array([[[0.5, 1. , 1. , 1. , 0.5]]], dtype=float32)
    """

    x_width: float
    y_width: float
    z_width: float
    rolloff_width: float

    n_axes: ClassVar[int] = 3

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        self._read(coordinate_grid, "x_width", "y_width", "z_width", "rolloff_width")

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        widths = (self.x_width, self.y_width, self.z_width)
        return compute_box(coordinates, widths, self.rolloff_width)
