"""What a Zarr group has of its particles besides their images: arrays, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.io.particle_columns import COLUMNS, NAME_COLUMNS, POSE_COLUMNS, ZERNIKE_COLUMNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.io import ParticleTable
    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.particles import Particles

DEGREES, ANGSTROMS = "degrees", "angstroms"
UNITS = {
    "rot": DEGREES,
    "tilt": DEGREES,
    "psi": DEGREES,
    "origin_x_in_angstroms": ANGSTROMS,
    "origin_y_in_angstroms": ANGSTROMS,
    "pixel_size": ANGSTROMS,
    "voltage_in_kilovolts": "kilovolts",
    "spherical_aberration_in_millimetres": "millimetres",
    "image_size": "pixels",
    "beam_tilt_x_in_milliradians": "milliradians",
    "beam_tilt_y_in_milliradians": "milliradians",
    "defocus_u_in_angstroms": ANGSTROMS,
    "defocus_v_in_angstroms": ANGSTROMS,
    "astigmatism_angle": DEGREES,
    "phase_shift": DEGREES,
    "ctf_b_factor": "square angstroms",
    "odd_zernike": "radians times angstroms to the power of each",
    "even_zernike": "radians times angstroms to the power of each",
}


def unit_of_images(config: SimulationConfig) -> str:
    """Say what the unit of images is."""
    if config.detector.dose is not None:
        return "electrons"
    return "inverse angstroms" if config.contrast == "linear" else "1"


def find_columns(
    particles: Particles, table: ParticleTable
) -> dict[str, tuple[NDArray[Any], dict[str, Any]]]:
    """Find the values of each column, `(n, ...)`, and what is said of it."""
    n = len(table)
    columns: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "rotation": (
            particles.poses.rotation.as_matrix(),
            {"description": "matrices that turn positions (x, y, z) of the volume"},
        ),
        "offset": (
            np.broadcast_to(particles.poses.offset_in_angstroms[..., :2], (n, 2)),
            {"unit": ANGSTROMS, "description": "(x, y) that the turned volume is moved by"},
        ),
        "volume": (particles.volumes, {"description": "index into the attribute volumes"}),
    }
    if particles.micrographs is not None:
        columns["micrograph"] = (particles.micrographs, {"description": "number, from 0 on"})
    for name in particles.kept.keys() & {column.name for column in NAME_COLUMNS}:
        texts = getattr(table, name)
        if texts is not None:
            each = [texts] * n if isinstance(texts, str) else texts
            names, indices = np.unique(each, return_inverse=True)
            about = {"description": "index into the names", "names": names.tolist()}
            columns[name.removesuffix("s")] = (indices.astype(np.int64), about)
    for column in (*POSE_COLUMNS, *COLUMNS, *ZERNIKE_COLUMNS):
        value = getattr(table, column.name)
        if value is None:
            continue
        is_list = column in ZERNIKE_COLUMNS
        shape = (n, np.shape(value)[-1]) if is_list else (n,)
        unit = {"unit": UNITS[column.name]} if column.name in UNITS else {}
        columns[column.name] = (
            np.ascontiguousarray(np.broadcast_to(value, shape)),
            unit | {"relion": f"rln{column.label}"},
        )
    return columns
