"""Filters that are functions of frequency: low-pass, high-pass, sharpening."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.ndimage.filters.base import AbstractFilter
from numbavol.ndimage.grids import compute_lengths, compute_squared_lengths
from numbavol.ndimage.open_grids import OpenGrid, compute_on_grid, make_open_frequency_grid
from numbavol.ndimage.operators import FourierGaussian
from numbavol.ndimage.parameters import read_grid_spacing, read_number
from numbavol.ndimage.soft_edges import compute_cosine_edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

# That of numbavol filter, too.
DEFAULT_ROLLOFF_WIDTH_FRACTION = 0.05


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class _CutoffFilter(AbstractFilter):
    frequency_grid_in_angstroms_or_pixels: dataclasses.InitVar[ArrayLike | OpenGrid]
    grid_spacing: float = 1.0
    frequency_cutoff_fraction: float = 0.95
    rolloff_width_fraction: float = DEFAULT_ROLLOFF_WIDTH_FRACTION
    array: NDArray[np.floating[Any]] = dataclasses.field(init=False)

    def __post_init__(self, frequency_grid_in_angstroms_or_pixels: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        (spacing,) = read_grid_spacing("grid_spacing", self.grid_spacing, 1)
        fractions = {
            name: read_number(name, getattr(self, name), minimum=0.0)
            for name in ("frequency_cutoff_fraction", "rolloff_width_fraction")
        }
        cutoff, width = (fraction / (2 * spacing) for fraction in fractions.values())
        vars(self).update(grid_spacing=spacing, **fractions)
        vars(self)["array"] = compute_on_grid(
            "frequency_grid_in_angstroms_or_pixels",
            frequency_grid_in_angstroms_or_pixels,
            lambda components: self._compute(compute_lengths(components), cutoff, width),
        )

    @classmethod
    def from_resolution(
        cls,
        shape: Sequence[int],
        grid_spacing: ArrayLike,
        resolution: float,
        rolloff_width_fraction: float = DEFAULT_ROLLOFF_WIDTH_FRACTION,
        *,
        dtype: DTypeLike = np.float32,
    ) -> Self:
        """Make the filter whose cutoff is at a resolution in angstroms.

        Parameters
        ----------
        shape
            Shape ``(y, x)`` or ``(z, y, x)`` in real space of what is to be filtered.
        grid_spacing
            The pixel or voxel size in angstroms: one number, or one an axis in the order (x, y, z).
        resolution
            The cutoff frequency is the inverse of it. It may be finer than what the voxels allow.
        rolloff_width_fraction
            Width of the edge as a fraction of the Nyquist frequency, of the axis with the largest
            voxels if they differ.
        dtype
            Of the array, float32 or float64. Filtered transforms keep their own precision.

        Returns
        -------
        Self
            With the array of the half transform, which filters full ones too. No grid of
            frequency vectors is held while it is made.

        Raises
        ------
        ValueError
            If an argument is not as described.

        Examples
        --------
        >>> import numpy as np
        >>> from numbavol.ndimage import irfftn, rfftn
        >>> from numbavol.ndimage.filters import LowpassFilter
        >>> image = np.random.default_rng(1).normal(size=(64, 64))
        >>> lowpass = LowpassFilter.from_resolution(image.shape, 1.5, resolution=8.0)
        >>> lowpass
        LowpassFilter(shape=(64, 33), grid_spacing=1.5, frequency_cutoff_fraction=0.375,
            rolloff_width_fraction=0.05)
        >>> irfftn(lowpass(rfftn(image)), image.shape).shape
        (64, 64)
        """
        grid = make_open_frequency_grid(shape, grid_spacing, dtype)
        largest = max(read_grid_spacing("grid_spacing", grid_spacing, len(grid.axes)))
        (length,) = read_grid_spacing("resolution", resolution, 1)
        return cls(grid, largest, 2 * largest / length, rolloff_width_fraction)

    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to."""
        return self.array

    @staticmethod
    @abstractmethod
    def _compute(
        frequency: NDArray[np.float64], cutoff: float, width: float
    ) -> NDArray[np.float64]: ...


class LowpassFilter(_CutoffFilter):
    r"""A filter that keeps low frequencies, with a soft edge.

    With the cutoff frequency :math:`k_c` and the width :math:`w` of the edge, it is 1 up to
    :math:`k_c`, 0 from :math:`k_c + w` on, and between them

    .. math:: F(k) = \frac{1}{2} \left[1 + \cos\left(\pi \frac{k - k_c}{w}\right)\right] .

    Parameters
    ----------
    frequency_grid_in_angstroms_or_pixels
        In inverse angstroms or cycles a pixel, full or half, as `make_frequency_grid` returns it:
        shape ``(y, x, 2)`` or ``(z, y, x, 3)``.
    grid_spacing
        The pixel or voxel size in angstroms if the grid is in inverse angstroms; 1 if it is in
        cycles a pixel. It gives the Nyquist frequency ``1 / (2 * grid_spacing)``.
    frequency_cutoff_fraction
        The cutoff as a fraction of the Nyquist frequency.
    rolloff_width_fraction
        The width of the edge as a fraction of the Nyquist frequency; 0 for a step.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    grid_spacing, frequency_cutoff_fraction, rolloff_width_fraction
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described.

    See Also
    --------
    LowpassFilter.from_resolution : Make it from a resolution in angstroms.

    Examples
    --------
    >>> from numbavol.ndimage.filters import LowpassFilter
    >>> from numbavol.ndimage.grids import make_frequency_grid
    >>> LowpassFilter(make_frequency_grid((1, 8)), 1.0, 0.5, 0.5).get()
    array([[1. , 1. , 1. , 0.5, 0. ]])
    """

    @staticmethod
    def _compute(
        frequency: NDArray[np.float64], cutoff: float, width: float
    ) -> NDArray[np.float64]:
        return compute_cosine_edge(frequency, cutoff, width)


