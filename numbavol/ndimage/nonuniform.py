"""Fourier transforms of points anywhere, on finufft: what it lets pass is checked before.

finufft is imported when it is used, for it takes a tenth of a second.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from numbavol.arguments import read_reals
from numbavol.kernels.tasks import run_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SMALLEST_EPS = 1e-13
# What finufft can be asked for without a warning.
FINEST_EPS = 1e-14
# finufft's options that change how points are spread, and not what comes out.
OPTIONS = (
    "debug",
    "spread_debug",
    "spread_kerevalmeth",
    "spread_kerformula",
    "spread_kerpad",
    "spread_max_sp_size",
    "spread_sort",
)
# In single precision points are rounded, and the transform of n samples an axis errs by this many
# times n roundings, whatever is asked for; and no kernel does better than the second number.
SINGLE_ROUNDINGS, FINEST_SINGLE_EPS = 2.5, 2e-6
# A grid finer by a quarter reaches this, a grid twice as fine any precision (finufft's manual).
FINEST_EPS_OF_SMALL_GRID, SMALL_GRID, LARGE_GRID = 1e-8, 1.25, 2.0
# finufft's kernels are at most 16 cells wide, and a grid is to be twice as long.
FEWEST_CELLS = 32
# The finer grid is made in blocks, of as many planes: few, and their margins weigh, many, and they
# leave the cache. finufft allocates each anew, which took as long as the work where they were large
# (scripts/bench transforms).
CELLS_IN_A_SLAB, BYTES_IN_A_BLOCK = 24, 2**23
# Places between two cells that the integral of a kernel is made from.
N_OFFSETS = 64


def read_eps(name: str, eps: float) -> float:
    """Read the precision of a transform.

    Raises
    ------
    ValueError
        If it is not between ``SMALLEST_EPS`` and 1. The message has `name` in it.
    """
    number = read_reals(name, eps)
    if number.ndim or not SMALLEST_EPS <= number < 1.0:
        msg = f"{name}: expected a number from {SMALLEST_EPS:g} to 1, got {eps!r}"
        raise ValueError(msg)
    return float(number)


def read_options(name: str, opts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read options of finufft.

    Raises
    ------
    ValueError
        If they are not a mapping of names in ``OPTIONS`` to whole numbers. The message has `name`
        in it.
    """
    if opts is None:
        return {}
    try:
        options = dict(opts)
    except (TypeError, ValueError) as error:
        msg = f"{name}: expected a mapping of finufft's options, got {opts!r}"
        raise ValueError(msg) from error
    for option, value in options.items():
        if option not in OPTIONS:
            msg = f"{name}: expected options among {', '.join(OPTIONS)}, got {option!r}"
            raise ValueError(msg)
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            msg = f"{name}: expected a whole number for {option}, got {value!r}"
            raise ValueError(msg)
    return options


def single_precision_suffices(shape: tuple[int, ...], eps: float) -> bool:
    """Tell whether a transform of `shape` can have the precision `eps` in single precision."""
    rounding = SINGLE_ROUNDINGS * max(shape) * float(np.finfo(np.float32).eps) / 2
    return eps >= max(rounding, FINEST_SINGLE_EPS)


