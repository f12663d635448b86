"""Discrete Fourier transforms of arrays whose origin is their middle.

Real-space arrays have their origin at element ``n // 2`` of each axis, Fourier-space arrays have
the zero frequency in the corner. The sign is NumPy's, ``exp(-2 pi i k r)``, and the forward
transform is not normalised. Single precision stays single.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from numbavol.kernels.threads import get_num_threads

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

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import fftn
    >>> point = np.zeros((3, 4)); point[1, 2] = 1.0
    >>> bool(np.allclose(fftn(point), 1.0))
    True
    """
    transformed: ComplexArray = scipy.fft.fftn(
        np.fft.ifftshift(array), workers=get_num_threads(), overwrite_x=True
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
    """
    transformed: ComplexArray = scipy.fft.ifftn(fourier_array, workers=get_num_threads())
    return np.fft.fftshift(transformed)


def rfftn(array: RealArray) -> ComplexArray:
    """Transform a real array over all its axes, to the half that determines the whole.

    Parameters
    ----------
    array
        Real, of any shape; the origin is element ``n // 2`` of each axis.

    Returns
    -------
    ndarray
        Complex, the last axis of length ``n // 2 + 1``, the zero frequency in the corner.
    """
    transformed: ComplexArray = scipy.fft.rfftn(
        np.fft.ifftshift(array), workers=get_num_threads(), overwrite_x=True
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
        If the shapes do not belong together.
    """
    half = (*shape[:-1], shape[-1] // 2 + 1)
    if np.shape(fourier_array) != half:
        msg = f"fourier_array: expected shape {half} for {shape}, got {np.shape(fourier_array)}"
        raise ValueError(msg)
    transformed: RealArray = scipy.fft.irfftn(fourier_array, s=shape, workers=get_num_threads())
    return np.fft.fftshift(transformed)
