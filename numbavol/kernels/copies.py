"""Copies of what is not read again soon: past the caches, which keep what they have."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable

from numbavol.kernels.jit import kernel

Array = np.ndarray[Any, np.dtype[Any]]

# Of memory, what a processor writes at once.
LINE = 64
# Below a quarter of it, NumPy is faster: it is called more cheaply.
FEWEST_BYTES = 2**18


def copy_past_caches(target: Array, source: Array) -> None:
    """Copy an array to another one that does not overlap it.

    NumPy's copies read each line of memory before they write it, and put it into the caches: those
    of large arrays take 1.6 times as long (scripts/bench arrays).

    Parameters
    ----------
    target
        Where it goes.
    source
        Of the shape of `target`, or one that is broadcast to it; of its type, or one that can be
        assigned to it.
    """
    if (
        source.nbytes >= FEWEST_BYTES
        and source.dtype == target.dtype
        and not source.dtype.hasobject
        and source.shape == target.shape
        and source.flags.c_contiguous
        and target.flags.c_contiguous
        and target.flags.writeable
    ):
        to, of = (each.reshape(-1).view(np.uint8, np.ndarray) for each in (target, source))
        # Readable is enough, and one kind of array that kernels are compiled for.
        of.flags.writeable = False
        _copy(to, of, min(-to.ctypes.data % LINE, to.size))
    else:
        target[...] = source


def copy_line(target: Array, start: int, source: Array) -> None:
    """Copy a line of 64 bytes of 1-D arrays; that of the target begins at a multiple of 64."""
    target[start : start + LINE] = source[start : start + LINE]


def wait_for_lines() -> None:
    """Have all lines written before what is written later, which they are not by themselves."""


@type_callable(copy_line)
def _type_of_copy(context: Any) -> Any:
    return lambda target, start, source: types.none


@lower_builtin(copy_line, types.Array, types.Integer, types.Array)
def _lower_copy(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    target, start, source = arguments
    line = ir.VectorType(ir.IntType(8), LINE).as_pointer()
    to, of = (
        builder.bitcast(
            builder.gep(context.make_array(kind)(context, builder, array).data, [start]), line
        )
        for kind, array in ((signature.args[0], target), (signature.args[2], source))
    )
    stored = builder.store(builder.load(of, align=1), to, align=LINE)
    once = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
    stored.set_metadata("nontemporal", once)
    return context.get_dummy_value()


@type_callable(wait_for_lines)
def _type_of_wait(context: Any) -> Any:
    return lambda: types.none


@lower_builtin(wait_for_lines)
def _lower_wait(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    # On x86 an instruction that waits for lines that are still put together.
    builder.fence("seq_cst")
    return context.get_dummy_value()


@kernel
def _copy(target: Array, source: Array, before: int) -> None:
    """Copy bytes, of which the first line of the target begins after ``before``: nowhere else."""
    end = before + (target.size - before) // LINE * LINE
    for start in range(before, end, LINE):
        copy_line(target, start, source)
    wait_for_lines()
    target[:before] = source[:before]
    target[end:] = source[end:]
