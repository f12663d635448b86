"""Particles in cryoSPARC's files, beside the same in RELION's."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from cryosparc import IMAGES, matrices
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import expm

from numbavol.io import ParticleTable, read_particles, write_cs, write_particles
from numbavol.poses import AxisAnglePose, EulerAnglePose

INEXACT = (
    "defocus_u_in_angstroms",
    "defocus_v_in_angstroms",
    "astigmatism_angle",
    "phase_shift",
    "ctf_b_factor",
)

angles = st.floats(-360, 360)
tilts = st.sampled_from([0.0, 180.0, -90.0]) | angles


@st.composite
def particle_tables(draw):
    n = draw(st.integers(1, 4))

    def each(values):
        return st.lists(values, min_size=n, max_size=n)

    known = {
        "pixel_size": st.sampled_from([1.34, 0.83]),
        "image_size": st.sampled_from([64, 100]),
        "voltage_in_kilovolts": st.sampled_from([200.0, 300.0]),
        "spherical_aberration_in_millimetres": st.sampled_from([0.01, 2.7]),
        "amplitude_contrast": st.sampled_from([0.07, 0.1]),
        "defocus_u_in_angstroms": st.floats(-1e4, 5e4),
        "defocus_v_in_angstroms": st.floats(-1e4, 5e4),
        "astigmatism_angle": angles,
        "phase_shift": angles,
        "ctf_b_factor": st.floats(-100, 100),
        "class_number": st.integers(1, 4),
        "micrograph_names": st.text("ab/ .", min_size=1, max_size=6).filter(
            lambda name: "  " not in name
        ),
    }
    known = {name: draw(each(values) | values) for name, values in known.items()}
    halves = draw(each(st.integers(1, 2)))
    known["random_subset"] = halves if 2 in halves else None
    origins = (draw(each(st.floats(-50, 50))) for _ in range(2))
    stacks = st.sampled_from(["a.mrcs", "jobs/b c.mrcs"])
    numbers = draw(st.lists(st.integers(1, 10**7), min_size=n, max_size=n, unique=True))
    known["image_names"] = [f"{number:06d}@{draw(stacks)}" for number in numbers]
    return ParticleTable(
        draw(each(angles)), draw(each(tilts)), draw(each(angles)), *origins, **known
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(particle_tables())
def test_it_says_what_the_star_file_says(cs_path, particles):
    star = cs_path.with_suffix(".star")
    write_particles(star, particles, overwrite=True)
    write_cs(cs_path, particles, overwrite=True)
    ours, theirs = read_particles(cs_path), read_particles(star)
    assert_allclose(matrices(ours), matrices(theirs), atol=1e-6)
    for axis in "xy":
        name = f"origin_{axis}_in_angstroms"
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6, atol=1e-12)
    for name in INEXACT:
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=3e-7, atol=1e-36)
    # All else is the same to the last digit.
    names = (*INEXACT, "rot", "tilt", "psi", "origin_x_in_angstroms", "origin_y_in_angstroms")
    same = dict.fromkeys(names, 0.0)
    assert dataclasses.replace(ours, **same) == dataclasses.replace(theirs, **same)


@given(tilts, angles, angles)
@example(0.0, 0.0, 0.0)
def test_the_pose_is_the_rotation_vector_of_relions_angles(tilt, rot, psi):
    """Rz(rot) Ry(tilt) Rz(psi), as other converters read it."""
    with tempfile.TemporaryDirectory() as folder:
        cs_path = Path(folder) / "p.cs"
        write_cs(cs_path, ParticleTable(rot, tilt, psi, **IMAGES), cs_path.with_name("s.mrcs"))
        pose = np.load(cs_path)["alignments3D/pose"][0].astype(np.float64)
    x, y, z = pose
    about_z = [expm(np.array([[0, -a, 0], [a, 0, 0], [0, 0, 0]])) for a in np.deg2rad([rot, psi])]
    t = np.deg2rad(tilt)
    about_y = expm(np.array([[0, 0, t], [0, 0, 0], [-t, 0, 0]]))
    expected = about_z[0] @ about_y @ about_z[1]
    assert_allclose(expm(np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])), expected, atol=1e-6)
    # In this package's terms.
    ours = AxisAnglePose(euler_vector=-np.rad2deg(pose)).rotation.as_matrix()
    assert_allclose(
        ours, EulerAnglePose.from_relion_angles(rot, tilt, psi).rotation.as_matrix(), atol=1e-6
    )
