"""Reading and checking of what a user passes: every message names the argument and what came."""

from __future__ import annotations

import contextlib
import math
import operator
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from numbavol.kernels.resources import find_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray


def read_reals(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Read an argument of real numbers as native float64.

    Raises
    ------
    ValueError
        If `value` is not an array of real numbers, or is on a CUDA device. The message has `name`
        in it.
    """
    check_is_on_host(name, value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        msg = f"{name}: expected an array of real numbers, got rows of unequal length"
        raise ValueError(msg) from error
    if array.dtype.kind not in "biuf":
        msg = f"{name}: expected real numbers, got dtype {array.dtype}"
        raise ValueError(msg)
    return array.astype(np.float64, copy=False)


def check_is_on_host(name: str, value: object) -> None:
    """Refuse an array of a CUDA device.

    Raises
    ------
    ValueError
        If it is one. The message has `name` in it.
    """
    if hasattr(value, "__cuda_array_interface__"):
        msg = f"{name}: expected an array of the host, got one of a CUDA device: see to_device"
        raise ValueError(msg)


def check_finite(name: str, array: NDArray[np.float64]) -> None:
    """Refuse infinities and NaN.

    Raises
    ------
    ValueError
        If a value is not finite. The message has `name` in it.
    """
    wrong = array[~np.isfinite(array)]
    if wrong.size:
        msg = f"{name}: expected finite values, got {wrong[0]} ({wrong.size} of {array.size})"
        raise ValueError(msg)


def read_above_0(name: str, value: ArrayLike) -> float:
    """Read a finite number above 0.

    Raises
    ------
    ValueError
        If it is something else. The message has `name` in it.
    """
    number = read_reals(name, value)
    if number.ndim or not (0 < number < math.inf):
        msg = f"{name}: expected a finite number above 0, got {value!r}"
        raise ValueError(msg)
    return float(number)


def find_whole_number(value: object) -> int | None:
    """Find which whole number this is, or None if it is something else, as 2.0 is."""
    # True is 1 to Python, and no number of anything.
    if isinstance(value, SupportsIndex) and not isinstance(value, (bool, np.bool_)):
        # Arrays of several numbers have an index, and refuse to be one.
        with contextlib.suppress(TypeError):
            return operator.index(value)
    return None


def read_count(name: str, value: object, *, lowest: int = 1) -> int:
    """Read how many there are to be.

    Raises
    ------
    ValueError
        If it is no whole number, or below `lowest`, which is 0 or 1. The message has `name` in it.
    """
    number = find_whole_number(value)
    if number is None or number < lowest:
        limit = "above 0" if lowest else "of at least 0"
        msg = f"{name}: expected a whole number {limit}, got {value!r}"
        raise ValueError(msg)
    return number


def check_kind(name: str, value: object, kind: type) -> None:
    """Refuse what is neither of a class nor None.

    Raises
    ------
    TypeError
        If it is something else. The message has `name` in it.
    """
    if value is not None and not isinstance(value, kind):
        msg = f"{name}: expected {_one(kind)} or None, got {type(value).__name__}"
        raise TypeError(msg)


def check_is_a(name: str, value: object, kind: type) -> None:
    """Refuse what is not of a class.

    Raises
    ------
    TypeError
        If it is not. The message has `name` in it.
    """
    if not isinstance(value, kind):
        came = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
        msg = f"{name}: expected {_one(kind)}, got {came}"
        raise TypeError(msg)


def _one(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"


def check_flag(name: str, value: object) -> None:
    """Refuse what is neither True nor False, which words like "no" would be taken for.

    Raises
    ------
    TypeError
        If it is something else. The message has `name` in it.
    """
    if not isinstance(value, (bool, np.bool_)):
        msg = f"{name}: expected True or False, got {value!r}"
        raise TypeError(msg)


LARGEST_WORD = 2**64 - 1


def read_word(name: str, value: object) -> int:
    """Read a seed, or a number that random numbers belong to.

    Raises
    ------
    ValueError
        If it is no whole number from 0 to 2^64 - 1. The message has `name` in it.
    """
    word = find_whole_number(value)
    if word is None or not 0 <= word <= LARGEST_WORD:
        msg = f"{name}: expected whole numbers from 0 to 2^64 - 1, got {value!r}"
        raise ValueError(msg)
    return word


def read_words(name: str, values: ArrayLike, n: int) -> NDArray[np.uint64]:
    """Read n numbers that random numbers belong to.

    Raises
    ------
    ValueError
        If they are not n whole numbers from 0 to 2^64 - 1. The message has `name` in it.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "u":
        given = np.atleast_1d(values)
    else:
        # Of a small and a large word, NumPy would make floating-point numbers.
        given = np.atleast_1d(np.asarray(values, object))
    if given.shape != (n,):
        msg = f"{name}: expected shape ({n},), one for each image, got {given.shape}"
        raise ValueError(msg)
    if given.dtype != object:
        return given.astype(np.uint64)
    return np.array([read_word(name, each) for each in given], np.uint64)


def read_shape(name: str, shape: Sequence[int], n_axes: int) -> tuple[int, ...]:
    """Read the shape of an array that is to be made.

    Raises
    ------
    ValueError
        If it is not `n_axes` whole numbers above 0. The message has `name` in it.
    """
    try:
        lengths = np.atleast_1d(np.asarray(shape))
    except ValueError as error:
        msg = f"{name}: expected {n_axes} whole numbers above 0, got {shape!r}"
        raise ValueError(msg) from error
    if lengths.shape != (n_axes,) or lengths.dtype.kind not in "iu" or np.any(lengths < 1):
        msg = f"{name}: expected {n_axes} whole numbers above 0, got {shape!r}"
        raise ValueError(msg)
    return tuple(int(length) for length in lengths)


def read_voxel_size(name: str, voxel_size: ArrayLike) -> float | tuple[float, float, float]:
    """Read a voxel size in angstroms: one length, or three in the order (x, y, z).

    Raises
    ------
    ValueError
        If it is neither, or a length is not finite and above 0. The message has `name` in it.
    """
    lengths = read_reals(name, voxel_size)
    if lengths.shape not in [(), (3,)]:
        msg = f"{name}: expected one number or three (x, y, z), got shape {lengths.shape}"
        raise ValueError(msg)
    if not np.all((lengths > 0) & np.isfinite(lengths)):
        msg = f"{name}: expected finite lengths above 0, got {lengths.tolist()}"
        raise ValueError(msg)
    if lengths.ndim == 0:
        return float(lengths)
    x, y, z = lengths.tolist()
    return (x, y, z)


def read_precision(
    name: str, dtype: DTypeLike, choices: tuple[type, type] = (np.float32, np.float64)
) -> np.dtype[Any]:
    """Read the type of a real result, one of two.

    Raises
    ------
    ValueError
        If it is another type. The message has `name` in it.
    """
    expected = " or ".join(choice.__name__ for choice in choices)
    try:
        read = np.dtype(dtype)
    except TypeError as error:
        msg = f"{name}: expected {expected}, got {dtype!r}"
        raise ValueError(msg) from error
    if read not in choices:
        msg = f"{name}: expected {expected}, got {read}"
        raise ValueError(msg)
    return read


def check_output(output: str) -> None:
    """Check where a result is to be.

    Raises
    ------
    ValueError
        If it is neither ``"host"`` nor ``"device"``.
    """
    if output not in ("host", "device"):
        msg = f"output: expected 'host' or 'device', got {output!r}"
        raise ValueError(msg)


# Asking the system takes longer than rendering into a small map.
ALWAYS_FITS_IN_BYTES = 2**26


def check_fits_in_memory(name: str, what: str, n_bytes: int, free_bytes: int | None = None) -> None:
    """Refuse what does not fit into the memory that is free: this process's, if not told how much.

    Raises
    ------
    MemoryError
        If it does not. The message has `name` and `what` in it.
    """
    if n_bytes <= ALWAYS_FITS_IN_BYTES:
        return
    free = find_memory().free if free_bytes is None else free_bytes
    if n_bytes > free:
        msg = (
            f"{name}: {what} takes {n_bytes / 2**30:.1f} GiB, "
            f"and {free / 2**30:.1f} GiB of memory are free"
        )
        raise MemoryError(msg)


def allocate_zeros(name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Make an array of zeros, if it fits into the memory that is free.

    Raises
    ------
    MemoryError
        If it does not. The message has `name` in it.
    """
    check_fits_in_memory(name, f"{dtype} of shape {shape}", math.prod(shape) * dtype.itemsize)
    return np.zeros(shape, dtype)
