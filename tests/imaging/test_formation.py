"""What a microscope makes of projections: contrast, its sign, noise, and what they belong to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol import (
    CTF,
    Detector,
    DoseWeighting,
    ImageFormation,
    NoiseSpectrum,
    VitreousIce,
    compute_weak_phase_contrast,
    form_images,
    set_num_threads,
)

RNG = np.random.default_rng(3)


def blob(shape=(48, 48), width=2.0):
    y, x = (np.arange(n) - n // 2 for n in shape)
    return np.exp(-(x**2 + y[:, np.newaxis] ** 2) / (2 * width**2)).astype(np.float32)


def transform(image):
    return np.fft.rfft2(np.asarray(image, np.float64))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_projection_that_is_not_finite_is_named(wrong):
    projections = np.zeros((20, 4, 6))
    projections[17, 1, 2] = wrong
    with pytest.raises(ValueError, match="projections: image 17 is not finite"):
        form_images(projections, 1.5, CTF(9000.0))


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_images_are_projections_times_the_transfer_function(shape):
    projections = RNG.standard_normal((2, *shape))
    ctf = CTF([9000.0, 14000.0], 8000.0, 20.0, b_factor=30.0)
    expected = np.fft.irfft2(
        transform(projections) * ctf.evaluate(shape, 1.3, dtype=np.float64), shape
    )
    made = form_images(projections, 1.3, ctf)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, rtol=0, atol=2e-6 * max(1, np.abs(expected).max()))


def test_nothing_is_made_of_nothing_else():
    image = blob()
    np.testing.assert_allclose(form_images(image, 1.0), image, rtol=0, atol=1e-6)


def test_protein_is_dark_in_underfocus_and_white_in_linear_images():
    """In weak-phase contrast a micrograph is dark where a particle is; RELION wants it white."""
    ctf = CTF(15000.0, amplitude_contrast=0.1, b_factor=200.0)
    projection = blob((128, 128), width=8.0)
    middle = (64, 64)
    assert form_images(projection, 3.0, ctf)[middle] > 0
    dark = form_images(projection, 3.0, ctf, ImageFormation("weak_phase"))
    assert dark[middle] < 0
    over = form_images(projection, 3.0, CTF(-15000.0, amplitude_contrast=0.0), None)
    assert over[middle] < 0


def test_weak_phase_contrast_is_that_of_the_wave():
    """The intensity of a wave exp(i phase) behind a lens, to second order in the phase."""
    ctf = CTF(12000.0, amplitude_contrast=0.0)
    pixel_size, shape = 2.0, (64, 64)
    wavelength = float(ctf.wavelength_in_angstroms)
    projection = 1e-3 * blob(shape, 3.0)
    # h^2 / (2 pi m0 e) times the interaction constant: the wavelength times the Lorentz factor.
    phase = wavelength * (1 + 300.0 / 510.99895) * projection.astype(np.float64)
    y, x = (np.fft.fftfreq(n, pixel_size) for n in shape)
    k2 = x**2 + y[:, np.newaxis] ** 2
    chi = np.pi * wavelength * k2 * (0.5 * 2.7e7 * wavelength**2 * k2 - 12000.0)
    wave = np.fft.ifft2(np.fft.fft2(np.exp(1j * phase)) * np.exp(-1j * chi))
    expected = np.abs(wave) ** 2 - 1
    made = form_images(projection, pixel_size, ctf, ImageFormation("weak_phase"))
    largest = np.abs(expected).max()
    # Terms of second order, and rounding.
    np.testing.assert_allclose(made, expected, rtol=0, atol=3 * phase.max() * largest)
    assert largest > 30 * phase.max() ** 2


def test_the_interaction_constant_is_the_known_one():
    """6.526e-4 rad / (V A) at 300 kV (Kirkland), times 47.878 V A^2 a unit of U."""
    factor = compute_weak_phase_contrast(CTF(1e4, amplitude_contrast=0.0))
    assert factor == pytest.approx(-2 * 6.52616e-4 * 47.8776, rel=1e-5)
    with_amplitude = compute_weak_phase_contrast(CTF(1e4, amplitude_contrast=[0.1, 0.6]))
    np.testing.assert_allclose(with_amplitude / factor, 1 / np.sqrt([0.99, 0.64]))


@pytest.mark.parametrize("shape", [(32, 32), (33, 48)])
def test_noise_has_the_spectrum_that_is_asked_for(shape, is_compiled):
    n = 300 if is_compiled else 20
    spectrum = NoiseSpectrum([0.0, 0.1, 0.3], [9.0, 4.0, 1.0])
    images = form_images(
        np.zeros((n, *shape)), 1.5, formation=ImageFormation(noise=spectrum), seed=7
    )
    power = np.mean(np.abs(transform(images)) ** 2, axis=0) / math.prod(shape)
    expected = spectrum.evaluate(shape, 1.5)
    # Each sample is a mean of n squares; few of thousands are 5 deviations away.
    assert np.abs(power / expected - 1).max() < 5.5 * math.sqrt(2 / n)
    assert np.mean(power / expected) == pytest.approx(1, abs=5 / math.sqrt(n * power.size))
    assert images.var() == pytest.approx(spectrum.variance(shape, 1.5), rel=5 / math.sqrt(n))


@pytest.mark.same_bits
def test_what_is_random_belongs_to_the_seed_and_the_number_alone():
    ice = ImageFormation(ice=VitreousIce(200.0), noise=NoiseSpectrum.white(1.0))
    projections = RNG.standard_normal((20, 16, 18))
    ctf = CTF(np.linspace(8e3, 2e4, 20))
    together = form_images(projections, 2.0, ctf, ice, seed=5)
    some = [17, 3, 11]
    np.testing.assert_array_equal(
        form_images(projections[some], 2.0, ctf[some], ice, seed=5, numbers=some), together[some]
    )
    other = form_images(projections, 2.0, ctf, ice, seed=6)
    assert not np.array_equal(other, together)


@pytest.mark.same_bits
@pytest.mark.usefixtures("_number_of_threads_is_restored")
@given(
    n=st.integers(1, 40),
    shape=st.tuples(st.integers(1, 19), st.integers(1, 19)),
    n_threads=st.integers(1, 5),
)
def test_any_number_of_threads_makes_the_same_images(n, shape, n_threads):
    # Threads share images in parts, whose transforms are made together.
    projections = np.random.default_rng(n).standard_normal((n, *shape), dtype=np.float32)
    formation = ImageFormation(
        "weak_phase", noise=NoiseSpectrum([0.0, 0.2], [2.0, 1.0]), ice=VitreousIce(100.0)
    )
    ctf = CTF(np.linspace(5000.0, 20000.0, n), 300.0, 15.0)
    set_num_threads(1)
    expected = form_images(projections, 1.7, ctf, formation, seed=4)
    set_num_threads(n_threads)
    found = form_images(projections, 1.7, ctf, formation, seed=4)
    np.testing.assert_array_equal(found, expected)


def test_ice_has_its_power_times_the_square_of_the_transfer_function(is_compiled):
    n, shape = 400 if is_compiled else 20, (24, 24)
    ctf, ice = CTF(9000.0, amplitude_contrast=0.5), VitreousIce(300.0)
    images = form_images(np.zeros((n, *shape)), 1.0, ctf, ImageFormation(ice=ice), seed=2)
    power = np.mean(np.abs(transform(images)) ** 2, axis=0) / math.prod(shape)
    expected = ice.evaluate(shape, 1.0) * ctf.evaluate(shape, 1.0) ** 2
    assert np.abs(power - expected).max() < 6 * math.sqrt(2 / n) * expected.max()
    assert power.sum() == pytest.approx(expected.sum(), rel=0.05 if is_compiled else 0.3)


def test_the_dose_fades_the_signal_and_not_the_noise():
    shape = (32, 32)
    weighting = DoseWeighting(1.0, 40, 300.0)
    formation = ImageFormation(dose_weighting=weighting)
    projection = RNG.standard_normal(shape)
    for ctf in (None, CTF(1e4)):
        faded = form_images(projection, 1.5, ctf, formation)
        envelope = weighting.evaluate_envelope(shape, 1.5)
        expected = transform(form_images(projection, 1.5, ctf)) * envelope
        np.testing.assert_allclose(transform(faded), expected, rtol=0, atol=1e-3)


def test_counts_have_the_dose_as_their_mean_and_show_the_particle():
    formation = ImageFormation("weak_phase", detector=Detector(), dose=40.0)
    projections = np.broadcast_to(5 * blob((64, 64), 6.0), (40, 64, 64))
    counts = form_images(projections, 1.5, CTF(15000.0), formation, seed=1)
    assert counts.mean() == pytest.approx(40 * 1.5**2, rel=0.01)
    np.testing.assert_array_equal(counts, np.rint(counts))
    contrast = form_images(projections[:1], 1.5, CTF(15000.0), ImageFormation("weak_phase"))[0]
    correlation = np.corrcoef(counts.mean(axis=0).ravel(), contrast.ravel())[0, 1]
    assert correlation > 0.5


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"contrast": "black"}, "contrast: expected 'linear' or 'weak_phase', got 'black'"),
        ({"dose": 3.0}, "dose: expected together with a detector"),
        ({"detector": Detector()}, "dose: expected together with a detector"),
        ({"detector": Detector(), "dose": 3.0}, "contrast: expected 'weak_phase' with a detector"),
        (
            {"detector": Detector(), "dose": -3.0, "contrast": "weak_phase"},
            "dose: expected a number above 0",
        ),
        (
            {
                "detector": Detector(),
                "dose": 3.0,
                "contrast": "weak_phase",
                "noise": NoiseSpectrum.white(1.0),
            },
            "noise: expected None with a detector, whose counts have their own noise",
        ),
        (
            {
                "detector": Detector(),
                "dose": 51.0,
                "contrast": "weak_phase",
                "dose_weighting": DoseWeighting(1.25, 40),
            },
            "dose: expected that of 40 frames of dose_per_frame 1.25, 50, got 51",
        ),
    ],
)
def test_what_does_not_go_together_is_named(arguments, what):
    with pytest.raises(ValueError, match=what):
        ImageFormation(**arguments)


def test_the_dose_is_that_of_the_frames_to_its_rounding():
    # They have 39.9.
    weighting = DoseWeighting(1.33, 30)
    formation = ImageFormation("weak_phase", detector=Detector(), dose=40, dose_weighting=weighting)
    assert formation.dose == 40


@pytest.mark.parametrize(
    ("formation", "what"),
    [
        (ImageFormation(noise=NoiseSpectrum.white(1e80)), r"noise: expected powers .* got 1e\+80"),
        (ImageFormation(ice=VitreousIce(1e80)), "ice: expected powers of at most 1e.30, got"),
    ],
)
def test_noise_beyond_single_precision_is_named(formation, what):
    with pytest.raises(ValueError, match=what):
        form_images(np.zeros((2, 4, 4)), 1.0, None, formation)


def test_the_strongest_noise_is_finite():
    formation = ImageFormation(noise=NoiseSpectrum.white(1e30))
    images = form_images(np.zeros((2, 64, 64)), 1.0, None, formation)
    assert images.std(dtype=np.float64) == pytest.approx(1e15, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"projections": np.zeros(3)}, "projections"),
        ({"projections": np.zeros((2, 4, 4)) * 1j}, "projections: expected real"),
        ({"ctf": CTF([1e4, 1e4, 1e4])}, "ctf: expected that of one image or of 2, got 3"),
        ({"numbers": [1]}, "numbers: expected shape .2,., one for each image, got .1,."),
        ({"numbers": 1}, "numbers: expected shape .2,., one for each image, got .1,."),
        ({"numbers": [1, -1]}, "numbers: expected whole numbers from 0 to 2.64 - 1, got -1"),
        ({"numbers": [1.0, 2.0]}, "numbers: expected whole numbers"),
        ({"numbers": np.array([[1, 2]])}, "numbers: expected shape .2,., one for each image, got"),
        (
            {"numbers": np.array([[1, 2]], np.uint64)},
            r"numbers: expected shape .2,., one for each image",
        ),
        ({"seed": -1}, "seed: expected whole numbers from 0 to 2.64 - 1, got -1"),
        ({"seed": 2**64}, "seed: expected whole numbers"),
        ({"seed": 1.5}, "seed: expected whole numbers"),
        ({"seed": True}, "seed: expected whole numbers"),
        ({"numbers": np.array(3)}, "numbers: expected shape .2,., one for each image, got .1,."),
        ({"pixel_size": 0.0}, "pixel_size: expected a finite number above 0, got 0.0"),
        ({"pixel_size": np.nan}, "pixel_size: expected a finite number above 0, got nan"),
        ({"formation": ImageFormation("weak_phase")}, "ctf: expected one for weak-phase contrast"),
        (
            {"formation": ImageFormation("weak_phase"), "ctf": CTF(1e4, amplitude_contrast=1.0)},
            "amplitude contrast below 1",
        ),
    ],
)
def test_what_is_wrong_is_named(arguments, what):
    with pytest.raises(ValueError, match=what):
        form_images(**{"projections": np.zeros((2, 4, 4)), "pixel_size": 1.0, **arguments})


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: form_images(np.zeros((4, 4)), 1.0, 1e4), "ctf: expected a CTF or None, got float"),
        (
            lambda: form_images(np.zeros((4, 4)), 1.0, None, "weak_phase"),
            "formation: expected an ImageFormation or None, got str",
        ),
        (lambda: ImageFormation(ice=300.0), "ice: expected a VitreousIce or None, got float"),
        (lambda: ImageFormation(noise=1.0), "noise: expected a NoiseSpectrum or None, got float"),
        (lambda: ImageFormation(dose_weighting=1.0), "dose_weighting: expected a DoseWeighting"),
    ],
)
def test_what_is_of_another_kind_is_named(make, what):
    with pytest.raises(TypeError, match=what):
        make()


def test_the_largest_numbers_are_numbers():
    # A double has one value for both.
    numbers = [0, 2**64 - 1]
    noise = ImageFormation(noise=NoiseSpectrum.white(1.0))
    images = form_images(np.zeros((2, 4, 4)), 1.0, None, noise, numbers=numbers, seed=2**64 - 1)
    given = form_images(
        np.zeros((2, 4, 4)), 1.0, None, noise,
        numbers=np.array(numbers, np.uint64), seed=2**64 - 1,
    )  # fmt: skip
    np.testing.assert_array_equal(images, given)
    assert not np.array_equal(images[0], images[1])


@pytest.mark.parametrize("shape", [(8, 8), (7, 8), (8, 7), (7, 7), (1, 4), (2, 2)], ids=str)
def test_antisymmetric_aberrations_turn_phases_of_every_frequency(shape):
    """By a full transform, where a Nyquist frequency has the mean of both its signs."""
    ctf = CTF(9000.0, 7000.0, beam_tilt_in_milliradians=(1.0, -2.0), trefoil=(20.0, 10.0))
    rng = np.random.default_rng(0)
    projection = rng.standard_normal(shape).astype(np.float32)
    values = ctf.evaluate(shape, 1.5, dtype=np.float64)
    full = np.zeros(shape, complex)
    full[:, : values.shape[1]] = values
    for y in range(shape[0]):
        for x in range(values.shape[1], shape[1]):
            full[y, x] = values[-y, shape[1] - x].conj()
    expected = np.fft.ifft2(np.fft.fft2(projection) * full)
    np.testing.assert_allclose(expected.imag, 0.0, rtol=0, atol=1e-12)
    # Of a few roundings of float32 at each of the transforms' steps.
    atol = 2e-6 * np.abs(projection).max()
    np.testing.assert_allclose(form_images(projection, 1.5, ctf), expected.real, atol=atol)
