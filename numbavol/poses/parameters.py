"""`PoseParameters`: the arrays of one pose or of many, as one value."""

from __future__ import annotations

import dataclasses
import operator
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from numbavol.values import FrozenArrays, have_equal_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)
class PoseParameters(FrozenArrays):
    """Read-only arrays that each have one pose, or the same n of them along their first axis.

    A subclass adds its fields, and a constructor that takes every field under its name and hands
    what `read_parameters` returns to `__setstate__`. `AbstractPose` says what the fields mean.
    """

    # These are fields, and `offset_in_angstroms` follows from them, because `dataclasses.replace`
    # calls the constructor by the fields' names.
    offset_x_in_angstroms: NDArray[np.float64]
    offset_y_in_angstroms: NDArray[np.float64]
    offset_z_in_angstroms: NDArray[np.float64] | None = dataclasses.field(
        default=None, kw_only=True
    )

    # An array on the left of `==` would otherwise compare itself with every pose.
    __array_ufunc__ = None

    @cached_property
    def offset_in_angstroms(self) -> NDArray[np.float64]:
        """The offset as one read-only array, `(x, y)` or `(x, y, z)`.

        Shape `(2,)` or `(3,)`, or `(n, 2)` or `(n, 3)` for n poses.
        """
        offsets = [self.offset_x_in_angstroms, self.offset_y_in_angstroms]
        if self.offset_z_in_angstroms is not None:
            offsets.append(self.offset_z_in_angstroms)
        stacked = np.stack(offsets, axis=-1)
        stacked.setflags(write=False)
        return stacked

    @property
    def n_poses(self) -> int | None:
        """How many poses it holds, or None for a single pose, which has no length or index."""
        return self.offset_x_in_angstroms.size if self.offset_x_in_angstroms.ndim else None

    def __len__(self) -> int:
        """Return how many poses it holds, as for an array: a single pose has no length."""
        if self.n_poses is None:
            msg = f"one {type(self).__name__} has no length"
            raise TypeError(msg)
        return self.n_poses

    def __bool__(self) -> bool:
        """Tell a pose from no pose. Python would ask for the length, which one pose has not."""
        return self.n_poses != 0

    def __getitem__(
        self, index: int | slice | Sequence[int] | NDArray[np.integer] | NDArray[np.bool]
    ) -> Self:
        """Take one pose by its number, or many by a slice, an array of numbers or a mask."""
        if self.n_poses is None:
            msg = f"one {type(self).__name__} cannot be indexed"
            raise TypeError(msg)
        try:
            number = operator.index(index)  # type: ignore[arg-type]
        except TypeError:
            chosen = np.arange(self.n_poses)[index]
        else:
            return self._take(number)
        if chosen.ndim > 1:
            msg = f"index: expected one that leaves at most one axis, got shape {chosen.shape}"
            raise ValueError(msg)
        return self._take(chosen)

    def __iter__(self) -> Iterator[Self]:
        """Give the poses one by one."""
        return (self._take(i) for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Compare class, number of poses and values; False for anything that is no pose."""
        return type(other) is type(self) and have_equal_values(
            self.__getstate__(), other.__getstate__()
        )

    def __hash__(self) -> int:
        """Hash the values, so that a pose can be a key."""
        # Adding 0 gives 0 and -0, which are equal, the same bytes.
        arrays = tuple(
            (name, array.shape, (array + 0.0).tobytes())
            for name, array in self.__getstate__().items()
        )
        return hash((type(self), arrays))

    def __repr__(self) -> str:
        """Write one pose as the call that makes it, and many as their number."""
        name = type(self).__name__
        if self.n_poses is not None:
            return f"<{name}: {self.n_poses} pose{'' if self.n_poses == 1 else 's'}>"
        given = (f"{field}={value.tolist()}" for field, value in self.__getstate__().items())
        return f"{name}({', '.join(given)})"

    def __getstate__(self) -> dict[str, NDArray[np.float64]]:
        """Return the arrays alone: what is cached follows from them."""
        names = (field.name for field in dataclasses.fields(self))
        return {name: vars(self)[name] for name in names if name in vars(self)}

    def _take(self, chosen: int | NDArray[np.intp]) -> Self:
        taken = type(self).__new__(type(self))
        taken.__setstate__(
            {name: np.array(array[chosen]) for name, array in self.__getstate__().items()}
        )
        return taken
