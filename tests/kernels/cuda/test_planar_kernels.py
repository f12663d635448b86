"""Images of Gaussians and grids of points on CUDA against the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from planar import (
    check_projection,
    check_spreading,
    draw_projection,
    draw_spreading,
    run_on_both,
    scale_gaussians,
)

from numbavol.kernels.cuda.launch import THREADS_A_BLOCK
from numbavol.kernels.cuda.patches import THREADS
from numbavol.kernels.cuda.projected_gaussians import MOST_GAUSSIANS
from numbavol.kernels.cuda.warps import WARP

pytestmark = pytest.mark.cuda

NOWHERE = np.array([[1e3] * 3, [np.nan] * 3, [-1e9] * 3])


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(
    ("shape", "k"), [((5, 6), 1), ((1, 3), MOST_GAUSSIANS), ((4, 4), MOST_GAUSSIANS)]
)
def test_projections(rng, shape, k, antialias):
    arguments = draw_projection(rng, shape, 4, k, antialias)
    expected, _ = check_projection(arguments)
    assert not np.array_equal(expected, arguments[0])


def test_a_projection_is_the_same_to_the_bit_whenever_it_is_computed(rng):
    arguments = draw_projection(rng, (3, 4), 5, 2, antialias=True, n_images=1)
    first, second = (run_on_both("project_gaussians", *arguments)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("deviation", [0.01, 0.3, 50.0])
def test_projections_of_sharp_and_wide_gaussians(rng, deviation, antialias):
    deviations = (deviation, 1.1 * deviation)
    check_projection(draw_projection(rng, (3, 4), 3, 2, antialias, deviations=deviations))


def test_projections_of_more_positions_than_a_block_has_threads(rng):
    n = 2 * THREADS + WARP + 1
    check_projection(draw_projection(rng, (3, 4), n, 1, antialias=True, n_images=1))


def test_projections_of_nothing(rng):
    for n in (0, 3):
        arguments = draw_projection(rng, (4, 5), n, 1, antialias=True)
        # Outside of the image, or nowhere.
        arguments.positions[:] = NOWHERE[:n]
        _, found = check_projection(arguments)
        np.testing.assert_array_equal(found, arguments[0])


def test_gaussians_in_pixels(rng):
    n = THREADS_A_BLOCK + 1
    some = rng.permutation(n + 3)[:n]
    arguments = (
        some,
        *(rng.normal(size=(n + 3, k)) for k in (3, 2)),
        rng.uniform(0, 4, (n + 3, 2)),
    )
    found, expected = (
        scale_gaussians(device, *arguments, 1.7, 4.5, 1e12) for device in ("cuda", "cpu")
    )
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=4 * np.finfo(one.dtype).eps)


@pytest.mark.parametrize(
    ("shape", "width", "dtype"),
    [((3, 4), 4, np.float32), ((1, 5), 2, np.float32), ((3, 2), 5, np.float64)],
)
def test_spreading(rng, shape, width, dtype):
    arguments = draw_spreading(rng, shape, 4, dtype, width=width)
    expected, _ = check_spreading(arguments)
    assert not np.array_equal(expected, arguments[0])


def test_a_grid_is_the_same_to_the_bit_whenever_it_is_computed(rng):
    arguments = draw_spreading(rng, (2, 3), 4, np.float32, width=2, n_images=1)
    first, second = (run_on_both("spread_in_plane", *arguments)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("shape", "width", "dtype"), [((2, 3), 7, np.float32), ((1, 1), 12, np.float64)]
)
def test_windows_wider_than_the_grid_wrap_around(rng, shape, width, dtype):
    arguments = draw_spreading(rng, shape, 2, dtype, width=width, n_images=1)
    # In the image, all of them.
    arguments.positions[:] *= 0.1
    arguments.offsets[:] = (arguments.lowest + arguments.highest) / 2
    check_spreading(arguments)


def test_spreading_of_more_points_than_a_block_has_threads(rng):
    n = 2 * THREADS + WARP + 1
    check_spreading(draw_spreading(rng, (1, 2), n, np.float32, width=2, n_images=1))


def test_spreading_of_nothing(rng):
    for n in (0, 3):
        arguments = draw_spreading(rng, (3, 4), n, np.float32)
        arguments.positions[:] = NOWHERE[:n]
        _, found = check_spreading(arguments)
        np.testing.assert_array_equal(found, arguments[0])


@pytest.fixture
def rng():
    return np.random.default_rng(22)
