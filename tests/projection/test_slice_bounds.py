"""Slices at a user's own frequencies, and beyond those of the volume."""

from __future__ import annotations

import naive
import numpy as np
import pytest
from slices import (
    KINDS,
    POSE,
    assert_close,
    compute_half,
    given_as_an_array,
    integrate,
    plane_of_frequencies,
    random_grid,
    random_map,
    sample,
    square_config,
    volume_of_grid,
)

from numbavol import (
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    ImageConfig,
)

# Coordinates of a user's own


@KINDS
@pytest.mark.parametrize("plane_shape", [(5, 7), (6, 5), (8, 3), (1, 1)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.9])
def test_half_of_a_plane_counts_for_grids_of_no_symmetry(plane_shape, scale, kind):
    grid = random_grid((6, 7, 8))
    plane = plane_of_frequencies(plane_shape, scale) @ naive.rotation_zyz(20, 50, 70)
    volume = volume_of_grid(kind, grid, plane)
    config = ImageConfig(plane_shape, 1.0)
    expected = compute_half(grid, plane, kind)
    assert_close(FourierSliceExtraction().integrate(volume, config), expected)


@KINDS
def test_frequencies_left_of_0_are_not_looked_at(kind):
    grid, plane = random_grid((7, 7, 7)), plane_of_frequencies((7, 7))
    config = ImageConfig((7, 7), 1.0)
    image = integrate(volume_of_grid(kind, grid, plane), config)
    plane[:, :, :3] = 0.123
    assert_close(integrate(volume_of_grid(kind, grid, plane), config), image)


@KINDS
def test_the_first_column_is_the_last_where_the_number_of_columns_is_even(kind):
    grid, plane = random_grid((6, 7, 8)), plane_of_frequencies((7, 8), 0.8)
    half = FourierSliceExtraction().integrate(
        volume_of_grid(kind, grid, plane), ImageConfig((7, 8), 1.0)
    )
    order = 1 if kind is FourierVoxelGridVolume else 3
    last = np.zeros((7, 3))
    last[:, 0], last[:, 1] = 0.4, 0.8 * np.fft.fftfreq(7)
    expected = sample(grid, last, order)
    expected[0] = expected[0].real
    assert_close(half[:, 4], expected)


# Beyond the frequencies of the volume

OPTIONS = [
    {"mode": "fill"},
    {"mode": "fill", "fill_value": 2.5},
    {"mode": "fill", "fill_value": 1.0 - 2.0j},
    {"mode": "wrap"},
    {"mode": "clip"},
]


@KINDS
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("given_as", ["frame", "array"])
def test_modes_of_what_is_beyond_of_odd_sides(given_as, options, kind):
    values = random_map((5, 9, 7))
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))
    volume = kind.from_real_voxel_grid(values)
    if given_as == "array":
        volume = given_as_an_array(volume)
    turned = plane_of_frequencies((9, 9)) @ naive.rotation_zyz(20, 50, 70)
    named = {"out_of_bounds_mode": options["mode"]}
    if "fill_value" in options:
        named["fill_value"] = options["fill_value"]
    half = FourierSliceExtraction(**named).integrate(
        volume.rotate_to_pose(POSE), square_config(volume)
    )
    assert_close(half, compute_half(grid, turned, kind, **options))


@KINDS
@pytest.mark.parametrize(
    "options",
    OPTIONS,
    ids=str,
)
def test_modes_of_what_is_beyond_of_even_sides(options, kind):
    values = random_map((6, 8, 4))
    grid = np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(values)))
    plane = plane_of_frequencies((7, 9), 1.5) @ naive.rotation_zyz(20, 50, 70)
    named = {"out_of_bounds_mode": options["mode"]}
    if "fill_value" in options:
        named["fill_value"] = options["fill_value"]
    volume = volume_of_grid(kind, grid, plane)
    half = FourierSliceExtraction(**named).integrate(volume, ImageConfig((7, 9), 1.0))
    assert_close(half, compute_half(grid, plane, kind, **options))


@KINDS
@pytest.mark.parametrize("side", [5, 6])
@pytest.mark.parametrize("mode", ["fill", "wrap", "clip"])
def test_nothing_is_beyond_at_the_identity(mode, side, kind):
    values = random_map((side,) * 3)
    image = integrate(kind.from_real_voxel_grid(values), out_of_bounds_mode=mode)
    assert_close(image, values.sum(0))
