"""Planes of a transform: linear and cubic samples, the band and its Nyquist planes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from numbavol import (
    compute_spline_coefficients,
    map_coordinates,
    sample_fourier_planes,
    sample_fourier_planes_spline,
    set_num_threads,
)

# Weights and coordinates are rounded in another order than in map_coordinates.
ROUNDING = 1e-12

shapes = st.tuples(*[st.integers(1, 9)] * 3)
image_shapes = st.tuples(st.integers(1, 9), st.integers(1, 6))


def random_grid(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def transform_of_map(shape: tuple[int, ...]) -> np.ndarray:
    values = np.random.default_rng(3).standard_normal(shape)
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))


def half_planes(shape: tuple[int, int], n_planes: int, seed: int = 1) -> np.ndarray:
    """Turned half planes in cycles a voxel, as long as the longest side is."""
    turns = Rotation.random(n_planes, rng=seed).as_matrix()
    side = max(shape[0], 2 * shape[1])
    along_x, along_y = turns[:, 0] / side, turns[:, 1] / side
    return np.stack([-(shape[0] // 2) * along_y, along_x, along_y], axis=1)


def frequencies_of(planes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.indices(shape)[..., np.newaxis]
    first, along_x, along_y = (planes[:, np.newaxis, np.newaxis, n] for n in range(3))
    return first + x * along_x + y * along_y


def is_in_band(frequencies: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    lengths = np.array(shape[::-1])
    highest = np.where(lengths % 2 == 0, 0.5, (lengths - 1) / (2 * lengths))
    # The steps of a plane are rounded.
    return np.all(np.abs(frequencies) <= highest + 1e-14, axis=-1)


def sample(grid: np.ndarray, planes: np.ndarray, shape: tuple[int, int], order: int) -> np.ndarray:
    if order == 1:
        return sample_fourier_planes(grid, planes, shape)
    return sample_fourier_planes_spline(compute_spline_coefficients(grid), planes, shape)


@pytest.mark.parametrize("order", [1, 3])
@given(shape=shapes, image_shape=image_shapes)
def test_samples_are_interpolated_values_in_the_band_and_0_outside(order, shape, image_shape):
    grid, planes = random_grid(shape), 1.2 * half_planes(image_shape, 2)
    frequencies = frequencies_of(planes, image_shape)
    cells = [frequencies[..., 2 - axis] * n + n // 2 for axis, n in enumerate(shape)]
    expected = map_coordinates(grid, cells, order, mode="wrap")
    expected[~is_in_band(frequencies, shape)] = 0.0
    np.testing.assert_allclose(
        sample(grid, planes, image_shape, order), expected, rtol=0, atol=ROUNDING
    )


@pytest.mark.parametrize("order", [1, 3])
@given(shape=shapes)
def test_samples_of_a_maps_transform_are_hermitian(order, shape):
    grid = transform_of_map(shape)
    planes = half_planes((7, 5), 2)
    opposite = -planes
    expected = np.conj(sample(grid, planes, (7, 5), order))
    # Sums of up to 729 values of size 1.
    np.testing.assert_allclose(sample(grid, opposite, (7, 5), order), expected, atol=1e-10)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("shape", [(6, 8, 4), (5, 7, 3), (6, 5, 8)])
def test_the_nyquist_plane_of_an_even_axis_belongs_to_both_ends(order, shape):
    grid = random_grid(shape)
    for axis, length in enumerate(shape):
        plane = np.zeros((2, 3, 3))
        plane[0, 0, 2 - axis], plane[1, 0, 2 - axis] = 0.5, -0.5
        above, below = sample(grid, plane, (1, 1), order)[:, 0, 0]
        place = [n // 2 for n in shape]
        place[axis] = 0
        expected = grid[tuple(place)] if length % 2 == 0 else 0.0
        np.testing.assert_allclose([above, below], expected, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("order", [1, 3])
def test_the_unturned_plane_is_the_middle_of_the_grid(order):
    grid = random_grid((6, 6, 6))
    step = 1 / 6
    plane = np.array([[[0.0, -0.5, 0.0], [step, 0.0, 0.0], [0.0, step, 0.0]]])
    np.testing.assert_allclose(sample(grid, plane, (6, 3), order)[0], grid[3, :, 3:], atol=ROUNDING)


@pytest.mark.parametrize("order", [1, 3])
def test_a_central_slice_is_the_transform_of_a_projection(order):
    values = np.random.default_rng(4).standard_normal((8, 8, 8))
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))
    plane = np.array([[[0.0, -0.5, 0.0], [1 / 8, 0.0, 0.0], [0.0, 1 / 8, 0.0]]])
    half = np.fft.fftshift(np.fft.rfftn(np.fft.ifftshift(values.sum(axis=0))), axes=0)
    np.testing.assert_allclose(sample(grid, plane, (8, 5), order)[0], half, atol=ROUNDING * 8**3)


@pytest.mark.parametrize("order", [1, 3])
def test_single_precision_stays_single(order):
    grid, planes = random_grid((9, 8, 7)), half_planes((8, 5), 3)
    single = sample(grid.astype(np.complex64), planes, (8, 5), order)
    assert single.dtype == np.complex64
    # Sixty-four products of numbers near 1, rounded at 6e-8.
    np.testing.assert_allclose(single, sample(grid, planes, (8, 5), order), atol=5e-6)


@pytest.mark.compiled
def test_the_number_of_threads_changes_no_bit():
    grid, planes = random_grid((16, 16, 16)), half_planes((64, 33), 30)
    set_num_threads(1)
    expected = sample_fourier_planes(grid, planes, (64, 33))
    set_num_threads(3)
    np.testing.assert_array_equal(sample_fourier_planes(grid, planes, (64, 33)), expected)
    set_num_threads(None)


def test_no_plane_gives_no_image():
    assert sample_fourier_planes(random_grid((4, 4, 4)), np.zeros((0, 3, 3)), (4, 3)).shape == (
        0,
        4,
        3,
    )


@pytest.mark.parametrize(
    ("planes", "message"),
    [
        (np.zeros((3, 3)), r"planes: expected shape \(planes, 3, 3\), got \(3, 3\)"),
        (np.full((1, 3, 3), np.nan), r"planes: expected finite values, got nan"),
    ],
)
def test_wrong_planes_are_named(planes, message):
    with pytest.raises(ValueError, match=message):
        sample_fourier_planes(random_grid((4, 4, 4)), planes, (4, 3))


@pytest.mark.parametrize("shape", [(0, 0, 0), (4, 0, 4)])
def test_a_grid_without_elements_is_an_error(shape):
    with pytest.raises(ValueError, match=r"fourier_voxel_grid: expected 1 or more along each axis"):
        sample_fourier_planes(np.ones(shape, complex), np.zeros((1, 3, 3)), (2, 2))


@pytest.mark.parametrize("shape", [(0, 0, 0), (1, 1, 1), (2, 2, 2), (1, 2, 2), (3, 2, 3)])
def test_too_few_coefficients_are_an_error(shape):
    with pytest.raises(ValueError, match=r"spline_coefficients: expected 3 or more along each"):
        sample_fourier_planes_spline(np.ones(shape, complex), np.full((1, 3, 3), 0.3), (2, 2))


@pytest.mark.parametrize("take", [sample_fourier_planes, sample_fourier_planes_spline])
@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(">c8", np.complex64), (">c16", np.complex128), (np.clongdouble, np.complex128)],
)
def test_complex_numbers_of_any_kind_are_taken_in_their_precision(take, dtype, expected):
    grid, planes = random_grid((5, 6, 7)).astype(np.complex64), half_planes((4, 3), 2)
    made = take(grid.astype(dtype), planes, (4, 3))
    assert made.dtype == expected
    np.testing.assert_array_equal(made, take(grid.astype(expected), planes, (4, 3)))


@pytest.mark.parametrize("take", [sample_fourier_planes, sample_fourier_planes_spline])
@pytest.mark.parametrize("shape", [(2,), (2, 0), (2.0, 2.0), 4])
def test_a_shape_of_no_plane_is_named(take, shape):
    with pytest.raises(ValueError, match=r"shape: expected 2 whole numbers above 0, got"):
        take(random_grid((4, 4, 4)), np.zeros((1, 3, 3)), shape)
