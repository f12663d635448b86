"""Positions of atoms: reading them, and moving them to a pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_finite, read_reals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.poses import AbstractPose


def read_positions(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Read positions as a copy, for the caller's array may change and a volume does not.

    Raises
    ------
    ValueError
        If the shape is not (n, 3), or a value is not finite. The message has `name` in it.
    """
    positions = np.array(read_reals(name, value), order="C")
    if positions.ndim != 2 or positions.shape[1] != 3:
        msg = f"{name}: expected shape (n, 3), got {positions.shape}"
        raise ValueError(msg)
    check_finite(name, positions)
    return positions


def translate_positions(positions: NDArray[np.float64], pose: AbstractPose) -> NDArray[np.float64]:
    """Move positions by the offset of one pose.

    Raises
    ------
    ValueError
        If there are many poses.
    """
    offset = pose.offset_in_angstroms
    if offset.ndim != 1:
        msg = f"pose: expected one pose, got {len(offset)}"
        raise ValueError(msg)
    moved = positions.copy()
    moved[:, : offset.size] += offset
    return moved
