"""Instructions of a card that Numba has no name for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
from llvmlite import ir
from numba import cuda

from numbavol.kernels import math
from numbavol.kernels.cuda.device import IS_SIMULATED
from numbavol.kernels.jit import by_precision

if TYPE_CHECKING:
    import numpy as np


def _make_power_of_half() -> Any:
    """Make 2**-v of the card's own exponentials: the simulator has no intrinsics."""
    from numba.cuda.extending import intrinsic

    @intrinsic
    def power_of_two(_: Any, exponent: Any) -> Any:
        """2**exponent in float32, from -126 on: Numba's asks of each whether it is below that."""

        def emit(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
            number = ir.FloatType()
            function = ir.FunctionType(number, [number])
            instruction = ir.InlineAsm(function, "ex2.approx.ftz.f32 $0, $1;", "=f,f")
            return builder.call(instruction, arguments)

        return numba.float32(numba.float32), emit

    def of_single(v: np.float32) -> np.float32:
        return power_of_two(-v)  # type: ignore[no-any-return]

    def of_double(v: np.float64) -> np.float64:
        return cuda.libdevice.exp2(-v)  # type: ignore[no-any-return]

    return by_precision(float32=of_single, float64=of_double)


power_of_half: Any = math.power_of_half if IS_SIMULATED else _make_power_of_half()
"""2**-v for 0 <= v <= LARGEST_POWER, as precise as the polynomial of the CPU."""
