"""How atoms and planes are laid out so that threads share the work and caches hold it."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_BLOCK_SIDE = 16
# NumPy sorts 16-bit numbers in linear time. The last one is left for what is in no block.
BLOCK_NUMBER = np.dtype(np.uint16)
# A larger sample than this tells no more; fewer, and the fullest box is one of chance.
LARGEST_SAMPLE = 40_000
MOST_COUNTERS = 2**20


def block_side_in_voxels(shape: tuple[int, ...]) -> int:
    """Side of the blocks of a map, such that a `BLOCK_NUMBER` counts them.

    Positions are rendered block by block: what one wrote is still in the cache when the next adds
    to it. That is worth several times (``scripts/bench``).

    Parameters
    ----------
    shape
        Shape of the map.

    Returns
    -------
    int
        A power of 2.
    """
    side = SMALLEST_BLOCK_SIDE
    while math.prod(-(-length // side) for length in shape) > np.iinfo(BLOCK_NUMBER).max:
        side *= 2
    return side


def balanced_slabs(planes: NDArray[np.int64], n_planes: int, n_slabs: int) -> list[tuple[int, int]]:
    """Cut the planes of a map into slabs of about equal work.

    Parameters
    ----------
    planes
        ``(n, 2)``: the first plane that each position writes to, and the one after its last.
    n_planes
        Planes of the map.
    n_slabs
        How many slabs are wanted, at most.

    Returns
    -------
    list of (int, int)
        ``start, stop`` of each slab; together they are all planes, in order.
    """
    begun = np.bincount(planes[:, 0], minlength=n_planes + 1)
    ended = np.bincount(planes[:, 1], minlength=n_planes + 1)
    work = np.cumsum(np.cumsum(begun - ended)[:n_planes])
    shares = work[-1] * np.arange(1, n_slabs) / n_slabs
    cuts = np.unique(np.searchsorted(work, shares) + 1)
    edges = [0, *(int(cut) for cut in cuts if cut < n_planes), n_planes]
    return list(itertools.pairwise(edges))


def most_overlapping(
    order: NDArray[np.intp],
    centres: NDArray[np.float64],
    planes: NDArray[np.int64],
    shape: tuple[int, int, int],
    voxel_size: NDArray[np.float64],
) -> float:
    """Estimate how many positions write to the voxel that most write to.

    Parameters
    ----------
    order
        ``(m,)``: those of the positions that write to the map.
    centres
        ``(n, 3)`` in the order (x, y, z), in voxels.
    planes
        ``(n, 2)``: the first plane that each position writes to, and the one after its last.
    shape
        Shape (z, y, x) of the map.
    voxel_size
        ``(3,)``, in the order (x, y, z).

    Returns
    -------
    float
        The largest number in one of the boxes of a mean window's size that tile the map.
    """
    if len(order) == 0:
        return 0.0
    step = -(-len(order) // LARGEST_SAMPLE)
    sample = order[::step]
    depth = float(np.mean(planes[sample, 1] - planes[sample, 0]))
    window = depth * voxel_size[2] / voxel_size
    extent = (np.array(shape[::-1]) / window).astype(np.int64) + 3
    # What lies outside the map is counted where it reaches in.
    boxes = np.clip(centres[sample] * (1.0 / window) + 1.0, 0.0, extent - 1.0).astype(np.int64)
    numbers = (boxes[:, 2] * extent[1] + boxes[:, 1]) * extent[0] + boxes[:, 0]
    if math.prod(extent.tolist()) < MOST_COUNTERS:
        counts = np.bincount(numbers)
    else:
        _, counts = np.unique(numbers, return_counts=True)
    return float(step * counts.max())