@dataclasses.dataclass(frozen=True)
class Spreading:
    """How finufft spreads points over a finer grid: what its kernel is made from."""

    eps: float
    """What finufft is asked for, and meets to a factor of two: the transform's l2 error."""
    dtype: np.dtype[Any]
    """complex64 or complex128."""
    options: tuple[tuple[str, Any], ...]
    """finufft's options."""

    @property
    def fineness(self) -> float:
        """How many cells the finer grid has for each frequency."""
        return SMALL_GRID if self.eps >= FINEST_EPS_OF_SMALL_GRID else LARGE_GRID

    def count_cells(self, n_frequencies: int) -> int:
        """Return the length of the finer grid's axis, which is quick to transform."""
        cells = max(math.ceil(self.fineness * n_frequencies), FEWEST_CELLS)
        return int(scipy.fft.next_fast_len(cells))

    def spread(
        self,
        cells: NDArray[np.float64],
        strengths: NDArray[Any],
        grid: NDArray[np.complexfloating[Any]],
    ) -> None:
        """Spread points over a periodic grid, on one thread.

        Parameters
        ----------
        cells
            ``(n, axes)``: places of the points in cells, in the order of the grid's axes, each from
            0 to the grid's length.
        strengths
            ``(n,)``: what they carry.
        grid
            Is written to.
        """
        import finufft

        real = np.float32 if self.dtype == np.complex64 else np.float64
        angles = [
            np.ascontiguousarray(2 * np.pi / n * cells[:, axis] - np.pi, real)
            for axis, n in enumerate(grid.shape)
        ]
        settings = {
            **dict(self.options),
            "nthreads": 1,
            "showwarn": 0,
            "spreadinterponly": 1,
            "upsampfac": self.fineness,
        }
        try:
            plan = finufft.Plan(1, grid.shape, 1, self.eps, -1, dtype=self.dtype, **settings)
            plan.setpts(*angles)
            plan.execute(strengths.astype(self.dtype), grid)
        except RuntimeError as error:
            msg = f"opts: finufft refuses {dict(self.options)}: {error}"
            raise ValueError(msg) from error


def choose_spreading(
    shape: tuple[int, ...], eps: float, opts: Mapping[str, Any] | None, amplification: float = 1.0
) -> Spreading:
    """Choose how points are spread, so that what becomes of their transform has a precision.

    Parameters
    ----------
    shape
        Of the real array.
    eps
        Relative l2 error of what becomes of the transform. Half of it is left to everything else.
    opts
        Options of finufft, as `read_options` returns them.
    amplification
        How much larger the relative error becomes afterwards.
    """
    asked_for = eps / (2 * amplification)
    is_single = single_precision_suffices(shape, eps / 2) and asked_for >= FINEST_SINGLE_EPS
    return Spreading(
        max(asked_for, FINEST_EPS),
        np.dtype(np.complex64 if is_single else np.complex128),
        tuple(sorted((opts or {}).items())),
    )


def compute_amplification(
    largest: Sequence[float], mean: Sequence[float], weights: Sequence[float], n_frequencies: int
) -> float:
    """Compute how much larger a relative error becomes where filters damp transforms of points.

    The error of a transform has the largest power of its filter at all frequencies. The signal has
    what the filters leave, on average over the frequencies, of points that are taken for random.

    Parameters
    ----------
    largest, mean
        Of the squared modulus of each filter.
    weights
        The sum of the squares of what the points carry that each filter belongs to.
    n_frequencies
        All that the transform has: a filter may leave one of them alone.
    """
    error = sum(n * power for n, power in zip(weights, largest, strict=True))
    signal = sum(n * power for n, power in zip(weights, mean, strict=True))
    return math.sqrt(error / max(signal, error / n_frequencies)) if error > 0 else 1.0


