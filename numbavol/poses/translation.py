"""A shift in Fourier space: the phase ramp, and its product with a half transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_is_on_host, read_reals
from numbavol.kernels.dispatch import find_device_of, find_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

# An operator rounded to complex64 is 1 to about 1e-7 at zero frequency.
_CORNER_TOLERANCE = 1e-6


def compute_phase_ramp(
    frequency_grid: ArrayLike, offset_x: float, offset_y: float
) -> NDArray[np.complex128]:
    """Compute `exp(-2 pi i (q_x t_x + q_y t_y))` on a grid of frequencies.

    Parameters
    ----------
    frequency_grid
        `(q_x, q_y)` in inverse angstroms, shape `(y, x, 2)`.
    offset_x, offset_y
        The shift in angstroms.

    Raises
    ------
    ValueError
        If the grid has another shape.
    """
    grid = read_reals("frequency_grid_in_angstroms", frequency_grid)
    if grid.ndim != 3 or grid.shape[-1] != 2:
        msg = f"frequency_grid_in_angstroms: expected shape (y, x, 2), got {grid.shape}"
        raise ValueError(msg)
    phase = grid[..., 0] * offset_x + grid[..., 1] * offset_y
    ramp: NDArray[np.complex128] = np.exp(-2j * np.pi * phase)
    return ramp


def multiply_phase_ramp(
    fourier_image: ArrayLike, operator: ArrayLike, shape: Sequence[int]
) -> NDArray[np.complex64] | NDArray[np.complex128]:
    """Multiply a half transform by a phase ramp, so that the image stays real.

    The Nyquist frequency of an even axis is as much negative as positive. There, the axis's factor
    of the ramp is the mean of both: its real part.

    Parameters
    ----------
    fourier_image, operator
        Shape `(y, x//2 + 1)`, zero frequency in the corner.
    shape
        `(y, x)` of the image in real space.

    Returns
    -------
    NDArray
        A new array, complex64 if `fourier_image` is (or is float32), complex128 otherwise.

    Raises
    ------
    ValueError
        If a shape does not match `shape`, or the operator is not 1 in the corner.
    """
    if len(shape) != 2 or min(shape) < 1:
        msg = f"shape: expected two positive numbers (y, x), got {shape}"
        raise ValueError(msg)
    n_y, n_x = shape
    check_is_on_host("fourier_image", fourier_image)
    check_is_on_host("translation_operator", operator)
    image = np.asarray(fourier_image)
    image = image.astype(np.result_type(image, np.complex64), copy=False)
    ramp = np.array(operator, dtype=np.complex128)
    for name, array in (("fourier_image", image), ("translation_operator", ramp)):
        if array.shape != (n_y, n_x // 2 + 1):
            msg = (
                f"{name}: expected shape {(n_y, n_x // 2 + 1)}, the half transform "
                f"of an image of shape {(n_y, n_x)}, got {array.shape}"
            )
            raise ValueError(msg)
    if abs(ramp[0, 0] - 1) > _CORNER_TOLERANCE:
        msg = (
            "translation_operator: expected zero frequency in the corner, "
            f"that is, a first value of 1, got {ramp[0, 0]}"
        )
        raise ValueError(msg)

    # The ramp is the product of its first column and its first row, so it can be made again
    # where one of the two changes.
    column, row = _balance_nyquist(ramp[:, 0], n_y), _balance_nyquist(ramp[0], n_x)
    if n_x % 2 == 0:
        ramp[:, n_x // 2] = column * row[n_x // 2]
    if n_y % 2 == 0:
        ramp[n_y // 2] = column[n_y // 2] * row
    return (image * ramp).astype(image.dtype)


def shift_half_transform(
    half: NDArray[np.complexfloating[Any]],
    shape: tuple[int, int],
    offset_in_pixels: NDArray[np.float64],
    factor: float = 1.0,
) -> NDArray[np.complexfloating[Any]]:
    """Multiply half transforms, or whole ones, by the phase ramp of a shift, one factor an axis.

    Parameters
    ----------
    half
        Shape `(y, x//2 + 1)`, or `(y, x)` of whole transforms, zero frequency in the corner; or n
        of them along an axis before these.
    shape
        `(y, x)` of an image in real space.
    offset_in_pixels
        `(x, y)`, of shape `(2,)`; or `(n, 2)`.
    factor
        Multiplies all.
    """
    device = find_device_of(half)
    moved: NDArray[np.complexfloating[Any]] = device.xp.empty(half.shape, half.dtype)
    shift = find_kernel("shift_half_transforms", device.name)
    each = half.reshape(-1, *half.shape[-2:])
    # A copy can be written, whatever came: the kernel is compiled once.
    offsets = np.array(np.broadcast_to(offset_in_pixels, (len(each), 2)), order="C")
    shift(moved.reshape(each.shape), each, shape[1], offsets, factor)
    return moved


def _balance_nyquist(ramp: NDArray[np.complex128], n: int) -> NDArray[np.complex128]:
    """Take the mean of both signs at the Nyquist frequency of an axis of `n` elements."""
    balanced = ramp.copy()
    if n % 2 == 0:
        balanced[n // 2] = balanced[n // 2].real
    return balanced
