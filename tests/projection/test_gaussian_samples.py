"""Gaussians at pixels' centres, many of them at one place, and many in one place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import EulerAnglePose, GaussianMixtureProjection, GaussianMixtureVolume, ImageConfig

POINTS = GaussianMixtureProjection(antialias=False)


def sample(volume, shape, pixel_size):
    """The integral along z at the centre of each pixel, in float64."""
    y, x = ((np.arange(n) - n // 2) * pixel_size for n in shape)
    image = np.zeros(shape)
    for position, amplitudes, variances in zip(
        volume.positions, volume.amplitudes, volume.variances, strict=True
    ):
        squared = (y[:, None] - position[1]) ** 2 + (x - position[0]) ** 2
        for a, v in zip(amplitudes, variances, strict=True):
            image += a / (2 * np.pi * v) * np.exp(-squared / (2 * v))
    return image


@given(
    st.integers(0, 99),
    st.floats(0.5, 3.0),
    st.sampled_from([(9, 9), (12, 7), (30, 33)]),
    st.sampled_from([1, 3, 7]),
)
def test_samples_are_the_closed_form(seed, pixel_size, shape, k) -> None:
    rng = np.random.default_rng(seed)
    volume = GaussianMixtureVolume(
        rng.normal(0, 4, (6, 3)), rng.uniform(-1, 4, (6, k)), rng.uniform(0.05, 4, (6, k))
    )
    image = numbavol.project(
        volume, EulerAnglePose(), ImageConfig(shape, pixel_size), integrator=POINTS
    )
    expected = sample(volume, shape, pixel_size)
    highest = (np.abs(volume.amplitudes) / (2 * np.pi * volume.variances)).sum()
    # What is left out sums to 1e-6 of all amplitudes over averages; of samples, the widest
    # Gaussian has exp(-5.1^2 / 2) = 2e-6 of its peak at the end of a window. Rounding is float32's.
    assert np.abs(image - expected).max() < 4e-6 * highest


def test_of_fine_pixels_averages_are_samples() -> None:
    volume = GaussianMixtureVolume([[0.3, -0.2, 1.0]], 2.0, 4.0)
    config = ImageConfig((64, 64), 0.1)
    average = numbavol.project(volume, EulerAnglePose(), config)
    samples = numbavol.project(volume, EulerAnglePose(), config, integrator=POINTS)
    # The average differs by the curvature, the pixel's square over 24 variances: twice 1e-4.
    assert np.abs(average - samples).max() < 2.2e-4 * samples.max()
    assert np.abs(average - samples).max() > 1e-4 * samples.max()


def test_sharp_gaussians_are_seen_only_where_they_lie() -> None:
    volume = GaussianMixtureVolume([[1.0, -2.0, 0.0], [0.5, 0.5, 0.0]], 1.0, 1e-4)
    image = numbavol.project(volume, EulerAnglePose(), ImageConfig((8, 8), 1.0), integrator=POINTS)
    assert np.flatnonzero(image).tolist() == [2 * 8 + 5]
    assert image[2, 5] == pytest.approx(1 / (2 * np.pi * 1e-4), rel=1e-6)


@pytest.mark.parametrize("variance", [1e-12, 1e-36, 1e-78])
@pytest.mark.parametrize("x", [0.0, 0.3, 0.5])
def test_points_are_finite_and_nowhere_else(variance, x) -> None:
    volume = GaussianMixtureVolume([[x, 0.0, 0.0]], 1.0, variance)
    config = ImageConfig((8, 8), 1.0)
    average = numbavol.project(volume, EulerAnglePose(), config)
    assert average.sum() == pytest.approx(1.0, abs=1e-6)
    samples = numbavol.project(volume, EulerAnglePose(), config, integrator=POINTS)
    assert np.all(np.isfinite(samples))
    samples[4, 4] *= x != 0
    assert np.all(samples < 1e-12)


@pytest.mark.parametrize("antialias", [True, False])
def test_more_gaussians_than_are_fused_are_as_many_positions(antialias) -> None:
    rng = np.random.default_rng(0)
    positions, amplitudes = rng.normal(0, 3, (20, 3)), rng.uniform(1, 2, (20, 9))
    variances = rng.uniform(0.3, 3, (20, 9))
    pose, config = EulerAnglePose(1.0, 2.0, 30, 40, 50), ImageConfig((24, 22), 1.0)
    integrator = GaussianMixtureProjection(antialias=antialias)
    together = numbavol.project(
        GaussianMixtureVolume(positions, amplitudes, variances), pose, config, integrator=integrator
    )
    each = numbavol.project(
        GaussianMixtureVolume(
            np.repeat(positions, 9, axis=0), amplitudes.ravel(), variances.ravel()
        ),
        pose,
        config,
        integrator=integrator,
    )
    np.testing.assert_array_equal(together, each)


def test_where_thousands_overlap_no_digit_is_lost() -> None:
    rng = np.random.default_rng(0)
    # Several groups of neighbours, one on the other, in a pixel or two.
    volume = GaussianMixtureVolume(rng.uniform(-1, 1, (20_000, 3)), 1.0, 1.0)
    config = ImageConfig((16, 16), 1.0)
    image = numbavol.project(volume, EulerAnglePose(), config)
    turned = GaussianMixtureVolume(volume.positions[::-1].copy(), 1.0, 1.0)
    again = numbavol.project(turned, EulerAnglePose(), config)
    # Added one by one in float32, 2e4 terms would err by up to 1e-3 of their sum.
    assert image.sum(dtype=np.float64) == pytest.approx(20_000, rel=1e-6)
    np.testing.assert_allclose(image, again, rtol=0, atol=1e-6 * image.max())


def test_a_group_may_be_out_of_the_image() -> None:
    rng = np.random.default_rng(0)
    near = rng.normal(0, 2, (5_000, 3))
    far = near + np.array([0.0, 500.0, 0.0])
    config = ImageConfig((16, 16), 1.0)
    alone = numbavol.project(GaussianMixtureVolume(near, 1.0, 1.0), EulerAnglePose(), config)
    both = numbavol.project(
        GaussianMixtureVolume(np.concatenate([near, far]), 1.0, 1.0), EulerAnglePose(), config
    )
    np.testing.assert_allclose(both, alone, rtol=0, atol=1e-6 * alone.max())
