"""Images of volumes that are drawn at random, a draw for each pose."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.projection import draws
from numbavol.projection.draws import Stream, make_generator
from numbavol.volumes import AbstractVolumeParametrization, EnsembleVolume, ThermalVolume

# About draws and not about kernels.
pytestmark = pytest.mark.compiled
CONFIG = numbavol.ImageConfig((16, 16), pixel_size=1.0)
N_POSES = 12
POSES = numbavol.draw_random_poses(N_POSES, rng=1)


def atoms_at(scale: float) -> numbavol.GaussianMixtureVolume:
    positions = np.random.default_rng(0).normal(scale=scale, size=(20, 3))
    return numbavol.GaussianMixtureVolume(positions, amplitudes=3.0, variances=1.0)


def map_of(scale: float) -> numbavol.FourierVoxelGridVolume:
    density = numbavol.render(atoms_at(scale), (16, 16, 16), 1.0)
    return numbavol.FourierVoxelGridVolume.from_real_voxel_grid(density)


VOLUMES = {
    "Gaussians": EnsembleVolume((atoms_at(1.0), atoms_at(2.0), atoms_at(3.0)), [1, 2, 3]),
    "maps": EnsembleVolume((map_of(1.0), map_of(2.0))),
    "thermal": ThermalVolume(atoms_at(2.0), 40.0),
    "mixed ensemble": EnsembleVolume((atoms_at(1.0), ThermalVolume(atoms_at(2.0), 20.0))),
    "thermal ensemble": EnsembleVolume(
        (ThermalVolume(atoms_at(1.0), 40.0), ThermalVolume(atoms_at(2.0), 20.0))
    ),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_each_image_is_that_of_its_own_draw(name: str) -> None:
    volume = VOLUMES[name]
    images = numbavol.project(volume, POSES, CONFIG, seed=5)
    for number in range(N_POSES):
        drawn = volume.get_representation(make_generator(5, Stream.VOLUME, number))
        expected = numbavol.project(drawn, POSES[number], CONFIG)
        np.testing.assert_allclose(images[number], expected, atol=1e-6 * expected.max())


@pytest.mark.parametrize("name", VOLUMES)
def test_a_seed_gives_the_same_images_for_any_number_of_threads(name: str) -> None:
    made = []
    for n_threads in (1, 2):
        numbavol.set_num_threads(n_threads)
        made.append(numbavol.project(VOLUMES[name], POSES, CONFIG, seed=5))
    numbavol.set_num_threads(None)
    np.testing.assert_array_equal(*made)
    other = numbavol.project(VOLUMES[name], POSES, CONFIG, seed=6)
    assert not np.array_equal(made[0], other)


def test_without_a_seed_every_call_draws_anew() -> None:
    one, other = (numbavol.project(VOLUMES["thermal"], POSES, CONFIG) for _ in range(2))
    assert not np.array_equal(one, other)


class Recurring(AbstractVolumeParametrization):
    """The same objects again and again, and others between them."""

    def __init__(self, n_others: int) -> None:
        self.same, self.n_others = [map_of(1.0), map_of(2.0)], n_others

    def get_representation(self, rng=None):
        number = int(np.random.default_rng(rng).integers(2 + self.n_others))
        return self.same[number] if number < 2 else map_of(1.0 + number)


MIXED = EnsembleVolume((map_of(1.0), ThermalVolume(atoms_at(2.0), 40.0)), [3, 1])


@pytest.mark.same_bits
@pytest.mark.parametrize("volume", [Recurring(0), Recurring(1)], ids=["two", "some"])
def test_volumes_that_recur_are_imaged_as_one_by_one(
    volume: AbstractVolumeParametrization, monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = numbavol.draw_random_poses(40, rng=1)
    images = numbavol.project(volume, poses, CONFIG, seed=5)
    monkeypatch.setattr(draws, "DRAWS_AT_FIRST", 1)
    np.testing.assert_array_equal(images, numbavol.project(volume, poses, CONFIG, seed=5))


@pytest.mark.parametrize(
    ("volume", "n_prepared"), [(Recurring(0), 8), (MIXED.volumes[0], 1)], ids=["two", "still"]
)
def test_volumes_that_recur_are_prepared_once_for_many_images(
    volume: AbstractVolumeParametrization, n_prepared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = []
    original = numbavol.FourierSliceExtraction.prepare

    def prepare(self, volume, image_config):
        prepared.append(volume)
        return original(self, volume, image_config)

    monkeypatch.setattr(numbavol.FourierSliceExtraction, "prepare", prepare)
    poses = numbavol.draw_random_poses(200, rng=1)
    numbavol.project(volume, poses, CONFIG, seed=5, integrator=numbavol.FourierSliceExtraction())
    assert len(prepared) <= n_prepared


def test_a_random_member_of_an_ensemble_leaves_the_others_together() -> None:
    groups = list(draws.group_by_volume(MIXED, 5, range(200)))
    still = [group.numbers for group in groups if group.volume is MIXED.volumes[0]]
    alone = [group.numbers for group in groups if group.volume is None]
    assert len(groups) == 2
    assert sorted(np.concatenate([*still, *alone])) == list(range(200))
    assert len(still[0]) > 100


@pytest.mark.parametrize("n_images", [None, 1, 16, 40])
def test_every_image_is_drawn_once(n_images: int | None) -> None:
    drawn = []

    class Own(AbstractVolumeParametrization):
        def get_representation(self, rng=None):
            del rng
            drawn.append(map_of(1.0))
            return drawn[-1]

    poses = numbavol.EulerAnglePose(phi_angle=0.0 if n_images is None else np.zeros(n_images))
    numbavol.project(Own(), poses, CONFIG)
    assert len(drawn) == (n_images or 1)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = numbavol.project(VOLUMES["Gaussians"], POSES, CONFIG, seed=5)
    monkeypatch.setattr(draws, "POSES_A_BLOCK", 5)
    np.testing.assert_array_equal(
        numbavol.project(VOLUMES["Gaussians"], POSES, CONFIG, seed=5), whole
    )


@pytest.mark.parametrize("name", VOLUMES)
def test_one_pose_is_an_image(name: str) -> None:
    image = numbavol.project(VOLUMES[name], POSES[0], CONFIG, seed=5)
    many = numbavol.project(VOLUMES[name], POSES, CONFIG, seed=5)
    np.testing.assert_allclose(image, many[0], atol=1e-6 * image.max())


def test_a_stack_takes_the_same_images(tmp_path) -> None:
    expected = numbavol.project(VOLUMES["Gaussians"], POSES, CONFIG, seed=5)
    path = tmp_path / "stack.mrcs"
    with numbavol.write_image_stack(path, expected.shape, 1.0) as stack:
        numbavol.project(VOLUMES["Gaussians"], POSES, CONFIG, seed=5, out=stack)
    np.testing.assert_array_equal(numbavol.read_images(path), expected)


def test_half_transforms_are_those_of_the_images() -> None:
    images = numbavol.project(VOLUMES["thermal"], POSES, CONFIG, seed=5)
    halves = numbavol.project(VOLUMES["thermal"], POSES, CONFIG, seed=5, outputs_real_space=False)
    for image, half in zip(images, halves, strict=True):
        np.testing.assert_allclose(half, numbavol.rfftn(image), atol=1e-4)


def test_a_users_own_volume_is_drawn_for_each_pose() -> None:
    class Alternating(AbstractVolumeParametrization):
        def get_representation(self, rng=None):
            return atoms_at(float(np.random.default_rng(rng).choice([1.0, 3.0])))

    images = numbavol.project(Alternating(), POSES, CONFIG, seed=0)
    maxima = np.round(images.max(axis=(1, 2)), 3)
    assert maxima.min() < 0.8 * maxima.max()


@pytest.mark.parametrize("seed", [-1, 0.5, "a"])
def test_a_seed_that_is_none_is_named(seed: object) -> None:
    with pytest.raises(ValueError, match="seed: expected a whole number of at least 0, got"):
        numbavol.project(VOLUMES["thermal"], POSES, CONFIG, seed=seed)  # type: ignore[arg-type]


def test_no_stream_of_a_seed_is_another_one() -> None:
    seeds = (0, 5, 2**32, 5 + 2**32, 5 + 2**64)
    generators = [
        make_generator(seed, stream, number)
        for seed in seeds
        for stream in Stream
        for number in (0, 1, 2)
    ]
    # That of views.
    generators += [np.random.default_rng(seed) for seed in seeds]
    first = {generator.integers(2**63) for generator in generators}
    assert len(first) == len(generators)
