"""Patches of images on the CPU: groups of positions, shapes, borders and what lies outside."""

from __future__ import annotations

import functools
import math

import numpy as np
import patches
import pytest
from patches import STILL, Mixture, draw_mixture, draw_mixture_at_edges, join
from planar import scale_gaussians

from numbavol.kernels.cpu.lanes import LANES

check_projections = functools.partial(patches.check_projections, device="cpu")
averaged_or_sampled = pytest.mark.parametrize("antialias", [True, False])


@pytest.fixture
def rng():
    return np.random.default_rng(23)


@averaged_or_sampled
@pytest.mark.parametrize("radius", [0.0, 3.0, 2.5 * LANES])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2 * LANES + 1), (LANES + 1, 1), (5, LANES), (2 * LANES, 3 * LANES - 1)]
)
def test_several_images_have_what_was_there_and_their_projections(rng, shape, radius, antialias):
    mixture = draw_mixture(rng, shape, 40, k=3, radius=radius)
    mixture.places[0] = 0.25
    offsets = [(0.0, 0.0), (1.0, -0.5), (-0.25, 0.125)]
    for groups in ((), (13,), (1, 2, 39)):
        check_projections(
            rng.standard_normal((3, *shape)), mixture, offsets, antialias, groups=groups
        )


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_widest_gaussian_may_be_in_any_group(rng, at):
    mixtures = [draw_mixture(rng, (40, 50), 6, radius=2.0) for _ in range(3)]
    wide = draw_mixture(rng, (40, 50), 1)._replace(
        places=np.array([[21.3, 17.8]]), radii=np.full((1, 2), 30.0)
    )
    # First and last of its group, too.
    for order in ((wide, mixtures[at]), (mixtures[at], wide)):
        several = [*mixtures[:at], join(*order), *mixtures[at + 1 :]]
        groups = np.cumsum([len(mixture.places) for mixture in several])[:-1]
        check_projections(rng.standard_normal((1, 40, 50)), join(*several), groups=groups)


@averaged_or_sampled
def test_every_kind_of_profile_in_several_lanes(rng, antialias):
    deviations = np.array([[0.01, 0.1, 0.15, 0.3, 0.6, 2.0, 30.0]])
    mixture = Mixture(
        np.array([[20.5, 1.25]]),
        np.full(deviations.shape, 20.75),
        np.linspace(1.0, -0.5, deviations.size, dtype=np.float32)[np.newaxis],
        (math.sqrt(0.5) / deviations).astype(np.float32),
    )
    check_projections(rng.standard_normal((1, 5, 2 * LANES + 8)), mixture, STILL, antialias)


@averaged_or_sampled
@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0])
def test_places_at_edges_and_corners_of_pixels(rng, radius, antialias):
    mixture = draw_mixture_at_edges(rng, radius)
    check_projections(rng.standard_normal((1, 3, 4)), mixture, STILL, antialias)


def test_what_is_outside_or_no_number_adds_nothing(rng):
    outside = [(np.nan, 0), (0, np.nan), (-99, 0), (0, 99), (1e300, 0), (0, -np.inf), (np.inf, 0)]
    sums = rng.standard_normal((2, 3, 4))
    mixture = draw_mixture(rng, (3, 4), len(outside))._replace(places=np.array(outside, float))
    offsets = [(0.0, 0.0), (1.0, 1.0)]
    inside = draw_mixture(rng, (3, 4), 1)._replace(places=np.array([[1.0, 1.0]]))
    # Uncompiled, NumPy would warn of infinity times 0.
    with np.errstate(invalid="ignore"):
        found, both, alone = (
            patches.project(sums, several, offsets, device="cpu")
            for several in (mixture, join(mixture, inside), inside)
        )
    np.testing.assert_array_equal(found, sums)
    np.testing.assert_array_equal(both, alone)


@pytest.mark.parametrize("sharpest", [1e12, 1e30])
def test_gaussians_are_written_in_pixels_in_an_order(rng, sharpest):
    positions, amplitudes = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    # The smallest numbers that there are, and large ones.
    variances = 10.0 ** rng.uniform(-300, 4, (9, 2))
    variances[0] = np.nextafter(0, 1), 1e-320
    order, pixel_size, reach = rng.permutation(9)[:7], 1.7, 4.5
    made = scale_gaussians(
        "cpu", order, positions, amplitudes, variances, pixel_size, reach, sharpest
    )
    deviations = np.sqrt(variances[order]) / pixel_size
    with np.errstate(over="ignore", divide="ignore"):
        widths = np.minimum(math.sqrt(0.5) / deviations, sharpest)
    expected = (
        positions[order] / pixel_size,
        reach * deviations,
        amplitudes[order] / (4.0 * pixel_size**2),
        widths,
    )
    for one, other in zip(made, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=4 * np.finfo(one.dtype).eps)
