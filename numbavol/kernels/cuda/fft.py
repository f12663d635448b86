"""The transforms of a device, whose real results do not depend on what cuFFT leaves undefined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Transforms:
    """The functions of `scipy.fft` for arrays of a device.

    A half transform may hold samples that no real array has: imaginary parts where a frequency is
    its own negative, and columns that are not their own conjugates. `scipy.fft` takes of them what
    belongs to a real array; cuFFT leaves open what it does. Here transforms to real arrays go axis
    by axis, and the imaginary parts are taken away before the last one.

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
    ) -> NDArray[Any]:
        """Transform the last two axes to a real array, of the lengths `s` along them."""
        return self._transform(half, s, (-2,), overwrite_x=overwrite_x)

    def irfftn(
        self,
        half: NDArray[Any],
        s: tuple[int, ...],
        overwrite_x: bool = False,  # as scipy.fft has it
    ) -> NDArray[Any]:
        """Transform all axes to a real array, of the shape `s`."""
        return self._transform(half, s, tuple(range(len(s) - 1)), overwrite_x=overwrite_x)

    def _transform(
        self, half: NDArray[Any], s: tuple[int, ...], axes: tuple[int, ...], *, overwrite_x: bool
    ) -> NDArray[Any]:
        lines = half if overwrite_x or axes else half.copy()
        if axes:
            lines = self._functions.ifftn(half, axes=axes, overwrite_x=overwrite_x)
        lines.imag[..., 0] = 0
        if s[-1] % 2 == 0:
            lines.imag[..., s[-1] // 2] = 0
        real: NDArray[Any] = self._functions.irfft(lines, s[-1], overwrite_x=True)
        return real
