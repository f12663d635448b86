"""The only place that decorates: compiler flags, and the cache of compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher
from numba.extending import overload

from numbavol.kernels.cache import KernelCache
from numbavol.kernels.finding import is_simulated

Function = TypeVar("Function", bound=Callable[..., Any])

# "contract" lets a multiplication and an addition become one instruction; nothing is reordered, so
# that the same kernel gives the same bits wherever it stands.
FLAGS: Any = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}

# Helpers only borrow arrays. Counted as owners, they call the counter several times a point, which
# takes as long as an interpolation (`scripts/bench arrays`, random points).
BORROWS: Any = {"_nrt": False}

# KernelCache takes the place of an attribute that Numba keeps to itself. With a version that was
# not tried, kernels are compiled in every process: slower, and right.
DISPATCHER_CACHE = "_cache"
NUMBA_VERSIONS_WITH_CACHE = ("0.68",)


def kernel(function: Function) -> Function:
    """Compile a kernel: serial, without the interpreter's lock, kept in the cache on disk.

    Parameters
    ----------
    function
        Takes arrays and scalars, and writes into arrays.

    Returns
    -------
    callable
        The compiled function; with ``NUMBA_DISABLE_JIT`` the function itself.
    """
    compiled = numba.njit(**FLAGS)(function)
    if isinstance(compiled, Dispatcher) and cache_is_supported(numba.__version__):
        cache = KernelCache(f"{function.__module__}.{function.__qualname__}", FLAGS)
        setattr(compiled, DISPATCHER_CACHE, cache)
    return compiled  # type: ignore[no-any-return]


def cuda_kernel(function: Function) -> Function:
    """Compile a kernel for CUDA when it is first launched; in Numba's simulator, not at all.

    Parameters
    ----------
    function
        Takes arrays and scalars, is run by every thread of a grid, and writes into arrays.

    Returns
    -------
    callable
        What `numbavol.kernels.cuda.launch.launch` takes.
    """
    from numba import cuda

    return cuda.jit(function)  # type: ignore[no-any-return]


def cuda_kernel_in_registers(n: int) -> Callable[[Function], Function]:
    """Compile a kernel as `cuda_kernel` does, so that a thread takes at most n registers.

    Parameters
    ----------
    n
        The fewer, the more threads at once, and the more is kept in memory that does not fit.

    Returns
    -------
    callable
        A decorator.
    """
    from numba import cuda

    # Numba's simulator knows no registers.
    options = {} if is_simulated() else {"max_registers": n}
    return cuda.jit(**options)  # type: ignore[no-any-return]


def cuda_helper(function: Function) -> Function:
    """Compile a function into the CUDA kernels that call it; it may know its thread and block.

    What knows neither is a `helper`, which kernels of the CPU call as well.

    Parameters
    ----------
    function
        Called from CUDA kernels only.

    Returns
    -------
    callable
        A function that CUDA kernels may call.
    """
    from numba import cuda

    return cuda.jit(device=True)(function)  # type: ignore[no-any-return]


def helper(function: Function) -> Function:
    """Compile a function into the kernels that call it; it makes no arrays but views.

    Parameters
    ----------
    function
        Called from kernels only.

    Returns
    -------
    callable
        A function that kernels may call.
    """
    return numba.njit(forceinline=True, **BORROWS, **FLAGS)(function)  # type: ignore[no-any-return]


def by_precision(*, float32: Callable[..., Any], float64: Callable[..., Any]) -> Callable[..., Any]:
    """One function with a body for each precision, chosen by the type of its first argument.

    Parameters
    ----------
    float32, float64
        Functions of the same arguments, written for scalars of that type.

    Returns
    -------
    callable
        A function that kernels may call; uncompiled it takes NumPy scalars.
    """
    return by_type({numba.float32: float32, numba.float64: float64})


def by_type(bodies: dict[Any, Callable[..., Any]]) -> Callable[..., Any]:
    """One function with a body for each type of its first argument.

    Parameters
    ----------
    bodies
        Functions of the same arguments, by Numba's types of scalars.

    Returns
    -------
    callable
        A function that kernels may call; uncompiled it takes NumPy scalars.
    """
    of_numpy = {np.dtype(str(kind)).type: body for kind, body in bodies.items()}

    def chosen(*arguments: Any) -> Any:
        return of_numpy[np.result_type(arguments[0]).type](*arguments)

    overload(chosen, jit_options=FLAGS, strict=False)(lambda *types: bodies.get(types[0]))
    return chosen


def cache_is_supported(version: str) -> bool:
    """Whether compiled code is kept on disk with a version of Numba.

    Parameters
    ----------
    version
        For example ``"0.68.1"``.

    Returns
    -------
    bool
        True for the versions whose dispatcher is known.
    """
    return ".".join(version.split(".")[:2]) in NUMBA_VERSIONS_WITH_CACHE
