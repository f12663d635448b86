"""`make_ctf`."""

from __future__ import annotations

import numpy as np
import pytest

import numbavol
from numbavol.imaging.particle_ctf import make_ctf

MICROSCOPE = {
    "voltage_in_kilovolts": 200.0,
    "spherical_aberration_in_millimetres": 1.4,
    "amplitude_contrast": 0.07,
}


def make_particles(**columns):
    return numbavol.ParticleTable([0.0, 1.0], [0.0, 1.0], [0.0, 1.0], **columns)


def test_every_column_is_a_parameter():
    particles = make_particles(
        **MICROSCOPE, defocus_u_in_angstroms=[1e4, 2e4], defocus_v_in_angstroms=[9e3, 2e4],
        astigmatism_angle=30.0, phase_shift=[0.0, 90.0], ctf_b_factor=50.0, ctf_scale=[1.0, 0.5],
        beam_tilt_y_in_milliradians=0.3, odd_zernike=[0.1, 0.2],
        even_zernike=[[0.1, 0.2], [0.3, 0.4]],
    )  # fmt: skip
    expected = numbavol.CTF(
        [1e4, 2e4], [9e3, 2e4], 30.0, **MICROSCOPE, phase_shift=[0.0, 90.0], b_factor=50.0,
        scale=[1.0, 0.5], beam_tilt_in_milliradians=(0.0, 0.3), odd_zernike=[0.1, 0.2],
        even_zernike=[[0.1, 0.2], [0.3, 0.4]],
    )  # fmt: skip
    assert make_ctf(particles) == expected


def test_it_is_of_each_particle_where_all_have_the_same():
    ctf = make_ctf(make_particles(**MICROSCOPE, defocus_u_in_angstroms=1e4))
    assert ctf == numbavol.CTF(np.full(2, 1e4), **MICROSCOPE)
    assert ctf.n_images == 2


def test_without_a_defocus_there_is_none():
    assert make_ctf(make_particles(**MICROSCOPE)) is None


def test_what_is_missing_is_named():
    particles = make_particles(defocus_u_in_angstroms=1e4, voltage_in_kilovolts=300.0)
    with pytest.raises(ValueError, match="spherical_aberration_in_millimetres, amplitude_contrast"):
        make_ctf(particles)
