"""What is rendered is the average over each voxel, to what the docstring promises."""

from __future__ import annotations

import dataclasses
import math

import naive
import numpy as np
import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import make_scene, scenes

from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume
from numbavol.rendering.windows import FARTHEST_REACH, reach_in_deviations

# The promise is 1e-12. What is measured is 3e-14 at worst: at widths of 0.1 voxels, where the
# rounding of a coordinate is divided by the width.
ROUNDING_OF_DOUBLE = 1e-12
# The promise is "about 1e-6". Measured at widths from 0.1 to 30 voxels: up to 7e-7 for one
# Gaussian, of three factors with 2e-7 each, and half of it for fifty, whose errors are not alike.
ROUNDING_OF_SINGLE = 1e-6

# A window that ends where the map does, in a row that begins before the window.
row_begins_early = make_scene((1, 1, 16), (7.0, 0.0, 0.0), 1.0)
rows_begin_early = make_scene((20, 18, 47), (22.0, 8.2, -9.0), [0.3, 0.4])
# A narrow Gaussian in the window of a wide one, whose row begins far from it.
narrow_in_wide = dataclasses.replace(
    make_scene((15, 1, 1), (0.0, 0.0, 1.5059399731650673), [0.1, 1.0]),
    amplitudes=np.array([[1.0, 0.0]]),
)


@given(scenes())
@example(row_begins_early)
@example(rows_begin_early)
def test_double_precision_is_the_voxel_average(scene):
    rendered = scene.render(tolerance=0, dtype=np.float64)
    atol = ROUNDING_OF_DOUBLE * scene.compute_highest_voxel()
    np.testing.assert_allclose(rendered, scene.compute(), rtol=0, atol=atol)


@given(scenes())
@example(row_begins_early)
@example(rows_begin_early)
@example(narrow_in_wide)
def test_single_precision_is_the_voxel_average_to_a_millionth_of_the_highest_voxel(scene):
    rendered = scene.render(tolerance=0)
    atol = ROUNDING_OF_SINGLE * scene.compute_highest_voxel()
    np.testing.assert_allclose(rendered, scene.compute(), rtol=0, atol=atol)


@pytest.mark.parametrize("width", [0.1, 0.3, 1.0, 1.41, 1.42, 3.0, 10.0, 30.0])
@given(data=st.data())
def test_single_precision_keeps_its_promise_at_every_width(width, data):
    one = scenes(
        n_positions=st.just(1),
        n_gaussians=st.just(1),
        widths=st.just(width),
        amplitudes=strategies.magnitudes,
    )
    scene = data.draw(one)
    atol = ROUNDING_OF_SINGLE * scene.compute_highest_voxel()
    np.testing.assert_allclose(scene.render(tolerance=0), scene.compute(), rtol=0, atol=atol)


@given(scenes(), strategies.tolerances)
@example(rows_begin_early, 0.01)
@example(make_scene((1, 1, 15), (42.0, 0, 0), 899.0), 0.0)
def test_what_is_left_out_sums_to_at_most_the_tolerance(scene, tolerance):
    left_out = scene.compute() - scene.render(tolerance=tolerance, dtype=np.float64)
    sum_of_amplitudes = scene.sum_of_absolute_amplitudes
    n_terms = scene.amplitudes.size * left_out.size
    # Each term has a rounding of its own, of a few 1e-16 of the highest; and it is a difference of
    # values of erf, here and there, which are the closer, the wider the Gaussian is.
    voxels = math.sqrt(scene.variances.max()) / scene.voxel_sizes.min()
    rounding = 1e-15 * (1 + voxels) * n_terms * scene.compute_highest_voxel() * scene.voxel_volume
    allowed = tolerance * sum_of_amplitudes + rounding
    assert np.abs(left_out).sum() * scene.voxel_volume <= allowed


@given(scenes(), strategies.tolerances)
@example(rows_begin_early, 1e-6)
def test_both_precisions_leave_out_the_same(scene, tolerance):
    single = scene.render(tolerance=tolerance)
    double = scene.render(tolerance=tolerance, dtype=np.float64)
    atol = ROUNDING_OF_SINGLE * scene.compute_highest_voxel()
    np.testing.assert_allclose(single, double, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tolerance", [0.3, 1e-2, 1e-4, 1e-6])
def test_a_tolerance_is_made_use_of(tolerance, dtype):
    scene = make_scene((41, 39, 43), (0, 0, 0), 9.0)
    dense = scene.compute()
    rendered = scene.render(tolerance=tolerance, dtype=dtype)
    # Windows are of whole voxels, of which there are three a standard deviation here: what lies
    # between is up to a factor of several.
    assert 0.03 * tolerance < dense[rendered == 0].sum() <= tolerance


def test_the_reach_leaves_out_a_third_of_the_tolerance_an_axis():
    for tolerance in [0.9, 0.5, 1e-3, 1e-6, 1e-12]:
        reach = reach_in_deviations(tolerance, np.float64)
        beyond = 1 - naive.average_over_voxels(1, 2 * reach, 0.0, 1.0).item() * 2 * reach
        # 1e-16 is the rounding of 1.
        assert beyond == pytest.approx(tolerance / 3, rel=1e-9, abs=2e-16)


@pytest.mark.parametrize("tolerance", [0, -0.0, 5e-324, 1e-300, 1e-17])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float32, 1e-10), (np.float64, 0.0)])
def test_no_reach_is_farther_than_a_precision_can_tell(tolerance, dtype, rounding):
    reach = reach_in_deviations(tolerance, dtype)
    assert reach == FARTHEST_REACH[np.dtype(dtype)]
    assert naive.average_over_voxels(1, 1.0, reach + 0.5, 1.0) <= rounding


