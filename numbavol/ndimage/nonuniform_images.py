"""Half transforms of points in the plane, for one image after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from numbavol.ndimage.nonuniform import compute_deconvolution, copy_frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.ndimage.nonuniform import Spreading


class HalfTransformOfImage:
    r"""The half transforms of points in an image that carry real numbers.

    .. math:: F(k) = \sum_j c_j \exp(-2 \pi i \sum_a k_a r_{ja} / n_a)

    for whole :math:`k_y` from ``-(n // 2)`` on, and :math:`k_x` from 0 to ``n // 2``, as
    `HalfTransform` has them for maps. It holds nothing of its points: several threads can use one.

    Parameters
    ----------
    shape
        Of the image, ``(y, x)``.
    spreading
        How points are spread.
    """

    def __init__(self, shape: tuple[int, int], spreading: Spreading) -> None:
        n_y, n_x = shape
        self._shape, self._spreading = shape, spreading
        self._n_half = n_x // 2 + 1
        # Points are turned so that the frequencies of the halved axis lie around 0.
        self._shift = self._n_half // 2
        self._cells = (spreading.count_cells(n_y), spreading.count_cells(self._n_half))
        along_y, along_x = (
            compute_deconvolution(spreading, 2, n, k)
            for n, k in zip(
                self._cells,
                (np.fft.fftfreq(n_y, 1 / n_y).round(), np.arange(self._n_half) - self._shift),
                strict=True,
            )
        )
        self.deconvolution: NDArray[np.float64] = along_y[:, np.newaxis] * along_x
        """What a transform is still to be multiplied by, ``(y, x // 2 + 1)``."""

    def spread(
        self, points: NDArray[np.float64], strengths: NDArray[Any] | None
    ) -> NDArray[np.complexfloating[Any]]:
        """Spread points over the finer grid.

        Parameters
        ----------
        points
            ``(n, 2)`` in pixels and in the order (x, y), from the middle of the first pixel.
        strengths
            ``(n,)``: what they carry, or None for 1 each.

        Returns
        -------
        NDArray
            The grid: those of several groups of points add up.
        """
        grid = np.zeros(self._cells, self._spreading.dtype)
        if len(points):
            shares = np.remainder(np.remainder(points[:, ::-1] / self._shape, 1.0), 1.0)
            turns = np.exp(-2j * np.pi * self._shift / self._shape[1] * points[:, 0])
            carried = turns if strengths is None else strengths * turns
            self._spreading.spread(shares * self._cells, carried, grid)
        return grid

    def transform(self, grid: NDArray[np.complexfloating[Any]]) -> NDArray[np.complexfloating[Any]]:
        """Transform a grid, which is overwritten.

        Returns
        -------
        NDArray
            ``(y, x // 2 + 1)``, the zero frequency in the corner, still to be multiplied by
            `deconvolution`.
        """
        along_x = scipy.fft.fft(grid, axis=1, overwrite_x=True)
        wanted = np.empty((len(grid), self._n_half), grid.dtype)
        wanted[:, : self._shift] = along_x[:, along_x.shape[1] - self._shift :]
        wanted[:, self._shift :] = along_x[:, : self._n_half - self._shift]
        along_y = scipy.fft.fft(wanted, axis=0, overwrite_x=True)
        transformed = np.empty((self._shape[0], self._n_half), grid.dtype)
        copy_frequencies(transformed, along_y)
        return transformed
