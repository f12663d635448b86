"""Write particles as a cryoSPARC file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_is_a
from numbavol.io.optics_groups import find_optics_groups
from numbavol.io.partial_file import PART_SUFFIX
from numbavol.io.particle_columns import COLUMNS, NAME_COLUMNS
from numbavol.io.particle_table import ParticleTable
from numbavol.io.stack_names import (
    CS_SUFFIX,
    is_cs_file,
    name_from_folder_of,
    split_image_name,
)
from numbavol.io.whole_file import write_whole_file
from numbavol.poses import EulerAnglePose
from numbavol.poses.relion import negate

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEEDED = ("pixel_size", "image_size")
_NEEDED_FOR_CTF = (
    "voltage_in_kilovolts",
    "spherical_aberration_in_millimetres",
    "amplitude_contrast",
)
_NOTHING_WITHOUT_DEFOCUS = (
    "defocus_v_in_angstroms",
    "astigmatism_angle",
    "phase_shift",
    "ctf_b_factor",
)
# What has no conversion to cryoSPARC's that is known for certain, and its value without effect.
_UNKNOWN = {
    "beam_tilt_x_in_milliradians": 0,
    "beam_tilt_y_in_milliradians": 0,
    "odd_zernike": 0,
    "even_zernike": 0,
    "ctf_scale": 1,
    "ctf_phase_flipped": 0,
    "ctf_premultiplied": 0,
}


def write_cs(
    filename: str | os.PathLike[str],
    particles: ParticleTable,
    stack_filename: str | os.PathLike[str] | None = None,
    *,
    contrast_sign: int = 1,
    overwrite: bool = False,
) -> None:
    """Write particles as a `.cs` file of cryoSPARC, whole or not at all.

    The file is a structured array that `numpy.load` reads, with the fields `blob/...` and
    `alignments3D/...`, `ctf/...` where there is a defocus, and `location/...` where there are
    names of micrographs. Its numbers are float32. `uid` follows from the name of the stack and the
    number of the image in it, so that an image has the same one in every table; of an image that
    is listed twice, the second has another. The same arguments give the same bytes. Exposure
    groups are the optics groups that `write_particles` writes, counted from 0. `mtf_filenames` and
    `original_pixel_size` have no place in it, nor has the microscope of particles without a
    defocus.

    Parameters
    ----------
    filename
        The file to write, like `particles.cs`; other endings are refused, but for `.part`, of a
        file that is to be renamed.
    particles
        Poses, `pixel_size` and `image_size`; with a defocus, also `voltage_in_kilovolts`,
        `spherical_aberration_in_millimetres` and `amplitude_contrast`.
    stack_filename
        The stack of the particles' images, in order; its name is written as seen from the folder
        of the file, which should be that of the project. None takes `particles.image_names`.
    contrast_sign
        `blob/sign`: 1 for images in which density is white, like those of `project`, or -1.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    TypeError
        If `particles` is no `ParticleTable`, or `overwrite` neither True nor False.
    FileExistsError
        If the file exists and `overwrite` is False.
    OSError
        If it cannot be written. There is then no file of that name, or still the previous one.
    ValueError
        If the name has another ending, something that is needed is not known, a half or class is
        not counted from 1, a number is beyond what the file can hold, there is something of a
        contrast transfer function without its defocus; or if there is a beam tilt, an aberration
        or a scale of the contrast transfer function, or images are corrected for it: how they
        convert to cryoSPARC's is not known for certain.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import ParticleTable, write_cs
    >>> particles = ParticleTable(
    ...     [10], [0], [50], origin_x_in_angstroms=3.0, pixel_size=1.5, image_size=64
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "particles.cs"
    ...     write_cs(path, particles, path.with_name("stack.mrcs"))
    ...     records = np.load(path)
    >>> records["blob/path"], records["alignments3D/shift"]
    (array([b'stack.mrcs'], dtype='|S10'), array([[2., 0.]], dtype=float32))
    >>> np.rad2deg(records["alignments3D/pose"]).round(3)
    array([[ 0.,  0., 60.]], dtype=float32)
    """
    if contrast_sign not in (-1, 1):
        msg = f"contrast_sign: expected 1 or -1, got {contrast_sign!r}"
        raise ValueError(msg)
    # A table that is to get its name later is written under that of an unfinished file.
    if not is_cs_file(filename) and Path(filename).suffix != PART_SUFFIX:
        msg = f"filename: expected a name that ends in {CS_SUFFIX}, got {os.fspath(filename)}"
        raise ValueError(msg)
    check_is_a("particles", particles, ParticleTable)
    _check_can_be_written(particles)
    paths, indices = _find_images(filename, particles, stack_filename)
    optics = {
        column.name: getattr(particles, column.name)
        for column in COLUMNS + NAME_COLUMNS
        if column.is_of_optics
    }
    groups = find_optics_groups(optics, len(particles)).group_of_each
    fields = {
        "uid": _make_uids(paths, indices),
        "blob/path": paths,
        "blob/idx": indices,
        "blob/shape": _as_columns(particles.image_size, particles.image_size),
        "blob/psize_A": particles.pixel_size,
        "blob/sign": float(contrast_sign),
        "blob/import_sig": np.uint64(0),
    }
    if particles.defocus_u_in_angstroms is not None:
        fields |= _ctf_fields(particles, groups)
    fields |= _alignment_fields(particles)
    if particles.micrograph_names is not None:
        fields |= _location_fields(particles.micrograph_names, groups)
    records = _make_records(fields, len(particles))
    with write_whole_file(filename, overwrite=overwrite) as file:
        np.lib.format.write_array(file, records, allow_pickle=False)


def _check_can_be_written(particles: ParticleTable) -> None:
    has_ctf = particles.defocus_u_in_angstroms is not None
    needed = (*_NEEDED, *(_NEEDED_FOR_CTF if has_ctf else ()))
    missing = [name for name in needed if getattr(particles, name) is None]
    if missing:
        msg = f"particles: cryoSPARC needs to know {', '.join(missing)}, which it has not"
        raise ValueError(msg)
    for name in () if has_ctf else _NOTHING_WITHOUT_DEFOCUS:
        if np.any(getattr(particles, name)):
            msg = f"{name}: cryoSPARC keeps it with a defocus, got no defocus_u_in_angstroms"
            raise ValueError(msg)
    for name, value in _UNKNOWN.items():
        values = getattr(particles, name)
        if values is not None and np.any(values != value):
            msg = (
                f"{name}: expected {value} or None, for how it converts to cryoSPARC's is not "
                f"known for certain"
            )
            raise ValueError(msg)


def _find_images(
    filename: str | os.PathLike[str],
    particles: ParticleTable,
    stack_filename: str | os.PathLike[str] | None,
) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Return the path of each particle's stack, and the number of its image, counted from 0."""
    n = len(particles)
    if stack_filename is not None:
        stack = name_from_folder_of(filename, stack_filename).encode()
        return np.broadcast_to(np.array(stack), n), np.arange(n)
    if particles.image_names is None:
        msg = "stack_filename: expected the stack of particles that have no image_names, got None"
        raise ValueError(msg)
    numbers, stacks = zip(*map(split_image_name, particles.image_names), strict=True)
    return np.array([stack.encode() for stack in stacks]), np.array(numbers, np.int64) - 1


def _ctf_fields(particles: ParticleTable, groups: NDArray[np.intp]) -> dict[str, Any]:
    defocus_v = particles.defocus_v_in_angstroms
    return {
        "ctf/type": b"imported",
        "ctf/exp_group_id": groups,
        "ctf/accel_kv": particles.voltage_in_kilovolts,
        "ctf/cs_mm": particles.spherical_aberration_in_millimetres,
        "ctf/amp_contrast": particles.amplitude_contrast,
        "ctf/df1_A": particles.defocus_u_in_angstroms,
        "ctf/df2_A": particles.defocus_u_in_angstroms if defocus_v is None else defocus_v,
        "ctf/df_angle_rad": np.deg2rad(_or_else(particles.astigmatism_angle, 0.0)),
        "ctf/phase_shift_rad": np.deg2rad(_or_else(particles.phase_shift, 0.0)),
        "ctf/scale": 1.0,
        "ctf/scale_const": 0.0,
        "ctf/shift_A": np.zeros((1, 2)),
        "ctf/tilt_A": np.zeros((1, 2)),
        "ctf/trefoil_A": np.zeros((1, 2)),
        "ctf/tetra_A": np.zeros((1, 4)),
        "ctf/anisomag": np.zeros((1, 4)),
        "ctf/bfactor": _or_else(particles.ctf_b_factor, 0.0),
    }


def _alignment_fields(particles: ParticleTable) -> dict[str, Any]:
    poses = EulerAnglePose.from_relion_angles(particles.rot, particles.tilt, particles.psi)
    pixel_size = np.asarray(particles.pixel_size)
    shifts = (
        particles.origin_x_in_angstroms / pixel_size,
        particles.origin_y_in_angstroms / pixel_size,
    )
    return {
        "alignments3D/split": _from_0("random_subset", particles.random_subset),
        "alignments3D/shift": _as_columns(*shifts),
        # The inverse of the rotation that takes density into the image.
        "alignments3D/pose": negate(poses.rotation.as_rotvec()),
        "alignments3D/psize_A": pixel_size,
        "alignments3D/alpha": 1.0,
        "alignments3D/class": _from_0("class_number", particles.class_number),
        "alignments3D/class_posterior": 1.0,
    }


def _location_fields(names: str | tuple[str, ...], groups: NDArray[np.intp]) -> dict[str, Any]:
    texts = [names] if isinstance(names, str) else names
    uids = {name: _hash(name.encode()) for name in set(texts)}
    return {
        "location/micrograph_uid": np.array([uids[name] for name in texts], np.uint64),
        "location/exp_group_id": groups,
        "location/micrograph_path": np.array([name.encode() for name in texts]),
    }


def _make_records(fields: dict[str, Any], n: int) -> NDArray[np.void]:
    """Make records of fields of n values or one; numbers become float32 or uint32."""
    columns = {name: _fit(name, np.asarray(values)) for name, values in fields.items()}
    dtype = [(name, column.dtype, column.shape[1:]) for name, column in columns.items()]
    records = np.zeros(n, dtype)
    for name, column in columns.items():
        records[name] = column
    return records


def _fit(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers as cryoSPARC has them, and what has its type already as it is."""
    if values.dtype.kind not in "fi":
        return values
    dtype: type[np.generic] = np.float32 if values.dtype.kind == "f" else np.uint32
    with np.errstate(over="ignore"):  # found below
        fitted = values.astype(dtype)
    is_wrong = ~np.isfinite(fitted) if dtype is np.float32 else fitted != values
    if is_wrong.any():
        msg = (
            f"particles: {name} of cryoSPARC is {fitted.dtype.name}, which cannot hold "
            f"{values[is_wrong][0]}"
        )
        raise ValueError(msg)
    return fitted


def _as_columns(*columns: Any) -> NDArray[Any]:
    return np.stack(np.broadcast_arrays(*map(np.atleast_1d, columns)), axis=-1)


def _or_else(values: Any, default: float) -> Any:
    return default if values is None else values


def _from_0(name: str, numbers: int | NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Count from 0 what is counted from 1; what is not known is 0."""
    counted = np.asarray(1 if numbers is None else numbers)
    if np.any(counted < 1):
        msg = f"{name}: cryoSPARC knows no 0, expected whole numbers above 0"
        raise ValueError(msg)
    return counted - 1


def _make_uids(paths: NDArray[np.bytes_], indices: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Make a number of each image, by its stack and place there, which no other will hardly have.

    Each step of the mixing (splitmix64's) can be undone, so that no two numbers become one.
    """
    stacks, stack_of_each = np.unique(paths, return_inverse=True)
    stack_of_each = stack_of_each.reshape(-1)
    hashes = np.array([_hash(stack) for stack in stacks.tolist()], np.uint64)
    # In the upper half, where no number of an image reaches.
    times_before = _count_equals_before(stack_of_each, indices) << 32
    numbers = hashes[stack_of_each] + (indices + times_before).astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return numbers ^ (numbers >> np.uint64(31))


def _count_equals_before(*columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """Count the rows before each that are equal to it."""
    order = np.lexsort(columns)  # equal ones stay in their order
    is_new = np.ones(order.size, dtype=bool)
    is_new[1:] = np.any([np.diff(column[order]) for column in columns], axis=0)
    places = np.arange(order.size)
    counts = np.empty(order.size, np.int64)
    counts[order] = places - np.maximum.accumulate(np.where(is_new, places, 0))
    return counts


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "little")
