"""The only place that launches: grids of blocks, and the arrays that kernels take.

Numba's own way from a call to a launch takes half a millisecond, as long as many a kernel: it makes
an array of its own of each argument. Here a call is flattened to the numbers that the machine code
takes, and what was compiled for arguments of such types is found in a table.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.metadata
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED, get_device
from numbavol.kernels.devices import is_on_cuda

if TYPE_CHECKING:
    from numbavol.kernels.devices import CudaDevice

# numba-cuda warns by a class of its own, which that of Numba's core is not.
_errors = importlib.import_module("numba.core.errors" if IS_SIMULATED else "numba.cuda.core.errors")
NumbaPerformanceWarning: type[Warning] = _errors.NumbaPerformanceWarning

# Numba's simulator makes a thread of Python for each of a block.
THREADS_A_BLOCK = 8 if IS_SIMULATED else 128

# How machine code takes arguments, and where numba-cuda has it, are not its public interface. With
# a version that was not tried, Numba launches: slower, and right.
NUMBA_CUDA_VERSIONS, CUDA_CORE_VERSIONS = ("0.30",), ("1",)

_loaded: dict[tuple[Any, ...], Any] = {}


def flattens_calls(numba_cuda: str | None, cuda_core: str | None) -> bool:
    """Whether kernels are launched here with versions of numba-cuda and of cuda-core.

    Parameters
    ----------
    numba_cuda, cuda_core
        For example ``"0.30.4"`` and ``"1.2.2"``; None where there is none.
    """
    if numba_cuda is None or cuda_core is None:
        return False
    return (
        ".".join(numba_cuda.split(".")[:2]) in NUMBA_CUDA_VERSIONS
        and cuda_core.split(".")[0] in CUDA_CORE_VERSIONS
    )


def _find_version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


FLATTENS_CALLS = not IS_SIMULATED and flattens_calls(
    _find_version("numba-cuda"), _find_version("cuda-core")
)
if FLATTENS_CALLS:
    import cuda.core as cuda_core


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
    device = get_device()
    there = [_send(device, argument) for argument in arguments]
    if not FLATTENS_CALLS:
        _launch_by_numba(kernel, n_blocks, n_threads, there)
        return
    key: list[Any] = [kernel]
    numbers: list[Any] = []
    for argument in there:
        flatten(argument, key, numbers)
    loaded = _loaded.get(tuple(key))
    if loaded is None:
        loaded = _loaded[tuple(key)] = _load(kernel, there)
    stream = _find_stream(device.stream_address)
    config = cuda_core.LaunchConfig(grid=n_blocks, block=n_threads)
    cuda_core.launch(stream, config, loaded, *numbers)


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


def flatten(argument: Any, key: list[Any], numbers: list[Any]) -> None:
    """Append an argument's type to a key, and to numbers what machine code takes of it.

    Of an array that is: nothing of who owns it, the number of its elements, their bytes, the
    address, the shape and the strides.
    """
    if isinstance(argument, tuple):
        key.append(len(argument))
        for element in argument:
            flatten(element, key, numbers)
    elif isinstance(argument, (bool, np.bool_)):
        key.append(bool)
        numbers.append(bool(argument))
    elif isinstance(argument, int):
        key.append(int)
        numbers.append(ctypes.c_int64(argument))
    elif isinstance(argument, np.generic):
        key.append(argument.dtype)
        as_c: Any = np.ctypeslib.as_ctypes_type
        numbers.append(as_c(argument.dtype)(argument.item()))
    elif isinstance(argument, float):
        key.append(float)
        numbers.append(ctypes.c_double(argument))
    elif hasattr(type(argument), "__cuda_array_interface__"):
        # Of its type: an array makes up what it says, which takes longer than all the rest here.
        flags = argument.flags
        key.append((argument.dtype, argument.ndim, flags.c_contiguous, flags.f_contiguous))
        numbers += (0, 0, argument.size, argument.itemsize, argument.data.ptr)
        numbers += argument.shape
        numbers += argument.strides
    else:
        msg = f"a kernel takes no {type(argument).__name__}"
        raise TypeError(msg)


@functools.lru_cache
def _find_stream(address: int) -> Any:
    # The stream is CuPy's: cuda-core borrows it, and never destroys it.
    return cuda_core.Stream.from_handle(address)


def _load(kernel: Any, arguments: list[Any]) -> Any:
    """Compile a kernel for the types of arguments, and load it."""
    types = tuple(kernel.typeof_pyval(_as_numba_takes_it(argument)) for argument in arguments)
    return kernel.compile(types).library.get_cufunc().kernel


def _launch_by_numba(kernel: Any, n_blocks: int, n_threads: int, arguments: list[Any]) -> None:
    with warnings.catch_warnings():
        # That a small grid leaves most of a card idle is no news.
        warnings.simplefilter("ignore", NumbaPerformanceWarning)
        address = get_device().stream_address
        stream = cuda.external_stream(address) if address else 0
        kernel[n_blocks, n_threads, stream](*map(_as_numba_takes_it, arguments))


def _send(device: CudaDevice, argument: Any) -> Any:
    if isinstance(argument, (device.array_type, bool, int, float, tuple)):
        return argument
    is_array = isinstance(argument, np.ndarray) or is_on_cuda(argument)
    return device.send(argument) if is_array else argument


def _as_numba_takes_it(argument: Any) -> Any:
    if not is_on_cuda(argument):
        return argument
    if IS_SIMULATED:
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        # The memory itself: of an array, the simulator takes a copy in and a copy out.
        return FakeCUDAArray(argument.memory)
    # Everything is in one order on the caller's stream: nothing needs waiting for.
    return cuda.as_cuda_array(argument, sync=False)
