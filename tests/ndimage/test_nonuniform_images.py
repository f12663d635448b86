"""Half transforms of points in the plane, against sums over points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.kernels.tasks import run_task
from numbavol.ndimage.nonuniform_images import (
    WIDEST_WINDOW,
    HalfTransformOfImage,
    PlaneSpreading,
    choose_plane_spreading,
    fit_window,
    read_plane_options,
)

SHAPES = st.tuples(st.integers(1, 20), st.integers(1, 20))
IDENTITY = np.eye(3)[:2]


def scatter(rng, shape, n):
    places = rng.uniform(0, 1, (n, 3)) * np.array([*shape[::-1], 1.0]) - 0.5
    return places, rng.standard_normal(n)


def transform(half_transform, places, strengths, groups=None, rotation=IDENTITY, offset=(0, 0)):
    grids = half_transform.make_grids(1)
    half_transform.spread(
        grids,
        places,
        strengths.astype(half_transform.dtype),
        np.array([0, len(places)]) if groups is None else groups,
        np.asarray(rotation)[np.newaxis],
        np.array([offset], float),
    )
    return half_transform.transform(grids)[0] * half_transform.deconvolution


def sum_directly(shape, places, strengths):
    waves = []
    for n, place in zip(shape, (places[:, 1], places[:, 0]), strict=True):
        wave = np.exp(-2j * np.pi * np.multiply.outer(np.fft.fftfreq(n), place))
        waves.append(wave)
    n_y, n_x = shape
    if n_y % 2 == 0:
        # As much negative as positive.
        waves[0][n_y // 2] = waves[0][n_y // 2].real
    along_x = np.exp(-2j * np.pi * np.multiply.outer(np.arange(n_x // 2 + 1) / n_x, places[:, 0]))
    return np.einsum("yn,xn,n->yx", waves[0], along_x, strengths)


@given(
    SHAPES,
    st.floats(1e-13, 0.3),
    st.sampled_from([None, 1.25, 1.7, 3.0]),
    st.integers(0, 9),
)
@example((6, 6), 1e-6, None, 0)
@example((1, 1), 1e-9, None, 0)
@example((6, 6), 1e-6, 1.25, 0)
@example((1, 1), 1e-13, 1.7, 0)
def test_random_points_have_the_precision_asked_for(shape, eps, fineness, seed) -> None:
    opts = None if fineness is None else {"upsampfac": fineness}
    try:
        spreading = choose_plane_spreading(shape, eps, opts)
    except ValueError:
        # Windows of 16 cells on a grid 1.7 times as fine reach 1.2e-13.
        assert fineness == 1.25 or (fineness == 1.7 and eps < 1.3e-13)
        return
    rng = np.random.default_rng(seed)
    places, strengths = scatter(rng, shape, 40)
    computed = transform(HalfTransformOfImage(shape, spreading), places, strengths)
    expected = sum_directly(shape, places, strengths)
    # One seed's few frequencies may have little of the power that 40 points have on average.
    power = max(np.linalg.norm(expected), np.linalg.norm(strengths) * np.sqrt(expected.size))
    assert np.linalg.norm(computed - expected) <= eps * power


def test_single_precision_is_taken_where_it_suffices() -> None:
    shape = (64, 64)
    assert choose_plane_spreading(shape, 1e-4, None).dtype == np.float32
    assert choose_plane_spreading(shape, 1e-9, None).dtype == np.float64
    # Where what is multiplied damps the highest frequencies, rounding is damped, too.
    k = np.fft.rfftfreq(64) ** 2 + np.fft.fftfreq(64)[:, None] ** 2
    assert choose_plane_spreading(shape, 1e-6, None, np.exp(-40 * k)).fineness == 1.5
    assert choose_plane_spreading(shape, 1e-6, None).fineness == 2.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_windows_are_their_polynomials(dtype) -> None:
    for width in range(2, WIDEST_WINDOW + 1):
        spreading = PlaneSpreading(np.dtype(dtype), 2.0, width)
        window = fit_window(spreading)
        argument = np.linspace(-1, 1, 101)
        cells = np.arange(width) + (argument[:, None] + 1) / 2
        fitted = np.array([np.polyval(window[:, c].astype(float), argument) for c in range(width)])
        error = np.abs(fitted.T - spreading.evaluate(2 * cells / width - 1)).max()
        # A window jumps at its ends, by what it has there; its own error is larger.
        at_end = spreading.evaluate(np.array([1 - 1e-12]))[0]
        assert error < 1.5 * at_end + (4e-7 if dtype == np.float32 else 2e-14)


@given(st.integers(1, 30), st.integers(0, 9))
def test_groups_change_nothing_but_rounding(n_in_group, seed) -> None:
    shape = (12, 15)
    places, strengths = scatter(np.random.default_rng(seed), shape, 60)
    half_transform = HalfTransformOfImage(shape, choose_plane_spreading(shape, 1e-10, None))
    groups = np.append(np.arange(0, 60, n_in_group), 60)
    together = transform(half_transform, places, strengths)
    apart = transform(half_transform, places, strengths, groups)
    np.testing.assert_allclose(apart, together, rtol=0, atol=1e-12 * np.abs(together).max())


def test_points_are_turned_and_moved() -> None:
    shape = (16, 18)
    rng = np.random.default_rng(0)
    half_transform = HalfTransformOfImage(shape, choose_plane_spreading(shape, 1e-10, None))
    positions, strengths = rng.uniform(-4, 4, (20, 3)), rng.standard_normal(20)
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0][:2]
    places = positions @ rotation.T + [9.0, 8.0]
    computed = transform(half_transform, positions, strengths, None, rotation, (9.0, 8.0))
    expected = sum_directly(shape, places, strengths)
    np.testing.assert_allclose(computed, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_points_that_are_nowhere_or_outside_are_left_out() -> None:
    shape = (8, 8)
    half_transform = HalfTransformOfImage(shape, choose_plane_spreading(shape, 1e-10, None))
    inside = np.array([[-0.5, 7.5, 0.0], [3.0, 3.0, 9.0]])
    outside = np.array(
        [[-0.51, 3, 0], [3, 7.51, 0], [1e300, 0, 0], [np.nan, 1, 0], [3, -np.inf, 0]]
    )
    strengths = np.ones(2)

    def transform_quietly(points):
        # Uncompiled, NumPy warns of what is not a number, on the thread that finds it.
        with np.errstate(invalid="ignore"):
            return transform(half_transform, points, np.ones(len(points)))

    both = run_task(lambda: transform_quietly(np.concatenate([outside, inside])))
    nothing = run_task(lambda: transform_quietly(outside))
    np.testing.assert_array_equal(both, transform(half_transform, inside, strengths))
    assert not np.any(nothing)


@pytest.mark.parametrize(
    "opts", [{"modeord": 1}, {"upsampfac": 1.0}, {"upsampfac": np.nan}, {"upsampfac": 9}, 3, [1]]
)
def test_other_options_are_refused(opts) -> None:
    with pytest.raises(ValueError, match=r"^opts: expected"):
        read_plane_options("opts", opts)


def test_a_grid_too_coarse_for_the_precision_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^opts: .*upsampfac .*1\.1"):
        choose_plane_spreading((16, 16), 1e-10, {"upsampfac": 1.1})
