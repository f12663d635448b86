"""Profiles: integrals of Gaussians over cells, to rounding, for every width of a cell."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import scipy.special
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.kernels.cpu.lanes import LANES
from numbavol.kernels.cpu.profiles import fill_coefficients, fill_profiles
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
def compute(profiles, length, start, firsts, ends, centre, widths):
    k = widths.size
    parts, coefficients = np.empty(k, np.int64), np.empty(k * N_TERMS, profiles.dtype)
    for i in range(k):
        parts[i] = count_parts(widths[i])
        fill_coefficients(widths[i], parts[i], coefficients, i * N_TERMS)
    edges, row = np.empty(length + 1, profiles.dtype), np.empty(LANES, profiles.dtype)
    fill_profiles(
        profiles, 0, length, length, start, firsts, ends, centre, widths, parts, coefficients,
        edges, row,
    )  # fmt: skip


def profiles_of(dtype, length, start, first, end, centre, widths):
    k = len(widths)
    profiles = np.full((k, length), np.nan, dtype)
    firsts, ends = (np.broadcast_to(edge, (k,)).astype(np.int64) for edge in (first, end))
    compute(
        profiles.reshape(-1), length, start, firsts, ends, float(centre), np.array(widths, dtype)
    )
    return profiles


def expected_profiles(length, start, first, end, centre, widths):
    cells = start + np.arange(length)
    width = np.array(widths, np.float64)[:, None]
    upper, lower = (cells + 0.5 - centre) * width, (cells - 0.5 - centre) * width
    # On the side where erf is near 1, what is beyond has the digits.
    sign = np.where(lower + upper > 0, 1, -1)
    integrals = sign * (scipy.special.erfc(sign * lower) - scipy.special.erfc(sign * upper))
    return np.where((cells >= first) & (cells < end), integrals, 0.0)


@given(st.lists(WIDTHS, min_size=1, max_size=5), st.floats(-1, 40), st.integers(0, 20))
@example([1.6], 8.5, 0)
@example([float(np.nextafter(np.float32(1.6), np.float32(2)))], 8.0, 0)
@example([3.2, 6.4, 6.5], 7.25, 3)
@example([1e6], 9.5, 5)
def test_profiles_in_single_precision_err_by_rounding(widths, centre, start) -> None:
    window = (2 * LANES, start, start, start + 2 * LANES)
    computed = profiles_of(np.float32, *window, centre, widths)
    expected = expected_profiles(*window, centre, widths)
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
    window = (LANES, 0, 0, LANES)
    computed = profiles_of(np.float64, *window, centre, [width])
    np.testing.assert_allclose(
        computed, expected_profiles(*window, centre, [width]), rtol=0, atol=5e-15
    )


@given(st.floats(2.0**-4, 1.5, width=32), st.floats(4, 12))
def test_far_tails_keep_their_digits(width, centre) -> None:
    window = (LANES, 0, 0, LANES)
    computed = profiles_of(np.float32, *window, centre, [width])[0].astype(np.float64)
    expected = expected_profiles(*window, centre, [width])[0]
    # Until where windows end: a difference of values of erf would have no digit left there.
    told = expected > 1e-6 * expected.max()
    # The exponent of 2 is up to 38, and is rounded to 4e-6 of 1.
    np.testing.assert_allclose(computed[told], expected[told], rtol=2e-5)


@pytest.mark.parametrize("width", [0.02, 0.5, 1.5, 3.0, 6.0, 9.0, 1e5])
def test_a_profile_adds_up_to_the_whole_gaussian(width) -> None:
    length = int(-(-(12 / width + 4) // LANES) * LANES) + LANES
    window = (length, 0, 0, length)
    for within in (0.0, 0.25, 0.49):
        computed = profiles_of(np.float32, *window, length // 2 + within, [width])
        assert computed.sum(dtype=np.float64) == pytest.approx(2.0, abs=2e-6)


@given(st.floats(2.0**-4, 1.5, width=32), st.integers(1, 7))
def test_a_profile_is_even_in_every_bit(width, eighths) -> None:
    window = (LANES, 0, 0, LANES)
    left = profiles_of(np.float32, *window, 7 - eighths / 16, [width])[0]
    right = profiles_of(np.float32, *window, 7 + eighths / 16, [width])[0]
    np.testing.assert_array_equal(left[:15], right[:15][::-1])


@pytest.mark.parametrize("width", [0.3, 1.6, 6.0])
@pytest.mark.parametrize("distance", [30, 1_000, 1_000_000])
def test_nothing_is_far_from_a_gaussian(width, distance) -> None:
    # The window of a position may be that of a far wider Gaussian.
    window = (LANES, distance, 0, 2 * distance)
    assert np.all(profiles_of(np.float32, *window, 0.25, [width]) < 1e-18)


@pytest.mark.parametrize("width", [0.5, 3.0, 9.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cells_outside_the_window_are_nothing(width, dtype) -> None:
    profiles = profiles_of(dtype, LANES, 2, 5, 12, 8.3, [width])[0]
    assert not np.any(profiles[:3])
    assert not np.any(profiles[10:])
    assert profiles[6] > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_gaussian_has_a_window_of_its_own(dtype) -> None:
    widths, firsts, ends = [0.3, 2.0, 50.0, 1.0, 5.0], [0, 5, 6, 9, 2], [LANES, 9, 7, 9, LANES]
    together = profiles_of(dtype, LANES, 0, firsts, ends, 6.3, widths)
    for width, first, end, profile in zip(widths, firsts, ends, together, strict=True):
        alone = profiles_of(dtype, LANES, 0, first, end, 6.3, [width])[0]
        np.testing.assert_array_equal(profile, alone)
        assert np.count_nonzero(profile) <= end - first


def test_gaussians_of_every_kind_stand_beside_each_other() -> None:
    widths = [0.3, 2.0, 50.0, 1.0, 5.0]
    window = (LANES, 0, 0, LANES)
    together = profiles_of(np.float32, *window, 6.3, widths)
    for width, profile in zip(widths, together, strict=True):
        np.testing.assert_array_equal(profile, profiles_of(np.float32, *window, 6.3, [width])[0])


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
