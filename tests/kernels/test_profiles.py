"""Profiles: integrals of Gaussians over cells, to rounding, for every width of a cell."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.special
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.kernels.cpu.lanes import LANES
from numbavol.kernels.cpu.profiles import fill_coefficients, fill_distances, fill_profiles
from numbavol.kernels.jit import FLAGS
from numbavol.kernels.math import N_TERMS
from numbavol.kernels.profiles import WIDEST_PART, count_parts, end_cell, first_cell

compiled = numba.njit(**FLAGS)
WIDEST_SERIES = 4 * float(WIDEST_PART)
# In units of sqrt(2 variance): from a cell that is nothing beside the Gaussian to one that is all.
WIDTHS = st.one_of(
    st.floats(2.0**-13, 2.0, width=32),
    st.floats(1.5, 8.0, width=32),
    st.floats(8.0, 1e6, width=32),
)


@compiled
def compute(profiles, length, start, centre, radii, widths):
    k = widths.size
    parts, coefficients = np.empty(k, np.int64), np.empty(k * N_TERMS, profiles.dtype)
    for i in range(k):
        parts[i] = count_parts(widths[i])
        fill_coefficients(widths[i], parts[i], coefficients, i * N_TERMS)
    distances, edges = np.empty(length, profiles.dtype), np.empty(LANES + 1, profiles.dtype)
    fill_distances(distances, 0, length, start, centre)
    fill_profiles(profiles, length, 0, length, distances, radii, widths, parts, coefficients, edges)


def profiles_of(dtype, length, start, centre, widths, radii=np.inf):
    k = len(widths)
    profiles = np.full((k, length), np.nan, dtype)
    radii = np.array(np.broadcast_to(radii, (k,)), np.float64)
    compute(profiles.reshape(-1), length, start, float(centre), radii, np.array(widths, dtype))
    return profiles


def expected_profiles(length, start, centre, widths):
    cells = start + np.arange(length)
    width = np.array(widths, np.float64)[:, None]
    upper, lower = (cells + 0.5 - centre) * width, (cells - 0.5 - centre) * width
    # On the side where erf is near 1, what is beyond has the digits.
    sign = np.where(lower + upper > 0, 1, -1)
    return sign * (scipy.special.erfc(sign * lower) - scipy.special.erfc(sign * upper))


@given(st.lists(WIDTHS, min_size=1, max_size=5), st.floats(-1, 40), st.integers(0, 20))
@example([1.6], 8.5, 0)
@example([float(np.nextafter(np.float32(1.6), np.float32(2)))], 8.0, 0)
@example([3.2, 6.4, 6.5], 7.25, 3)
@example([1e6], 9.5, 5)
def test_profiles_in_single_precision_err_by_rounding(widths, centre, start) -> None:
    cells = (2 * LANES, start)
    computed = profiles_of(np.float32, *cells, centre, widths)
    expected = expected_profiles(*cells, centre, widths)
    # Each part of a cell errs by 6.5e-7 of a part's largest value, the most that was found in 4e5
    # profiles: the rounding of places, and of the exponent. A difference of two values of erf, of
    # cells beyond 6.4, errs by less, and by the rounding of places.
    n_parts = np.array([[max(count_parts(np.float32(width)), 1)] for width in widths])
    largest = 2 * n_parts * scipy.special.erf(np.array(widths)[:, None] / (2 * n_parts))
    moved = np.where(np.array(widths)[:, None] > WIDEST_SERIES, 6e-8, 0.0) * np.minimum(
        np.array(widths)[:, None], 2e6
    )
    assert np.all(np.abs(computed - expected) <= 7e-7 * largest + moved)


@given(st.floats(0.01, 8.0), st.floats(0, 15))
def test_profiles_in_double_precision_err_by_its_rounding(width, centre) -> None:
    computed = profiles_of(np.float64, LANES, 0, centre, [width])
    np.testing.assert_allclose(
        computed, expected_profiles(LANES, 0, centre, [width]), rtol=0, atol=5e-15
    )


@given(st.floats(2.0**-4, 1.5, width=32), st.floats(4, 12))
def test_far_tails_keep_their_digits(width, centre) -> None:
    computed = profiles_of(np.float32, LANES, 0, centre, [width])[0].astype(np.float64)
    expected = expected_profiles(LANES, 0, centre, [width])[0]
    # Until where windows end: a difference of values of erf would have no digit left there.
    told = expected > 1e-6 * expected.max()
    # The exponent of 2 is up to 38, and is rounded to 4e-6 of 1.
    np.testing.assert_allclose(computed[told], expected[told], rtol=2e-5)


@pytest.mark.parametrize("width", [0.02, 0.5, 1.5, 3.0, 6.0, 9.0, 1e5])
def test_a_profile_adds_up_to_the_whole_gaussian(width) -> None:
    length = int(-(-(12 / width + 4) // LANES) * LANES) + LANES
    for within in (0.0, 0.25, 0.49):
        computed = profiles_of(np.float32, length, 0, length // 2 + within, [width])
        assert computed.sum(dtype=np.float64) == pytest.approx(2.0, abs=2e-6)


@given(st.floats(2.0**-4, 1.5, width=32), st.integers(1, 7))
def test_a_profile_is_even_in_every_bit(width, eighths) -> None:
    left = profiles_of(np.float32, LANES, 0, 7 - eighths / 16, [width])[0]
    right = profiles_of(np.float32, LANES, 0, 7 + eighths / 16, [width])[0]
    np.testing.assert_array_equal(left[:15], right[:15][::-1])


@pytest.mark.parametrize("width", [0.3, 1.6, 6.0])
@pytest.mark.parametrize("distance", [30, 1_000, 1_000_000])
def test_nothing_is_far_from_a_gaussian(width, distance) -> None:
    # The window of a position may be that of a far wider Gaussian.
    assert np.all(profiles_of(np.float32, LANES, distance, 0.25, [width]) < 1e-18)


@pytest.mark.parametrize("width", [0.5, 3.0, 9.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cells_further_than_the_radius_are_nothing(width, dtype) -> None:
    profiles = profiles_of(dtype, LANES, 2, 8.3, [width], 3.0)[0]
    # From 5.3 to 11.3: the cells 5 to 11.
    assert not np.any(profiles[:3])
    assert not np.any(profiles[10:])
    assert profiles[6] > 0


@given(st.floats(2.0**-4, 12.0, width=32), st.floats(4, 12), st.floats(0.5, 6.0))
def test_what_is_within_the_radius_is_left_as_it_is(width, centre, radius) -> None:
    for dtype in (np.float32, np.float64):
        whole = profiles_of(dtype, LANES, 0, centre, [width])[0]
        within = profiles_of(dtype, LANES, 0, centre, [width], radius)[0]
        is_within = np.abs(np.arange(LANES) - centre) < radius - 0.501
        np.testing.assert_array_equal(within[is_within], whole[is_within])
        assert np.all((within == whole) | (within == 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_gaussian_has_a_window_of_its_own(dtype) -> None:
    widths, radii = [0.3, 2.0, 50.0, 1.0, 5.0], [7.0, 1.5, 0.4, 3.0, 2.0]
    together = profiles_of(dtype, LANES, 0, 6.3, widths, radii)
    for width, radius, profile in zip(widths, radii, together, strict=True):
        alone = profiles_of(dtype, LANES, 0, 6.3, [width], radius)[0]
        np.testing.assert_array_equal(profile, alone)
        assert np.count_nonzero(profile) <= 2 * radius + 2


def test_gaussians_of_every_kind_stand_beside_each_other() -> None:
    widths = [0.3, 2.0, 50.0, 1.0, 5.0]
    together = profiles_of(np.float32, LANES, 0, 6.3, widths)
    for width, profile in zip(widths, together, strict=True):
        np.testing.assert_array_equal(profile, profiles_of(np.float32, LANES, 0, 6.3, [width])[0])


def test_the_widest_series_ends_where_its_accuracy_does() -> None:
    # Of 8 terms, at 1.6 the error is 5e-8 of the largest value; at 1.8 it would be 3e-7.
    for width, n_parts in ((1e-9, 1), (1.6, 1), (1.61, 2), (3.2, 2), (3.3, 4), (6.4, 4), (6.5, 0)):
        assert count_parts(np.float32(width)) == n_parts
    assert count_parts(np.float64(0.1)) == 0


@given(st.floats(-30, 60), st.floats(0, 40), st.integers(1, 30))
@example(0.5, 0.0, 1)
@example(1e300, 1e300, 4)
def test_windows_are_the_cells_that_a_reach_touches(centre, radius, n_cells) -> None:
    first, end = first_cell(centre, radius, n_cells), end_cell(centre, radius, n_cells)
    cells = np.arange(n_cells)
    touched = cells[(cells + 0.5 >= centre - radius) & (cells - 0.5 <= centre + radius)]
    assert list(range(first, end)) == touched.tolist()
