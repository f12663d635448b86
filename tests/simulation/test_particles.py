"""Particles of a simulation: draws have the distributions that are asked for, by their numbers."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats

from numbavol import CTF
from numbavol.simulation import DefocusConfig, MicroscopeConfig, PoseConfig, SimulationConfig
from numbavol.simulation.particles import ParticleSource

MANY = SimulationConfig(20_000, 8, 2.0, seed=3)


def source_of(config, weights=(1.0,)):
    return ParticleSource(config, weights)


def test_orientations_are_uniform_and_unrelated():
    rotations = source_of(MANY).take(np.arange(20_000)).poses.rotation.as_matrix()
    # Each column of a uniform rotation is uniform on the sphere: its components are uniform.
    for column in rotations.transpose(2, 1, 0):
        for component in column:
            assert scipy.stats.kstest(component, scipy.stats.uniform(-1, 2).cdf).pvalue > 1e-4
    following = np.einsum("nij,nij->n", rotations[1:], rotations[:-1])
    assert abs(following.mean()) < 5 * math.sqrt(1 / len(following))


def test_offsets_and_defocus_have_the_distributions_that_are_asked_for():
    config = dataclasses.replace(
        MANY,
        poses=PoseConfig(offset_deviation=3.0),
        defocus=DefocusConfig("normal", mean=12000.0, deviation=800.0, astigmatism=300.0),
    )
    particles = source_of(config).take(np.arange(20_000))
    offsets = particles.poses.offset_in_angstroms
    assert scipy.stats.kstest(offsets.ravel() / 3.0, "norm").pvalue > 1e-4
    u, v = particles.ctf.defocus_u_in_angstroms, particles.ctf.defocus_v_in_angstroms
    assert scipy.stats.kstest(((u + v) / 2 - 12000) / 800, "norm").pvalue > 1e-4
    assert scipy.stats.kstest((u - v) / 300, "halfnorm").pvalue > 1e-4
    angles = particles.ctf.astigmatism_angle
    assert scipy.stats.kstest(angles, scipy.stats.uniform(-90, 180).cdf).pvalue > 1e-4
    uniform = source_of(MANY).take(np.arange(20_000)).ctf.defocus_u_in_angstroms
    assert scipy.stats.kstest(uniform, scipy.stats.uniform(8000, 12000).cdf).pvalue > 1e-4


def test_particles_of_a_micrograph_share_its_defocus():
    defocus = DefocusConfig(particles_per_micrograph=4, astigmatism=100.0)
    ctf = source_of(dataclasses.replace(MANY, defocus=defocus)).take(np.arange(12)).ctf
    assert len(np.unique(ctf.defocus_u_in_angstroms)) == 3
    own = dataclasses.replace(defocus, deviation_in_micrograph=50.0)
    spread = source_of(dataclasses.replace(MANY, defocus=own)).take(np.arange(12)).ctf
    differences = spread.defocus_u_in_angstroms - ctf.defocus_u_in_angstroms
    assert len(np.unique(differences)) == 12
    assert np.abs(differences).max() < 250


def test_volumes_are_drawn_by_their_weights():
    volumes = source_of(MANY, (1.0, 0.0, 3.0)).take(np.arange(20_000)).volumes
    shares = np.bincount(volumes, minlength=3) / 20_000
    np.testing.assert_allclose(shares, [0.25, 0.0, 0.75], atol=5 * math.sqrt(0.25 * 0.75 / 2e4))


def test_particles_belong_to_their_numbers_alone():
    source = source_of(
        dataclasses.replace(MANY, poses=PoseConfig(offset_deviation=1.0)), (1.0, 1.0)
    )
    together = source.take(np.arange(50))
    chosen = np.array([40, 2, 17])
    some = source.take(chosen)
    assert some.poses == together.poses[chosen]
    assert some.ctf == together.ctf[chosen]
    np.testing.assert_array_equal(some.volumes, together.volumes[chosen])


@pytest.mark.parametrize(
    "aberrations",
    [
        {"beam_tilt": (1.0, -0.5)},
        {"trefoil": (20.0, 10.0), "even_zernike": (0.5, 0.25)},
        {"beam_tilt": (1.0, -0.5), "trefoil": (20.0, 10.0)},
        {"beam_tilt": (1.0, -0.5), "odd_zernike": (0.0, 0.0, 0.0, 20.0, -15.0)},
        {"beam_tilt": (1.0, 0.5), "odd_zernike": (1.0, 2.0, 3.0, 4.0, 5.0), "trefoil": (6.0, 7.0)},
    ],
    ids=["tilt", "trefoil", "both", "tilt and coma", "all"],
)
def test_a_table_has_the_transfer_functions_that_images_were_made_with(aberrations):
    config = dataclasses.replace(MANY, microscope=MicroscopeConfig(**aberrations))
    particles = source_of(config).take(np.arange(3))
    table = particles.to_table(config)
    made, read = (
        ctf.evaluate((16, 16), 1.5, dtype=np.float64)
        for ctf in (particles.ctf, CTF.from_particles(table))
    )
    np.testing.assert_allclose(read, made, rtol=0, atol=1e-10)
    # Of a tilt beside comas, versions of RELION make different things.
    assert table.beam_tilt_x_in_milliradians is None or not np.any(
        np.zeros(5) if table.odd_zernike is None else table.odd_zernike[..., 3:5]
    )
