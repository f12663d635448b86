"""The only place that launches: grids of blocks, and the arrays that kernels take."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.devices import is_on_cuda

# numba-cuda warns by a class of its own, which that of Numba's core is not.
_errors = importlib.import_module("numba.core.errors" if IS_SIMULATED else "numba.cuda.core.errors")
NumbaPerformanceWarning: type[Warning] = _errors.NumbaPerformanceWarning

# Numba's simulator makes a thread of Python for each of a block.
THREADS_A_BLOCK = 8 if IS_SIMULATED else 128


def launch(kernel: Any, n_blocks: int, n_threads: int, *arguments: Any) -> None:
    """Run a kernel on a line of blocks, each a line of threads.

    Parameters
    ----------
    kernel
        From `numbavol.kernels.jit.cuda_kernel`.
    n_blocks, n_threads
        Nothing is run for 0 blocks.
    *arguments
        Scalars, tuples, and arrays of the device; arrays of the host are sent, and only read.
    """
    if n_blocks == 0:
        return
    with warnings.catch_warnings():
        # That a small grid leaves most of a card idle is no news.
        warnings.simplefilter("ignore", NumbaPerformanceWarning)
        stream = get_device().launch_stream
        kernel[n_blocks, n_threads, stream](*map(_as_numba_takes_it, arguments))


def launch_for_each(kernel: Any, n: int, *arguments: Any) -> None:
    """Run a kernel with one thread for each of n pieces of work, or a few more.

    Parameters
    ----------
    kernel
        Its threads beyond n have nothing to do.
    n
        How many pieces there are.
    *arguments
        As in `launch`.
    """
    launch(kernel, -(-n // THREADS_A_BLOCK), THREADS_A_BLOCK, *arguments)


def _as_numba_takes_it(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        argument = get_device().send(argument)
    if not is_on_cuda(argument):
        return argument
    if IS_SIMULATED:
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        # The memory itself: of an array, the simulator takes a copy in and a copy out.
        return FakeCUDAArray(argument.memory)
    # Everything is in one order on the caller's stream: nothing needs waiting for.
    return cuda.as_cuda_array(argument, sync=False)
