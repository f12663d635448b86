"""Coordinates and frequencies of grids."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from numbavol.ndimage.grids import (
    make_1d_coordinate_grid,
    make_1d_frequency_grid,
    make_coordinate_grid,
    make_frequency_grid,
    make_frequency_slice,
    make_radial_coordinate_grid,
    make_radial_frequency_grid,
)
from numbavol.ndimage.transforms import rfftn

# Grids hold quotients and products of two numbers: each is rounded once or twice.
RTOL = 1e-15

shapes = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=9)
image_shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
lengths = st.one_of(st.sampled_from([1.0, 0.5]), st.floats(0.3, 7.0))
shapes_and_spacings = shapes.flatmap(
    lambda shape: st.tuples(
        st.just(shape), st.one_of(lengths, st.tuples(*(lengths for _ in shape)))
    )
)


def spacings_of_axes(shape, spacing):
    """In the order of the array's axes: (z, y, x)."""
    return np.broadcast_to(spacing, len(shape))[::-1]


@given(shapes_and_spacings)
def test_the_coordinate_of_voxel_i_is_its_distance_from_voxel_n_over_2(drawn):
    shape, spacing = drawn
    grid = make_coordinate_grid(shape, spacing)
    assert grid.shape == (*shape, len(shape))
    assert grid.dtype == np.dtype(np.float64)
    for index in naive.indices(shape):
        zyx = [
            naive.coordinate(i, n, length)
            for i, n, length in zip(index, shape, spacings_of_axes(shape, spacing), strict=True)
        ]
        np.testing.assert_allclose(grid[index], zyx[::-1], rtol=RTOL)