class HighpassFilter(_CutoffFilter):
    """A filter that keeps high frequencies, with a soft edge: 1 minus a `LowpassFilter`.

    It is 0 up to the cutoff, and 1 from the end of the edge on.

    Parameters
    ----------
    frequency_grid_in_angstroms_or_pixels
        In inverse angstroms or cycles a pixel, full or half, as `make_frequency_grid` returns it:
        shape ``(y, x, 2)`` or ``(z, y, x, 3)``.
    grid_spacing
        The pixel or voxel size in angstroms if the grid is in inverse angstroms; 1 if it is in
        cycles a pixel. It gives the Nyquist frequency ``1 / (2 * grid_spacing)``.
    frequency_cutoff_fraction
        The cutoff as a fraction of the Nyquist frequency.
    rolloff_width_fraction
        The width of the edge as a fraction of the Nyquist frequency; 0 for a step.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    grid_spacing, frequency_cutoff_fraction, rolloff_width_fraction
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described.

    See Also
    --------
    HighpassFilter.from_resolution : Make it from a resolution in angstroms.

    Examples
    --------
    >>> from numbavol.ndimage.filters import HighpassFilter
    >>> from numbavol.ndimage.grids import make_frequency_grid
    >>> HighpassFilter(make_frequency_grid((1, 8)), 1.0, 0.5, 0.5).get()
    array([[0. , 0. , 0. , 0.5, 1. ]])
    """

    @staticmethod
    def _compute(
        frequency: NDArray[np.float64], cutoff: float, width: float
    ) -> NDArray[np.float64]:
        return 1.0 - compute_cosine_edge(frequency, cutoff, width)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BFactorFilter(AbstractFilter):
    r"""A filter that sharpens or blurs by a B-factor.

    .. math:: F(\mathbf k) = \exp(-B |\mathbf k|^2 / 4)

    Parameters
    ----------
    frequency_grid_in_angstroms
        In inverse angstroms, full or half: shape ``(y, x, 2)`` or ``(z, y, x, 3)``.
    b_factor
        :math:`B` in square angstroms: below 0 it sharpens, above 0 it blurs.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64.
    b_factor
        As given. The grid itself is not kept: `dataclasses.replace` needs it again.

    Raises
    ------
    ValueError
        If an argument is not as described, or the filter exceeds what its type can hold.

    Notes
    -----
    P. B. Rosenthal and R. Henderson, J. Mol. Biol. 333, 721-745 (2003).

    Examples
    --------
    >>> from numbavol.ndimage.filters import BFactorFilter
    >>> BFactorFilter.from_shape((1, 4), 1.0, b_factor=-50.0).get().round(2)
    array([[ 1.  ,  2.18, 22.76]], dtype=float32)
    """

    frequency_grid_in_angstroms: dataclasses.InitVar[ArrayLike | OpenGrid]
    b_factor: float
    array: NDArray[np.floating[Any]] = dataclasses.field(init=False)

    def __post_init__(self, frequency_grid_in_angstroms: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        name = "frequency_grid_in_angstroms"
        gaussian = FourierGaussian(b_factor=self.b_factor)
        array = compute_on_grid(
            name,
            frequency_grid_in_angstroms,
            lambda components: gaussian.compute_radially(compute_squared_lengths(components)),
            scale="b_factor",
        )
        vars(self).update(b_factor=gaussian.b_factor, array=array)

    @classmethod
    def from_shape(
        cls,
        shape: Sequence[int],
        grid_spacing: ArrayLike,
        b_factor: float,
        *,
        dtype: DTypeLike = np.float32,
    ) -> Self:
        """Make the filter for images or maps of a shape.

        Parameters
        ----------
        shape
            Shape ``(y, x)`` or ``(z, y, x)`` in real space of what is to be filtered.
        grid_spacing
            The pixel or voxel size in angstroms: one number, or one an axis in the order (x, y, z).
        b_factor
            In square angstroms: below 0 it sharpens.
        dtype
            Of the array, float32 or float64. Filtered transforms keep their own precision.

        Returns
        -------
        Self
            With the array of the half transform, which filters full ones too. No grid of
            frequency vectors is held while it is made.

        Raises
        ------
        ValueError
            If an argument is not as described, or the filter exceeds what its type can hold.
        """
        return cls(make_open_frequency_grid(shape, grid_spacing, dtype), b_factor)

    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to."""
        return self.array
