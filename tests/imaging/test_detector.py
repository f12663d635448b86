"""Electrons that are counted: their mean, their noise, and what is left of signal."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import Detector, DetectorCurve, read_mtf

if TYPE_CHECKING:
    from pathlib import Path

MTF = DetectorCurve([0.0, 0.25, 0.5], [1.0, 0.7, 0.35])
DQE = DetectorCurve([0.0, 0.25, 0.5], [0.85, 0.6, 0.3])
DETECTORS = [Detector(), Detector(MTF), Detector(dqe=DQE), Detector(MTF, DQE)]
NAMES = ["ideal", "mtf", "dqe", "mtf and dqe"]
SHAPE = (24, 32)
PIXEL_SIZE, DOSE = 1.5, 8.0
ELECTRONS = DOSE * PIXEL_SIZE**2


def expose(detector: Detector, contrast: np.ndarray, **options: Any) -> np.ndarray:
    n = len(contrast)
    return detector.expose(
        contrast, PIXEL_SIZE, DOSE, **{"seed": 0, "numbers": range(n), **options}
    )


def value_of(curve: DetectorCurve | None, k: float) -> float:
    """By loops: linear between, constant beyond."""
    if curve is None:
        return 1.0
    points = list(zip(curve.frequencies.tolist(), curve.values.tolist(), strict=True))
    for (k0, v0), (k1, v1) in itertools.pairwise(points):
        if k0 <= k <= k1:
            return v0 + (v1 - v0) * (k - k0) / (k1 - k0)
    return points[-1][1]


def make_plane(curve: DetectorCurve | None) -> np.ndarray:
    half = (SHAPE[0], SHAPE[1] // 2 + 1)
    return np.array(
        [
            [value_of(curve, naive.frequency_radius(ky, kx, SHAPE, 1.0)) for kx in range(half[1])]
            for ky in range(half[0])
        ]
    )


def make_wave(k: tuple[int, int], amplitude: float) -> np.ndarray:
    """A sinusoid of so many cycles (y, x) an image."""
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return amplitude * np.cos(2 * np.pi * (k[0] * y / SHAPE[0] + k[1] * x / SHAPE[1]))


@pytest.mark.parametrize("curve", [MTF, DQE], ids=["mtf", "dqe"])
def test_curves_are_linear_between_frequencies_and_constant_beyond(curve: DetectorCurve) -> None:
    np.testing.assert_allclose(curve.evaluate(SHAPE), make_plane(curve), rtol=1e-12)


@pytest.mark.compiled
@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
def test_the_mean_is_the_dose_on_a_pixel(detector: Detector) -> None:
    images = expose(detector, np.zeros((200, *SHAPE)))
    # The zero frequency's standard deviation is that of all electrons, over the root of the DQE.
    deviation = math.sqrt(ELECTRONS / images.size / 0.85)
    assert abs(images.mean() - ELECTRONS) < 5 * deviation


@pytest.mark.compiled
@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
def test_the_noise_has_the_power_of_the_mtf_squared_over_the_dqe(detector: Detector) -> None:
    n_images = 2000
    images = expose(detector, np.zeros((n_images, *SHAPE)))
    power = np.mean(np.abs(np.fft.rfft2(images - ELECTRONS)) ** 2, axis=0) / math.prod(SHAPE)
    expected = ELECTRONS * make_plane(detector.mtf) ** 2 / make_plane(detector.dqe)
    # Of 400 samples, that are complex or real, within 5 standard deviations.
    np.testing.assert_allclose(power, expected, rtol=5 * math.sqrt(2 / n_images))
    assert power.mean() == pytest.approx(expected.mean(), rel=0.01)


@pytest.mark.compiled
@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
@pytest.mark.parametrize("k", [(0, 2), (5, 3), (12, 0), (0, 14)], ids=str)
def test_a_wave_has_the_contrast_that_the_mtf_leaves(
    detector: Detector, k: tuple[int, int]
) -> None:
    n_images, amplitude = 400, 0.5
    wave = make_wave(k, amplitude)
    images = expose(detector, np.broadcast_to(wave, (n_images, *SHAPE)))
    mean = np.fft.rfft2(images.mean(axis=0))[k]
    expected = ELECTRONS * np.fft.rfft2(wave)[k] * make_plane(detector.mtf)[k]
    noise = ELECTRONS * make_plane(detector.mtf)[k] ** 2 / make_plane(detector.dqe)[k]
    assert abs(mean - expected) < 5 * math.sqrt(noise * math.prod(SHAPE) / n_images)


@pytest.mark.compiled
@pytest.mark.parametrize("detector", [Detector(MTF, DQE), Detector(dqe=DQE)], ids=["both", "dqe"])
@pytest.mark.parametrize("k", [(0, 1), (6, 0), (5, 12)], ids=str)
def test_the_signal_to_noise_ratio_falls_by_the_dqe(detector: Detector, k: tuple[int, int]) -> None:
    n_images = 3000
    wave = make_wave(k, 0.5)
    images = expose(detector, np.broadcast_to(wave, (n_images, *SHAPE)))
    samples = np.fft.rfft2(images)[(slice(None), *k)]
    measured = abs(samples.mean()) ** 2 / samples.var()
    counted = abs(ELECTRONS * np.fft.rfft2(wave)[k]) ** 2 / (ELECTRONS * math.prod(SHAPE))
    assert measured / counted == pytest.approx(
        value_of(DQE, naive.frequency_radius(*k, SHAPE, 1.0)), rel=5 / math.sqrt(n_images)
    )


@pytest.mark.compiled
def test_an_edge_has_the_mtf_of_its_rise() -> None:
    edge = np.zeros((500, *SHAPE))
    edge[:, :, :16] = 0.8
    mean = expose(Detector(MTF, DQE), edge, seed=3).mean(axis=(0, 1))
    # The edge goes up and down: its transform has every other frequency.
    ratio = np.fft.rfft(mean)[1::2] / (ELECTRONS * np.fft.rfft(edge[0, 0])[1::2])
    expected = [value_of(MTF, k / 32) for k in range(1, 17, 2)]
    np.testing.assert_allclose(ratio, expected, atol=0.06)
    np.testing.assert_allclose(ratio[:3], expected[:3], atol=0.02)


@pytest.mark.compiled
def test_an_ideal_detector_counts_whole_electrons() -> None:
    contrast = np.random.default_rng(1).uniform(-1, 1, size=(300, *SHAPE)).astype(np.float32)
    images = expose(Detector(), contrast)
    assert images.dtype == np.float32
    assert np.all(images == np.round(images))
    assert images.min() >= 0
    expected = ELECTRONS * (1.0 + contrast)
    chi_squared = np.mean((images - expected) ** 2 / expected)
    # A Poisson variate's squared deviation varies by 2 + 1 / mean of it.
    assert abs(chi_squared - 1.0) < 5 * math.sqrt(np.mean(2 + 1 / expected) / images.size)


@pytest.mark.parametrize("detector", DETECTORS, ids=NAMES)
def test_no_electrons_are_expected_where_contrast_is_below_minus_one(detector: Detector) -> None:
    # At the zero frequency, the DQE leaves less than all of the contrast.
    images = expose(detector, np.full((2, *SHAPE), -3.0))
    transfer = np.mean(images) / ELECTRONS
    after = 1.0 / math.sqrt(value_of(detector.dqe, 0.0))
    assert transfer == pytest.approx(1.0 - after, abs=1e-9)


def test_without_dose_nothing_is_counted() -> None:
    exposed = Detector(MTF, DQE).expose(np.ones((1, 4, 4)), 1.0, 0.0, seed=0, numbers=[0])
    assert not exposed.any()


@pytest.mark.usefixtures("_number_of_threads_is_restored")
@given(
    order=st.permutations(range(6)),
    n_taken=st.integers(1, 6),
    n_threads=st.integers(1, 3),
    detector=st.sampled_from(DETECTORS),
)
def test_an_image_depends_on_the_seed_and_its_number_alone(
    order: list[int], n_taken: int, n_threads: int, detector: Detector
) -> None:
    contrast = np.random.default_rng(0).uniform(-0.5, 0.5, size=(6, 9, 10)).astype(np.float32)
    numbers = np.array([5, 2**40, 0, 7, 2**64 - 1, 1], np.uint64)
    numbavol.set_num_threads(2)
    every = expose(detector, contrast, seed=11, numbers=numbers)
    chosen = order[:n_taken]
    numbavol.set_num_threads(n_threads)
    some = expose(detector, contrast[chosen], seed=11, numbers=numbers[chosen])
    np.testing.assert_array_equal(some, every[chosen])


def test_other_seeds_and_numbers_give_other_electrons() -> None:
    # A double has one value for the last two numbers.
    numbers = [0, 1, 2**63 + 1, 2**63 + 2]
    contrast = np.zeros((4, *SHAPE))
    one, other = (expose(Detector(), contrast, seed=seed, numbers=numbers) for seed in (0, 1))
    images = np.concatenate([one, other]).reshape(8, -1)
    correlations = np.corrcoef(images)[np.triu_indices(8, 1)]
    assert np.abs(correlations).max() < 5 / math.sqrt(math.prod(SHAPE))


def test_the_most_electrons_that_are_counted_have_their_variance() -> None:
    n_images, expected = 50, 1e12
    images = Detector().expose(
        np.zeros((n_images, 32, 32)), 1.0, expected, seed=0, numbers=range(n_images)
    )
    # Of 51,200 pixels, within 5 standard deviations.
    assert images.var() == pytest.approx(expected, rel=5 * math.sqrt(2 / images.size))
    assert abs(images.mean() - expected) < 5 * math.sqrt(expected / images.size)


@pytest.mark.compiled
def test_a_pixels_area_counts() -> None:
    images = Detector().expose(np.zeros((50, 16, 16)), (2.0, 3.0), 4.0, seed=0, numbers=range(50))
    assert images.mean() == pytest.approx(24.0, rel=0.01)


def test_relions_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mtf.star"
    path.write_text(
        "# a comment\n\ndata_mtf_some_300kV\n\nloop_\n_rlnResolutionInversePixel #1\n"
        "_rlnMtfValue #2\n 0.000  1.000\n 0.250  0.700\n 0.500  0.350\n\n"
    )
    assert read_mtf(path) == MTF


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data_ _rlnMtfValue 1", "expected one block with"),
        ("data_ _rlnResolutionInversePixel 0.1 _rlnMtfValue 1", "increasing numbers from 0"),
        ("data_ _rlnResolutionInversePixel 0 _rlnMtfValue -1", "at least 0, got -1"),
    ],
)
def test_a_file_without_a_mtf_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mtf.star"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"no modulation transfer .*{message}") as caught:
        read_mtf(path)
    assert str(path) in str(caught.value)


def test_detectors_are_values() -> None:
    detector = Detector(MTF, DetectorCurve(DQE.frequencies, DQE.values))
    assert detector == Detector(MTF, DQE) != Detector(MTF)
    assert hash(detector) == hash(Detector(MTF, DQE))
    assert dataclasses.replace(detector, dqe=None) == Detector(MTF)
    assert repr(Detector(MTF)) == (
        "Detector(mtf=DetectorCurve(3 frequencies up to 0.5 cycles a pixel, 1 to 0.35), dqe=None)"
    )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Detector(mtf=[1.0]), TypeError, "mtf: expected a DetectorCurve or None, got list"),
        (lambda: Detector(dqe=DetectorCurve([0.0], [0.0])), ValueError, "dqe: .* got 0"),
        (lambda: Detector(dqe=DetectorCurve([0.0], [1.5])), ValueError, "dqe: .* got 1.5"),
        (
            lambda: Detector(DetectorCurve([0.0, 0.5], [100.0, 40.0])),
            ValueError,
            "mtf: expected 1 at the zero frequency, got 100",
        ),
        (
            lambda: Detector(DetectorCurve([0.0, 0.5], [0.9, 0.4])),
            ValueError,
            "mtf: expected 1 at the zero frequency, got 0.9",
        ),
        (
            lambda: Detector(DetectorCurve([0.0, 0.2, 0.5], [1.0, 1.2, 0.4])),
            ValueError,
            "mtf: expected at most 1.1, got 1.2",
        ),
        (
            lambda: DetectorCurve([0.0, 1.0], [1, 0.3]),
            ValueError,
            "frequencies: .* a pixel.* got 1",
        ),
        (lambda: DetectorCurve([0.0, 0.5], [1.0]), ValueError, "values: expected 2 values"),
    ],
    ids=["list", "zero", "above one", "per cent", "begins", "rises", "of Nyquist", "lengths"],
)
def test_what_is_no_detector_is_named(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_nothing_comes_where_contrast_is_below_minus_one() -> None:
    contrast = np.zeros((2, 8, 8))
    contrast[0, 2:5], contrast[0, 2, 3], contrast[1] = -3.0, -1e4, -1.0
    before = contrast.copy()
    counted = Detector().expose(contrast, 1.0, 50.0, seed=0, numbers=[0, 1])
    assert not np.any(counted[0, 2:5])
    assert not np.any(counted[1])
    assert np.all(counted[0, 5:] > 0)
    np.testing.assert_array_equal(contrast, before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contrast": np.zeros((4, 4))}, "contrast_images: expected 3 axes"),
        ({"contrast": np.full((1, 4, 4), np.nan)}, "contrast_images: expected finite .* image 0"),
        ({"contrast": np.array([[[0.0, np.inf]]])}, "contrast_images: expected finite .* image 0"),
        ({"contrast": np.array([[[-np.inf, 0]]])}, "contrast_images: expected finite .* image 0"),
        ({"pixel_size": -1.0}, "pixel_size: expected finite lengths above 0"),
        ({"dose": -1.0}, "dose: expected a number of at least 0"),
        ({"dose": 1e20}, r"dose: expected at most 1e\+12 electrons a pixel, got 1e\+20"),
        (
            {"contrast": np.full((1, 4, 4), 3.0), "dose": 5e11},
            r"contrast_images: expected at most 1e\+12 electrons a pixel, image 0 has up to 2e\+12",
        ),
        ({"seed": -1}, "seed: expected whole numbers from 0 to 2.64 - 1, got -1"),
        ({"seed": 1.5}, "seed: expected whole numbers"),
        ({"numbers": [2**64]}, "numbers: expected whole numbers"),
        ({"numbers": [0, 1]}, "numbers: expected shape .1,., one for each image, got .2,."),
    ],
    ids=[
        "image",
        "nan",
        "infinity",
        "negative infinity",
        "pixel size",
        "dose",
        "large dose",
        "large contrast",
        "seed",
        "fraction",
        "number",
        "numbers",
    ],
)
def test_what_cannot_be_exposed_is_named(options: dict[str, Any], message: str) -> None:
    given = {"contrast": np.zeros((1, 4, 4)), "pixel_size": 1.0, "dose": 1.0, "seed": 0,
             "numbers": [0], **options}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        Detector().expose(
            given["contrast"], given["pixel_size"], given["dose"], seed=given["seed"],
            numbers=given["numbers"],
        )  # fmt: skip
