"""PDB columns that gemmi would misread without a word, put right or refused.

The PDB format is a table of fixed columns, and old or sloppy files use some of them for
other things. gemmi takes asterisks in a coordinate for 0, a line number in columns 77-80 for
a charge, text there for an element, and stops at the first END. This module looks at all
atom lines at once, as a table of characters, and hands gemmi a text that it reads right.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import gemmi
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Characters = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

_WIDTH = 80
_SPACE = ord(" ")

# Columns of the format, counted from 0.
_NAME = slice(12, 16)
_RESIDUE = slice(17, 20)
_COORDINATES = slice(30, 54)
_OCCUPANCY = slice(54, 60)
_B_FACTOR = slice(60, 66)
_ELEMENT = slice(76, 78)
_CHARGE = slice(78, 80)

# What gemmi takes where a line ends before the column, or an mmCIF file has no value.
_DEFAULT_OCCUPANCY = b"1"
_DEFAULT_B_FACTOR = b"20"

# In these every element has one letter, the first of the atom's name.
_ONE_LETTER_RESIDUES = (
    b"ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL "
    b"A C G U T DA DC DG DT"
).split()

_END_OF_FRAME = re.compile(rb"^END(?!MDL)[^\n\r]*", re.MULTILINE | re.IGNORECASE)


def prepare_pdb(text: bytes) -> bytes:
    """Return the text of a PDB file that has atoms, with their lines made safe for gemmi.

    Raises
    ------
    ValueError
        If a coordinate, an occupancy or a B-factor is not a number; says the line.
    """
    # The padding lets every line be read as 80 characters.
    buffer = np.frombuffer(bytearray(text + b"\n" + b" " * _WIDTH), dtype=np.uint8)
    ends = np.flatnonzero(buffer == ord("\n"))
    starts = np.concatenate(([0], ends[:-1] + 1))
    records = _pack(sliding_window_view(buffer, 4)[starts].T & 0xDF)
    is_atom = (records == _code(b"ATOM")) | (records == _code(b"HETA"))
    lines = np.flatnonzero(is_atom)

    starts, ends = starts[is_atom], ends[is_atom]
    lengths = ends - starts - (buffer[ends - 1] == ord("\r"))
    # Shape (80, n): what is asked of every line is then one long vector operation.
    columns = np.ascontiguousarray(sliding_window_view(buffer, _WIDTH)[starts].T)
    is_missing = np.arange(_WIDTH)[:, None] >= lengths
    columns[is_missing] = _SPACE

    _check_numbers(columns, lines + 1)
    fixed = columns.copy()
    _fill_blank(fixed[_OCCUPANCY], _DEFAULT_OCCUPANCY)
    _fill_blank(fixed[_B_FACTOR], _DEFAULT_B_FACTOR)
    _clear_misused_columns(fixed)
    _shift_left_justified_names(fixed)

    column, line = np.nonzero((fixed != columns) & ~is_missing)
    buffer[starts[line] + column] = fixed[column, line]
    prepared = buffer[: len(text)].tobytes()

    is_end = (records >> 8 == _code(b"END")) & (records & 0xFF != ord("M"))
    if is_end[: lines[-1]].any():
        # Frames of a trajectory parted by END alone; gemmi would stop at the first.
        prepared = _END_OF_FRAME.sub(b"ENDMDL", prepared)
    return prepared


def _pack(characters: NDArray[np.integer[Any]]) -> NDArray[np.uint32]:
    """Make one integer of up to four characters, along the first axis."""
    code = np.zeros(characters.shape[1:], dtype=np.uint32)
    for character in characters:
        code = code << np.uint32(8) | character
    return code


def _code(word: bytes) -> int:
    return int.from_bytes(word, "big")


def _check_numbers(columns: Characters, line_numbers: NDArray[np.intp]) -> None:
    for where, n_fields, may_be_blank in (
        (_COORDINATES, 3, False),
        (slice(_OCCUPANCY.start, _B_FACTOR.stop), 2, True),
    ):
        fields = columns[where].reshape(n_fields, -1, columns.shape[1])
        is_filled = fields != _SPACE
        # A field that holds the end of one number and the start of another is out of step.
        n_words = is_filled[:, 0] + np.sum(
            is_filled[:, 1:] & ~is_filled[:, :-1], axis=1, dtype=np.uint8
        )
        is_number = _IS_NUMERIC[fields].all(axis=1) & _IS_DIGIT[fields].any(axis=1) & (n_words == 1)
        if may_be_blank:
            is_number |= n_words == 0
        if not is_number.all():
            line, field = np.argwhere(~is_number.T)[0]
            width = fields.shape[1]
            first = where.start + width * field + 1
            content = fields[field, :, line].tobytes().decode("latin-1")
            msg = (
                f"line {line_numbers[line]}, columns {first}-{first + width - 1}: expected a "
                f"number, not {content!r}"
            )
            raise ValueError(msg)


def _fill_blank(field: Characters, value: bytes) -> None:
    # Only the leading columns of the field are sure to exist where gemmi reads it at all.
    is_blank = (field == _SPACE).all(axis=0)
    for row, character in zip(field, value, strict=False):
        row[is_blank] = character


def _clear_misused_columns(columns: Characters) -> None:
    """Blank what is no element in columns 77-78 and no charge in columns 79-80.

    A pair of letters can be an element by accident ("CHAINA" has sodium in columns 77-78), so
    the file is asked as a whole: its columns 77-78 are elements if at least half of the lines
    with a letter there hold one that occurs in the atom's name.
    """
    symbol = _TO_UPPER[columns[_ELEMENT]]
    is_short = symbol[0] == _SPACE
    first = np.where(is_short, symbol[1], symbol[0])
    second = np.where(is_short, symbol[0], symbol[1])
    has_letter = _IS_LETTER[symbol].any(axis=0)
    is_element = has_letter & _IS_ELEMENT[first, second]

    name = _TO_UPPER[columns[_NAME]]
    is_in_name = np.where(
        second == _SPACE,
        (name == first).any(axis=0),
        ((name[:-1] == first) & (name[1:] == second)).any(axis=0),
    )
    if 2 * np.count_nonzero(is_element & is_in_name) < np.count_nonzero(has_letter):
        is_element[:] = False
    columns[_ELEMENT][:, ~is_element] = _SPACE

    charge = columns[_CHARGE]
    is_digit = _IS_DIGIT[charge]
    is_sign = (charge == ord("+")) | (charge == ord("-"))
    is_charge = (is_digit & is_sign[::-1]).any(axis=0)
    is_text = ~is_element & (symbol != _SPACE).any(axis=0)
    charge[:, ~is_charge | is_text] = _SPACE


def _shift_left_justified_names(columns: Characters) -> None:
    """Put names such as "CA  " in their place, where no element says that it is carbon.

    A one-letter element belongs in column 14. gemmi goes by that, and takes an alpha carbon
    whose name starts in column 13 for calcium.
    """
    has_no_element = (columns[_ELEMENT] == _SPACE).all(axis=0)
    name = columns[_NAME]
    is_left = _IS_LETTER[name[0]] & (name[-1] == _SPACE)
    lines = np.flatnonzero(has_no_element & is_left)
    residues = _pack(columns[_RESIDUE][:, lines])
    is_standard = np.isin(residues, [_code(residue.rjust(3)) for residue in _ONE_LETTER_RESIDUES])
    lines = lines[is_standard]
    name[:, lines] = np.roll(name[:, lines], 1, axis=0)


def _characters(members: bytes) -> Mask:
    table = np.zeros(256, dtype=np.bool_)
    table[np.frombuffer(members, dtype=np.uint8)] = True
    return table


def _elements() -> Mask:
    table = np.zeros((256, 256), dtype=np.bool_)
    for symbol in ("X", "D", *(gemmi.Element(number).name for number in range(1, 119))):
        first, second = symbol.upper().ljust(2).encode()
        table[first, second] = True
    return table


# Indexed by a character.
_TO_UPPER = np.frombuffer(bytes(range(256)).upper(), dtype=np.uint8)
_IS_LETTER = _characters(string.ascii_letters.encode())
_IS_DIGIT = _characters(string.digits.encode())
_IS_NUMERIC = _characters(b" +-.Ee" + string.digits.encode())
_IS_ELEMENT = _elements()
