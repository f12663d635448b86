"""A few neighbouring array elements as one value: four, eight or sixteen *lanes*.

LLVM vectorises a loop where it can prove that its arrays do not overlap, and of Numba's arrays it
cannot; short loops it takes apart before it tries. A kernel that works on rows of ``LANES`` cells
says so with these functions instead, and LLVM makes of them what the processor has: one AVX-512
register of float32, two of AVX, four of SSE or NEON.

A value of lanes adds, subtracts and multiplies, also with a scalar, so that a `helper` written for
scalars may take lanes. Uncompiled it is a NumPy array.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import lower_builtin, models, register_model, type_callable

from numbavol.kernels.jit import helper
from numbavol.kernels.math import MANTISSA_BITS, scale_by_power

if TYPE_CHECKING:
    from collections.abc import Callable

LANES = 16

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def in_whole_lanes(n: int) -> int:
    """Round up to a number of elements that whole lanes have."""
    return (n + LANES - 1) // LANES * LANES


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
    """Lanes of the array that the kernel writes with `store_output`, which `load` must not read."""
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
    """Write lanes into the 1-D array of sums that grows while others are only read."""
    array[start : start + LANES] = lanes


def magnitude(lanes: Array) -> Array:
    """Absolute values."""
    return np.abs(lanes)


def copy_sign(lanes: Array, signs: Array) -> Array:
    """Absolute values with the signs of others."""
    return np.copysign(lanes, signs)


def at_most(lanes: Array, bound: Any) -> Array:
    """Replace what is above a bound, and what is not a number, by the bound."""
    return np.where(lanes < bound, lanes, bound)


def keep_up_to(lanes: Array, keys: Array, bound: Any) -> Array:
    """Replace lanes of which the key is above a bound, or not a number, by zeros."""
    return np.where(keys <= bound, lanes, lanes.dtype.type(0))


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


def _splat(builder: Any, lanes_type: Any, scalar: Any) -> Any:
    undefined = ir.Constant(lanes_type, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes_type.count), None)
    return builder.shuffle_vector(first, undefined, zeros)


def _register_operator(operation: Callable[[Any, Any], Any], instruction: str) -> None:
    @type_callable(operation)
    def type_of_operation(context: Any) -> Any:
        def type_operation(left: Any, right: Any) -> Any:
            lanes = left if isinstance(left, LanesType) else right
            if isinstance(lanes, LanesType) and {left, right} <= {lanes, lanes.dtype}:
                return lanes
            return None

        return type_operation

    def lower_operation(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes_type = context.get_value_type(signature.return_type)
        left, right = (
            value if isinstance(kind, LanesType) else _splat(builder, lanes_type, value)
            for value, kind in zip(arguments, signature.args, strict=True)
        )
        return getattr(builder, instruction)(left, right, flags=("contract",))

    for kinds in ((LanesType, LanesType), (types.Float, LanesType), (LanesType, types.Float)):
        lower_builtin(operation, *kinds)(lower_operation)


_register_operator(operator.add, "fadd")
_register_operator(operator.sub, "fsub")
_register_operator(operator.mul, "fmul")


def _are_lanes(first: Any, *others: Any) -> bool:
    return isinstance(first, LanesType) and all(other == first for other in others)


@type_callable(magnitude)
def _type_of_magnitude(context: Any) -> Any:
    return lambda lanes: lanes if _are_lanes(lanes) else None


@type_callable(copy_sign)
def _type_of_signed(context: Any) -> Any:
    return lambda lanes, signs: lanes if _are_lanes(lanes, signs) else None


def _register_intrinsic(function: Any, name: str, n_arguments: int) -> None:
    @lower_builtin(function, *[LanesType] * n_arguments)
    def lower_intrinsic(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = arguments[0].type
        overloaded = f"llvm.{name}.v{lanes.count}f{signature.return_type.dtype.bitwidth}"
        kind = ir.FunctionType(lanes, [lanes] * n_arguments)
        return builder.call(get_or_insert_function(builder.module, kind, overloaded), arguments)


_register_intrinsic(magnitude, "fabs", 1)
_register_intrinsic(copy_sign, "copysign", 2)


@type_callable(at_most)
def _type_of_bounded(context: Any) -> Any:
    return lambda lanes, bound: lanes if _are_lanes(lanes) and bound == lanes.dtype else None


@lower_builtin(at_most, LanesType, types.Float)
def _lower_at_most(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    lanes, bound = arguments
    bounds = _splat(builder, lanes.type, bound)
    return builder.select(builder.fcmp_ordered("<", lanes, bounds), lanes, bounds)


@type_callable(keep_up_to)
def _type_of_kept(context: Any) -> Any:
    def type_kept(lanes: Any, keys: Any, bound: Any) -> Any:
        return lanes if _are_lanes(lanes, keys) and bound == lanes.dtype else None

    return type_kept


@lower_builtin(keep_up_to, LanesType, LanesType, types.Float)
def _lower_keep_up_to(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    lanes, keys, bound = arguments
    is_kept = builder.fcmp_ordered("<=", keys, _splat(builder, keys.type, bound))
    return builder.select(is_kept, lanes, ir.Constant(lanes.type, None))


@type_callable(scale_by_power)
def _type_of_scaled(context: Any) -> Any:
    return lambda mantissa, shifted: mantissa if _are_lanes(mantissa, shifted) else None


@lower_builtin(scale_by_power, LanesType, LanesType)
def _lower_scale_by_power(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    mantissa, shifted = arguments
    integers = ir.VectorType(ir.IntType(32), mantissa.type.count)
    places = ir.Constant(integers, [int(MANTISSA_BITS)] * mantissa.type.count)
    exponent = builder.shl(builder.bitcast(shifted, integers), places)
    bits = builder.add(builder.bitcast(mantissa, integers), exponent)
    return builder.bitcast(bits, mantissa.type)
