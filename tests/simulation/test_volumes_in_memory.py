"""Simulations of volumes and maps that are in memory."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import numbavol
from numbavol.simulation import NoiseConfig, SimulationConfig, VolumeConfig

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled


@pytest.fixture
def config():
    """Of a volume that is not there: it is not to be read."""
    volume = VolumeConfig("none.mrc")
    return SimulationConfig(7, 16, 2.0, volume=volume, noise=NoiseConfig(variance=1.0), seed=1)


MIXTURE = numbavol.GaussianMixtureVolume([[0.0] * 3], 1.0, 1.0)


@pytest.mark.same_bits
def test_volumes_in_memory_are_as_good_as_files(config, tmp_path):
    rng = np.random.default_rng(0)
    maps = [rng.random((16, 16, 16)).astype(np.float32) for _ in range(2)]
    for n, density in enumerate(maps):
        numbavol.write_map(tmp_path / f"{n}.mrc", density, 2.0)
    of_files = dataclasses.replace(
        config, volume=tuple(VolumeConfig(tmp_path / f"{n}.mrc") for n in range(2))
    )
    in_memory = dataclasses.replace(config, volume=())
    expected = numbavol.simulate(of_files)
    made = numbavol.simulate(in_memory, volumes=maps)
    np.testing.assert_array_equal(made.images, expected.images)
    np.testing.assert_array_equal(made.particles.class_number, expected.particles.class_number)
    streamed = numbavol.simulate(in_memory, volumes=maps, stream=True, batch_size=4)
    np.testing.assert_array_equal(np.concatenate([b.images for b in streamed]), made.images)
    mixture = numbavol.GaussianMixtureVolume([[3.0, 0.0, 0.0]], amplitudes=5.0, variances=4.0)
    quiet = dataclasses.replace(in_memory, noise=NoiseConfig())
    images, particles = numbavol.simulate(quiet, volumes=[mixture])
    plain = numbavol.project(mixture, particles.to_poses(), quiet.image_config)
    formed = numbavol.form_images(plain, 2.0, numbavol.CTF.from_particles(particles))
    np.testing.assert_allclose(images, formed, rtol=0, atol=2e-6 * np.abs(formed).max())


@pytest.mark.parametrize(
    ("volumes", "message"),
    [
        ([], "volumes: expected one or more of one kind, got none"),
        ([np.zeros((3, 3))], "volumes: expected 3 axes"),
        (
            [np.ones((4, 4, 4)), numbavol.GaussianMixtureVolume([[0.0] * 3], 1.0, 1.0)],
            "volumes: expected one or more of one kind, got FourierVoxelSplineVolume, Gaussian",
        ),
    ],
)
def test_what_are_no_volumes_is_named(config, volumes, message):
    with pytest.raises(ValueError, match=message):
        numbavol.simulate(dataclasses.replace(config, volume=()), volumes=volumes)


def test_volumes_in_memory_take_the_place_of_those_of_files(config, tmp_path):
    volumes = [np.ones((4, 4, 4))]
    expected = numbavol.simulate(dataclasses.replace(config, volume=()), volumes=volumes)
    np.testing.assert_array_equal(
        numbavol.simulate(config, volumes=volumes).images, expected.images
    )
    with pytest.raises(ValueError, match="output: expected None with stream, numbers or volumes"):
        numbavol.simulate(config, tmp_path / "stack.mrcs", volumes=volumes)
    gaussian = dataclasses.replace(config, method="gaussian")
    with pytest.raises(ValueError, match="method: 'gaussian' images no map, and one of volumes"):
        numbavol.simulate(gaussian, volumes=volumes)


@pytest.mark.parametrize(
    ("volumes", "message"),
    [
        (MIXTURE, "volumes: expected a list of maps or volumes, got GaussianMixtureVolume"),
        (
            [numbavol.EnsembleVolume([MIXTURE, MIXTURE])],
            "volumes: expected arrays, or volumes .* not random, got EnsembleVolume",
        ),
        (
            ["a.mrc"],
            "volumes: expected arrays, or volumes that can be imaged and are not random, got str",
        ),
    ],
    ids=["no list", "ensemble", "name"],
)
def test_volumes_of_another_kind_are_named(config, volumes, message):
    with pytest.raises(TypeError, match=message):
        numbavol.simulate(config, volumes=volumes)
