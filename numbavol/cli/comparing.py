"""The correlation of two maps in real space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_fits_in_memory

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Besides the map, measured (docs/how_to/memory.md): the model's and both transforms; the mask, and
# both maps times it.
MAPS, MAPS_OF_A_MASK = 3, 3


def check_comparison_fits(data: NDArray[np.floating[Any]], *, is_masked: bool) -> None:
    """Refuse a map that cannot be compared in the memory that is free.

    Raises
    ------
    MemoryError
        If it does not fit.
    """
    n_maps = MAPS + MAPS_OF_A_MASK * is_masked
    check_fits_in_memory("MAP", f"comparing maps of shape {data.shape}", n_maps * data.nbytes)


def check_mask(mask: NDArray[np.floating[Any]], mask_file: Path) -> None:
    """Refuse a mask that cannot weigh voxels.

    Raises
    ------
    ValueError
        If a value is below 0, or all are 0; names the first.
    """
    if mask.min() < 0:
        z, y, x = np.argwhere(mask < 0)[0].tolist()
        msg = (
            f"--mask: expected values of at least 0, {mask_file} has {mask[z, y, x]:g} in voxel "
            f"({x}, {y}, {z}) (x, y, z)"
        )
        raise ValueError(msg)
    check_mask_leaves_something(mask, mask_file)


def check_mask_leaves_something(mask: NDArray[np.floating[Any]], mask_file: Path) -> None:
    """Refuse a mask that is 0 everywhere.

    Raises
    ------
    ValueError
        If it is.
    """
    if not mask.any():
        msg = f"--mask: expected values above 0, {mask_file} has none"
        raise ValueError(msg)


def correlate_voxels(
    one: NDArray[np.floating[Any]],
    other: NDArray[np.floating[Any]],
    weights: NDArray[np.floating[Any]] | None,
) -> float | None:
    """Correlate the voxels of two maps (Pearson), weighted; None where one of the two is constant.

    In double precision, section by section: maps are large.
    """
    total = 0.0
    sums, products = np.zeros(2), np.zeros((2, 2))
    for pairs, shares in _sections(one, other, weights, np.zeros(2)):
        total += float(shares.sum())
        sums += pairs @ shares
    for pairs, shares in _sections(one, other, weights, sums / total):
        products += (pairs * shares) @ pairs.T
    scale = float(np.sqrt(products[0, 0] * products[1, 1]))
    return float(products[0, 1]) / scale if scale > 0 else None


def _sections(
    one: NDArray[Any], other: NDArray[Any], weights: NDArray[Any] | None, means: NDArray[Any]
) -> Any:
    for z in range(len(one)):
        pairs = np.array([one[z].ravel(), other[z].ravel()], np.float64) - means[:, np.newaxis]
        shares = np.ones(pairs.shape[1]) if weights is None else weights[z].ravel()
        yield pairs, shares.astype(np.float64)
