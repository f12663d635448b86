"""The part of a padded transform that slices reach, in bricks that fit into a cache."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_fits_in_memory
from numbavol.kernels.dispatch import find_kernel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device

# A brick of 33^3 cells of four float32 takes 575 kB, and stays in a core's second cache
# (scripts/bench backproject: 16 takes 1.7 times as long, 24 1.3 times).
BRICK_SIDE = 32
CHANNELS = 4
PLANES_PER_TASK = 2
# Near the zero frequency every plane adds to every cell, and sums in single precision would lose
# the last of many additions: those bricks are emptied into double precision after so many planes.
PLANES_A_SUM = 4096


class TransformBricks:
    """Sums of samples times weights of linear interpolation, in the cells of half a transform.

    Parameters
    ----------
    padded_side
        Cells of a side of the whole transform, an even number.
    radius
        In cells: nothing is inserted there or beyond.
    dtype
        float32 or float64.
    n_planes
        Of each image, one for each symmetric pose.
    device
        Where they live.
    """

    def __init__(
        self,
        padded_side: int,
        radius: float,
        dtype: np.dtype[Any],
        n_planes: int,
        device: Device,
    ) -> None:
        self.padded_side, self.radius, self.device = padded_side, radius, device
        n_along = max(1, math.ceil(radius / BRICK_SIDE))
        starts = (
            BRICK_SIDE * np.arange(-n_along, n_along),
            BRICK_SIDE * np.arange(-n_along, n_along),
            BRICK_SIDE * np.arange(n_along),
        )
        squared = [np.maximum(np.maximum(s, -(s + BRICK_SIDE)), 0.0) ** 2 for s in starts]
        is_reached = squared[0][:, None, None] + squared[1][:, None] + squared[2] < radius * radius
        table = np.where(is_reached, np.cumsum(is_reached).reshape(is_reached.shape) - 1, -1)
        corners = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1)[is_reached][:, ::-1]
        shape = (len(corners), *(BRICK_SIDE + 1,) * 3, CHANNELS)
        n_bytes = math.prod(shape) * dtype.itemsize
        check_fits_in_memory("side", f"a transform of shape {shape}", n_bytes, device.free_bytes)
        self._sums: NDArray[Any] = device.xp.zeros(shape, dtype)
        is_inner = np.all((corners == 0) | (corners == -BRICK_SIDE), axis=1)
        self._inner = device.send(np.flatnonzero(is_inner))
        self._inner_sums: NDArray[np.float64] = device.xp.zeros((len(self._inner), *shape[1:]))
        self._images_a_sum = max(1, PLANES_A_SUM // n_planes)
        self._n_to_sum = self._images_a_sum
        self._corners = device.send(np.ascontiguousarray(corners, np.int64))
        self._table = device.send(table.astype(np.int64))

    def insert(
        self, samples: NDArray[np.floating[Any]], frames: NDArray[np.float64], radius: float
    ) -> None:
        """Add slices: see the kernel `insert_slices`."""
        insert = find_kernel("insert_slices", self.device.name)
        done = 0
        while done < len(samples):
            some = slice(done, min(done + self._n_to_sum, len(samples)))
            slices = (samples[some], frames[some], radius)
            work = functools.partial(insert, self._sums, self._corners, self._table, *slices)
            self.device.run_parts(work, len(self._sums), 1)
            self._n_to_sum -= some.stop - done
            done = some.stop
            if self._n_to_sum == 0:
                self._inner_sums += self._sums[self._inner]
                self._sums[self._inner] = 0
                self._n_to_sum = self._images_a_sum

    def solve(
        self, added: NDArray[np.float64], lowest: NDArray[np.float64]
    ) -> NDArray[np.complexfloating[Any]]:
        """Divide by weights: see the kernel `solve_bricks`."""
        n = self.padded_side
        shape = (n, n, n // 2 + 1)
        dtype = np.result_type(self._sums.dtype, np.complex64)
        n_bytes = math.prod(shape) * dtype.itemsize
        check_fits_in_memory(
            "side", f"a transform of shape {shape}", n_bytes, self.device.free_bytes
        )
        half: NDArray[np.complexfloating[Any]] = self.device.xp.empty(shape, dtype)
        solve = find_kernel("solve_bricks", self.device.name)
        # What follows is to be summed as if no map had been made.
        not_summed = self._sums[self._inner]
        self._sums[self._inner] = self._inner_sums + not_summed
        arguments = (half, self._sums, self._table, self.radius, added, lowest)
        try:
            self.device.run_parts(
                lambda start, stop: solve(*arguments, start, stop), n, PLANES_PER_TASK
            )
        finally:
            self._sums[self._inner] = not_summed
        return half


def transform_back(
    half: NDArray[np.complexfloating[Any]], padded_side: int, side: int, device: Device
) -> NDArray[np.floating[Any]]:
    """Transform back axis by axis, and keep of each but the map, which saves half of all.

    Parameters
    ----------
    half
        The half transform of a padded map, zero frequency in the corner. It is written to.
    padded_side, side
        Of the padded map, and of what is kept around its middle.
    device
        Where it is.

    Returns
    -------
    NDArray
        ``(side, side, side)``, on the host.
    """
    kept = (np.arange(side) - side // 2) % padded_side
    indices, options = device.send(kept), device.fft_options
    for axis in range(2):
        whole = device.fft.ifft(half, axis=axis, overwrite_x=True, **options)
        half = device.xp.take(whole, indices, axis=axis)
    real = device.fft.irfft(half, padded_side, axis=2, overwrite_x=True, **options)
    taken: NDArray[np.floating[Any]] = device.fetch(device.xp.take(real, indices, axis=2))
    return taken
