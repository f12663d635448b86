"""Masks with a soft edge: what they are, voxel by voxel."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import specimens
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.masks import (
    CircularCosineMask,
    Cylindrical2DCosineMask,
    Cylindrical3DCosineMask,
    Rectangular2DCosineMask,
    Rectangular3DCosineMask,
    SphericalCosineMask,
    SquareCosineMask,
)


def edge(distance, start, width):
    """The raised cosine at one distance, by cases."""
    if distance <= start:
        return 1.0
    if distance >= start + width:
        return 0.0
    return (1 + math.cos(math.pi * (distance - start) / width)) / 2


@given(specimens.masks())
def test_values_are_from_zero_to_one_and_fall_along_a_ray(drawn):
    mask, grid = drawn
    array = mask.get()
    assert array.shape == grid.shape[:-1]
    assert array.min() >= 0
    assert array.max() <= 1
    assert array[tuple(n // 2 for n in array.shape)] == 1
    for axis, n in enumerate(array.shape):
        row = np.moveaxis(array, axis, 0)[
            (slice(None), *(m // 2 for m in np.delete(array.shape, axis)))
        ]
        assert np.all(np.diff(row[n // 2 :]) <= 1e-12)
        assert np.all(np.diff(row[: n // 2 + 1]) >= -1e-12)


@given(specimens.masks())
def test_masks_are_symmetric_about_the_middle_voxel(drawn):
    array = drawn[0].get()
    # Of an even axis the first voxel has no other.
    array = array[tuple(slice(1 - n % 2, None) for n in array.shape)]
    np.testing.assert_allclose(array, np.flip(array), rtol=0, atol=1e-12)


@given(specimens.masks(), st.floats(0.3, 3.0))
def test_all_lengths_scale_alike(drawn, factor):
    mask, grid = drawn
    values = {
        field.name: getattr(mask, field.name)
        for field in dataclasses.fields(mask)
        if field.name not in ("array", "xy_offset")
    }
    if values["rolloff_width"] == 0:
        return
    scaled = {
        name: value if value is None or "angle" in name else value * factor
        for name, value in values.items()
    }
    scaled_mask = type(mask)(grid * factor, **scaled)
    atol = 1e-12 / values["rolloff_width"]
    np.testing.assert_allclose(scaled_mask.get(), mask.get(), rtol=0, atol=atol)


@pytest.mark.parametrize("name", sorted(specimens.MASKS))
@given(data=st.data())
def test_values_voxel_by_voxel(name, data):
    cls, n_axes, arguments = specimens.MASKS[name]
    grid = make_coordinate_grid(
        data.draw(specimens.mask_shapes(n_axes)), data.draw(specimens.spacings)
    )
    mask = cls(grid, **arguments)
    width = arguments["rolloff_width"]
    angle = math.radians(arguments.get("in_plane_rotation_angle", 0.0))
    sides = {
        "square": (4.0, 4.0),
        "rectangle": (5.0, 2.0),
        "box": (4.0, 1.0, 3.0),
        "band": (math.inf, 3.0),
        "rod": (4.0, 2.0),
    }
    for index in np.ndindex(grid.shape[:-1]):
        r = grid[index]
        if name in ("circle", "sphere"):
            expected = edge(math.hypot(*r), arguments["radius"], width)
        elif name in ("cylinder", "pill"):
            expected = edge(math.hypot(r[0], r[1]), 1.5, width)
            expected *= edge(abs(r[2]), arguments.get("length", math.inf) / 2, width)
        else:
            if n_axes == 2:
                c, s = math.cos(angle), math.sin(angle)
                r = (c * r[0] + s * r[1], c * r[1] - s * r[0])
            pairs = zip(r, sides[name], strict=True)
            expected = math.prod(edge(abs(x), side / 2, width) for x, side in pairs)
        assert mask.get()[index] == pytest.approx(expected, abs=1e-10)


def test_the_edge_is_as_wide_as_asked():
    row = CircularCosineMask(make_coordinate_grid((1, 41)), 5.0, 8.0).get()[0]
    np.testing.assert_array_equal(row[15:26], 1)
    np.testing.assert_array_equal(row[[*range(8), *range(33, 41)]], 0)
    assert np.all((row[8:15] > 0) & (row[8:15] < 1))
    assert row[11] == pytest.approx(0.5, abs=1e-15)
    hard = SphericalCosineMask(make_coordinate_grid((1, 1, 21)), 5.0, 0.0).get()[0, 0]
    np.testing.assert_array_equal(hard, [0] * 5 + [1] * 11 + [0] * 5)


def test_axes_are_x_y_z():
    box = Rectangular3DCosineMask.from_shape(
        (9, 9, 9), x_width=6, y_width=4, z_width=2, rolloff_width=0
    )
    assert [int(box.get().any(axis=axes).sum()) for axes in [(1, 2), (0, 2), (0, 1)]] == [3, 5, 7]
    rectangle = Rectangular2DCosineMask.from_shape((9, 9), x_width=6, y_width=4, rolloff_width=0)
    assert [int(rectangle.get().any(axis=axis).sum()) for axis in (1, 0)] == [5, 7]
    cylinder = Cylindrical3DCosineMask.from_shape((9, 9, 9), radius=1, rolloff_width=0, length=6)
    assert [int(cylinder.get().any(axis=axes).sum()) for axes in [(1, 2), (0, 2), (0, 1)]] == [
        7,
        3,
        3,
    ]
    circle = CircularCosineMask.from_shape((9, 9), radius=0, rolloff_width=0, xy_offset=(3, -2))
    assert np.argwhere(circle.get()).tolist() == [[4 - 2, 4 + 3]]


def test_positive_angles_turn_x_towards_y():
    y, x = np.mgrid[-10:11, -10:11]
    band = Cylindrical2DCosineMask.from_shape(
        (21, 21), radius=0.1, rolloff_width=0.0, in_plane_rotation_angle=45.0
    )
    np.testing.assert_array_equal(band.get(), x == y)
    arguments = {"x_width": 12.0, "y_width": 6.0, "rolloff_width": 0.0}
    upright = Rectangular2DCosineMask.from_shape((21, 21), **arguments)
    for turns in (-3, -2, -1, 1, 2, 3, 5):
        turned = Rectangular2DCosineMask.from_shape(
            (21, 21), **arguments, in_plane_rotation_angle=90.0 * turns
        )
        # A step stays on its voxels.
        np.testing.assert_array_equal(
            turned.get(), upright.get() if turns % 2 == 0 else upright.get().T
        )


@given(
    specimens.mask_shapes(2),
    specimens.spacings,
    specimens.lengths,
    specimens.lengths,
    specimens.widths,
    st.floats(-180, 180),
)
def test_classes_agree_where_they_are_the_same(shape, spacing, length, radius, width, angle):
    grid = make_coordinate_grid(shape, spacing)
    rod = Cylindrical2DCosineMask(grid, radius, width, angle, length)
    rectangle = Rectangular2DCosineMask(grid, length, 2 * radius, width, angle)
    np.testing.assert_array_equal(rod.get(), rectangle.get())
    square = SquareCosineMask(grid, length, width)
    rectangle = Rectangular2DCosineMask(grid, length, length, width)
    np.testing.assert_array_equal(square.get(), rectangle.get())
    volume = make_coordinate_grid((2, *shape), spacing)
    circle = CircularCosineMask(grid, radius, width)
    np.testing.assert_array_equal(
        Cylindrical3DCosineMask(volume, radius, width).get(), [circle.get()] * 2
    )
    np.testing.assert_array_equal(SphericalCosineMask(volume, radius, width).get()[1], circle.get())


def test_a_circle_can_have_another_centre():
    grid = make_coordinate_grid((8, 9), 1.5)
    mask = CircularCosineMask(grid, 2.0, 3.0, xy_offset=(1.5, -3.0))
    rolled = np.roll(CircularCosineMask(grid, 2.0, 3.0).get(), (-2, 1), axis=(0, 1))
    np.testing.assert_allclose(mask.get()[:6, 1:], rolled[:6, 1:], atol=1e-13)
    assert mask.xy_offset == (1.5, -3.0)


# Making them.


@pytest.mark.parametrize("name", sorted(specimens.MASKS))
def test_precision_is_that_of_the_grid(name):
    cls, n_axes, arguments = specimens.MASKS[name]
    grid = make_coordinate_grid((6, 7, 8)[:n_axes], 0.75)
    before = grid.copy()
    double, single = cls(grid, **arguments), cls(grid.astype("f4"), **arguments)
    np.testing.assert_array_equal(grid, before)
    assert (double.array.dtype, single.array.dtype) == (np.float64, np.float32)
    assert cls(grid.astype(">f4"), **arguments) == single
    np.testing.assert_allclose(single.array, double.array, rtol=0, atol=1e-7)
    assert cls(grid.tolist(), **arguments) == double


@pytest.mark.parametrize("name", sorted(specimens.MASKS))
@pytest.mark.parametrize("spacing", [1.25, (0.5, 1.0, 2.0)])
def test_from_shape_is_the_mask_of_the_grid(name, spacing):
    cls, n_axes, arguments = specimens.MASKS[name]
    shape, spacing = (6, 7, 8)[:n_axes], spacing if np.ndim(spacing) == 0 else spacing[:n_axes]
    grid = make_coordinate_grid(shape, spacing)
    assert cls.from_shape(shape, spacing, dtype=np.float64, **arguments) == cls(grid, **arguments)
    assert cls.from_shape(shape, spacing, **arguments).array.dtype == np.float32


def test_large_grids_are_computed_in_parts():
    mask = SphericalCosineMask.from_shape((70, 60, 50), 1.0, radius=20, rolloff_width=5)
    r = np.sqrt((make_coordinate_grid((70, 60, 50)) ** 2).sum(-1))
    expected = np.where(r <= 20, 1, np.where(r >= 25, 0, (1 + np.cos(np.pi * (r - 20) / 5)) / 2))
    np.testing.assert_allclose(mask.get(), expected, atol=1e-7)


@pytest.mark.parametrize("name", sorted(specimens.MASKS))
@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf, [1.0], "x"])
def test_a_wrong_length_is_an_error(name, wrong):
    cls, n_axes, arguments = specimens.MASKS[name]
    grid = make_coordinate_grid((4, 4, 4)[:n_axes])
    for argument in arguments:
        if "angle" in argument and wrong == -1.0:
            continue
        with pytest.raises(ValueError, match=f"^{argument}: expected"):
            cls(grid, **{**arguments, argument: wrong})


@pytest.mark.parametrize("name", sorted(specimens.MASKS))
def test_a_wrong_grid_is_an_error(name):
    cls, n_axes, arguments = specimens.MASKS[name]
    good = (4,) * n_axes
    expected = r"\(y, x, 2\)" if n_axes == 2 else r"\(z, y, x, 3\)"
    for shape in [(*good, 5 - n_axes), (*good[1:], n_axes), (4,) * (5 - n_axes) + (5 - n_axes,)]:
        with pytest.raises(ValueError, match=f"^coordinate_grid: expected shape {expected}, got"):
            cls(np.zeros(shape), **arguments)
    with pytest.raises(ValueError, match=r"^coordinate_grid: expected finite values, got nan"):
        cls(np.full((*good, n_axes), np.nan), **arguments)
    with pytest.raises(ValueError, match=f"^shape: expected {n_axes} axes, got shape"):
        cls.from_shape((4,) * (5 - n_axes), **arguments)
    with pytest.raises(ValueError, match=r"^grid_spacing: expected finite lengths above 0"):
        cls.from_shape(good, 0.0, **arguments)
    with pytest.raises(ValueError, match=r"^dtype: expected float32 or float64"):
        cls.from_shape(good, dtype=int, **arguments)
    with pytest.raises(TypeError, match="size"):
        cls.from_shape(good, size=3.0, **arguments)


@pytest.mark.parametrize("offset", [1.0, (1, 2, 3), (1, math.nan), "xy"])
def test_a_wrong_offset_is_an_error(offset):
    with pytest.raises(ValueError, match=r"^xy_offset: expected"):
        CircularCosineMask(make_coordinate_grid((4, 4)), 1.0, 1.0, offset)
