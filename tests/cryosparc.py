"""Particles that are written to cryoSPARC's files, and what is done to these."""

from __future__ import annotations

import numpy as np

from numbavol.io import ParticleTable
from numbavol.poses import EulerAnglePose

IMAGES = {"pixel_size": 1.34, "image_size": 64}
CTF = {
    "voltage_in_kilovolts": 300.0,
    "spherical_aberration_in_millimetres": 2.7,
    "amplitude_contrast": 0.1,
    "defocus_u_in_angstroms": [12000.0, 13000.0],
    "defocus_v_in_angstroms": [11000.5, 12000.25],
    "astigmatism_angle": [30.0, -45.0],
    "phase_shift": [0.0, 90.0],
    "ctf_b_factor": 5.0,
}
PARTICLES = ParticleTable(
    [10, -130], [20, 90], [30, 170], [1.34, 0], [0, -2.68], **IMAGES, **CTF,
    random_subset=[1, 2], class_number=[3, 1], micrograph_names=["a.mrc", "b.mrc"],
)  # fmt: skip


def without(records, *prefixes):
    return records[[name for name in records.dtype.names if not name.startswith(prefixes)]].copy()


def save(path, records):
    with path.open("wb") as file:
        np.save(file, records)
    return path


def matrices(particles):
    poses = EulerAnglePose.from_relion_angles(particles.rot, particles.tilt, particles.psi)
    return poses.rotation.as_matrix()
