"""Instructions of a card that Numba has no name for."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from numbavol.kernels.cuda.device import IS_SIMULATED

if not IS_SIMULATED:
    from llvmlite import ir
    from numba.cuda.extending import intrinsic

    @intrinsic
    def power_of_two(_: Any, exponent: Any) -> Any:  # noqa: ARG001  # Numba counts arguments
        """2**exponent in float32, from -126 on: Numba's asks of each whether it is below that."""

        def emit(_: Any, builder: Any, __: Any, arguments: Any) -> Any:
            number = ir.FloatType()
            function = ir.FunctionType(number, [number])
            instruction = ir.InlineAsm(function, "ex2.approx.ftz.f32 $0, $1;", "=f,f")
            return builder.call(instruction, arguments)

        return numba.float32(numba.float32), emit

else:

    def power_of_two(exponent: np.float32) -> np.float32:
        """2**exponent in float32."""
        return np.exp2(exponent)  # type: ignore[no-any-return]
