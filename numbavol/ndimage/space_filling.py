"""Numbers of cells along a curve that fills space: neighbours on it are neighbours in space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbavol.kernels.dispatch import find_device_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BITS_AN_AXIS, BITS_OF_A_WORD = 21, 64


def compute_morton_keys(cells: Sequence[NDArray[np.intp]], largest: int) -> NDArray[np.uint64]:
    """Compute the numbers of cells along Morton's curve, by the bits of their indices in turn.

    Parameters
    ----------
    cells
        Of x, y and z, ``(n,)`` indices below 2**21, of any device.
    largest
        None is above it.

    Returns
    -------
    NDArray
        ``(n,)``.
    """
    xp = find_device_of(cells[0]).xp
    keys: NDArray[np.uint64] = xp.zeros(len(cells[0]), np.uint64)
    # Most indices are there many times (scripts/bench project).
    is_looked_up = largest < len(keys)
    table = _spread_bits(xp.arange(largest + 1, dtype=np.uint64)) if is_looked_up else None
    for axis, indices in enumerate(cells):
        spread = _spread_bits(indices.astype(np.uint64)) if table is None else table[indices]
        keys |= spread << np.uint64(axis)
    return keys


def order_along_curve(cells: Sequence[NDArray[np.intp]], largest: int) -> NDArray[np.intp]:
    """Find the order of cells along Morton's curve; of equal ones, the first one comes first.

    Parameters
    ----------
    cells, largest
        As of `compute_morton_keys`.

    Returns
    -------
    NDArray
        ``(n,)``, where the cells are.
    """
    keys = compute_morton_keys(cells, largest)
    xp = find_device_of(keys).xp
    bits_of_a_key, bits_of_a_number = 3 * largest.bit_length(), max(len(keys) - 1, 1).bit_length()
    if bits_of_a_key + bits_of_a_number > BITS_OF_A_WORD:
        stable: NDArray[np.intp] = xp.argsort(keys, kind="stable")
        return stable
    # With its number after it, every key is another one: values are sorted in a fifth of the time
    # that their order takes (scripts/bench project).
    keys <<= np.uint64(bits_of_a_number)
    keys |= xp.arange(len(keys), dtype=np.uint64)
    keys.sort()
    keys &= np.uint64(2**bits_of_a_number - 1)
    return keys.astype(np.intp)


def _spread_bits(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put two zeros between the bits of numbers below 2**21."""
    spread = numbers
    for shift, mask in (
        (32, 0x001F00000000FFFF),
        (16, 0x001F0000FF0000FF),
        (8, 0x100F00F00F00F00F),
        (4, 0x10C30C30C30C30C3),
        (2, 0x1249249249249249),
    ):
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
