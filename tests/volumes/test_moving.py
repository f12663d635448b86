"""Volumes and arrays that are brought to a device, and back."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import numbavol
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing

MISSING = describe_what_is_missing()
on_cuda = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]
MAP = np.random.default_rng(0).standard_normal((4, 5, 6)).astype(np.float32)
CONFIG = numbavol.ImageConfig((4, 4), pixel_size=1.0)
VOLUMES = {
    "gaussians": numbavol.GaussianMixtureVolume([[0.0, 1.0, 0.0]], [[1.0] * 7], [[1.5] * 7]),
    "linear": numbavol.FourierVoxelGridVolume.from_real_voxel_grid(MAP),
    "spline": numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(MAP),
    "voxels": numbavol.RealVoxelGridVolume.from_real_voxel_grid(MAP[:2, :2, :2]),
    "atoms": numbavol.IndependentAtomVolume(
        [[0.0, 0.0, 1.0]], numbavol.FourierGaussian(3.0, b_factor=60.0)
    ),
}


ENSEMBLE = numbavol.EnsembleVolume((VOLUMES["gaussians"], VOLUMES["atoms"]), [1.0, 2.0])
THERMAL = numbavol.ThermalVolume(VOLUMES["gaussians"], 40.0)


@pytest.mark.parametrize("name", VOLUMES)
def test_a_volume_on_the_cpu_is_there_already(name):
    assert numbavol.to_device(VOLUMES[name], "cpu") == VOLUMES[name]


def test_an_ensemble_keeps_its_volumes_and_weights():
    moved = numbavol.to_device(ENSEMBLE, "cpu")
    assert moved.volumes == ENSEMBLE.volumes
    np.testing.assert_array_equal(moved.weights, ENSEMBLE.weights)


def test_what_is_no_volume_is_an_error():
    with pytest.raises(TypeError, match="volume: expected a volume or an array, got str"):
        numbavol.to_device("1tii", "cpu")


class TestOnCuda:
    pytestmark = on_cuda

    @pytest.mark.parametrize("name", VOLUMES)
    def test_a_volume_comes_back_as_it_went(self, name):
        there = numbavol.to_device(VOLUMES[name], "cuda")
        assert type(there) is type(VOLUMES[name])
        assert repr(there) == repr(VOLUMES[name])
        assert there == copy.copy(there)
        assert numbavol.to_device(there, "cpu") == VOLUMES[name]

    def test_its_arrays_are_on_the_device_and_not_sent_again(self):
        there = numbavol.to_device(VOLUMES["linear"], "cuda")
        assert hasattr(there.fourier_voxel_grid, "__cuda_array_interface__")
        assert there != VOLUMES["linear"]
        again = numbavol.to_device(there, "cuda")
        memory, same = (
            volume.fourier_voxel_grid.__cuda_array_interface__["data"] for volume in (there, again)
        )
        assert memory == same

    @pytest.mark.parametrize("name", [name for name in VOLUMES if name != "voxels"])
    def test_images_of_it_are_those_of_the_volume(self, name):
        there = numbavol.to_device(VOLUMES[name], "cuda")
        pose = numbavol.EulerAnglePose(phi_angle=30.0)
        made, expected = (
            numbavol.project(volume, pose, CONFIG, device="cuda")
            for volume in (there, VOLUMES[name])
        )
        np.testing.assert_array_equal(made, expected)

    def test_an_ensemble_has_its_volumes_there(self):
        there = numbavol.to_device(ENSEMBLE, "cuda")
        assert hasattr(there.volumes[0].positions, "__cuda_array_interface__")
        assert not hasattr(ENSEMBLE.volumes[0].positions, "__cuda_array_interface__")
        assert numbavol.to_device(there, "cpu").volumes == ENSEMBLE.volumes

    @pytest.mark.parametrize(
        ("volume", "there"),
        [
            (
                numbavol.EnsembleVolume((VOLUMES["gaussians"],) * 2),
                lambda volume: numbavol.to_device(volume, "cuda"),
            ),
            (THERMAL, lambda volume: numbavol.to_device(volume, "cuda")),
            (
                THERMAL,
                lambda volume: numbavol.ThermalVolume(
                    numbavol.to_device(volume.volume, "cuda"), volume.b_factors
                ),
            ),
        ],
        ids=["ensemble", "thermal", "thermal, of a volume there"],
    )
    def test_a_seed_draws_the_same_there(self, volume, there):
        poses = numbavol.EulerAnglePose(phi_angle=np.array([0.0, 30.0]))
        made, expected = (
            numbavol.project(drawn, poses, CONFIG, device="cuda", seed=3)
            for drawn in (there(volume), volume)
        )
        np.testing.assert_array_equal(made, expected)

    def test_a_turned_volume_stays_there(self):
        pose = numbavol.EulerAnglePose(theta_angle=30.0)
        turned = numbavol.to_device(VOLUMES["linear"], "cuda").rotate_to_pose(pose)
        assert numbavol.to_device(turned, "cpu") == VOLUMES["linear"].rotate_to_pose(pose)

    @pytest.mark.parametrize("name", ["linear", "gaussians"])
    def test_the_cpu_refuses_it(self, name):
        there = numbavol.to_device(VOLUMES[name], "cuda")
        pose = numbavol.EulerAnglePose()
        with pytest.raises(ValueError, match="'cpu' cannot work on arrays of a CUDA device"):
            numbavol.project(there, pose, CONFIG)

    def test_an_array_of_the_device_is_taken_without_a_copy(self):
        grid = find_device("cuda").send(MAP.astype(np.complex64))
        volume = numbavol.FourierVoxelGridVolume(grid, np.zeros((1, 2, 2, 3)))
        assert (
            volume.fourier_voxel_grid.__cuda_array_interface__["data"]
            == grid.__cuda_array_interface__["data"]
        )


@pytest.mark.parametrize("name", VOLUMES)
def test_a_volume_can_still_be_pickled(name):
    assert pickle.loads(pickle.dumps(VOLUMES[name])) == VOLUMES[name]


@pytest.mark.cuda
@pytest.mark.skipif(MISSING is not None, reason=MISSING or "")
def test_gaussians_of_arrays_on_the_device_stay_there():
    card = find_device("cuda")
    positions = card.send(np.zeros((2, 3)))
    volume = numbavol.GaussianMixtureVolume(positions, 1.0, card.send(np.array([1.0, 2.0])))
    memory = volume.positions.__cuda_array_interface__["data"]
    assert memory == positions.__cuda_array_interface__["data"]
    expected = numbavol.GaussianMixtureVolume(np.zeros((2, 3)), 1.0, [1.0, 2.0])
    assert numbavol.to_device(volume, "cpu") == expected
    turned = volume.rotate_to_pose(numbavol.EulerAnglePose(phi_angle=90.0))
    assert repr(turned) == repr(expected)
    with pytest.raises(ValueError, match="variances: expected values above 0"):
        numbavol.GaussianMixtureVolume(positions, 1.0, card.send(np.zeros(2)))


@pytest.mark.parametrize(
    ("name", "move"),
    [
        (name, move)
        for name, volume in VOLUMES.items()
        for move in ("rotate_to_pose", "translate_to_pose")
        if hasattr(volume, move)
    ],
)
def test_what_is_no_pose_is_named(name, move):
    with pytest.raises(TypeError, match="pose: expected an AbstractPose, got int"):
        getattr(VOLUMES[name], move)(3)


@pytest.mark.parametrize(
    "name", [each for each in VOLUMES if hasattr(VOLUMES[each], "rotate_to_pose")]
)
def test_a_word_is_not_taken_for_the_inverse(name):
    with pytest.raises(TypeError, match="inverse: expected True or False, got 'no'"):
        VOLUMES[name].rotate_to_pose(numbavol.EulerAnglePose(), "no")
