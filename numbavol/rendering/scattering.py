"""Transforms of points times what each of them scatters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.ndimage.open_grids import OpenGrid

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.ndimage.nonuniform import HalfTransform
    from numbavol.ndimage.nonuniform_cuda import HalfTransformOnCuda
    from numbavol.ndimage.operators import AbstractFourierOperator
    from numbavol.ndimage.operators.base import Gaussians

    Filter = Callable[[NDArray[np.complexfloating[Any]], int], None]

ROWS_PER_TASK = 8


def add_scattered(
    total: NDArray[np.complexfloating[Any]],
    transform: HalfTransform | HalfTransformOnCuda,
    operator: AbstractFourierOperator,
    grid: OpenGrid,
    of_voxels: list[NDArray[np.float64]],
    frequency_grid: NDArray[np.floating[Any]] | None,
) -> None:
    """Add the transform of points times their scattering factor.

    Parameters
    ----------
    total
        Half transform of a map, ``(z, y, x // 2 + 1)``, the zero frequency in the corner.
    transform
        Has the points' transform, but for the axis z.
    operator
        The scattering factor.
    grid
        The frequencies of `total` in inverse angstroms.
    of_voxels
        Factors along z, y and x that have nothing to do with atoms.
    frequency_grid
        The frequencies at which the factor is evaluated, in place of those of `grid`.
    """
    gaussians = operator.get_gaussians() if frequency_grid is None else None
    along_axes = [
        deconvolution * of_voxel
        for deconvolution, of_voxel in zip(transform.deconvolution, of_voxels, strict=True)
    ]
    if gaussians is None:
        add = _make_operator_filter(total, operator, grid, along_axes, frequency_grid)
    else:
        add = _make_gaussian_filter(total, gaussians, grid, along_axes)

    def transform_rows(start: int, stop: int) -> None:
        add(transform.transform_along_z(start, stop), start)

    find_device_of(total).run_parts(transform_rows, total.shape[1], ROWS_PER_TASK)


def _make_gaussian_filter(
    total: NDArray[np.complexfloating[Any]],
    gaussians: Gaussians,
    grid: OpenGrid,
    along_axes: list[NDArray[np.float64]],
) -> Filter:
    amplitudes, b_factors = gaussians
    along_z, along_y, along_x = (
        (np.exp(-np.multiply.outer(b_factors, axis**2) / 4) * factor).astype(total.real.dtype)
        for axis, factor in zip(grid.axes, along_axes, strict=True)
    )
    along_z *= amplitudes[:, np.newaxis].astype(along_z.dtype)
    along_x = np.repeat(along_x, 2, axis=1)
    device = find_device_of(total)
    kernel = find_kernel("add_gaussian_filtered", device.name)
    factors = tuple(map(device.send, (along_z, along_y, along_x)))
    parts = _as_parts(total)
    return lambda rows, start: kernel(parts, _as_parts(rows), *factors, start)


def evaluate_factor(operator: AbstractFourierOperator, vectors: NDArray[np.floating[Any]]) -> Any:
    """Evaluate a scattering factor at frequencies, ``(..., 2)`` or ``(..., 3)``.

    Raises
    ------
    ValueError
        If a value is not finite; says at which frequency.
    """
    factor = np.asarray(operator(vectors))
    is_wrong = ~np.isfinite(factor)
    if is_wrong.any():
        where = np.broadcast_to(vectors, (*factor.shape, vectors.shape[-1]))[is_wrong][0]
        msg = (
            f"scattering_factor_pytree: expected finite values of {type(operator).__name__}, got "
            f"{factor[is_wrong][0]} at the frequency {where.tolist()} of inverse angstroms"
        )
        raise ValueError(msg)
    return factor


def _make_operator_filter(
    total: NDArray[np.complexfloating[Any]],
    operator: AbstractFourierOperator,
    grid: OpenGrid,
    along_axes: list[NDArray[np.float64]],
    given: NDArray[np.floating[Any]] | None,
) -> Filter:
    along_z, along_y, along_x = along_axes
    send = find_device_of(total).send

    def add(rows: NDArray[np.complexfloating[Any]], start: int) -> None:
        chosen = slice(start, start + rows.shape[1])
        here = OpenGrid([grid.axes[0], grid.axes[1][chosen], grid.axes[2]], np.float64)
        vectors = here[:] if given is None else given[:, chosen]
        factor = evaluate_factor(operator, vectors) * along_z[:, np.newaxis, np.newaxis]
        factor *= along_y[chosen, np.newaxis]
        factor *= along_x
        total[:, chosen] += send(factor) * rows

    return add


def _as_parts(transform: NDArray[np.complexfloating[Any]]) -> NDArray[np.floating[Any]]:
    parts: NDArray[np.floating[Any]] = transform.view(transform.real.dtype)
    return parts
