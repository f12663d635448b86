"""Reading of what operators, filters and masks are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_finite, read_reals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_GRIDS = {2: "(y, x, 2)", 3: "(z, y, x, 3)"}


def read_number(name: str, value: ArrayLike, *, minimum: float = -np.inf) -> float:
    """Read a finite number of at least `minimum`.

    Raises
    ------
    ValueError
        If it is something else. The message has `name` in it.
    """
    number = read_reals(name, value)
    if number.ndim:
        msg = f"{name}: expected a number, got shape {number.shape}"
        raise ValueError(msg)
    check_finite(name, number)
    if number < minimum:
        msg = f"{name}: expected a number of at least {minimum:g}, got {number:g}"
        raise ValueError(msg)
    return float(number)


def read_vectors(name: str, vectors: ArrayLike) -> NDArray[np.floating[Any]]:
    """Read vectors of two or three components: float32 stays float32, all else is float64.

    Raises
    ------
    ValueError
        If they are not real, or of another number of components. The message has `name` in it.
    """
    if isinstance(vectors, np.ndarray) and vectors.dtype.newbyteorder("=") == np.float32:
        array: NDArray[np.floating[Any]] = vectors.astype(np.float32, copy=False)
    else:
        array = read_reals(name, vectors)
    if array.ndim == 0 or array.shape[-1] not in _GRIDS:
        msg = f"{name}: expected vectors, of shape (..., 2) or (..., 3), got {array.shape}"
        raise ValueError(msg)
    return array


def read_grid(
    name: str, grid: ArrayLike, n_axes: tuple[int, ...] = (2, 3)
) -> NDArray[np.floating[Any]]:
    """Read the vectors of an image, ``(y, x, 2)``, or of a map, ``(z, y, x, 3)``.

    Raises
    ------
    ValueError
        If they are not real, or of another shape. The message has `name` in it.
    """
    array = read_vectors(name, grid)
    if array.ndim - 1 != array.shape[-1] or array.shape[-1] not in n_axes:
        expected = " or ".join(_GRIDS[n] for n in n_axes)
        msg = f"{name}: expected shape {expected}, got {array.shape}"
        raise ValueError(msg)
    return array


def check_n_axes(name: str, shape: tuple[int, ...], n_axes: tuple[int, ...]) -> None:
    """Refuse what is no image or no map.

    Raises
    ------
    ValueError
        If `shape` has not one of these numbers of axes. The message has `name` in it.
    """
    if len(shape) not in n_axes:
        msg = f"{name}: expected {' or '.join(map(str, n_axes))} axes, got shape {shape}"
        raise ValueError(msg)


def compute_squared_lengths(vectors: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Compute the squared length of each vector, in a new array of their precision."""
    squared = np.empty(vectors.shape[:-1], vectors.dtype)
    np.square(vectors[..., 0], out=squared)
    for component in range(1, vectors.shape[-1]):
        squared += np.square(vectors[..., component])
    return squared


def compute_lengths(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the length of each vector."""
    lengths: NDArray[np.float64] = np.sqrt(compute_squared_lengths(vectors))
    return lengths
