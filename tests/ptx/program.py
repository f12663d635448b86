"""A kernel's PTX, compiled for the processor, and run."""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from numpy.lib.array_utils import byte_bounds

from ptx.statements import count_bytes
from ptx.translation import Translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

COMPILER = "cc"
# A multiplication and an addition are one instruction where PTX says so, and nowhere else. Of what
# is wrong in C, the translation is to blame.
_FLAGS = ("-O1", "-ffp-contract=off", "-Werror", "-shared", "-fPIC", "-x", "c", "-")
_HERE = pathlib.Path(__file__).parent
_SEED = 1
_MOST_THREADS, _STACK_BYTES = 1024, 2**18


class MachineError(AssertionError):
    """What no card may be asked to do."""


class _Array(ctypes.Structure):
    _fields_ = (("first", ctypes.c_void_p), ("n_bytes", ctypes.c_size_t))


@functools.cache
def can_be_compiled() -> bool:
    """Whether there is a compiler of C, with what threads are made of."""
    return shutil.which(COMPILER) is not None and _compile("int main;", "-o", os.devnull) == 0


def _compile(code: str, *options: str) -> int:
    sizes = f"enum {{ MOST_THREADS = {_MOST_THREADS}, STACK_BYTES = {_STACK_BYTES} }};"
    whole = "\n".join((sizes, (_HERE / "machine.h").read_text(), code))
    command = [COMPILER, *_FLAGS, *options, "-lm"]
    return subprocess.run(command, input=whole, text=True, check=False).returncode


@functools.cache
def _make_stacks() -> Any:
    """Memory for the stacks of a block's threads, of which what nobody uses is never there."""
    return (ctypes.c_char * (_MOST_THREADS * _STACK_BYTES)).from_buffer(
        mmap.mmap(-1, _MOST_THREADS * _STACK_BYTES)
    )


class Program:
    """One kernel.

    Parameters
    ----------
    ptx
        With one entry.
    """

    def __init__(self, ptx: str) -> None:
        translation = Translation(ptx)
        self._parameters = translation.parameters
        self._chance = ctypes.c_uint64(_SEED)
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "kernel.so")
            code = translation.c + (_HERE / "scheduler.h").read_text()
            if _compile(code, "-o", path) != 0:
                msg = f"{COMPILER} did not compile what was made of this PTX:\n{ptx}"
                raise RuntimeError(msg)
            # Only one thread is run at a time: those of Python wait.
            self._run = ctypes.PyDLL(path).run
        self._run.restype = ctypes.c_char_p

    def run(
        self,
        n_blocks: int,
        n_threads: int,
        numbers: Sequence[Any],
        arrays: Iterable[np.ndarray] = (),
    ) -> None:
        """Run blocks and their threads, in an order by chance, another one each time.

        Parameters
        ----------
        n_blocks, n_threads
            How many there are.
        numbers
            What the kernel takes.
        arrays
            What it may read and write.

        Raises
        ------
        MachineError
            Where a card would do anything.
        """
        slots = b"".join(
            _pack(number, kind) for number, kind in zip(numbers, self._parameters, strict=True)
        )
        given = [(address, end - address) for address, end in map(byte_bounds, arrays)]
        message = self._run(
            n_blocks,
            n_threads,
            (ctypes.c_uint64 * len(numbers)).from_buffer_copy(slots),
            (_Array * (len(given) + 1))(*given),
            _make_stacks(),
            ctypes.byref(self._chance),
        )
        if message:
            raise MachineError(message.decode())


def _pack(number: Any, kind: str) -> bytes:
    """Put a number where a kernel looks for it: 8 bytes, of which it reads some."""
    if isinstance(number, bool):
        number = ctypes.c_uint8(number)
    elif isinstance(number, int):
        number = ctypes.c_int64(number)
    if ctypes.sizeof(number) != count_bytes(kind):
        msg = f"{number} for a parameter of the type {kind}"
        raise TypeError(msg)
    return bytes(number).ljust(8, b"\0")
