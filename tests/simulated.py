"""A peptide, a simulation of it, and projections at the poses of a table: for tests by hand."""

from __future__ import annotations

import dataclasses

import numbavol
from numbavol.simulation import DefocusConfig, PoseConfig, SimulationConfig, VolumeConfig

N, BOX, PIXEL_SIZE, SEED = 6, 24, 2.0, 11
PEPTIDE = """\
ATOM      1  N   GLY A   1       0.000   0.000   0.000  1.00 10.00           N
ATOM      2  CA  GLY A   1       1.460   0.000   0.000  1.00 15.00           C
ATOM      3  C   GLY A   1       2.000   1.420   0.000  1.00 20.00           C
ATOM      4  O   GLY A   1       1.250   2.390   0.000  1.00 25.00           O
ATOM      5  N   SER A   2       3.320   1.560   0.000  1.00 30.00           N
ATOM      6  CA  SER A   2       3.960   2.870   0.000  1.00 25.00           C
ATOM      7  C   SER A   2       5.480   2.750   0.000  1.00 20.00           C
ATOM      8  O   SER A   2       6.060   1.660   0.000  1.00 15.00           O
ATOM      9  OXT SER A   2       6.100   3.800   0.000  1.00 10.00           O
ATOM     10  CB ASER A   2       3.480   3.660   1.220  0.60 18.00           C
ATOM     11  CB BSER A   2       3.500   3.640   1.240  0.40 19.00           C
ATOM     12  OG ASER A   2       3.900   2.990   2.400  0.60 20.00           O
ATOM     13  OG BSER A   2       4.000   4.960   1.200  0.40 21.00           O
"""


def make_config(folder):
    """Write the peptide into a folder, and configure a simulation without noise."""
    path = folder / "peptide.pdb"
    path.write_text(PEPTIDE)
    return SimulationConfig(
        N, BOX, PIXEL_SIZE,
        volume=(VolumeConfig(str(path)),), seed=SEED, method="gaussian",
        poses=PoseConfig(offset_deviation=2.0), defocus=DefocusConfig(astigmatism=3000.0),
    )  # fmt: skip


def load_centered(path, **options):
    atoms = numbavol.load_atoms(path, **options)
    return dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)


def make_mixture(path, **options):
    return numbavol.make_gaussian_mixture(load_centered(path, **options))


def make_poses(particles):
    return numbavol.EulerAnglePose.from_relion_angles(
        particles.rot, particles.tilt, particles.psi, particles.origin_x_in_angstroms,
        particles.origin_y_in_angstroms,
    )  # fmt: skip


def project(volume, particles, box=BOX):
    image_config = numbavol.ImageConfig((box, box), PIXEL_SIZE)
    return numbavol.project(volume, make_poses(particles), image_config)
