"""Numbers of electrons: Poisson's distribution, and what a draw belongs to."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.special import gammainc, gammaincc

from numbavol.kernels.cpu.counts import draw_counts
from numbavol.kernels.cpu.noise import fill_uniforms
from numbavol.kernels.poisson import MANY, UNDECIDED, decide_quantile, find_quantile

SEED, PURPOSE = np.uint64(5), np.uint64(18)


def draw(expected, shape=(1, 1, 1), numbers=None, seed=SEED):
    counts = np.ascontiguousarray(np.broadcast_to(np.asarray(expected, np.float64), shape)).copy()
    own = np.arange(len(counts)) if numbers is None else numbers
    draw_counts(counts, np.uint64(seed), PURPOSE, np.asarray(own, np.uint64))
    return counts


@pytest.mark.compiled
@pytest.mark.parametrize("expected", [0.01, 0.5, 4.0, 9.99, MANY, 10.5, 25.0, 137.0, 4000.0])
def test_counts_have_the_distribution_of_poisson(expected):
    """Pearson's test; the seed is fixed, and one in 10^4 would fail."""
    counts = draw(expected, (64, 64, 64)).ravel()
    law = scipy.stats.poisson(expected)
    # Between tails that are expected 20 times.
    first, last = law.ppf(20 / counts.size), law.isf(20 / counts.size)
    bins = np.clip(counts, first, last) - first
    inner = law.pmf(np.arange(first + 1, last))
    probabilities = np.concatenate([[law.cdf(first)], inner, [law.sf(last - 1)]])
    observed = np.bincount(bins.astype(int), minlength=len(probabilities))
    assert scipy.stats.chisquare(observed, probabilities * counts.size).pvalue > 1e-4


@given(st.floats(0.0, MANY, exclude_max=True) | st.floats(MANY, 1e6))
@example(0.0)
@example(5e-324)
@example(math.nextafter(MANY, 0.0))
@example(MANY)
@example(99.99)
@example(100.0)
def test_counts_are_the_quantiles_of_uniform_numbers(expected):
    n = 64
    uniforms = np.empty((3, n))
    fill_uniforms(uniforms, SEED, PURPOSE, np.arange(3, dtype=np.uint64))
    counts = draw(expected, (3, 1, n))[:, 0]
    np.testing.assert_array_equal(counts, scipy.stats.poisson.ppf(uniforms, expected))


@given(
    st.floats(MANY, 200.0) | st.floats(MANY, 1e5),
    st.floats(-8.0, 8.0),
    st.sampled_from([-1e-9, 1e-9]),
)
@example(MANY, -2.9, 1e-9)
@example(100.0, 3.1, -1e-9)
def test_quantiles_change_where_the_sums_of_probabilities_are(expected, deviation, beside):
    """Where the expansion alone would be wrong most easily, and in the tails."""
    n = math.floor(expected + math.sqrt(expected) * deviation)
    assume(n >= 0)
    # Of the smaller tail, which is more precise.
    below = n <= expected
    tail = float((gammaincc if below else gammainc)(n + 1.0, expected))
    # Of 1 less than this the number is too coarse.
    assume(tail > (2**-52 if below else 1e-6))
    u = tail * (1 + beside) if below else 1 - tail * (1 - beside)
    found = find_quantile(expected, u)
    assert decide_quantile(expected, u) == n + (beside > 0)
    assert found in (n + (beside > 0), UNDECIDED)


@pytest.mark.parametrize(
    ("expected", "u", "count"),
    [(12.81648564762838, 0.26775515401741967, 10), (17.103370138134554, 0.3620657458138514, 15)],
)
def test_a_quantile_may_be_below_what_the_expansion_begins_with(expected, u, count):
    assert decide_quantile(expected, u) == scipy.stats.poisson.ppf(u, expected) == count


@pytest.mark.parametrize("u", [2.0**-53, 1e-12, 1e-3, 0.5, 0.999, 1 - 1e-12, 1 - 2.0**-53])
@pytest.mark.parametrize("expected", [MANY, 37.0, 99.0, 100.0, 1e4, 1e6])
def test_the_farthest_quantiles_are_finite_and_right(expected, u):
    n = decide_quantile(expected, u)
    # Sums of probabilities are precise to 1e-8 of the smaller tail.
    if u <= 0.5:
        assert gammaincc(n + 1, expected) >= u * (1 - 1e-8)
        assert n == 0 or gammaincc(n, expected) < u * (1 + 1e-8)
    else:
        assert gammainc(n + 1, expected) <= (1 - u) * (1 + 1e-8)
        assert gammainc(n, expected) > (1 - u) * (1 - 1e-8)


@pytest.mark.parametrize(("expected", "most"), [(MANY, 0.02), (40.0, 0.01), (1e4, 0.004)])
def test_few_quantiles_are_left_undecided(expected, most):
    """Each of them takes as long as many others."""
    numbers = (np.arange(2_000) + 0.5) / 2_000
    assert np.mean([find_quantile(expected, u) == UNDECIDED for u in numbers]) < most


@pytest.mark.parametrize("expected", [MANY, 20.0, 1e3, 1e6, 1e10])
def test_many_electrons_have_the_moments_of_poisson(expected, is_compiled):
    counts = draw(expected, (16, 128, 128) if is_compiled else (1, 32, 32)).ravel()
    n, standard = counts.size, (counts - expected) / math.sqrt(expected)
    assert np.all(counts == np.round(counts))
    assert abs(standard.mean()) < 4.5 / math.sqrt(n)
    assert abs(standard.var() - 1.0) < 4.5 * math.sqrt((2 + 1 / expected) / n)
    skewness = np.mean(standard**3) - 1 / math.sqrt(expected)
    assert abs(skewness) < 4.5 * math.sqrt((15 + 100 / expected) / n)


@given(
    st.lists(
        st.sampled_from([0.0, 0.2, 3.0, math.nextafter(MANY, 0.0), MANY, 11.0, 50.0, 700.0]),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 2**64 - 1),
)
def test_a_count_belongs_to_its_place_alone(expected, number):
    """Whatever its neighbours are, which of its row are drawn together."""
    row = np.array(expected)
    counts = draw(row, (2, 3, len(row)), [number, 7])
    for x, own in enumerate(expected):
        alone = draw(own, (2, 3, x + 1), [number, 7])
        np.testing.assert_array_equal(counts[:, :, x], alone[:, :, x])


def test_places_numbers_and_seeds_are_other_draws():
    counts = draw(1e12, (3, 4, 5))
    other = draw(1e12, (3, 4, 5), seed=SEED + np.uint64(1))
    assert len(np.unique([counts, other])) == 2 * counts.size


def test_the_numbers_of_neighbours_are_independent(is_compiled):
    side = 256 if is_compiled else 32
    for expected in (3.0, 30.0):
        counts = draw(expected, (1, side, side))[0]
        for one, other in ((counts[:, 1:], counts[:, :-1]), (counts[1:], counts[:-1])):
            assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4.5 / side
