"""Larger and smaller boxes around the same origin.

The origin of an axis of `n` elements is element `n // 2`. Padding and cropping to `m` elements
move it to element `m // 2`, whether `n` and `m` are odd or even. Every result is a new contiguous
array of the input's dtype, in native byte order: writing to it changes no input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import read_shape
from numbavol.kernels.dispatch import find_device_of
from numbavol.ndimage.parameters import read_array, read_host_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def pad_to_shape(
    array: ArrayLike, shape: Sequence[int], mode: str = "constant", **options: Any
) -> NDArray[Any]:
    """Pad an array to a larger shape around its origin.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    shape
        The shape to pad to, at least that of `array` along every axis.
    mode
        What to pad with, see `numpy.pad`: zeros by default.
    **options
        Options of `numpy.pad`, for example `constant_values`.

    Returns
    -------
    NDArray
        A new array of shape `shape`; element `n // 2` of an axis is now element `m // 2`.

    Raises
    ------
    ValueError
        If `shape` has another number of axes than `array`, or is smaller along one.

    Examples
    --------
    >>> from numbavol import pad_to_shape
    >>> pad_to_shape([1, 2, 3], (6,))
    array([0, 0, 1, 2, 3, 0])
    """
    values = read_host_array("array", array)
    target = read_shape("shape", shape, values.ndim)
    if any(m < n for m, n in zip(target, values.shape, strict=True)):
        msg = f"shape: expected at least the shape {values.shape} of array, got {target}"
        raise ValueError(msg)
    before = [m // 2 - n // 2 for m, n in zip(target, values.shape, strict=True)]
    widths = [(left, m - n - left) for left, m, n in zip(before, target, values.shape, strict=True)]
    how: dict[str, Any] = {"mode": mode, **options}
    padded: NDArray[Any] = np.pad(np.ascontiguousarray(values), widths, **how)
    return padded


def crop_to_shape(array: ArrayLike, shape: Sequence[int]) -> NDArray[Any]:
    """Crop an array to a smaller shape around its origin.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    shape
        The shape to crop to, at most that of `array` along every axis.

    Returns
    -------
    NDArray
        A new array of shape `shape`; element `n // 2` of an axis is now element `m // 2`.

    Raises
    ------
    ValueError
        If `shape` has another number of axes than `array`, or is larger along one.

    Examples
    --------
    >>> from numbavol import crop_to_shape
    >>> crop_to_shape([0, 0, 1, 2, 3, 0], (3,))
    array([1, 2, 3])
    """
    values = read_array("array", array)
    center = tuple(n // 2 for n in reversed(values.shape))
    return crop_to_shape_with_center(values, shape, center)


def crop_to_shape_with_center(
    array: ArrayLike, shape: Sequence[int], center: Sequence[int]
) -> NDArray[Any]:
    """Crop an array to a smaller shape around an element.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    shape
        The shape to crop to.
    center
        Which element is to be the origin of the result: indices from 0 on, in the order
        (x, y, z).

    Returns
    -------
    NDArray
        A new array of shape `shape`; element `center` of an axis is now element `m // 2`.

    Raises
    ------
    ValueError
        If `shape` or `center` does not have the number of axes of `array`, or if the result would
        reach beyond `array`.

    Examples
    --------
    >>> from numbavol import crop_to_shape_with_center
    >>> crop_to_shape_with_center([[0, 1, 2, 3], [4, 5, 6, 7]], (1, 2), center=(3, 1))
    array([[6, 7]])
    """
    values = read_array("array", array)
    target = read_shape("shape", shape, values.ndim)
    middle = np.asarray(center)
    if middle.shape != (values.ndim,) or middle.dtype.kind not in "iu":
        msg = f"center: expected {values.ndim} whole numbers (x, y, z), got {center!r}"
        raise ValueError(msg)
    first = [int(c) - m // 2 for c, m in zip(middle[::-1], target, strict=True)]
    stop = [start + m for start, m in zip(first, target, strict=True)]
    if min(first) < 0 or any(end > n for end, n in zip(stop, values.shape, strict=True)):
        msg = (
            f"shape: expected a box that fits into array, of shape {values.shape}, around its "
            f"element {tuple(middle[::-1].tolist())}, got {target}"
        )
        raise ValueError(msg)
    box = tuple(slice(start, end) for start, end in zip(first, stop, strict=True))
    cropped: NDArray[Any] = find_device_of(values).xp.array(values[box], order="C")
    return cropped


def resize_with_crop_or_pad(
    array: ArrayLike, shape: Sequence[int], mode: str = "constant", **options: Any
) -> NDArray[Any]:
    """Crop the axes of an array that are too long, pad those that are too short.

    Parameters
    ----------
    array
        Real or complex, of any number of axes.
    shape
        The shape of the result.
    mode
        What to pad with, see `numpy.pad`: zeros by default.
    **options
        Options of `numpy.pad`, for example `constant_values`.

    Returns
    -------
    NDArray
        A new array of shape `shape`; element `n // 2` of an axis is now element `m // 2`.

    Raises
    ------
    ValueError
        If `shape` has another number of axes than `array`.

    Examples
    --------
    >>> from numbavol import resize_with_crop_or_pad
    >>> resize_with_crop_or_pad([[1, 2, 3]], (3, 2))
    array([[0, 0],
           [1, 2],
           [0, 0]])
    """
    values = read_array("array", array)
    target = read_shape("shape", shape, values.ndim)
    common = tuple(min(m, n) for m, n in zip(target, values.shape, strict=True))
    if mode != "constant" or options:
        return pad_to_shape(crop_to_shape(values, common), target, mode, **options)
    # Images come here by the thousand: zeros need none of what `numpy.pad` can do.
    resized: NDArray[Any] = find_device_of(values).xp.zeros(target, values.dtype.newbyteorder("="))
    resized[_middle_of(target, common)] = values[_middle_of(values.shape, common)]
    return resized


def _middle_of(shape: tuple[int, ...], inner: tuple[int, ...]) -> tuple[slice, ...]:
    """Find the box of a smaller shape around the same origin."""
    starts = [n // 2 - m // 2 for n, m in zip(shape, inner, strict=True)]
    return tuple(slice(start, start + m) for start, m in zip(starts, inner, strict=True))
