"""Objects of arrays as values: equality and hashing that an array allows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def have_equal_values(mine: Mapping[str, object], theirs: Mapping[str, object]) -> bool:
    """Compare names and values; arrays are equal if their shapes and elements are."""
    return mine.keys() == theirs.keys() and all(
        _are_equal(mine[name], theirs[name]) for name in mine
    )


def _are_equal(mine: object, theirs: object) -> bool:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return have_equal_values(mine, theirs)
    if isinstance(mine, (tuple, list)) and type(mine) is type(theirs):
        others = cast("Sequence[object]", theirs)
        return len(mine) == len(others) and all(map(_are_equal, mine, others))
    if hasattr(mine, "__cuda_array_interface__") or hasattr(theirs, "__cuda_array_interface__"):
        return _are_equal_on_cuda(mine, theirs)
    if isinstance(mine, np.ndarray) or isinstance(theirs, np.ndarray):
        # Not a number is another one than itself, and the same as in a copy.
        has_nan = all(
            getattr(each, "dtype", np.dtype(bool)).kind in "fc" for each in (mine, theirs)
        )
        return np.array_equal(mine, theirs, equal_nan=has_nan)  # type: ignore[arg-type]
    return bool(mine == theirs)


def _are_equal_on_cuda(mine: Any, theirs: Any) -> bool:
    are_there = all(hasattr(array, "__cuda_array_interface__") for array in (mine, theirs))
    return are_there and mine.shape == theirs.shape and bool((mine == theirs).all())


def freeze(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Make a read-only, contiguous array of this one, itself if it is nobody else's to write to."""
    is_frozen = array.flags.owndata and array.flags.c_contiguous and not array.flags.writeable
    frozen = array if is_frozen else array.astype(array.dtype.newbyteorder("="), order="C")
    frozen.setflags(write=False)
    return frozen


def protect(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Make a read-only view of an array, for functions of others that are not to write to it."""
    view = array.view()
    view.setflags(write=False)
    return view


class FrozenArrays:
    """An object of arrays that nobody writes to, in copies of it neither."""

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Keep these values, arrays read-only: a copied or unpickled array can be written to."""
        for value in state.values():
            # An array of a device cannot be protected.
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
        vars(self).update(state)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ArrayValue:
    """A frozen dataclass of arrays that compares by value, and never raises when it does.

    Subclasses are frozen dataclasses, declared with ``eq=False`` and ``repr=False``.
    """

    # An array on the left of `==` would otherwise compare itself with every field.
    __array_ufunc__ = None

    def __eq__(self, other: object) -> bool:
        """Compare class, shapes and elements; False for anything else."""
        # What is kept, for what is read may be made from it, and large.
        return type(other) is type(self) and have_equal_values(vars(self), vars(other))

    def __hash__(self) -> int:
        """Hash the shapes alone: equal volumes have equal shapes, and no map is read for it."""
        return hash((type(self), *(np.shape(value) for _, value in sorted(vars(self).items()))))
