"""Planes of a transform, points of a map and poses beside SciPy's, a correlation, and copies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage
from rows import Limit, Row, medians_in_turn
from scipy.spatial.transform import Rotation

import numbavol
from numbavol.kernels.copies import copy_past_caches

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 256
N_PLANES = 20
N_THREADS = 2
N_POINTS = 1_000_000
N_POSES = 100_000
# As large as the parts in which images come from a card.
COPIED_FLOATS, N_COPIES = 2**21, 32


def measure() -> list[Row | Limit]:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((SIDE,) * 3, dtype=np.float32)
    grid = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(values).fourier_voxel_grid
    coefficients = numbavol.compute_spline_coefficients(grid)
    turns = Rotation.random(N_PLANES, rng=0).as_matrix()
    half = (SIDE, SIDE // 2 + 1)
    planes = np.stack([-turns[:, 1] / 2, turns[:, 0] / SIDE, turns[:, 1] / SIDE], axis=1)
    y, x = np.indices(half)
    points = [
        np.moveaxis((first + x[..., np.newaxis] * a + y[..., np.newaxis] * b), -1, 0)[::-1] * SIDE
        + SIDE // 2
        for first, a, b in planes
    ]
    numbavol.set_num_threads(N_THREADS)
    rows: list[Row | Limit] = []
    with ThreadPoolExecutor(N_THREADS) as pool:

        def with_scipy(order: int) -> None:
            def interpolate(at: np.ndarray) -> np.ndarray:
                return scipy.ndimage.map_coordinates(
                    grid, at, order=order, mode="grid-wrap", prefilter=False
                )

            list(pool.map(interpolate, points))

        for order, name, target, sample in (
            (1, "linear", 3.5, lambda: numbavol.sample_fourier_planes(grid, planes, half)),
            (
                3,
                "cubic",
                2.5,
                lambda: numbavol.sample_fourier_planes_spline(coefficients, planes, half),
            ),
        ):
            ours, theirs = medians_in_turn([sample, lambda order=order: with_scipy(order)], 5)
            work = f"{name} slice of {SIDE}^3, half plane, 2 threads"
            peer = "scipy map_coordinates, 2 threads"
            rows.append(Row(work, ours / N_PLANES, peer, theirs / N_PLANES, target))
    rows.extend(_measure_points(values[:128, :128, :128].copy()))
    numbavol.set_num_threads(N_THREADS)
    other = values + rng.standard_normal(values.shape, dtype=np.float32)
    (fsc,) = medians_in_turn([lambda: numbavol.compute_fourier_shell_correlation(values, other)], 5)
    rows.append(Limit(f"Fourier shell correlation of {SIDE}^3", fsc, 0.5))
    rows.append(_measure_poses())
    rows.append(_measure_copies())
    numbavol.set_num_threads(None)
    return rows


def _measure_poses() -> Row:
    angles = np.random.default_rng(2).uniform(-180, 180, (N_POSES, 3))

    def make_ours() -> np.ndarray:
        poses = numbavol.EulerAnglePose(
            phi_angle=angles[:, 0], theta_angle=angles[:, 1], psi_angle=angles[:, 2]
        )
        return poses.rotation.as_matrix()

    def make_theirs() -> np.ndarray:
        return Rotation.from_euler("zyz", angles, degrees=True).as_matrix()

    ours, theirs = medians_in_turn([make_ours, make_theirs], 9)
    return Row(f"matrices of {N_POSES} Euler angles", ours, "scipy Rotation", theirs, 3.0)


def _measure_copies() -> Row:
    target = np.ones((N_COPIES, COPIED_FLOATS), np.float32)
    sources = [np.ones(COPIED_FLOATS, np.float32) for _ in range(N_THREADS)]
    with ThreadPoolExecutor(N_THREADS) as pool:

        def copy_all(copy: Callable[[np.ndarray, np.ndarray], None]) -> None:
            def copy_some(first: int) -> None:
                for row in target[first::N_THREADS]:
                    copy(row, sources[first])

            list(pool.map(copy_some, range(N_THREADS)))

        ours, theirs = medians_in_turn(
            [lambda: copy_all(copy_past_caches), lambda: copy_all(np.copyto)], 5
        )
    work = f"{N_COPIES} copies of {COPIED_FLOATS * 4 // 2**20} MiB, {N_THREADS} threads"
    return Row(work, ours, "numpy.copyto", theirs, 1.2)


def _measure_points(values: np.ndarray) -> list[Row]:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, np.min(values.shape) - 1, (3, N_POINTS))
    padded = numbavol.compute_spline_coefficients(values)
    coefficients = padded[1:-1, 1:-1, 1:-1].copy()
    numbavol.set_num_threads(1)
    rows = []
    for order, mode, peers_mode in (
        (0, "fill", "constant"),
        (1, "fill", "constant"),
        (0, "wrap", "grid-wrap"),
        (1, "wrap", "grid-wrap"),
        (3, "wrap", "grid-wrap"),
    ):
        ours, theirs = medians_in_turn(
            [
                lambda order=order, mode=mode: (
                    numbavol.map_coordinates_spline(padded, points, mode=mode)
                    if order == 3
                    else numbavol.map_coordinates(values, points, order, mode)
                ),
                lambda order=order, mode=peers_mode: scipy.ndimage.map_coordinates(
                    coefficients if order == 3 else values,
                    points,
                    order=order,
                    mode=mode,
                    prefilter=False,
                ),
            ],
            9,
        )
        work = f"{N_POINTS} random points of 128^3 in float32, order {order}, {mode}, 1 thread"
        rows.append(Row(work, ours, "scipy map_coordinates", theirs, 1.0))
    return rows
