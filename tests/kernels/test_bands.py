"""What positions add to some rows of images is what they add to these rows of whole images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from planar import draw_projection, draw_spreading, run_on

some_borders = st.lists(st.integers(0, 50), max_size=3)
seeds = st.integers(0, 2**32 - 1)


def add_in_bands(device, name, arguments, borders):
    """What a kernel makes of an image, of which it is given one band of rows after another."""
    out, _, *others = arguments
    n_rows = out.shape[1]
    made = [
        run_on(device, name, out[:, start:stop], start, *others)
        for start, stop in itertools.pairwise(sorted({0, n_rows, *(b % n_rows for b in borders)}))
    ]
    return np.concatenate(made, axis=1)


@pytest.mark.parametrize("antialias", [True, False])
@given(
    seed=seeds,
    borders=some_borders,
    shape=st.sampled_from([(8, 7), (51, 9)]),
    # Of sharp ones borders of pixels are integrated to, wide ones reach beyond the image.
    lowest=st.sampled_from([(0.03, 0.03), (0.3, 0.3), (5.0, 5.0), (0.03, 3.0)]),
)
# The end of a chunk of rows, of sharp Gaussians beside wide ones, is rounded in its own way.
@example(seed=13, borders=[10, 17, 23], shape=(51, 9), lowest=(0.03, 3.0))
def test_rows_of_projections_are_the_same_in_any_band(antialias, seed, borders, shape, lowest):
    rng = np.random.default_rng(seed)
    deviations = lowest * rng.uniform(1.0, 3.0, (60, 2))
    arguments = draw_projection(rng, shape, 60, 2, antialias, n_images=2, deviations=deviations)
    whole = run_on("cpu", "project_gaussians", *arguments)
    found = add_in_bands("cpu", "project_gaussians", arguments, borders)
    np.testing.assert_array_equal(found, whole)


@given(
    seed=seeds,
    borders=some_borders,
    width=st.integers(2, 12),
    dtype=st.sampled_from([np.float32, np.float64]),
)
# A window that is wider than the grid has rows of every band.
@example(seed=0, borders=[1], width=12, dtype=np.float64)
def test_rows_of_grids_are_the_same_in_any_band(seed, borders, width, dtype):
    rng = np.random.default_rng(seed)
    arguments = draw_spreading(rng, (5, 4), 20, dtype, width=width, n_images=2)
    whole = run_on("cpu", "spread_in_plane", *arguments)
    found = add_in_bands("cpu", "spread_in_plane", arguments, borders)
    np.testing.assert_array_equal(found, whole)


@pytest.mark.cuda
def test_bands_on_cuda_have_the_rows_of_the_whole():
    rng = np.random.default_rng(0)
    projection = draw_projection(rng, (5, 3), 4, 2, antialias=True, n_images=2)
    whole = run_on("cuda", "project_gaussians", *projection)
    found = add_in_bands("cuda", "project_gaussians", projection, [2, 3])
    # It moves positions to the band, which rounds them once more.
    np.testing.assert_allclose(found, whole, rtol=0, atol=3e-6 * np.abs(whole).max())
    for width in (3, 7):
        spreading = draw_spreading(rng, (3, 2), 3, np.float32, width=width, n_images=2)
        whole = run_on("cuda", "spread_in_plane", *spreading)
        found = add_in_bands("cuda", "spread_in_plane", spreading, [1, 3])
        np.testing.assert_array_equal(found, whole)