def test_products_in_single_precision_are_normal_numbers():
    # Beyond these, Intel's processors take many times as long.
    factor = np.exp(-(FARTHEST_REACH[np.dtype(np.float32)] ** 2) / 2)
    assert 1e-6 * factor**3 > np.finfo(np.float32).smallest_normal


@given(
    scenes(
        shapes=st.tuples(st.integers(24, 27), st.integers(24, 27), st.integers(24, 40)),
        voxel_sizes=st.one_of(st.just(0.5), st.tuples(*[st.floats(0.9, 1.1)] * 3)),
        where=("inside",),
        n_positions=st.integers(1, 3),
        widths=st.floats(0.1, 1.2),
    ),
    st.tuples(*[st.floats(-0.5, 0.5)] * 3),
)
def test_the_sum_of_the_map_is_the_sum_of_the_amplitudes_when_all_fits(scene, shift):
    # 12 voxels to every side are 8.5 standard deviations of 1.2 voxels, and a shift.
    scene = scene.replace(positions=np.full_like(scene.positions, shift))
    # Rounding as above; it is the same for every voxel of an axis, and mostly cancels.
    for dtype, rounding in [(np.float64, 1e-13), (np.float32, 3e-6)]:
        rendered = scene.render(tolerance=0, dtype=dtype)
        total = rendered.sum(dtype=np.float64) * scene.voxel_volume
        allowed = rounding * scene.sum_of_absolute_amplitudes
        assert total == pytest.approx(scene.amplitudes.sum(), rel=0, abs=allowed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_density_outside_the_box_is_lost(dtype):
    # Half of it lies beyond the first x, half beyond the last y, nothing beyond any z.
    scene = make_scene((20, 19, 19), (-9.5, 9.5, 0), 1.0)
    total = scene.render(tolerance=0, dtype=dtype).sum()
    assert total == pytest.approx(0.25, abs=1e-6)  # rounding of float32


@given(scenes(where=("far",)), strategies.dtypes, strategies.tolerances)
def test_no_gaussian_in_the_box_makes_zeros(scene, dtype, tolerance):
    rendered = scene.render(dtype=dtype, tolerance=tolerance)
    assert not rendered.any()


def test_a_gaussian_as_wide_as_the_map_and_far_outside_reaches_into_it():
    scene = make_scene((3, 3, 3), (90.0, 0, 0), 900.0)
    rendered = scene.render(tolerance=0, dtype=np.float64)
    np.testing.assert_allclose(rendered, scene.compute(), rtol=1e-11)  # 1e-16 of 30 voxels' 1e-5
    assert rendered.min() > 0


@pytest.mark.parametrize("widest", range(3))
def test_the_widest_gaussian_of_a_position_says_how_far_it_reaches(widest):
    variances = np.full(3, 0.1)
    variances[widest] = 900.0
    for position in [(90.0, 0, 0), (0, 0, 90.0), (1.0, -2.0, 0.5)]:
        scene = make_scene((3, 4, 18), position, variances)
        rendered = scene.render(tolerance=0, dtype=np.float64)
        atol = ROUNDING_OF_DOUBLE * scene.compute_highest_voxel()
        np.testing.assert_allclose(rendered, scene.compute(), rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("variance", [1e-60, 1e-12, 1e12, 1e30, 1e37, 1e60, 1e200, 1e300])
def test_any_width_is_rendered(variance, dtype):
    scene = make_scene((3, 4, 20), (0.25, 0, 0), variance)
    sigma = np.sqrt(variance)
    if sigma < 1:
        expected = np.zeros(scene.shape)
        expected[1, 2, 10] = 1.0
    else:
        expected = np.full(scene.shape, (2 * np.pi) ** -1.5 / sigma / sigma / sigma)
    rendered = scene.render(tolerance=0, dtype=dtype)
    # What is too small for the type is 0.
    atol = np.finfo(dtype).tiny
    np.testing.assert_allclose(rendered, expected, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("variance", [1e-20, 1e-100, 1e-300])
def test_eight_voxels_share_a_point_at_their_corner(variance, dtype):
    volume = GaussianMixtureVolume([[0.5, -0.5, 0.5]], amplitudes=8.0, variances=variance)
    rendered = GaussianMixtureRenderFn((4, 4, 4), 1.0, dtype=dtype)(volume)
    expected = np.zeros((4, 4, 4))
    expected[2:, 1:3, 2:] = 1.0
    np.testing.assert_array_equal(rendered, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_positions_make_zeros(dtype):
    for k in (1, 5, 8):
        volume = GaussianMixtureVolume(np.zeros((0, 3)), np.ones((0, k)), 1.0)
        rendered = GaussianMixtureRenderFn((3, 4, 5), 1.0, dtype=dtype)(volume)
        assert rendered.shape == (3, 4, 5)
        assert not rendered.any()


@given(scenes(shapes=st.tuples(*[st.integers(1, 3)] * 3)), strategies.tolerances)
def test_a_map_of_few_voxels_is_rendered(scene, tolerance):
    rendered = scene.render(tolerance=tolerance, dtype=np.float64)
    allowed = tolerance * scene.sum_of_absolute_amplitudes / scene.voxel_volume
    atol = allowed + ROUNDING_OF_DOUBLE * scene.compute_highest_voxel()
    np.testing.assert_allclose(rendered, scene.compute(), rtol=0, atol=atol)
