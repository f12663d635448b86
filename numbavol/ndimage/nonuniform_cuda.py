"""Fourier transforms of points in a box on CUDA, by cufinufft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.ndimage.nonuniform import copy_frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.kernels.devices import CudaDevice
    from numbavol.ndimage.nonuniform import Spreading


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
    """

    def __init__(
        self, shape: tuple[int, int, int], spreading: Spreading, device: CudaDevice
    ) -> None:
        self._shape, self._spreading, self._device = shape, spreading, device
        z, y, x = shape
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
        # Both ends of an even axis, and the frequencies of the halved axis around 0.
        counts = (n_z + 1 - n_z % 2, n_y + 1 - n_y % 2, n_half)
        turns = np.exp(-2j * np.pi * (n_half // 2) / n_x * points[:, 0])
        carried = turns if strengths is None else strengths * turns
        # The box repeats itself: as angles from -pi to pi, places are most precise.
        shares = points[:, ::-1] / self._shape
        shares -= np.round(shares)
        send = self._device.send
        transformed = self._device.transform_points(
            [send(2 * np.pi * np.ascontiguousarray(shares[:, axis]), real) for axis in range(3)],
            send(carried, dtype),
            counts,
            self._spreading.eps,
        )
        xp = self._device.xp
        cornered = xp.fft.ifftshift(transformed, axes=(0, 1))
        along_z = xp.empty((n_z, *counts[1:]), dtype)
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
