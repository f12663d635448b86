"""A card for Numba's simulator: arrays that are as strict as those of a card about where they are.

CuPy needs a card. Here its place is taken by NumPy, behind arrays that refuse what CuPy's refuse:
to become an array of the host by themselves, and to be combined with one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from numbavol.kernels.cuda.fft import Transforms
from numbavol.kernels.devices import Copies, CudaDevice, is_on_cuda
from numbavol.kernels.tasks import SharedTasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from numpy.typing import ArrayLike, NDArray

    from numbavol.kernels.devices import Deliver, Fetch

# Functions that bring arrays of the host to the device.
SENDING = ("array", "asarray")
IMAGES_A_PART = 2


class SimulatedArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of the simulated card.

    Parameters
    ----------
    memory
        What it is made of.
    """

    def __init__(self, memory: NDArray[Any]) -> None:
        self.memory = memory

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """What arrays of a device say of themselves."""
        return {**self.memory.__array_interface__, "version": 3}

    def __array__(self, *_: object, **__: object) -> NDArray[Any]:
        """Refuse, as CuPy does."""
        msg = "an array of the device is no array of the host: it has to be fetched"
        raise TypeError(msg)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Apply a function of NumPy to the elements."""
        return _call(getattr(ufunc, method), inputs, options)

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> Any:
        """Apply a function of NumPy."""
        return _call(function, inputs, options)

    def __getattr__(self, name: str) -> Any:
        """Take whatever else from the memory: attributes and methods."""
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.memory, name)
        if callable(found):
            return lambda *inputs, **options: _call(found, inputs, options)
        return _wrap(found)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute of the memory, but the memory itself."""
        if name == "memory":
            object.__setattr__(self, name, value)
        else:
            setattr(self.memory, name, _unwrap(value))

    def __getitem__(self, key: Any) -> Any:
        """Take elements."""
        return _wrap(self.memory[_unwrap(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write elements."""
        self.memory[_unwrap(key)] = _unwrap(value)

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return len(self.memory)

    def __float__(self) -> float:
        """Fetch the only element."""
        return float(self.memory)

    def __int__(self) -> int:
        """Fetch the only element."""
        return int(self.memory)

    def __bool__(self) -> bool:
        """Fetch the only element."""
        return bool(self.memory)


class PageLockedArray(np.ndarray):
    """An array of the host to which the simulated card copies by itself."""


class _LateCopies(Copies):
    """Copies that are made when they are waited for."""

    def __init__(self, target: NDArray[Any]) -> None:
        self._target = target
        self._begun: list[tuple[NDArray[Any], int]] = []

    def begin(self, array: NDArray[Any], first: int) -> Callable[[], None]:
        self._begun.append((array, first))
        return self.wait

    def wait(self) -> None:
        for array, first in self._begun:
            self._target[first : first + len(array)] = _take_memory(array)
        self._begun.clear()


class _Functions:
    """The functions of a module of the host, for arrays of the simulated card."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if isinstance(found, type) or not callable(found):
            return found
        if name in SENDING:
            return lambda array, *rest, **options: _wrap(
                found(_take_memory(array), *rest, **options)
            )
        return lambda *inputs, **options: _call(found, inputs, options)


class SimulatedCard(CudaDevice):
    """Numba's simulator of a CUDA card."""

    xp = _Functions(np)
    array_type = SimulatedArray
    fft = Transforms(_Functions(scipy.fft))

    def send(self, array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
        """Copy an array to the device: see the base class."""
        if is_on_cuda(array):
            sent: NDArray[Any] = self.xp.asarray(array, dtype)
            return sent
        return self.xp.array(array, dtype)  # type: ignore[no-any-return]

    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Copy an array to the host: see the base class."""
        return np.array(_take_memory(array)) if is_on_cuda(array) else array

    def make_fetch(self) -> Fetch:
        """Copy parts of arrays to the host, which are kept no longer: see the base class."""

        def fetch(array: NDArray[Any]) -> Deliver:
            def deliver(put: Callable[[int, NDArray[Any]], object]) -> SharedTasks[int]:
                def copy(start: int) -> None:
                    part = self.fetch(array[start : start + IMAGES_A_PART])
                    put(start, part)
                    # As on a card, where the next part takes its place.
                    part.fill(np.nan)

                return SharedTasks(copy, range(0, len(array), IMAGES_A_PART))

            return deliver

        return fetch

    def make_page_locked(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Make an array that says so by its class: see the base class."""
        return np.empty(shape, dtype).view(PageLockedArray)

    def make_copies_to(self, target: object) -> Copies | None:
        """Copy when it is waited for, which is as late as may be: see the base class."""
        if not isinstance(target, PageLockedArray):
            return None
        if target.nbytes == 0 or not target.flags.c_contiguous:
            return None
        return _LateCopies(target)

    @property
    def stream_address(self) -> int:
        """The only one."""
        return 0

    def plan_points(
        self, shape: tuple[int, int, int], eps: float, dtype: np.dtype[Any]
    ) -> Callable[[list[NDArray[Any]], NDArray[Any]], NDArray[Any]]:
        """Make a plan of finufft: see the base class."""
        import finufft

        plan = finufft.Plan(1, shape, eps=eps, isign=-1, dtype=dtype, showwarn=0)

        def transform(angles: list[NDArray[Any]], strengths: NDArray[Any]) -> NDArray[Any]:
            plan.setpts(*map(_unwrap, angles))
            return _wrap(plan.execute(_unwrap(strengths)))  # type: ignore[no-any-return]

        return transform

    @property
    def free_bytes(self) -> int:
        """That of a small card."""
        return 2**30


def _call(function: Any, inputs: Any, options: Any) -> Any:
    return _wrap(
        function(*map(_unwrap, inputs), **{name: _unwrap(value) for name, value in options.items()})
    )


class _Foreign:
    """The memory of an array of the device that is of another library."""

    def __init__(self, interface: dict[str, Any]) -> None:
        self.__array_interface__ = interface


def _take_memory(array: Any) -> Any:
    if isinstance(array, SimulatedArray):
        return array.memory
    return np.asarray(_Foreign(array.__cuda_array_interface__)) if is_on_cuda(array) else array


def _wrap(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return SimulatedArray(np.asarray(value))
    if isinstance(value, (tuple, list)) and any(isinstance(part, np.ndarray) for part in value):
        return type(value)(map(_wrap, value))
    return value


def _unwrap(value: Any) -> Any:
    if isinstance(value, SimulatedArray):
        return value.memory
    if isinstance(value, np.ndarray) and value.ndim > 0:
        msg = "an array of the host is none of the device: it has to be sent"
        raise TypeError(msg)
    if isinstance(value, (tuple, list)):
        return type(value)(map(_unwrap, value))
    return value
