"""What PTX consists of: statements, operands and types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = {
    "pred": "uint8_t",
    **{f"{kind}{bits}": f"uint{bits}_t" for kind in "bu" for bits in (8, 16, 32, 64)},
    **{f"s{bits}": f"int{bits}_t" for bits in (8, 16, 32, 64)},
    "f32": "float",
    "f64": "double",
}
"""Types of C by types of PTX."""

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_OF_THE_FILE = re.compile(r"\.(?:version|target|address_size)[^\n]*")
_SPACE = re.compile(r"\s*")
_LABEL = re.compile(r"[$\w]+:")
_FUNCTION = re.compile(r"(?:\.visible\s+|\.weak\s+)?\.(?:entry|func)\b")


def count_bytes(kind: str) -> int:
    """Bytes of a number of a type of PTX."""
    return 1 if kind == "pred" else int(kind[1:]) // 8


def split_statements(ptx: str) -> Iterator[str]:
    """Yield braces, labels, heads of functions, declarations and instructions, in their order."""
    text = _OF_THE_FILE.sub("", _COMMENT.sub("", ptx))
    at = _SPACE.match(text).end()
    while at < len(text):
        label = _LABEL.match(text, at)
        if text[at] in "{}":
            end, after = at + 1, at + 1
        elif label:
            end = after = label.end()
        else:
            end = text.index(";", at)
            # A function that is declared ends as an instruction does, one that is made in a brace.
            if _FUNCTION.match(text, at) and "{" in text[at:end]:
                end = after = text.index("{", at)
            else:
                after = end + 1
        yield " ".join(text[at:end].split())
        at = _SPACE.match(text, after).end()


def split_operands(text: str) -> list[str]:
    """Split at commas that are in no brackets."""
    operands, depth = [""], 0
    for character in text:
        depth += (character in "{[(") - (character in "}])")
        if character == "," and depth == 0:
            operands.append("")
        else:
            operands[-1] += character
    return [operand.strip() for operand in operands if operand.strip()]


def split_vector(operand: str) -> list[str]:
    """Take the parts of ``{%f1, %f2}``; of one that has no braces, itself."""
    return [part.strip() for part in operand.strip("{}").split(",")]


def split_address(operand: str) -> tuple[str, int]:
    """Take a name and an offset in bytes from ``[%rd1+8]``."""
    name, _, offset = operand.strip("[] ").partition("+")
    return name.strip(), int(offset or 0)
