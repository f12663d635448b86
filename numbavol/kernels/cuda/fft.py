"""The transforms of a device, whose real results do not depend on what cuFFT leaves undefined."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


MOST_AXES = 3


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

        if norm not in (None, "backward", "forward"):
            msg = f"norm: expected None, 'backward' or 'forward', got {norm!r}"
            raise ValueError(msg)
        lengths = tuple(s)
        own = half
        if own.dtype.kind != "c":
            own = own.astype("complex64" if own.dtype.itemsize <= 4 else "complex128")
        elif not (overwrite_x and own.flags.c_contiguous):
            own = own.copy()
        # cuFFT has plans of three axes, and does not scale; CuPy does, in double precision.
        if len(lengths) > MOST_AXES:
            axes = tuple(range(-len(lengths), -MOST_AXES))
            own = self._functions.ifftn(own, axes=axes, norm="forward", overwrite_x=True)
        last = lengths[-MOST_AXES:]
        padded = (1,) * (MOST_AXES - len(last)) + last
        # It may be a copy, and is what is transformed.
        halves = own.reshape(-1, *padded[:-1], own.shape[-1])
        make_self_conjugate(halves, last[-1])
        axes = tuple(range(-len(last), 0))
        real: NDArray[Any] = self._functions.irfftn(
            halves, last, axes, norm="forward", overwrite_x=True
        )
        if norm != "forward":
            real *= real.dtype.type(1.0 / math.prod(lengths))
        return real.reshape(*half.shape[: -len(last)], *last)
