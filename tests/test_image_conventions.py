"""The conventions of images, one rule each: docs/conventions.md says them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import numbavol
from numbavol import CTF, ImageFormation, NoiseSpectrum, form_images

SIDE, PIXEL_SIZE = 64, 2.0
PLAIN = {"spherical_aberration_in_millimetres": 0.0, "amplitude_contrast": 0.0}


def evaluate(*arguments, shape=(SIDE, SIDE), **options):
    return CTF(*arguments, **options).evaluate(shape, PIXEL_SIZE, dtype=np.float64)


def test_defocus_is_positive_in_underfocus_and_the_function_with_it():
    assert np.all(evaluate(5000.0, **PLAIN)[0, 1:6] > 0)
    assert np.all(evaluate(-5000.0, **PLAIN)[0, 1:6] < 0)


def test_the_phase_of_a_defocus_is_pi_lambda_f_k_squared():
    ctf = CTF(5000.0, **PLAIN)
    k = 4 / (SIDE * PIXEL_SIZE)
    expected = math.sin(math.pi * ctf.wavelength_in_angstroms * 5000.0 * k**2)
    assert evaluate(5000.0, **PLAIN)[0, 4] == pytest.approx(expected, rel=1e-12)


def test_u_lies_along_the_astigmatism_angle_from_x_to_y():
    along_x = evaluate(9000.0, 3000.0, 0.0, **PLAIN)
    assert along_x[0, 3] == pytest.approx(evaluate(9000.0, **PLAIN)[0, 3])
    assert along_x[3, 0] == pytest.approx(evaluate(3000.0, **PLAIN)[3, 0])
    # At 45 degrees: where kx and ky have one sign.
    diagonal = evaluate(9000.0, 3000.0, 45.0, **PLAIN)
    assert diagonal[3, 3] == pytest.approx(evaluate(9000.0, **PLAIN)[3, 3])
    assert diagonal[-3, 3] == pytest.approx(evaluate(3000.0, **PLAIN)[-3, 3])


def test_the_envelope_is_exp_of_minus_a_quarter_of_b_k_squared():
    k = 5 / (SIDE * PIXEL_SIZE)
    ratio = evaluate(5000.0, b_factor=80.0)[0, 5] / evaluate(5000.0)[0, 5]
    assert ratio == pytest.approx(math.exp(-80.0 * k**2 / 4))


def test_a_beam_tilt_multiplies_by_a_phase_of_minus_two_pi_cs_lambda_squared_k_cubed():
    ctf = CTF(5000.0, spherical_aberration_in_millimetres=2.0)
    k = 6 / (SIDE * PIXEL_SIZE)
    phase = -2 * math.pi * 2e7 * ctf.wavelength_in_angstroms**2 * k**3 * 1.5e-3
    tilted = evaluate(
        5000.0, spherical_aberration_in_millimetres=2.0, beam_tilt_in_milliradians=(1.5, 0.0)
    )
    straight = evaluate(5000.0, spherical_aberration_in_millimetres=2.0)
    assert tilted[0, 6] == pytest.approx(straight[0, 6] * np.exp(1j * phase), rel=1e-9)
    # The wave k is across the tilt.
    assert tilted[6, 0] == pytest.approx(straight[6, 0])


def test_its_wavelength_is_relions():
    volts = 3e5
    expected = 12.2643247 / math.sqrt(volts + 0.978466e-6 * volts**2)
    assert CTF(1e4).wavelength_in_angstroms == pytest.approx(expected, rel=1e-12)
    of_projections = numbavol.ImageConfig((4, 4), 1.0).wavelength_in_angstroms
    assert of_projections * 1.00003 == pytest.approx(expected, rel=5e-6)


def test_a_nyquist_frequency_has_the_mean_of_its_two_signs():
    options = {"trefoil": (30.0, 10.0), "astigmatism_angle": 20.0}
    on_edge = evaluate(5000.0, 3000.0, shape=(5, 8), **options)[1, 4]
    # Of finer pixels the frequency is inside, and has both signs.
    finer = CTF(5000.0, 3000.0, **options).evaluate((10, 16), PIXEL_SIZE / 2, dtype=np.float64)
    assert on_edge == pytest.approx((finer[1, 4] + finer[-1, 4].conj()) / 2)


def test_particles_are_white_in_linear_images_and_dark_in_weak_phase_images():
    y, x = np.ogrid[-SIDE // 2 : SIDE // 2, -SIDE // 2 : SIDE // 2]
    image = np.exp(-(x**2 + y**2) / 8)
    middle = (SIDE // 2, SIDE // 2)
    ctf = CTF(12000.0)
    assert form_images(image, PIXEL_SIZE, ctf)[middle] > 0
    assert form_images(image, PIXEL_SIZE, ctf, ImageFormation("weak_phase"))[middle] < 0


def test_weak_phase_contrast_is_twice_the_phase_of_the_projected_potential():
    """Two times the interaction constant times volts times angstroms, at 300 kV 6.526e-4."""
    volts_of_one = 47.878
    contrast = float(numbavol.compute_weak_phase_contrast(CTF(1e4, amplitude_contrast=0.0)))
    assert contrast == pytest.approx(-2 * 6.526e-4 * volts_of_one, rel=2e-4)


def test_white_noise_has_its_variance_at_every_frequency():
    assert np.all(NoiseSpectrum.white(3.0).evaluate((4, 6), 1.5) == 3.0)
    noise = ImageFormation(noise=NoiseSpectrum.white(3.0))
    images = form_images(np.zeros((200, 16, 16)), 1.5, None, noise)
    power = np.mean(np.abs(np.fft.rfft2(images)) ** 2, axis=0) / 256
    # The mean of 200 squares.
    np.testing.assert_allclose(power, 3.0, rtol=5 * math.sqrt(2 / 200))


def test_an_snr_is_a_ratio_of_variances_in_a_circle():
    images = np.zeros((1, 9, 9))
    images[0, 4, 3:6] = 3.0, 6.0, 3.0
    y, x = np.ogrid[-4:5, -4:5]
    inside = x**2 + y**2 <= 3**2
    measured = numbavol.measure_signal_variance(images, 2.0, 3.0 * 2.0)
    assert measured[0] == pytest.approx(images[0][inside].var())
