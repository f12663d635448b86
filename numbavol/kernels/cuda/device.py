"""The CUDA device of this process: a card through CuPy, or Numba's simulator of one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.cuda.fft import Transforms
from numbavol.kernels.devices import CudaDevice, is_on_cuda
from numbavol.kernels.finding import describe_what_is_missing, is_simulated

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from numbavol.kernels.devices import Fetch, Result

IS_SIMULATED = is_simulated()


class Card(CudaDevice):
    """The current CUDA card: its arrays are CuPy's, its transforms cuFFT's."""

    def __init__(self) -> None:
        import cupy
        import cupyx
        import cupyx.scipy.fft

        self.xp, self.fft = cupy, Transforms(cupyx.scipy.fft)
        self._make_buffer = cupyx.empty_pinned

    def send(self, array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
        """Bring an array to the device: see the base class."""
        sent: NDArray[Any] = self.xp.asarray(array, dtype)
        return sent

    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Bring an array to the host: see the base class."""
        if not is_on_cuda(array):
            return array
        fetched: NDArray[Any] = self.xp.asnumpy(self.xp.asarray(array))
        return fetched

    def make_fetch(self) -> Fetch:
        """Copy to page-locked memory, of which two arrays are kept: see the base class."""
        # Copies to the host overtake what is computed.
        copying = self.xp.cuda.Stream(non_blocking=True)
        buffers = [np.empty(0, np.uint8)] * 2

        def fetch(array: NDArray[Any]) -> Callable[[], NDArray[Any]]:
            contiguous = self.xp.ascontiguousarray(array)
            buffers.reverse()
            if buffers[0].nbytes < contiguous.nbytes:
                buffers[0] = self._make_buffer(contiguous.nbytes, np.uint8)
            locked = buffers[0][: contiguous.nbytes].view(contiguous.dtype)
            locked = locked.reshape(contiguous.shape)
            copying.wait_event(self.xp.cuda.get_current_stream().record())
            contiguous.get(stream=copying, out=locked, blocking=False)
            copied = copying.record()
            kept_until_copied = [contiguous]

            def wait() -> NDArray[Any]:
                copied.synchronize()
                kept_until_copied.clear()
                images: NDArray[Any] = locked
                return images

            return wait

        return fetch

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

        def work_on_stream() -> Result:
            with stream:
                return work()

        return super().run(work_on_stream)

    @property
    def launch_stream(self) -> Any:
        """The current stream of CuPy, as Numba takes it."""
        from numba import cuda

        address = self.xp.cuda.get_current_stream().ptr
        return cuda.external_stream(address) if address else 0

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
