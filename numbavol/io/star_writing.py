"""Write particles as a RELION STAR file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gemmi import cif

from numbavol.arguments import check_finite, read_reals
from numbavol.io.whole_file import write_whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from numbavol.io.particle_table import ParticleTable

_VERSION = "# version 30001\n\n"
_STACK_SUFFIX = ".mrcs"
# RELION takes what is after them for the format of the file, or its number, or a size.
_NOT_IN_NAMES = "#:%"
_NEEDED = ("pixel_size", "voltage_in_kilovolts", "image_size")


def write_particles(
    filename: str | os.PathLike[str],
    particles: ParticleTable,
    stack_filename: str | os.PathLike[str],
    *,
    spherical_aberration_in_mm: float = 2.7,
    amplitude_contrast_ratio: float = 0.1,
    overwrite: bool = False,
) -> None:
    """Write the poses of an image stack as a STAR file of RELION 3.1, whole or not at all.

    Particle number i is image number i of the stack, whatever `particles.image_names` are. RELION
    finds the stack if it is started in the folder of the STAR file. Numbers are written with all
    their digits, so that `read_particles` reads the same ones; the same arguments give the same
    bytes. Particles that differ in pixel size, voltage or image size are of different optics
    groups.

    Parameters
    ----------
    filename
        The file to write, like `particles.star`.
    particles
        Poses, and `pixel_size`, `voltage_in_kilovolts` and `image_size`: RELION reads no particles
        without them, although the voltage matters only for images with a contrast transfer
        function.
    stack_filename
        The stack of the particles' images. It need not exist yet. Its name must end in `.mrcs`.
    spherical_aberration_in_mm, amplitude_contrast_ratio
        Of the microscope. RELION asks for them as well; the defaults are those of its import.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    OSError
        If it cannot be written. There is then no file of that name, or still the previous one.
    ValueError
        If something that RELION needs is not known, or the stack has a name that RELION cannot
        read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from numbavol.io import ParticleTable, write_particles
    >>> particles = ParticleTable(
    ...     [10], [30.5], [50], pixel_size=1.5, voltage_in_kilovolts=300, image_size=64
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "particles.star"
    ...     write_particles(path, particles, path.with_name("stack.mrcs"))
    ...     print(path.read_text().splitlines()[-1])
    000001@stack.mrcs 10.0 30.5 50.0 0.0 0.0 1
    """
    constants = {
        "SphericalAberration": _read_number(
            "spherical_aberration_in_mm", spherical_aberration_in_mm
        ),
        "AmplitudeContrast": _read_number("amplitude_contrast_ratio", amplitude_contrast_ratio),
    }
    stack_name = _name_from_folder_of(filename, stack_filename)
    groups, group_of_each = _group(particles)
    optics = {
        "OpticsGroup": [str(i + 1) for i in range(len(groups))],
        "OpticsGroupName": [f"opticsGroup{i + 1}" for i in range(len(groups))],
        "ImagePixelSize": _texts(groups[:, 0]),
        "Voltage": _texts(groups[:, 1]),
        **{name: [repr(value)] * len(groups) for name, value in constants.items()},
        "ImageSize": [str(int(size)) for size in groups[:, 2]],
        "ImageDimensionality": ["2"] * len(groups),
    }
    names = [f"{i + 1:06d}@{stack_name}" for i in range(len(particles))]
    table = {
        "ImageName": cif.quote_list(names),
        "AngleRot": _texts(particles.rot),
        "AngleTilt": _texts(particles.tilt),
        "AnglePsi": _texts(particles.psi),
        "OriginXAngst": _texts(particles.origin_x_in_angstroms),
        "OriginYAngst": _texts(particles.origin_y_in_angstroms),
        "OpticsGroup": [optics["OpticsGroup"][group] for group in group_of_each.tolist()],
    }
    text = _format("optics", optics) + "\n" + _format("particles", table)
    with write_whole_file(filename, overwrite=overwrite) as file:
        file.write(text.encode("ascii"))


def _format(name: str, columns: Mapping[str, Sequence[str]]) -> str:
    block = cif.Block(name)
    block.init_loop("_rln", list(columns)).set_all_values(list(columns.values()))
    return f"{_VERSION}{block.as_string()}"


def _texts(numbers: NDArray[np.float64]) -> list[str]:
    return list(map(repr, numbers.tolist()))


def _group(particles: ParticleTable) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Find the different images: their pixel size, voltage and size, and which each particle has.

    They are numbered as they come first.
    """
    unknown = [name for name in _NEEDED if getattr(particles, name) is None]
    if unknown:
        msg = f"particles: RELION needs to know {', '.join(unknown)}, which it has not"
        raise ValueError(msg)
    n = len(particles)
    columns = [np.broadcast_to(getattr(particles, name), n) for name in _NEEDED]
    rows = np.stack(columns, axis=1).astype(np.float64)
    groups, first, group_of_each = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return groups[order], np.argsort(order)[group_of_each.reshape(-1)]


def _name_from_folder_of(
    filename: str | os.PathLike[str], stack_filename: str | os.PathLike[str]
) -> str:
    """Return the name of the stack for a program that runs in the folder of the STAR file."""
    stack = Path(stack_filename)
    # Where a folder is a link, `..` leads out of what it links to.
    folders = (os.path.realpath(path.parent) for path in (stack, Path(filename)))
    name = (Path(os.path.relpath(*folders)) / stack.name).as_posix()
    if not name.lower().endswith(_STACK_SUFFIX):
        msg = f"stack_filename: RELION reads image stacks that end in .mrcs, got {stack.name}"
        raise ValueError(msg)
    is_readable = name.isascii() and name.isprintable() and not set(name) & set(_NOT_IN_NAMES)
    # Quotes of both kinds would end up in a text of several lines, which RELION does not read.
    if not is_readable or "\n" in cif.quote(f"1@{name}"):
        msg = (
            f"stack_filename: RELION cannot read the name {name!r}; expected ASCII characters "
            f"without {' '.join(_NOT_IN_NAMES)}, and no quotes of both kinds"
        )
        raise ValueError(msg)
    return name


def _read_number(name: str, value: float) -> float:
    number = read_reals(name, value)
    if number.ndim:
        msg = f"{name}: expected one number, got shape {number.shape}"
        raise ValueError(msg)
    check_finite(name, number)
    return float(number)
