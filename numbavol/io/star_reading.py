"""Read the particles of a RELION STAR file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.particle_table import ParticleTable
from numbavol.io.star_blocks import explain_star_errors, parse_star_blocks

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from numbavol.io.star_blocks import StarBlock

_ANGLES = ("_rlnAngleRot", "_rlnAngleTilt", "_rlnAnglePsi")
_ANGSTROMS_A_MICROMETRE = 1e4


def read_particles(filename: str | os.PathLike[str]) -> ParticleTable:
    """Read poses, names and pixel sizes of particles from a RELION STAR file.

    Files of RELION 3.1 and later have a block of optics groups, and origins in angstroms. In those
    of RELION 3.0 and before, origins are in pixels, which `rlnDetectorPixelSize` (in micrometres)
    and `rlnMagnification` turn into angstroms. Origins that a file does not have are 0.

    Unlike in RELION, an empty line does not end a table, and names and values need not be on one
    line.

    Parameters
    ----------
    filename
        A STAR file. Its particles are the block `data_particles` or, if there is none, the only
        block that has angles.

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
        number, or the pixel size that origins in pixels need is not known; names the file.

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
    text = Path(filename).read_bytes()
    with explain_star_errors(filename, "particles"):
        return _read(text)


def _read(text: bytes) -> ParticleTable:
    blocks = parse_star_blocks(text)
    particles = _find_particles(blocks)
    rot, tilt, psi = (particles.numbers(tag) for tag in _ANGLES)
    if not rot.size:
        msg = f"data_{particles.name} is empty"
        raise ValueError(msg)
    images = _Images(particles, next((b for b in blocks if b.name == "optics"), None))
    pixel_size = _pixel_size(images)
    return ParticleTable(
        rot,
        tilt,
        psi,
        _origin(particles, "X", pixel_size),
        _origin(particles, "Y", pixel_size),
        image_names=particles.texts("_rlnImageName"),
        pixel_size=pixel_size,
        voltage_in_kilovolts=images.find("_rlnVoltage"),
        image_size=images.find("_rlnImageSize"),
    )


class _Images:
    """What a file says of each particle's image: in its optics group, or with the particle."""

    def __init__(self, particles: StarBlock, optics: StarBlock | None) -> None:
        self._particles, self._optics = particles, optics
        if optics is not None:
            self._rows = _find_rows(particles, optics)

    def find(self, tag: str) -> NDArray[np.float64] | None:
        if self._optics is not None and tag in self._optics:
            return np.asarray(self._optics.numbers(tag)[self._rows])
        return self._particles.numbers(tag) if tag in self._particles else None


def _find_particles(blocks: Sequence[StarBlock]) -> StarBlock:
    found = [block for block in blocks if block.name == "particles"]
    found = found or [block for block in blocks if any(tag in block for tag in _ANGLES)]
    names = ", ".join(f"data_{block.name}" for block in found or blocks)
    if len(found) > 1:
        msg = f"there are several blocks with angles: {names}"
        raise ValueError(msg)
    missing = [tag for tag in _ANGLES if not found or tag not in found[0]]
    if missing:
        msg = f"it has no {', '.join(missing)} (in {names or 'no block at all'})"
        raise ValueError(msg)
    return found[0]


def _find_rows(particles: StarBlock, optics: StarBlock) -> NDArray[np.intp]:
    """Find the row of the optics table that each particle belongs to."""
    tag = "_rlnOpticsGroup"
    for block in (particles, optics):
        if tag not in block:
            msg = f"data_{block.name} has no {tag}"
            raise ValueError(msg)
    groups, wanted = optics.numbers(tag), particles.numbers(tag)
    unique, rows = np.unique(groups, return_index=True)
    positions = np.searchsorted(unique, wanted).clip(max=unique.size - 1)
    is_wrong = unique[positions] != wanted if unique.size else np.ones(wanted.size, dtype=bool)
    if is_wrong.any():
        row = int(np.argmax(is_wrong))
        msg = (
            f"data_{particles.name}: row {row + 1} is of optics group {wanted[row]:g}, which "
            f"data_optics does not have"
        )
        raise ValueError(msg)
    return np.asarray(rows[positions])


def _pixel_size(images: _Images) -> NDArray[np.float64] | None:
    """Return the pixel size of each particle in angstroms, if the file knows it."""
    pixel_size = images.find("_rlnImagePixelSize")
    detector, magnification = images.find("_rlnDetectorPixelSize"), images.find("_rlnMagnification")
    if pixel_size is None and detector is not None and magnification is not None:
        if not magnification.all():
            msg = f"_rlnMagnification of row {np.argmin(magnification != 0) + 1} is 0"
            raise ValueError(msg)
        return np.asarray(detector * _ANGSTROMS_A_MICROMETRE / magnification)
    return images.find("_rlnPixelSize") if pixel_size is None else pixel_size


def _origin(
    particles: StarBlock, axis: str, pixel_size: NDArray[np.float64] | None
) -> NDArray[np.float64] | float:
    """Return the origin of each particle along an axis, in angstroms."""
    in_angstroms, in_pixels = f"_rlnOrigin{axis}Angst", f"_rlnOrigin{axis}"
    if in_angstroms in particles:
        return particles.numbers(in_angstroms)
    origin = particles.numbers(in_pixels) if in_pixels in particles else np.zeros(1)
    if not origin.any():
        return 0.0
    if pixel_size is None:
        msg = (
            f"{in_pixels} is in pixels, and there is no pixel size (_rlnDetectorPixelSize and "
            f"_rlnMagnification, _rlnImagePixelSize or _rlnPixelSize)"
        )
        raise ValueError(msg)
    return origin * pixel_size
