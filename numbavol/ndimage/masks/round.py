"""Circles, spheres and cylinders."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from numbavol.arguments import check_finite, read_reals
from numbavol.ndimage.grids import compute_lengths
from numbavol.ndimage.masks.base import AbstractCosineMask
from numbavol.ndimage.masks.distances import compute_box, turn_back
from numbavol.ndimage.parameters import read_number
from numbavol.ndimage.soft_edges import compute_cosine_edge

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from numbavol.ndimage.open_grids import Components, OpenGrid


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CircularCosineMask(AbstractCosineMask):
    r"""A circle with a soft edge.

    With the distance r from the centre, the radius R and the width w of the edge, it is 1 up to R,
    0 from R + w on, and :math:`\frac{1}{2} [1 + \cos(\pi (r - R) / w)]` between them.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(y, x, 2)``. All lengths are in its unit.
    radius
        Where the edge starts, in the unit of the grid.
    rolloff_width
        The width of the edge, in the unit of the grid; 0 for a step.
    xy_offset
        The centre (x, y), in the unit of the grid.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    radius, rolloff_width, xy_offset
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    See Also
    --------
    CircularCosineMask.from_shape : Make it without a grid.

    Examples
    --------
    >>> from numbavol.ndimage.grids import make_coordinate_grid
    >>> from numbavol.ndimage.masks import CircularCosineMask
    >>> CircularCosineMask(make_coordinate_grid((1, 8)), radius=1.0, rolloff_width=2.0).get()
    array([[0. , 0. , 0.5, 1. , 1. , 1. , 0.5, 0. ]])
    """

    radius: float
    rolloff_width: float
    xy_offset: tuple[float, float] = (0.0, 0.0)

    n_axes: ClassVar[int] = 2

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        offset = read_reals("xy_offset", self.xy_offset)
        if offset.shape != (2,):
            msg = f"xy_offset: expected two numbers (x, y), got shape {offset.shape}"
            raise ValueError(msg)
        check_finite("xy_offset", offset)
        vars(self)["xy_offset"] = tuple(offset.tolist())
        self._read(coordinate_grid, "radius", "rolloff_width")

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        from_centre = [
            component - offset
            for component, offset in zip(coordinates, self.xy_offset, strict=True)
        ]
        return compute_cosine_edge(compute_lengths(from_centre), self.radius, self.rolloff_width)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SphericalCosineMask(AbstractCosineMask):
    r"""A sphere with a soft edge.

    With the distance r from the origin, the radius R and the width w of the edge, it is 1 up to R,
    0 from R + w on, and :math:`\frac{1}{2} [1 + \cos(\pi (r - R) / w)]` between them.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(z, y, x, 3)``. All lengths are in its unit.
    radius
        Where the edge starts, in the unit of the grid.
    rolloff_width
        The width of the edge, in the unit of the grid; 0 for a step.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    radius, rolloff_width
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    See Also
    --------
    SphericalCosineMask.from_shape : Make it without a grid.

    Examples
    --------
    >>> from numbavol.ndimage.grids import make_coordinate_grid
    >>> from numbavol.ndimage.masks import SphericalCosineMask
    >>> SphericalCosineMask(make_coordinate_grid((1, 1, 8)), radius=1.0, rolloff_width=2.0).get()
    array([[[0. , 0. , 0.5, 1. , 1. , 1. , 0.5, 0. ]]])
    """

    radius: float
    rolloff_width: float

    n_axes: ClassVar[int] = 3

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        self._read(coordinate_grid, "radius", "rolloff_width")

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        return compute_cosine_edge(compute_lengths(coordinates), self.radius, self.rolloff_width)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Cylindrical2DCosineMask(AbstractCosineMask):
    """The projection of a cylinder that lies in the plane of the image, with a soft edge.

    It is a band, or a rectangle if the cylinder has a length.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(y, x, 2)``. All lengths are in its unit.
    radius
        Of the cylinder inside of the edge, in the unit of the grid.
    rolloff_width
        The width of the edge, on either side, in the unit of the grid; 0 for a step.
    in_plane_rotation_angle
        The angle of the cylinder's axis to the x axis in degrees, towards +y.
    length
        Of the cylinder inside of the edge, in the unit of the grid, or None if it has no ends.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    radius, rolloff_width, in_plane_rotation_angle, length
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    Examples
    --------
    >>> from numbavol.ndimage.masks import Cylindrical2DCosineMask
    >>> Cylindrical2DCosineMask.from_shape((5, 2), radius=1.0, rolloff_width=2.0).get()[:, 0]
    array([0.5, 1. , 1. , 1. , 0.5], dtype=float32)
    """

    radius: float
    rolloff_width: float
    in_plane_rotation_angle: float = 0.0
    length: float | None = None

    n_axes: ClassVar[int] = 2

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        angle = read_number("in_plane_rotation_angle", self.in_plane_rotation_angle)
        vars(self)["in_plane_rotation_angle"] = angle
        lengths = ["radius", "rolloff_width", *(["length"] if self.length is not None else [])]
        self._read(coordinate_grid, *lengths)

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        turned = turn_back(coordinates, self.in_plane_rotation_angle)
        return compute_box(turned, (self.length, 2 * self.radius), self.rolloff_width)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Cylindrical3DCosineMask(AbstractCosineMask):
    """A cylinder around the z axis, with a soft edge, as for helices.

    Parameters
    ----------
    coordinate_grid
        As `make_coordinate_grid` returns it, shape ``(z, y, x, 3)``. All lengths are in its unit.
    radius
        Of the cylinder inside of the edge, in the unit of the grid.
    rolloff_width
        The width of the edge, around it and at its ends, in the unit of the grid; 0 for a step.
    length
        Of the cylinder inside of the edge, in the unit of the grid, or None if it has no ends.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    radius, rolloff_width, length
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or a length is below 0.

    Examples
    --------
    >>> from numbavol.ndimage.masks import Cylindrical3DCosineMask
    >>> mask = Cylindrical3DCosineMask.from_shape((3, 1, 5), radius=1.0, rolloff_width=2.0)
    >>> mask.get()[0, 0]
    array([0.5, 1. , 1. , 1. , 0.5], dtype=float32)
    """

    radius: float
    rolloff_width: float
    length: float | None = None

    n_axes: ClassVar[int] = 3

    def __post_init__(self, coordinate_grid: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        lengths = ["radius", "rolloff_width", *(["length"] if self.length is not None else [])]
        self._read(coordinate_grid, *lengths)

    def _compute(self, coordinates: Components) -> NDArray[np.float64]:
        x, y, z = coordinates
        across = compute_cosine_edge(compute_lengths((x, y)), self.radius, self.rolloff_width)
        return across * compute_box((z,), (self.length,), self.rolloff_width)
