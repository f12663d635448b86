"""One image that positions add up to, on all threads: each owns a band of its rows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.threads import count_threads_for_tasks, run_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# Enough to find where as many are below a row as above it.
POSITIONS_LOOKED_AT = 2**12


def add_in_bands(
    add: Callable[[slice], object],
    n_rows: int,
    positions: NDArray[np.float64],
    rotations: NDArray[np.float64],
    places: NDArray[np.float64],
) -> None:
    """Add positions to the rows of images: of one image, all threads do, if they are free.

    Parameters
    ----------
    add
        Adds what there is in some rows, which it owns.
    n_rows
        Of an image.
    positions
        ``(n, 3)``, of any device.
    rotations
        ``(images, 2, 3)``: take positions to (x, y), in pixels.
    places
        ``(images, 2)``: are added to these, to count from the middle of the first pixel.
    """
    n_bands = count_threads_for_tasks()
    borders = [0, n_rows]
    if n_bands > 1 and len(rotations) == 1:
        borders = find_borders(n_bands, n_rows, positions, rotations[0], places[0])
    run_tasks(add, list(itertools.starmap(slice, itertools.pairwise(borders))))


def find_borders(
    n_bands: int,
    n_rows: int,
    positions: NDArray[np.float64],
    rotation: NDArray[np.float64],
    place: NDArray[np.float64],
) -> list[int]:
    """Find rows between which there are about as many positions: a band takes as long as others.

    Parameters
    ----------
    n_bands
        How many bands there are at most.
    n_rows, positions
        As of `add_in_bands`.
    rotation, place
        Of the image, ``(2, 3)`` and ``(2,)``.

    Returns
    -------
    list of int
        The first row of each band, and `n_rows`.
    """
    some = positions[:: max(1, len(positions) // POSITIONS_LOOKED_AT)]
    heights = some @ rotation[1] + place[1]
    inside = np.sort(heights[(heights > 0) & (heights < n_rows - 1)])
    if len(inside) == 0:
        return [0, n_rows]
    between = inside[len(inside) * np.arange(1, n_bands) // n_bands]
    borders: list[Any] = np.unique([0, *np.round(between).astype(int), n_rows]).tolist()
    return borders
