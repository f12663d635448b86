"""Images made on CUDA, a card or Numba's simulator of one, against those of the CPU."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import numbavol
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing
from numbavol.kernels.tasks import SharedTasks
from numbavol.projection.each import StreamedDelivery

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(
        describe_what_is_missing() is not None, reason=describe_what_is_missing() or ""
    ),
]
CONFIG = numbavol.ImageConfig((5, 6), pixel_size=1.5)
POSES = numbavol.EulerAnglePose(
    offset_x_in_angstroms=np.array([0.0, 1.3]),
    phi_angle=np.array([0.0, 40.0]),
    theta_angle=np.array([30.0, 100.0]),
)


def make_map(shape=(6, 5, 6), dtype=np.float32):
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def make_gaussians():
    positions = np.random.default_rng(2).uniform(-4.0, 4.0, (6, 3))
    return numbavol.GaussianMixtureVolume(positions, amplitudes=2.0, variances=1.5)


def make_atoms():
    positions = np.random.default_rng(3).uniform(-3.0, 3.0, (5, 3))
    return numbavol.IndependentAtomVolume(positions, numbavol.FourierGaussian(3.0, b_factor=60.0))


CASES = {
    "linear": (
        lambda: numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map()),
        numbavol.FourierSliceExtraction(),
    ),
    "spline": (
        lambda: numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(make_map()),
        numbavol.FourierSliceExtraction(),
    ),
    "corrected": (
        lambda: numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map()),
        numbavol.FourierSliceExtraction(
            correction_mask=numbavol.InverseSincMask(numbavol.make_coordinate_grid((6, 6)))
        ),
    ),
    "sphere": (
        lambda: numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map()),
        numbavol.EwaldSphereExtraction(),
    ),
    "gaussians": (make_gaussians, numbavol.GaussianMixtureProjection()),
    "samples": (make_gaussians, numbavol.GaussianMixtureProjection(antialias=False)),
    "atoms": (make_atoms, numbavol.FFTAtomProjection(eps=1e-4)),
    "finer atoms": (make_atoms, numbavol.FFTAtomProjection(eps=1e-3, upsample_factor=3)),
    "voxels": (
        lambda: numbavol.RealVoxelGridVolume.from_real_voxel_grid(make_map((2, 3, 3))),
        numbavol.RealVoxelProjection(eps=1e-4),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_images_are_those_of_the_cpu(case):
    make, integrator = CASES[case]
    volume = make()
    expected = numbavol.project(volume, POSES, CONFIG, integrator=integrator)
    made = numbavol.project(volume, POSES, CONFIG, integrator=integrator, device="cuda")
    assert type(made) is np.ndarray
    assert made.dtype == expected.dtype
    # A few roundings of float32, of the highest value.
    np.testing.assert_allclose(made, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_transforms_are_those_of_the_cpu():
    volume = make_gaussians()
    expected, made = (
        numbavol.project(volume, POSES, CONFIG, outputs_real_space=False, device=device)
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(made, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_images_do_not_depend_on_the_batch():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    made, one_by_one = (
        numbavol.project(volume, POSES, CONFIG, device="cuda", batch_size=size)
        for size in (None, 1)
    )
    np.testing.assert_array_equal(made, one_by_one)


def test_images_stay_on_the_device_if_they_are_wanted_there():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    made = numbavol.project(volume, POSES, CONFIG, device="cuda", output="device")
    assert hasattr(made, "__cuda_array_interface__")
    expected = numbavol.project(volume, POSES, CONFIG, device="cuda")
    np.testing.assert_array_equal(find_device("cuda").fetch(made), expected)
    with pytest.raises(ValueError, match="output: expected 'host' where out is given"):
        numbavol.project(
            volume, POSES, CONFIG, device="cuda", output="device", out=np.empty_like(expected)
        )


def test_one_pose_and_one_integral_come_back_without_an_axis():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    pose = numbavol.EulerAnglePose(phi_angle=20.0)
    image = numbavol.project(volume, pose, CONFIG, device="cuda")
    integrator = numbavol.FourierSliceExtraction(device="cuda")
    turned = volume.rotate_to_pose(pose)
    np.testing.assert_array_equal(
        image, integrator.integrate(turned, CONFIG, outputs_real_space=True)
    )
    there = integrator.integrate(turned, CONFIG, outputs_real_space=True, output="device")
    assert hasattr(there, "__cuda_array_interface__")


def test_images_go_to_a_stack_as_they_are_made(tmp_path):
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    expected = numbavol.project(volume, POSES, CONFIG, device="cuda")
    with numbavol.write_image_stack(tmp_path / "stack.mrcs", (2, 5, 6), 1.5) as stack:
        numbavol.project(volume, POSES, CONFIG, device="cuda", out=stack, batch_size=1)
    np.testing.assert_array_equal(numbavol.read_map(tmp_path / "stack.mrcs").data, expected)


@pytest.mark.parametrize("batch_size", [None, 1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_are_copied_straight_to_page_locked_memory(dtype, batch_size):
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    poses = numbavol.EulerAnglePose(phi_angle=np.arange(5.0) * 17.0)
    expected = numbavol.project(volume, poses, CONFIG, device="cuda")
    device = find_device("cuda")
    out = device.make_page_locked(expected.shape, dtype)
    assert device.make_copies_to(out) is not None
    out[:] = np.nan
    made = numbavol.project(volume, poses, CONFIG, device="cuda", out=out, batch_size=batch_size)
    assert made is out
    np.testing.assert_array_equal(made, expected)


def test_one_image_and_transforms_go_to_page_locked_memory():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    pose = numbavol.EulerAnglePose(phi_angle=20.0)
    for poses, is_real in ((pose, True), (POSES, False)):
        expected = numbavol.project(
            volume, poses, CONFIG, device="cuda", outputs_real_space=is_real
        )
        out = find_device("cuda").make_page_locked(expected.shape, expected.dtype)
        numbavol.project(volume, poses, CONFIG, device="cuda", outputs_real_space=is_real, out=out)
        np.testing.assert_array_equal(out, expected)


def test_a_part_of_page_locked_memory_is_filled_and_nothing_beside_it():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    expected = numbavol.project(volume, POSES, CONFIG, device="cuda")
    whole = find_device("cuda").make_page_locked((4, 5, 6), np.float32)
    whole[:] = 7.0
    numbavol.project(volume, POSES, CONFIG, device="cuda", out=whole[1:3], batch_size=1)
    np.testing.assert_array_equal(whole[1:3], expected)
    assert np.all(whole[[0, 3]] == 7.0)


def test_when_images_are_dropped_the_device_writes_no_more():
    device = find_device("cuda")
    images = device.send(np.ones((1, 5, 6), np.float32))
    out = device.make_page_locked((3, 5, 6), np.float32)
    out[:] = 0.0
    delivery = StreamedDelivery(out, lambda _, projection: projection, device)

    delivery.put(slice(1, 2), images)
    delivery.drop()
    # What was begun has ended, and nothing is left to be done later.
    written = out.copy()
    delivery.finish()
    np.testing.assert_array_equal(out, written)
    np.testing.assert_array_equal(out[1], np.ones((5, 6)))


class SlowArray(np.ndarray):
    """Whose elements take long to write, until somebody allows them."""

    def __setitem__(self, where, value):
        self.is_being_written.set()
        assert self.may_be_written.wait(timeout=20)
        super().__setitem__(where, value)


@pytest.fixture
def slow_out():
    out = np.zeros((3, *CONFIG.shape), np.float32).view(SlowArray)
    SlowArray.is_being_written, SlowArray.may_be_written = threading.Event(), threading.Event()
    return out


def wait_until(is_so):
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_images_are_put_where_they_go_while_the_caller_makes_more(slow_out):
    device = find_device("cuda")
    images = device.send(np.ones((3, 5, 6), np.float32))
    delivery = StreamedDelivery(slow_out, lambda _, projection: projection, device)
    delivery.put(slice(0, 1), images[:1])
    assert not np.any(slow_out)
    slow_out.may_be_written.set()
    wait_until(lambda: np.all(slow_out[0] == 1.0))
    delivery.put(slice(1, 3), images[1:])
    delivery.finish()
    np.testing.assert_array_equal(slow_out, np.ones((3, 5, 6)))


@pytest.mark.parametrize("where", ["as it begins", "while it waits"])
def test_an_interrupt_at_the_end_leaves_nothing_that_is_written_later(slow_out, monkeypatch, where):
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    poses = numbavol.EulerAnglePose(phi_angle=np.arange(3.0) * 17.0)

    def interrupt(_):
        assert slow_out.is_being_written.wait(timeout=20)
        threading.Timer(0.2, slow_out.may_be_written.set).start()
        raise KeyboardInterrupt

    if where == "as it begins":
        monkeypatch.setattr(StreamedDelivery, "finish", interrupt)
    else:
        wait_for_all = SharedTasks.wait
        monkeypatch.setattr(
            SharedTasks, "wait", lambda tasks, *_: (interrupt if n_put else wait_for_all)(tasks)
        )
    n_put, put = [], StreamedDelivery.put

    def put_and_count(*arguments):
        put(*arguments)
        n_put.append(1)

    monkeypatch.setattr(StreamedDelivery, "put", put_and_count)
    with pytest.raises(KeyboardInterrupt):
        numbavol.project(volume, poses, CONFIG, device="cuda", out=slow_out)
    assert slow_out.may_be_written.is_set()
    written = slow_out.copy()
    time.sleep(0.05)
    np.testing.assert_array_equal(slow_out, written)


def test_an_interrupt_while_it_waits_leaves_no_copy_begun(monkeypatch):
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    poses = numbavol.EulerAnglePose(phi_angle=np.arange(5.0) * 17.0)
    expected = numbavol.project(volume, poses, CONFIG, device="cuda")
    device = find_device("cuda")
    out = device.make_page_locked((5, 5, 6), np.float32)
    copies = device.make_copies_to(out)
    begin, n_begun, n_waits = copies.begin, [], []

    def begin_and_wait_badly(array, first):
        n_begun.append(first)
        wait = begin(array, first)

        def interrupted():
            n_waits.append(first)
            if len(n_waits) == 2:
                raise KeyboardInterrupt
            wait()

        return interrupted

    monkeypatch.setattr(copies, "begin", begin_and_wait_badly)
    monkeypatch.setattr(device, "make_copies_to", lambda _: copies)
    with pytest.raises(KeyboardInterrupt):
        numbavol.project(volume, poses, CONFIG, device="cuda", out=out, batch_size=1)
    written = out.copy()
    copies.wait()
    np.testing.assert_array_equal(out, written)
    np.testing.assert_array_equal(out[: len(n_begun)], expected[: len(n_begun)])


@pytest.mark.parametrize("make", ["plain", "with gaps", "empty"])
def test_other_memory_is_not_copied_to_by_the_device(make):
    device = find_device("cuda")
    target = {
        "plain": np.empty((2, 5, 6), np.float32),
        "with gaps": device.make_page_locked((2, 5, 7), np.float32)[:, :, :6],
        "empty": device.make_page_locked((0, 5, 6), np.float32),
    }[make]
    assert device.make_copies_to(target) is None
    assert device.make_copies_to([1.0, 2.0]) is None


def test_images_go_to_page_locked_memory_with_gaps():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    expected = numbavol.project(volume, POSES, CONFIG, device="cuda")
    with_gaps = find_device("cuda").make_page_locked((2, 5, 7), np.float32)[:, :, :6]
    numbavol.project(volume, POSES, CONFIG, device="cuda", out=with_gaps)
    np.testing.assert_array_equal(with_gaps, expected)


def test_frequencies_of_a_users_own_are_not_sampled_on_cuda():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    integrator = numbavol.FourierSliceExtraction(out_of_bounds_mode="wrap", device="cuda")
    with pytest.raises(NotImplementedError, match="device: FourierSliceExtraction on 'cuda'"):
        numbavol.project(volume, POSES, CONFIG, integrator=integrator)


def test_images_of_two_threads_are_their_own():
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(make_map())
    poses = [numbavol.EulerAnglePose(phi_angle=np.arange(6.0) * step) for step in (3.0, 50.0)]
    expected = [numbavol.project(volume, chosen, CONFIG, device="cuda") for chosen in poses]
    with ThreadPoolExecutor(2) as pool:
        made = list(
            pool.map(
                lambda chosen: numbavol.project(
                    volume, chosen, CONFIG, device="cuda", batch_size=1
                ),
                poses * 2,
            )
        )
    np.testing.assert_array_equal(made, expected * 2)
