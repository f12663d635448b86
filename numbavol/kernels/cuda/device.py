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

IS_SIMULATED = is_simulated()


class Card(CudaDevice):
    """The current CUDA card: its arrays are CuPy's, its transforms cuFFT's."""

    def __init__(self) -> None:
        import cupy
        import cupyx
        import cupyx.scipy.fft

        self.xp, self.fft = cupy, Transforms(cupyx.scipy.fft)
        # Copies to the host overtake what is computed.
        self._copying = cupy.cuda.Stream(non_blocking=True)
        self._make_buffer = cupyx.empty_pinned
        self._buffers = [np.empty(0, np.uint8)] * 2

    def send(self, array: ArrayLike, dtype: Any = None) -> NDArray[Any]:
        """Bring an array to the device: see the base class."""
        sent: NDArray[Any] = self.xp.asarray(array, dtype)
        return sent

    def fetch(self, array: NDArray[Any]) -> NDArray[Any]:
        """Bring an array to the host: see the base class."""
        if not is_on_cuda(array):
            return array
        fetched: NDArray[Any] = self.xp.asnumpy(array)
        return fetched

    def begin_fetch(self, array: NDArray[Any]) -> Callable[[], NDArray[Any]]:
        """Copy to page-locked memory, of which two arrays are kept: see the base class."""
        contiguous = self.xp.ascontiguousarray(array)
        self._buffers.reverse()
        if self._buffers[0].nbytes < contiguous.nbytes:
            self._buffers[0] = self._make_buffer(contiguous.nbytes, np.uint8)
        locked = self._buffers[0][: contiguous.nbytes].view(contiguous.dtype)
        locked = locked.reshape(contiguous.shape)
        computed = self.xp.cuda.get_current_stream().record()
        self._copying.wait_event(computed)
        contiguous.get(stream=self._copying, out=locked, blocking=False)
        copied = self._copying.record()

        def wait() -> NDArray[Any]:
            copied.synchronize()
            # The array is kept until its copy is made.
            del contiguous_until_copied[:]
            images: NDArray[Any] = locked
            return images

        contiguous_until_copied = [contiguous]
        return wait

    def transform_points(
        self,
        angles: list[NDArray[Any]],
        strengths: NDArray[Any],
        shape: tuple[int, int, int],
        eps: float,
    ) -> NDArray[Any]:
        """Transform points by cufinufft: see the base class."""
        from cuda.pathfinder import load_nvidia_dynamic_lib

        # cufinufft does not look for these libraries where packages have them.
        for library in ("cudart", "cufft"):
            load_nvidia_dynamic_lib(library)
        import cufinufft

        transformed: NDArray[Any] = cufinufft.nufft3d1(*angles, strengths, shape, eps=eps, isign=-1)
        return transformed

    @property
    def free_bytes(self) -> int:
        """The card's free memory, and what CuPy holds without need."""
        free, _ = self.xp.cuda.runtime.memGetInfo()
        return int(free) + int(self.xp.get_default_memory_pool().free_bytes())


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
