"""The number of images that are made at once."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.kernels.dispatch import CPU
from numbavol.projection.each import StreamedDelivery

VOLUME = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)))
CONFIG = numbavol.ImageConfig((4, 4), pixel_size=1.0)
POSES = numbavol.EulerAnglePose(phi_angle=np.arange(5.0))


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_images_are_the_same_in_batches_of_any_size(batch_size):
    expected = numbavol.project(VOLUME, POSES, CONFIG)
    made = numbavol.project(VOLUME, POSES, CONFIG, batch_size=batch_size)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("device", ["tpu", 1])
def test_a_device_that_is_none_is_named(device):
    with pytest.raises(ValueError, match="device: expected 'cpu', 'cuda' or 'auto'"):
        numbavol.project(VOLUME, POSES, CONFIG, device=device)


def test_images_are_streamed_from_a_memory_of_its_own_alone():
    with pytest.raises(TypeError, match="device: expected one whose memory is its own, got 'cpu'"):
        StreamedDelivery(np.zeros((1, 2, 2)), lambda _, projection: projection.array, CPU)


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "all"])
@pytest.mark.parametrize("in_batches", [False, True])
def test_a_batch_size_that_is_none_is_an_error_of_every_volume(batch_size, in_batches):
    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    if in_batches:
        real_voxel_grid = numbavol.GaussianMixtureRenderFn((8, 8, 8), 1.0)(volume)
        volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(real_voxel_grid)
    config = numbavol.ImageConfig((8, 8), 1.0)
    with pytest.raises(ValueError, match="batch_size: expected a whole number above 0, got"):
        numbavol.project(volume, numbavol.EulerAnglePose(), config, batch_size=batch_size)


def test_what_is_written_to_an_array_does_not_stay_on_the_device():
    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    config, out = numbavol.ImageConfig((8, 8), 1.0), np.full((8, 8), 7.0, np.float32)
    with pytest.raises(ValueError, match="output: expected 'host' where out is given"):
        numbavol.project(volume, numbavol.EulerAnglePose(), config, out=out, output="device")
    assert np.all(out == 7.0)
