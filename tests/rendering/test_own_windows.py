"""Windows: each Gaussian of a position has its own, in maps and in images."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from numbavol import (
    EulerAnglePose,
    GaussianMixtureProjection,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    ImageConfig,
    project,
)

PLACE = [[0.3, -0.4, 0.2]]
AMPLITUDES, VARIANCES = (2.0, -1.5, 1.0), (0.4, 9.0, 1.7)
TOLERANCE = 1e-2


def mix(numbers):
    amplitudes, variances = np.array(AMPLITUDES)[numbers], np.array(VARIANCES)[numbers]
    return GaussianMixtureVolume(PLACE, amplitudes[np.newaxis], variances[np.newaxis])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_map_of_several_gaussians_is_the_sum_of_their_maps(dtype):
    render_fn = GaussianMixtureRenderFn((25, 24, 31), 1.0, tolerance=TOLERANCE, dtype=dtype)
    together = render_fn(mix([0, 1, 2]))
    alone = [render_fn(mix([i])) for i in range(3)]
    # Otherwise nothing would be seen of a window.
    widest = dataclasses.replace(render_fn, tolerance=0.0)(mix([0]))
    assert np.abs(widest - alone[0]).max() > 1e-4
    atol = {np.float32: 1e-6, np.float64: 1e-15}[dtype]
    np.testing.assert_allclose(together, sum(alone), rtol=0, atol=atol)


def test_an_image_of_several_gaussians_is_the_sum_of_their_images():
    integrator = GaussianMixtureProjection(tolerance=TOLERANCE)
    exact = GaussianMixtureProjection(tolerance=0.0)
    pose, config = EulerAnglePose(phi_angle=20.0, theta_angle=50.0), ImageConfig((24, 31), 1.0)

    def image(numbers, integrator):
        return project(mix(numbers), pose, config, integrator=integrator)

    alone = [image([i], integrator) for i in range(3)]
    assert np.abs(image([0], exact) - alone[0]).max() > 1e-4
    np.testing.assert_allclose(image([0, 1, 2], integrator), sum(alone), rtol=0, atol=1e-6)
