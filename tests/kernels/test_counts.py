"""Numbers of electrons: Poisson's distribution, and what a draw belongs to."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.kernels.cpu.counts import draw_counts
from numbavol.kernels.cpu.noise import fill_uniforms
from numbavol.kernels.poisson import MANY

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


@given(st.floats(0.0, MANY, exclude_max=True))
@example(0.0)
@example(5e-324)
@example(math.nextafter(MANY, 0.0))
def test_few_electrons_are_the_quantile_of_a_uniform_number(expected):
    """A row of counts uses the first number of each pair."""
    n = 64
    uniforms = np.empty((3, 2 * n))
    fill_uniforms(uniforms, SEED, PURPOSE, np.arange(3, dtype=np.uint64))
    counts = draw(expected, (3, 1, n))[:, 0]
    np.testing.assert_array_equal(counts, scipy.stats.poisson.ppf(uniforms[:, 0::2], expected))


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
