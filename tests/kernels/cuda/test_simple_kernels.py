"""Kernels of CUDA against those of the CPU: half transforms, shells and sums of Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from planar import run_on_both

from numbavol.kernels.cuda.shells import ROWS_A_BAND
from numbavol.kernels.cuda.transforms import COLUMNS_TO_SHIFT, ROWS_TO_EXPAND, ROWS_TO_SHIFT
from numbavol.kernels.dispatch import find_device, find_kernel

pytestmark = pytest.mark.cuda

COMPLEX = [np.complex64, np.complex128]
SHAPES = [(1, 1, 1), (1, 2, 3), (2, 1, 5), (3, 5, 2), (2, 3, 9), (5, 9, 1)]


def draw(rng, shape, dtype):
    values = rng.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.standard_normal(shape)
    return values.astype(dtype)


def draw_half(rng, shape, dtype):
    return draw(rng, (*shape[:-1], shape[-1] // 2 + 1), dtype)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("margin", [0, 1])
@pytest.mark.parametrize("shape", [*SHAPES, (1, ROWS_TO_EXPAND + 1, 2)])
def test_the_whole_transform_is_the_same_to_the_bit(rng, shape, margin, dtype):
    half = draw_half(rng, shape, dtype)
    out = np.zeros([n + 2 * margin for n in shape], dtype)
    expected, found = run_on_both("expand_half_transform", out, half, margin, 0, len(out))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (2, 4), (3, 5)])
def test_only_the_planes_asked_for_are_written(rng, start, stop):
    half, out = draw_half(rng, (3, 2, 5), np.complex64), np.full((5, 4, 7), 7j, np.complex64)
    expected, found = run_on_both("expand_half_transform", out, half, 1, start, stop)
    np.testing.assert_array_equal(found, expected)


def test_a_margin_wider_than_the_array_repeats_it(rng):
    half, out = draw_half(rng, (1, 2, 3), np.complex128), np.zeros((7, 8, 9), np.complex128)
    expected, found = run_on_both("expand_half_transform", out, half, 3, 2, 4)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize(
    "shape",
    [*SHAPES, (2, ROWS_TO_SHIFT + 1, 2), (2, 3, 2 * COLUMNS_TO_SHIFT), (1, ROWS_TO_SHIFT + 2, 17)],
)
def test_shifts(rng, shape, dtype):
    halves = draw_half(rng, shape, dtype)
    offsets = np.resize([[0.0, 0.0], [3.0, -2.0], [0.37, -4.21], [-1e6, 0.5]], (len(halves), 2))
    offsets = rng.permutation(offsets)
    expected, found = run_on_both(
        "shift_half_transforms", np.zeros_like(halves), halves, shape[-1], offsets, 0.75
    )
    assert_is_close(found, expected)


@pytest.mark.parametrize("offset", [(0.0, 0.0), (1.0, 0.0), (-7.0, 2.0), (0.3, -1.7)])
@pytest.mark.parametrize("n_x", [4, 5])
def test_a_shift_in_place(rng, n_x, offset):
    device = find_device("cuda")
    halves, offsets = draw_half(rng, (1, 4, n_x), np.complex64), np.array([offset])
    expected = np.zeros_like(halves)
    find_kernel("shift_half_transforms", "cpu")(expected, halves, n_x, offsets, 1.0)
    sent = device.send(halves)
    find_kernel("shift_half_transforms", "cuda")(sent, sent, n_x, offsets, 1.0)
    assert_is_close(device.fetch(sent), expected)


def test_no_shift_changes_no_bit(rng):
    halves = draw_half(rng, (1, 5, 4), np.complex64)
    _, found = run_on_both(
        "shift_half_transforms", np.zeros_like(halves), halves, 4, np.zeros((1, 2)), 1.0
    )
    np.testing.assert_array_equal(found, halves)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("n_shells", [1, 3, 60])
@pytest.mark.parametrize("shape", [*SHAPES, (1, ROWS_A_BAND + 3, 4)])
def test_shells_of_two_transforms(rng, shape, n_shells, dtype):
    first, second = draw_half(rng, shape, dtype), draw_half(rng, shape, dtype)
    # The sums go on from what is there.
    sums, steps = draw(rng, (n_shells, 4), np.float64).round(), np.array([1.0, 1.5, 1.25])
    expected, found = run_on_both(
        "sum_fourier_shells", sums, first, second, shape[-1], steps, 0, shape[0]
    )
    np.testing.assert_array_equal(found[:, 0], expected[:, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_shells", [1, 3, 60])
@pytest.mark.parametrize("shape", [*SHAPES, (1, ROWS_A_BAND + 3, 4)])
def test_shells_of_an_array(rng, shape, n_shells, dtype):
    values, sums = draw(rng, shape, dtype), draw(rng, (n_shells, 2), np.float64).round()
    steps = np.array([1.0, 1.5, 1.25])
    expected, found = run_on_both("sum_real_shells", sums, values, steps, 0, shape[0])
    np.testing.assert_array_equal(found[:, 0], expected[:, 0])
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (1, 3), (4, 5)])
def test_shells_of_some_planes(rng, start, stop):
    shape, steps = (5, 3, 4), np.ones(3)
    first, second = (draw_half(rng, shape, np.complex64) for _ in range(2))
    values, n_shells = draw(rng, shape, np.float32), 5
    for name, n_sums, arguments in (
        ("sum_fourier_shells", 4, (first, second, shape[-1])),
        ("sum_real_shells", 2, (values,)),
    ):
        sums = np.zeros((n_shells, n_sums))
        expected, found = run_on_both(name, sums, *arguments, steps, start, stop)
        np.testing.assert_array_equal(found[:, 0], expected[:, 0])
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_gaussians", [0, 1, 5])
@pytest.mark.parametrize(
    ("shape", "start", "n_rows"),
    [((1, 1, 2), 0, 1), ((2, 3, 4), 0, 3), ((3, 5, 2), 2, 3), ((2, 9, 6), 3, 5), ((2, 3, 2), 1, 0)],
)
def test_sums_of_gaussians(rng, shape, start, n_rows, n_gaussians, dtype):
    n_z, n_y, n_x = shape
    total, rows = draw(rng, shape, dtype), draw(rng, (n_z, n_rows, n_x), dtype)
    # Positive, so that nothing cancels and roundings stay those of the result.
    along_z, along_y = (np.abs(draw(rng, (n_gaussians, n), dtype)) for n in (n_z, n_y))
    along_x = np.repeat(np.abs(draw(rng, (n_gaussians, n_x // 2), dtype)), 2, axis=1)
    expected, found = run_on_both(
        "add_gaussian_filtered", total, rows, along_z, along_y, along_x, start
    )
    others = [y for y in range(n_y) if not start <= y < start + n_rows]
    np.testing.assert_array_equal(found[:, others], total[:, others])
    assert_is_close(found, expected, np.abs(total).max())


def assert_is_close(found, expected, largest_term=0.0):
    """The same to some roundings of the largest value: devices contract differently."""
    assert found.dtype == expected.dtype
    tolerance = 16 * np.finfo(found.dtype).eps * max(np.abs(expected).max(), largest_term)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (2, 4), (3, 3)])
@pytest.mark.parametrize(("n", "reach"), [(0, 3.0), (1, 0.7), (5, 3.0)])
def test_distances_from_spheres(rng, n, reach, start, stop):
    out = np.full((6, 5, 9), np.inf, np.float32)
    centers, radii = rng.uniform(-1, 4, (n, 3)), rng.uniform(0, 2, n)
    arguments = (centers, radii, reach, np.array([0.5, 0.7, 0.6]), start, stop)
    expected, found = run_on_both("lower_to_distances", out, *arguments)
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    is_near = np.isfinite(expected)
    np.testing.assert_allclose(found[is_near], expected[is_near], rtol=0, atol=2e-6)
