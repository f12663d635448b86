"""Read particles, whichever program wrote them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.cs_reading import read_cs_file
from numbavol.io.ctf_defaults import describe_defaults
from numbavol.io.stack_names import is_cs_file
from numbavol.io.star_reading import read_star

if TYPE_CHECKING:
    import os

    from numbavol.io.particle_table import ParticleTable


def read_particles(filename: str | os.PathLike[str]) -> ParticleTable:
    """Read poses, images and contrast transfer functions of particles from a RELION STAR file.

    A file whose name ends in `.cs` is read by `read_cs`.

    STAR files of RELION 3.1 and later have a block of optics groups, and origins in angstroms:
    others are not read, with a warning, as RELION ignores them. In those of RELION 3.0 and before,
    origins are in pixels, which `rlnDetectorPixelSize` (in micrometres) and `rlnMagnification` turn
    into angstroms. Origins that a file does not have are
    0, everything else that it does not have is None. What is of the contrast transfer function and
    stands in both tables is taken from that of the particles, everything else from that of the
    optics groups, as RELION does. Where these say no `rlnImagePixelSize`, images have the pixels of
    the micrograph: `rlnMicrographPixelSize` or else `rlnMicrographOriginalPixelSize`.

    Of a contrast transfer function, a file may say the defocus, and neither the voltage nor the
    spherical aberration or the amplitude contrast. They are None then, and `CTF.from_particles`
    takes 200 kV, 0 mm or 0 for them, as RELION does: there is a warning of each.

    Images are read as they are: there is a warning of anisotropic magnification, which is not read,
    and of images that were multiplied by their transfer function or had its phases flipped.

    Unlike in RELION, an empty line does not end a table, and names and values need not be on one
    line.

    Parameters
    ----------
    filename
        A STAR file, or one of cryoSPARC. The particles of a STAR file are the block
        `data_particles` or, if there is none, the only block that has angles.

    Returns
    -------
    ParticleTable
        The particles in the order of the file. `EulerAnglePose.from_relion_angles` makes poses of
        their angles and origins.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no STAR file, has no particles or not all three angles of them, a value is no
        number, the pixel size that origins in pixels need is not known, or its particles are those
        of tomography; names the file.

    Warns
    -----
    UserWarning
        If the file has something of the images that is not read, or has a defocus and not what is
        needed besides, as above.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from numbavol.io import ParticleTable, read_particles, write_particles
    >>> particles = ParticleTable(
    ...     [10, 20], [30, 40], [50, 60], pixel_size=1.5, voltage_in_kilovolts=300, image_size=64
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "particles.star"
    ...     write_particles(path, particles, path.with_name("stack.mrcs"))
    ...     particles = read_particles(path)
    >>> particles.rot, particles.image_names, particles.pixel_size
    (array([10., 20.]), ('000001@stack.mrcs', '000002@stack.mrcs'), 1.5)
    """
    particles, oddities = read_particle_file(filename)
    corrected = _describe_corrections(filename, particles)
    for oddity in [*oddities, *corrected, *describe_defaults(filename, particles)]:
        warnings.warn(oddity, UserWarning, stacklevel=2)
    return particles


def _describe_corrections(filename: str | os.PathLike[str], particles: ParticleTable) -> list[str]:
    """Say that images are no longer what their transfer functions make of projections."""
    done = {
        "with phases that were flipped": particles.ctf_phase_flipped,
        "multiplied by their transfer functions": particles.ctf_premultiplied,
    }
    return [
        f"{filename}: images are read as they are, {what}: the ctf_correction of backproject says "
        "it, and that of the particles knows it"
        for what, values in done.items()
        if values is not None and np.any(values)
    ]


def read_particle_file(
    filename: str | os.PathLike[str],
    pixel_size: float | None = None,
    passthrough_filename: str | os.PathLike[str] | None = None,
) -> tuple[ParticleTable, list[str]]:
    """Read particles as `read_particles` does, and return what it would warn of in the images.

    What it would say of transfer functions is left to those who make them.

    Parameters
    ----------
    filename
        The file.
    pixel_size
        In angstroms, of a STAR file that does not say it: for origins in pixels.
    passthrough_filename
        Of a `.cs` file, as in `read_cs`.

    Returns
    -------
    ParticleTable, list of str
        The particles, and a line of each oddity.
    """
    if is_cs_file(filename):
        return read_cs_file(filename, passthrough_filename)
    return read_star(filename, pixel_size)
