"""Reading of what the functions of arrays are given, and the types they work in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_finite, check_is_on_host, read_reals
from numbavol.kernels.dispatch import find_device_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

REAL, REAL_OR_COMPLEX = "biuf", "biufc"

_GRIDS = {2: "(y, x, 2)", 3: "(z, y, x, 3)"}


def read_array(
    name: str,
    value: ArrayLike,
    n_axes: tuple[int, ...] | None = None,
    *,
    kinds: str = REAL_OR_COMPLEX,
) -> NDArray[Any]:
    """Read an array of numbers of some numbers of axes, at least one; finite or not.

    Returns
    -------
    NDArray
        The array itself if its byte order is the machine's, otherwise a copy.

    Raises
    ------
    ValueError
        If it holds other things than `kinds`, or nothing, or has another number of axes. The
        message has `name` in it.
    """
    array: NDArray[Any] = find_device_of(value).xp.asarray(value)
    if array.dtype.kind not in kinds:
        expected = "real numbers" if kinds == REAL else "real or complex numbers"
        msg = f"{name}: expected {expected}, got dtype {array.dtype}"
        raise ValueError(msg)
    if n_axes is not None:
        check_n_axes(name, array.shape, n_axes)
    if array.ndim == 0 or array.size == 0:
        msg = f"{name}: expected an array with at least one element, got shape {array.shape}"
        raise ValueError(msg)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def read_host_array(
    name: str,
    value: ArrayLike,
    n_axes: tuple[int, ...] | None = None,
    *,
    kinds: str = REAL_OR_COMPLEX,
) -> NDArray[Any]:
    """Read an array as `read_array` does, for what is computed by the processor alone.

    Raises
    ------
    ValueError
        If `read_array` would raise it, or it is an array of a CUDA device.
    """
    check_is_on_host(name, value)
    return read_array(name, value, n_axes, kinds=kinds)


def get_working_dtype(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of a product: complex if one is, single precision if the first is."""
    is_single = dtypes[0].kind in "fc" and np.finfo(dtypes[0]).precision <= 6
    precision = np.float32 if is_single else np.float64
    is_complex = any(dtype.kind == "c" for dtype in dtypes)
    return np.result_type(precision, np.complex64) if is_complex else np.dtype(precision)


def read_number(name: str, value: ArrayLike, *, minimum: float = -np.inf) -> float:
    """Read a finite number of at least `minimum`.

    Raises
    ------
    ValueError
        If it is something else. The message has `name` in it.
    """
    number = read_reals(name, value)
    if number.ndim:
        msg = f"{name}: expected a number, got shape {number.shape}"
        raise ValueError(msg)
    check_finite(name, number)
    if number < minimum:
        msg = f"{name}: expected a number of at least {minimum:g}, got {number:g}"
        raise ValueError(msg)
    return float(number)


def read_vectors(name: str, vectors: ArrayLike) -> NDArray[np.floating[Any]]:
    """Read vectors of two or three components: float32 stays float32, all else is float64.

    Raises
    ------
    ValueError
        If they are not real, or of another number of components. The message has `name` in it.
    """
    if isinstance(vectors, np.ndarray) and vectors.dtype.newbyteorder("=") == np.float32:
        array: NDArray[np.floating[Any]] = vectors.astype(np.float32, copy=False)
    else:
        array = read_reals(name, vectors)
    if array.ndim == 0 or array.shape[-1] not in _GRIDS:
        msg = f"{name}: expected vectors, of shape (..., 2) or (..., 3), got {array.shape}"
        raise ValueError(msg)
    return array


def read_grid(
    name: str, grid: ArrayLike, n_axes: tuple[int, ...] = (2, 3)
) -> NDArray[np.floating[Any]]:
    """Read the vectors of an image, ``(y, x, 2)``, or of a map, ``(z, y, x, 3)``.

    Raises
    ------
    ValueError
        If they are not real, or of another shape. The message has `name` in it.
    """
    array = read_vectors(name, grid)
    if array.ndim - 1 != array.shape[-1] or array.shape[-1] not in n_axes:
        expected = " or ".join(_GRIDS[n] for n in n_axes)
        msg = f"{name}: expected shape {expected}, got {array.shape}"
        raise ValueError(msg)
    return array


def check_n_axes(name: str, shape: tuple[int, ...], n_axes: tuple[int, ...]) -> None:
    """Refuse what is no image or no map.

    Raises
    ------
    ValueError
        If `shape` has not one of these numbers of axes. The message has `name` in it.
    """
    if len(shape) not in n_axes:
        msg = f"{name}: expected {' or '.join(map(str, n_axes))} axes, got shape {shape}"
        raise ValueError(msg)


def read_grid_spacing(name: str, grid_spacing: ArrayLike, n_axes: int) -> tuple[float, ...]:
    """Read one length, or one an axis in the order (x, y, z).

    Returns
    -------
    tuple[float, ...]
        One length for each axis of an array, in the array's order: (z, y, x).

    Raises
    ------
    ValueError
        If it is neither, or a length is not finite and above 0. The message has `name` in it.
    """
    lengths = read_reals(name, grid_spacing)
    if lengths.shape not in [(), (n_axes,)]:
        msg = (
            f"{name}: expected one number, or one for each of {n_axes} axes in the order "
            f"(x, y, z), got shape {lengths.shape}"
        )
        raise ValueError(msg)
    if not np.all((lengths > 0) & np.isfinite(lengths)):
        msg = f"{name}: expected finite lengths above 0, got {lengths.tolist()}"
        raise ValueError(msg)
    return tuple(np.broadcast_to(lengths, (n_axes,))[::-1].tolist())
