"""Coordinates of voxels, and frequencies of their discrete Fourier transforms.

Shapes are ``(z, y, x)``, ``(y, x)`` or ``(x,)``; vectors, and spacings with one value an axis, are
``(x, y, z)``, ``(x, y)`` or ``(x,)``. Frequencies are in cycles per unit of the spacing. The
Nyquist frequency of an even axis is negative in a full grid and positive in a half grid, as NumPy
has it; in cycles a voxel, with a spacing of 1, it is exactly 1/2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from numbavol.arguments import allocate_zeros, check_flag, read_shape
from numbavol.ndimage.parameters import read_grid_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

Real = TypeVar("Real", bound=np.floating[Any])


def make_1d_coordinate_grid(size: int, grid_spacing: float = 1.0) -> NDArray[np.float64]:
    """Make the coordinates of the voxels of one axis.

    Parameters
    ----------
    size
        Number of voxels.
    grid_spacing
        Distance between two voxels.

    Returns
    -------
    NDArray
        `(i - size // 2) * grid_spacing`, shape `(size,)`, float64.

    Raises
    ------
    ValueError
        If an argument is not above 0.

    Examples
    --------
    >>> from numbavol import make_1d_coordinate_grid
    >>> make_1d_coordinate_grid(4, 0.5)
    array([-1. , -0.5,  0. ,  0.5])
    """
    (coordinates,) = _coordinates_of_axes("size", (size,), grid_spacing)
    return coordinates


def make_coordinate_grid(
    shape: Sequence[int], grid_spacing: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Make the coordinates of the voxels of a map or an image.

    Voxel `i` of an axis of `n` voxels is at `(i - n // 2) * grid_spacing`.

    Parameters
    ----------
    shape
        Shape of the map, of one to three axes.
    grid_spacing
        Distance between two voxels: one number, or one an axis in the order (x, y, z).

    Returns
    -------
    NDArray
        Vectors (x, y, z), (x, y) or (x,), shape `(*shape, len(shape))`, float64.

    Raises
    ------
    ValueError
        If `shape` is not one to three whole numbers above 0, or a spacing is not above 0.

    Examples
    --------
    >>> from numbavol import make_coordinate_grid
    >>> grid = make_coordinate_grid((2, 3))
    >>> grid.shape
    (2, 3, 2)
    >>> grid[1]
    array([[-1.,  0.],
           [ 0.,  0.],
           [ 1.,  0.]])
    """
    return _make_vectors(_coordinates_of_axes("shape", shape, grid_spacing))


