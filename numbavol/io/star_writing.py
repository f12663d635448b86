"""Write particles as a RELION STAR file."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from gemmi import cif

from numbavol.arguments import check_finite, check_is_a, read_reals
from numbavol.io.optics_groups import find_optics_groups, take
from numbavol.io.particle_columns import (
    COLUMNS,
    NAME_COLUMNS,
    POSE_COLUMNS,
    ZERNIKE_COLUMNS,
)
from numbavol.io.particle_table import ParticleTable
from numbavol.io.stack_names import (
    is_cs_file,
    name_from_folder_of,
    name_image,
    split_image_name,
)
from numbavol.io.whole_file import write_whole_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from io import BufferedWriter

    from numpy.typing import NDArray

    Cells = Callable[[range], list[str]]

# A text that a STAR file has as it is. Words such as data_ begin something else.
_PLAIN = re.compile(
    r"""(?!data_|loop_|save_|stop_|global_|[?.]$)[^\s_#$'"\[\];][^\s'"]*""", re.IGNORECASE
)
_VERSION = "# version 30001\n\n"
_STACK_SUFFIX = ".mrcs"
# RELION takes what is after them for the format of the file, or its number, or a size.
_NOT_IN_NAMES = "#:%"
_NEEDED = ("pixel_size", "voltage_in_kilovolts", "image_size")
_ROWS_AT_A_TIME = 2**15


def write_particles(
    filename: str | os.PathLike[str],
    particles: ParticleTable,
    stack_filename: str | os.PathLike[str] | None = None,
    *,
    spherical_aberration_in_mm: float = 2.7,
    amplitude_contrast_ratio: float = 0.1,
    overwrite: bool = False,
) -> None:
    """Write all that is known of particles as a STAR file of RELION 3.1, whole or not at all.

    With `stack_filename`, particle number i is image number i of that stack, whatever
    `particles.image_names` are. RELION finds the stack if it is started in the folder of the STAR
    file. Numbers are written with all their digits, so that `read_particles` reads the same ones;
    the same arguments give the same bytes. Particles that differ in the name of their optics
    group, or in what RELION keeps of groups (pixel size, voltage, image size, aberrations), are of
    different groups, which are numbered from 1 as they come first.

    Parameters
    ----------
    filename
        The file to write, like `particles.star`.
    particles
        Poses, and `pixel_size`, `voltage_in_kilovolts` and `image_size`: RELION reads no particles
        without them, although the voltage matters only for images with a contrast transfer
        function. Where there are `mtf_filenames`, it needs `original_pixel_size`.
    stack_filename
        The stack of the particles' images. It need not exist yet. Its name must end in `.mrcs`.
        None writes `particles.image_names` as they are, which may be of several stacks.
    spherical_aberration_in_mm, amplitude_contrast_ratio
        Of particles that do not say theirs. RELION asks for them as well; the defaults are those
        of its import.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    OSError
        If it cannot be written. There is then no file of that name, or still the previous one.
    ValueError
        If the name is that of a `.cs` file, something that RELION needs is not known, a name is
        none that RELION can read, or particles of an optics group of one name differ in what is of
        the group.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from numbavol.io import ParticleTable, write_particles
    >>> particles = ParticleTable(
    ...     [10], [30.5], [50], pixel_size=1.5, voltage_in_kilovolts=300, image_size=64,
    ...     defocus_u_in_angstroms=12000, defocus_v_in_angstroms=11000, astigmatism_angle=30,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "particles.star"
    ...     write_particles(path, particles, path.with_name("stack.mrcs"))
    ...     print(path.read_text().splitlines()[-1])
    000001@stack.mrcs 10.0 30.5 50.0 0.0 0.0 1 12000.0 11000.0 30.0
    """
    check_is_a("particles", particles, ParticleTable)
    if stack_filename is None:
        image_names = _make_cells(_quote_image_names(particles.image_names))
    else:
        image_names = _name_images_of(_read_stack_name(filename, stack_filename))
    defaults = {
        "spherical_aberration_in_millimetres": _read_number(
            "spherical_aberration_in_mm", spherical_aberration_in_mm
        ),
        "amplitude_contrast": _read_number("amplitude_contrast_ratio", amplitude_contrast_ratio),
    }
    sheet = _lay_out(particles, image_names, defaults)
    with _open_star(filename, overwrite=overwrite) as file:
        for text in (sheet.optics, *_format("particles", sheet.table, len(particles))):
            file.write(text.encode("ascii"))


