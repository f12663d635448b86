"""Integrators and volumes of a user's own that return something else than they should."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol


@pytest.mark.parametrize(
    ("prepared", "message"),
    [
        (None, r"integrator: expected Wrong\.prepare to return a function .*, got NoneType"),
        (lambda _: np.zeros((4, 4)), "integrator: expected .* to make a Projection, got ndarray"),
    ],
    ids=["nothing", "arrays"],
)
def test_an_integrator_that_returns_something_else_is_named(prepared, message):
    class Wrong(numbavol.AbstractVolumeIntegrator):
        def prepare(self, volume_representation, image_config):
            del volume_representation, image_config
            return prepared

    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    config = numbavol.ImageConfig((4, 4), 1.0)
    with pytest.raises(TypeError, match=message):
        numbavol.project(volume, numbavol.EulerAnglePose(), config, integrator=Wrong())


@pytest.mark.parametrize("drawn", [None, np.zeros((3, 3, 3))], ids=["nothing", "an array"])
def test_a_volume_that_draws_something_else_is_named(drawn):
    class Wrong(numbavol.AbstractVolumeParametrization):
        def get_representation(self, rng=None):
            del rng
            return drawn

    config = numbavol.ImageConfig((4, 4), 1.0)
    message = rf"volume: expected Wrong\.get_representation .*, got {type(drawn).__name__}"
    with pytest.raises(TypeError, match=message):
        numbavol.project(Wrong(), numbavol.EulerAnglePose(), config)
