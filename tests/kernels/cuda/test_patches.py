"""Patches of images: wide windows, borders of images and pixels, and the order of positions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from patches import (
    STILL,
    WIDEST_WINDOW,
    Mixture,
    Points,
    check_projections,
    check_spreading,
    draw_mixture,
    draw_mixture_at_edges,
    draw_points,
    draw_window,
    join,
    project,
    spread,
    take,
)

from numbavol.kernels.cuda.patches import CELLS_A_PROFILE, PART_X, PART_Y
from numbavol.kernels.cuda.projected_gaussians import MOST_GAUSSIANS
from numbavol.kernels.cuda.warps import WARP

pytestmark = pytest.mark.cuda

REAL = [np.float32, np.float64]
ONE_PART = CELLS_A_PROFILE
LENGTHS = [ONE_PART - 1, ONE_PART, ONE_PART + 1, 2 * ONE_PART + 1, 3 * ONE_PART + 1]
SHAPES = [(1, 1), (PART_Y, PART_X), (1, 3 * PART_X + 1), (2 * PART_Y + 1, PART_X - 1)]


@pytest.fixture
def rng():
    return np.random.default_rng(23)


def place_window(firsts, length, deviations):
    """A mixture with one position, whose window has so many pixels an axis from the first on."""
    deviations = np.array(deviations, float)[np.newaxis]
    return Mixture(
        (np.array(firsts) + (length - 1) / 2)[np.newaxis],
        np.full(deviations.shape, (length - 2) / 2),
        np.linspace(1.0, -0.5, deviations.size, dtype=np.float32)[np.newaxis],
        (math.sqrt(0.5) / deviations).astype(np.float32),
    )


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("length", LENGTHS)
def test_windows_of_several_parts_along_an_axis(rng, length, axis):
    # Beyond either end of the image, from its first pixel on, and up to its last.
    offsets = np.zeros((4, 2))
    offsets[:, axis] = [-3, 0, 1, 2]
    shape = (3, length + 1) if axis == 0 else (length + 1, 3)
    mixture = place_window((0, 0), length, [length / 2])
    check_projections(rng.standard_normal((4, *shape)), mixture, offsets, antialias=axis == 0)


@pytest.mark.parametrize(
    ("firsts", "length"), [((1, 0), ONE_PART + 1), ((0, 1), 2 * ONE_PART), ((1, 1), 2 * ONE_PART)]
)
def test_windows_of_several_parts_along_both_axes(rng, firsts, length):
    sums = rng.standard_normal((1, length + 1, length + 2))
    check_projections(sums, place_window(firsts, length, [length / 2]))


@pytest.mark.parametrize("antialias", [True, False])
def test_every_kind_of_profile_in_several_parts(rng, antialias):
    length = 2 * ONE_PART
    deviations = np.resize([0.1, 0.15, 0.3, 0.6, 2.0, length], MOST_GAUSSIANS)
    mixture = place_window((1, 1 - length // 2), length, deviations)
    mixture.places[:] += [[0.5, 0.25]]
    mixture.radii[:] += 0.75
    check_projections(rng.standard_normal((1, 5, length + 2)), mixture, STILL, antialias)


def test_windows_of_one_part_and_of_several_in_a_block(rng):
    lengths = np.resize([2, 2 * ONE_PART, ONE_PART, 3], WARP)
    firsts = np.resize([3, 1, ONE_PART + 2, 2 * ONE_PART - 1], WARP)
    mixtures = [
        place_window((first, n % 3), length, [2.0, length])
        for n, (first, length) in enumerate(zip(firsts, lengths, strict=True))
    ]
    check_projections(rng.standard_normal((1, 4, 2 * ONE_PART + 2)), join(*mixtures))


@pytest.mark.parametrize("shape", SHAPES)
def test_images_narrower_and_wider_than_parts(rng, shape):
    mixture = draw_mixture(rng, shape, WARP, radius=PART_X)
    check_projections(rng.standard_normal((2, *shape)), mixture, [(0.0, 0.0), (1.0, -0.5)])


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0])
def test_places_at_edges_and_corners_of_pixels(rng, radius, antialias):
    mixture = draw_mixture_at_edges(rng, radius)
    check_projections(rng.standard_normal((1, 3, 4)), mixture, STILL, antialias)


def test_four_pixels_share_a_point_at_their_corner():
    mixture = Mixture(np.full((1, 2), 0.5), np.zeros((1, 1)), *np.float32([[[3.0]], [[1e30]]]))
    expected = np.zeros((1, 3, 3))
    expected[0, :2, :2] = 3.0
    np.testing.assert_array_equal(project(np.zeros((1, 3, 3)), mixture), expected)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("n", [1, WARP - 1, WARP, WARP + 1])
def test_about_as_many_positions_as_a_warp_has_lanes(rng, n, antialias):
    mixture = draw_mixture(rng, (3, 4), n)
    mixture.places[0] = 1.0
    mixture.places[1::5] = np.nan
    check_projections(rng.standard_normal((2, 3, 4)), mixture, [(0, 0), (-1.5, 0.5)], antialias)


@pytest.mark.parametrize("n", [1, WARP, WARP + 1])
def test_positions_that_are_all_outside(rng, n):
    outside = [(np.nan, 0), (0, np.nan), (-99, 0), (0, 99), (1e300, 0), (0, -np.inf), (np.inf, 0)]
    sums, window = rng.standard_normal((2, 3, 4)), draw_window(rng, 3, np.float64)
    for places in (np.resize(outside, (n, 2)), np.full((n, 2), np.nan)):
        mixture = draw_mixture(rng, (3, 4), n)._replace(places=places)
        offsets = [(0.0, 0.0), (1.0, 1.0)]
        np.testing.assert_array_equal(project(sums, mixture, offsets), sums)
        points = Points(places, np.ones(n))
        np.testing.assert_array_equal(spread(sums, points, 3, window, offsets), sums)


def permute_warps(rng):
    """Three warps' positions in other orders of the warps."""
    warps = np.arange(3 * WARP).reshape(3, WARP)
    return [warps[order].ravel() for order in ([2, 1, 0], rng.permutation(3))]