@functools.lru_cache(maxsize=32)
def sample_kernel(
    spreading: Spreading, n_axes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places, in cells, and the values of finufft's kernel there, for its integrals.

    They are what points between two cells are spread to: the sum of the values, of any smooth
    function times them, is the integral.
    """
    grid = np.empty((FEWEST_CELLS,) * n_axes, spreading.dtype)
    middle = FEWEST_CELLS // 2
    in_line: tuple[Any, ...] = (slice(None), *[middle] * (n_axes - 1))
    along, values = [], []
    for offset in (np.arange(N_OFFSETS) + 0.5) / N_OFFSETS:
        place = np.array([[middle + offset, *[middle] * (n_axes - 1)]])
        spreading.spread(place, np.ones(1), grid)
        reached = np.flatnonzero(grid[in_line])
        along.append(reached - middle - offset)
        values.append(grid[in_line][reached].real.astype(np.float64))
    spreading.spread(np.full((1, n_axes), float(middle)), np.ones(1), grid)
    # All but one of the factors of a value are the kernel in its middle.
    in_middle = float(grid[in_line][middle].real) ** (1 / n_axes)
    return np.concatenate(along), np.concatenate(values) / (in_middle ** (n_axes - 1) * N_OFFSETS)


def compute_deconvolution(
    spreading: Spreading, n_axes: int, n_cells: int, frequencies: NDArray[Any]
) -> NDArray[np.float64]:
    """Compute what undoes the spreading along one axis: the kernel's transform, inverted.

    Parameters
    ----------
    spreading
        How points are spread.
    n_axes
        Of the finer grid.
    n_cells
        Length of this one.
    frequencies
        Whole numbers, in cycles along the axis.
    """
    places, values = sample_kernel(spreading, n_axes)
    distinct, at = np.unique(np.abs(frequencies), return_inverse=True)
    waves = np.cos(2 * np.pi / n_cells * np.multiply.outer(distinct, places))
    deconvolution: NDArray[np.float64] = 1.0 / (waves @ values)[at]
    return deconvolution


class HalfTransform:
    r"""The half transforms of points in a box that carry real numbers.

    .. math:: F(k) = \sum_j c_j \exp(-2 \pi i \sum_a k_a r_{ja} / n_a)

    for whole :math:`k_a` from ``-(n // 2)`` on, of which the halved axis has those from 0 to
    ``n // 2``; the Nyquist frequency of a full, even axis is the mean of both its signs. finufft
    spreads the points, a slab of its finer grid at a time; slabs are transformed where they lie in
    the cache, and what is beyond the wanted frequencies is dropped at once, so that the finer grid
    is never held. Points are turned so that the frequencies of the halved axis lie around 0: the
    grid along it is then as fine as the half asks.

    Parameters
    ----------
    shape
        Of the real map, ``(z, y, x)``.
    spreading
        How points are spread.
    """

    def __init__(self, shape: tuple[int, int, int], spreading: Spreading) -> None:
        n_z, n_y, n_x = shape
        n_half = n_x // 2 + 1
        self._shape, self._spreading = shape, spreading
        self._shift = n_half // 2
        self._cells = tuple(spreading.count_cells(n) for n in (n_z, n_y, n_half))
        frequencies = (
            np.fft.fftfreq(n_z, 1 / n_z).round(),
            np.fft.fftfreq(n_y, 1 / n_y).round(),
            np.arange(n_half) - self._shift,
        )
        self.deconvolution = tuple(
            compute_deconvolution(spreading, 3, n, k)
            for n, k in zip(self._cells, frequencies, strict=True)
        )
        """What each axis (z, y, x) of the result is still to be multiplied by."""
        self._margin = math.ceil(np.max(np.abs(sample_kernel(spreading, 3)[0])))
        self._blocks_along_z = self._split(0, CELLS_IN_A_SLAB)
        n_z_block = self._blocks_along_z[0].stop + 2 * self._margin
        bytes_a_row = n_z_block * self._cells[2] * spreading.dtype.itemsize
        self._blocks_along_y = self._split(1, BYTES_IN_A_BLOCK // bytes_a_row - 2 * self._margin)
        self._block = (n_z_block, self._blocks_along_y[0].stop + 2 * self._margin)
        self._planes: NDArray[np.complexfloating[Any]] = np.empty(
            (self._cells[0], n_y, n_half), spreading.dtype
        )

    def _split(self, axis: int, n_cells: int) -> list[slice]:
        # finufft wants grids of two widths of its kernel, and no point is to be in a block twice.
        shortest, longest = 2 * self._margin, self._cells[axis] - 2 * self._margin
        step = min(max(n_cells, shortest), longest)
        # Of equal length, for the last is spread like the others.
        step = max(math.ceil(self._cells[axis] / math.ceil(self._cells[axis] / step)), shortest)
        starts = range(0, self._cells[axis], step)
        return [slice(start, min(start + step, self._cells[axis])) for start in starts]

    def transform_planes(
        self, points: NDArray[np.float64], strengths: NDArray[np.float64] | None
    ) -> None:
        """Take points, and transform them along y and x.

        Parameters
        ----------
        points
            ``(n, 3)`` in voxels and in the order (x, y, z), from the middle of the first voxel.
        strengths
            ``(n,)``: what they carry, or None for 1 each.
        """
        cells = np.array(self._cells)
        # The box repeats itself. A remainder that rounds to the whole is folded once more.
        shares = np.remainder(np.remainder(points[:, ::-1] / self._shape, 1.0), 1.0)
        turns = np.exp(-2j * np.pi * self._shift / self._shape[2] * points[:, 0])
        carried = turns if strengths is None else strengths * turns
        places = shares * cells
        run_tasks(
            lambda planes: self._transform_slab(planes, places, carried), self._blocks_along_z
        )

    def _transform_slab(
        self, planes: slice, places: NDArray[np.float64], carried: NDArray[Any]
    ) -> None:
        n_below, n_half = self._shift, self._planes.shape[2]
        from_z, are_near = self._find_near(places, 0, planes, self._blocks_along_z[0])
        near, near_carried = places[are_near], carried[are_near]
        from_z = from_z[are_near]
        n_planes = planes.stop - planes.start
        block = np.empty((*self._block, self._cells[2]), self._planes.dtype)
        wanted = np.zeros((n_planes, self._cells[1], n_half), self._planes.dtype)
        for rows in self._blocks_along_y:
            from_y, are_in = self._find_near(near, 1, rows, self._blocks_along_y[0])
            if not np.any(are_in):
                continue
            self._spreading.spread(
                np.column_stack([from_z[are_in], from_y[are_in], near[are_in, 2]]),
                near_carried[are_in],
                block,
            )
            inner = block[
                self._margin : self._margin + n_planes,
                self._margin : self._margin + rows.stop - rows.start,
            ]
            along_x = scipy.fft.fft(inner, axis=2, overwrite_x=True)
            wanted[:, rows, :n_below] = along_x[:, :, along_x.shape[2] - n_below :]
            wanted[:, rows, n_below:] = along_x[:, :, : n_half - n_below]
        along_y = scipy.fft.fft(wanted, axis=1, overwrite_x=True)
        copy_frequencies(self._planes[planes].swapaxes(0, 1), along_y.swapaxes(0, 1))

    def _find_near(
        self, places: NDArray[np.float64], axis: int, block: slice, largest: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.bool]]:
        """Count places from the margin before a block on, and tell which reach into the block.

        A window that reaches beyond one margin ends in the other, which is dropped like it.
        """
        counted = np.remainder(places[:, axis] - (block.start - self._margin), self._cells[axis])
        return counted, counted < largest.stop - largest.start + 2 * self._margin

    def transform_along_z(self, start: int, stop: int) -> NDArray[np.complexfloating[Any]]:
        """Transform the rows ``start <= y < stop`` of the planes along z.

        Returns
        -------
        NDArray
            ``(z, stop - start, x // 2 + 1)``, the zero frequency in the corner, still to be
            multiplied by `deconvolution`.
        """
        lines = scipy.fft.fft(self._planes[:, start:stop], axis=0)
        transformed = np.empty((self._shape[0], *lines.shape[1:]), lines.dtype)
        copy_frequencies(transformed, lines)
        return transformed


def copy_frequencies(wanted: NDArray[Any], transformed: NDArray[Any]) -> None:
    """Copy the frequencies of a shorter first axis, the zero frequency in the corner of both.

    The Nyquist frequency of an even axis is as much negative as positive: it is the mean of both.
    """
    n = len(wanted)
    n_positive = (n + 1) // 2
    wanted[:n_positive] = transformed[:n_positive]
    wanted[n_positive:] = transformed[len(transformed) - (n - n_positive) :]
    if n % 2 == 0:
        wanted[n // 2] = (wanted[n // 2] + transformed[n // 2]) / 2
