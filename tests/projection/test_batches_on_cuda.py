"""How many images are made at once on CUDA, a card or Numba's simulator of one."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

import numbavol
from numbavol.kernels.devices import Copies
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import describe_what_is_missing
from numbavol.projection.each import StreamedDelivery

MISSING = describe_what_is_missing()
pytestmark = [pytest.mark.cuda, pytest.mark.skipif(MISSING is not None, reason=MISSING or "")]

SHARE = 2**20
"""Bytes of the free memory that images may take of which one array is held."""
LARGE = numbavol.ImageConfig((128, 64), 1.0)


@pytest.fixture(autouse=True)
def _a_small_card(monkeypatch):
    monkeypatch.setattr(type(find_device("cuda")), "free_bytes", 8 * SHARE)


def make_grid(shape):
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return numbavol.FourierVoxelGridVolume.from_real_voxel_grid(values)


@pytest.mark.parametrize(
    ("integrator", "bytes_a_pixel"),
    [(numbavol.FourierSliceExtraction, 4), (numbavol.EwaldSphereExtraction, 8)],
)
@pytest.mark.parametrize("side", [8, 200])
def test_the_larger_of_slices_and_images_says_how_many(integrator, bytes_a_pixel, side):
    prepared = integrator(device="cuda").prepare(make_grid((4, side, side)), LARGE)
    n_pixels = max(side**2, 128 * 64)
    n_at_a_time = prepared.n_at_a_time
    # Half transforms have a column more than half of an image.
    assert n_at_a_time * n_pixels * bytes_a_pixel <= SHARE
    assert (n_at_a_time + 2) * n_pixels * bytes_a_pixel >= 0.9 * SHARE


def test_a_projection_larger_than_its_image_says_how_many():
    volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    config = numbavol.ImageConfig((4, 4), 1.0)
    small, large = (
        numbavol.GaussianMixtureProjection(shape=(side, side), device="cuda")
        .prepare(volume, config)
        .n_at_a_time
        for side in (32, 64)
    )
    assert small in (4 * large, 4 * large + 1, 4 * large + 2, 4 * large + 3)


class Recorded:
    """Images that note how many are read at once."""

    def __init__(self, images):
        self.images, self.shape, self.largest = images, images.shape, 0

    def __getitem__(self, some):
        self.largest = max(self.largest, some.stop - some.start)
        return self.images[some]


def test_images_of_a_coarse_map_are_read_as_their_own_size_allows(monkeypatch):
    monkeypatch.setattr(type(find_device("cuda")), "free_bytes", 8 * 2**13)
    images = np.random.default_rng(1).standard_normal((20, 12, 12)).astype(np.float32)
    poses = numbavol.draw_random_poses(20, rng=0)
    maps = []
    for device in ("cpu", "cuda"):
        recorded = Recorded(images)
        projector = numbavol.BackProjector(12, 1.0, max_resolution=6.0, device=device)
        projector.add(recorded, poses)
        maps.append(projector.finish())
    # An image and its transform.
    assert recorded.largest == 2**13 // (2 * 4 * 12 * 14)
    np.testing.assert_allclose(maps[1], maps[0], rtol=0, atol=2e-5 * np.abs(maps[0]).max())


def test_images_are_formed_as_many_at_once_as_there_is_memory_for(monkeypatch):
    device = find_device("cuda")
    monkeypatch.setattr(type(device), "free_bytes", 8 * 2**9)
    contrast = np.random.default_rng(2).standard_normal((5, 8, 6)).astype(np.float32)
    ctf = numbavol.CTF(np.linspace(8000.0, 12000.0, 5))
    formation = numbavol.ImageFormation(noise=numbavol.NoiseSpectrum.white(1.0))
    expected = numbavol.form_images(contrast, 1.5, ctf, formation, seed=3)
    sizes = []
    transform = device.fft.irfft2

    def count(halves, *arguments, **options):
        sizes.append(len(halves))
        return transform(halves, *arguments, **options)

    monkeypatch.setattr(device.fft, "irfft2", count)
    made = numbavol.form_images(device.send(contrast), 1.5, ctf, formation, seed=3)
    assert sizes == [2, 2, 1]
    np.testing.assert_allclose(device.fetch(made), expected, rtol=1e-6, atol=2e-6)


class LateCopies(Copies):
    """Copies whose source must be there while they are waited for."""

    def begin(self, array, first):  # noqa: ARG002  # as copies are begun
        self.source = weakref.ref(array)

        def wait(kept=array):
            assert kept is not None

        return wait

    def wait(self):
        self.had_its_source = self.source() is not None


def test_what_is_being_copied_is_kept_until_the_copy_has_ended(monkeypatch):
    device, copies = find_device("cuda"), LateCopies()
    monkeypatch.setattr(device, "make_copies_to", lambda _: copies)
    delivery = StreamedDelivery(np.empty((1, 2, 2)), lambda _, projection: projection, device)
    delivery.put(slice(0, 1), device.send(np.ones((1, 2, 2))))
    delivery.drop()
    assert copies.had_its_source
    assert copies.source() is None
