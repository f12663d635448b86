"""Kernels of CUDA against those of the CPU: planes, curved surfaces and points."""

from __future__ import annotations

import numpy as np
import pytest
from planar import run_on_both

from numbavol.kernels.dispatch import find_device
from numbavol.ndimage.interpolation import (
    MODES,
    as_reals,
    compute_spline_coefficients,
    map_coordinates_spline,
)
from numbavol.ndimage.planes import sample_fourier_planes

pytestmark = pytest.mark.cuda

COMPLEX = [np.complex64, np.complex128]
REAL = [np.float32, np.float64]
SHAPES = [(4, 5, 6), (1, 2, 3), (3, 3, 2), (5, 4, 1)]
IMAGES = [(5, 6), (4, 3), (1, 1)]
SIDE = 3


def draw(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def turn(rng):
    matrix, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return matrix


def prepare_planes(rng, shape, image, order, dtype, steps=(1.0, 0.6)):
    """Arguments of `sample_planes` but for its tiles, with one plane for each step, in cells."""
    values = draw(rng, shape, dtype)
    if order == 3:
        values = compute_spline_coefficients(values)
    lengths = np.array(shape[::-1], np.float64)
    longest = max(image)
    planes = np.empty((len(steps), 3, 3))
    for plane, step in zip(planes, steps, strict=True):
        along_x, along_y, _ = turn(rng)
        # The step 1 is to the edge of the transform, where its axis is along one of them.
        plane[:] = [
            0.01 * rng.standard_normal(3),
            step / longest * along_x,
            step / longest * along_y,
        ]
    cells = planes * lengths
    cells[:, 0] += lengths // 2
    lowest = -1e-14 * lengths
    highest = np.where(lengths % 2 == 0, lengths, lengths - 1) - lowest
    out = np.full((len(steps), *image, 2), 7, values.real.dtype)
    rows, columns = range(0, image[0], SIDE), range(0, image[1], SIDE)
    tiles = np.array(
        [(n, row, column) for n in range(len(steps)) for row in rows for column in columns]
    )
    n_positive = ((image[0] + 1) // 2, (image[1] + 1) // 2)
    return (
        out,
        (as_reals(values), shape, (0,) * order, cells),
        (n_positive, lowest, highest, tiles, SIDE),
    )


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("shape", SHAPES)
def test_planes(rng, shape, image, order, dtype):
    out, first, last = prepare_planes(rng, shape, image, order, dtype)
    expected, found = run_on_both("sample_planes", out, *first, *last, 0, len(last[3]))
    assert_is_close(found, expected, first[0])


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize(("shape", "image"), list(zip(SHAPES[:3], IMAGES, strict=True)))
def test_surfaces(rng, shape, image, order, dtype):
    out, first, last = prepare_planes(rng, shape, image, order, dtype)
    curvatures = rng.standard_normal((len(out), 3)) * np.array(shape[::-1])
    expected, found = run_on_both(
        "sample_surfaces", out, *first, curvatures, *last, 0, len(last[3])
    )
    assert_is_close(found, expected, first[0])
    flat, of_plane = (
        run_on_both(name, out, *first, *curved, *last, 0, len(last[3]))[1]
        for name, curved in (
            ("sample_surfaces", (np.zeros_like(curvatures),)),
            ("sample_planes", ()),
        )
    )
    np.testing.assert_array_equal(flat, of_plane)


@pytest.mark.parametrize("middle", [1, 4, 7])
def test_tiles_in_two_parts(rng, middle):
    out, first, last = prepare_planes(rng, (4, 5, 6), (9, 8), 1, np.complex64)
    n_tiles = len(last[3])
    assert n_tiles > middle
    whole, _ = run_on_both("sample_planes", out, *first, *last, 0, n_tiles)
    for start, stop in ((0, middle), (middle, n_tiles)):
        expected, out = run_on_both("sample_planes", out, *first, *last, start, stop)
        assert_is_close(out, expected, first[0])
    assert_is_close(out, whole, first[0])


@pytest.mark.parametrize("order", [1, 3])
def test_beyond_the_transform_samples_are_zero(rng, order):
    out, first, last = prepare_planes(rng, (4, 5, 6), (5, 6), order, np.complex64, (3.0, 1e6))
    expected, found = run_on_both("sample_planes", out, *first, *last, 0, len(last[3]))
    assert_is_close(found, expected, first[0])
    is_zero = expected == 0
    assert is_zero.any()
    assert not is_zero.all()
    np.testing.assert_array_equal(found == 0, is_zero)


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("shape", [(4, 4, 4), (3, 5, 3), (2, 4, 3)])
def test_samples_on_the_elements_themselves(rng, shape, order):
    # Planes x, y through the middle: floor and the last frequency are decided by the last bit.
    image = (shape[1], shape[2])
    out, first, last = prepare_planes(rng, shape, image, order, np.complex64, (1.0,))
    cells = first[3]
    cells[0] = [np.array(shape[::-1]) // 2, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    expected, found = run_on_both("sample_planes", out, *first, *last, 0, len(last[3]))
    assert_is_close(found, expected, first[0])


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (1, 3), (7, 8)])
def test_only_the_tiles_asked_for_are_written(rng, start, stop):
    out, first, last = prepare_planes(rng, (4, 5, 6), (5, 6), 1, np.complex64)
    assert len(last[3]) == 8
    for name, curved in (("sample_planes", ()), ("sample_surfaces", (np.ones((2, 3)),))):
        expected, found = run_on_both(name, out, *first, *curved, *last, start, stop)
        np.testing.assert_array_equal(found == 7, expected == 7)
        assert_is_close(found, expected, first[0])


def test_planes_of_an_array_of_the_device_stay_there(rng):
    device = find_device("cuda")
    grid, planes = draw(rng, (4, 5, 6), np.complex64), rng.uniform(-0.1, 0.1, (2, 3, 3))
    sampled = sample_fourier_planes(device.send(grid), planes, (4, 3))
    assert hasattr(sampled, "__cuda_array_interface__")
    expected = sample_fourier_planes(grid, planes, (4, 3))
    assert_is_close(
        device.fetch(sampled).view(np.float32), expected.view(np.float32), as_reals(grid)
    )


def interpolate_on_both(rng, shape, order, mode, dtype, coordinates, part=None):
    values = draw(rng, shape, dtype)
    if order == 3:
        values = compute_spline_coefficients(values)
    n_channels, padding, n_missing = (
        1 + (values.dtype.kind == "c"),
        2 * (order == 3),
        3 - len(shape),
    )
    n_points = coordinates.shape[1]
    fill = np.array([0.5, -0.25][:n_channels], values.real.dtype)
    expected, found = run_on_both(
        "interpolate_points",
        np.full((n_points, n_channels), 7, values.real.dtype),
        as_reals(values),
        (1,) * n_missing + shape,
        (0,) * n_missing + (padding,) * len(shape),
        coordinates,
        order,
        MODES.index(mode),
        fill,
        *((0, n_points) if part is None else part),
    )
    assert_is_close(found, expected, as_reals(values))
    return expected, found


def draw_coordinates(rng, shape, n=9):
    """In and beside an array, at its elements, at its edges and far away."""
    lengths = np.array(shape)[:, np.newaxis]
    drawn = rng.uniform(-2.0, 2.0, (len(shape), n)) + rng.random((len(shape), n)) * lengths
    drawn[:, 0], drawn[:, 1] = 0.0, lengths[:, 0] - 1
    drawn[:, 2], drawn[:, 3] = lengths[:, 0] - 0.5, -1e-17
    drawn[:, 4], drawn[:, 5] = lengths[:, 0] // 2, -1e5 - 0.3
    return drawn


@pytest.mark.parametrize("dtype", [*REAL, *COMPLEX])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("shape", [(4,), (1,), (3, 4), (2, 3, 4), (1, 5, 2)])
def test_points(rng, shape, order, mode, dtype):
    expected, found = interpolate_on_both(
        rng, shape, order, mode, dtype, draw_coordinates(rng, shape)
    )
    if order == 0:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_number_gives_none(rng, order, mode):
    coordinates = np.array([[1.0, np.nan, -9.0, 2.0], [np.nan, 1.0, np.nan, 1.0]])
    _, found = interpolate_on_both(rng, (3, 4), order, mode, np.float32, coordinates)
    np.testing.assert_array_equal(np.isnan(found[:, 0]), [True, True, True, False])


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (2, 5), (8, 9)])
def test_only_the_points_asked_for_are_written(rng, start, stop):
    coordinates = draw_coordinates(rng, (3, 4))
    expected, found = interpolate_on_both(
        rng, (3, 4), 1, "clip", np.float32, coordinates, (start, stop)
    )
    np.testing.assert_array_equal(found == 7, expected == 7)


def test_no_points(rng):
    _, found = interpolate_on_both(rng, (3, 4), 1, "wrap", np.float32, np.empty((2, 0)))
    assert found.shape == (0, 1)


def test_points_of_an_array_of_the_device_stay_there(rng):
    device = find_device("cuda")
    coefficients = compute_spline_coefficients(draw(rng, (3, 4, 5), np.complex64))
    coordinates = draw_coordinates(rng, (3, 4, 5))
    found = map_coordinates_spline(device.send(coefficients), coordinates, "wrap")
    assert hasattr(found, "__cuda_array_interface__")
    expected = map_coordinates_spline(coefficients, coordinates, "wrap")
    assert_is_close(
        device.fetch(found).view(np.float32), expected.view(np.float32), as_reals(coefficients)
    )


def assert_is_close(found, expected, values):
    """The same to some roundings of the largest value: devices contract differently."""
    assert found.dtype == expected.dtype
    tolerance = 16 * np.finfo(found.dtype).eps * np.abs(values).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.fixture
def rng():
    return np.random.default_rng(21)
