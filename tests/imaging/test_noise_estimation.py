"""Spectra and variances of stacks, against loops, what was asked for, and across threads."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import naive
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import numbavol
from numbavol import NoiseSpectrum, estimate_noise_spectrum, measure_signal_variance
from numbavol.imaging import noise_estimation

if TYPE_CHECKING:
    from pathlib import Path

PIXEL_SIZE = 1.5


# Over six decades up to the corner of the plane.
STEEP = NoiseSpectrum(np.linspace(0.0, 0.5, 201), 10.0 ** np.linspace(6.0, 0.0, 201))


def draw_noise(spectrum: NoiseSpectrum, n_images: int, shape: tuple[int, int]) -> np.ndarray:
    white = np.fft.rfft2(np.random.default_rng(0).standard_normal((n_images, *shape)))
    return np.fft.irfft2(white * np.sqrt(spectrum.evaluate(shape, PIXEL_SIZE)), shape)


def average_over_rings(plane: np.ndarray) -> np.ndarray:
    """Of a full plane, as wide as a step of the finest axis."""
    rings: dict[int, list[float]] = {}
    for ky, kx in np.ndindex(plane.shape):
        radius = naive.frequency_radius(ky, kx, plane.shape, PIXEL_SIZE)
        ring = math.floor(radius * max(plane.shape) * PIXEL_SIZE + 0.5 + 1e-9)
        rings.setdefault(ring, []).append(plane[ky, kx])
    return np.array([np.mean(rings[ring]) for ring in sorted(rings)])


def make_weights(shape: tuple[int, int], radius: float) -> np.ndarray:
    width = min(shape) * PIXEL_SIZE / 16
    weights = np.ones(shape)
    for y, x in np.ndindex(shape):
        distance = PIXEL_SIZE * math.hypot(y - shape[0] // 2, x - shape[1] // 2)
        edge = min(max((distance - radius) / width, 0.0), 1.0)
        weights[y, x] = (1.0 - math.cos(math.pi * edge)) / 2
        for place, n in ((y, shape[0]), (x, shape[1])):
            to_border = PIXEL_SIZE * (min(place, n - 1 - place) + 0.5)
            weights[y, x] *= (1.0 - math.cos(math.pi * min(to_border / width, 1.0))) / 2
    return weights


def take_plane_off(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    y, x = np.indices(image.shape)
    columns = np.stack([np.ones(image.size), y.ravel(), x.ravel()], axis=1)
    roots = np.sqrt(weights.ravel())
    fitted = np.linalg.lstsq(columns * roots[:, None], image.ravel() * roots, rcond=None)[0]
    return image - (columns @ fitted).reshape(image.shape)


def cut_noise(spectrum: NoiseSpectrum, n_images: int, side: int) -> np.ndarray:
    """Cut boxes from larger fields, as particles are cut from micrographs."""
    n = 16
    fields = draw_noise(spectrum, math.ceil(n_images / n**2), (n * side, n * side))
    boxes = fields.reshape(-1, n, side, n, side).swapaxes(2, 3)
    return boxes.reshape(-1, side, side)[:n_images]


@pytest.mark.parametrize("shape", [(12, 12), (9, 11), (10, 7)], ids=str)
def test_noise_of_the_spectrum_has_the_masked_power_that_was_measured(
    shape: tuple[int, int],
) -> None:
    images = draw_noise(NoiseSpectrum.pink(1.0, 0.1), 40, shape)
    # So many that averages are followed to 1 %.
    stack = np.tile(images, (100, 1, 1))
    spectrum = estimate_noise_spectrum(stack, PIXEL_SIZE, mask_radius=4.0)
    weights = make_weights(shape, 4.0)
    masked = [weights * take_plane_off(image, weights) for image in images]
    measured = np.mean([np.abs(naive.discrete_transform(image)) ** 2 for image in masked], axis=0)
    predicted = naive.power_of_masked_noise(
        shape, PIXEL_SIZE, weights,
        lambda k: float(np.interp(k, spectrum.frequencies, spectrum.power)),
    )  # fmt: skip
    rings = average_over_rings(measured)
    assert len(spectrum.frequencies) == len(rings)
    # As near as it is said to come for rings of 2 samples; the mean has no power at all.
    np.testing.assert_allclose(average_over_rings(predicted)[1:], rings[1:], rtol=0.0121)


@given(
    corner=st.floats(0.0, 0.1),
    exponent=st.floats(0.5, 1.5),
    shape=st.sampled_from([(32, 32), (33, 31), (24, 40)]),
    mask_radius=st.sampled_from([None, 0.0, 12.0, 18.0]),
)
@example(corner=0.0, exponent=1.0, shape=(32, 32), mask_radius=None)
@example(corner=0.1, exponent=1.5, shape=(24, 40), mask_radius=18.0)
def test_the_spectrum_that_was_drawn_is_measured(
    corner: float, exponent: float, shape: tuple[int, int], mask_radius: float | None
) -> None:
    drawn = NoiseSpectrum.pink(2.0, corner, exponent)
    images = draw_noise(drawn, 400, shape)
    measured = estimate_noise_spectrum(images, PIXEL_SIZE, mask_radius=mask_radius)
    asked = np.interp(measured.frequencies, drawn.frequencies, drawn.power)
    # A plane takes most of the first ring, and k^-1.5 is not linear up to the second one; beyond, 5
    # standard deviations of a ring of 30 samples, in 400 images of which a quarter is left.
    np.testing.assert_allclose(measured.power[1], asked[1], rtol=0.6)
    np.testing.assert_allclose(measured.power[2], asked[2], rtol=0.2)
    np.testing.assert_allclose(measured.power[3:-4], asked[3:-4], rtol=0.15)
    assert measured.power[3:].mean() == pytest.approx(asked[3:].mean(), rel=0.02)
    assert measured.power[0] == measured.power[1]


@pytest.mark.parametrize("mask_radius", [None, 45.0, 48.0], ids=str)
def test_a_spectrum_that_falls_over_six_decades_is_measured(mask_radius: float | None) -> None:
    images = draw_noise(STEEP, 1000, (64, 64))
    measured = estimate_noise_spectrum(images, PIXEL_SIZE, mask_radius=mask_radius)
    asked = np.interp(measured.frequencies, STEEP.frequencies, STEEP.power)
    # A fifth of an image is left of it, from which a ring has the errors of its neighbours.
    np.testing.assert_allclose(measured.power[2:-1], asked[2:-1], rtol=0.25)


@pytest.mark.parametrize(
    ("drawn", "of_the_first", "of_others"),
    [
        # A plane leaves a tenth of what the first ring has, and of the longer waves.
        (STEEP, 0.2, 0.15),
        (NoiseSpectrum.white(2.0), 0.15, 0.1),
        (NoiseSpectrum.pink(1.0, 0.05, 1.0), 0.3, 0.12),
        # Longer waves have all the more.
        (NoiseSpectrum.pink(1.0, 0.05, 2.0), 0.4, 0.3),
    ],
    ids=["steep", "white", "1/k", "1/k^2"],
)
def test_noise_of_boxes_that_are_cut_out_is_measured(
    drawn: NoiseSpectrum, of_the_first: float, of_others: float
) -> None:
    measured = estimate_noise_spectrum(cut_noise(drawn, 1000, 64), PIXEL_SIZE)
    asked = np.interp(measured.frequencies, drawn.frequencies, drawn.power)
    np.testing.assert_allclose(measured.power[1], asked[1], rtol=of_the_first)
    np.testing.assert_allclose(measured.power[2:-1], asked[2:-1], rtol=of_others)


@pytest.mark.parametrize("mask_radius", [0.0, 6.0, 14.0], ids=str)
def test_white_noise_has_its_power_in_every_ring(mask_radius: float) -> None:
    images = draw_noise(NoiseSpectrum.white(4.0), 4000, (24, 24))
    measured = estimate_noise_spectrum(images, PIXEL_SIZE, mask_radius=mask_radius)
    # Of 8 samples or more, 4 are independent, and a mask leaves less than half of that; the last
    # ring, the corner, is a single one that is real.
    np.testing.assert_allclose(measured.power[:-1], 4.0, rtol=0.06)
    np.testing.assert_allclose(measured.power[-1], 4.0, rtol=0.15)
    assert measured.variance((24, 24), PIXEL_SIZE) == pytest.approx(4.0, rel=0.01)


def test_what_is_in_the_circle_and_a_plane_change_nothing() -> None:
    images = draw_noise(NoiseSpectrum.pink(1.0, 0.05), 10, (24, 24))
    changed = images + np.random.default_rng(1).normal(scale=20.0, size=(10, 1, 1))
    y, x = np.ogrid[:24, :24]
    changed += 0.5 * y - 2.0 * x
    changed[:, np.hypot(y - 12, x - 12) <= 8] = 100.0
    spectra = [
        estimate_noise_spectrum(stack, PIXEL_SIZE, mask_radius=12.0) for stack in (images, changed)
    ]
    np.testing.assert_allclose(spectra[1].power, spectra[0].power, rtol=1e-9)


def test_a_spectrum_goes_to_the_corner_of_the_plane() -> None:
    images = draw_noise(NoiseSpectrum([0.0, 0.33, 0.5], [1.0, 1.0, 9.0]), 2000, (24, 24))
    measured = estimate_noise_spectrum(images, PIXEL_SIZE, mask_radius=0.0)
    assert measured.frequencies[-1] == pytest.approx(math.sqrt(0.5) / PIXEL_SIZE, rel=0.03)
    assert measured.variance((24, 24), PIXEL_SIZE) == pytest.approx(images.var(), rel=0.01)


def test_units_are_those_of_images_and_pixels() -> None:
    images = draw_noise(NoiseSpectrum.white(1.0), 20, (16, 16))
    one = estimate_noise_spectrum(images, 1.0)
    other = estimate_noise_spectrum(3.0 * images, 2.0)
    np.testing.assert_allclose(other.frequencies, one.frequencies / 2)
    np.testing.assert_allclose(other.power, 9.0 * one.power)


def test_pixels_may_have_two_sides() -> None:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((50, 12, 24))
    spectrum = estimate_noise_spectrum(images, (1.0, 2.0))
    assert spectrum.frequencies[1] == pytest.approx(1 / 24)
    turned = estimate_noise_spectrum(np.roll(images.swapaxes(1, 2), 0), (2.0, 1.0))
    np.testing.assert_allclose(turned.power, spectrum.power)


class Sliced:
    """A file, as far as it is read."""

    def __init__(self, images: np.ndarray) -> None:
        self._images, self.shape, self.longest = images, images.shape, 0

    def __getitem__(self, numbers: slice) -> np.ndarray:
        read = self._images[numbers]
        self.longest = max(self.longest, len(read))
        return read


@pytest.mark.usefixtures("_number_of_threads_is_restored")
@pytest.mark.parametrize(
    "measure",
    [
        lambda images: estimate_noise_spectrum(images, PIXEL_SIZE).power,
        lambda images: measure_signal_variance(images, 1.0, 5.0),
    ],
    ids=["spectrum", "variance"],
)
def test_every_source_and_number_of_threads_gives_the_same_bits(
    measure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise_estimation, "BYTES_A_TASK", 8 * 16 * 16 * 7)
    images = draw_noise(NoiseSpectrum.white(1.0), 40, (16, 16)).astype(np.float32)
    np.save(tmp_path / "images.npy", images)
    numbavol.set_num_threads(1)
    expected = measure(images)
    numbavol.set_num_threads(3)
    sliced = Sliced(images)
    for stack in (np.load(tmp_path / "images.npy", mmap_mode="r"), sliced, images.astype(">f4")):
        np.testing.assert_array_equal(measure(stack), expected)
    assert sliced.longest == 7


@pytest.mark.parametrize("dtype", [np.int16, np.float16, np.uint8], ids=str)
def test_stacks_of_other_types_are_measured(dtype: Any) -> None:
    images = np.round(draw_noise(NoiseSpectrum.white(100.0), 20, (16, 16)) + 100).astype(dtype)
    expected = estimate_noise_spectrum(images.astype(np.float64), PIXEL_SIZE)
    measured = estimate_noise_spectrum(images, PIXEL_SIZE)
    np.testing.assert_allclose(measured.power, expected.power, rtol=1e-5)


def test_images_without_noise_have_a_spectrum_of_zeros() -> None:
    assert not estimate_noise_spectrum(np.zeros((2, 8, 8)), 1.0).power.any()
    # But for rounding.
    assert estimate_noise_spectrum(np.full((2, 8, 8), 3.0), 1.0).power.max() < 1e-25


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    radius=st.one_of(st.integers(0, 8).map(float), st.floats(0.0, 8.0)),
    pixel_size=st.sampled_from([1.0, 0.5, 2.0]),
)
def test_signal_variance_is_that_of_the_pixels_in_the_circle(
    shape: tuple[int, int, int], radius: float, pixel_size: float
) -> None:
    images = np.random.default_rng(0).normal(5.0, 2.0, size=shape)
    variances = measure_signal_variance(images, pixel_size, radius * pixel_size)
    for image, variance in zip(images, variances, strict=True):
        inside = [
            image[y, x]
            for y, x in np.ndindex(image.shape)
            if math.hypot(y - shape[1] // 2, x - shape[2] // 2) <= radius
        ]
        mean = sum(inside) / len(inside)
        expected = sum((value - mean) ** 2 for value in inside) / len(inside)
        assert variance == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_signal_variance_of_single_precision_keeps_its_digits() -> None:
    images = np.float32(1e4) + np.random.default_rng(0).random((1, 64, 64), np.float32)
    expected = measure_signal_variance(images.astype(np.float64), 1.0, 30.0)
    np.testing.assert_allclose(measure_signal_variance(images, 1.0, 30.0), expected, rtol=1e-9)


def with_value(value: float) -> np.ndarray:
    images = np.zeros((3, 8, 8))
    images[1, 4, 4] = value
    return images


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((8, 8)), r"images: expected shape \(n, y, x\).* got \(8, 8\)"),
        (np.zeros((0, 8, 8)), r"images: expected shape \(n, y, x\).* got \(0, 8, 8\)"),
        (np.zeros((1, 8, 8), complex), "images: expected real numbers"),
        (with_value(np.nan), "^images: image 1 is not finite$"),
        (with_value(-np.inf), "^images: image 1 is not finite$"),
    ],
    ids=["image", "empty", "complex", "nan", "inf"],
)
def test_what_is_no_stack_is_named(images: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimate_noise_spectrum(images, 1.0, mask_radius=0.0)
    with pytest.raises(ValueError, match=message):
        measure_signal_variance(images, 1.0, 4.0)


def test_an_image_of_a_later_block_is_named_by_its_own_number(monkeypatch) -> None:
    monkeypatch.setattr(noise_estimation, "BYTES_A_TASK", 2 * 8 * 8 * 8)
    images = np.random.default_rng(0).standard_normal((7, 8, 8))
    images[5, 1, 2] = np.nan
    for measure in (
        estimate_noise_spectrum,
        functools.partial(measure_signal_variance, radius=4.0),
    ):
        with pytest.raises(ValueError, match=r"^images: image 5 is not finite$"):
            measure(images, 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_radius": 8.0}, "mask_radius: expected to leave 5% of an image .* 8 A"),
        ({"mask_radius": -1.0}, "mask_radius: expected a number of at least 0"),
        ({"pixel_size": 0.0}, "pixel_size: expected finite lengths above 0"),
    ],
    ids=["mask", "negative", "pixel size"],
)
def test_what_leaves_no_background_is_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimate_noise_spectrum(np.ones((2, 12, 12)), **{"pixel_size": 1.0, **options})


@pytest.mark.parametrize("shape", [(1, 1), (3, 64), (64, 1)], ids=str)
def test_a_few_pixels_have_no_spectrum(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="images: expected 4 pixels or more along y and x"):
        estimate_noise_spectrum(np.ones((2, *shape)), 1.0, mask_radius=0.0)


def test_a_radius_below_zero_is_named() -> None:
    with pytest.raises(ValueError, match="radius: expected a number of at least 0"):
        measure_signal_variance(np.ones((1, 4, 4)), 1.0, -1.0)


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e15])
def test_the_unit_of_single_precision_images_does_not_matter(scale: float) -> None:
    images = np.random.default_rng(0).standard_normal((20, 16, 16))
    expected = estimate_noise_spectrum(images, PIXEL_SIZE).power
    measured = estimate_noise_spectrum((scale * images).astype(np.float32), PIXEL_SIZE).power
    np.testing.assert_allclose(measured / scale**2, expected, rtol=1e-5)
