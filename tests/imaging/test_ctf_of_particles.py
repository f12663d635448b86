"""Contrast transfer functions of particles, through files and beside RELION's own."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_allclose

from numbavol import CTF
from numbavol.io import (
    ParticleTable,
    read_map,
    read_particles,
    write_cs,
    write_map,
    write_particles,
)

N, SIDE, PIXEL_SIZE = 12, 32, 2.0
RNG = np.random.default_rng(0)
PARTICLES = ParticleTable(
    *RNG.uniform(0, 180, (3, N)),
    image_names=[f"{i + 1:06d}@s.mrcs" for i in range(N)],
    pixel_size=PIXEL_SIZE,
    image_size=SIDE,
    voltage_in_kilovolts=np.array([300, 200])[np.arange(N) % 2],
    spherical_aberration_in_millimetres=np.array([2.7, 0.01])[np.arange(N) % 2],
    amplitude_contrast=np.array([0.07, 0.1])[np.arange(N) % 2],
    defocus_u_in_angstroms=RNG.uniform(5e3, 9e3, N),
    defocus_v_in_angstroms=RNG.uniform(5e3, 9e3, N),
    astigmatism_angle=RNG.uniform(0, 180, N),
    phase_shift=RNG.uniform(0, 90, N),
    ctf_b_factor=RNG.uniform(0, 20, N),
)


def evaluate(particles):
    return CTF.from_particles(particles).evaluate((SIDE, SIDE), PIXEL_SIZE)


@pytest.mark.parametrize("write", [write_particles, write_cs])
def test_files_keep_it(tmp_path, write):
    path = tmp_path / ("p.star" if write is write_particles else "p.cs")
    write(path, PARTICLES)
    # The files of cryoSPARC have float32.
    tolerance = 0 if write is write_particles else 1e-4
    assert_allclose(evaluate(read_particles(path)), evaluate(PARTICLES), rtol=0, atol=tolerance)


@pytest.mark.skipif(shutil.which("relion_project") is None, reason="RELION is not installed")
def test_relion_makes_the_same_images_of_the_file(tmp_path):
    particles = dataclasses.replace(
        PARTICLES,
        ctf_scale=RNG.uniform(0.5, 1.5, N),
        even_zernike=np.array([[0] * 8 + [900.0], [0, 2.0] + [0] * 7])[np.arange(N) % 2],
    )
    write_map(tmp_path / "map.mrc", RNG.normal(size=(SIDE, SIDE, SIDE)), PIXEL_SIZE)
    write_particles(tmp_path / "p.star", particles)
    transforms = []
    for name, option in (("without", ()), ("with", ("--ctf",))):
        subprocess.run(
            [
                "relion_project", "--i", "map.mrc", "--o", name, "--ang", "p.star",
                "--angpix", str(PIXEL_SIZE), *option,
            ],
            check=True, capture_output=True, cwd=tmp_path,
        )  # fmt: skip
        transforms.append(np.fft.rfft2(read_map(tmp_path / f"{name}.mrcs").data))
    ours = transforms[0] * evaluate(read_particles(tmp_path / "p.star"))
    # Neither of RELION's Nyquist frequencies is that of both ends.
    inside = np.s_[:, np.arange(SIDE) != SIDE // 2, : SIDE // 2]
    largest = np.abs(transforms[0]).max()
    assert_allclose(ours[inside] / largest, transforms[1][inside] / largest, atol=1e-5)


def test_what_are_no_particles_is_named():
    with pytest.raises(TypeError, match="particles: expected a ParticleTable, got int"):
        CTF.from_particles(3)
