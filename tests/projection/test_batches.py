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


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "2"])
def test_a_batch_is_a_number_of_images(batch_size):
    with pytest.raises(ValueError, match="batch_size: expected a whole number above 0"):
        numbavol.project(VOLUME, POSES, CONFIG, batch_size=batch_size)


@pytest.mark.parametrize("device", ["tpu", 1])
def test_a_device_that_is_none_is_named(device):
    with pytest.raises(ValueError, match="device: expected 'cpu', 'cuda' or 'auto'"):
        numbavol.project(VOLUME, POSES, CONFIG, device=device)


def test_images_are_streamed_from_a_memory_of_its_own_alone():
    with pytest.raises(TypeError, match="device: expected one whose memory is its own, got 'cpu'"):
        StreamedDelivery(np.zeros((1, 2, 2)), lambda _, projection: projection.array, CPU)