@given(shapes)
def test_the_origin_is_voxel_n_over_2(shape):
    middle = tuple(n // 2 for n in shape)
    grid = make_coordinate_grid(shape, 1.7)
    np.testing.assert_array_equal(grid[middle], np.zeros(len(shape)))
    np.testing.assert_array_equal(np.argwhere(np.all(grid == 0, axis=-1)), [middle])


def test_vectors_and_spacings_are_x_y_z():
    grid = make_coordinate_grid((2, 3, 4), (1.0, 10.0, 100.0))
    np.testing.assert_array_equal(grid[0, 0, 0], [-2, -10, -100])
    np.testing.assert_array_equal(grid[1, 2, 3], [1, 10, 0])
    frequencies = make_frequency_grid((2, 3, 4), (1.0, 10.0, 100.0))
    np.testing.assert_array_equal(frequencies[1, 1, 1], [1 / 4, 1 / 30, -1 / 200])


@pytest.mark.parametrize("is_halved", [False, True])
@given(drawn=shapes_and_spacings)
def test_frequencies_are_those_of_numpy(is_halved, drawn):
    shape, spacing = drawn
    axes = [
        np.fft.fftfreq(n, length)
        for n, length in zip(shape, spacings_of_axes(shape, spacing), strict=True)
    ]
    if is_halved:
        axes[-1] = np.fft.rfftfreq(shape[-1], spacings_of_axes(shape, spacing)[-1])
    expected = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    grid = make_frequency_grid(shape, spacing, outputs_rfftfreqs=is_halved)
    assert grid.dtype == np.dtype(np.float64)
    np.testing.assert_allclose(grid, expected, rtol=RTOL, strict=True)


@given(shapes)
def test_a_half_grid_is_that_of_a_half_transform(shape):
    assert make_frequency_grid(shape).shape == (*rfftn(np.zeros(shape)).shape, len(shape))


@pytest.mark.parametrize("n", range(2, 400, 2))
def test_nyquist_is_half_a_cycle_to_the_last_bit(n):
    assert make_1d_frequency_grid(n)[-1] == 0.5
    assert make_1d_frequency_grid(n, outputs_rfftfreqs=False)[n // 2] == -0.5


@given(image_shapes, lengths)
def test_a_full_slice_is_the_frequency_grid_with_zero_in_the_centre(shape, spacing):
    plane = make_frequency_slice(shape, spacing, outputs_rfftfreqs=False)
    corner = make_frequency_grid(shape, spacing, outputs_rfftfreqs=False)
    assert plane.shape == (1, *shape, 3)
    np.testing.assert_array_equal(plane[0, ..., :2], np.fft.fftshift(corner, axes=(0, 1)))
    np.testing.assert_array_equal(plane[..., 2], np.zeros((1, *shape)))
    np.testing.assert_array_equal(plane[0, shape[0] // 2, shape[1] // 2], [0, 0, 0])


@given(image_shapes, st.tuples(lengths, lengths))
def test_a_half_slice_starts_with_zero_along_x(shape, spacing):
    plane = make_frequency_slice(shape, spacing)
    corner = make_frequency_grid(shape, spacing)
    assert plane.shape == (1, shape[0], shape[1] // 2 + 1, 3)
    np.testing.assert_array_equal(plane[0, ..., :2], np.fft.fftshift(corner, axes=0))
    np.testing.assert_array_equal(plane[0, shape[0] // 2, 0], [0, 0, 0])
    assert np.all(plane[..., 0] >= 0)


@given(shapes_and_spacings)
def test_radial_grids_are_the_lengths_of_the_vectors(drawn):
    shape, spacing = drawn
    np.testing.assert_allclose(
        make_radial_coordinate_grid(shape, spacing),
        np.linalg.norm(make_coordinate_grid(shape, spacing), axis=-1),
        rtol=RTOL,
    )
    for is_halved in (False, True):
        np.testing.assert_allclose(
            make_radial_frequency_grid(shape, spacing, outputs_rfftfreqs=is_halved),
            np.linalg.norm(make_frequency_grid(shape, spacing, is_halved), axis=-1),
            rtol=RTOL,
        )


@given(st.integers(1, 30), lengths)
def test_grids_of_one_axis_are_the_components_of_vectors(n, spacing):
    np.testing.assert_array_equal(
        make_1d_coordinate_grid(n, spacing), make_coordinate_grid((n,), spacing)[:, 0]
    )
    for is_halved in (False, True):
        np.testing.assert_array_equal(
            make_1d_frequency_grid(n, spacing, is_halved),
            make_frequency_grid((n,), spacing, is_halved)[:, 0],
        )


makers = pytest.mark.parametrize(
    "make",
    [
        make_coordinate_grid,
        make_radial_coordinate_grid,
        make_frequency_grid,
        make_radial_frequency_grid,
    ],
)


@makers
@pytest.mark.parametrize("shape", [(), (2, 3, 4, 5), (0, 3), (2, -1), (2.0, 3.0), ((2, 3),)])
def test_a_shape_of_no_grid_is_an_error(make, shape):
    with pytest.raises(ValueError, match=r"shape: expected .* whole numbers above 0, got \("):
        make(shape)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 4), (0, 3)])
def test_a_slice_of_no_image_is_an_error(shape):
    with pytest.raises(ValueError, match=r"shape: expected 2 whole numbers above 0, got \("):
        make_frequency_slice(shape)


@pytest.mark.parametrize("make", [make_1d_coordinate_grid, make_1d_frequency_grid])
@pytest.mark.parametrize("size", [0, -3, 2.5, (3, 4)])
def test_an_axis_of_no_voxels_is_an_error(make, size):
    with pytest.raises(ValueError, match="size: expected"):
        make(size)


@makers
@pytest.mark.parametrize("spacing", [0.0, -1.0, np.nan, np.inf, (1.0, 0.0)])
def test_a_spacing_that_is_no_length_is_an_error(make, spacing):
    with pytest.raises(ValueError, match="grid_spacing: expected finite lengths above 0, got"):
        make((3, 4), spacing)


@makers
def test_spacings_of_another_number_of_axes_are_an_error(make):
    with pytest.raises(ValueError, match=r"grid_spacing: expected one number, .* got shape \(3,\)"):
        make((3, 4), (1.0, 2.0, 3.0))


def test_a_grid_that_does_not_fit_into_memory_says_so():
    with pytest.raises(MemoryError, match=r"shape: float64 of shape \(200000, 200000, 200000, 3"):
        make_coordinate_grid((200_000, 200_000, 200_000))


@pytest.mark.parametrize(
    "make", [make_frequency_grid, make_radial_frequency_grid, make_frequency_slice]
)
def test_a_word_is_not_taken_for_a_half_grid(make):
    with pytest.raises(TypeError, match="outputs_rfftfreqs: expected True or False, got 'no'"):
        make((4, 4), 1.0, "no")
    with pytest.raises(TypeError, match="outputs_rfftfreqs: expected True or False, got 'no'"):
        make_1d_frequency_grid(4, 1.0, "no")
