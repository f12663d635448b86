"""What a command prints: lines for people, JSON for programs, progress on a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from numbavol.io import MapHeader

# Of maps, as other programs read them.
MAP_SUFFIXES = (".mrc", ".map", ".ccp4")
# Begins the line of a map's header that says the unit of its values.
UNIT_LABEL = "Unit: "


class Report:
    """Facts about what a command does, printed as it goes or as one JSON object at the end.

    Where nothing can be printed any more, the work goes on: its result may be a file. A reader who
    has gone away is no error, and a full disk is one at the end.

    Parameters
    ----------
    as_json
        Print nothing but the JSON object.
    quiet
        Print nothing but warnings.

    Attributes
    ----------
    lines, warnings
        What was said, printed or not.
    """

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self._as_json, self._quiet = as_json, quiet
        self._facts: dict[str, Any] = {}
        self._failure: OSError | None = None
        self.lines: list[str] = []
        self.warnings: list[str] = []

    @property
    def shows_progress(self) -> bool:
        """Whether a bar may move on the terminal."""
        return not self._quiet

    @property
    def facts(self) -> dict[str, Any]:
        """What was said, as JSON has it."""
        facts: dict[str, Any] = _without_infinities({**self._facts, "warnings": self.warnings})
        return facts

    def say(self, line: str, **facts: Any) -> None:
        """Print a line; with JSON, keep the facts it states instead."""
        self._facts.update(facts)
        self.lines.append(line)
        if not (self._as_json or self._quiet):
            self._print(line)

    def note(self, **facts: Any) -> None:
        """Keep facts that no line states, for JSON."""
        self._facts.update(facts)

    def warn(self, line: str, **facts: Any) -> None:
        """Print a warning where errors go; with JSON, keep it."""
        self._facts.update(facts)
        self.warnings.append(line)
        if not self._as_json:
            self._print(f"warning: {line}", err=True)

    def finish(self) -> None:
        """Print the JSON object, if one is wanted.

        Raises
        ------
        OSError
            If something could not be printed, though there was somebody to read it.
        """
        if self._as_json:
            self._print(json.dumps(self.facts, indent=2, allow_nan=False))
        if self._failure is not None:
            raise self._failure

    def _print(self, line: str, *, err: bool = False) -> None:
        try:
            click.echo(line, err=err)
        except OSError as error:
            give_up(sys.stderr if err else sys.stdout)
            # Of standard error nobody can be told.
            if not (err or isinstance(error, BrokenPipeError)):
                self._failure = OSError(error.errno, error.strerror, "standard output")


def give_up(stream: TextIO) -> None:
    """Let a stream that cannot be written go nowhere.

    Python would try once more as it ends, say that it cannot, and exit with a status of its own.
    """
    # Where it has no descriptor, it is none of the process's.
    with contextlib.suppress(OSError, ValueError):
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def flush_or_give_up() -> None:
    """Write out what standard output and standard error hold, if that is possible."""
    for stream in (sys.stdout, sys.stderr):
        # There is none where it was closed from the start.
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                give_up(stream)


def split_line(line: str) -> tuple[str, str]:
    """Split what a command says into the step and what was done.

    A step is one word, or two words that two blanks or more come after.
    """
    found = re.match(r"(\S+ \S+)  +(.*)|(\S+) *(.*)", line)
    if found is None:
        return "", line
    step, what = (part for part in found.groups() if part is not None)
    return step, what


def _without_infinities(value: Any) -> Any:
    # JSON has neither infinities nor NaN.
    if isinstance(value, dict):
        return {key: _without_infinities(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinities(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def warn_if_cut_short(file: Path, header: MapHeader, report: Report) -> None:
    """Warn of a map or a stack that has fewer bytes than its header says, packed or not."""
    from numbavol.io.cut_maps import describe_cut

    if described := describe_cut(file, header):
        report.warn(described)


def check_map_name(output: Path) -> None:
    """Refuse a name that no map has: what is of another kind would be replaced, or not be found.

    Folders are left to `check_output`.

    Raises
    ------
    click.UsageError
        If it is one.
    """
    name = output.name.lower().removesuffix(".gz")
    if not (name.endswith(MAP_SUFFIXES) or output.is_dir()):
        hint = "; .mrcs names stacks of images" if name.endswith(".mrcs") else ""
        msg = (
            f"-o: expected a name that ends in {', '.join(MAP_SUFFIXES)}, or one of these and "
            f".gz, got {output}{hint}"
        )
        raise click.UsageError(msg)


def add_to_stem(output: Path, text: str) -> Path:
    """Add to the name of a file, before all that says what it is: ``map_half1.mrc.gz``."""
    stem, suffix = output.stem, output.suffix
    if suffix.lower() == ".gz":
        inner = Path(stem)
        stem, suffix = inner.stem, inner.suffix + suffix
    return output.with_name(f"{stem}{text}{suffix}")


def check_output(output: Path, source: Path, what: str, overwrite: bool) -> None:
    """Refuse a file that cannot be written: before the work, not after it.

    Parameters
    ----------
    output
        The file to write.
    source
        The file that is read.
    what
        What that is, in a word.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    ValueError
        If `output` cannot be written, or is `source`. The message says why.
    """
    if output.is_dir():
        msg = f"{output}: expected the name of a file to write, got a folder"
    elif output.exists() and source.exists() and output.samefile(source):
        msg = f"{output}: that is the {what} itself"
    elif output.exists() and not overwrite:
        msg = f"{output}: the file exists; --overwrite replaces it"
    elif not output.parent.is_dir():
        msg = f"{output}: there is no folder {output.parent}"
    elif not os.access(output.parent, os.W_OK):
        msg = f"{output}: nothing may be written in {output.parent}"
    else:
        return
    raise ValueError(msg)


def check_inputs_stay(outputs: Sequence[Path | None], inputs: Sequence[Path | None]) -> None:
    """Refuse to write over what is read, whatever may be replaced.

    Parameters
    ----------
    outputs, inputs
        The files that are written, and all that are read; None where there is none.

    Raises
    ------
    ValueError
        If one is both.
    """
    for output in outputs:
        for source in inputs:
            if output is None or source is None or not (output.exists() and source.exists()):
                continue
            if output.samefile(source):
                msg = f"{output}: that is one of the files that are read"
                raise ValueError(msg)


def count_elements(elements: Mapping[str, int]) -> str:
    """Write counts of elements, the most frequent first: ``C 3405, O 1278``."""
    ordered = sorted(elements.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{symbol} {count}" for symbol, count in ordered)


def plural(count: int, noun: str) -> str:
    """Write a count and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
