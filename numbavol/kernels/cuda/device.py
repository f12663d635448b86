"""The CUDA device of this process: a card through CuPy, or Numba's simulator of one."""

from __future__ import annotations

import functools
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.copies import copy_past_caches
from numbavol.kernels.cuda.fft import Transforms
from numbavol.kernels.devices import Copies, CudaDevice, is_on_cuda
from numbavol.kernels.finding import describe_what_is_missing, is_simulated
from numbavol.kernels.tasks import SharedTasks
from numbavol.kernels.threads import find_threads_that_copy

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from numbavol.kernels.devices import Deliver, Fetch, Result
    from numbavol.kernels.threads import Threads

IS_SIMULATED = is_simulated()
# What a thread copies to the host at once (scripts/bench --device cuda).
BYTES_A_PART = 2**24
# More take the interpreter's lock from each other and from who begins what is computed: on 16 CPUs,
# 16 bring images at nine tenths of the rate of 8 (scripts/bench --device cuda).
MOST_THREADS_THAT_COPY = 8
# float32, float64, complex64 and complex128, as NumPy writes them.
NUMBERS_OF_IMAGES = "fdFD"
# CUDA's handle of the default stream of the thread that asks.
OF_EACH_THREAD = 2


class Card(CudaDevice):
    """The current CUDA card: its arrays are CuPy's, its transforms cuFFT's."""

    def __init__(self) -> None:
        import cupy
        import cupyx
        import cupyx.scipy.fft

        self.xp, self.fft = cupy, Transforms(cupyx.scipy.fft)
        self.array_type = cupy.ndarray
        self._empty_pinned = cupyx.empty_pinned
        # The stream of the work before, and when that is done.
        self._before: tuple[Any, Any] | None = None

    def send(self, array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
        """Bring an array to the device: see the base class."""
        # CuPy reads page-locked memory after it has returned, when it may have changed.
        is_read_late = isinstance(array, np.ndarray) and _is_page_locked(array.ctypes.data)
        sent: NDArray[Any] = self.xp.asarray(array, dtype, blocking=is_read_late)
        return sent

    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Bring an array to the host, a large one by several threads: see the base class."""
        if not is_on_cuda(array):
            return array
        there = self.xp.asarray(array)
        if there.nbytes <= BYTES_A_PART:
            fetched: NDArray[Any] = self.xp.asnumpy(there)
            return fetched
        fetched = np.empty(there.shape, there.dtype)
        elements = fetched.reshape(-1)

        def put(start: int, part: NDArray[Any]) -> None:
            copy_past_caches(elements[start : start + len(part)], part)

        self.make_fetch()(there.reshape(-1))(put).run()
        return fetched

    def make_fetch(self) -> Fetch:
        """Copy to page-locked memory, to a piece of it for each task: see the base class."""
        idle: SimpleQueue[tuple[Any, NDArray[np.uint8]]] = SimpleQueue()

        def take_buffer(n_bytes: int) -> tuple[Any, NDArray[np.uint8]]:
            try:
                stream, buffer = idle.get_nowait()
            except Empty:
                # Copies to the host overtake what is computed.
                stream, buffer = self.xp.cuda.Stream(non_blocking=True), np.empty(0, np.uint8)
            if buffer.nbytes < n_bytes:
                buffer = self.make_page_locked((n_bytes,), np.uint8)
            return stream, buffer

        def fetch(array: NDArray[Any]) -> Deliver:
            contiguous = self.xp.ascontiguousarray(array)
            is_made = self.xp.cuda.get_current_stream().record()
            n_a_part = max(1, BYTES_A_PART * len(contiguous) // max(contiguous.nbytes, 1))

            def deliver(put: Callable[[int, NDArray[Any]], object]) -> SharedTasks[int]:
                def copy(start: int) -> None:
                    part = contiguous[start : start + n_a_part]
                    stream, buffer = take_buffer(part.nbytes)
                    locked = buffer[: part.nbytes].view(part.dtype).reshape(part.shape)
                    stream.wait_event(is_made)
                    part.get(stream=stream, out=locked, blocking=False)
                    stream.synchronize()
                    put(start, locked)
                    idle.put((stream, buffer))

                starts = range(0, len(contiguous), n_a_part)
                return SharedTasks(copy, starts, _find_threads)

            return deliver

        return fetch

    def make_page_locked(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Make an array of CuPy's pool of page-locked memory: see the base class."""
        made: NDArray[Any] = self._empty_pinned(shape, dtype)
        return made

    def make_copies_to(self, target: object) -> Copies | None:
        """Copy on a stream of its own, after what was in order by then: see the base class."""
        if not isinstance(target, np.ndarray) or not _can_be_copied_to(target):
            return None
        return _CopiesOnAStream(self.xp, target)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do it on the one thread of CUDA, in the order of the caller's stream: see the base."""
        current = int(self.xp.cuda.runtime.getDevice())
        if current != 0:
            msg = (
                f"device: 'cuda' is the first card that this process sees, and CuPy's current "
                f"device is {current}: CUDA_VISIBLE_DEVICES chooses another"
            )
            raise RuntimeError(msg)
        stream = self.xp.cuda.get_current_stream()
        if stream.ptr == OF_EACH_THREAD:
            msg = (
                "device: CuPy's stream is another one for each thread "
                "(CUPY_CUDA_PER_THREAD_DEFAULT_STREAM), and 'cuda' works on several: "
                "expected one stream, for example of `with cupy.cuda.Stream():`"
            )
            raise RuntimeError(msg)

        def work_on_stream() -> Result:
            # A kernel that another thread has loaded is launched without asking for a context.
            self.xp.cuda.runtime.setDevice(current)
            with stream:
                # Plans of cuFFT have memory of their own, and are this thread's: those of another
                # stream may still be at work.
                if self._before is not None and self._before[0].ptr != stream.ptr:
                    stream.wait_event(self._before[1])
                try:
                    return work()
                finally:
                    self._before = stream, stream.record()

        return super().run(work_on_stream)

    @property
    def stream_address(self) -> int:
        """That of the current stream of CuPy: see the base class."""
        return int(self.xp.cuda.get_current_stream().ptr)

    def plan_points(
        self, shape: tuple[int, int, int], eps: float, dtype: np.dtype[Any]
    ) -> Callable[[list[NDArray[Any]], NDArray[Any]], NDArray[Any]]:
        """Make a plan of cufinufft: see the base class."""
        cufinufft = _import_cufinufft()
        # cufinufft's memory is not of CuPy's pool.
        self.xp.get_default_memory_pool().free_all_blocks()
        stream = self.xp.cuda.get_current_stream()
        plan = cufinufft.Plan(1, shape, eps=eps, isign=-1, dtype=dtype, gpu_stream=stream.ptr)

        def transform(angles: list[NDArray[Any]], strengths: NDArray[Any]) -> NDArray[Any]:
            plan.setpts(*angles)
            transformed: NDArray[Any] = plan.execute(strengths)
            return transformed

        return transform

    @property
    def free_bytes(self) -> int:
        """The card's free memory, and what CuPy holds without need."""
        free, _ = self.xp.cuda.runtime.memGetInfo()
        return int(free) + int(self.xp.get_default_memory_pool().free_bytes())


def _find_threads() -> Threads:
    return find_threads_that_copy(MOST_THREADS_THAT_COPY)


class _CopiesOnAStream(Copies):
    """Copies to page-locked memory, beside what the card computes."""

    def __init__(self, xp: Any, target: NDArray[Any]) -> None:
        self._xp, self._target = xp, target
        self._stream = xp.cuda.Stream(non_blocking=True)

    def begin(self, array: NDArray[Any], first: int) -> Callable[[], None]:
        place = self._target[first : first + len(array)]
        contiguous = self._xp.ascontiguousarray(array, place.dtype)
        self._stream.wait_event(self._xp.cuda.get_current_stream().record())
        contiguous.get(stream=self._stream, out=place, blocking=False)
        return functools.partial(_wait_for, self._stream.record(), contiguous)

    def wait(self) -> None:
        self._stream.synchronize()


def _wait_for(event: Any, _source: NDArray[Any]) -> None:
    """Wait for a copy, whose source is kept until then."""
    event.synchronize()


def _can_be_copied_to(array: NDArray[Any]) -> bool:
    return (
        array.nbytes > 0
        and array.flags.c_contiguous
        and array.dtype.isnative
        and array.dtype.char in NUMBERS_OF_IMAGES
        and _is_page_locked(array.ctypes.data)
        and _is_page_locked(array.ctypes.data + array.nbytes - 1)
    )


def _is_page_locked(address: int) -> bool:
    from cuda.bindings import driver

    kind_of_memory = driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE
    # Of memory that CUDA has not heard of, the question is an error.
    error, kind = driver.cuPointerGetAttribute(kind_of_memory, address)
    is_known = error == driver.CUresult.CUDA_SUCCESS
    return is_known and int(kind) == int(driver.CUmemorytype.CU_MEMORYTYPE_HOST)


def _import_cufinufft() -> Any:
    from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib

    try:
        # cufinufft does not look for these libraries where packages have them.
        for library in ("cudart", "cufft"):
            load_nvidia_dynamic_lib(library)
        import cufinufft
    except (ImportError, OSError, DynamicLibNotFoundError) as error:
        msg = f"device: 'cuda' lacks what cufinufft is linked with, libraries of CUDA 12: {error}"
        raise RuntimeError(msg) from error
    return cufinufft


@functools.cache
def get_device() -> CudaDevice:
    """Return the device of this process.

    Raises
    ------
    RuntimeError
        If there is none. The message says what is missing.
    """
    if IS_SIMULATED:
        from numbavol.kernels.cuda.simulated import SimulatedCard

        return SimulatedCard()
    missing = describe_what_is_missing()
    if missing:
        raise RuntimeError(missing)
    return Card()
