"""One image that positions add up to, on all threads: each owns a band of its rows."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.tasks import count_threads_for_tasks, run_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device

# The more there are, the more of what is added reaches over their borders: of 131,256 atoms, the
# longest of 16 takes a fifth of the time of the whole image, and of 64 hardly less.
MOST_BANDS = 16
GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
# Enough to find where as many are below a row as above it.
POSITIONS_LOOKED_AT = 2**12


def add_in_bands(
    device: Device,
    add: Callable[[slice], object],
    n_rows: int,
    positions: NDArray[np.float64],
    rotations: NDArray[np.float64],
    places: NDArray[np.float64],
) -> None:
    """Add positions to the rows of images: of one image, all threads do, if they are free.

    Parameters
    ----------
    device
        Of the images. CUDA's rows are added at once.
    add
        Adds what there is in some rows, which it owns.
    n_rows
        Of an image.
    positions
        ``(n, 3)``, of the device.
    rotations
        ``(images, 2, 3)``: take positions to (x, y), in pixels.
    places
        ``(images, 2)``: are added to these, to count from the middle of the first pixel.
    """
    if device.name != "cpu":
        add(slice(0, n_rows))
        return
    n_bands = min(count_threads_for_tasks(), MOST_BANDS)
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
    some = positions
    if len(positions) > POSITIONS_LOOKED_AT:
        # Any even steps may be those of a lattice, as voxels are.
        steps = np.arange(POSITIONS_LOOKED_AT) * GOLDEN_RATIO % 1.0
        some = positions[(steps * len(positions)).astype(np.intp)]
    # Large ones are nowhere, which comes out.
    with np.errstate(over="ignore", invalid="ignore"):
        heights = some @ rotation[1] + place[1]
    inside = np.sort(heights[(heights > 0) & (heights < n_rows - 1)])
    if len(inside) == 0:
        return [0, n_rows]
    between = inside[len(inside) * np.arange(1, n_bands) // n_bands]
    borders: list[Any] = np.unique([0, *np.round(between).astype(int), n_rows]).tolist()
    return borders
