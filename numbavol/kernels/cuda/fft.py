"""The transforms of a device, whose real results do not depend on what cuFFT leaves undefined."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Transforms:
    """The functions of `scipy.fft` for arrays of a device.

    A half transform may hold samples that no real array has: imaginary parts where a frequency is
    its own negative, and columns that are not their own conjugates. `scipy.fft` takes of them what
    belongs to a real array; cuFFT leaves open what it does. Here they are taken away first.

    Parameters
    ----------
    functions
        A module like `scipy.fft`, for arrays of the device.
    """

    def __init__(self, functions: Any) -> None:
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        """Take all that transforms to complex arrays as it is."""
        return getattr(self._functions, name)

    def irfft2(
        self,
        half: NDArray[Any],
        s: tuple[int, ...],
        overwrite_x: bool = False,  # as scipy.fft has it
        norm: str | None = None,
    ) -> NDArray[Any]:
        """Transform the last two axes to a real array, of the lengths `s` along them."""
        return self._transform(half, s, overwrite_x=overwrite_x, norm=norm)

    def irfftn(
        self,
        half: NDArray[Any],
        s: tuple[int, ...],
        overwrite_x: bool = False,  # as scipy.fft has it
    ) -> NDArray[Any]:
        """Transform all axes to a real array, of the shape `s`."""
        return self._transform(half, s, overwrite_x=overwrite_x, norm=None)

    def _transform(
        self, half: NDArray[Any], s: tuple[int, ...], *, overwrite_x: bool, norm: str | None
    ) -> NDArray[Any]:
        # The kernels need the device, which has these transforms.
        from numbavol.kernels.cuda.transforms import make_self_conjugate

        own = half if overwrite_x and half.flags.c_contiguous else half.copy()
        lengths = (1,) * (3 - len(s)) + s
        make_self_conjugate(own.reshape(-1, *lengths[:-1], own.shape[-1]), s[-1])
        axes = tuple(range(-len(s), 0))
        # cuFFT does not scale, and CuPy does it in double precision.
        real: NDArray[Any] = self._functions.irfftn(own, s, axes, norm="forward", overwrite_x=True)
        if norm != "forward":
            real *= real.dtype.type(1.0 / math.prod(s))
        return real
