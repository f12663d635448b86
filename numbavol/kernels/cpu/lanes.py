"""A few neighbouring array elements as one value: four, eight or sixteen *lanes*.

LLVM vectorises a loop where it can prove that its arrays do not overlap, and of Numba's arrays it
cannot; short loops it takes apart before it tries. A kernel that works on rows of ``LANES`` cells
says so with these functions instead, and LLVM makes of them what the processor has: one AVX-512
register of float32, two of AVX, four of SSE or NEON.

A value of lanes adds, subtracts, multiplies and is multiplied by a scalar. Uncompiled it is a NumPy
array.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, models, register_model, type_callable

LANES = 16

Array = np.ndarray[Any, np.dtype[Any]]


def load(array: Array, start: int) -> Array:
    """Lanes of a 1-D array that the kernel does not write with `store_output`."""
    return array[start : start + LANES].copy()


def load_four(array: Array, start: int) -> Array:
    """Four lanes of a 1-D array that the kernel does not write with `store_output`."""
    return array[start : start + 4].copy()


def load_eight(array: Array, start: int) -> Array:
    """Eight lanes of a 1-D array that the kernel does not write with `store_output`."""
    return array[start : start + 8].copy()


def lane(lanes: Array, index: int) -> Any:
    """One element of a value of lanes."""
    return lanes[index]


def load_output(array: Array, start: int) -> Array:
    """Lanes of the 1-D array that the kernel writes with `store_output`."""
    return array[start : start + LANES].copy()


def load_scalar(array: Array, index: int) -> Any:
    """One element of a 1-D array that the kernel does not write with `store_output`."""
    return array[index]


def widen(lanes: Array, array: Array) -> Array:
    """Give lanes the precision of an array that is as precise or more."""
    return lanes.astype(array.dtype)


def store(array: Array, start: int, lanes: Array) -> None:
    """Write lanes into a 1-D array of the kernel's own."""
    array[start : start + len(lanes)] = lanes


def store_output(array: Array, start: int, lanes: Array) -> None:
    """Write lanes into the 1-D array that the kernel is there to fill."""
    array[start : start + LANES] = lanes


def prefer_whole_lanes() -> None:
    """Ask that the loops of the calling function be made of whole lanes, where they are vectorised.

    For many processors with AVX-512 LLVM makes them half as wide, and what is stored in two halves
    and loaded as one waits for the cache, a quarter of the time of images (scripts/bench project).
    """


class LanesType(types.Type):
    """Numba's type of a number of lanes of one type."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"lanes({dtype}, {count})")


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: LanesType) -> None:
        element = manager.lookup(lanes.dtype).get_value_type()
        super().__init__(manager, lanes, ir.VectorType(element, lanes.count))


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _as_lanes(builder: Any, pointer: Any, count: int) -> Any:
    return builder.bitcast(pointer, ir.VectorType(pointer.type.pointee, count).as_pointer())


def _mark(instruction: Any, kind: str) -> None:
    # Scoped no-alias metadata: what is not output cannot change when output is stored, so that the
    # compiler keeps it in registers.
    module = instruction.parent.parent.module
    domain = module.add_metadata(["numbavol"])
    scope = module.add_metadata(["numbavol output", domain])
    instruction.set_metadata(kind, module.add_metadata([scope]))


def _register_load(function: Any, count: int, metadata: str) -> None:
    @type_callable(function)
    def type_of_load(context: Any) -> Any:
        return lambda array, start: LanesType(array.dtype, count)

    @lower_builtin(function, types.Array, types.Integer)
    def lower_load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[0]
        pointer = _pointer(context, builder, array_type, *arguments)
        loaded = builder.load(
            _as_lanes(builder, pointer, count), align=array_type.dtype.bitwidth // 8
        )
        _mark(loaded, metadata)
        return loaded


_register_load(load, LANES, "noalias")
_register_load(load_four, 4, "noalias")
_register_load(load_eight, 8, "noalias")
_register_load(load_output, LANES, "alias.scope")


@type_callable(lane)
def _type_of_lane(context: Any) -> Any:
    return lambda lanes, index: lanes.dtype if isinstance(lanes, LanesType) else None


@lower_builtin(lane, LanesType, types.Integer)
def _lower_lane(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    lanes, index = arguments
    return builder.extract_element(lanes, builder.trunc(index, ir.IntType(32)))


@type_callable(load_scalar)
def _type_of_load_scalar(context: Any) -> Any:
    return lambda array, index: array.dtype


@lower_builtin(load_scalar, types.Array, types.Integer)
def _lower_load_scalar(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    loaded = builder.load(_pointer(context, builder, signature.args[0], *arguments))
    _mark(loaded, "noalias")
    return loaded


@type_callable(widen)
def _type_of_widen(context: Any) -> Any:
    return lambda lanes, array: LanesType(array.dtype, lanes.count)


@lower_builtin(widen, LanesType, types.Array)
def _lower_widen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    if signature.return_type == signature.args[0]:
        return arguments[0]
    return builder.fpext(arguments[0], context.get_value_type(signature.return_type))


def _register_store(function: Any, metadata: str | None) -> None:
    @type_callable(function)
    def type_of_store(context: Any) -> Any:
        return lambda array, start, lanes: types.none

    @lower_builtin(function, types.Array, types.Integer, LanesType)
    def lower_store(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, start, lanes = arguments
        array_type = signature.args[0]
        pointer = _pointer(context, builder, array_type, array, start)
        stored = builder.store(
            lanes,
            _as_lanes(builder, pointer, signature.args[2].count),
            align=array_type.dtype.bitwidth // 8,
        )
        if metadata is not None:
            _mark(stored, metadata)
        return context.get_dummy_value()


_register_store(store, None)
_register_store(store_output, "alias.scope")


@type_callable(prefer_whole_lanes)
def _type_of_preference(context: Any) -> Any:
    return lambda: types.none


@lower_builtin(prefer_whole_lanes)
def _lower_preference(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    attributes = builder.function.attributes
    # llvmlite writes what is in the set, and its own `add` knows no attribute with a value. This
    # is not its public interface: without it, loops are slower, and right.
    if isinstance(attributes, set):
        set.add(attributes, f'"prefer-vector-width"="{32 * LANES}"')
    return context.get_dummy_value()


@type_callable(operator.add)
@type_callable(operator.sub)
def _type_of_sum(context: Any) -> Any:
    def type_sum(left: Any, right: Any) -> Any:
        return left if isinstance(left, LanesType) and left == right else None

    return type_sum


@lower_builtin(operator.add, LanesType, LanesType)
def _lower_add(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.fadd(*arguments, flags=("contract",))


@lower_builtin(operator.sub, LanesType, LanesType)
def _lower_subtract(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.fsub(*arguments, flags=("contract",))


@type_callable(operator.mul)
def _type_of_multiple(context: Any) -> Any:
    def type_multiple(factor: Any, lanes: Any) -> Any:
        is_lanes = isinstance(lanes, LanesType)
        return lanes if is_lanes and factor in (lanes.dtype, lanes) else None

    return type_multiple


@lower_builtin(operator.mul, types.Float, LanesType)
def _lower_multiple(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    scalar, lanes = arguments
    undefined = ir.Constant(lanes.type, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.type.count), None)
    splat = builder.shuffle_vector(first, undefined, zeros)
    return builder.fmul(splat, lanes, flags=("contract",))


@lower_builtin(operator.mul, LanesType, LanesType)
def _lower_product(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.fmul(*arguments, flags=("contract",))
