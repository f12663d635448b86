"""What a back-projector sums: every sample once, to the last digits, in whatever batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from projected import (
    PIXEL_SIZE,
    SIDE,
    draw_poses,
    project,
    relative_error,
    transfer,
)

import numbavol
from numbavol.projection import batches
from numbavol.reconstruction import transform_bricks
from numbavol.reconstruction.transform_bricks import TransformBricks

ANGLES = st.sampled_from([-180.0, -90.0, 0.0, 30.0, 90.0, 180.0, 1e-9, 90.0 - 1e-7])


@pytest.mark.same_bits
@pytest.mark.compiled
@pytest.mark.usefixtures("_number_of_threads_is_restored")
def test_threads_and_batches_change_no_bit(monkeypatch):
    images, poses = project(60)
    ctf = numbavol.CTF(np.linspace(8000.0, 20000.0, 60))
    monkeypatch.setattr(transform_bricks, "PLANES_A_SUM", 11)
    numbavol.set_num_threads(1)
    expected = numbavol.backproject(images, poses, PIXEL_SIZE, ctf=ctf)
    numbavol.set_num_threads(3)
    monkeypatch.setattr(batches, "BYTES_AT_A_TIME", 7 * 10_000)
    projector = numbavol.BackProjector(SIDE, PIXEL_SIZE)
    for some in (slice(0, 17), slice(17, 60)):
        projector.add(images[some], poses[some], ctf=ctf[some])
    np.testing.assert_array_equal(projector.finish(), expected)


@pytest.mark.same_bits
def test_more_images_may_be_added_after_a_map():
    images, poses = project(20)
    projector = numbavol.BackProjector(SIDE, PIXEL_SIZE)
    projector.add(images[:10], poses[:10])
    projector.finish()
    projector.add(images[10:], poses[10:])
    assert repr(projector) == "BackProjector(side=32, pixel_size=1.5, 20 images)"
    np.testing.assert_array_equal(
        projector.finish(), numbavol.backproject(images, poses, PIXEL_SIZE)
    )


@given(ANGLES, ANGLES, ANGLES, st.integers(4, 20), st.sampled_from(["C1", "D2", "O"]))
@example(0.0, -180.0, 0.0, 16, "C1")
@example(-180.0, 0.0, -180.0, 18, "C1")
@example(0.0, 0.0, 0.0, 16, "O")
def test_every_sample_is_inserted_once_wherever_bricks_end(rot, tilt, psi, side, symmetry):
    """Slices along the axes lie on the borders of bricks, but for rounding."""
    poses = numbavol.EulerAnglePose.from_relion_angles(rot, tilt, psi)
    projector = numbavol.BackProjector(side, 1.0, symmetry=symmetry, dtype=np.float64)
    projector.add(np.random.default_rng(0).standard_normal((side, side)), poses)
    inserted = projector._bricks._sums[..., 2].sum()
    n_operations = len(numbavol.make_symmetry_rotations(symmetry))
    assert inserted == pytest.approx(n_operations * projector._shell_weights.sum(), rel=1e-12)


@pytest.mark.compiled
def test_single_precision_is_enough_for_many_images():
    """Every image adds to the lowest frequencies, of a symmetric map sixty times."""
    n, side = 4000, 8
    rng = np.random.default_rng(0)
    images = 1.0 + 0.1 * rng.standard_normal((n, side, side))
    poses, ctf = draw_poses(n), numbavol.CTF(rng.uniform(8000.0, 20000.0, n))
    single, double = (
        numbavol.backproject(images, poses, 2.0, ctf=ctf, symmetry="I", dtype=dtype)
        for dtype in (np.float32, np.float64)
    )
    assert relative_error(single, double) < 1e-5
    assert single.sum() == pytest.approx(double.sum(), rel=1e-6)


@pytest.mark.compiled
@pytest.mark.parametrize("pad_scale", [1.0, 1.25, 1.5, 2.0])
def test_the_mean_is_that_of_the_zero_frequencies_whatever_the_padding(pad_scale):
    images, poses = project(300)
    ctf = numbavol.CTF(np.random.default_rng(1).uniform(3000, 9000, 300))
    grid = numbavol.backproject(
        transfer(images, ctf), poses, PIXEL_SIZE, ctf=ctf, pad_scale=pad_scale
    )
    assert grid.sum() * PIXEL_SIZE**3 == pytest.approx(12 * 10.0, rel=1e-4)


@pytest.mark.parametrize("contrast", [0.1, 0.01])
def test_a_mean_that_is_hardly_transferred_is_not_made_up(contrast):
    """A background is divided by the contrast, but by no more than a thousandth would be."""
    images, poses = np.full((20, 8, 8), 0.5), draw_poses(20)
    ctf = numbavol.CTF(9000.0, amplitude_contrast=contrast)
    grid = numbavol.backproject(images, poses, 1.0, ctf=ctf)
    expected = 0.5 * 64 * contrast / max(contrast**2, 1e-3)
    assert grid.sum() == pytest.approx(expected, rel=1e-4)


def test_a_map_that_was_interrupted_is_made_again(monkeypatch):
    monkeypatch.setattr(transform_bricks, "PLANES_A_SUM", 7)
    images, poses = project(20)
    projector = numbavol.BackProjector(SIDE, PIXEL_SIZE)
    projector.add(images, poses)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(projector.device), "run_parts", interrupt)
        with pytest.raises(KeyboardInterrupt):
            projector.finish()
    expected = numbavol.backproject(images, poses, PIXEL_SIZE)
    np.testing.assert_array_equal(projector.finish(), expected)


def test_only_bricks_that_slices_reach_are_made():
    device = numbavol.BackProjector(2, 1.0).device
    bricks = TransformBricks(256, 128.0, np.dtype(np.float32), 1, device)
    assert len(bricks._sums) < 0.9 * 4 * 8 * 8


@pytest.mark.compiled
def test_sums_that_outgrow_their_precision_are_refused():
    images, poses = np.full((2, SIDE, SIDE), 1e12), draw_poses(2)
    with pytest.raises(ValueError, match="images: their sums are beyond what float32 holds"):
        numbavol.backproject(images, poses, PIXEL_SIZE, noise_spectrum=np.full(17, 1e-29))
