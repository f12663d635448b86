"""The contrast transfer functions that a table of particles has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.imaging.ctf import CTF

if TYPE_CHECKING:
    from numbavol.io import ParticleTable

_NEEDED = ("voltage_in_kilovolts", "spherical_aberration_in_millimetres", "amplitude_contrast")
# Of the table, and of `CTF`; what the table does not have is as `CTF` has it by default.
_NAMES = {
    "defocus_v_in_angstroms": "defocus_v_in_angstroms",
    "astigmatism_angle": "astigmatism_angle",
    "phase_shift": "phase_shift",
    "ctf_b_factor": "b_factor",
    "ctf_scale": "scale",
    "odd_zernike": "odd_zernike",
    "even_zernike": "even_zernike",
} | {name: name for name in _NEEDED}


def make_ctf(particles: ParticleTable) -> CTF | None:
    """Make the contrast transfer function of each particle.

    Parameters
    ----------
    particles
        The table.

    Returns
    -------
    CTF or None
        That of n images, or None if the table has no defocus.

    Raises
    ------
    ValueError
        If the table has a defocus, and not all else that is needed. The message says what.
    """
    if particles.defocus_u_in_angstroms is None:
        return None
    missing = [name for name in _NEEDED if getattr(particles, name) is None]
    if missing:
        msg = f"particles: expected {', '.join(missing)} where there is a defocus, got none"
        raise ValueError(msg)
    n = len(particles)
    given: dict[str, Any] = {
        ours: getattr(particles, theirs)
        for theirs, ours in _NAMES.items()
        if getattr(particles, theirs) is not None
    }
    tilts = (particles.beam_tilt_x_in_milliradians, particles.beam_tilt_y_in_milliradians)
    if any(tilt is not None for tilt in tilts):
        both = [np.broadcast_to(0.0 if tilt is None else tilt, n) for tilt in tilts]
        given["beam_tilt_in_milliradians"] = np.stack(both, axis=-1)
    defocus = np.broadcast_to(particles.defocus_u_in_angstroms, n)
    return CTF(defocus, **given)
