"""A kernel's PTX, compiled for the processor, and run."""

from __future__ import annotations

import ctypes
import functools
import itertools
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
# A multiplication and an addition are one instruction where PTX says so, and nowhere else.
_FLAGS = ("-O2", "-march=native", "-ffp-contract=off", "-w", "-shared", "-fPIC")
_HERE = pathlib.Path(__file__).parent
_SEED = 1
_numbers_of_libraries = itertools.count()


class MachineError(AssertionError):
    """What no card may be asked to do."""


class _Array(ctypes.Structure):
    _fields_ = (("first", ctypes.c_void_p), ("n_bytes", ctypes.c_size_t))


def find_compiler() -> str | None:
    """Find a compiler of C, or None."""
    return shutil.which(COMPILER)


@functools.cache
def _make_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="ptx-")


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
        code = "\n".join(
            ((_HERE / "machine.h").read_text(), translation.c, (_HERE / "scheduler.h").read_text())
        )
        library = pathlib.Path(_make_folder().name) / f"{next(_numbers_of_libraries)}.so"
        command = [COMPILER, *_FLAGS, "-x", "c", "-", "-o", str(library), "-lm"]
        subprocess.run(command, input=code, text=True, check=True)
        self._run = ctypes.CDLL(str(library)).run
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
