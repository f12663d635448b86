"""Positions of atoms: reading them, and moving them to a pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numbavol.arguments import check_finite, check_flag, check_is_a, read_reals
from numbavol.poses import AbstractPose

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
    TypeError
        If it is no pose.
    ValueError
        If there are many poses.
    """
    check_is_a("pose", pose, AbstractPose)
    offset = pose.offset_in_angstroms
    if offset.ndim != 1:
        msg = f"pose: expected one pose, got {len(offset)}"
        raise ValueError(msg)
    moved = positions.copy()
    moved[:, : offset.size] += offset
    return moved


def rotate_positions(
    positions: NDArray[np.float64], pose: AbstractPose, *, inverse: bool
) -> NDArray[np.float64]:
    """Turn positions, or coordinates, by the rotation of one pose.

    Raises
    ------
    TypeError
        If it is no pose, or `inverse` neither True nor False.
    ValueError
        If there are many poses.
    """
    check_is_a("pose", pose, AbstractPose)
    check_flag("inverse", inverse)
    return pose.rotate_coordinates(positions, inverse=inverse)
