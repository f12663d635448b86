"""All threads share an image that is alone: it is the same to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import numbavol
from numbavol import FFTAtomProjection, GaussianMixtureProjection, RealVoxelProjection
from numbavol.kernels.resources import find_memory
from numbavol.kernels.tasks import count_threads_for_tasks, map_tasks, run_tasks
from numbavol.ndimage import bands
from numbavol.projection import Placement, fft_atoms, gaussian_mixture, real_voxels
from numbavol.projection.each import Delivery, project_each

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
SEVERAL_KINDS = WORKS["atoms of several kinds"][0]
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
    assert (max(n_bands_of_images) > 1) == (volume is not SEVERAL_KINDS)
    assert max(n_bands_of_images) <= n_threads


@ALL_WORKS
def test_threads_share_an_image_only_if_there_is_no_other(volume, integrator, n_bands_of_images):
    numbavol.set_num_threads(8)
    numbavol.project(volume, draw_poses(2), CONFIG, integrator=integrator)
    assert set(n_bands_of_images) == {1}


@ALL_WORKS
def test_a_volume_that_is_integrated_is_shared(volume, integrator, n_bands_of_images):
    numbavol.set_num_threads(1)
    expected = integrator.integrate(volume, CONFIG)
    n_bands_of_images.clear()
    numbavol.set_num_threads(3)
    np.testing.assert_array_equal(integrator.integrate(volume, CONFIG), expected)
    assert (max(n_bands_of_images) > 1) == (volume is not SEVERAL_KINDS)


@pytest.mark.usefixtures("n_bands_of_images")
@ALL_WORKS
def test_a_shared_image_is_reported_once(volume, integrator):
    reports = []
    delivery = Delivery(
        np.empty((1, 12, 9), np.float32), lambda _, made: made.resize((12, 9)).array
    )
    project_each(
        delivery, volume, draw_poses(1), CONFIG, integrator,
        report=lambda *numbers: reports.append(numbers),
    )  # fmt: skip
    assert reports == [(1, 1)]


@pytest.mark.parametrize(("bytes_at_once", "n_calls"), [(2**30, 1), (0, 0)])
def test_kinds_of_atoms_are_transformed_side_by_side_where_there_is_memory(
    bytes_at_once, n_calls, n_bands_of_images, monkeypatch
):
    integrator = FFTAtomProjection()
    numbavol.set_num_threads(1)
    expected = numbavol.project(SEVERAL_KINDS, draw_poses(1), CONFIG, integrator=integrator)
    numbavol.set_num_threads(3)
    monkeypatch.setattr(fft_atoms, "BYTES_OF_TERMS_AT_ONCE", bytes_at_once)
    prepared = integrator.prepare(SEVERAL_KINDS, CONFIG)
    calls = []

    def count_and_map(work, tasks):
        calls.append(tasks)
        return map_tasks(work, tasks)

    monkeypatch.setattr(fft_atoms, "map_tasks", count_and_map)
    n_bands_of_images.clear()
    pose = draw_poses(1)
    made = prepared(Placement(pose.rotation.as_matrix()[0], pose.offset_in_angstroms[0, :2]))
    np.testing.assert_array_equal(made.resize(CONFIG.shape).array, expected[0])
    assert len(calls) == n_calls
    assert max(n_bands_of_images) == (1 if n_calls else 3)


@pytest.mark.parametrize("are_kept", [True, False])
@pytest.mark.parametrize("n_at_a_time", [1, 100, 336])
def test_voxels_are_the_same_in_chunks_of_any_size(n_at_a_time, are_kept, monkeypatch):
    volume, integrator = WORKS["voxels"]
    expected = numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator)
    monkeypatch.setattr(real_voxels, "VOXELS_AT_A_TIME", n_at_a_time)
    if not are_kept:
        # Without memory for their places, chunks are taken anew for each image.
        nothing = find_memory()._replace(free=0)
        monkeypatch.setattr(real_voxels, "find_memory", lambda: nothing)
    found = numbavol.project(volume, draw_poses(1), CONFIG, integrator=integrator)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


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


@pytest.mark.parametrize("angle", [0.0, 0.3, 90.0])
def test_bands_of_a_lattice_have_as_many_positions(angle):
    # Steps from one position that is looked at to the next may be those of the lattice.
    indices = np.indices((64, 64, 128))[::-1].reshape(3, -1).T - 64.0
    rotation = Rotation.from_euler("z", angle, degrees=True).as_matrix()[:2]
    borders = bands.find_borders(4, 200, indices, rotation, np.full(2, 99.0))
    counts = np.histogram((indices @ rotation[1]) + 99.0, borders)[0]
    np.testing.assert_allclose(counts, len(indices) / 4, rtol=0.1)


@pytest.mark.parametrize("height", [np.nan, np.inf, -1e9, 1.7e308, -0.4, 4.0])
@pytest.mark.parametrize("n_rows", [1, 5])
def test_bands_are_rows_wherever_positions_are(height, n_rows):
    positions = np.full((9, 3), height)
    borders = bands.find_borders(4, n_rows, positions, np.full((2, 3), 1.0), np.zeros(2))
    assert borders == [0, n_rows]


def test_bands_are_no_more_than_rows():
    positions = np.random.default_rng(0).uniform(0, 3, (1000, 3))
    assert bands.find_borders(8, 3, positions, np.eye(2, 3), np.zeros(2)) == [0, 1, 2, 3]
