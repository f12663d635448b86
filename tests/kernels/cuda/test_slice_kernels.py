"""Kernels of CUDA against those of the CPU: slices and the bricks that they are inserted into."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import numbavol
from numbavol.kernels.dispatch import find_device, find_kernel
from numbavol.reconstruction import transform_bricks

pytestmark = pytest.mark.cuda

SIDE, RADIUS = 3, 4.5
PRECISIONS = [(np.float32, np.complex64, 1e-5), (np.float64, np.complex128, 1e-12)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def run_on_both(name, outs, *arguments):
    """What a kernel makes of its first arguments on the CPU, and on CUDA."""
    device = find_device("cuda")
    on_cpu, on_cuda = [out.copy() for out in outs], [device.send(out) for out in outs]
    find_kernel(name, "cpu")(*on_cpu, *arguments)
    sent = [device.send(a) if isinstance(a, np.ndarray) else a for a in arguments]
    find_kernel(name, "cuda")(*on_cuda, *sent)
    return on_cpu, [device.fetch(out) for out in on_cuda]


def draw_complex(rng, shape, dtype):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


def make_bricks(dtype):
    """Empty bricks, their corners and their table: all that are within the radius in cells."""
    table = np.arange(16).reshape(4, 4, 1)
    corners = np.array([(0, SIDE * y, SIDE * z) for z in range(-2, 2) for y in range(-2, 2)])
    return np.zeros((16, SIDE + 1, SIDE + 1, SIDE + 1, 4), dtype), corners, table


@pytest.mark.parametrize(("real", "dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("n_weights", [1, 2])
@pytest.mark.parametrize("are_multiplied", [False, True])
def test_prepared_slices_are_the_same(
    rng, real, dtype, tolerance, is_complex, n_weights, are_multiplied
):
    n_x, n, farthest = 9, 2, 4
    halves = draw_complex(rng, (n, 9, 5), dtype)
    transfers = draw_complex(rng, (n_weights, 9, 5), dtype)
    transfers = transfers if is_complex else np.ascontiguousarray(transfers.real)
    transfers[0, 1, 1] = 0
    outs = [np.full((n, 2 * farthest + 1, farthest + 1, 4), 7, real), np.full((n, 5), 7.0)]
    arguments = (halves, n_x, rng.normal(size=(n, 2)), transfers, are_multiplied)
    arguments = (*arguments, rng.random((n_weights, 5)))
    expected, found = run_on_both("prepare_slices", outs, *arguments, RADIUS)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance * np.abs(other).max())


@pytest.mark.parametrize(("real", "_", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("turn", ["none", "random"])
def test_inserted_slices_are_the_same(rng, real, _, tolerance, turn):
    bricks, corners, table = make_bricks(real)
    samples = rng.standard_normal((2, 5, 3, 4)).astype(real)
    samples[..., 3] = 0
    # What is at the radius or beyond is 0.
    row, column = np.arange(-2, 3)[:, None], np.arange(3)
    samples[:, row * row + column * column >= 2.5**2] = 0
    rotations = Rotation.random(4, rng=0) if turn == "random" else Rotation.identity(4)
    frames = 1.2 * rotations.as_matrix().reshape(2, 2, 3, 3)[:, :, :2]
    expected, found = run_on_both(
        "insert_slices", [bricks], corners, table, samples, frames, 2.5, 0, len(bricks)
    )
    assert np.any(expected[0])
    np.testing.assert_allclose(found[0], expected[0], atol=10 * tolerance)
    # Every sample is inserted once, whole, wherever it is.
    totals = expected[0].sum(axis=(0, 1, 2, 3), dtype=np.float64)
    assert totals[2] == pytest.approx(2 * samples[..., 2].sum(dtype=np.float64), rel=1e-5)


@pytest.mark.parametrize(("real", "dtype", "tolerance"), PRECISIONS)
def test_solved_cells_are_the_same(rng, real, dtype, tolerance):
    bricks, _, table = make_bricks(real)
    bricks[:] = rng.random(bricks.shape)
    table[0, 0, 0] = -1
    out = np.full((10, 10, 6), 7j, dtype)
    curves = (rng.random(7), rng.random(7))
    expected, found = run_on_both("solve_bricks", [out], bricks, table, RADIUS, *curves, 1, 9)
    np.testing.assert_allclose(found[0], expected[0], atol=tolerance)
    assert np.all(found[0][[0, 9]] == 7j)


def test_a_map_is_the_same_on_cuda(monkeypatch):
    monkeypatch.setattr(transform_bricks, "BRICK_SIDE", 4)
    volume = numbavol.GaussianMixtureVolume([[1.0, 0.0, 2.0]], amplitudes=3.0, variances=2.0)
    poses = numbavol.draw_random_poses(2, rng=0, offset_deviation_in_angstroms=1.0)
    images = numbavol.project(volume, poses, numbavol.ImageConfig((6, 6), 1.5))
    ctf = numbavol.CTF([5000.0, 8000.0])
    expected, found = (
        numbavol.backproject(images, poses, 1.5, ctf=ctf, symmetry="C2", device=device)
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
