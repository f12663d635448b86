"""Density as a Fourier transform on a grid, and as the spline through it."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import scipy.fft

from numbavol.arguments import check_fits_in_memory, check_flag
from numbavol.kernels.dispatch import find_device_of
from numbavol.kernels.threads import get_num_threads
from numbavol.ndimage import fftn
from numbavol.ndimage.boxes import pad_to_shape
from numbavol.ndimage.half_transforms import expand_half_transform
from numbavol.ndimage.interpolation import compute_spline_coefficients
from numbavol.values import ArrayValue
from numbavol.volumes.coordinates import AffineCoordinates, CoordinatesField
from numbavol.volumes.voxel_base import (
    AbstractVoxelVolume,
    keep_voxel_size,
    read_known_voxel_size,
    read_real_voxel_grid,
    shape_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from numbavol.poses import AbstractPose

    ComplexArray = NDArray[np.complexfloating[Any, Any]]
    RealArray = NDArray[np.floating[Any]]


# In cycles a pixel: how far the zero frequency may be off by rounding, of float32 as well.
ZERO_FREQUENCY = 1e-6


class _AbstractFourierVoxelVolume(AbstractVoxelVolume):
    """What is imaged by sampling its transform on a plane."""

    # With what the map was padded by, which the transform does not know any more.
    _name_of_box = "padded box"

    if TYPE_CHECKING:
        frequency_slice_in_pixels: CoordinatesField

    def _check_slice(self) -> None:
        name = "frequency_slice_in_pixels"
        kept = CoordinatesField.kept_by(self, name)
        if not np.all(np.abs(kept.middle) <= ZERO_FREQUENCY):
            msg = (
                f"{name}: expected the zero frequency at n // 2 of each axis, got "
                f"{kept.middle.tolist()} there, of shape {kept.shape}; make_frequency_slice puts "
                "it there with outputs_rfftfreqs=False"
            )
            raise ValueError(msg)

    def rotate_to_pose(self, pose: AbstractPose, inverse: bool = False) -> Self:
        """Turn the frequency slice by the inverse of one pose's rotation.

        Sampling the transform where the inverse rotation takes the plane is imaging the molecule
        where the rotation takes it. What was turned before by A, and is now by R, is read at
        ``A^T R^T q``: as for atoms, R turns about the axes of images. A copy of the array of
        frequencies does not know A: a volume of it counts as one that was not turned.

        Parameters
        ----------
        pose
            One pose; its offset is not used.
        inverse
            Turn the other way.

        Returns
        -------
        AbstractVoxelVolume
            Of a slice q that was not turned yet, with frequencies ``R^T q``, or ``R q`` if
            ``inverse``. The grid is the same array.

        Raises
        ------
        TypeError
            If it is no pose, or `inverse` neither True nor False.
        ValueError
            If there are many poses.
        """
        name = "frequency_slice_in_pixels"
        check_flag("inverse", inverse)
        turned = CoordinatesField.kept_by(self, name).rotate_slice(pose, inverse=inverse)
        return dataclasses.replace(self, **{name: turned})  # type: ignore[type-var]  # a dataclass


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FourierVoxelGridVolume(ArrayValue, _AbstractFourierVoxelVolume):
    """A density by its Fourier transform on a grid.

    Parameters
    ----------
    fourier_voxel_grid
        Complex, (z, y, x), the zero frequency at ``n // 2`` of each axis. It is kept, not copied.
    frequency_slice_in_pixels
        ``(1, y, x, 3)``: the frequencies (x, y, z) of a plane through the origin, in cycles a
        pixel, the zero frequency at ``n // 2`` of each axis:
        ``make_frequency_slice(shape, outputs_rfftfreqs=False)``, or another one.
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms, if it is to be known.

    Raises
    ------
    ValueError
        If a shape or a type is another, or the zero frequency is elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import FourierVoxelGridVolume
    >>> volume = FourierVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)), voxel_size=1.5)
    >>> volume
    FourierVoxelGridVolume(shape=(4, 4, 4), voxel_size=1.5)
    >>> volume.fourier_voxel_grid[2, 2, 2]
    np.complex128(64+0j)
    >>> volume.frequency_slice_in_pixels.shape
    (1, 4, 4, 3)
    """

    fourier_voxel_grid: ComplexArray
    frequency_slice_in_pixels: CoordinatesField = CoordinatesField()  # noqa: RUF009
    voxel_size: float | tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        """Read the arguments."""
        _keep_complex(self, "fourier_voxel_grid", self.fourier_voxel_grid, smallest=1)
        self._check_slice()
        keep_voxel_size(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of the grid."""
        return shape_of(self.fourier_voxel_grid)

    @classmethod
    def from_real_voxel_grid(
        cls,
        real_voxel_grid: ArrayLike,
        *,
        pad_scale: float = 1.0,
        pad_mode: str = "constant",
        filter: Callable[[ComplexArray], ComplexArray] | None = None,  # noqa: A002
        voxel_size: ArrayLike | None = None,
    ) -> Self:
        """Transform a map.

        Parameters
        ----------
        real_voxel_grid
            The map, (z, y, x), of any sizes. One of a CUDA device is fetched: the transform is
            made by the CPU.
        pad_scale
            The map is padded to ``int(n * pad_scale)`` along each axis; 1 or more. Interpolation
            errors fall with it.
        pad_mode
            What it is padded with: a mode of `numpy.pad`.
        filter
            Applied to ``numbavol.fftn`` of the padded map, the zero frequency in the corner. It
            keeps the shape.
        voxel_size
            Side of a voxel, or its three sides (x, y, z), in angstroms, if it is to be known.

        Returns
        -------
        FourierVoxelGridVolume
            complex64 for a map of float32, else complex128.

        Raises
        ------
        TypeError
            If `filter` is no function.
        ValueError
            If another argument is not as described.
        MemoryError
            If the transform does not fit into the free memory.
        """
        padded = _read_padded(real_voxel_grid, pad_scale, pad_mode)
        if filter is None:
            grid = _centred_transform(padded, margin=0)
        else:
            grid = _filtered_transform(padded, filter)
        return cls(grid, _frequency_slice(padded.shape), read_known_voxel_size(voxel_size))


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FourierVoxelSplineVolume(ArrayValue, _AbstractFourierVoxelVolume):
    """A density by the cubic spline through its Fourier transform.

    Parameters
    ----------
    spline_coefficients
        Complex, (z + 2, y + 2, x + 2): what `numbavol.compute_spline_coefficients` makes of the
        centred transform, with one more on each side of each axis. They are kept, not copied.
    frequency_slice_in_pixels, voxel_size
        As in `FourierVoxelGridVolume`.

    Raises
    ------
    ValueError
        If a shape or a type is another, or the zero frequency is elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import FourierVoxelSplineVolume
    >>> volume = FourierVoxelSplineVolume.from_real_voxel_grid(np.ones((4, 4, 4)))
    >>> volume.shape, volume.spline_coefficients.shape
    ((4, 4, 4), (6, 6, 6))
    """

    spline_coefficients: ComplexArray
    frequency_slice_in_pixels: CoordinatesField = CoordinatesField()  # noqa: RUF009
    voxel_size: float | tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        """Read the arguments."""
        _keep_complex(self, "spline_coefficients", self.spline_coefficients, smallest=3)
        self._check_slice()
        keep_voxel_size(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of the grid that the coefficients are of."""
        z, y, x = shape_of(self.spline_coefficients)
        return (z - 2, y - 2, x - 2)

    @classmethod
    def from_real_voxel_grid(
        cls,
        real_voxel_grid: ArrayLike,
        *,
        pad_scale: float = 1.0,
        pad_mode: str = "constant",
        filter: Callable[[ComplexArray], ComplexArray] | None = None,  # noqa: A002
        voxel_size: ArrayLike | None = None,
    ) -> Self:
        r"""Transform a map, and find the spline through its transform.

        The coefficients are the transform of the map divided by
        :math:`\prod_j (2 + \cos(2 \pi r_j / n_j)) / 3`: what makes a periodic spline of
        coefficients is a product in the other space.

        Parameters
        ----------
        real_voxel_grid, pad_scale, pad_mode, filter, voxel_size
            As in `FourierVoxelGridVolume.from_real_voxel_grid`.

        Returns
        -------
        FourierVoxelSplineVolume
            complex64 for a map of float32, else complex128.

        Raises
        ------
        TypeError
            If `filter` is no function.
        ValueError
            If another argument is not as described.
        MemoryError
            If the coefficients do not fit into the free memory.
        """
        padded = _read_padded(real_voxel_grid, pad_scale, pad_mode)
        if filter is None:
            for axis, length in enumerate(padded.shape):
                place = np.arange(length) - length // 2
                spread = (2.0 + np.cos(2.0 * np.pi * place / length)) / 3.0
                along = [1, 1, 1]
                along[axis] = length
                padded = padded / spread.reshape(along).astype(padded.dtype)
            coefficients = _centred_transform(padded, margin=1)
        else:
            grid = _filtered_transform(padded, filter)
            coefficients = compute_spline_coefficients(grid).astype(grid.dtype, copy=False)
        return cls(coefficients, _frequency_slice(padded.shape), read_known_voxel_size(voxel_size))


def _frequency_slice(shape: tuple[int, ...]) -> AffineCoordinates:
    side = max(shape)
    steps = np.diag([1.0 / side, 1.0 / side, 0.0])
    return AffineCoordinates((1, side, side), np.zeros(3), steps)


def _centred_transform(real_voxel_grid: RealArray, *, margin: int) -> ComplexArray:
    shape = tuple(length + 2 * margin for length in real_voxel_grid.shape)
    dtype = np.result_type(real_voxel_grid, np.complex64)
    n_bytes = dtype.itemsize * (math.prod(shape) + real_voxel_grid.size // 2)
    check_fits_in_memory("real_voxel_grid", f"its transform, {dtype} of shape {shape},", n_bytes)
    half = scipy.fft.rfftn(
        np.fft.ifftshift(real_voxel_grid), overwrite_x=True, workers=get_num_threads()
    )
    return expand_half_transform(half, real_voxel_grid.shape, margin=margin)


def _filtered_transform(
    real_voxel_grid: RealArray, filter_: Callable[[ComplexArray], ComplexArray]
) -> ComplexArray:
    given: object = filter_
    if not callable(given):
        msg = f"filter: expected a function of a transform, got {type(given).__name__}"
        raise TypeError(msg)
    filtered = np.asarray(filter_(fftn(real_voxel_grid)))
    if filtered.dtype.kind != "c" or filtered.shape != real_voxel_grid.shape:
        msg = (
            f"filter: expected it to return a complex array of shape {real_voxel_grid.shape}, got "
            f"{filtered.dtype} of shape {filtered.shape}"
        )
        raise ValueError(msg)
    shifted: ComplexArray = np.fft.fftshift(filtered)
    return shifted


def _read_padded(real_voxel_grid: ArrayLike, pad_scale: float, pad_mode: str) -> RealArray:
    grid = read_real_voxel_grid(real_voxel_grid)
    grid = find_device_of(grid).fetch(grid)
    if not (pad_scale >= 1.0 and math.isfinite(pad_scale)):
        msg = f"pad_scale: expected a finite number of 1 or more, got {pad_scale!r}"
        raise ValueError(msg)
    shape = tuple(int(length * pad_scale) for length in grid.shape)
    if shape == grid.shape:
        return grid
    n_bytes = math.prod(shape) * grid.itemsize
    free_bytes = find_device_of(grid).free_bytes
    what = f"the padded map, {grid.dtype} of shape {shape},"
    check_fits_in_memory("pad_scale", what, n_bytes, free_bytes)
    return pad_to_shape(grid, shape, pad_mode)


def _keep_complex(volume: object, name: str, value: ArrayLike, smallest: int) -> None:
    xp = find_device_of(value).xp
    array: NDArray[Any] = xp.asarray(value)
    if array.dtype.kind != "c":
        msg = f"{name}: expected complex numbers, got dtype {array.dtype}"
        raise ValueError(msg)
    if array.ndim != 3 or min(array.shape) < smallest:
        least = f" of {smallest} or more each" if smallest > 1 else ""
        msg = f"{name}: expected shape (z, y, x){least}, got {array.shape}"
        raise ValueError(msg)
    is_single = array.dtype.itemsize == 8
    kept = xp.ascontiguousarray(array, np.complex64 if is_single else np.complex128)
    object.__setattr__(volume, name, kept)
