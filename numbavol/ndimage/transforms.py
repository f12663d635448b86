"""Discrete Fourier transforms of arrays whose origin is their middle.

Real-space arrays have their origin at element ``n // 2`` of each axis, Fourier-space arrays have
the zero frequency in the corner. The sign is NumPy's, ``exp(-2 pi i k r)``, and the forward
transform is not normalised. Single precision stays single, and what is on a CUDA device is
transformed there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from numbavol.arguments import read_shape
from numbavol.kernels.dispatch import find_device_of
from numbavol.ndimage.parameters import REAL, read_array

RealOrComplexArray = NDArray[np.inexact[Any]]
ComplexArray = NDArray[np.complexfloating[Any, Any]]
RealArray = NDArray[np.floating[Any]]


def fftn(array: RealOrComplexArray) -> ComplexArray:
    """Transform an array over all its axes.

    Parameters
    ----------
    array
        Real or complex, of any shape; the origin is element ``n // 2`` of each axis.

    Returns
    -------
    ndarray
        Complex, of the same shape, the zero frequency in the corner.

    Raises
    ------
    ValueError
        If it holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import fftn
    >>> point = np.zeros((3, 4)); point[1, 2] = 1.0
    >>> bool(np.allclose(fftn(point), 1.0))
    True
    """
    values = read_array("array", array)
    device = find_device_of(values)
    transformed: ComplexArray = device.fft.fftn(
        device.xp.fft.ifftshift(values), overwrite_x=True, **device.fft_options
    )
    return transformed


def ifftn(fourier_array: ComplexArray) -> ComplexArray:
    """Transform back what `fftn` returned.

    Parameters
    ----------
    fourier_array
        Complex, of any shape, the zero frequency in the corner.

    Returns
    -------
    ndarray
        Complex, of the same shape; the origin is element ``n // 2`` of each axis.

    Raises
    ------
    ValueError
        If it holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import ifftn
    >>> ifftn(np.ones((1, 4), complex)).real
    array([[0., 0., 1., 0.]])
    """
    values = read_array("fourier_array", fourier_array)
    device = find_device_of(values)
    transformed: ComplexArray = device.fft.ifftn(values, **device.fft_options)
    shifted: ComplexArray = device.xp.fft.fftshift(transformed)
    return shifted


def rfftn(array: RealArray) -> ComplexArray:
    """Transform a real array over all its axes, to the half that determines the whole.

    Parameters
    ----------
    array
        Real, of any shape; the origin is element ``n // 2`` of each axis.

    Returns
    -------
    ndarray
        Complex, of the same shape but for the last axis, which is of length ``n // 2 + 1``; the
        zero frequency in the corner.

    Raises
    ------
    ValueError
        If it holds no numbers, or complex ones.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import rfftn
    >>> rfftn(np.ones((4, 6))).shape
    (4, 4)
    """
    values = read_array("array", array, kinds=REAL)
    device = find_device_of(values)
    transformed: ComplexArray = device.fft.rfftn(
        device.xp.fft.ifftshift(values), overwrite_x=True, **device.fft_options
    )
    return transformed


def irfftn(fourier_array: ComplexArray, shape: tuple[int, ...]) -> RealArray:
    """Transform back what `rfftn` returned.

    Parameters
    ----------
    fourier_array
        Complex, the last axis of length ``shape[-1] // 2 + 1``, the zero frequency in the corner.
    shape
        Shape of the real array: odd and even lengths have halves of one length.

    Returns
    -------
    ndarray
        Real, of shape ``shape``; the origin is element ``n // 2`` of each axis.

    Raises
    ------
    ValueError
        If the array holds no numbers, or the shapes do not belong together.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import irfftn
    >>> irfftn(np.ones((1, 3), complex), (1, 5))
    array([[0., 0., 1., 0., 0.]])
    """
    values = read_array("fourier_array", fourier_array)
    lengths = read_shape("shape", shape, values.ndim)
    half = (*lengths[:-1], lengths[-1] // 2 + 1)
    if values.shape != half:
        msg = f"fourier_array: expected shape {half} for {lengths}, got {values.shape}"
        raise ValueError(msg)
    device = find_device_of(values)
    transformed: RealArray = device.fft.irfftn(values, s=lengths, **device.fft_options)
    shifted: RealArray = device.xp.fft.fftshift(transformed)
    return shifted
