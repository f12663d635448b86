"""Sums on CUDA that single precision could spoil: what cancels, what is sharp, and what is many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from patches import (
    EPSILON,
    Mixture,
    check_projections,
    check_spreading,
    draw_mixture,
    draw_points,
    draw_window,
    join,
    project,
    spread,
)
from strategies import Scene

from numbavol.kernels.cuda.gaussians import MOST_IN_A_SUM
from numbavol.kernels.cuda.map_profiles import PART
from numbavol.kernels.cuda.patches import CELLS_A_PROFILE, LARGEST, OF_SECOND
from numbavol.kernels.cuda.warps import WARP

pytestmark = pytest.mark.cuda

REAL = [np.float32, np.float64]
SINGLE = 3e-6
# Of the sum of all amplitudes: a bound is 4, and as many parts as are in up to twice the bound.
WHOLE_NUMBER = 8 / (LARGEST * OF_SECOND)
POSITIONS_IN_A_SUM = MOST_IN_A_SUM + WARP


@pytest.fixture
def rng():
    return np.random.default_rng(24)


def test_amplitudes_that_cancel_within_a_block(rng):
    mixture = draw_mixture(rng, (3, 4), WARP)
    mixture.places[:] = [1.2, 0.7]
    mixture.amplitudes[::2] = [1e6, -1e6]
    mixture.widths[::2] = 0.5
    check_projections(rng.standard_normal((1, 3, 4)), mixture)


def test_blocks_that_cancel_leave_what_is_beside_them(rng):
    large, small = (draw_mixture(rng, (3, 4), WARP) for _ in range(2))
    large.amplitudes[:] *= 1e6
    opposite, sums = large._replace(amplitudes=-large.amplitudes), rng.standard_normal((1, 3, 4))
    expected = check_projections(sums, small)
    found = project(sums, join(large, small, opposite))
    tolerance = 3 * WHOLE_NUMBER * 2 * np.abs(large.amplitudes).sum() + 8 * EPSILON
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_all_amplitudes_together_fit_into_a_pixel(sign):
    n, amplitude = 2 * WARP, np.float32(sign * 1.5)
    mixture = Mixture(
        np.ones((n, 2)),
        np.zeros((n, 2)),
        np.full((n, 2), amplitude),
        np.full((n, 2), 1e30, np.float32),
    )
    expected = np.zeros((1, 2, 2))
    expected[0, 1, 1] = 4 * 2 * n * np.float64(amplitude)
    np.testing.assert_array_equal(project(np.zeros((1, 2, 2)), mixture), expected)


@pytest.mark.parametrize(("amount", "expected"), [(-0.7, -1), (-0.3, 0), (0.3, 0), (1.4, 1)])
def test_sums_are_rounded_to_the_nearest_whole_number(amount, expected):
    # The bound is of an amplitude of 1, outside of the image: 4, for which 8 has all the parts.
    smallest = 8 / (LARGEST * OF_SECOND)
    mixture = Mixture(
        np.array([[0.0, 0.0], [99.0, 0.0]]),
        np.zeros((2, 1)),
        np.float32([[amount * smallest / 4], [1.0]]),
        np.full((2, 1), 1e30, np.float32),
    )
    np.testing.assert_array_equal(project(np.zeros((1, 1, 1)), mixture), expected * smallest)


def test_amplitudes_of_zero_add_nothing(rng):
    mixture, sums = draw_mixture(rng, (3, 4), WARP + 1), rng.standard_normal((1, 3, 4))
    nothing = mixture._replace(amplitudes=np.zeros_like(mixture.amplitudes))
    np.testing.assert_array_equal(project(sums, nothing), sums)
    expected = check_projections(sums, mixture)
    np.testing.assert_array_equal(project(sums, join(mixture, nothing)), expected)


@pytest.mark.parametrize("dtype", REAL)
def test_strengths_that_cancel_within_a_block(rng, dtype):
    points, grids = draw_points(rng, (3, 4), WARP, dtype), rng.standard_normal((1, 3, 4))
    points.places[:] = [1.2, 0.7]
    points.strengths[::2] = np.resize([1e6, -1e6], WARP // 2)
    check_spreading(grids, points, 4, draw_window(rng, 4, dtype))


@pytest.mark.parametrize("dtype", REAL)
def test_blocks_of_points_that_cancel_leave_what_is_beside_them(rng, dtype):
    window, grids = draw_window(rng, 4, dtype), rng.standard_normal((1, 3, 4))
    large, small = (draw_points(rng, (3, 4), WARP, dtype) for _ in range(2))
    large.strengths[:] *= 1e6
    opposite = large._replace(strengths=-large.strengths)
    expected = check_spreading(grids, small, 4, window)
    found = spread(grids, join(large, small, opposite), 4, window)
    # Cells of a window that wraps around meet in one of the grid.
    tolerance = 4 * 3 * WHOLE_NUMBER * 2 * np.abs(large.strengths).sum() + 8 * EPSILON
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_strengths_of_zero_add_nothing(rng):
    points, window = draw_points(rng, (3, 4), WARP + 1, np.float32), draw_window(rng, 3, np.float32)
    grids, nothing = rng.standard_normal((1, 3, 4)), points._replace(strengths=0 * points.strengths)
    np.testing.assert_array_equal(spread(grids, nothing, 3, window), grids)
    expected = check_spreading(grids, points, 3, window)
    np.testing.assert_array_equal(spread(grids, join(points, nothing), 3, window), expected)


def place_a_flank(cells, deviation):
    """Where a Gaussian's flank is at cells, and a distance from cell 0 is rounded by half a bit."""
    spacing = np.spacing(np.asarray(cells, np.float32)).astype(np.float64)
    return cells - (np.round(0.6 * deviation / spacing) + 0.45) * spacing


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("deviation", [0.01, 0.1])
def test_sharp_gaussians_in_wide_windows(deviation, antialias):
    # At an edge of a pixel, or at its centre.
    place = place_a_flank(CELLS_A_PROFILE - (0.5 if antialias else 1.0), deviation)
    width = math.sqrt(0.5) / deviation
    radii = np.full((1, 1), float(CELLS_A_PROFILE))
    mixture = Mixture(np.full((1, 2), place), radii, *np.float32([[[1.0]], [[width]]]))
    sums = np.zeros((1, CELLS_A_PROFILE + 2, CELLS_A_PROFILE + 1))
    check_projections(sums, mixture, antialias=antialias)


