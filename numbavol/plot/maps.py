"""Sections and projections of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numbavol.plot.axes import (
    add_scale_bar,
    import_matplotlib,
    make_axes,
    read_lengths,
    read_many_axes,
    read_reals,
    show_image,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

# Of arrays; coordinates are in the opposite order.
AXES = "zyx"
FIGURE_OF_ONE, FIGURE_OF_SIX = (4.0, 4.2), (9.0, 6.2)


class _Grid(NamedTuple):
    """A map that was read, with the sides of a voxel by their names and their unit."""

    values: NDArray[Any]
    sides: dict[str, float]
    unit: str


def plot_section(
    real_voxel_grid: ArrayLike,
    voxel_size: ArrayLike | None = None,
    *,
    along: str = "z",
    axes: Axes | None = None,
) -> Axes:
    """Draw the section of a map through its centre, across one of its axes.

    Parameters
    ----------
    real_voxel_grid
        Real, (z, y, x).
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms; None if it is not known.
    along
        ``"x"``, ``"y"`` or ``"z"``: the axis that the section is perpendicular to. Voxel
        ``n // 2`` of it is drawn.
    axes
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a scale bar. x, or y of a section along x, goes to the right.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If the map is not real with three axes, or an argument is another.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import plot_section
    >>> axes = plot_section(np.eye(8)[None] * np.ones((8, 1, 1)), voxel_size=1.5)
    >>> axes.get_title()
    'section xy'
    """
    return _plot("section", real_voxel_grid, voxel_size, along, axes)


def plot_projection(
    real_voxel_grid: ArrayLike,
    voxel_size: ArrayLike | None = None,
    *,
    along: str = "z",
    axes: Axes | None = None,
) -> Axes:
    """Draw the integral of a map along one of its axes: the sum times the side of a voxel.

    Parameters
    ----------
    real_voxel_grid
        Real, (z, y, x).
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms; None if it is not known.
    along
        ``"x"``, ``"y"`` or ``"z"``.
    axes
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a scale bar. x, or y of a projection along x, goes to the right.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If the map is not real with three axes, or an argument is another.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import plot_projection
    >>> plot_projection(np.ones((4, 6, 8)), along="x").get_title()
    'projection yz'
    """
    return _plot("projection", real_voxel_grid, voxel_size, along, axes)


def plot_map(
    real_voxel_grid: ArrayLike,
    voxel_size: ArrayLike | None = None,
    *,
    axes: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Draw the three central sections of a map above its three projections.

    Parameters
    ----------
    real_voxel_grid
        Real, (z, y, x).
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms; None if it is not known.
    axes
        Array of six axes, (2, 3); by default those of a new figure.

    Returns
    -------
    ndarray
        The axes, (2, 3): sections and projections along z, y and x.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If the map is not real with three axes, or an argument is another.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import plot_map
    >>> plot_map(np.ones((4, 6, 8)), voxel_size=(1.0, 1.0, 2.0)).shape
    (2, 3)
    """
    grid = _read(real_voxel_grid, voxel_size)
    if axes is None:
        pyplot = import_matplotlib("matplotlib.pyplot")
        axes = pyplot.subplots(2, 3, figsize=FIGURE_OF_SIX, layout="constrained")[1]
    places = read_many_axes(axes, 6)
    if places.shape != (2, 3):
        msg = f"axes: expected shape (2, 3), got {places.shape}"
        raise ValueError(msg)
    for row, what in zip(places, PICTURES, strict=True):
        for place, along in zip(row, AXES, strict=True):
            _show(what, grid, along, place)
    return places


def _plot(
    what: str,
    real_voxel_grid: ArrayLike,
    voxel_size: ArrayLike | None,
    along: str,
    axes: Axes | None,
) -> Axes:
    if along not in ("x", "y", "z"):
        msg = f"along: expected 'x', 'y' or 'z', got {along!r}"
        raise ValueError(msg)
    grid = _read(real_voxel_grid, voxel_size)
    return _show(what, grid, along, make_axes(axes, FIGURE_OF_ONE))


def _read(real_voxel_grid: ArrayLike, voxel_size: ArrayLike | None) -> _Grid:
    values = read_reals("real_voxel_grid", real_voxel_grid, (3,), "(z, y, x)")
    sides, unit = read_lengths("voxel_size", voxel_size, 3)
    return _Grid(values, dict(zip("xyz", sides, strict=True)), unit)


def _show(what: str, grid: _Grid, along: str, axes: Axes) -> Axes:
    image = PICTURES[what](grid.values, AXES.index(along), grid.sides[along])
    right, up = (name for name in "xyz" if name != along)
    show_image(axes, image, (grid.sides[right], grid.sides[up]))
    add_scale_bar(axes, grid.unit)
    axes.set_title(f"{what} {right}{up}", fontsize="medium")
    return axes


def _take_section(values: NDArray[Any], axis: int, _: float) -> NDArray[Any]:
    section: NDArray[Any] = values.take(values.shape[axis] // 2, axis)
    return section


def _project(values: NDArray[Any], axis: int, side: float) -> NDArray[Any]:
    projection: NDArray[Any] = values.sum(axis=axis, dtype=np.float64) * side
    return projection


# Of the values, along an axis, whose voxels have a side.
PICTURES = {"section": _take_section, "projection": _project}
