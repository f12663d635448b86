"""Interpolation between the elements of an array."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.ndimage

from numbavol.arguments import check_is_on_host, find_whole_number, read_reals
from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.ndimage.parameters import REAL_OR_COMPLEX, get_working_dtype, read_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MODES = ("fill", "clip", "wrap")
POINTS_PER_TASK = 50_000


def compute_spline_coefficients(data: ArrayLike) -> NDArray[np.inexact[Any]]:
    """Compute the coefficients of the periodic cubic spline through the elements of an array.

    Parameters
    ----------
    data
        Real or complex, of one to three axes. It is taken to repeat itself along each.

    Returns
    -------
    ndarray
        Coefficients, of the shape of the data with one more on each side of each axis, which repeat
        the other side. Element i of the data is ``(c[i] + 4 c[i + 1] + c[i + 2]) / 6`` along an
        axis. Single precision stays single.

    Raises
    ------
    ValueError
        If there are not one to three axes, or the data is on a CUDA device.

    References
    ----------
    Unser (1999), IEEE Signal Processing Magazine 16, 22-38; `scipy.ndimage.spline_filter`.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_spline_coefficients
    >>> coefficients = compute_spline_coefficients(np.array([0.0, 6.0, 0.0, 0.0]))
    >>> spline = (coefficients[:-2] + 4 * coefficients[1:-1] + coefficients[2:]) / 6
    >>> bool(np.allclose(spline, [0.0, 6.0, 0.0, 0.0]))
    True
    """
    check_is_on_host("data", data)
    array = _read_values("data", data)
    coefficients = scipy.ndimage.spline_filter(array, output=array.dtype, mode="grid-wrap")
    return np.pad(coefficients, 1, mode="wrap")


def map_coordinates(
    input: ArrayLike,  # noqa: A002  # the specification's name
    coordinates: Sequence[ArrayLike] | NDArray[Any],
    order: int,
    mode: str = "fill",
    cval: complex = 0.0,
) -> NDArray[np.inexact[Any]]:
    """Interpolate an array at coordinates.

    Parameters
    ----------
    input
        Real or complex, of one to three axes.
    coordinates
        One array of indices for each axis of ``input``, all of one shape. What is taken where one
        is not a number, is not a number.
    order
        0 for the nearest element, 1 for linear, 3 for the periodic cubic spline.
    mode
        Outside [0, n - 1], ``"fill"`` gives ``cval``, ``"clip"`` the value at the nearest edge, and
        ``"wrap"`` repeats the array with the period n.
    cval
        The value outside for ``"fill"``.

    Returns
    -------
    ndarray
        The values, in the shape of the coordinates and the precision of ``input``.

    Raises
    ------
    ValueError
        If the order or the mode is another, there is not one array of coordinates an axis, or
        ``cval`` is not a number, or a complex one for a real ``input``.

    References
    ----------
    Unser (1999), IEEE Signal Processing Magazine 16, 22-38: the spline.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import map_coordinates
    >>> map_coordinates(np.array([0.0, 10.0, 20.0]), [np.array([0.5, 1.25, 7.0])], order=1)
    array([ 5. , 12.5,  0. ])
    """
    array = _read_values("input", input)
    degree = find_whole_number(order)
    if degree is None or degree not in (0, 1, 3):
        msg = f"order: expected 0, 1 or 3, got {order!r}"
        raise ValueError(msg)
    values = compute_spline_coefficients(array) if degree == 3 else array
    return _interpolate(values, array.shape, coordinates, degree, mode, cval)


def map_coordinates_spline(
    coefficients: ArrayLike,
    coordinates: Sequence[ArrayLike] | NDArray[Any],
    mode: str = "fill",
    cval: complex = 0.0,
) -> NDArray[np.inexact[Any]]:
    """Interpolate by the coefficients of `compute_spline_coefficients`.

    Parameters
    ----------
    coefficients
        Real or complex, of one to three axes, with one more on each side of each axis than the
        array has.
    coordinates
        One array of indices into the array for each of its axes, all of one shape. What is taken
        where one is not a number, is not a number.
    mode, cval
        As in `map_coordinates`.

    Returns
    -------
    ndarray
        The values, in the shape of the coordinates and the precision of the coefficients.

    Raises
    ------
    ValueError
        If the mode is another, there is not one array of coordinates an axis, an axis has fewer
        than three coefficients, or ``cval`` is not a number, or a complex one for real
        coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_spline_coefficients, map_coordinates_spline
    >>> coefficients = compute_spline_coefficients(np.array([0.0, 6.0, 0.0, 0.0]))
    >>> map_coordinates_spline(coefficients, [np.array([1.0, 2.0])]).round(9) + 0.0
    array([6., 0.])
    """
    array = _read_values("coefficients", coefficients)
    if min(array.shape) < 3:
        msg = f"coefficients: expected 3 or more along each axis, got shape {array.shape}"
        raise ValueError(msg)
    shape = tuple(length - 2 for length in array.shape)
    return _interpolate(array, shape, coordinates, 3, mode, cval)


def _interpolate(
    values: NDArray[Any],
    shape: tuple[int, ...],
    coordinates: Sequence[ArrayLike] | NDArray[Any],
    order: int,
    mode: str,
    cval: complex,
) -> NDArray[np.inexact[Any]]:
    if mode not in MODES:
        msg = f"mode: expected one of {MODES}, got {mode!r}"
        raise ValueError(msg)
    fill = _read_fill_value(cval, is_complex=values.dtype.kind == "c")
    given: object = coordinates
    n_given = len(coordinates) if np.iterable(given) else 0
    if n_given != len(shape):
        came = n_given or repr(coordinates)
        msg = f"coordinates: expected one array an axis, {len(shape)}, got {came}"
        raise ValueError(msg)
    given_axes = [read_reals("coordinates", axis) for axis in coordinates]
    try:
        axes = np.broadcast_arrays(*given_axes)
    except ValueError as error:
        msg = f"coordinates: expected arrays of one shape: {error}"
        raise ValueError(msg) from error
    n_missing = 3 - len(shape)
    points = _stack(axes, coordinates)
    padding = 2 if order == 3 else 0
    device = find_device_of(values)
    out: NDArray[Any] = device.xp.empty(axes[0].shape, values.dtype)
    n_channels = len(fill)
    kernel = find_kernel("interpolate_points", device.name)
    places = device.send(points)
    real_out, real_values = as_reals(out).reshape(-1, n_channels), as_reals(values)

    def interpolate(start: int, stop: int) -> None:
        kernel(
            real_out,
            real_values,
            (1,) * n_missing + shape,
            (0,) * n_missing + (padding,) * len(shape),
            places,
            order,
            MODES.index(mode),
            fill.astype(real_out.dtype),
            start,
            stop,
        )

    device.run_parts(interpolate, points.shape[1], POINTS_PER_TASK)
    return out


def _read_fill_value(cval: complex, *, is_complex: bool) -> NDArray[np.float64]:
    value = np.asarray(cval)
    if value.ndim or value.dtype.kind not in REAL_OR_COMPLEX:
        msg = f"cval: expected a number, got {cval!r}"
        raise ValueError(msg)
    if is_complex:
        return np.array([value.real, value.imag], np.float64)
    if value.imag != 0:
        msg = f"cval: expected a real number, as the values are real, got {cval!r}"
        raise ValueError(msg)
    return np.array([value.real], np.float64)


def _stack(axes: Sequence[NDArray[np.float64]], given: object) -> NDArray[np.float64]:
    if isinstance(given, np.ndarray) and given.dtype == np.float64 and given.flags.c_contiguous:
        # Of many points, a copy would be as large as the points themselves.
        return given.reshape(len(axes), -1)
    return np.stack([axis.ravel() for axis in axes])


def _read_values(name: str, value: ArrayLike) -> NDArray[Any]:
    array = read_array(name, value, (1, 2, 3))
    working: NDArray[Any] = find_device_of(array).xp.ascontiguousarray(
        array, get_working_dtype(array.dtype)
    )
    return working


def as_reals(array: NDArray[Any]) -> NDArray[Any]:
    """View the memory of an array as real numbers, one or two an element, along one axis."""
    flat = array.reshape(math.prod(array.shape))
    return flat.view(flat.real.dtype)
