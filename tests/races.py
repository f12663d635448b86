"""Races between threads, found in Numba's CUDA simulator.

The simulator runs threads in an order of its own, and a vote makes them wait for each other that on
a card only compares: kernels that lack a barrier pass there. Here each reading and writing of an
element is noted, whatever the order, and two of them that a card may do in either order are an
error: of threads of a block between the same two barriers, or of two blocks, one of which writes.
"""

from __future__ import annotations

import enum
import sys
import threading
from typing import Any

import numpy as np

VOTE = "_vote_in_the_simulator"
"""The helper that stands for an instruction of the card: its memory and barriers are not there."""


class RaceError(AssertionError):
    """Two threads of a card could do this in either order."""


class Kind(enum.Enum):
    """What a thread does with an element."""

    READ = "reads"
    WRITE = "writes"
    ATOMIC = "changes with an atomic"


def clash(one: Kind, other: Kind) -> bool:
    return Kind.WRITE in (one, other) or one != other


class Element:
    """What threads have done with an element.

    Of each kind two threads are enough: one of them is another than whichever comes next.
    """

    def __init__(self) -> None:
        self.block, self.epoch = -1, -1
        self.now: dict[Kind, dict[int, str]] = {}
        self.of_block: dict[Kind, str] = {}
        self.of_blocks_before: dict[Kind, str] = {}

    def note(self, block: int, epoch: int, thread: int, kind: Kind, where: str) -> None:
        if block != self.block:
            self.of_blocks_before.update(self.of_block)
            self.of_block, self.block, self.epoch = {}, block, -1
        if epoch != self.epoch:
            self.now, self.epoch = {}, epoch
        for other, place in self.of_blocks_before.items():
            if clash(kind, other):
                msg = f"{where} {kind.value} what {place} {other.value} in another block"
                raise RaceError(msg)
        for other, threads in self.now.items():
            for another, place in threads.items():
                if another != thread and clash(kind, other):
                    msg = f"{where} {kind.value} what {place} {other.value} in another thread"
                    raise RaceError(msg)
        self.of_block.setdefault(kind, where)
        noted = self.now.setdefault(kind, {})
        if len(noted) < 2:
            noted.setdefault(thread, where)

    @property
    def is_written(self) -> bool:
        return any(kind is not Kind.READ for kind in self.of_block)


