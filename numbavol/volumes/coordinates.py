"""Coordinates that stay affine, a frame that a rotation turns at no cost, and any others."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np

from numbavol.arguments import check_finite, read_reals
from numbavol.values import have_equal_values
from numbavol.volumes.positions import rotate_positions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.poses import AbstractPose


@dataclasses.dataclass(frozen=True, eq=False)
class AbstractCoordinates(ABC):
    """A grid of coordinates (x, y, z) that can be turned.

    Parameters
    ----------
    turned
        ``(3, 3)``: the rotation, since it was given, of the volume that this is a slice of.
    """

    turned: NDArray[np.float64] = dataclasses.field(
        default_factory=functools.partial(np.eye, 3), kw_only=True
    )

    if TYPE_CHECKING:

        @property
        def shape(self) -> tuple[int, ...]:
            """Points (z, y, x)."""

        @property
        def middle(self) -> NDArray[np.float64]:
            """The point at ``n // 2`` of each axis, ``(3,)``; not numbers if there is none."""

    @abstractmethod
    def to_array(self) -> NDArray[np.float64]:
        """Make the array of coordinates, (z, y, x, 3), read-only."""

    @abstractmethod
    def multiply(self, matrix: NDArray[np.float64]) -> Self:
        """Multiply the points, as rows, by a matrix (3, 3)."""

    def rotate(self, pose: AbstractPose, *, inverse: bool) -> Self:
        """Turn the grid by the rotation of one pose."""
        return self.multiply(rotate_positions(np.eye(3), pose, inverse=inverse))

    def rotate_slice(self, pose: AbstractPose, *, inverse: bool) -> Self:
        """Turn the grid as the slice of a volume that is turned by the rotation of one pose."""
        rotation = rotate_positions(np.eye(3), pose, inverse=not inverse)
        multiplied = self.multiply(self.find_turns(rotation))
        return dataclasses.replace(multiplied, turned=rotation @ self.turned)

    def find_turns(self, rotations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Find what the points, as rows, of a slice are multiplied by as its volume is turned.

        The volume U, turned by A and then by R, has the transform ``U(A^T R^T k)``. Of the slice
        ``A^T k`` that is ``A^T R^T A``, and of rows the transpose.

        Parameters
        ----------
        rotations
            R, ``(..., 3, 3)``.

        Returns
        -------
        NDArray
            ``(..., 3, 3)``.
        """
        return self.turned.T @ rotations @ self.turned

    def __eq__(self, other: object) -> bool:
        """Compare what both are made of."""
        return type(other) is type(self) and have_equal_values(vars(self), vars(other))

    def __hash__(self) -> int:
        """Hash what equal grids have in common."""
        return hash(self.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class AffineCoordinates(AbstractCoordinates):
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

    def multiply(self, matrix: NDArray[np.float64]) -> Self:
        """Multiply middle and steps by a matrix: see the base class."""
        return dataclasses.replace(self, middle=self.middle @ matrix, steps=self.steps @ matrix)

    def to_array(self) -> NDArray[np.float64]:
        """Make the array of coordinates, (z, y, x, 3), read-only: see the base class."""
        z, y, x = (np.arange(length)[:, np.newaxis] - length // 2 for length in self.shape)
        return _make_read_only(
            self,
            (self.middle + z * self.steps[2])[:, np.newaxis, np.newaxis]
            + (y * self.steps[1])[:, np.newaxis]
            + x * self.steps[0],
        )


@dataclasses.dataclass(frozen=True, eq=False)
class ListedCoordinates(AbstractCoordinates):
    """A grid of any coordinates.

    Parameters
    ----------
    points
        ``(z, y, x, 3)``.
    """

    points: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Points (z, y, x)."""
        return self.points.shape[:3]

    @property
    def middle(self) -> NDArray[np.float64]:
        """The point at ``n // 2`` of each axis, ``(3,)``; not numbers if there is none."""
        z, y, x = (length // 2 for length in self.shape)
        return self.points[z, y, x] if self.points.size else np.full(3, np.nan)

    def multiply(self, matrix: NDArray[np.float64]) -> Self:
        """Multiply all points by a matrix: see the base class."""
        return dataclasses.replace(self, points=self.points @ matrix)

    def to_array(self) -> NDArray[np.float64]:
        """Return the points, read-only: see the base class."""
        return _make_read_only(self, self.points)


def _make_read_only(
    coordinates: AbstractCoordinates, array: NDArray[np.float64]
) -> NDArray[np.float64]:
    made = np.asarray(_Made(coordinates, array))
    made.setflags(write=False)
    return made


class _Made:
    """What an array of coordinates stands on: its memory, and what it was made from."""

    def __init__(self, coordinates: AbstractCoordinates, array: NDArray[np.float64]) -> None:
        self.coordinates = coordinates
        self._array = array
        self.__array_interface__ = array.__array_interface__


class CoordinatesField:
    """A dataclass field that keeps coordinates, and is read as the array that these stand for."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the name of the field."""
        self._name = name
        self._kept = f"_{name}"

    def __get__(self, instance: object | None, owner: type) -> NDArray[np.float64]:
        """Make the array."""
        if instance is None:
            # So that dataclasses finds no default.
            raise AttributeError(self._name)
        kept: AbstractCoordinates = vars(instance)[self._kept]
        return kept.to_array()

    def __set__(self, instance: object, value: ArrayLike | AbstractCoordinates) -> None:
        """Keep coordinates, those that an array was made from, or those of an array."""
        if isinstance(value, AbstractCoordinates):
            vars(instance)[self._kept] = value
        elif isinstance(made := getattr(value, "base", None), _Made):
            vars(instance)[self._kept] = made.coordinates
        else:
            vars(instance)[self._kept] = _read_coordinates(self._name, value)

    @staticmethod
    def kept_by(instance: object, name: str) -> AbstractCoordinates:
        """Return the coordinates that are kept."""
        kept: AbstractCoordinates = vars(instance)[f"_{name}"]
        return kept


def _read_coordinates(name: str, value: ArrayLike) -> ListedCoordinates:
    array = np.array(read_reals(name, value))
    if array.ndim != 4 or array.shape[-1] != 3:
        msg = f"{name}: expected shape (z, y, x, 3), got {array.shape}"
        raise ValueError(msg)
    check_finite(name, array)
    return ListedCoordinates(array)