@pytest.mark.parametrize("antialias", [True, False])
def test_a_projection_does_not_depend_on_the_order_of_blocks_to_the_bit(rng, antialias):
    mixture, sums = draw_mixture(rng, (3, 4), 3 * WARP), rng.standard_normal((1, 3, 4))
    if not antialias:
        # The bound of all sums is rounded: that of equal terms is the same in any order.
        mixture.widths[:], mixture.amplitudes[:] = 0.5, np.copysign(1.3, mixture.amplitudes)
    expected = project(sums, mixture, STILL, antialias)
    for order in permute_warps(rng):
        found = project(sums, take(mixture, order), STILL, antialias)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("antialias", [True, False])
def test_projections_are_the_same_together_and_one_by_one_to_the_bit(rng, antialias):
    mixture, sums = draw_mixture(rng, (3, 4), WARP + 1), rng.standard_normal((3, 3, 4))
    offsets = rng.uniform(-1.0, 1.0, (3, 2))
    together = project(sums, mixture, offsets, antialias)
    for n in range(3):
        alone = project(sums[n : n + 1], mixture, offsets[n : n + 1], antialias)
        np.testing.assert_array_equal(together[n : n + 1], alone)


@pytest.mark.parametrize(
    ("width", "dtype"),
    [
        (ONE_PART - 1, np.float32),
        (ONE_PART, np.float64),
        (min(ONE_PART + 1, WIDEST_WINDOW), np.float32),
        (WIDEST_WINDOW, np.float64),
    ],
)
def test_points_spread_over_several_parts(rng, width, dtype):
    points = Points(np.array([(0.5, 2.0), (3.2, 1.3)]), np.array([-1.0, 2.0], dtype))
    offsets = [(0.0, 0.0), (1.0, -1.0)]
    grids = rng.standard_normal((2, width + 2, width + 1))
    check_spreading(grids, points, width, draw_window(rng, width, dtype), offsets)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("width", [2, 3])
def test_points_at_edges_and_centres_of_cells(rng, width, shift):
    points = Points(np.array([(-0.5, -0.5), (1.0, 2.0), (3.5, 2.5)]), np.float32([1.0, -2.0, 0.5]))
    window = draw_window(rng, width, np.float32)
    check_spreading(rng.standard_normal((1, 4, 5)), points, width, window, [(shift, shift)])


@pytest.mark.parametrize("shape", SHAPES)
def test_grids_narrower_and_wider_than_parts(rng, shape):
    points, grids = draw_points(rng, shape, WARP, np.float64), rng.standard_normal((1, *shape))
    points.places[0] = 0.0
    check_spreading(grids, points, 3, draw_window(rng, 3, np.float64))


@pytest.mark.parametrize("n", [1, WARP - 1, WARP, WARP + 1])
def test_about_as_many_points_as_a_warp_has_lanes(rng, n):
    points, window = draw_points(rng, (3, 4), n, np.float32), draw_window(rng, 4, np.float32)
    points.places[0] = 1.0
    points.places[1::5] = np.nan
    check_spreading(rng.standard_normal((2, 3, 4)), points, 4, window, [(0.0, 0.0), (-1.5, 0.5)])


@pytest.mark.parametrize("dtype", REAL)
def test_a_grid_does_not_depend_on_the_order_of_blocks_to_the_bit(rng, dtype):
    points, grids = draw_points(rng, (3, 4), 3 * WARP, dtype), rng.standard_normal((1, 3, 4))
    window = draw_window(rng, 3, dtype)
    # Their sum, a bound, is exact.
    points.strengths[:] = points.strengths.astype(np.float32)
    expected = spread(grids, points, 3, window)
    for order in permute_warps(rng):
        np.testing.assert_array_equal(spread(grids, take(points, order), 3, window), expected)


@pytest.mark.parametrize("dtype", REAL)
def test_grids_are_the_same_together_and_one_by_one_to_the_bit(rng, dtype):
    points, grids = draw_points(rng, (3, 4), WARP + 1, dtype), rng.standard_normal((3, 3, 4))
    window, offsets = draw_window(rng, 3, dtype), rng.uniform(-1.0, 1.0, (3, 2))
    together = spread(grids, points, 3, window, offsets)
    for n in range(3):
        alone = spread(grids[n : n + 1], points, 3, window, offsets[n : n + 1])
        np.testing.assert_array_equal(together[n : n + 1], alone)