def make_radial_coordinate_grid(
    shape: Sequence[int], grid_spacing: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Make the distances of the voxels of a map or an image from its origin.

    Parameters
    ----------
    shape
        Shape of the map, of one to three axes.
    grid_spacing
        Distance between two voxels: one number, or one an axis in the order (x, y, z).

    Returns
    -------
    NDArray
        Lengths of the vectors of `make_coordinate_grid`, shape `shape`, float64.

    Raises
    ------
    ValueError
        If `shape` is not one to three whole numbers above 0, or a spacing is not above 0.

    Examples
    --------
    >>> from numbavol import make_radial_coordinate_grid
    >>> make_radial_coordinate_grid((2, 3), (3.0, 4.0))
    array([[5., 4., 5.],
           [3., 0., 3.]])
    """
    return _make_lengths(_coordinates_of_axes("shape", shape, grid_spacing))


def make_1d_frequency_grid(
    size: int, grid_spacing: float = 1.0, outputs_rfftfreqs: bool = True
) -> NDArray[np.float64]:
    """Make the frequencies of the discrete Fourier transform of one axis.

    Parameters
    ----------
    size
        Number of voxels.
    grid_spacing
        Distance between two voxels.
    outputs_rfftfreqs
        Whether to leave out negative frequencies, for the half transform of a real array.

    Returns
    -------
    NDArray
        `k / (size * grid_spacing)` from `k = 0` on, shape `(size // 2 + 1,)`, or `(size,)` with
        negative frequencies; float64.

    Raises
    ------
    TypeError
        If `outputs_rfftfreqs` is neither True nor False.
    ValueError
        If `size` or `grid_spacing` is not above 0.

    Examples
    --------
    >>> from numbavol import make_1d_frequency_grid
    >>> make_1d_frequency_grid(4)
    array([0.  , 0.25, 0.5 ])
    >>> make_1d_frequency_grid(4, outputs_rfftfreqs=False)
    array([ 0.  ,  0.25, -0.5 , -0.25])
    """
    (frequencies,) = _frequencies_of_axes("size", (size,), grid_spacing, outputs_rfftfreqs)
    return frequencies


def make_frequency_grid(
    shape: Sequence[int], grid_spacing: ArrayLike = 1.0, outputs_rfftfreqs: bool = True
) -> NDArray[np.float64]:
    """Make the frequencies of the discrete Fourier transform of a map or an image.

    Parameters
    ----------
    shape
        Shape of the map in real space, of one to three axes.
    grid_spacing
        Distance between two voxels: one number, or one an axis in the order (x, y, z).
    outputs_rfftfreqs
        Whether to leave out negative frequencies along x, for the half transform of a real map.

    Returns
    -------
    NDArray
        Vectors (x, y, z), (x, y) or (x,) in cycles per unit of `grid_spacing`, shape
        `(*shape, len(shape))`, the last axis of `shape` of length `shape[-1] // 2 + 1` if it is
        halved; float64. The zero frequency is in the corner.

    Raises
    ------
    TypeError
        If `outputs_rfftfreqs` is neither True nor False.
    ValueError
        If `shape` is not one to three whole numbers above 0, or a spacing is not above 0.

    Examples
    --------
    >>> from numbavol import make_frequency_grid
    >>> grid = make_frequency_grid((3, 4))
    >>> grid.shape
    (3, 3, 2)
    >>> grid[0]
    array([[0.  , 0.  ],
           [0.25, 0.  ],
           [0.5 , 0.  ]])
    """
    return _make_vectors(_frequencies_of_axes("shape", shape, grid_spacing, outputs_rfftfreqs))


def make_radial_frequency_grid(
    shape: Sequence[int], grid_spacing: ArrayLike = 1.0, outputs_rfftfreqs: bool = True
) -> NDArray[np.float64]:
    """Make the absolute frequencies of the discrete Fourier transform of a map or an image.

    Parameters
    ----------
    shape
        Shape of the map in real space, of one to three axes.
    grid_spacing
        Distance between two voxels: one number, or one an axis in the order (x, y, z).
    outputs_rfftfreqs
        Whether to leave out negative frequencies along x, for the half transform of a real map.

    Returns
    -------
    NDArray
        Lengths of the vectors of `make_frequency_grid`, of its shape without the last axis;
        float64. The zero frequency is in the corner.

    Raises
    ------
    TypeError
        If `outputs_rfftfreqs` is neither True nor False.
    ValueError
        If `shape` is not one to three whole numbers above 0, or a spacing is not above 0.

    Examples
    --------
    >>> from numbavol import make_radial_frequency_grid
    >>> make_radial_frequency_grid((2, 2), 0.5)
    array([[0.        , 1.        ],
           [1.        , 1.41421356]])
    """
    return _make_lengths(_frequencies_of_axes("shape", shape, grid_spacing, outputs_rfftfreqs))


def make_frequency_slice(
    shape: Sequence[int], grid_spacing: ArrayLike = 1.0, outputs_rfftfreqs: bool = True
) -> NDArray[np.float64]:
    """Make the frequencies of an image in three dimensions: the plane `q_z = 0`.

    Unlike in `make_frequency_grid`, the zero frequency is in the middle of every full axis, at
    `n // 2`. A halved x axis starts with it.

    Parameters
    ----------
    shape
        Shape (y, x) of the image in real space.
    grid_spacing
        Distance between two pixels: one number, or two in the order (x, y).
    outputs_rfftfreqs
        Whether to leave out negative frequencies along x, for the half transform of a real image.

    Returns
    -------
    NDArray
        Vectors (x, y, z) in cycles per unit of `grid_spacing`, shape `(1, y, x, 3)`, with
        `x // 2 + 1` for `x` if it is halved; float64.

    Raises
    ------
    TypeError
        If `outputs_rfftfreqs` is neither True nor False.
    ValueError
        If `shape` is not two whole numbers above 0, or a spacing is not above 0.

    Examples
    --------
    >>> from numbavol import make_frequency_slice
    >>> plane = make_frequency_slice((3, 4))
    >>> plane.shape
    (1, 3, 3, 3)
    >>> plane[0, 1]
    array([[0.  , 0.  , 0.  ],
           [0.25, 0.  , 0.  ],
           [0.5 , 0.  , 0.  ]])
    """
    lengths = read_shape("shape", shape, 2)
    y, x = _frequencies_of_axes("shape", lengths, grid_spacing, outputs_rfftfreqs)
    return _make_vectors(
        [np.zeros(1), np.fft.fftshift(y), x if outputs_rfftfreqs else np.fft.fftshift(x)]
    )


def _read_shape_of_grid(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    n_axes = np.size(shape)
    if not 1 <= n_axes <= 3:
        msg = f"{name}: expected one to three whole numbers above 0, got {shape!r}"
        raise ValueError(msg)
    return read_shape(name, shape, n_axes)


def _coordinates_of_axes(
    name: str, shape: Sequence[int], grid_spacing: ArrayLike
) -> list[NDArray[np.float64]]:
    lengths = _read_shape_of_grid(name, shape)
    spacings = read_grid_spacing("grid_spacing", grid_spacing, len(lengths))
    return [_indices(n) * spacing for n, spacing in zip(lengths, spacings, strict=True)]


def _frequencies_of_axes(
    name: str, shape: Sequence[int], grid_spacing: ArrayLike, is_halved: bool
) -> list[NDArray[np.float64]]:
    check_flag("outputs_rfftfreqs", is_halved)
    lengths = _read_shape_of_grid(name, shape)
    spacings = read_grid_spacing("grid_spacing", grid_spacing, len(lengths))
    cycles = [np.fft.ifftshift(_indices(n)) for n in lengths]
    if is_halved:
        cycles[-1] = np.arange(lengths[-1] // 2 + 1, dtype=np.float64)
    # numpy.fft.fftfreq multiplies by 1 / (n * spacing), which puts some Nyquist frequencies, that
    # of n = 98 for one, a bit inside of 1/2.
    return [k / (n * spacing) for k, n, spacing in zip(cycles, lengths, spacings, strict=True)]


def _indices(n: int) -> NDArray[np.float64]:
    return np.arange(-(n // 2), n - n // 2, dtype=np.float64)


def _make_vectors(axes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    shape = (*(len(axis) for axis in axes), len(axes))
    grid: NDArray[np.float64] = allocate_zeros("shape", shape, np.dtype(np.float64))
    components = np.meshgrid(*axes, indexing="ij", sparse=True)
    for component, values in enumerate(reversed(components)):
        grid[..., component] = values
    return grid


def _make_lengths(axes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    shape = tuple(len(axis) for axis in axes)
    lengths: NDArray[np.float64] = allocate_zeros("shape", shape, np.dtype(np.float64))
    for component in np.meshgrid(*axes, indexing="ij", sparse=True):
        lengths += component**2
    return np.sqrt(lengths, out=lengths)


def split_components(vectors: NDArray[Real]) -> tuple[NDArray[Real], ...]:
    """Split vectors ``(..., n)`` into views of their components."""
    return tuple(np.moveaxis(vectors, -1, 0))


def compute_squared_lengths(components: Sequence[NDArray[Real]]) -> NDArray[Real]:
    """Compute the squared lengths of vectors, by components that broadcast, in a new array."""
    first, *others = components
    squared = np.empty(np.broadcast_shapes(*(each.shape for each in components)), first.dtype)
    np.square(first, out=squared)
    for component in others:
        squared += np.square(component)
    return squared


def compute_lengths(components: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Compute the lengths of vectors, by components that broadcast."""
    squared = compute_squared_lengths(components)
    return np.sqrt(squared, out=squared)
