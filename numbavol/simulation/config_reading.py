"""Simulations written down in TOML, and errors that say in which line."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from numbavol.io.particle_reading import read_particle_file
from numbavol.io.stack_names import is_cs_file
from numbavol.simulation.choices import fields_of
from numbavol.simulation.config import SimulationConfig
from numbavol.simulation.files import replace_files

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

KeyPath = tuple[str | int, ...]

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_TABLE = re.compile(rf"^\s*(\[\[?)\s*({_DOTTED})\s*\]\]?")
_PAIR = re.compile(rf"^\s*({_DOTTED})\s*=")
_STRINGS_AND_COMMENTS = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*",
    re.DOTALL,
)


def read_simulation_config(
    filename: str | os.PathLike[str], given: Mapping[tuple[str, ...], Any] | None = None
) -> SimulationConfig:
    r"""Read a simulation from a TOML file.

    Parameters
    ----------
    filename
        Has a key for each choice of `SimulationConfig`, and a table for each group of them.
    given
        Choices that take the place of the file's, by their path: ``("noise", "snr")``. None leaves
        a choice, or a whole table, to its default.

    Returns
    -------
    SimulationConfig
        Its files are found from where the process is: those of the TOML file are relative to its
        folder.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no TOML, or a choice is not as described: the message begins with the file's name
        and the line.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from numbavol.simulation import read_simulation_config
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "config.toml"
    ...     _ = path.write_text("number = 10\nbox = 64\npixel_size = 2.0\nnoise.snr = 0.1\n")
    ...     read_simulation_config(path).noise.snr
    0.1
    """
    path = Path(filename)
    text = read_text(path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: expected TOML: {error}"
        raise ValueError(msg) from error
    given = given or {}

    def place(keys: KeyPath, name: str) -> str:
        return name if keys in given or keys[:1] in given else str(path.parent / name)

    poses = tables.get("poses")
    if isinstance(poses, dict) and isinstance(poses.get("file"), str):
        poses["file"] = place(("poses", "file"), poses["file"])
    _put(tables, given)
    tables, reasons = _take_from_particles(tables)
    config: SimulationConfig = _Reader(str(path), find_lines(text), given, reasons).read(
        SimulationConfig, tables, ()
    )
    return replace_files(
        config, lambda keys, name: name if keys[0] == "poses" else place(keys, name)
    )


def read_text(path: Path) -> str:
    """Read a file of UTF-8, marked as such or not.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is something else; names the line.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + raw[: error.start].count(b"\n")
        msg = f"{path}:{line}: expected UTF-8, got the byte {raw[error.start]:#x}"
        raise ValueError(msg) from error


def make_simulation_config(given: Mapping[tuple[str, ...], Any]) -> SimulationConfig:
    """Make a simulation of choices by their paths alone, as `read_simulation_config` does."""
    tables: dict[str, Any] = {}
    _put(tables, given)
    tables, reasons = _take_from_particles(tables)
    config: SimulationConfig = _Reader(None, {}, given, reasons).read(SimulationConfig, tables, ())
    return config


def _put(tables: dict[str, Any], given: Mapping[tuple[str, ...], Any]) -> None:
    """Put choices where their paths lead; None takes away what is there."""
    for keys, value in given.items():
        table: Any = tables
        for key in keys[:-1]:
            table = table.setdefault(key, {}) if isinstance(table, dict) else table
        # What is no table is refused when it is read.
        if isinstance(table, dict):
            if value is None:
                table.pop(keys[-1], None)
            else:
                table[keys[-1]] = value


