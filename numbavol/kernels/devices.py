"""Where arrays live and kernels run: the processor itself, or what is described by CUDA.

A device has an array module, `xp`, with the functions of NumPy, and a module of transforms, `fft`,
with those of `scipy.fft`: code that calls these works on either.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from numbavol.kernels.tasks import count_threads_for_tasks, run_on_one_thread, run_task, run_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from numbavol.kernels.tasks import SharedTasks

    # Takes what is called with the number of a first element and with elements from that on, and
    # returns tasks that are not begun yet.
    Deliver = Callable[[Callable[[int, "NDArray[Any]"], object]], SharedTasks[int]]
    Fetch = Callable[["NDArray[Any]"], Deliver]

Result = TypeVar("Result")


def is_on_cuda(array: object) -> bool:
    """Whether an array's memory is a CUDA device's: it says so by ``__cuda_array_interface__``.

    Parameters
    ----------
    array
        Anything.
    """
    return hasattr(array, "__cuda_array_interface__")


class Device(ABC):
    """Where arrays live, and what is done with them there."""

    name: str
    """As users write it."""
    xp: Any
    """The functions of NumPy, for arrays of the device."""
    fft: Any
    """The functions of `scipy.fft`, for arrays of the device."""

    @abstractmethod
    def send(self, array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
        """Bring an array to the device; one that is there already is not copied.

        Parameters
        ----------
        array
            Of the host or of the device.
        dtype
            The type it is to have; its own by default.
        """

    @abstractmethod
    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Bring an array to the host; one that is there already is not copied."""

    @abstractmethod
    def run(self, work: Callable[[], Result]) -> Result:
        """Do one piece of work where an interrupt does not find it, and return what it returns."""

    @abstractmethod
    def run_parts(
        self,
        work: Callable[[int, int], object],
        n: int,
        n_a_part: int,
        report: Callable[[int], object] | None = None,
    ) -> None:
        """Do ``work(start, stop)`` for all of ``range(n)``, in the parts that suit the device.

        Parameters
        ----------
        work
            Called for one part or several, each of which owns its output.
        n
            How many there are.
        n_a_part
            How many are one task of a thread.
        report
            Called as the work goes on, with the number done.
        """

    @property
    @abstractmethod
    def free_bytes(self) -> int | None:
        """How much memory the device has free; None where it has the system's."""

    @property
    def fft_options(self) -> dict[str, Any]:
        """Options of `fft` for one large transform."""
        return {}


class Cpu(Device):
    """The processor itself."""

    name = "cpu"
    xp = np

    @property
    def fft(self) -> Any:  # imported when it is used
        """`scipy.fft`."""
        import scipy.fft

        return scipy.fft

    @property
    def fft_options(self) -> dict[str, Any]:
        """As many threads as there are, and in a task its own."""
        return {"workers": count_threads_for_tasks()}

    def send(self, array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
        """Take an array as it is: see the base class."""
        if is_on_cuda(array):
            msg = "device: 'cpu' cannot work on arrays of a CUDA device: see to_device"
            raise ValueError(msg)
        return np.asarray(array, dtype)

    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Take an array as it is: see the base class."""
        return array

    def run(self, work: Callable[[], Result]) -> Result:
        """Do it on a thread of this process: see the base class."""
        return run_task(work)

    def run_parts(
        self,
        work: Callable[[int, int], object],
        n: int,
        n_a_part: int,
        report: Callable[[int], object] | None = None,
    ) -> None:
        """Share the parts among threads: see the base class."""

        def count(n_done: int, _: int) -> None:
            if report is not None:
                report(min(n_done * n_a_part, n))

        run_tasks(lambda start: work(start, min(start + n_a_part, n)), range(0, n, n_a_part), count)

    @property
    def free_bytes(self) -> None:
        """None: it has the system's."""


class Copies(ABC):
    """Copies of arrays of a device to one of the host, which it makes by itself, in their order."""

    @abstractmethod
    def begin(self, array: NDArray[Any], first: int) -> Callable[[], None]:
        """Begin to copy an array to the elements from `first` on.

        Returns
        -------
        callable
            Waits until it is there, and may be called more than once.
        """

    @abstractmethod
    def wait(self) -> None:
        """Wait until everything that was begun is there."""


class CudaDevice(Device):
    """What CUDA devices have in common, one card or Numba's simulator of one."""

    name = "cuda"
    array_type: type
    """That of its own arrays; others that are on CUDA become one by `send`, without a copy."""

    @property
    @abstractmethod
    def stream_address(self) -> int:
        """Address of the stream on which kernels are launched; 0 is the default stream's."""

    @abstractmethod
    def make_fetch(self) -> Fetch:
        """Make what brings one array after another to the host, while the device goes on.

        Returns
        -------
        callable
            Takes an array, and returns a function for what the array is by then. That takes
            ``put(start, part)``, which several threads will call with parts of the first axis that
            are overwritten later, and returns tasks that bring the array, not yet begun: who takes
            them is to stop them at last.
        """

    @abstractmethod
    def make_page_locked(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Make an array of the host to which the device can copy by itself.

        Parameters
        ----------
        shape, dtype
            As of `numpy.empty`.
        """

    @abstractmethod
    def make_copies_to(self, target: object) -> Copies | None:
        """Make what copies one array after another to page-locked memory, as the device goes on.

        Parameters
        ----------
        target
            Where images go.

        Returns
        -------
        Copies or None
            None where `target` is not a C-contiguous array of the host whose memory is page-locked,
            of numbers that the device has.
        """

    @abstractmethod
    def plan_points(
        self, shape: tuple[int, int, int], eps: float, dtype: np.dtype[Any]
    ) -> Callable[[list[NDArray[Any]], NDArray[Any]], NDArray[Any]]:
        """Prepare to transform points, as finufft's plans of type 1 do.

        Parameters
        ----------
        shape
            Frequencies along each axis: whole numbers from ``-(n // 2)`` on.
        eps
            The relative error.
        dtype
            complex64 or complex128.

        Returns
        -------
        callable
            Takes places along each axis of `shape`, in radians of its period, and what they carry,
            of `dtype`; returns their transform. All are of the device.
        """

    def run(self, work: Callable[[], Result]) -> Result:
        """Do it on the one thread of CUDA: see the base class.

        Numba compiles in the first call of a kernel, and what cuFFT prepares belongs to a thread.
        """
        return run_on_one_thread(work)

    def run_parts(
        self,
        work: Callable[[int, int], object],
        n: int,
        n_a_part: int,  # noqa: ARG002  # it launches everything at once
        report: Callable[[int], object] | None = None,
    ) -> None:
        """Launch everything at once: see the base class."""
        if n == 0:
            return
        self.run(lambda: work(0, n))
        if report is not None:
            report(n)
