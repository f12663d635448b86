"""Grids whose vectors are made a few rows at a time, and functions of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import allocate_zeros, check_finite, read_precision, read_shape
from numbavol.ndimage.grids import (
    make_1d_coordinate_grid,
    make_1d_frequency_grid,
    split_components,
)
from numbavol.ndimage.parameters import check_n_axes, read_grid, read_grid_spacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    # (x, y) or (x, y, z), which broadcast to the shape of a grid: what depends on one of them alone
    # is computed for its axis alone.
    Components = tuple[NDArray[np.float64], ...]

# Fewer than this take longer in the interpreter, more than this in memory.
ELEMENTS_AT_A_TIME = 2**15


class OpenGrid:
    """The vectors of a grid, of which only the rows are made that are asked for.

    Parameters
    ----------
    axes
        The coordinates or frequencies along each axis of an array, float64, in the array's order.
    dtype
        Of what is to be computed from the grid, whose own vectors are float64.
    """

    def __init__(self, axes: Sequence[NDArray[np.float64]], dtype: DTypeLike) -> None:
        self.axes = axes
        self.shape = (*(len(axis) for axis in axes), len(axes))
        self.dtype = read_precision("dtype", dtype)

    def __getitem__(self, rows: slice) -> NDArray[np.float64]:
        """Make the vectors of these rows of the first axis."""
        return np.stack(np.broadcast_arrays(*self.get_components(rows)), axis=-1)

    def get_components(self, rows: slice) -> Components:
        """Return the components of the vectors of these rows, one element long but for an axis."""
        axes = [self.axes[0][rows], *self.axes[1:]]
        return tuple(reversed(np.meshgrid(*axes, indexing="ij", sparse=True)))


def make_open_coordinate_grid(
    shape: Sequence[int], grid_spacing: ArrayLike, dtype: DTypeLike
) -> OpenGrid:
    """Make the grid of `make_coordinate_grid`, of a map or an image."""
    lengths = read_image_shape("shape", shape)
    spacings = read_grid_spacing("grid_spacing", grid_spacing, len(lengths))
    return OpenGrid(
        [make_1d_coordinate_grid(n, d) for n, d in zip(lengths, spacings, strict=True)], dtype
    )


def make_open_frequency_grid(
    shape: Sequence[int], grid_spacing: ArrayLike, dtype: DTypeLike
) -> OpenGrid:
    """Make the grid of `make_frequency_grid`, of the half transform of a map or an image."""
    lengths = read_image_shape("shape", shape)
    spacings = read_grid_spacing("grid_spacing", grid_spacing, len(lengths))
    is_halved = [False] * (len(lengths) - 1) + [True]
    axes = zip(lengths, spacings, is_halved, strict=True)
    return OpenGrid([make_1d_frequency_grid(n, d, half) for n, d, half in axes], dtype)


def read_image_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Read the shape of an image or of a map.

    Raises
    ------
    ValueError
        If it is not two or three whole numbers above 0. The message has `name` in it.
    """
    n_axes = np.size(shape)
    if n_axes not in (2, 3):
        msg = f"{name}: expected two or three whole numbers above 0, got {shape!r}"
        raise ValueError(msg)
    return read_shape(name, shape, n_axes)


def compute_on_grid(
    name: str,
    grid: ArrayLike | OpenGrid,
    compute: Callable[[Components], NDArray[np.floating[Any]]],
    n_axes: tuple[int, ...] = (2, 3),
    *,
    scale: str | None = None,
) -> NDArray[np.floating[Any]]:
    """Compute a function of the vectors of a grid, in double precision, some rows at a time.

    Parameters
    ----------
    name
        Of the grid, for messages.
    grid
        Vectors of shape ``(y, x, 2)`` or ``(z, y, x, 3)``, or the grid that makes them.
    compute
        The function, of components (x, y) or (x, y, z) of vectors. Of an open grid they have one
        element along all axes but their own; they and the values broadcast to some rows. It is not
        to write into them.
    n_axes
        How many axes the grid may have.
    scale
        The name of the argument that makes values too large for their type, if one can.

    Returns
    -------
    NDArray
        Read-only, of shape ``(y, x)`` or ``(z, y, x)``; float32 for a grid of float32, or one
        that asks for it, else float64.

    Raises
    ------
    ValueError
        If the grid has another shape, or there is a value that is not finite.
    MemoryError
        If the values do not fit into the memory that is free.
    """
    vectors: OpenGrid | NDArray[np.floating[Any]]
    if isinstance(grid, OpenGrid):
        name, vectors = "shape", grid
        check_n_axes(name, grid.shape[:-1], n_axes)
    else:
        vectors = read_grid(name, grid, n_axes)
    values: NDArray[np.floating[Any]] = allocate_zeros(name, vectors.shape[:-1], vectors.dtype)
    for rows in split_rows(values.shape):
        components = (
            vectors.get_components(rows)
            if isinstance(vectors, OpenGrid)
            else split_components(vectors[rows].astype(np.float64, copy=False))
        )
        for component in components:
            check_finite(name, component)
        with np.errstate(over="ignore"):
            values[rows] = compute(components)
        if not np.all(np.isfinite(values[rows])):
            msg = f"{scale or name}: expected finite values, got some too large for {values.dtype}"
            raise ValueError(msg)
    values.setflags(write=False)
    return values


def split_rows(shape: tuple[int, ...]) -> Iterator[slice]:
    """Split the first axis of an array into parts that stay in the cache."""
    n_rows = max(1, ELEMENTS_AT_A_TIME // max(1, math.prod(shape[1:])))
    return (slice(first, first + n_rows) for first in range(0, shape[0], n_rows))
