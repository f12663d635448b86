"""Loops that LLVM is asked to make of the widest vectors that a processor has."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import lower_builtin, type_callable

WIDEST_BITS = 512


def prefer_wide_vectors() -> None:
    """Ask that the loops of the calling function be made of the widest vectors.

    For many processors with AVX-512 LLVM makes them half as wide. Long chains of arithmetic in
    double precision, of which a processor has but a few under way, then take a fifth longer
    (scripts/bench imaging, electrons).
    """


@type_callable(prefer_wide_vectors)
def _type_of_preference(context: Any) -> Any:
    return lambda: types.none


@lower_builtin(prefer_wide_vectors)
def _lower_preference(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    attributes = builder.function.attributes
    # llvmlite writes what is in the set, and its own `add` knows no attribute with a value. This
    # is not its public interface: without it, loops are slower, and right.
    if isinstance(attributes, set):
        set.add(attributes, f'"prefer-vector-width"="{WIDEST_BITS}"')
    return context.get_dummy_value()
