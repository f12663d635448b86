"""Half transforms of points in the plane, for one image after another."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft
from scipy.special import i0e

from numbavol.arguments import read_reals
from numbavol.kernels.dispatch import find_device, find_kernel
from numbavol.ndimage.bands import add_in_bands
from numbavol.ndimage.nonuniform import copy_frequencies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# Windows are rows of the kernel's lanes; narrower ones err in other ways.
WIDEST_WINDOW, NARROWEST_WINDOW = 16, 2
# The error of a window before its exponential falls, and how many roundings a grid's error is:
# measured on random points, in images of 6 to 120 pixels.
WINDOW_ERROR, ROUNDINGS = 6.0, 1.2
TINY = np.finfo(np.float64).tiny
N_NODES = 64


@dataclasses.dataclass(frozen=True)
class PlaneSpreading:
    r"""How points are spread over a finer grid in the plane.

    The window is Kaiser's and Bessel's; its error falls as
    :math:`6 \exp(-\pi w \sqrt{1 - 1/\sigma})` with its width :math:`w` in cells, for a grid that
    has :math:`\sigma` cells for each frequency.

    References
    ----------
    Beatty, Nishimura & Pauly (2005), IEEE Transactions on Medical Imaging 24, 799-808, equation 5.
    """

    dtype: np.dtype[Any]
    """float32 or float64."""
    fineness: float
    """Cells for each frequency."""
    width: int
    """Cells of a window along each axis."""

    def evaluate(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the window at places in half widths; beyond 1, it is 0."""
        reach = self.width * (1.0 - 0.5 / self.fineness)
        sharpness = math.pi * math.sqrt(max(reach**2 - 0.8, 0.0))
        root = np.sqrt(np.maximum(1.0 - places**2, 0.0))
        window = i0e(sharpness * root) * np.exp(sharpness * (root - 1.0)) / i0e(sharpness)
        return np.where(np.abs(places) < 1.0, window, 0.0)

    def compute_deconvolution(self, n_cells: int, frequencies: NDArray[Any]) -> NDArray[np.float64]:
        """Compute what undoes the spreading along one axis: the window's transform, inverted.

        Parameters
        ----------
        n_cells
            Length of the axis.
        frequencies
            Whole numbers, in cycles along the axis.
        """
        nodes, weights = _find_nodes()
        waves = np.cos(np.pi * self.width / n_cells * np.multiply.outer(frequencies, nodes))
        deconvolution: NDArray[np.float64] = 2.0 / (
            self.width * (waves @ (self.evaluate(nodes) * weights))
        )
        return deconvolution


@functools.lru_cache(maxsize=32)
def fit_window(spreading: PlaneSpreading) -> NDArray[np.floating[Any]]:
    """Fit a polynomial to what each cell of a window has, wherever between cells it lies.

    Returns
    -------
    NDArray
        ``(degree + 1, WIDEST_WINDOW)`` of its `dtype`, the highest power first; the argument is
        from -1, where the first cell begins the window, to 1, one cell later. It is of all who
        ask: nobody writes to it.
    """
    # A degree of the width errs by less than the window itself.
    degree = spreading.width
    nodes = np.polynomial.chebyshev.chebpts1(2 * degree)
    cells = np.arange(spreading.width) + (nodes[:, np.newaxis] + 1.0) / 2.0
    fitted = np.polynomial.chebyshev.chebfit(
        nodes, spreading.evaluate(2.0 * cells / spreading.width - 1.0), degree
    )
    window = np.zeros((degree + 1, WIDEST_WINDOW), spreading.dtype)
    for cell in range(spreading.width):
        powers = np.polynomial.chebyshev.cheb2poly(fitted[:, cell])
        window[degree + 1 - len(powers) :, cell] = powers[::-1]
    return window


