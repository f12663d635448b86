"""Fourier transforms of points in a box on CUDA, by cufinufft."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from numbavol.ndimage.nonuniform import copy_frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.kernels.devices import CudaDevice
    from numbavol.ndimage.nonuniform import Spreading


# Cells of its finer grid are counted in 32 bits.
MOST_CELLS = 2**31 - 1
# What else is held of each frequency: what it returns, cut and turned, and the sum of all.
ARRAYS_OF_FREQUENCIES = 5


class HalfTransformOnCuda:
    """The half transforms of points in a box that carry real numbers: see `HalfTransform`.

    Parameters
    ----------
    shape
        Of the real map, ``(z, y, x)``.
    spreading
        How precise they are.
    device
        Where they are made.

    Raises
    ------
    ValueError
        If the map is larger than cufinufft can count.
    """

    def __init__(
        self, shape: tuple[int, int, int], spreading: Spreading, device: CudaDevice
    ) -> None:
        self._shape, self._spreading, self._device = shape, spreading, device
        z, y, x = shape
        counts, n_cells = _count_frequencies(shape), _count_cells(shape)
        if n_cells > MOST_CELLS:
            msg = (
                f"shape: {shape} on 'cuda' takes a grid of {n_cells:,} cells, and cufinufft has at "
                f"most {MOST_CELLS:,}: device='cpu' makes it"
            )
            raise ValueError(msg)
        self._plan = device.plan_points(counts, spreading.eps, spreading.dtype)
        self.deconvolution = tuple(np.ones(n) for n in (z, y, x // 2 + 1))
        """What each axis (z, y, x) of the result is still to be multiplied by: 1."""
        self._half: NDArray[np.complexfloating[Any]] | None = None

    def transform_planes(
        self, points: NDArray[np.float64], strengths: NDArray[np.float64] | None
    ) -> None:
        """Take points, and transform them: see `HalfTransform.transform_planes`."""
        n_z, n_y, n_x = self._shape
        n_half = n_x // 2 + 1
        dtype = self._spreading.dtype
        real = np.float32 if dtype == np.complex64 else np.float64
        turns = np.exp(-2j * np.pi * (n_half // 2) / n_x * points[:, 0])
        carried = turns if strengths is None else strengths * turns
        # The box repeats itself: as angles from -pi to pi, places are most precise.
        shares = points[:, ::-1] / self._shape
        shares -= np.round(shares)
        send = self._device.send
        transformed = self._plan(
            [send(2 * np.pi * np.ascontiguousarray(shares[:, axis]), real) for axis in range(3)],
            send(carried, dtype),
        )
        xp = self._device.xp
        cornered = xp.fft.ifftshift(transformed, axes=(0, 1))
        along_z = xp.empty((n_z, *cornered.shape[1:]), dtype)
        copy_frequencies(along_z, cornered)
        half = xp.empty((n_z, n_y, n_half), dtype)
        copy_frequencies(half.swapaxes(0, 1), along_z.swapaxes(0, 1))
        self._half = half

    def transform_along_z(self, start: int, stop: int) -> NDArray[np.complexfloating[Any]]:
        """Return rows of the transform: see `HalfTransform.transform_along_z`."""
        if self._half is None:
            msg = "transform_planes comes first"
            raise RuntimeError(msg)
        return self._half[:, start:stop]


def count_bytes_on_cuda(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> int:
    """Count what the transform of a map, and what becomes of it, takes on a device.

    Parameters
    ----------
    shape
        Of the real map, ``(z, y, x)``.
    dtype
        complex64 or complex128.
    """
    n_frequencies = shape[0] * shape[1] * (shape[2] // 2 + 1)
    return dtype.itemsize * (_count_cells(shape) + n_frequencies * ARRAYS_OF_FREQUENCIES)


def _count_frequencies(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Count both ends of an even axis, and the frequencies of the halved axis around 0."""
    z, y, x = shape
    return z + 1 - z % 2, y + 1 - y % 2, x // 2 + 1


def _count_cells(shape: tuple[int, int, int]) -> int:
    """Count the cells of cufinufft's grid: twice the frequencies, or the next product of 2, 3, 5.

    That is to be even.
    """
    lengths = [2 * scipy.fft.next_fast_len(n, real=True) for n in _count_frequencies(shape)]
    return math.prod(lengths)
