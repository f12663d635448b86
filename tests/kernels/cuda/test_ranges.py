"""Sums on CUDA of what differs much in size, and of more than is launched at once."""

from __future__ import annotations

import numpy as np
import pytest
from planar import check_projection, draw_projection, draw_spreading, run_on_both

import numbavol
from numbavol.kernels.cuda import patches
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import is_simulated

pytestmark = pytest.mark.cuda

CONFIG = numbavol.ImageConfig((6, 7), 1.0)


def image(volume, device, *, antialias=True):
    integrator = numbavol.GaussianMixtureProjection(antialias=antialias, device=device)
    return integrator.integrate(volume, CONFIG, outputs_real_space=True)


def test_what_is_beside_an_image_takes_nothing_from_it():
    positions = [[0.0, 0.0, 0.0], [1e4, 0.0, 0.0]]
    volume = numbavol.GaussianMixtureVolume(positions, amplitudes=[[1.0], [1e20]], variances=1.0)
    expected = image(volume, "cpu")
    np.testing.assert_allclose(image(volume, "cuda"), expected, atol=3e-6 * expected.max())


@pytest.mark.parametrize("deviation", [1e-3, 1e-7, 1e-10])
def test_a_sharp_sample_takes_nothing_from_others(deviation):
    # It is beside the centres of all pixels.
    positions = [[0.3, 0.4, 0.0], [0.0, 0.0, 0.0], [1.0, -1.0, 0.0]]
    variances = [[deviation**2], [1.0], [2.0]]
    volume = numbavol.GaussianMixtureVolume(positions, amplitudes=1.0, variances=variances)
    expected = image(volume, "cpu", antialias=False)
    found = image(volume, "cuda", antialias=False)
    np.testing.assert_allclose(found, expected, atol=3e-6 * expected.max())


@pytest.mark.parametrize("large", [1e6, 1e10])
def test_points_in_double_precision_keep_it_beside_large_ones(large):
    arguments = draw_spreading(np.random.default_rng(0), (3, 4), 6, np.float64, width=5)
    grids, strengths = arguments.grids, arguments.strengths
    grids[:] = 0.0
    # A point that is beside the image.
    arguments.positions[0] = [1e3, 1e3, 0.0]
    strengths[0] = large
    expected, found = run_on_both("spread_in_plane", *arguments)
    assert np.linalg.norm(found - expected) < 1e-14 * np.linalg.norm(expected)


def test_images_launched_one_by_one_are_the_same_to_the_bit(monkeypatch):
    rng = np.random.default_rng(0)
    for arguments, name in (
        (draw_projection(rng, (3, 4), 5, 2, antialias=True), "project_gaussians"),
        (draw_spreading(rng, (3, 4), 5, np.float32), "spread_in_plane"),
    ):
        together = run_on_both(name, *arguments)[1]
        monkeypatch.setattr(patches, "MOST_BLOCKS", 1)
        np.testing.assert_array_equal(run_on_both(name, *arguments)[1], together)
        monkeypatch.undo()


def test_images_are_split_into_launches():
    assert patches.split_images(5, patches.MOST_BLOCKS // 2) == [
        slice(0, 2), slice(2, 4), slice(4, 6)
    ]  # fmt: skip
    assert patches.split_images(3, 2 * patches.MOST_BLOCKS) == [
        slice(0, 1), slice(1, 2), slice(2, 3)
    ]  # fmt: skip


def test_places_beyond_what_32_bits_count_are_not_wrapped_around():
    volume = numbavol.GaussianMixtureVolume(
        [[6e9, 0.0, 0.0], [0.0, 0.0, 0.0]], amplitudes=1.0, variances=[[1e20], [1.0]]
    )
    expected, found = (
        numbavol.GaussianMixtureRenderFn((2, 3, 4), 1.0, device=device)(volume)
        for device in ("cpu", "cuda")
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * expected.max())


def test_amplitudes_of_both_signs_cancel():
    arguments = draw_projection(np.random.default_rng(1), (3, 4), 2, 1, antialias=True)
    arguments.positions[:] = 0.0
    arguments.radii[:], arguments.widths[:] = arguments.radii[0], arguments.widths[0]
    arguments.amplitudes[:, 0] = [1.5, -1.5]
    _, found = check_projection(arguments)
    # A card adds products before they are rounded: what rounding takes from the other one is left.
    highest = np.abs(arguments.amplitudes).max()
    left = 0.0 if is_simulated() else 2.0 * np.spacing(highest)
    np.testing.assert_allclose(found, arguments.sums, rtol=0, atol=left)


@pytest.mark.parametrize("shape", [(2, 1, 3, 4), (2, 3, 2, 3, 5)])
def test_transforms_back_of_four_axes_and_more(shape):
    rng, device = np.random.default_rng(0), find_device("cuda")
    values = rng.standard_normal(shape)
    half = np.fft.rfftn(values)
    np.testing.assert_allclose(
        device.fetch(device.fft.irfftn(device.send(half), list(shape))), values, atol=1e-14
    )


def test_a_real_half_is_transformed_back():
    device, half = find_device("cuda"), np.ones((4, 3))
    found = device.fetch(device.fft.irfft2(device.send(half), (4, 4)))
    np.testing.assert_allclose(found, np.fft.irfft2(half, (4, 4)), atol=1e-15)


def test_a_scale_that_is_not_known_is_an_error():
    device = find_device("cuda")
    with pytest.raises(ValueError, match="norm"):
        device.fft.irfft2(device.send(np.ones((4, 3), complex)), (4, 4), norm="ortho")
