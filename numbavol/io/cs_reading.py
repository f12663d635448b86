"""Read the particles of a cryoSPARC file."""

from __future__ import annotations

import tokenize
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.io.ctf_defaults import describe_defaults
from numbavol.io.particle_table import ParticleTable
from numbavol.io.stack_names import name_image
from numbavol.poses.euler import compute_euler_angles

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Fields = Mapping[str, NDArray[Any]]

_MAGIC = b"\x93NUMPY"
# Of one version of cryosparc-tools, and of the next.
_COMPRESSED_MAGICS = (b"\x94CSDAT", b"\x95CSDAT")
# What NumPy says of a header that is damaged.
_DAMAGES = (ValueError, TypeError, SyntaxError, tokenize.TokenError)
# Of the image, of the microscope: the same for most particles.
_CONSTANTS = {
    "pixel_size": "blob/psize_A",
    "voltage_in_kilovolts": "ctf/accel_kv",
    "spherical_aberration_in_millimetres": "ctf/cs_mm",
    "amplitude_contrast": "ctf/amp_contrast",
}
_NUMBERS = {
    "defocus_u_in_angstroms": "ctf/df1_A",
    "defocus_v_in_angstroms": "ctf/df2_A",
    "ctf_b_factor": "ctf/bfactor",
}
_ANGLES = {"astigmatism_angle": "ctf/df_angle_rad", "phase_shift": "ctf/phase_shift_rad"}
# Counted from 0 there.
_COUNTERS = {"random_subset": "alignments3D/split", "class_number": "alignments3D/class"}
_VECTORS = {"alignments3D/pose": 3, "alignments3D/shift": 2, "blob/shape": 2}
# What changes the images and is not read: its value without effect, by what is said of another.
_UNREAD = {
    "how they convert to RELION's is not known for certain": {
        "ctf/scale": 1,
        "ctf/scale_const": 0,
        "ctf/shift_A": 0,
        "ctf/tilt_A": 0,
        "ctf/trefoil_A": 0,
        "ctf/tetra_A": 0,
        "ctf/anisomag": 0,
    },
    "particles are dark in its images (-1), which are read as they are": {"blob/sign": 1},
    "its images are scaled one by one, and are read as they are": {"alignments3D/alpha": 1},
}


def read_cs(
    filename: str | os.PathLike[str], passthrough_filename: str | os.PathLike[str] | None = None
) -> ParticleTable:
    """Read poses, images and contrast transfer functions of particles from a `.cs` file.

    They come as RELION would have them: Euler angles, origins in angstroms, angles in degrees,
    counters from 1. What a file does not have is None; a single half is no half. `opticsGroup3` is
    the name of exposure group 2. The file's float32 numbers are read as they are, but for pixel
    sizes and what is the microscope's, which become the shortest decimal number that is meant, 1.34
    rather than 1.3400000333786011.

    Beam tilt, trefoil, tetrafoil, anisotropic magnification and the scale of the contrast transfer
    function are not read, with a warning where they are not without effect: how they convert to
    RELION's is not known for certain. Nor are `blob/sign`, which is -1 where particles are dark in
    the images, and `alignments3D/alpha`, a scale of each image: images are read as they are, with a
    warning where one of these is not 1.

    Parameters
    ----------
    filename
        A `.cs` file of particles with three-dimensional alignments.
    passthrough_filename
        A second file, of the same job, which knows more of the same particles; they are joined by
        `uid`. What both files know is of the first.

    Returns
    -------
    ParticleTable
        The particles in the order of the first file.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If it is no such file, has no alignments, or the second lacks particles of the first; names
        the file.

    Warns
    -----
    UserWarning
        If the file has something that is not read, as above; or a defocus, and not all that the
        contrast transfer function needs besides, see `read_particles`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from numbavol.io import ParticleTable, read_cs, write_cs
    >>> particles = ParticleTable([10, 20], [30, 40], [50, 60], pixel_size=1.34, image_size=64)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "particles.cs"
    ...     write_cs(path, particles, path.with_name("stack.mrcs"))
    ...     particles = read_cs(path)
    >>> particles.tilt.round(4), particles.image_names[1], particles.pixel_size
    (array([30., 40.]), '000002@stack.mrcs', 1.34)
    """
    particles, oddities = read_cs_file(filename, passthrough_filename)
    for oddity in [*oddities, *describe_defaults(filename, particles)]:
        warnings.warn(oddity, UserWarning, stacklevel=2)
    return particles


