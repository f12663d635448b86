"""`NoiseSpectrum`: what it is at the samples of a transform, its variance, and its files."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import TYPE_CHECKING

import naive
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from numbavol import NoiseSpectrum

if TYPE_CHECKING:
    from pathlib import Path

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
pixel_sizes = st.floats(0.5, 5.0)


@st.composite
def spectra(draw: st.DrawFn) -> NoiseSpectrum:
    steps = draw(st.lists(st.floats(0.01, 0.5), max_size=6))
    n = len(steps) + 1
    power = draw(st.lists(st.floats(0.0, 100.0), min_size=n, max_size=n))
    return NoiseSpectrum(np.cumsum([0.0, *steps]), power)


def power_at(spectrum: NoiseSpectrum, k: float) -> float:
    """In a loop that anyone can check."""
    points = list(zip(spectrum.frequencies.tolist(), spectrum.power.tolist(), strict=True))
    for (k0, p0), (k1, p1) in itertools.pairwise(points):
        if k0 <= k <= k1:
            return p0 + (p1 - p0) * (k - k0) / (k1 - k0)
    return points[-1][1]


@given(spectrum=spectra(), shape=shapes, pixel_size=pixel_sizes)
@example(spectrum=NoiseSpectrum.white(2.0), shape=(1, 1), pixel_size=1.0)
def test_power_is_linear_between_frequencies_and_constant_beyond(
    spectrum: NoiseSpectrum, shape: tuple[int, int], pixel_size: float
) -> None:
    power = spectrum.evaluate(shape, pixel_size)
    assert power.shape == (shape[0], shape[1] // 2 + 1)
    for ky, kx in np.ndindex(power.shape):
        k = naive.frequency_radius(ky, kx, shape, pixel_size)
        assert math.isclose(power[ky, kx], power_at(spectrum, k), rel_tol=1e-9, abs_tol=1e-9)


@given(spectrum=spectra(), shape=shapes, pixel_size=pixel_sizes)
def test_variance_is_the_mean_power_of_the_full_plane(
    spectrum: NoiseSpectrum, shape: tuple[int, int], pixel_size: float
) -> None:
    plane = [
        power_at(spectrum, naive.frequency_radius(ky, kx, shape, pixel_size))
        for ky, kx in np.ndindex(shape)
    ]
    assert math.isclose(
        spectrum.variance(shape, pixel_size), np.mean(plane), rel_tol=1e-9, abs_tol=1e-9
    )


@pytest.mark.parametrize("shape", [(6, 8), (7, 9), (1, 5)], ids=str)
def test_variance_is_that_of_the_pixels_of_noise(shape: tuple[int, int]) -> None:
    spectrum = NoiseSpectrum.pink(2.0, 0.1)
    rng = np.random.default_rng(0)
    white = np.fft.rfft2(rng.standard_normal((20_000, *shape)))
    noise = np.fft.irfft2(white * np.sqrt(spectrum.evaluate(shape, 1.5)), shape)
    # Of 20000 images, the zero frequency's power varies by 1 %.
    assert np.mean(noise**2) == pytest.approx(spectrum.variance(shape, 1.5), rel=0.03)


@given(variance=st.floats(0.0, 1e6), shape=shapes)
def test_white_noise_has_its_variance_at_every_frequency(
    variance: float, shape: tuple[int, int]
) -> None:
    spectrum = NoiseSpectrum.white(variance)
    assert np.all(spectrum.evaluate(shape, 1.5) == variance)
    assert math.isclose(spectrum.variance(shape, 1.5), variance, rel_tol=1e-12)


@given(exponent=st.floats(0.0, 2.0), corner=st.floats(1e-3, 1.0), k=st.floats(1e-3, 5.0))
def test_pink_noise_follows_its_power_law(exponent: float, corner: float, k: float) -> None:
    spectrum = NoiseSpectrum.pink(3.0, corner, exponent)
    expected = 3.0 * (1.0 + (corner / k) ** exponent)
    assert np.interp(k, spectrum.frequencies, spectrum.power) == pytest.approx(expected, rel=1e-4)


def test_pink_noise_has_finite_power_at_the_zero_frequency() -> None:
    spectrum = NoiseSpectrum.pink(3.0, 0.02)
    assert spectrum.power[0] == spectrum.power[1] == pytest.approx(3.0 * 21.0)


@given(spectrum=spectra(), shape=shapes, variance=st.just(0.0) | st.floats(1e-100, 1e3))
def test_a_scaled_spectrum_has_the_variance_and_the_colour(
    spectrum: NoiseSpectrum, shape: tuple[int, int], variance: float
) -> None:
    present = spectrum.variance(shape, 1.5)
    if present < 1e-6:
        return
    scaled = spectrum.scaled_to(variance, shape, 1.5)
    assert scaled.variance(shape, 1.5) == pytest.approx(variance, rel=1e-9)
    np.testing.assert_allclose(
        scaled.power * present, spectrum.power * variance, rtol=1e-9, atol=1e-12
    )


def test_no_noise_cannot_be_scaled() -> None:
    with pytest.raises(ValueError, match="variance above 0 to scale"):
        NoiseSpectrum.white(0.0).scaled_to(1.0, (4, 4), 1.0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spectrum=spectra())
def test_a_file_holds_all_digits(tmp_path: Path, spectrum: NoiseSpectrum) -> None:
    path = tmp_path / "spectrum.star"
    spectrum.write(path, overwrite=True)
    assert NoiseSpectrum.read(path) == spectrum


def test_a_file_with_a_spectrum_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "spectrum.star"
    path.write_text("data_a _numbavolSpatialFrequency 0 _numbavolNoisePower -1")
    with pytest.raises(
        ValueError, match=r"spectrum\.star: no noise spectrum .* at least 0, got -1"
    ):
        NoiseSpectrum.read(path)


def test_spectra_are_values() -> None:
    spectrum = NoiseSpectrum([0.0, 0.5], [4.0, 2.0])
    assert spectrum == NoiseSpectrum(np.array([0, 0.5], np.float32), np.array([4, 2]))
    assert spectrum != NoiseSpectrum([0.0, 0.5], [4.0, 3.0])
    assert copy.deepcopy(spectrum) == pickle.loads(pickle.dumps(spectrum)) == spectrum
    assert hash(spectrum) == hash(copy.copy(spectrum))
    assert not spectrum.power.flags.writeable
    assert repr(spectrum) == "NoiseSpectrum(2 frequencies up to 0.5 1/A, power 2 to 4)"


@pytest.mark.parametrize(
    ("frequencies", "power", "message"),
    [
        ([0.1, 0.5], [1.0, 1.0], r"frequencies: expected increasing .* got \[0.1 0.5\]"),
        ([0.0, 0.5, 0.5], [1.0, 1.0, 1.0], "frequencies: expected increasing"),
        ([0.0, 0.5], [1.0], "power: expected 2 values, .* got 1"),
        ([0.0], [-1.0], "power: expected numbers of at least 0, got -1"),
        ([0.0], [np.nan], "power: expected finite values"),
        ([], [], r"frequencies: expected shape \(n,\)"),
        ([[0.0]], [[1.0]], r"frequencies: expected shape \(n,\).* got \(1, 1\)"),
    ],
)  # fmt: skip
def test_what_is_no_spectrum_is_named(frequencies: list, power: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NoiseSpectrum(frequencies, power)


def test_what_is_no_image_is_named() -> None:
    with pytest.raises(ValueError, match="shape: expected 2 whole numbers"):
        NoiseSpectrum.white(1.0).evaluate((4,), 1.0)
    with pytest.raises(ValueError, match="pixel_size: expected finite lengths above 0"):
        NoiseSpectrum.white(1.0).evaluate((4, 4), 0.0)