def write_particle_blocks(
    filename: str | os.PathLike[str],
    blocks: Iterable[ParticleTable],
    *,
    comment: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write particles that come block by block, so that they need no memory all at once.

    Parameters
    ----------
    filename
        As of `write_particles`.
    blocks
        The particles in their order, with the names of their images. All blocks know the same of
        them, and are of the optics groups of the first.
    comment
        A line of ASCII for whoever reads the file.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    FileExistsError, OSError
        As of `write_particles`.
    ValueError
        As of `write_particles`, or if a block is of other groups or has other columns.
    """
    first: _Sheet | None = None
    with _open_star(filename, overwrite=overwrite) as file:
        if comment is not None:
            file.write(f"# {comment}\n".encode("ascii"))
        for block in blocks:
            sheet = _lay_out(block, _make_cells(_quote_image_names(block.image_names)), {})
            title, *rows = _format("particles", sheet.table, len(block))
            if first is None:
                first = sheet
                file.write((sheet.optics + title).encode("ascii"))
            elif sheet.optics != first.optics or sheet.table.keys() != first.table.keys():
                msg = "blocks: expected particles of the same optics groups and columns in all"
                raise ValueError(msg)
            for text in rows:
                file.write(text.encode("ascii"))


class _Sheet(NamedTuple):
    """The text of the optics table, and the columns of the particles' table."""

    optics: str
    table: Mapping[str, Cells]


@contextlib.contextmanager
def _open_star(filename: str | os.PathLike[str], *, overwrite: bool) -> Iterator[BufferedWriter]:
    if is_cs_file(filename):
        msg = f"filename: write_cs writes files of cryoSPARC, {filename} would be read as one"
        raise ValueError(msg)
    with write_whole_file(filename, overwrite=overwrite) as file:
        yield file


def _lay_out(particles: ParticleTable, image_names: Cells, defaults: Mapping[str, float]) -> _Sheet:
    known: dict[str, Any] = dict(defaults)
    known |= {name: value for name, value in vars(particles).items() if value is not None}
    missing = [name for name in _NEEDED if name not in known]
    if "mtf_filenames" in known and "original_pixel_size" not in known:
        missing.append("original_pixel_size")
    if missing:
        msg = f"particles: RELION needs to know {', '.join(missing)}, which it has not"
        raise ValueError(msg)
    if "defocus_u_in_angstroms" in known:
        known.setdefault("defocus_v_in_angstroms", known["defocus_u_in_angstroms"])
    known |= {c.name: _write_lists(known[c.name]) for c in ZERNIKE_COLUMNS if c.name in known}
    known |= {c.name: _quote(c.name, known[c.name]) for c in NAME_COLUMNS if c.name in known}
    of_optics = [column for column in COLUMNS + NAME_COLUMNS if column.is_of_optics]
    in_optics = [column for column in (*of_optics, *ZERNIKE_COLUMNS) if column.name in known]
    groups = find_optics_groups({c.name: known[c.name] for c in in_optics}, len(particles))
    n_groups = len(groups.first_rows)
    optics = {"OpticsGroup": _make_cells(np.arange(n_groups) + 1)}
    optics["OpticsGroupName"] = _make_cells([f"opticsGroup{i + 1}" for i in range(n_groups)])
    optics |= {c.label: _make_cells(take(known[c.name], groups.first_rows)) for c in in_optics}
    optics["ImageDimensionality"] = _make_cells(2)
    table = {"ImageName": image_names}
    table |= {column.label: _make_cells(known[column.name]) for column in POSE_COLUMNS}
    table["OpticsGroup"] = _make_cells(groups.group_of_each + 1)
    table |= {
        column.label: _make_cells(known[column.name])
        for column in COLUMNS + NAME_COLUMNS
        if column.name in known and not column.is_of_optics
    }
    return _Sheet("".join([*_format("optics", optics, n_groups), "\n"]), table)


def _format(name: str, columns: Mapping[str, Cells], n_rows: int) -> Iterable[str]:
    """Yield a table in pieces, for its text may need more memory than its numbers."""
    yield f"{_VERSION}data_{name}\nloop_\n" + "".join(f"_rln{label}\n" for label in columns)
    for first in range(0, n_rows, _ROWS_AT_A_TIME):
        rows = range(first, min(first + _ROWS_AT_A_TIME, n_rows))
        cells = zip(*(column(rows) for column in columns.values()), strict=True)
        yield "\n".join(map(" ".join, cells)) + "\n"


def _make_cells(values: Any) -> Cells:
    """Return what writes the values of some rows: one value for all of them, or one a row."""
    if isinstance(values, np.ndarray):
        return lambda rows: list(map(repr, values[rows.start : rows.stop].tolist()))
    if isinstance(values, (tuple, list)):
        return lambda rows: list(values[rows.start : rows.stop])
    text = values if isinstance(values, str) else repr(values)
    return lambda rows: [text] * len(rows)


def _name_images_of(stack_name: str) -> Cells:
    return lambda rows: _quote_texts([name_image(row + 1, stack_name) for row in rows])


def _write_lists(coefficients: NDArray[np.float64]) -> str | tuple[str, ...]:
    """Write lists of coefficients as RELION does: for all particles, or one a particle."""
    lists, list_of_each = np.unique(np.atleast_2d(coefficients), axis=0, return_inverse=True)
    texts = [f"[{','.join(map(repr, numbers))}]" for numbers in lists.tolist()]
    if coefficients.ndim == 1:
        return texts[0]
    return tuple(map(texts.__getitem__, list_of_each.reshape(-1).tolist()))


def _quote_texts(texts: list[str]) -> list[str]:
    """Quote what needs it, and nothing else: programs that know no quotes read the rest."""
    return [text if _PLAIN.fullmatch(text) else cif.quote(text) for text in texts]


def _quote(name: str, texts: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Write names as cells of a table.

    Raises
    ------
    ValueError
        If RELION cannot read one.
    """
    for text in {texts} if isinstance(texts, str) else set(texts):
        if not text or not _is_readable(text):
            msg = (
                f"{name}: RELION cannot read {text!r}; expected ASCII characters, no two spaces in "
                f"a row, and no quotes of both kinds"
            )
            raise ValueError(msg)
    return _quote_texts([texts])[0] if isinstance(texts, str) else tuple(_quote_texts(list(texts)))


def _quote_image_names(names: tuple[str, ...] | None) -> tuple[str, ...]:
    if names is None:
        msg = "stack_filename: expected the stack of particles that have no image_names, got None"
        raise ValueError(msg)
    for stack in {split_image_name(name)[1] for name in names}:
        _check_stack_name("particles.image_names", stack)
    return tuple(_quote_texts(list(names)))


def _is_readable(text: str) -> bool:
    # RELION makes one space of several, in quotes too. Quotes of both kinds would end up in a text
    # of several lines, which it does not read.
    is_one_line = text.isprintable() and "\n" not in cif.quote(text)
    return text.isascii() and is_one_line and "  " not in text


def _read_stack_name(
    filename: str | os.PathLike[str], stack_filename: str | os.PathLike[str]
) -> str:
    name = name_from_folder_of(filename, stack_filename)
    _check_stack_name("stack_filename", name)
    return name


def _check_stack_name(argument: str, name: str) -> None:
    if not name.lower().endswith(_STACK_SUFFIX):
        msg = f"{argument}: RELION reads image stacks that end in .mrcs, got {name}"
        raise ValueError(msg)
    if not _is_readable(f"1@{name}") or set(name) & set(_NOT_IN_NAMES):
        msg = (
            f"{argument}: RELION cannot read the name {name!r}; expected ASCII characters "
            f"without {' '.join(_NOT_IN_NAMES)}, no two spaces in a row, and no quotes of both "
            f"kinds"
        )
        raise ValueError(msg)


def _read_number(name: str, value: float) -> float:
    number = read_reals(name, value)
    if number.ndim:
        msg = f"{name}: expected one number, got shape {number.shape}"
        raise ValueError(msg)
    check_finite(name, number)
    return float(number)
