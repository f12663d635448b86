"""The blocks of a STAR file, and columns of numbers."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from itertools import dropwhile, islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gemmi import cif

from numbavol.io.whole_file import write_whole_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

# What gemmi's C++ exceptions arrive as. `MemoryError` is not among them and passes.
_GEMMI_ERRORS = (RuntimeError, ValueError, IndexError)
# gemmi calls what it reads "data", unless that comes from a file.
_GEMMI_PLACE = re.compile(r"^data:(\d+)(?::\d+\(\d+\)|(?= in ))")
_GEMMI_NAME = "data: "
_WRONG_NUMBER = re.compile(r"(\d+):\d+\(\d+\): Wrong number of values in loop")
# A value, in quotes or not, of a line; or the comment after them.
_VALUE = re.compile(rb"""'.*?'(?=\s|$)|".*?"(?=\s|$)|[^\s#]\S*|\#.*""")
_NO_ROW = re.compile(rb"(?:_|loop_|data_)", re.IGNORECASE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class StarBlock:
    """A block of a STAR file, by the exact names of its columns.

    Parameters
    ----------
    block
        As gemmi has it.
    text
        What gemmi has read.
    unescape
        Makes texts of what gemmi has.
    """

    def __init__(self, block: cif.Block, text: bytes, unescape: Callable[[str], str] = str) -> None:
        self.name = unescape(block.name).strip()  # gemmi calls one without a name " "
        self._block, self._text, self._unescape = block, text, unescape

    def __contains__(self, tag: str) -> bool:
        """Whether it has a column."""
        # gemmi finds names in upper and lower case alike, RELION does not.
        return bool(self._block.find_values(tag).tag == tag)

    def numbers(self, tag: str) -> NDArray[np.float64]:
        """Read a column of finite numbers.

        Raises
        ------
        ValueError
            If a cell is something else; says which.
        """
        column = list(self._block.find_values(tag))
        numbers = None
        if _is_free_of_pythons_signs("".join(column)):
            # Unless something is no number, or stands in quotes.
            with suppress(ValueError):
                numbers = np.fromiter(map(float, column), np.float64, len(column))
        if numbers is None:
            numbers = np.array([_number(cell) for cell in column])
        if not np.isfinite(numbers).all():
            row = int(np.argmin(np.isfinite(numbers)))
            msg = (
                f"data_{self.name}: {tag} of row {row + 1} is {self._unescape(column[row])}, "
                f"expected a finite number{self._say_line(tag, row)}"
            )
            raise ValueError(msg)
        return numbers

    def _say_line(self, tag: str, row: int) -> str:
        """Say on which line a row is, where each has a line of its own."""
        # A pair has no loop, and gemmi says that its type is one.
        loops = [item for item in self._block if getattr(item, "loop", None) is not None]
        found = next((item for item in loops if tag in item.loop.tags), None)
        if found is None:
            return ""
        rows = list(islice(_find_rows(self._text, found.line_number), row + 1))
        is_one_a_line = len(rows) > row and all(n == found.loop.width() for _, n in rows)
        return f" (line {rows[row][0]})" if is_one_a_line else ""

    def texts(self, tag: str) -> tuple[str, ...] | None:
        """Read a column of texts; None where there is none."""
        if tag not in self:
            return None
        return tuple(self._unescape(cif.as_string(cell)) for cell in self._block.find_values(tag))


def read_number(text: str) -> float:
    """Read a number, as programs do that know no `1_000`.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not _is_free_of_pythons_signs(text):
        msg = f"expected a number, got {text!r}"
        raise ValueError(msg)
    return float(text)


def _is_free_of_pythons_signs(text: str) -> bool:
    return "_" not in text and text.isascii()


def _number(cell: str) -> float:
    try:
        return read_number(cif.as_string(cell))
    except ValueError:
        return np.nan


def parse_star_blocks(text: bytes) -> list[StarBlock]:
    """Parse the blocks of a STAR file; texts that are not ASCII are UTF-8, or else Latin-1.

    Raises
    ------
    RuntimeError, ValueError
        If it is none: see `explain_star_errors`.
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if text.isascii():
        return [StarBlock(block, text) for block in _parse(text)]
    text = _escape(text)
    return [StarBlock(block, text, _unescape) for block in _parse(text)]


def _parse(text: bytes) -> cif.Document:
    try:
        return cif.read_string(text)
    except ValueError as error:
        if not (found := _WRONG_NUMBER.search(str(error))):
            raise
        # Which is that of the loop; the line of the row is what helps.
        loop = int(found[1])
        width = _count_columns(text, loop)
        for line, n in _find_rows(text, loop):
            if width and n % width:
                msg = (
                    f"line {line}: Wrong number of values in loop of line {loop}, which has "
                    f"{width} columns, got {n}"
                )
                raise ValueError(msg) from error
        raise


def _lines_after(text: bytes, line: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines after one that are not empty, with their numbers and without spaces."""
    for number, content in enumerate(text.splitlines()[line:], line + 1):
        if (stripped := content.strip()) and not stripped.startswith(b"#"):
            yield number, stripped


def _count_columns(text: bytes, loop: int) -> int:
    lines = takewhile(lambda found: found[1].startswith(b"_"), _lines_after(text, loop))
    return sum(value.startswith(b"_") for _, line in lines for value in _VALUE.findall(line))


def _find_rows(text: bytes, loop: int) -> Iterator[tuple[int, int]]:
    """Yield the number of each line of a loop's values, and how many it has."""
    lines = dropwhile(lambda found: found[1].startswith(b"_"), _lines_after(text, loop))
    for number, content in takewhile(lambda found: not _NO_ROW.match(found[1]), lines):
        values = _VALUE.findall(content)
        yield number, sum(not value.startswith(b"#") for value in values)


def _escape(text: bytes) -> bytes:
    """Write what is not ASCII in words of it: gemmi takes nothing else outside of quotes."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        decoded = text.decode("latin-1")
    return decoded.replace("\\", "\\\\").encode("ascii", "backslashreplace")


def _unescape(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape")


@contextmanager
def explain_star_errors(filename: str | os.PathLike[str], what: str) -> Iterator[None]:
    """Let every error of reading a STAR file name it, and what was looked for in it.

    Raises
    ------
    ValueError
        In place of what leaves the block.
    """
    try:
        yield
    except _GEMMI_ERRORS as error:
        reason = _GEMMI_PLACE.sub(r"line \1", str(error).strip()).removeprefix(_GEMMI_NAME)
        if "Wrong number of values in loop _" in reason:
            reason += "; values that begin with _, $, data_ or save_ have to be quoted"
        msg = f"{filename}: no {what} that can be read: {reason}"
        raise ValueError(msg) from error


def read_star_columns(
    filename: str | os.PathLike[str], what: str, tags: Sequence[str]
) -> list[NDArray[np.float64]]:
    """Read columns of numbers, of the only block that has them all.

    Parameters
    ----------
    filename
        A STAR file.
    what
        What the columns are, for errors.
    tags
        Their names.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no STAR file, no block or several have these columns, or a value is no finite
        number; names the file.
    """
    text = Path(filename).read_bytes()
    with explain_star_errors(filename, what):
        blocks = parse_star_blocks(text)
        found = [block for block in blocks if all(tag in block for tag in tags)]
        if len(found) != 1:
            names = ", ".join(f"data_{block.name}" for block in found or blocks) or "no block"
            msg = f"expected one block with {' and '.join(tags)}, got {len(found)} (in {names})"
            raise ValueError(msg)
        return [found[0].numbers(tag) for tag in tags]


def write_star_columns(
    filename: str | os.PathLike[str],
    name: str,
    columns: Mapping[str, NDArray[np.float64]],
    *,
    overwrite: bool,
) -> None:
    """Write columns of numbers with all their digits, whole or not at all.

    Parameters
    ----------
    filename
        The file to write.
    name
        Of the block.
    columns
        By their names.
    overwrite
        Whether to replace an existing file.

    Raises
    ------
    OSError
        If it cannot be written, or exists and is not to be replaced.
    """
    block = cif.Block(name)
    texts = [list(map(repr, column.tolist())) for column in columns.values()]
    block.init_loop("", list(columns)).set_all_values(texts)
    with write_whole_file(filename, overwrite=overwrite) as file:
        file.write(block.as_string().encode("ascii"))
