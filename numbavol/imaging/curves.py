"""Curves over the spatial frequency, and what they are on the plane of an image's transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_finite, read_reals, read_shape
from numbavol.ndimage import make_radial_frequency_grid
from numbavol.ndimage.open_grids import split_rows
from numbavol.ndimage.parameters import read_grid_spacing
from numbavol.values import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray


def read_curve(
    name: str, frequencies: ArrayLike, values: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a curve, as read-only arrays.

    Parameters
    ----------
    name
        Of its values.
    frequencies
        ``(n,)``, increasing from 0.
    values
        ``(n,)``, of at least 0.

    Raises
    ------
    ValueError
        If they are something else.
    """
    ks, numbers = read_reals("frequencies", frequencies), read_reals(name, values)
    for what, array in (("frequencies", ks), (name, numbers)):
        if array.ndim != 1 or array.size == 0:
            msg = f"{what}: expected shape (n,) with n of at least 1, got {array.shape}"
            raise ValueError(msg)
        check_finite(what, array)
    if len(ks) != len(numbers):
        msg = f"{name}: expected {len(ks)} values, one for each frequency, got {len(numbers)}"
        raise ValueError(msg)
    if ks[0] != 0 or np.any(np.diff(ks) <= 0):
        msg = f"frequencies: expected increasing numbers from 0 on, got {_shorten(ks)}"
        raise ValueError(msg)
    if np.any(numbers < 0):
        msg = f"{name}: expected numbers of at least 0, got {numbers.min():g}"
        raise ValueError(msg)
    return freeze(ks), freeze(numbers)


def _shorten(array: NDArray[np.float64]) -> str:
    return np.array2string(array, threshold=6, edgeitems=3)


def evaluate_curve(
    frequencies: NDArray[np.float64],
    values: NDArray[np.float64],
    shape: Sequence[int],
    pixel_size: ArrayLike,
) -> NDArray[np.float64]:
    """Evaluate a curve at the samples of half transforms: linear between, constant beyond.

    Parameters
    ----------
    frequencies, values
        As `read_curve` reads them.
    shape
        Of the images, (y, x).
    pixel_size
        Side of a pixel, or its two sides (x, y), in the inverse unit of the frequencies.

    Returns
    -------
    NDArray
        ``(y, x // 2 + 1)``.

    Raises
    ------
    ValueError
        If the shape or the pixel size is none.
    """
    return compute_on_plane(lambda k: np.interp(k, frequencies, values), shape, pixel_size)


def compute_on_plane(
    compute: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    shape: Sequence[int],
    pixel_size: ArrayLike,
) -> NDArray[np.float64]:
    """Compute a function of the absolute frequency at the samples of half transforms.

    Parameters
    ----------
    compute
        The function, of some rows of frequencies.
    shape
        Of the images, (y, x).
    pixel_size
        Side of a pixel, or its two sides (x, y), in the inverse unit of the frequencies.

    Returns
    -------
    NDArray
        ``(y, x // 2 + 1)``. Beside it, little memory is needed.

    Raises
    ------
    ValueError
        If the shape or the pixel size is none.
    """
    plane = make_plane_of_frequencies(shape, pixel_size)
    for rows in split_rows(plane.shape):
        plane[rows] = compute(plane[rows])
    return plane


def make_plane_of_frequencies(shape: Sequence[int], pixel_size: ArrayLike) -> NDArray[np.float64]:
    """Make the absolute frequencies of half transforms, ``(y, x // 2 + 1)``.

    Raises
    ------
    ValueError
        If the shape or the pixel size is none.
    """
    spacing = read_grid_spacing("pixel_size", pixel_size, 2)
    return make_radial_frequency_grid(read_shape("shape", shape, 2), spacing[::-1])


def average_over_plane(half: NDArray[np.floating[Any]], n_x: int) -> float:
    """Average over the full plane what is even in frequency and known on half of it.

    Parameters
    ----------
    half
        ``(y, x // 2 + 1)``.
    n_x
        Pixels along x.
    """
    columns = half.sum(axis=0, dtype=np.float64)
    total = 2 * columns.sum() - columns[0] - (columns[-1] if n_x % 2 == 0 else 0.0)
    return float(total / (half.shape[0] * n_x))
