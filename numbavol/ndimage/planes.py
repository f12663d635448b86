"""Planes of a transform, sampled for many orientations without coordinates ever existing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_finite, read_reals, read_shape
from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.kernels.tasks import even_size_of_tasks
from numbavol.ndimage.interpolation import as_reals
from numbavol.ndimage.parameters import get_working_dtype
from numbavol.ndimage.space_filling import order_along_curve

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.kernels.devices import Device

PLANE_ROUNDING = 1e-14
# Planes are sampled in squares of so many samples, the neighbours in the volume of all planes one
# after another: what one reads is in the cache for the next (scripts/bench project).
TILE_SIDE = 16
TILES_PER_TASK = 128
# Of one plane; to wake another thread for less takes longer.
FEWEST_TILES_PER_TASK = 32


def sample_fourier_planes(
    fourier_voxel_grid: NDArray[np.complexfloating[Any, Any]],
    planes: ArrayLike,
    shape: tuple[int, int],
) -> NDArray[np.complexfloating[Any, Any]]:
    """Sample planes of a transform by linear interpolation.

    Parameters
    ----------
    fourier_voxel_grid
        Complex, (z, y, x), the zero frequency at ``n // 2`` of each axis. It need not be
        Hermitian.
    planes
        ``(planes, 3, 3)``, in cycles a voxel and the order (x, y, z): the frequency of sample
        [0, 0], and the steps from one sample to the next along x and along y.
    shape
        Samples (y, x) of a plane.

    Returns
    -------
    ndarray
        Complex, ``(planes, y, x)``. The Nyquist plane of an even axis belongs to both of its ends;
        beyond the last frequency of an axis, samples are 0.

    Raises
    ------
    ValueError
        If the grid is not complex or has no element, the planes have another shape or are not
        finite, or the shape is not two whole numbers above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import sample_fourier_planes
    >>> grid = np.arange(64.0).reshape(4, 4, 4).astype(np.complex128)
    >>> plane = [[0.0, 0.0, 0.0], [0.125, 0.0, 0.0], [0.0, 0.25, 0.0]]
    >>> sample_fourier_planes(grid, [plane], (2, 2)).real
    array([[[42. , 42.5],
            [46. , 46.5]]])
    """
    grid = _read_complex("fourier_voxel_grid", fourier_voxel_grid, smallest=1)
    rows, columns = read_shape("shape", shape, 2)
    return _sample(grid, grid.shape, planes, (rows, columns), (rows, columns), order=1)


def sample_fourier_planes_spline(
    spline_coefficients: NDArray[np.complexfloating[Any, Any]],
    planes: ArrayLike,
    shape: tuple[int, int],
) -> NDArray[np.complexfloating[Any, Any]]:
    """Sample planes of a transform by the coefficients of its cubic spline.

    Parameters
    ----------
    spline_coefficients
        Complex, (z + 2, y + 2, x + 2): of the centred transform, by `compute_spline_coefficients`.
    planes, shape
        As in `sample_fourier_planes`.

    Returns
    -------
    ndarray
        Complex, ``(planes, y, x)``, as from `sample_fourier_planes`.

    Raises
    ------
    ValueError
        If the coefficients are not complex or fewer than three along an axis, the planes have
        another shape or are not finite, or the shape is not two whole numbers above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import compute_spline_coefficients, sample_fourier_planes_spline
    >>> coefficients = compute_spline_coefficients(np.full((4, 4, 4), 2.0 + 0.0j))
    >>> plane = [[0.0, 0.0, 0.0], [0.125, 0.0, 0.0], [0.0, 0.125, 0.0]]
    >>> sample_fourier_planes_spline(coefficients, [plane], (1, 2)).real.round(9)
    array([[[2., 2.]]])
    """
    coefficients = _read_complex("spline_coefficients", spline_coefficients, smallest=3)
    grid_shape = tuple(length - 2 for length in coefficients.shape)
    rows, columns = read_shape("shape", shape, 2)
    return _sample(coefficients, grid_shape, planes, (rows, columns), (rows, columns), order=3)


def sample_half_planes(
    values: NDArray[np.complexfloating[Any, Any]],
    grid_shape: tuple[int, int, int],
    planes: NDArray[np.float64],
    shape: tuple[int, int],
    order: int,
) -> NDArray[np.complexfloating[Any, Any]]:
    """Sample the half planes of images, zero frequency in the corner.

    Parameters
    ----------
    values
        The transform for the order 1, coefficients of its spline for the order 3.
    grid_shape
        Shape (z, y, x) of the transform.
    planes
        ``(planes, 3, 3)``, in cycles a voxel and the order (x, y, z): the zero frequency, and the
        steps along x and along y.
    shape
        Of the images, (y, x).
    order
        1 or 3.

    Returns
    -------
    NDArray
        ``(planes, y, x // 2 + 1)``.
    """
    half = (shape[0], shape[1] // 2 + 1)
    return _sample(values, grid_shape, planes, half, ((shape[0] + 1) // 2, half[1]), order)


def sample_curved_surfaces(
    values: NDArray[np.complexfloating[Any, Any]],
    grid_shape: tuple[int, int, int],
    planes: NDArray[np.float64],
    curvatures: NDArray[np.float64],
    shape: tuple[int, int],
    order: int,
) -> NDArray[np.complexfloating[Any, Any]]:
    """Sample surfaces over whole planes, zero frequency in the corner.

    Parameters
    ----------
    values, grid_shape, planes, shape, order
        As in `sample_half_planes`.
    curvatures
        ``(planes, 3)``: a frequency k of a plane is moved by the square of k times this, in cycles
        a voxel.

    Returns
    -------
    NDArray
        ``(planes, y, x)``.
    """
    n_positive = ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    return _sample(values, grid_shape, planes, shape, n_positive, order, curvatures)


def _sample(
    values: NDArray[Any],
    grid_shape: tuple[int, ...],
    planes: ArrayLike,
    shape: tuple[int, int],
    n_positive: tuple[int, int],
    order: int,
    curvatures: NDArray[np.float64] | None = None,
) -> NDArray[np.complexfloating[Any, Any]]:
    frames = read_reals("planes", planes)
    if frames.ndim != 3 or frames.shape[1:] != (3, 3):
        msg = f"planes: expected shape (planes, 3, 3), got {frames.shape}"
        raise ValueError(msg)
    check_finite("planes", frames)
    lengths = np.array(grid_shape[::-1], np.float64)
    cells = frames * lengths
    cells[:, 0] += lengths // 2
    # Frequencies from -1/2 to 1/2 of an even axis, to the last whole one of an odd axis; a turned
    # plane's may be larger by their rounding.
    lowest = -PLANE_ROUNDING * lengths
    highest = np.where(lengths % 2 == 0, lengths, lengths - 1) - lowest
    device = find_device_of(values)
    out: NDArray[Any] = device.xp.empty((len(frames), *shape), values.dtype)
    real_values, real_out = as_reals(values), as_reals(out).reshape(*out.shape, 2)
    if device.name == "cpu":
        tiles = _list_tiles(len(cells), shape)
        if len(cells) > 1:
            tiles = tiles[_order_tiles(tiles, cells, shape, n_positive, grid_shape)]
    else:
        tiles = _list_tiles_by_frequency(device, len(cells), shape, n_positive)
    surfaces = (cells,) if curvatures is None else (cells, curvatures * lengths)
    kernel = find_kernel("sample_planes" if curvatures is None else "sample_surfaces", device.name)

    def sample(start: int, stop: int) -> None:
        kernel(
            real_out, real_values, grid_shape, (0,) * order, *surfaces, n_positive, lowest,
            highest, tiles, TILE_SIDE, start, stop,
        )  # fmt: skip

    n_a_task = max(FEWEST_TILES_PER_TASK, even_size_of_tasks(len(tiles), TILES_PER_TASK))
    device.run_parts(sample, len(tiles), n_a_task)
    return out


def _read_complex(name: str, values: NDArray[Any], smallest: int) -> NDArray[Any]:
    device = find_device_of(values)
    sent = device.send(values)
    if sent.dtype.kind != "c" or sent.ndim != 3:
        msg = (
            f"{name}: expected a complex array of shape (z, y, x), got {sent.dtype} of shape "
            f"{sent.shape}"
        )
        raise ValueError(msg)
    if min(sent.shape) < smallest:
        msg = f"{name}: expected {smallest} or more along each axis, got shape {sent.shape}"
        raise ValueError(msg)
    working: NDArray[Any] = device.xp.ascontiguousarray(sent, get_working_dtype(sent.dtype))
    return working


def _list_tiles(n_planes: int, shape: tuple[int, int]) -> NDArray[np.int64]:
    """List the tiles of all planes: the plane, the first row, and the first column of each."""
    rows, columns = (np.arange(0, length, TILE_SIDE) for length in shape)
    tiles = np.empty((n_planes, len(rows), len(columns), 3), np.int64)
    tiles[..., 0] = np.arange(n_planes)[:, np.newaxis, np.newaxis]
    tiles[..., 1] = rows[:, np.newaxis]
    tiles[..., 2] = columns
    return tiles.reshape(-1, 3)


def _list_tiles_by_frequency(
    device: Device, n_planes: int, shape: tuple[int, int], n_positive: tuple[int, int]
) -> NDArray[np.int64]:
    """List the tiles of all planes, those next to frequency 0 of half planes first.

    Where planes are all over a volume, those of a distance from its middle share a shell of it: a
    card's cache holds that, and not the volume (scripts/bench --device cuda).
    """
    of_one = _list_tiles(1, shape)[:, 1:]
    rows, columns = _find_middles(of_one.T, shape, n_positive)
    of_one = of_one[np.argsort(rows**2 + columns**2, kind="stable")]
    tiles: NDArray[np.int64] = device.xp.empty((len(of_one), n_planes, 3), np.int64)
    tiles[..., 0] = device.xp.arange(n_planes)
    tiles[..., 1:] = device.send(of_one)[:, np.newaxis]
    return tiles.reshape(-1, 3)


def _find_middles(
    firsts: NDArray[np.int64], shape: tuple[int, int], n_positive: tuple[int, int]
) -> list[NDArray[np.int64]]:
    """Find the frequencies, in samples, of the middles of tiles from their first row and column."""
    return [
        np.where(first < positive, first, first - n) + TILE_SIDE // 2
        for first, positive, n in zip(firsts, n_positive, shape, strict=True)
    ]


def _order_tiles(
    tiles: NDArray[np.int64],
    cells: NDArray[np.float64],
    shape: tuple[int, int],
    n_positive: tuple[int, int],
    grid_shape: tuple[int, ...],
) -> NDArray[np.int64]:
    """Order tiles by where in the volume they are, along a curve through it."""
    planes, *firsts = tiles.T
    rows, columns = _find_middles(np.array(firsts), shape, n_positive)
    middles = cells[planes, 0]
    middles += columns[:, np.newaxis] * cells[planes, 1]
    middles += rows[:, np.newaxis] * cells[planes, 2]
    bricks = np.clip(middles, 0, np.array(grid_shape[::-1]) - 1) // TILE_SIDE
    return order_along_curve(bricks.T.astype(np.intp), max(grid_shape) // TILE_SIDE)
