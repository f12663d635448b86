"""The place of a card, taken by the processor: kernels are compiled for a card, and run here.

Arrays are those of the simulated card, which are as strict about where they are. What kernels are
compiled for, and how a call is flattened to numbers, is as on a card.
"""

from __future__ import annotations

import sys
import types
from importlib.util import find_spec
from typing import Any

import numba
import numpy as np
import pytest
from numba import cuda

from ptx.program import COMPILER, MachineError, Program, can_be_compiled

CAPABILITY = (9, 0)
_MODULES = "numbavol.kernels.cuda."


def take_the_place_of_a_card() -> None:
    """Run kernels here from now on, whatever there is of CUDA on this machine.

    Raises
    ------
    pytest.UsageError
        If it cannot be done here.
    """
    # Kernels take both by their names when they are imported.
    early = [name for name in sys.modules if name.startswith(_MODULES)]
    problems = {
        f"{', '.join(early)}: imported before the place of a card was taken": bool(early),
        "numba-cuda, which compiles to PTX, is not installed": not find_spec("numba_cuda"),
        "NUMBA_ENABLE_CUDASIM and NUMBA_DISABLE_JIT leave no PTX to be run": (
            numba.config.ENABLE_CUDASIM or numba.config.DISABLE_JIT
        ),
        f"{COMPILER}, which compiles what PTX is translated to, does not": not can_be_compiled(),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise pytest.UsageError(problem)
    from numba.cuda import dispatcher

    from numbavol.kernels import finding
    from numbavol.kernels.cuda import device, launch
    from numbavol.kernels.cuda.simulated import SimulatedCard

    one = types.SimpleNamespace(compute_capability=CAPABILITY)
    dispatcher.get_current_device = lambda: one
    found = finding.FoundCuda(
        missing_packages=(),
        driver="12.9",
        cards=("a processor that runs PTX",),
        problem=None,
        is_simulated=False,
    )
    finding.find_cuda = lambda: found
    card, launcher = SimulatedCard(), Launcher()

    def launch_here(kernel: Any, n_blocks: int, n_threads: int, *arguments: Any) -> None:
        there = [take_memory(launch._send(card, argument)) for argument in arguments]
        launcher.run(kernel, n_blocks, n_threads, *there)

    device.get_device = lambda: card
    launch.launch = launch_here


class Launcher:
    """Runs kernels, each compiled when it is first run for arguments of some types."""

    def __init__(self) -> None:
        self._programs: dict[tuple[Any, ...], Program] = {}

    def run(self, kernel: Any, n_blocks: int, n_threads: int, *arguments: Any) -> None:
        """Run a kernel as `numbavol.kernels.cuda.launch.launch` does, with arrays of NumPy."""
        from numbavol.kernels.cuda.launch import flatten

        if n_blocks == 0:
            return
        key: list[Any] = [kernel]
        numbers: list[Any] = []
        for argument in arguments:
            flatten(as_array_of_a_card(argument), key, numbers)
        program = self._programs.get(tuple(key))
        if program is None:
            program = self._programs[tuple(key)] = Program(compile_to_ptx(kernel, arguments))
        try:
            program.run(n_blocks, n_threads, numbers, find_arrays(arguments))
        except MachineError as error:
            error.add_note(f"in the kernel {kernel.__qualname__}")
            raise


def compile_to_ptx(kernel: Any, arguments: tuple[Any, ...]) -> str:
    """Compile a kernel for the types of arguments."""
    kinds = map(find_type, arguments)
    ptx, _ = cuda.compile_ptx(
        kernel.py_func,
        numba.void(*kinds),
        fastmath=kernel.targetoptions["fastmath"],
        cc=CAPABILITY,
    )
    return ptx


def find_type(argument: Any) -> Any:
    """The type that Numba gives an argument on a card, where arrays may be written."""
    if isinstance(argument, tuple):
        return numba.types.BaseTuple.from_types([find_type(element) for element in argument])
    if not isinstance(argument, np.ndarray):
        return numba.typeof(argument)
    flags = argument.flags
    layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
    return numba.types.Array(numba.from_dtype(argument.dtype), argument.ndim, layout)


def find_arrays(arguments: Any) -> list[np.ndarray]:
    """Take the arrays among arguments, and those in tuples."""
    if isinstance(arguments, np.ndarray):
        return [arguments]
    if not isinstance(arguments, tuple):
        return []
    return [array for argument in arguments for array in find_arrays(argument)]


def take_memory(argument: Any) -> Any:
    """Take arrays of the simulated card for the memory that they are made of."""
    if isinstance(argument, tuple):
        return tuple(map(take_memory, argument))
    return getattr(argument, "memory", argument)


def as_array_of_a_card(argument: Any) -> Any:
    """Give arrays addresses as those of a card have them."""
    if isinstance(argument, tuple):
        return tuple(map(as_array_of_a_card, argument))
    if not isinstance(argument, np.ndarray):
        return argument
    return ArrayOfACard(argument)


class ArrayOfACard:
    """What `numbavol.kernels.cuda.launch.flatten` asks an array of CuPy for."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.data = types.SimpleNamespace(ptr=array.ctypes.data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._array, name)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self._array.__array_interface__
