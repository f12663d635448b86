"""Interpolation at points, against SciPy and against what splines and lines give exactly."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st

from numbavol import compute_spline_coefficients, map_coordinates, map_coordinates_spline

# What is summed in another order than SciPy's, and SciPy's filter, which it cuts off at 1e-15.
ROUNDING = 5e-14

shapes = st.lists(st.integers(1, 7), min_size=1, max_size=3).map(tuple)


def random_array(shape: tuple[int, ...], seed: int, dtype: type = np.float64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def random_points(shape: tuple[int, ...], seed: int) -> list[np.ndarray]:
    """Points inside, outside, on elements and on both ends."""
    rng = np.random.default_rng(seed)
    exact = [np.array([0.0, n - 1.0, n - 0.5, n, -1.0, -0.25, n // 2]) for n in shape]
    spread = [rng.uniform(-2.0 * n, 3.0 * n, 40) for n in shape]
    return [np.concatenate(pair) for pair in zip(exact, spread, strict=True)]


def are_inside(points: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    return np.all([(p >= 0) & (p <= n - 1) for p, n in zip(points, shape, strict=True)], axis=0)


@given(shapes, st.sampled_from([0, 1, 3]), st.sampled_from([np.float64, np.complex128]))
def test_wrapped_values_are_scipys(shape, order, dtype):
    values, points = random_array(shape, 1, dtype), random_points(shape, 2)
    expected = scipy.ndimage.map_coordinates(values, points, order=order, mode="grid-wrap")
    ours = map_coordinates(values, points, order, mode="wrap")
    np.testing.assert_allclose(ours, expected, rtol=0, atol=ROUNDING)


@given(shapes, st.sampled_from([0, 1, 3]))
def test_outside_is_the_fill_value_and_inside_is_the_wrapped_value(shape, order):
    values, points = random_array(shape, 1, np.complex128), random_points(shape, 2)
    filled = map_coordinates(values, points, order, mode="fill", cval=7.0 - 2.0j)
    wrapped = map_coordinates(values, points, order, mode="wrap")
    inside = are_inside(points, shape)
    np.testing.assert_allclose(filled[inside], wrapped[inside], rtol=0, atol=ROUNDING)
    assert np.all(filled[~inside] == 7.0 - 2.0j)


@given(shapes, st.sampled_from([0, 1, 3]))
def test_clipped_values_are_those_of_the_nearest_edge(shape, order):
    values, points = random_array(shape, 1), random_points(shape, 2)
    at_edges = [np.clip(p, 0, n - 1) for p, n in zip(points, shape, strict=True)]
    clipped = map_coordinates(values, points, order, mode="clip")
    np.testing.assert_array_equal(clipped, map_coordinates(values, at_edges, order, mode="fill"))


@given(shapes, st.sampled_from([0, 1, 3]), st.sampled_from(["fill", "clip", "wrap"]))
def test_what_is_not_a_number_gives_none_and_disturbs_no_other(shape, order, mode):
    values, points = random_array(shape, 1, np.complex128), random_points(shape, 2)
    expected = map_coordinates(values, points, order, mode, cval=2.0)
    broken = [p.copy() for p in points]
    broken[0][::3] = np.nan
    broken[-1][1::3] = np.nan
    found = map_coordinates(values, broken, order, mode, cval=2.0)
    assert np.all(np.isnan(found[::3]))
    assert np.all(np.isnan(found[1::3]))
    np.testing.assert_array_equal(found[2::3], expected[2::3])


@pytest.mark.parametrize("order", [0, 1, 3])
def test_infinity_is_outside_or_beyond_an_edge_and_has_no_place_in_a_period(order):
    values, far = np.array([3.0, 4.0, 5.0]), [np.array([-np.inf, np.inf])]
    np.testing.assert_array_equal(map_coordinates(values, far, order, cval=9.0), [9, 9])
    clipped = map_coordinates(values, far, order, "clip")
    np.testing.assert_allclose(clipped, [3, 5], rtol=0, atol=ROUNDING)
    assert np.all(np.isnan(map_coordinates(values, far, order, "wrap")))


@given(shapes)
def test_coefficients_are_scipys_with_one_more_on_each_side(shape):
    values = random_array(shape, 3, np.complex128)
    coefficients = compute_spline_coefficients(values)
    assert coefficients.shape == tuple(n + 2 for n in shape)
    inner = coefficients[(slice(1, -1),) * len(shape)]
    expected = scipy.ndimage.spline_filter(values, output=np.complex128, mode="grid-wrap")
    np.testing.assert_allclose(inner, expected, rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(coefficients, np.pad(inner, 1, mode="wrap"))


@given(shapes, st.sampled_from([1, 3]))
def test_at_elements_a_value_is_the_element(shape, order):
    values = random_array(shape, 4)
    points = np.indices(shape)
    np.testing.assert_allclose(
        map_coordinates(values, points, order), values, rtol=0, atol=ROUNDING
    )


def test_linear_values_are_exact_on_trilinear_fields():
    z, y, x = np.indices((5, 6, 7))
    values = 1.0 + 2.0 * x - 3.0 * y + z + 0.5 * x * y - 0.25 * x * y * z
    rng = np.random.default_rng(5)
    pz, py, px = (rng.uniform(0, n - 1, 100) for n in values.shape)
    expected = 1.0 + 2.0 * px - 3.0 * py + pz + 0.5 * px * py - 0.25 * px * py * pz
    # Terms of up to 30.
    np.testing.assert_allclose(map_coordinates(values, [pz, py, px], 1), expected, atol=1e-13)


def test_splines_are_exact_on_cubics_far_from_the_edges():
    # Away from the break of the period, its influence falls by 2 - sqrt(3) an element.
    x = np.arange(80.0)
    cubic = np.polynomial.Polynomial([1.0, -0.5, 0.02, 3e-4])
    points = np.random.default_rng(6).uniform(35, 45, 50)
    values = map_coordinates(cubic(x), [points], 3)
    # (2 - sqrt(3))^35 is 1e-20 of a break of 100.
    np.testing.assert_allclose(values, cubic(points), rtol=1e-12)


@pytest.mark.parametrize("mode", ["fill", "clip", "wrap"])
def test_given_coefficients_give_the_same_values(mode):
    values, points = random_array((4, 5, 6), 7), random_points((4, 5, 6), 8)
    coefficients = compute_spline_coefficients(values)
    np.testing.assert_array_equal(
        map_coordinates_spline(coefficients, points, mode, 2.0),
        map_coordinates(values, points, 3, mode, 2.0),
    )


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, np.float32),
        (np.complex64, np.complex64),
        (np.int16, np.float64),
        (">f8", np.float64),
        (">c8", np.complex64),
    ],
)
def test_precision_is_that_of_the_input(dtype, expected):
    values = np.arange(12).reshape(3, 4).astype(dtype)
    values.setflags(write=False)
    result = map_coordinates(values, [np.array([1.5]), np.array([2.0])], 1)
    assert result.dtype == expected
    assert result[0] == 8.0


def test_values_have_the_shape_of_the_coordinates():
    values = random_array((4, 5), 9)
    result = map_coordinates(values, np.ones((2, 3, 1, 2)), 1)
    np.testing.assert_array_equal(result, np.full((3, 1, 2), values[1, 1]))


@pytest.mark.compiled
def test_many_points_are_shared_by_threads():
    values = random_array((6, 7, 8), 10)
    points = np.random.default_rng(11).uniform(0, 5, (3, 120_000))
    expected = scipy.ndimage.map_coordinates(values, points, order=1)
    np.testing.assert_allclose(map_coordinates(values, points, 1), expected, atol=ROUNDING)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones(3), [[1.0]], 2), r"order: expected 0, 1 or 3, got 2"),
        ((np.ones(3), [[1.0]], 1, "mirror"), r"mode: expected one of .* got 'mirror'"),
        ((np.ones((3, 3)), [[1.0]], 1), r"coordinates: expected one array an axis, 2, got 1"),
        ((np.ones((2, 2)), [[1.0, 2.0, 3.0], [1.0, 2.0]], 1), r"coordinates: .* one shape"),
        (
            (np.ones((2,) * 4), [[1.0]] * 4, 1),
            r"input: expected 1 or 2 or 3 axes, got shape \(2, 2, 2, 2\)",
        ),
        ((np.array(["a"]), [[1.0]], 1), r"input: expected real or complex numbers, got dtype <U1"),
        ((np.ones(3), [[1.0j]], 1), r"coordinates: expected real numbers"),
        ((np.ones(3), 1.5, 1), r"coordinates: expected one array an axis, 1, got 1.5"),
        ((np.ones(3), [[5.0]], 1, "fill", 2 + 1j), r"cval: expected a real number, .* got \(2\+1j"),
        ((np.ones(3), [[5.0]], 3, "fill", 1j), r"cval: expected a real number"),
        ((np.ones(3), [[5.0]], 1, "fill", "x"), r"cval: expected a number, got 'x'"),
        ((np.ones(3), [[5.0]], 1, "fill", [1.0, 2.0]), r"cval: expected a number, got \["),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        map_coordinates(*arguments)


def test_too_few_coefficients_are_an_error():
    with pytest.raises(ValueError, match=r"coefficients: expected 3 or more .* \(2, 5\)"):
        map_coordinates_spline(np.ones((2, 5)), [[0.0], [0.0]])


def test_a_complex_number_without_an_imaginary_part_fills_real_values():
    assert map_coordinates([1.0, 2.0], [[5.0]], 1, cval=2 + 0j) == [2.0]
    assert np.isnan(map_coordinates([1.0, 2.0], [[5.0]], 1, cval=np.nan))
