"""Coordinates that stay affine: a frame that a rotation turns at no cost."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Self

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.values import have_equal_values
from numbavol.volumes.positions import rotate_positions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.poses import AbstractPose


@dataclasses.dataclass(frozen=True, eq=False)
class AffineCoordinates:
    """A grid of coordinates by its middle and its three steps.

    Point [z, y, x] is ``middle + (x - n_x // 2) steps[0] + (y - n_y // 2) steps[1] + ...``.

    Parameters
    ----------
    shape
        Points (z, y, x).
    middle
        ``(3,)``, in the order (x, y, z).
    steps
        ``(3, 3)``: the steps along x, y and z, each in the order (x, y, z).
    """

    shape: tuple[int, int, int]
    middle: NDArray[np.float64]
    steps: NDArray[np.float64]

    def rotate(self, pose: AbstractPose, *, inverse: bool) -> Self:
        """Turn the grid by the rotation of one pose."""
        vectors = np.vstack([self.middle, self.steps])
        turned = rotate_positions(vectors, pose, inverse=inverse)
        return dataclasses.replace(self, middle=turned[0], steps=turned[1:])

    def to_array(self) -> NDArray[np.float64]:
        """Make the array of coordinates, (z, y, x, 3), read-only."""
        z, y, x = (np.arange(length)[:, np.newaxis] - length // 2 for length in self.shape)
        array: NDArray[np.float64] = (
            (self.middle + z * self.steps[2])[:, np.newaxis, np.newaxis]
            + (y * self.steps[1])[:, np.newaxis]
            + x * self.steps[0]
        )
        made = np.asarray(_Made(self, array))
        made.setflags(write=False)
        return made

    def __eq__(self, other: object) -> bool:
        """Compare shape, middle and steps."""
        return type(other) is type(self) and have_equal_values(vars(self), vars(other))

    def __hash__(self) -> int:
        """Hash what equal grids have in common."""
        return hash(self.shape)


class _Made:
    """What an array of coordinates stands on: its memory, and the frame it was made from."""

    def __init__(self, affine: AffineCoordinates, array: NDArray[np.float64]) -> None:
        self.affine = affine
        self._array = array
        self.__array_interface__ = array.__array_interface__


class CoordinatesField:
    """A dataclass field that keeps a frame, and is read as the array that the frame stands for."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name of the field."""
        self._name = name
        self._kept = f"_{name}"

    def __get__(self, instance: object | None, owner: type) -> NDArray[np.float64]:
        """Make the array, or return the one that a user gave."""
        if instance is None:
            # So that dataclasses finds no default.
            raise AttributeError(self._name)
        kept = vars(instance)[self._kept]
        return kept.to_array() if isinstance(kept, AffineCoordinates) else kept

    def __set__(self, instance: object, value: ArrayLike | AffineCoordinates) -> None:
        """Keep a frame, the frame of an array that was made from one, or an array."""
        if isinstance(value, AffineCoordinates):
            vars(instance)[self._kept] = value
        elif isinstance(made := getattr(value, "base", None), _Made):
            vars(instance)[self._kept] = made.affine
        else:
            vars(instance)[self._kept] = _read_coordinates(self._name, value)

    @staticmethod
    def kept_by(instance: object, name: str) -> AffineCoordinates | NDArray[np.float64]:
        """Return the frame, or the array that a user gave."""
        kept: AffineCoordinates | NDArray[np.float64] = vars(instance)[f"_{name}"]
        return kept

    @staticmethod
    def rotated(
        instance: object, name: str, pose: AbstractPose, *, inverse: bool
    ) -> AffineCoordinates | NDArray[np.float64]:
        """Turn what is kept by the rotation of one pose."""
        kept = CoordinatesField.kept_by(instance, name)
        if isinstance(kept, AffineCoordinates):
            return kept.rotate(pose, inverse=inverse)
        return rotate_positions(kept, pose, inverse=inverse)


def _read_coordinates(name: str, value: ArrayLike) -> NDArray[np.float64]:
    array = np.array(read_reals(name, value))
    if array.ndim != 4 or array.shape[-1] != 3:
        msg = f"{name}: expected shape (z, y, x, 3), got {array.shape}"
        raise ValueError(msg)
    check_finite(name, array)
    array.setflags(write=False)
    return array
