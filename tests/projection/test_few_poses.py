"""All threads share an image, if there are fewer of these: it is the same to the bit."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol import FFTAtomProjection, GaussianMixtureProjection, RealVoxelProjection
from numbavol.kernels.threads import count_threads_for_tasks, run_tasks
from numbavol.ndimage import bands
from numbavol.projection import fft_atoms, gaussian_mixture, real_voxels

CONFIG = numbavol.ImageConfig((12, 9), 1.5, pad_scale=1.2)
RNG = np.random.default_rng(0)
POSITIONS = RNG.normal(0, 4, (60, 3))
ELEMENTS = RNG.choice([1, 6, 8], 60)
WORKS = {
    "gaussians": (
        numbavol.GaussianMixtureVolume(POSITIONS, RNG.uniform(1, 2, (60, 2)), 2.0),
        GaussianMixtureProjection(),
    ),
    "atoms of one kind": (
        numbavol.IndependentAtomVolume(POSITIONS, numbavol.FourierGaussian(1.0, 60.0)),
        FFTAtomProjection(),
    ),
    "atoms of several kinds": (
        numbavol.IndependentAtomVolume.from_atoms(POSITIONS, ELEMENTS, 20.0),
        FFTAtomProjection(),
    ),
    "voxels": (
        numbavol.RealVoxelGridVolume.from_real_voxel_grid(
            RNG.normal(size=(6, 7, 8)), voxel_size=1.5
        ),
        RealVoxelProjection(),
    ),
}
ALL_WORKS = pytest.mark.parametrize(("volume", "integrator"), WORKS.values(), ids=WORKS.keys())


@pytest.fixture
def n_bands_of_images(monkeypatch):
    """How many bands are made, of what is large enough for any number of them."""
    monkeypatch.setattr(gaussian_mixture, "GAUSSIANS_THAT_TAKE_LONG", 1)
    monkeypatch.setattr(fft_atoms, "CELLS_THAT_TAKE_LONG", 1)
    monkeypatch.setattr(real_voxels, "VOXELS_THAT_TAKE_LONG", 1)
    numbers = []

    def count_and_run(work, tasks):
        numbers.append(len(tasks))
        run_tasks(work, tasks)

    monkeypatch.setattr(bands, "run_tasks", count_and_run)
    yield numbers
    numbavol.set_num_threads(None)


def draw_poses(n):
    return numbavol.draw_random_poses(n, rng=1, offset_deviation_in_angstroms=2.0)


@ALL_WORKS
@pytest.mark.parametrize("n_threads", [2, 3, 8])
def test_an_image_is_the_same_to_the_bit_however_many_threads_make_it(
    volume, integrator, n_threads, n_bands_of_images
):
    numbavol.set_num_threads(1)
    expected = numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator)
    numbavol.set_num_threads(n_threads)
    found = numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator)
    np.testing.assert_array_equal(found, expected)
    # Several kinds of atoms are one for each thread.
    assert max(n_bands_of_images) > 1 or volume is WORKS["atoms of several kinds"][0]
    assert max(n_bands_of_images) <= n_threads


@ALL_WORKS
def test_threads_share_images_only_if_others_would_have_none(volume, integrator, n_bands_of_images):
    numbavol.set_num_threads(4)
    for n, are_few in ((2, True), (3, False)):
        n_bands_of_images.clear()
        numbavol.project(volume, draw_poses(n), CONFIG, integrator=integrator)
        if volume is not WORKS["atoms of several kinds"][0]:
            assert (max(n_bands_of_images) > 1) == are_few


@ALL_WORKS
def test_in_a_task_an_image_has_one_thread(volume, integrator, n_bands_of_images):
    numbavol.set_num_threads(4)
    expected = numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator)
    n_bands_of_images.clear()
    found = []

    def project(_):
        found.append(numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator))
        assert count_threads_for_tasks() == 1

    run_tasks(project, range(2))
    np.testing.assert_array_equal(found, [expected] * 2)
    assert set(n_bands_of_images) == {1}


@ALL_WORKS
def test_a_small_image_is_made_by_one_thread(volume, integrator, monkeypatch):
    n_threads = []

    def count_and_run(work, tasks):
        n_threads.append(count_threads_for_tasks())
        run_tasks(work, tasks)

    monkeypatch.setattr(bands, "run_tasks", count_and_run)
    numbavol.set_num_threads(4)
    numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator)
    numbavol.set_num_threads(None)
    assert set(n_threads) == {1}


@pytest.mark.parametrize("n_bands", [2, 3, 7])
def test_bands_have_as_many_positions(n_bands):
    positions = np.random.default_rng(2).normal(0, 20, (100_000, 3))
    rotation = np.eye(3)[[0, 2]]
    borders = bands.find_borders(n_bands, 200, positions, rotation, np.array([0.0, 99.0]))
    assert len(borders) == n_bands + 1
    heights = positions[:, 2] + 99.0
    counts = np.histogram(heights, borders)[0]
    # A row in the middle has a fiftieth of them, and of those looked at chance takes as many.
    np.testing.assert_allclose(counts, 100_000 / n_bands, rtol=0, atol=100_000 / 50)


@pytest.mark.parametrize("height", [np.nan, -1e9, 1e300, -0.4, 4.0])
@pytest.mark.parametrize("n_rows", [1, 5])
def test_bands_are_rows_wherever_positions_are(height, n_rows):
    positions = np.full((9, 3), height)
    borders = bands.find_borders(4, n_rows, positions, np.eye(2, 3), np.zeros(2))
    assert borders == [0, n_rows]


def test_bands_are_no_more_than_rows():
    positions = np.random.default_rng(0).uniform(0, 3, (1000, 3))
    assert bands.find_borders(8, 3, positions, np.eye(2, 3), np.zeros(2)) == [0, 1, 2, 3]