def _take_from_particles(tables: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Take the number of particles and the size of images of a file, where nothing says it.

    Returns
    -------
    dict
        The tables, and what was found.
    dict
        Why the file has no size for all images, by what is missing.
    """
    poses = tables.get("poses")
    file = poses.get("file") if isinstance(poses, dict) else None
    missing = [name for name in ("number", "box", "pixel_size") if name not in tables]
    if not missing or not isinstance(file, str):
        return tables, {}
    # What is odd in it is said when the simulation reads it.
    particles, _ = read_particle_file(file)
    said: dict[str, Any] = {
        "number": len(particles),
        "box": particles.image_size,
        "pixel_size": particles.pixel_size,
    }
    found: dict[str, Any] = {}
    reasons = {}
    for name in missing:
        values = np.unique([] if said[name] is None else said[name])
        if values.size == 1:
            found[name] = values.item()
        else:
            reasons[name] = _describe_sizes(file, name, values)
    return tables | found, reasons


def _describe_sizes(file: str, name: str, values: NDArray[Any]) -> str:
    """Say that images of a file have several sizes, or none that it knows."""
    what, unit, column = {
        "box": ("boxes", "", "blob/shape" if is_cs_file(file) else "rlnImageSize"),
        "pixel_size": ("pixels", " A", "blob/psize_A" if is_cs_file(file) else "rlnImagePixelSize"),
    }[name]
    if values.size:
        return f"{what} of {values[0]:g} to {values[-1]:g}{unit}; {name} says which"
    size = "image size" if name == "box" else "pixel size"
    return f"{file} has no {size} ({column}); {name} says it"


def find_lines(text: str) -> dict[KeyPath, int]:
    """Find the line of every key and table of a TOML text, by their paths.

    Parameters
    ----------
    text
        Of a file that is TOML.

    Returns
    -------
    dict
        From paths such as ``("volume", 0, "file")`` to numbers of lines, from 1 on. Keys inside of
        values are not in it.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    depth = 0
    for number, line in enumerate(_blank_strings(text).split("\n"), 1):
        if depth == 0:
            if found := _TABLE.match(line):
                table = _resolve(_split(found[2]), counts)
                if found[1] == "[[":
                    lines.setdefault(table, number)
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                lines[table] = number
            elif found := _PAIR.match(line):
                keys = (*table, *_split(found[1]))
                for end in range(len(table) + 1, len(keys) + 1):
                    lines.setdefault(keys[:end], number)
        # Of an array of several lines.
        depth += line.count("[") - line.count("]")
    return lines


def _blank_strings(text: str) -> str:
    """Take comments and the content of strings of several lines away, but for the ends of lines.

    Strings of one line stay, for keys may be such; brackets in them are taken away.
    """

    def blank(found: re.Match[str]) -> str:
        string = found[0]
        if string[0] == "#" or string[:3] in ('"""', "'''"):
            return "\n" * string.count("\n")
        return string.replace("[", "(").replace("]", ")")

    return _STRINGS_AND_COMMENTS.sub(blank, text)


def find_line(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Find the line of a choice, or of the innermost table around it that has one.

    Parameters
    ----------
    lines
        From `find_lines`.
    path
        Of the choice. Where one table serves for an array of one, its number is not in the file.
    """
    plain = tuple(key for key in path if isinstance(key, str))
    ends = ((whole, end) for end in range(len(path), 0, -1) for whole in (path, plain))
    return next((lines[whole[:end]] for whole, end in ends if whole[:end] in lines), None)


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip("\"'") for key in re.findall(_KEY, dotted))


def _resolve(keys: tuple[str, ...], counts: dict[KeyPath, int]) -> KeyPath:
    """Add the numbers of the last tables of arrays that keys lead through."""
    path: KeyPath = ()
    for n, key in enumerate(keys):
        path = (*path, key)
        if n < len(keys) - 1 and path in counts:
            path = (*path, counts[path])
    return path


class _Reader:
    """Makes classes of choices of tables, and says where what is wrong stands."""

    def __init__(
        self,
        filename: str | None,
        lines: dict[KeyPath, int],
        given: Mapping[tuple[str, ...], Any],
        reasons: Mapping[str, str],
    ) -> None:
        self._filename, self._lines, self._given = filename, lines, given
        self._reasons = reasons
        """Why a choice is missing that a file of particles may have made."""

    def read(self, config: Any, table: Any, path: KeyPath) -> Any:
        if not isinstance(table, dict):
            raise self._fail(path, f"expected a table, got {table!r}")
        fields = fields_of(config)
        names = [field.name for field, _ in fields]
        for key in table:
            if key not in names:
                # By its letters, "min" is nearer to "mean" than to "minimum".
                near = [name for name in names if name.startswith(key)]
                near = near or difflib.get_close_matches(key, names, n=1)
                hint = f" ({near[0]}?)" if near else ""
                msg = f"there is no such choice{hint}; expected one of {', '.join(names)}"
                raise self._fail((*path, key), msg)
        values = {
            field.name: self._read_field(hint, table[field.name], (*path, field.name))
            for field, hint in fields
            if field.name in table
        }
        for field, _ in fields:
            if field.default is dataclasses.MISSING and field.name not in values:
                if not path and field.name in self._reasons:
                    raise self._fail(("poses", "file"), self._reasons[field.name])
                raise self._fail((*path, field.name), "is missing")
        try:
            return config(**values)
        except ValueError as error:
            name, separator, rest = str(error).partition(": ")
            keys = tuple(name.split("."))
            if separator and keys[0] in names:
                raise self._fail((*path, *keys), rest) from error
            raise self._fail(path, str(error)) from error

    def _read_field(self, hint: Any, value: Any, path: KeyPath) -> Any:
        if dataclasses.is_dataclass(hint):
            return self.read(hint, value, path)
        inner = get_args(hint)
        if inner and dataclasses.is_dataclass(inner[0]):
            # One table serves for an array of one.
            several = value if isinstance(value, list) else [value]
            return tuple(self.read(inner[0], part, (*path, n)) for n, part in enumerate(several))
        return value

    def _fail(self, path: KeyPath, what: str) -> ValueError:
        name = ".".join(key if isinstance(key, str) else str(key + 1) for key in path)
        if path in self._given or path[:1] in self._given:
            # It does not stand in the file.
            return ValueError(f"{name}: {what}")
        line = find_line(self._lines, path)
        where = "" if self._filename is None else f"{self._filename}:"
        where += "" if line is None else f"{line}:"
        return ValueError(f"{where} {name}: {what}".strip() if name else f"{where} {what}".strip())