class SharedArray:
    """Shared memory that notes what is done with it.

    Parameters
    ----------
    memory
        What it is made of.
    watcher
        Where it is noted.
    """

    def __init__(self, memory: np.ndarray, watcher: Watcher) -> None:
        self._memory, self._watcher = memory, watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def __len__(self) -> int:
        return len(self._memory)

    def __getitem__(self, index: Any) -> Any:
        self._watcher.note(self._memory, index, Kind.READ, is_shared=True)
        return self._memory[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._watcher.note(self._memory, index, Kind.WRITE, is_shared=True)
        self._memory[index] = value


class Watcher:
    """Notes of one launch of a kernel: elements by their addresses, those of the block apart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._elements: dict[int, Element] = {}
        self._shared_elements: dict[int, Element] = {}
        self._shared_arrays: dict[tuple[str, int], SharedArray] = {}
        # With the arrays, so that no other takes their place.
        self._bases: dict[int, tuple[int, np.ndarray]] = {}

    def begin_launch(self) -> None:
        self._elements.clear()
        self._bases.clear()

    def begin_block(self) -> None:
        self._shared_elements.clear()
        self._shared_arrays.clear()

    def make_shared(self, caller: tuple[str, int], shape: Any, dtype: np.dtype) -> SharedArray:
        with self._lock:
            if caller not in self._shared_arrays:
                self._shared_arrays[caller] = SharedArray(np.empty(shape, dtype), self)
            return self._shared_arrays[caller]

    def note(self, memory: np.ndarray, index: Any, kind: Kind, *, is_shared: bool) -> None:
        thread: Any = threading.current_thread()
        noted = vars(thread)
        frame = sys._getframe(4 if noted.get("is_atomic") else 2)
        where = f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
        if noted.get("is_atomic"):
            kind = Kind.ATOMIC
        with self._lock:
            elements = self._shared_elements if is_shared else self._elements
            address = self._address(memory, index)
            element = elements.get(address)
            if element is None:
                element = elements[address] = Element()
            if is_shared and kind is not Kind.WRITE and not element.is_written:
                msg = f"{where} {kind.value} shared memory before anything is there"
                raise RaceError(msg)
            element.note(thread.blockIdx.x, noted.get("epoch", 0), thread.thread_id, kind, where)

    def _address(self, memory: np.ndarray, index: Any) -> int:
        if id(memory) not in self._bases:
            self._bases[id(memory)] = (memory.__array_interface__["data"][0], memory)
        address = self._bases[id(memory)][0]
        indices = index if isinstance(index, tuple) else (index,)
        for place, n, stride in zip(indices, memory.shape, memory.strides, strict=True):
            address += int(place) % n * stride
        return address


def watch_for_races(monkeypatch: Any) -> None:
    """Make races an error of the kernels that the simulator runs from now on.

    Parameters
    ----------
    monkeypatch
        Of pytest, which takes it back.
    """
    from numba.cuda import types
    from numba.cuda.np import numpy_support
    from numba.cuda.simulator import kernel, kernelapi
    from numba.cuda.simulator.cudadrv import devicearray

    watcher = Watcher()
    global_array = devicearray.FakeWithinKernelCUDAArray
    get, put = global_array.__getitem__, global_array.__setitem__
    make_shared, wait = kernelapi.FakeCUDAShared.array, kernel.BlockThread.syncthreads
    run_block, begin_launch = kernel.BlockManager.run, kernel._push_kernel_context

    def watched_get(self: Any, index: Any) -> Any:
        value = get(self, index)
        # A part of it notes what is done with the part.
        if not isinstance(value, global_array):
            watcher.note(self._item._ary, index, Kind.READ, is_shared=False)
        return value

    def watched_put(self: Any, index: Any, value: Any) -> None:
        watcher.note(self._item._ary, index, Kind.WRITE, is_shared=False)
        put(self, index, value)

    def watched_shared(self: Any, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        caller = sys._getframe(1)
        if caller.f_code.co_name == VOTE:
            return make_shared(self, shape, dtype, alignment)
        dtype = numpy_support.as_dtype(dtype) if isinstance(dtype, types.Type) else dtype
        return watcher.make_shared((caller.f_code.co_filename, caller.f_lineno), shape, dtype)

    def watched_wait(self: Any) -> None:
        wait(self)
        # From the kernel by way of the simulator's module.
        if sys._getframe(2).f_code.co_name != VOTE:
            self.epoch = vars(self).get("epoch", 0) + 1

    def watched_block(self: Any, *arguments: Any) -> None:
        watcher.begin_block()
        run_block(self, *arguments)

    def watched_launch(module: Any) -> Any:
        watcher.begin_launch()
        return begin_launch(module)

    def make_watched_atomic(change: Any) -> Any:
        def watched(self: Any, *arguments: Any) -> Any:
            thread: Any = threading.current_thread()
            thread.is_atomic = True
            try:
                return change(self, *arguments)
            finally:
                thread.is_atomic = False

        return watched

    monkeypatch.setattr(global_array, "__getitem__", watched_get)
    monkeypatch.setattr(global_array, "__setitem__", watched_put)
    monkeypatch.setattr(kernelapi.FakeCUDAShared, "array", watched_shared)
    monkeypatch.setattr(kernel.BlockThread, "syncthreads", watched_wait)
    monkeypatch.setattr(kernel.BlockManager, "run", watched_block)
    monkeypatch.setattr(kernel, "_push_kernel_context", watched_launch)
    for name in ("add", "min", "max"):
        change = getattr(kernelapi.FakeCUDAAtomic, name)
        monkeypatch.setattr(kernelapi.FakeCUDAAtomic, name, make_watched_atomic(change))
