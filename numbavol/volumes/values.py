"""Dataclasses of arrays as values: equality and hashing that an array allows."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ArrayValue:
    """A frozen dataclass of arrays that compares by value, and never raises when it does.

    Subclasses are frozen dataclasses, declared with ``eq=False`` and ``repr=False``.
    """

    # An array on the left of `==` would otherwise compare itself with every field.
    __array_ufunc__ = None

    def __eq__(self, other: object) -> bool:
        """Compare class, shapes and elements; False for anything else."""
        if type(other) is not type(self):
            return False
        pairs = zip(self._values(), other._values(), strict=True)
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    def __hash__(self) -> int:
        """Hash the shapes alone: equal volumes have equal shapes, and no map is read for it."""
        return hash((type(self), *(np.shape(value) for value in self._values())))

    def _values(self) -> Iterator[Any]:
        # What is kept, for what is read may be made from it, and large.
        return (value for _, value in sorted(vars(self).items()))