@functools.cache
def _find_nodes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a window is sampled for its transform, in half widths, and the weights."""
    return np.polynomial.legendre.leggauss(N_NODES)


def read_plane_options(name: str, opts: Mapping[str, Any] | None) -> dict[str, float]:
    """Read options of a non-uniform transform in the plane.

    Raises
    ------
    ValueError
        If there is another one than ``upsampfac``, or it is not a number above 1. The message has
        `name` in it.
    """
    options = {} if opts is None else opts
    if not hasattr(options, "keys") or not set(options) <= {"upsampfac"}:
        msg = f"{name}: expected a mapping with no other option than upsampfac, got {opts!r}"
        raise ValueError(msg)
    read = {option: read_reals(name, value) for option, value in options.items()}
    for option, value in read.items():
        if value.ndim or not 1.0 < value <= 8.0:
            msg = f"{name}: expected a number above 1, at most 8, for {option}, got {value}"
            raise ValueError(msg)
    return {option: float(value) for option, value in read.items()}


def choose_plane_spreading(
    shape: tuple[int, int],
    eps: float,
    opts: Mapping[str, Any] | None,
    power: NDArray[np.float64] | None = None,
) -> PlaneSpreading:
    """Choose how points are spread, so that what becomes of their transform has a precision.

    Half of the error is the window's. The other half is rounding on the grid, which has all
    frequencies alike, and grows where what the window took away is given back.

    Parameters
    ----------
    shape
        Of the image, ``(y, x)``.
    eps
        Relative l2 error of what becomes of the transform, if points are taken for random.
    opts
        Options, as `read_plane_options` returns them.
    power
        ``(y, x // 2 + 1)``: the squared modulus of what the transform is multiplied by. None for
        nothing.

    Raises
    ------
    ValueError
        If no window on a grid of the `upsampfac` of `opts` is so precise.
    """
    options = opts or {}
    if "upsampfac" in options:
        choices = [(np.float32, options["upsampfac"]), (np.float64, options["upsampfac"])]
    else:
        choices = [(np.float32, 1.5), (np.float32, 2.0), (np.float64, 2.0)]
    for dtype, fineness in choices:
        decay = math.pi * math.sqrt(1.0 - 1.0 / fineness)
        width = max(math.ceil(math.log(WINDOW_ERROR / (eps / 2)) / decay), NARROWEST_WINDOW)
        if width > WIDEST_WINDOW:
            continue
        spreading = PlaneSpreading(np.dtype(dtype), fineness, width)
        deconvolution = HalfTransformOfImage(shape, spreading).deconvolution
        damped = np.ones_like(deconvolution) if power is None else power
        growth = math.sqrt(np.mean(deconvolution**2 * damped) / max(np.mean(damped), TINY))
        rounding = float(np.finfo(spreading.dtype).eps) / 2
        if ROUNDINGS * rounding * growth / deconvolution.min() <= eps / 2:
            return spreading
    msg = (
        f"opts: expected an upsampfac with which windows of {WIDEST_WINDOW} cells, and rounding in "
        f"double precision, reach eps {eps:g}, got {fineness:g}"
    )
    raise ValueError(msg)


class HalfTransformOfImage:
    r"""The half transforms of points in an image that carry real numbers.

    .. math:: F(k) = \sum_j c_j \exp(-2 \pi i \sum_a k_a r_{ja} / n_a)

    for whole :math:`k_y` from ``-(n // 2)`` on, and :math:`k_x` from 0 to ``n // 2``; the Nyquist
    frequency of an even y axis is the mean of both its signs. It holds nothing of its points:
    several threads can use one.

    Parameters
    ----------
    shape
        Of the image, ``(y, x)``.
    spreading
        How points are spread.
    device
        Where that is done: all arrays but small ones are of this device.
    """

    def __init__(
        self, shape: tuple[int, int], spreading: PlaneSpreading, device: str = "cpu"
    ) -> None:
        n_y, n_x = shape
        self._device = find_device(device)
        self._shape, self._spreading = shape, spreading
        self._cells = tuple(
            int(scipy.fft.next_fast_len(math.ceil(spreading.fineness * n), real=True))
            for n in shape
        )
        along_y, along_x = (
            spreading.compute_deconvolution(n_cells, frequencies)
            for n_cells, frequencies in zip(
                self._cells,
                (np.fft.fftfreq(n_y, 1 / n_y).round(), np.arange(n_x // 2 + 1)),
                strict=True,
            )
        )
        self.deconvolution: NDArray[np.float64] = along_y[:, np.newaxis] * along_x
        """What a transform is still to be multiplied by, ``(y, x // 2 + 1)``."""
        self._window = fit_window(spreading)
        self._spread = find_kernel("spread_in_plane", device)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64: of what points carry."""
        return self._spreading.dtype

    @property
    def bytes_a_grid(self) -> int:
        """Of a finer grid and its transform."""
        return 24 * math.prod(self._cells)

    def make_grids(self, n_images: int) -> NDArray[np.float64]:
        """Make finer grids, on which nothing is.

        They are in double precision: where many points meet, single would lose their last digits.
        """
        grids: NDArray[np.float64] = self._device.xp.zeros((n_images, *self._cells))
        return grids

    def spread(
        self,
        grids: NDArray[np.float64],
        positions: NDArray[np.float64],
        strengths: NDArray[np.floating[Any]],
        groups: NDArray[np.int64],
        rotations: NDArray[np.float64],
        offsets: NDArray[np.float64],
    ) -> None:
        """Add points to finer grids; those that are not in an image are left out of it.

        Parameters
        ----------
        grids
            n of them, from `make_grids`. They are written to.
        positions
            ``(n, 3)``: places in space, in pixels.
        strengths
            ``(n,)`` of `dtype`: what they carry.
        groups
            ``(groups + 1,)``: where groups of neighbours begin and end.
        rotations
            ``(n, 2, 3)``: take places in space to places (x, y) in the images.
        offsets
            ``(n, 2)``: what is added to them, to count from the middle of the first pixel.
        """
        lengths = np.array(self._shape[::-1], np.float64)
        fineness = np.array(self._cells[::-1]) / lengths
        turns, places = rotations * fineness[:, np.newaxis], offsets * fineness
        lowest, highest = -0.5 * fineness, (lengths - 0.5) * fineness

        def add(rows: slice) -> None:
            self._spread(
                grids[:, rows], rows.start, grids.shape[1], groups, positions, strengths, turns,
                places, lowest, highest, self._spreading.width, self._window,
            )  # fmt: skip

        add_in_bands(self._device, add, grids.shape[1], positions, turns, places)

    def transform(self, grids: NDArray[np.float64]) -> NDArray[np.complexfloating[Any]]:
        """Transform finer grids.

        Returns
        -------
        NDArray
            ``(n, y, x // 2 + 1)``, the zero frequency in the corner, still to be multiplied by
            `deconvolution`.
        """
        n_y, n_x = self._shape
        fft = self._device.fft
        along_x = fft.rfft(grids.astype(self.dtype, copy=False), axis=2)[..., : n_x // 2 + 1]
        along_y = fft.fft(along_x, axis=1)
        transformed: NDArray[np.complexfloating[Any]] = self._device.xp.empty(
            (len(grids), n_y, n_x // 2 + 1), along_y.dtype
        )
        copy_frequencies(transformed.swapaxes(0, 1), along_y.swapaxes(0, 1))
        return transformed
