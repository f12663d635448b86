"""Integrators and volumes of a user's own that return something else than they should."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.projection import AbstractProjectionInBatches, Projection
from numbavol.projection.each import Delivery, project_each
from numbavol.projection.projections import ComplexProjection


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


ARRAYS = {
    "one row": (
        np.zeros((1, 5)),
        True,
        r"real .* \(4, 5\) for an image .*, got float64 of shape \(1",
    ),
    "narrow": (np.zeros((4, 4)), True, r"got float64 of shape \(4, 4\)"),
    "whole transform": (np.zeros((4, 5), complex), False, r"complex .* \(4, 3\) for a transform"),
    "complex image": (np.zeros((4, 5), complex), True, r"got complex128 of shape \(4, 5\)"),
    "list": ([[0.0] * 5] * 4, True, "got list"),
}


class InBatches(AbstractProjectionInBatches):
    n_at_a_time = 8

    def __init__(self, array, is_image):
        self.array, self.is_image = array, is_image

    def begin(self, rotations, offsets):
        del rotations, offsets
        array = self.array if isinstance(self.array, list) else np.array([self.array, self.array])
        return lambda start, stop: Projection(array[start:stop], (4, 5), is_image=self.is_image)


@pytest.mark.parametrize("pad_scale", [1.0, 1.5])
@pytest.mark.parametrize("is_in_batches", [False, True])
@pytest.mark.parametrize(("array", "is_image", "message"), ARRAYS.values(), ids=ARRAYS)
def test_a_projection_that_is_not_as_it_says_is_an_error(
    array, is_image, message, is_in_batches, pad_scale
):
    class Wrong(numbavol.AbstractVolumeIntegrator):
        def prepare(self, volume_representation, image_config):
            del volume_representation, image_config
            if is_in_batches:
                return InBatches(array, is_image)
            return lambda _: Projection(array, (4, 5), is_image=is_image)

    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    config = numbavol.ImageConfig((4, 5), 1.0, pad_scale=pad_scale)
    poses = numbavol.EulerAnglePose(phi_angle=[0.0, 1.0])
    if is_in_batches:
        message = message.replace(r"\(", r"\(1, ")
    with pytest.raises(ValueError, match="^integrator: expected .*" + message):
        numbavol.project(volume, poses, config, integrator=Wrong())


@pytest.mark.parametrize("n_at_a_time", [0, 2.0, None])
def test_a_number_of_poses_that_is_none_is_named(n_at_a_time):
    class Wrong(numbavol.AbstractVolumeIntegrator):
        def prepare(self, volume_representation, image_config):
            del volume_representation, image_config
            batches = InBatches(np.zeros((4, 5)), is_image=True)
            batches.n_at_a_time = n_at_a_time
            return batches

    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    config = numbavol.ImageConfig((4, 5), 1.0)
    with pytest.raises(ValueError, match="integrator: n_at_a_time: expected a whole number above"):
        numbavol.project(volume, numbavol.EulerAnglePose(), config, integrator=Wrong())


@pytest.mark.parametrize("is_on_one_thread", [False, True])
def test_progress_counts_images_however_they_are_made(is_on_one_thread):
    prepared = InBatches(np.arange(20.0).reshape(4, 5), is_image=True)
    prepared.n_on_one_thread = 8 if is_on_one_thread else 0

    class Own(numbavol.AbstractVolumeIntegrator):
        def prepare(self, volume_representation, image_config):
            del volume_representation, image_config
            return prepared

    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    config = numbavol.ImageConfig((4, 5), 1.0)
    poses = numbavol.EulerAnglePose(phi_angle=np.zeros(4))
    images, reported = np.full((4, 4, 5), -1.0), []
    delivery = Delivery(images, lambda _, projection: projection.take(outputs_real_space=True))
    project_each(
        delivery, volume, poses, config, Own(), first=2, report=lambda *n: reported.append(n)
    )
    assert reported[-1] == (4, 4)
    assert np.all(images[:2] == -1)
    np.testing.assert_array_equal(images[2:], [prepared.array] * 2)


def test_a_complex_projection_is_of_complex_numbers():
    class Wrong(numbavol.AbstractVolumeIntegrator):
        def prepare(self, volume_representation, image_config):
            del volume_representation, image_config
            return lambda _: ComplexProjection(np.zeros((4, 5)), (4, 5), is_image=False)

    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, 1.0)
    config = numbavol.ImageConfig((4, 5), 1.0)
    with pytest.raises(ValueError, match=r"integrator: expected complex numbers of shape \(4, 5\)"):
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
