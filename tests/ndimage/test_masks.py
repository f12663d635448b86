"""Masks of images and maps."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol.ndimage.filters import CustomFilter
from numbavol.ndimage.grids import make_coordinate_grid
from numbavol.ndimage.masks import (
    AbstractMask,
    CircularCosineMask,
    CustomMask,
    Cylindrical2DCosineMask,
    Cylindrical3DCosineMask,
    InverseSincMask,
    Rectangular2DCosineMask,
    Rectangular3DCosineMask,
    SphericalCosineMask,
    SquareCosineMask,
)
from numbavol.ndimage.operators import CustomRealOperator

# The class, its number of axes, and arguments that leave a soft edge within a few voxels.
MASKS = {
    "circle": (CircularCosineMask, 2, {"radius": 2.2, "rolloff_width": 3.0}),
    "sphere": (SphericalCosineMask, 3, {"radius": 1.5, "rolloff_width": 2.5}),
    "square": (SquareCosineMask, 2, {"side_length": 4.0, "rolloff_width": 2.5}),
    "rectangle": (
        Rectangular2DCosineMask,
        2,
        {"x_width": 5.0, "y_width": 2.0, "rolloff_width": 1.5, "in_plane_rotation_angle": 30.0},
    ),
    "box": (
        Rectangular3DCosineMask,
        3,
        {"x_width": 4.0, "y_width": 1.0, "z_width": 3.0, "rolloff_width": 2.0},
    ),
    "band": (
        Cylindrical2DCosineMask,
        2,
        {"radius": 1.5, "rolloff_width": 2.0, "in_plane_rotation_angle": -20.0},
    ),
    "rod": (Cylindrical2DCosineMask, 2, {"radius": 1.0, "rolloff_width": 2.0, "length": 4.0}),
    "cylinder": (Cylindrical3DCosineMask, 3, {"radius": 1.5, "rolloff_width": 2.0}),
    "pill": (Cylindrical3DCosineMask, 3, {"radius": 1.5, "rolloff_width": 2.0, "length": 3.0}),
}
names = st.sampled_from(sorted(MASKS))
sides = st.integers(1, 12)
widths = st.one_of(st.just(0.0), st.floats(0.01, 5.0))
lengths = st.one_of(st.just(0.0), st.floats(0.0, 8.0))
spacings = st.floats(0.3, 2.0)


def shapes(n_axes):
    return st.tuples(*[sides] * n_axes)


@st.composite
def masks(draw):
    """A mask of any class but the correction, and its grid."""
    cls, n_axes, arguments = MASKS[draw(names)]
    shape, spacing = draw(shapes(n_axes)), draw(spacings)
    given_arguments = {
        name: draw(
            st.floats(-180, 180) if "angle" in name else widths if "rolloff" in name else lengths
        )
        for name in arguments
    }
    grid = make_coordinate_grid(shape, spacing)
    return cls(grid, **given_arguments), grid, spacing


def make_mask(name, shape=(9, 8, 7)):
    cls, n_axes, arguments = MASKS[name]
    return cls(make_coordinate_grid(shape[:n_axes]), **arguments)


@pytest.fixture(params=sorted(MASKS))
def mask(request):
    return make_mask(request.param)


def edge(distance, start, width):
    """The raised cosine at one distance, by cases."""
    if distance <= start:
        return 1.0
    if distance >= start + width:
        return 0.0
    return (1 + math.cos(math.pi * (distance - start) / width)) / 2


# What they are.


@given(masks())
def test_values_are_from_zero_to_one_and_fall_along_a_ray(drawn):
    mask, grid, _ = drawn
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


@given(masks())
def test_masks_are_symmetric_about_the_middle_voxel(drawn):
    array = drawn[0].get()
    # Of an even axis the first voxel has no other.
    array = array[tuple(slice(1 - n % 2, None) for n in array.shape)]
    np.testing.assert_allclose(array, np.flip(array), rtol=0, atol=1e-12)


@given(masks(), st.floats(0.3, 3.0))
def test_all_lengths_scale_alike(drawn, factor):
    mask, grid, _ = drawn
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


@pytest.mark.parametrize("name", sorted(MASKS))
@given(data=st.data())
def test_values_voxel_by_voxel(name, data):
    cls, n_axes, arguments = MASKS[name]
    grid = make_coordinate_grid(data.draw(shapes(n_axes)), data.draw(spacings))
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


@given(shapes(2), spacings, lengths, lengths, widths, st.floats(-180, 180))
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


# The correction for interpolation.


@given(st.one_of(shapes(2), shapes(3)))
def test_the_inverse_sinc_is_the_product_of_its_axes(shape):
    mask = InverseSincMask(make_coordinate_grid(shape))
    for index in np.ndindex(shape):
        product = 1.0
        for i, n in zip(index, shape, strict=True):
            x = math.pi * (i - n // 2) / n
            product *= 1.0 if x == 0 else math.sin(x) / x
        assert mask.get()[index] == pytest.approx(1 / product, rel=1e-13)
    single = InverseSincMask.from_shape(shape)
    assert single.get().dtype == np.float32
    np.testing.assert_allclose(single.get(), mask.get(), rtol=1e-7)


@pytest.mark.parametrize(("n_samples", "power"), [(1, 1), (2, 2)])
def test_the_inverse_sinc_corrects_interpolation(n_samples, power):
    # A transform that is sampled finely from samples at whole frequencies, by the nearest or by
    # linear interpolation, is that of copies of the map times sinc or sinc^2.
    n, fine = 16, 64
    real_map = np.random.default_rng(0).normal(size=(1, n))
    transform = np.fft.fft(np.fft.ifftshift(real_map, axes=1), axis=1)[0]
    q = np.arange(n * fine) / fine
    if n_samples == 1:
        sampled = transform[np.rint(q - 1e-9).astype(int) % n]
        sampled[fine // 2 :: fine] = (transform + np.roll(transform, -1)) / 2
    else:
        left = q.astype(int)
        sampled = transform[left] * (left + 1 - q) + transform[(left + 1) % n] * (q - left)
    inverse = np.fft.fftshift(np.fft.ifft(sampled))
    middle = n * fine // 2
    seen = inverse[middle - n // 2 : middle + n // 2].real
    mask = InverseSincMask(make_coordinate_grid((1, n)))
    correction = mask if power == 1 else mask * mask
    # What is left is the interpolation's own sum over 64 steps.
    np.testing.assert_allclose(correction(seen[None]), real_map, rtol=0, atol=2e-3)


def test_coordinates_that_are_not_in_pixels_are_an_error():
    with pytest.raises(ValueError, match=r"coordinate_grid_in_pixels: expected coordinates within"):
        InverseSincMask(make_coordinate_grid((8, 8), 1.2))


# Applying them.


@given(masks())
def test_a_mask_multiplies(drawn):
    mask = drawn[0]
    image = np.random.default_rng(0).normal(size=mask.get().shape)
    before = image.copy()
    image.setflags(write=False)
    masked = mask(image)
    np.testing.assert_array_equal(masked, image * mask.get())
    np.testing.assert_array_equal(image, before)
    assert not np.shares_memory(masked, image)


def test_a_mask_of_ones_changes_nothing():
    image = np.random.default_rng(0).normal(size=(5, 6, 7))
    for mask in (
        CustomMask(np.ones((5, 6, 7))),
        SphericalCosineMask.from_shape((5, 6, 7), radius=10, rolloff_width=1),
    ):
        np.testing.assert_array_equal(mask(image), image)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("image_dtype", ["f4", ">f4", "f8", ">f8", "i2", "u1", "?", "f2", "c8"])
def test_precision_is_that_of_the_image(dtype, image_dtype, mask):
    mask = CustomMask(mask.get().astype(dtype))
    assert mask.array.dtype == np.dtype(dtype)
    image = (np.random.default_rng(0).normal(size=mask.array.shape) * 5).astype(image_dtype)
    masked = mask(image)
    expected = {"f4": "f4", "f2": "f4", "c8": "c8"}.get(image_dtype.strip(">"), "f8")
    assert masked.dtype == np.dtype(expected)
    np.testing.assert_allclose(masked, image.astype("c16") * mask.array, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(MASKS))
def test_precision_is_that_of_the_grid(name):
    cls, n_axes, arguments = MASKS[name]
    grid = make_coordinate_grid((6, 7, 8)[:n_axes], 0.75)
    before = grid.copy()
    double, single = cls(grid, **arguments), cls(grid.astype("f4"), **arguments)
    np.testing.assert_array_equal(grid, before)
    assert (double.array.dtype, single.array.dtype) == (np.float64, np.float32)
    assert cls(grid.astype(">f4"), **arguments) == single
    np.testing.assert_allclose(single.array, double.array, rtol=0, atol=1e-7)
    assert cls(grid.tolist(), **arguments) == double


@pytest.mark.parametrize("name", sorted(MASKS))
@pytest.mark.parametrize("spacing", [1.25, (0.5, 1.0, 2.0)])
def test_from_shape_is_the_mask_of_the_grid(name, spacing):
    cls, n_axes, arguments = MASKS[name]
    shape, spacing = (6, 7, 8)[:n_axes], spacing if np.ndim(spacing) == 0 else spacing[:n_axes]
    grid = make_coordinate_grid(shape, spacing)
    assert cls.from_shape(shape, spacing, dtype=np.float64, **arguments) == cls(grid, **arguments)
    assert cls.from_shape(shape, spacing, **arguments).array.dtype == np.float32


def test_large_grids_are_computed_in_parts():
    mask = SphericalCosineMask.from_shape((70, 60, 50), 1.0, radius=20, rolloff_width=5)
    r = np.sqrt((make_coordinate_grid((70, 60, 50)) ** 2).sum(-1))
    expected = np.where(r <= 20, 1, np.where(r >= 25, 0, (1 + np.cos(np.pi * (r - 20) / 5)) / 2))
    np.testing.assert_allclose(mask.get(), expected, atol=1e-7)


@pytest.mark.parametrize("shape", [(9, 8, 6), (9, 7), (8, 9), (9,), (), (1, 9, 8)])
def test_another_shape_is_an_error(mask, shape):
    with pytest.raises(ValueError, match=r"image: expected shape \(9, 8.*\), as the mask has, got"):
        mask(np.ones(shape))


def test_what_are_no_numbers_is_an_error(mask):
    with pytest.raises(ValueError, match="image: expected numbers, got dtype"):
        mask(np.full(mask.array.shape, "a"))


# Algebra.


@given(names, names, st.floats(-3, 3))
def test_masks_add_subtract_and_multiply(one, other, number):
    A, B = make_mask(one, (6, 5, 4)), make_mask(other, (6, 5, 4))
    image = np.random.default_rng(0).normal(size=A.get().shape)
    if A.get().shape != B.get().shape:
        with pytest.raises(ValueError, match="expected masks of one shape, got"):
            A * B
        B = CustomMask(np.random.default_rng(1).normal(size=A.get().shape))
    a, b = A(image), B(image)
    for mask, expected in [
        (A + B, a + b),
        (A - B, a - b),
        (A * B, A(b)),
        (A + number, a + number * image),
        (1 - A, image - a),
        (number * A, number * a),
        (A * number - A, (number - 1) * a),
        (-A, -a),
    ]:
        assert isinstance(mask, AbstractMask)
        np.testing.assert_allclose(mask(image), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "other",
    [CustomRealOperator(abs), CustomFilter(np.ones((9, 8))), np.ones((9, 8)), "2", None, 1j],
    ids=str,
)
def test_masks_combine_with_nothing_else(mask, other):
    for combine in (lambda: mask * other, lambda: other * mask, lambda: mask - other):
        with pytest.raises(TypeError):
            combine()


# Values.


def test_masks_are_values(mask):
    for same in (copy.copy(mask), copy.deepcopy(mask), pickle.loads(pickle.dumps(mask))):
        assert same == mask
        assert hash(same) == hash(mask)
        with pytest.raises(ValueError, match="read-only"):
            same.get()[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        mask.array = 1
    assert mask != mask.get()
    assert mask != CustomMask(mask.get())


def test_masks_differ():
    masks = [make_mask(name) for name in MASKS]
    masks += [InverseSincMask.from_shape((9, 8)), CustomMask(np.ones((9, 8)))]
    for i, one in enumerate(masks):
        for j, other in enumerate(masks):
            assert (one == other) == (i == j)


def test_replace_needs_the_grid_again(mask):
    grid = make_coordinate_grid(mask.array.shape)
    replaced = dataclasses.replace(mask, coordinate_grid=grid, rolloff_width=0.5)
    assert replaced.rolloff_width == 0.5
    assert (
        dataclasses.replace(replaced, coordinate_grid=grid, rolloff_width=mask.rolloff_width)
        == mask
    )
    with pytest.raises(ValueError, match="coordinate_grid"):
        dataclasses.replace(mask, rolloff_width=0.5)


def test_repr_is_short():
    assert repr(make_mask("circle")) == (
        "CircularCosineMask(shape=(9, 8), radius=2.2, rolloff_width=3.0, xy_offset=(0.0, 0.0))"
    )
    assert repr(make_mask("cylinder")) == (
        "Cylindrical3DCosineMask(shape=(9, 8, 7), radius=1.5, rolloff_width=2.0, length=None)"
    )
    assert repr(InverseSincMask.from_shape((3, 4))) == "InverseSincMask(shape=(3, 4))"


# Errors.


@pytest.mark.parametrize("name", sorted(MASKS))
@pytest.mark.parametrize("wrong", [-1.0, math.nan, math.inf, [1.0], "x"])
def test_a_wrong_length_is_an_error(name, wrong):
    cls, n_axes, arguments = MASKS[name]
    grid = make_coordinate_grid((4, 4, 4)[:n_axes])
    for argument in arguments:
        if "angle" in argument and wrong == -1.0:
            continue
        with pytest.raises(ValueError, match=f"^{argument}: expected"):
            cls(grid, **{**arguments, argument: wrong})


@pytest.mark.parametrize("name", sorted(MASKS))
def test_a_wrong_grid_is_an_error(name):
    cls, n_axes, arguments = MASKS[name]
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


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones(4), r"mask_array: expected 2 or 3 axes, got shape \(4,\)"),
        (np.ones((2, 2)) * 1j, "mask_array: expected real numbers, got dtype complex128"),
        ([[math.inf]], "mask_array: expected finite values"),
    ],
)
def test_a_wrong_array_is_an_error(array, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        CustomMask(array)


def test_a_mask_of_a_function_is_its_values():
    grid = make_coordinate_grid((4, 5, 6)).astype("f4")
    operator = CustomRealOperator(lambda r: r[..., 2] > 0) * 2
    mask = CustomMask.from_function(operator, grid)
    assert mask.get().dtype == np.float32
    np.testing.assert_array_equal(mask.get(), np.broadcast_to([[[0]]] * 3 + [[[2]]], (4, 5, 6)))
    with pytest.raises(ValueError, match="mask_array: expected real numbers"):
        CustomMask.from_function(lambda r: 1j * r[..., 0], grid)
    with pytest.raises(ValueError, match="coordinate_grid: expected shape"):
        CustomMask.from_function(operator, grid[0])