def read_cs_file(
    filename: str | os.PathLike[str], passthrough_filename: str | os.PathLike[str] | None = None
) -> tuple[ParticleTable, list[str]]:
    """Read a `.cs` file, and what there is to say of what is not read: see `read_cs`."""
    fields = _load(filename)
    if passthrough_filename is not None:
        fields = _join(fields, _load(passthrough_filename), passthrough_filename)
    try:
        particles = _read(fields)
    except (ValueError, TypeError) as error:  # of a field that has another type than cryoSPARC's
        msg = f"{filename}: no particles that can be read: {error}"
        raise ValueError(msg) from error
    unread = {
        reason: [name for name, n in neutral.items() if np.any(fields.get(name, n) != n)]
        for reason, neutral in _UNREAD.items()
    }
    return particles, [
        f"{filename}: {', '.join(names)} not read: {reason}"
        for reason, names in unread.items()
        if names
    ]


def _read(fields: Fields) -> ParticleTable:
    if "alignments3D/pose" not in fields:
        groups = ", ".join(sorted({name.partition("/")[0] for name in fields}))
        msg = (
            f"it has no alignments3D/pose (only {groups}); if another file of the job has it, "
            f"read_cs joins both"
        )
        raise ValueError(msg)
    for name, length in _VECTORS.items():
        if name in fields and fields[name].shape[1:] != (length,):
            msg = f"{name}: expected {length} numbers a particle, got shape {fields[name].shape}"
            raise ValueError(msg)
    # The inverse of RELION's matrix: Rz(rot) Ry(tilt) Rz(psi).
    rotations = Rotation.from_rotvec(fields["alignments3D/pose"].astype(np.float64))
    psi, tilt, rot = compute_euler_angles(rotations.as_quat(scalar_first=True))
    origins = _read_origins(fields)
    known: dict[str, Any] = {
        name: _shortest(fields[field]) for name, field in _CONSTANTS.items() if field in fields
    }
    known |= {name: fields[field] for name, field in _NUMBERS.items() if field in fields}
    known |= {
        name: np.rad2deg(fields[field].astype(np.float64))
        for name, field in _ANGLES.items()
        if field in fields
    }
    known |= {name: fields[field] + 1.0 for name, field in _COUNTERS.items() if field in fields}
    if not np.any(fields.get("alignments3D/split", 0)):
        known.pop("random_subset", None)
    if "blob/shape" in fields:
        y, x = fields["blob/shape"].T
        known["image_size"] = y if np.array_equal(y, x) else None
    if "blob/path" in fields and "blob/idx" in fields:
        indices = fields["blob/idx"].tolist()
        paths = _texts(fields["blob/path"])
        known["image_names"] = [
            name_image(i + 1, path) for i, path in zip(indices, paths, strict=True)
        ]
    if "location/micrograph_path" in fields:
        known["micrograph_names"] = _texts(fields["location/micrograph_path"])
    if "ctf/exp_group_id" in fields:
        numbers, group_of_each = np.unique(fields["ctf/exp_group_id"], return_inverse=True)
        names = [f"opticsGroup{number + 1}" for number in numbers.tolist()]
        known["optics_group_names"] = map(names.__getitem__, group_of_each.tolist())
    return ParticleTable(rot, tilt, psi, *origins, **known)


def _read_origins(fields: Fields) -> NDArray[np.float64]:
    """Return the origins (x, y) in angstroms, of shape (2, n), or (2,) where all are 0."""
    shifts = np.asarray(fields.get("alignments3D/shift", np.zeros((1, 2))), np.float64)
    if not shifts.any():
        return np.zeros(2)
    if "alignments3D/psize_A" not in fields:
        msg = "alignments3D/shift is in pixels, and there is no alignments3D/psize_A"
        raise ValueError(msg)
    return shifts.T * _shortest(fields["alignments3D/psize_A"])


