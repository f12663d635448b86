"""What RELION takes of a contrast transfer function where a file says a defocus and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from numbavol.io.stack_names import is_cs_file

if TYPE_CHECKING:
    import os

    from numbavol.io.particle_table import ParticleTable


class Default(NamedTuple):
    """A number that stands where a file has none, and the columns that would have it."""

    value: float
    unit: str
    of_star: str
    of_cs: str


# Of RELION, ``CTF::readByGroup``.
DEFAULTS = {
    "voltage_in_kilovolts": Default(200.0, " kV", "_rlnVoltage", "ctf/accel_kv"),
    "spherical_aberration_in_millimetres": Default(
        0.0, " mm", "_rlnSphericalAberration", "ctf/cs_mm"
    ),
    "amplitude_contrast": Default(0.0, "", "_rlnAmplitudeContrast", "ctf/amp_contrast"),
}


def find_unsaid(particles: ParticleTable) -> list[str]:
    """List what a transfer function of particles needs, and they do not say: none without defoci.

    Parameters
    ----------
    particles
        The particles.

    Returns
    -------
    list of str
        Names in `DEFAULTS`.
    """
    if particles.defocus_u_in_angstroms is None:
        return []
    return [name for name in DEFAULTS if getattr(particles, name) is None]


def describe_defaults(filename: str | os.PathLike[str], particles: ParticleTable) -> list[str]:
    """Say which values are taken in place of those that a file does not have.

    Parameters
    ----------
    filename
        The file.
    particles
        Its particles.

    Returns
    -------
    list of str
        A line for each; it begins with the name of the file.
    """
    is_cs = is_cs_file(filename)
    return [
        f"{filename}: it has a defocus and no {default.of_cs if is_cs else default.of_star}; "
        f"{default.value:g}{default.unit} is taken, as RELION takes it"
        for default in map(DEFAULTS.__getitem__, find_unsaid(particles))
    ]
