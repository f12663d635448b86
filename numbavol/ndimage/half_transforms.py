"""The half of a discrete Fourier transform that determines the transform of a real array.

The transform of a real array obeys `F(-k) = conj F(k)`, so `rfftn` returns `[..., : n // 2 + 1]`
of what `fftn` returns. Odd and even `n` have halves of one length: wherever a half transform goes,
the shape of the real array goes with it, as an argument `shape`.

A frequency whose every index is 0 or the Nyquist index `n // 2` of an even axis is its own
negative. There, and only there, the condition says that a single sample is real.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from numbavol.arguments import check_flag, read_shape
from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.ndimage.parameters import read_host_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

PLANES_PER_TASK = 8

SelfConjugateMode = Literal["zero", "one", "real"]


def convert_fftn_to_rfftn(
    fftn_array: ArrayLike, mode: SelfConjugateMode | None = "zero"
) -> NDArray[np.complexfloating[Any, Any]]:
    """Convert the transform of a real array to its half transform.

    By default, as in cryoJAX, samples that are their own conjugates become 0, except the zero
    frequency; with ``mode="real"`` it is what `rfftn` makes.

    Parameters
    ----------
    fftn_array
        Of any number of axes, the zero frequency in the corner.
    mode
        What to do with the samples that are their own conjugates, except the zero frequency: see
        `enforce_self_conjugate_rfftn_components`. None leaves them as they are.

    Returns
    -------
    NDArray
        A new array, complex64 or complex128, of its shape but for the last axis, which is of
        length `n // 2 + 1`.

    Raises
    ------
    ValueError
        If `fftn_array` is no array of numbers, or the mode is another one.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import convert_fftn_to_rfftn, fftn, rfftn
    >>> image = np.arange(12.0).reshape(3, 4)
    >>> bool(np.allclose(convert_fftn_to_rfftn(fftn(image), mode="real"), rfftn(image)))
    True
    """
    full = read_host_array("fftn_array", fftn_array)
    half = full[..., : full.shape[-1] // 2 + 1]
    if mode is None:
        return _copy_to_complex(half)
    return enforce_self_conjugate_rfftn_components(half, full.shape, mode=mode)


def find_not_finite(halves: NDArray[np.complexfloating[Any, Any]]) -> int | None:
    """Find the first image with a pixel that is not finite, by half transforms (n, y, x).

    Their zero frequency is not finite either: it is the sum of all pixels.
    """
    is_wrong = ~np.isfinite(find_device_of(halves).fetch(halves[:, 0, 0]))
    return int(np.argmax(is_wrong)) if is_wrong.any() else None


def enforce_self_conjugate_rfftn_components(
    rfftn_array: ArrayLike,
    shape: Sequence[int],
    includes_zero_frequency: bool = False,
    mode: SelfConjugateMode = "zero",
) -> NDArray[np.complexfloating[Any, Any]]:
    """Make the samples of a half transform real that are their own conjugates.

    Parameters
    ----------
    rfftn_array
        A half transform of any number of axes, the zero frequency in the corner.
    shape
        The shape of the array in real space.
    includes_zero_frequency
        Whether the sample at the zero frequency is made real as well.
    mode
        "zero" and "one" replace the samples by this number, "real" by their real part.

    Returns
    -------
    NDArray
        A new array, complex64 or complex128, of the shape of `rfftn_array`.

    Raises
    ------
    TypeError
        If `includes_zero_frequency` is neither True nor False.
    ValueError
        If `rfftn_array` is not the half transform of an array of shape `shape`, or the mode is
        another one.

    Examples
    --------
    >>> from numbavol import enforce_self_conjugate_rfftn_components
    >>> enforce_self_conjugate_rfftn_components([1j, 2j, 3 + 3j], (4,), mode="real")
    array([0.+1.j, 0.+2.j, 3.+0.j])
    """
    half = _copy_to_complex(read_host_array("rfftn_array", rfftn_array))
    lengths = read_shape("shape", shape, half.ndim)
    expected = (*lengths[:-1], lengths[-1] // 2 + 1)
    if half.shape != expected:
        msg = (
            f"rfftn_array: expected shape {expected}, the half transform of an array of shape "
            f"{lengths}, got {half.shape}"
        )
        raise ValueError(msg)
    if mode not in ("zero", "one", "real"):
        msg = f"mode: expected 'zero', 'one' or 'real', got {mode!r}"
        raise ValueError(msg)
    check_flag("includes_zero_frequency", includes_zero_frequency)

    for index in list_self_conjugate(lengths):
        if any(index) or includes_zero_frequency:
            half[index] = half[index].real if mode == "real" else float(mode == "one")
    return half


def list_self_conjugate(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """List the frequencies of a transform that are their own negatives.

    Parameters
    ----------
    shape
        Of the real array.
    """
    return list(itertools.product(*((0, n // 2) if n % 2 == 0 else (0,) for n in shape)))


def _copy_to_complex(array: NDArray[Any]) -> NDArray[np.complexfloating[Any, Any]]:
    return np.array(array, np.result_type(array, np.complex64), order="C")


def expand_half_transform(
    half: NDArray[np.complexfloating[Any, Any]], shape: tuple[int, ...], margin: int = 0
) -> NDArray[np.complexfloating[Any, Any]]:
    """Make the whole of the transform of a real map, around its middle, from half of it.

    Parameters
    ----------
    half
        Shape ``(z, y, x // 2 + 1)``, the zero frequency in the corner.
    shape
        Of the real map.
    margin
        How many samples the result has more on each side of each axis, repeating itself.

    Returns
    -------
    NDArray
        Of `shape` and the margins, the zero frequency at ``n // 2 + margin``.
    """
    device = find_device_of(half)
    centred: NDArray[np.complexfloating[Any, Any]] = device.xp.empty(
        tuple(length + 2 * margin for length in shape), half.dtype
    )
    expand = find_kernel("expand_half_transform", device.name)
    device.run_parts(
        lambda start, stop: expand(centred, half, margin, start, stop),
        len(centred),
        PLANES_PER_TASK,
    )
    return centred
