"""Many poses: what `project` returns, where it writes, and what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import numbavol
from numbavol import (
    AbstractVolumeIntegrator,
    AutoVolumeProjection,
    EulerAnglePose,
    FourierSliceExtraction,
    FourierVoxelGridVolume,
    FourierVoxelSplineVolume,
    GaussianMixtureProjection,
    GaussianMixtureVolume,
    ImageConfig,
    QuaternionPose,
    project,
)
from numbavol.projection import Projection
from numbavol.projection.each import Delivery, project_each
from numbavol.volumes import AbstractVolumeParametrization, AbstractVolumeRepresentation

N_POSES = 5
CONFIG = ImageConfig((9, 12), 1.5, pad_scale=1.4)
SMALL = ImageConfig((4, 4), 1.0)


def make_poses(n=N_POSES):
    rng = np.random.default_rng(1)
    rotations = Rotation.from_rotvec(rng.normal(0, 2, (n, 3)))
    return QuaternionPose.from_rotation_and_translation(rotations, rng.uniform(-3, 3, (n, 2)))


def make_gaussians():
    rng = np.random.default_rng(2)
    return GaussianMixtureVolume(rng.normal(0, 3, (9, 3)), rng.uniform(1, 2, (9, 1)), 2.0)


VOLUMES = {
    "gaussians": make_gaussians(),
    "grid": FourierVoxelGridVolume.from_real_voxel_grid(
        np.random.default_rng(3).normal(size=(10, 10, 10)), pad_scale=1.5
    ),
    "spline": FourierVoxelSplineVolume.from_real_voxel_grid(
        np.random.default_rng(3).normal(size=(9, 8, 11)).astype(np.float32)
    ),
}
ALL_VOLUMES = pytest.mark.parametrize("volume", VOLUMES.values(), ids=VOLUMES.keys())


# What comes out


@pytest.mark.same_bits
@ALL_VOLUMES
@pytest.mark.parametrize("outputs_real_space", [True, False])
def test_images_of_many_poses_are_those_of_each_alone(volume, outputs_real_space):
    poses = make_poses()
    images = project(volume, poses, CONFIG, outputs_real_space=outputs_real_space)
    assert images.shape == (N_POSES, 9, 12 if outputs_real_space else 7)
    assert images.dtype == (np.float32 if outputs_real_space else np.complex64)
    for number in range(N_POSES):
        alone = project(volume, poses[number], CONFIG, outputs_real_space=outputs_real_space)
        assert alone.shape == images.shape[1:]
        np.testing.assert_array_equal(images[number], alone)
    assert len({image.tobytes() for image in images}) == N_POSES


@ALL_VOLUMES
def test_one_pose_in_an_array_gives_one_image_in_an_array(volume):
    poses = make_poses(1)
    images = project(volume, poses, CONFIG)
    assert images.shape == (1, 9, 12)
    np.testing.assert_array_equal(images[0], project(volume, poses[0], CONFIG))


@ALL_VOLUMES
@pytest.mark.parametrize("shape", [(9, 12), (12, 9)])
@pytest.mark.parametrize("pad_scale", [1.0, 1.5])
def test_half_transforms_are_those_of_the_images(volume, shape, pad_scale):
    config = dataclasses.replace(CONFIG, shape=shape, pad_scale=pad_scale)
    images = project(volume, make_poses(), config)
    halves = project(volume, make_poses(), config, outputs_real_space=False)
    expected = np.fft.rfft2(np.fft.ifftshift(images.astype(float), axes=(1, 2)))
    # Both were rounded to float32, and transformed in it.
    np.testing.assert_allclose(
        halves, expected, rtol=0, atol=1e-6 * np.abs(images).sum((1, 2)).max()
    )


@ALL_VOLUMES
def test_a_volume_at_a_pose_is_the_turned_volume_at_its_offset(volume):
    poses = make_poses()
    images = project(volume, poses, CONFIG)
    for image, pose in zip(images, poses, strict=True):
        offset = EulerAnglePose.from_translation(pose.offset_in_angstroms)
        turned = project(volume.rotate_to_pose(pose), offset, CONFIG)
        np.testing.assert_allclose(image, turned, rtol=0, atol=1e-6 * np.abs(image).max())


@ALL_VOLUMES
@pytest.mark.parametrize("shape", [(11, 11), (7, 13)])
def test_opposite_views_are_mirror_images(volume, shape):
    if isinstance(volume, FourierVoxelGridVolume):
        # An even slice has Nyquist frequencies, and they are at one of its two ends.
        values = np.random.default_rng(3).normal(size=(11, 11, 11))
        volume = FourierVoxelGridVolume.from_real_voxel_grid(values)
    config = ImageConfig(shape, 1.2)
    rotations = make_poses().rotation
    half_turn = Rotation.from_euler("y", 180, degrees=True)
    images = project(volume, QuaternionPose.from_rotation(rotations), config)
    opposite = project(volume, QuaternionPose.from_rotation(half_turn * rotations), config)
    np.testing.assert_allclose(
        opposite, images[..., ::-1], rtol=0, atol=2e-6 * np.abs(images).max()
    )


@pytest.mark.usefixtures("_number_of_threads_is_restored")
@ALL_VOLUMES
def test_the_number_of_threads_changes_no_bit(volume):
    made = []
    for n_threads in (1, 2, 3):
        numbavol.set_num_threads(n_threads)
        made.append(project(volume, make_poses(7), CONFIG))
    np.testing.assert_array_equal(made[0], made[1])
    np.testing.assert_array_equal(made[0], made[2])


@ALL_VOLUMES
def test_volumes_and_poses_stay_as_they_are(volume):
    poses = make_poses()
    before = [value.tobytes() for value in vars(volume).values() if isinstance(value, np.ndarray)]
    project(volume, poses, CONFIG)
    after = [value.tobytes() for value in vars(volume).values() if isinstance(value, np.ndarray)]
    assert before == after
    assert poses == make_poses()


@pytest.mark.parametrize("n", [1, 4])
def test_progress_is_reported_once_an_image(n):
    reports = []
    project_each(
        Delivery(np.empty((n, *SMALL.shape), np.float32), lambda _, made: made.to_image()),
        make_gaussians(),
        make_poses(n),
        SMALL,
        AutoVolumeProjection(),
        report=lambda *d: reports.append(d),
    )
    assert reports == [(i + 1, n) for i in range(n)]


def test_an_error_of_the_report_stops_the_work():
    def stop(n_done, _n_all):
        if n_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project_each(
            Delivery(
                np.empty((N_POSES, *SMALL.shape), np.float32), lambda _, made: made.to_image()
            ),
            make_gaussians(),
            make_poses(),
            SMALL,
            AutoVolumeProjection(),
            report=stop,
        )


# Where it is written


@ALL_VOLUMES
def test_images_are_written_to_an_array(volume):
    expected = project(volume, make_poses(), CONFIG)
    out = np.full((N_POSES, 9, 12), np.nan, np.float32)
    assert project(volume, make_poses(), CONFIG, out=out) is out
    np.testing.assert_array_equal(out, expected)
    # Every second row of a larger one.
    strided = np.full((N_POSES, 18, 12), np.nan)[:, ::2]
    project(volume, make_poses(), CONFIG, out=strided)
    np.testing.assert_array_equal(strided.astype(np.float32), expected)


def test_one_image_is_written_to_an_array_of_two_axes():
    volume, pose = make_gaussians(), make_poses()[0]
    out = np.empty((9, 12), np.float32)
    assert project(volume, pose, CONFIG, out=out) is out
    np.testing.assert_array_equal(out, project(volume, pose, CONFIG))


@pytest.mark.parametrize("outputs_real_space", [True, False])
def test_images_are_written_to_a_memory_map(tmp_path, outputs_real_space):
    expected = project(
        make_gaussians(), make_poses(), CONFIG, outputs_real_space=outputs_real_space
    )
    path = tmp_path / "images.npy"
    out = np.lib.format.open_memmap(path, "w+", expected.dtype, expected.shape)
    made = project(
        make_gaussians(), make_poses(), CONFIG, outputs_real_space=outputs_real_space, out=out
    )
    assert made is out
    out.flush()
    np.testing.assert_array_equal(np.load(path), expected)


def read_only(shape):
    array = np.zeros(shape, np.float32)
    array.setflags(write=False)
    return array


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((N_POSES, 12, 9), np.float32),
        np.zeros((N_POSES + 1, 9, 12), np.float32),
        np.zeros((9, 12), np.float32),
        np.zeros((N_POSES, 9, 12), np.complex64),
        np.zeros((N_POSES, 9, 12), np.int32),
        np.zeros((N_POSES, 9, 12), bool),
        read_only((N_POSES, 9, 12)),
    ],
    ids=lambda out: f"{out.dtype}-{out.shape}-{out.flags.writeable}",
)
def test_what_cannot_be_written_to_is_refused_before_the_work(out):
    with pytest.raises(ValueError, match=r"^out: expected a real array"):
        project(make_gaussians(), make_poses(), CONFIG, out=out)
    assert not out.any()


def test_half_transforms_are_not_written_to_real_arrays():
    with pytest.raises(ValueError, match=r"^out: expected a complex array"):
        project(
            make_gaussians(),
            make_poses(),
            CONFIG,
            outputs_real_space=False,
            out=np.zeros((N_POSES, 9, 7), np.float32),
        )


# What is refused


@ALL_VOLUMES
def test_no_pose_is_an_error(volume):
    with pytest.raises(ValueError, match=r"^poses: expected one pose or more"):
        project(volume, make_poses()[:0], CONFIG)


class NeverPrepared(AbstractVolumeIntegrator):
    def prepare(self, volume_representation, image_config):  # noqa: ARG002
        raise AssertionError


@pytest.mark.parametrize("outputs_real_space", [True, False])
def test_images_that_fit_nowhere_are_refused_before_the_work(outputs_real_space):
    config = ImageConfig((10**7, 10**7), 1.0)
    with pytest.raises(MemoryError, match=r"^poses: an array of images of shape"):
        project(
            make_gaussians(),
            make_poses(),
            config,
            integrator=NeverPrepared(),
            outputs_real_space=outputs_real_space,
        )


# Volumes and integrators


class Turned(AbstractVolumeRepresentation):
    def rotate_to_pose(self, pose, inverse=False):  # noqa: ARG002
        return self


def test_volumes_have_their_own_integrators():
    choose = AutoVolumeProjection().choose
    assert choose(VOLUMES["gaussians"]) == GaussianMixtureProjection()
    assert choose(VOLUMES["grid"]) == choose(VOLUMES["spline"]) == FourierSliceExtraction()
    with pytest.raises(TypeError, match="Turned"):
        choose(Turned())
    with pytest.raises(TypeError, match="Turned"):
        project(Turned(), make_poses(), CONFIG)


@ALL_VOLUMES
def test_the_default_integrator_is_that_of_the_volume(volume):
    integrator = AutoVolumeProjection()
    expected = project(volume, make_poses(), CONFIG)
    chosen = project(volume, make_poses(), CONFIG, integrator=integrator.choose(volume))
    np.testing.assert_array_equal(chosen, expected)
    named = project(volume, make_poses(), CONFIG, integrator=integrator)
    np.testing.assert_array_equal(named, expected)
    np.testing.assert_array_equal(
        integrator.integrate(volume, CONFIG), integrator.choose(volume).integrate(volume, CONFIG)
    )


class Flickering(AbstractVolumeParametrization):
    """No density itself, but one of it whenever it is asked for."""

    def __init__(self):
        self.n_asked = 0

    def get_representation(self, rng=None):  # noqa: ARG002
        self.n_asked += 1
        return VOLUMES["gaussians"]


def test_a_parametrization_is_asked_for_a_representation_of_each_pose():
    volume, poses = Flickering(), make_poses()
    images = project(volume, poses, CONFIG)
    expected = project(VOLUMES["gaussians"], poses, CONFIG)
    np.testing.assert_allclose(images, expected, atol=1e-6 * expected.max())
    assert volume.n_asked == len(images)


class Marks(AbstractVolumeIntegrator):
    """One pixel at 1, or its transform, where the volume's first position is."""

    def __init__(self, *, is_image):
        self.is_image = is_image
        self.n_prepared = 0

    def prepare(self, volume_representation, image_config):
        self.n_prepared += 1
        shape = image_config.padded_shape

        def integrate(placement):
            position = placement.rotation @ volume_representation.positions[0]
            x, y = np.rint((position[:2] + placement.offset) / image_config.pixel_size).astype(int)
            image = np.zeros(shape)
            image[shape[0] // 2 + y, shape[1] // 2 + x] = 1.0
            projection = Projection(image, shape, is_image=True)
            if self.is_image:
                return projection
            return Projection(projection.to_transform(), shape, is_image=False)

        return integrate


@pytest.mark.parametrize("is_image", [True, False])
@pytest.mark.parametrize("pad_scale", [1.0, 1.5])
def test_an_integrator_of_a_users_own_is_prepared_once_and_used(is_image, pad_scale):
    volume = GaussianMixtureVolume([[2.0, 1.0, 0.0]], 1.0, 1.0)
    config, integrator = ImageConfig((9, 8), 1.0, pad_scale=pad_scale), Marks(is_image=is_image)
    poses = EulerAnglePose(
        np.array([0.0, 1, 0]), np.array([0, -1.0, 0]), 0, 0, np.array([0, 0, 90])
    )
    images = project(volume, poses, config, integrator=integrator)
    places = [np.unravel_index(image.argmax(), image.shape) for image in images]
    assert places == [(4 + 1, 4 + 2), (4 + 0, 4 + 3), (4 + 2, 4 - 1)]
    np.testing.assert_allclose(images.sum((1, 2)), 1, rtol=0, atol=1e-6)
    assert integrator.n_prepared == 1
    image = integrator.integrate(volume, config, outputs_real_space=True)
    assert image.shape == config.padded_shape
    half = integrator.integrate(volume, config)
    np.testing.assert_allclose(half, np.fft.rfft2(np.fft.ifftshift(image)), rtol=0, atol=1e-12)


def test_an_integrator_without_prepare_cannot_be_made():
    class Nothing(AbstractVolumeIntegrator):
        pass

    with pytest.raises(TypeError, match="prepare"):
        Nothing()


@pytest.mark.parametrize(
    ("name", "value", "came"),
    [
        ("volume", np.zeros((4, 4, 4)), "AbstractVolumeParametrization, got ndarray"),
        ("volume", "map.mrc", "AbstractVolumeParametrization, got str"),
        ("poses", None, "AbstractPose, got NoneType"),
        ("poses", np.eye(3), "AbstractPose, got ndarray"),
        ("poses", [numbavol.EulerAnglePose()], "AbstractPose, got list"),
        ("image_config", (8, 8), "ImageConfig, got tuple"),
        (
            "integrator",
            numbavol.GaussianMixtureProjection,
            "AbstractVolumeIntegrator, got the class GaussianMixtureProjection",
        ),
        ("integrator", "gaussian", "AbstractVolumeIntegrator, got str"),
    ],
)
def test_arguments_of_another_class_are_named(name, value, came):
    given = {"volume": make_gaussians(), "poses": make_poses(), "image_config": CONFIG}
    with pytest.raises(TypeError, match=f"{name}: expected an {came}"):
        project(**(given | {name: value}))
