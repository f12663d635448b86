"""Transforms of points anywhere against direct sums, and the kernel that they are spread with."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.ndimage.nonuniform import (
    HalfTransform,
    Spreading,
    compute_deconvolution,
    sample_kernel,
    single_precision_suffices,
)

DOUBLE, SINGLE = np.dtype(np.complex128), np.dtype(np.complex64)
SPREADINGS = [
    *(Spreading(eps, DOUBLE, ()) for eps in (1e-1, 1e-2, 1e-4, 1e-7, 1e-8, 9e-9, 1e-12, 1e-14)),
    *(Spreading(eps, SINGLE, ()) for eps in (1e-2, 1e-4, 2e-6)),
    Spreading(1e-6, DOUBLE, (("upsampfac", 2.0),)),
    Spreading(1e-6, DOUBLE, (("upsampfac", 1.25),)),
]


def sum_directly(shape, points, strengths):
    """F(k) = sum_j c_j exp(-2 pi i sum_a k_a r_ja / n_a), with k from -(n // 2), halved x >= 0."""
    z, y, x = (np.fft.fftfreq(n, 1 / n) for n in shape)
    x = np.arange(shape[2] // 2 + 1)
    total = np.zeros((len(z), len(y), len(x)), complex)
    for point, strength in zip(points, strengths, strict=True):
        r = point / np.array(shape[::-1])
        along = (np.exp(-2j * np.pi * k * r[axis]) for k, axis in ((z, 2), (y, 1), (x, 0)))
        a, b, c = along
        for wave, n in ((a, shape[0]), (b, shape[1])):
            if n % 2 == 0:
                # The Nyquist frequency of a full axis is the mean of both its signs.
                wave[n // 2] = wave[n // 2].real
        total += strength * a[:, None, None] * b[None, :, None] * c
    return total


def transform(shape, spreading, points, strengths=None, rows=None):
    made = HalfTransform(shape, spreading)
    made.transform_planes(np.asarray(points, float), strengths)
    rows = rows or [(0, shape[1])]
    lines = np.concatenate([made.transform_along_z(*part) for part in rows], axis=1)
    z, y, x = made.deconvolution
    return lines * z[:, None, None] * y[None, :, None] * x


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


# The kernel.


@pytest.mark.parametrize("spreading", SPREADINGS, ids=str)
def test_the_kernel_is_even_positive_and_highest_in_its_middle(spreading):
    places, values = sample_kernel(spreading, 3)
    order = np.argsort(places)
    places, values = places[order], values[order]
    # finufft's polynomials err by a small share of its eps.
    rounding = 1e-5 if spreading.dtype == SINGLE else 1e-12 + 1e-3 * spreading.eps
    np.testing.assert_allclose(places, -places[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(values, values[::-1], rtol=0, atol=rounding * values.max())
    assert values.min() > -rounding * values.max()
    assert np.abs(places[np.argmax(values)]) < 1 / 32
    # As many places between two cells for each cell that is reached.
    assert len(np.unique(np.remainder(places, 1.0).round(9))) == 64
    assert np.abs(places).max() <= 8


@pytest.mark.parametrize("spreading", SPREADINGS, ids=str)
def test_the_deconvolution_is_even_positive_and_grows(spreading):
    n_cells = spreading.count_cells(33)
    k = np.arange(-16, 17)
    factors = compute_deconvolution(spreading, 3, n_cells, k)
    np.testing.assert_array_equal(factors, factors[::-1])
    assert np.all(factors > 0)
    assert np.all(np.diff(factors[16:]) > 0)
    shuffled = np.random.default_rng(0).permutation(k)
    np.testing.assert_array_equal(
        compute_deconvolution(spreading, 3, n_cells, shuffled), factors[shuffled + 16]
    )
    # At frequency 0 it is the inverse of the integral.
    assert factors[16] == pytest.approx(1 / sample_kernel(spreading, 3)[1].sum(), rel=1e-14)


@pytest.mark.parametrize("spreading", SPREADINGS, ids=str)
def test_cells_are_enough(spreading):
    for n in (*range(1, 70), 1000):
        cells = spreading.count_cells(n)
        assert cells >= max(32, spreading.fineness * n)
        assert cells <= max(36, 1.2 * spreading.fineness * n + 2)


def test_single_precision_suffices_for_few_samples_and_little_precision():
    assert single_precision_suffices((10, 10, 10), 1e-3)
    assert not single_precision_suffices((10, 10, 10), 1e-7)
    assert not single_precision_suffices((1, 1, 10**5), 1e-3)
    for shape in itertools.permutations((10, 20, 500)):
        assert single_precision_suffices(shape, 1e-4)
        assert not single_precision_suffices(shape, 7e-5)


# Transforms.

# finufft's eps is an estimate: of 1e-1 to 1e-12 up to 1.3 times as much was measured. Renderers
# ask for half of what they promise.
ESTIMATE = 2.0

lengths = st.one_of(st.integers(1, 9), st.sampled_from([1, 2, 40]))
shapes = st.tuples(lengths, lengths, lengths).filter(lambda shape: np.prod(shape) < 4000)


def coordinates(n):
    return st.one_of(
        st.sampled_from([0.0, -0.0, float(n), n / 2, -float(n), n - 1e-15 * n, -1e-17, -1e-300]),
        st.integers(-2 * n, 2 * n).map(float),
        st.floats(-0.5, n - 0.5),
        st.floats(-3.0 * n, 3.0 * n),
    )


@st.composite
def points_in_shapes(draw):
    shape = draw(shapes)
    n = draw(st.integers(1, 5))
    points = [[draw(coordinates(m)) for m in shape[::-1]] for _ in range(n)]
    strengths = None
    if draw(st.booleans()):
        strengths = np.array([draw(st.floats(0.1, 10.0)) for _ in range(n)])
    return shape, np.array(points), strengths


@given(points_in_shapes(), st.sampled_from([1e-2, 1e-4, 1e-7, 1e-10, 1e-12]))
@example(((1, 1, 1), np.zeros((1, 3)), None), 1e-12)
@example(((2, 3, 1), np.array([[1.0, 3.0, 2.0]]), None), 1e-12)
@example(((40, 5, 7), np.array([[7.0, 5.0, 40.0], [0.0, 0.0, 0.0], [-1e-17] * 3]), None), 1e-12)
def test_half_transforms_are_direct_sums(case, eps):
    shape, points, strengths = case
    got = transform(shape, Spreading(eps, DOUBLE, ()), points, strengths)
    assert got.shape == (shape[0], shape[1], shape[2] // 2 + 1)
    carried = np.ones(len(points)) if strengths is None else strengths
    expected = sum_directly(shape, points, carried)
    # Relative to the points' own transforms, for they may cancel each other.
    apart = np.linalg.norm(carried) * np.sqrt(expected.size)
    assert np.linalg.norm(got - expected) <= ESTIMATE * eps * max(apart, np.linalg.norm(expected))


@given(points_in_shapes(), st.sampled_from([1e-2, 1e-3, 1e-4]))
def test_single_precision_has_its_eps_where_it_suffices(case, eps):
    shape, points, strengths = case
    assert single_precision_suffices(shape, eps)
    got = transform(shape, Spreading(eps, SINGLE, ()), points, strengths)
    assert got.dtype == SINGLE or got.dtype == DOUBLE  # Times float64 factors.
    carried = np.ones(len(points)) if strengths is None else strengths
    expected = sum_directly(shape, points, carried)
    apart = np.linalg.norm(carried) * np.sqrt(expected.size)
    assert np.linalg.norm(got - expected) <= ESTIMATE * eps * max(apart, np.linalg.norm(expected))


@given(points_in_shapes(), st.integers(-3, 3), st.integers(0, 2))
def test_the_box_repeats_itself(case, turns, axis):
    shape, points, strengths = case
    moved = points.copy()
    moved[:, axis] += turns * shape[2 - axis]
    spreading = Spreading(1e-9, DOUBLE, ())
    one, other = (transform(shape, spreading, at, strengths) for at in (points, moved))
    # Coordinates up to 6 n are rounded by 1e-15 n, and a whole number of boxes is no rounding.
    assert relative_error(other, one) <= 1e-8


@pytest.mark.parametrize("spreading", SPREADINGS, ids=str)
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (2, 3, 1), (40, 5, 7), (5, 70, 4), (9, 4, 50)], ids=str
)
def test_every_spreading_reaches_its_eps(shape, spreading):
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 2, (20, 3)) * shape[::-1]
    strengths = rng.normal(size=20)
    expected = sum_directly(shape, points, strengths)
    # Double precision has its own end, of 1e-16 times the samples of an axis, and few.
    eps = max(spreading.eps, 2e-13)
    if spreading.dtype == SINGLE and not single_precision_suffices(shape, eps):
        return
    got = transform(shape, spreading, points, strengths)
    apart = np.linalg.norm(strengths) * np.sqrt(expected.size)
    assert np.linalg.norm(got - expected) <= ESTIMATE * eps * apart


def test_rows_may_be_transformed_in_any_parts():
    points = np.random.default_rng(0).uniform(0, 5, (4, 3))
    spreading = Spreading(1e-6, DOUBLE, ())
    whole = transform((4, 9, 6), spreading, points)
    parts = transform((4, 9, 6), spreading, points, rows=[(0, 1), (1, 6), (6, 9)])
    np.testing.assert_array_equal(parts, whole)


def test_a_second_set_of_points_replaces_the_first():
    points = np.random.default_rng(0).uniform(0, 5, (4, 3))
    made = HalfTransform((6, 5, 4), Spreading(1e-6, DOUBLE, ()))
    made.transform_planes(points, None)
    first = made.transform_along_z(0, 5)
    made.transform_planes(points + 1, np.ones(4))
    made.transform_planes(points, np.ones(4))
    np.testing.assert_array_equal(made.transform_along_z(0, 5), first)


def test_what_is_given_is_not_changed():
    points, strengths = np.full((3, 3), -7.5), np.ones(3)
    transform((6, 5, 4), Spreading(1e-6, DOUBLE, ()), points, strengths)
    np.testing.assert_array_equal(points, np.full((3, 3), -7.5))
    np.testing.assert_array_equal(strengths, np.ones(3))


@pytest.mark.compiled
def test_blocks_of_a_large_map_join_without_a_seam():
    # Points on every border between blocks along z and y, which are of at most 24 cells and 8 MiB.
    shape = (130, 120, 60)
    rng = np.random.default_rng(1)
    points = rng.integers(0, 2 * 130, (60, 3)) / 2.0
    got = transform(shape, Spreading(1e-9, DOUBLE, ()), points)
    assert relative_error(got, sum_directly(shape, points, np.ones(60))) <= ESTIMATE * 1e-9