def _shortest(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the shortest decimal numbers that are these in their own precision."""
    distinct, number_of_each = np.unique(values, return_inverse=True)
    return np.array([float(str(value)) for value in distinct])[number_of_each.reshape(-1)]


def _texts(values: NDArray[Any]) -> tuple[str, ...]:
    if values.dtype.kind not in "SU":
        msg = f"expected texts of paths, got {values.dtype}"
        raise ValueError(msg)
    distinct, number_of_each = np.unique(values, return_inverse=True)
    texts = [text.decode() if isinstance(text, bytes) else text for text in distinct.tolist()]
    # cryoSPARC marks paths in the project so.
    texts = [text.removeprefix(">") for text in texts]
    return tuple(map(texts.__getitem__, number_of_each.reshape(-1).tolist()))


def _load(filename: str | os.PathLike[str]) -> Fields:
    with Path(filename).open("rb") as file:
        magic = file.read(len(_MAGIC))
    reason = None
    if magic in _COMPRESSED_MAGICS:
        reason = "it is compressed; cryosparc-tools saves it for NumPy (NUMPY_FORMAT)"
    elif magic != _MAGIC:
        reason = "it is no file of NumPy, as those of cryoSPARC are"
    else:
        try:
            # Mapped, for a damaged header can claim any size.
            records = np.load(filename, mmap_mode="r", allow_pickle=False)
        except _DAMAGES as error:
            reason = str(error)
            # Of more bytes than there are, whose number NumPy does not say.
            if "mmap length is greater than file size" in reason:
                reason = f"the file is cut short: there are {Path(filename).stat().st_size} bytes"
        else:
            if records.dtype.names is None or records.ndim != 1:
                # The type of records is a list of all their fields.
                what = records.dtype if records.dtype.names is None else "some"
                reason = f"expected records (n,), got {what} of shape {records.shape}"
            elif not records.size:
                reason = "it has none"
            else:
                return {name: np.array(records[name]) for name in records.dtype.names}
    msg = f"{filename}: no particles that can be read: {reason}"
    raise ValueError(msg)


def _check_rows_agree(
    fields: Fields, first_rows: NDArray[np.intp], filename: str | os.PathLike[str]
) -> None:
    """Refuse a `uid` of several rows that say different things: none is known to be right."""
    for name, values in fields.items():
        first = values[first_rows]
        # NaN is the same as NaN, which texts do not know.
        is_other = (values != first) & ~((values != values) & (first != first))
        wrong = np.flatnonzero(is_other.reshape(len(values), -1).any(axis=1))
        if wrong.size:
            row = int(wrong[0])
            msg = (
                f"{filename}: no particles that can be joined: rows {first_rows[row] + 1} and "
                f"{row + 1} are both of uid {fields['uid'][row]}, with another {name}"
            )
            raise ValueError(msg)


def _join(fields: Fields, others: Fields, filename: str | os.PathLike[str]) -> Fields:
    """Add to the fields of particles those that another file has of them."""
    if "uid" not in fields or "uid" not in others:
        msg = f"{filename}: no particles that can be joined: both files need a uid"
        raise ValueError(msg)
    others = {name: values for name, values in others.items() if name not in fields} | {
        "uid": others["uid"]
    }
    uids, rows, row_of_each = np.unique(others["uid"], return_index=True, return_inverse=True)
    if uids.size < others["uid"].size:
        _check_rows_agree(others, rows[row_of_each], filename)
    places = np.searchsorted(uids, fields["uid"]).clip(max=uids.size - 1)
    missing = fields["uid"][uids[places] != fields["uid"]]
    if missing.size:
        msg = (
            f"{filename}: no particles that can be joined: {missing.size} of {fields['uid'].size} "
            f"are not in it, the first of uid {missing[0]}"
        )
        raise ValueError(msg)
    return {name: values[rows[places]] for name, values in others.items()} | dict(fields)