def check_map(scene):
    found = scene.render(dtype=np.float32, device="cuda", tolerance=0.0)
    expected = scene.render(dtype=np.float64, device="cpu", tolerance=0.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=SINGLE * np.abs(expected).max())


@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_sharp_gaussians_at_the_far_end_of_a_part(deviation):
    sides = np.array([PART, PART, PART])
    positions = place_a_flank(sides - 0.5, deviation) - sides // 2
    one = np.ones((1, 1))
    check_map(Scene((PART, PART, PART), 1.0, positions[np.newaxis], one, deviation**2 * one))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("deviation", [1e-12, 1e-9, 1e-7, 1e-4])
@pytest.mark.parametrize("beside", [-1e-7, -1.5e-8, -1e-9, 0.0, 1e-12, 1.5e-8, 1e-7])
def test_all_of_a_sharp_gaussian_beside_a_border_is_in_the_map(beside, deviation, dtype):
    # Single precision rounds how far cells are, of neighbours in other ways.
    positions, one = np.array([[0.5 + beside, -0.5 + beside, 0.5 - beside]]), np.ones((1, 1))
    scene = Scene((3, 3, 4), 1.0, positions, one, deviation**2 * one)
    found = scene.render(dtype=dtype, device="cuda", tolerance=0.0)
    np.testing.assert_allclose(found.sum(dtype=np.float64), 1.0, rtol=3e-6)
    assert found.min() >= 0.0


@pytest.mark.parametrize("n", [MOST_IN_A_SUM, POSITIONS_IN_A_SUM + 1, 3 * POSITIONS_IN_A_SUM + 1])
def test_maps_of_many_positions_at_a_place(rng, n):
    positions = np.tile([0.2, -0.3, 0.4], (n, 1))
    amplitudes, variances = rng.uniform(0.5, 2.0, (n, 1)), rng.uniform(0.5, 1.5, (n, 1))
    check_map(Scene((2, 1, 3), 1.0, positions, amplitudes, variances))


@pytest.mark.parametrize("amplitude", [0.3, 0.7, 1.1])
def test_equal_terms_lose_few_digits_together(amplitude):
    # Each addition rounds the same way: a bound on how many are added in single precision.
    n = 4 * POSITIONS_IN_A_SUM
    scene = Scene((1, 1, 1), 1.0, np.zeros((n, 3)), np.full((n, 1), amplitude), np.ones((n, 1)))
    found, expected = (
        scene.render(dtype=dtype, device=device, tolerance=0.0)
        for dtype, device in ((np.float32, "cuda"), (np.float64, "cpu"))
    )
    np.testing.assert_allclose(found, expected, rtol=5e-6)


def test_what_rounding_takes_from_a_sum_is_in_the_next():
    n = 8 * POSITIONS_IN_A_SUM
    # Less than half of what lies between the first sum and the next number of single precision.
    amplitudes = np.full((n, 1), 0.9 / POSITIONS_IN_A_SUM)
    amplitudes[0] = 2.0**24
    # Of points, all is in a voxel, and no profile is rounded.
    scene = Scene((1, 1, 1), 1.0, np.zeros((n, 3)), amplitudes, np.full((n, 1), 1e-8))
    found = scene.render(dtype=np.float32, device="cuda", tolerance=0.0)
    np.testing.assert_allclose(found, amplitudes.sum(), rtol=0, atol=3.0)
