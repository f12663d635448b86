"""Docstrings are numpydoc, in reStructuredText; the site is in Markdown."""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from functools import partial
from typing import Any

import griffe

import numbavol

MATH_BLOCK = re.compile(r"^( *)\.\. math::[ \n]*(.*(?:\n(?:\1 +.*)?)*)", re.MULTILINE)
MATH = re.compile(r":math:`([^`]+)`")
DIRECTIVE = re.compile(r"^( *)\.\. (\w+):: *(.*)$", re.MULTILINE)
FOOTNOTE = re.compile(r"^( *)\.\. \[(\d+)\] ", re.MULTILINE)
REFERENCE = re.compile(r" \[(\d+)\]_")
# Names in single backquotes, but for those in code: between double ones, or after a prompt.
NAME = re.compile(r"(?<!`)`(?:numbavol\.)?([A-Za-z][\w.]*)`(?!`)")
CODE = re.compile(r"^ *(?:>>>|\.\.\.)")
SEE_ALSO = re.compile(r"^( *)See Also\n\1-+\n((?:\1\S.*\n?)+)", re.MULTILINE)
RELATED = re.compile(r"^( *)([\w.]+) : ", re.MULTILINE)
RETURNS = re.compile(r"^( *)Returns\n\1-+\n((?:\1.*\S.*(?:\n|$))+)", re.MULTILINE)
# What stands alone in a line of theirs and is no name.
TYPES = {"bool", "callable", "dict", "float", "int", "list", "ndarray", "object", "str", "tuple"}
# Where what `numbavol` does not import by itself is found.
MODULES = ("atoms", "data", "plot", "projection")


class MarkdownDocstrings(griffe.Extension):
    """Translate the few roles and directives that the docstrings have."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Translate the docstring of an object."""
        if obj.docstring:
            # Of several tuples, which item is of which type cannot be said.
            has_items = "|" not in str(getattr(obj, "returns", ""))
            obj.docstring.value = translate(obj.docstring.value, names_items=has_items)


def translate(text: str, *, names_items: bool = True) -> str:
    """Write a docstring's formulas, names and notes as Markdown has them."""
    text = MATH_BLOCK.sub(_as_block, text)
    text = MATH.sub(lambda found: f"${found[1]}$", text)
    text = FOOTNOTE.sub(r"\1- \2: ", text)
    text = REFERENCE.sub(r" (\1)", text)
    text = SEE_ALSO.sub(lambda found: RELATED.sub(r"\1- `\2`: ", found[0]), text)
    text = RETURNS.sub(partial(_as_returns, names_items=names_items), text)
    if unknown := DIRECTIVE.search(text):
        msg = f"a directive that the site does not know: {unknown[0].strip()}"
        raise ValueError(msg)
    lines = text.split("\n")
    return "\n".join(line if CODE.match(line) else NAME.sub(_as_link, line) for line in lines)


def _as_returns(found: re.Match[str], *, names_items: bool) -> str:
    """Tell names and sentences from types, which is what a line is read as without a colon."""
    indent, body = found[1], found[2]
    heading = found[0].removesuffix(body)
    lines = [line.removeprefix(indent) for line in body.splitlines()]
    if lines[-1].endswith(".") and not any(line.startswith(" ") for line in lines):
        lines = [":", *(f"    {line}" for line in lines)]
    lines = [
        f"{line} :"
        if names_items and re.fullmatch(r"[a-z]\w*", line) and line not in TYPES
        else line
        for line in lines
    ]
    return heading + "".join(f"{indent}{line}\n" for line in lines)


@functools.cache
def find_address(name: str) -> str | None:
    """Find where the site documents a name: `project`, `plot.plot_map`, `ImageConfig.shape`."""
    owner, _, member = name.partition(".")
    if owner in MODULES:
        module = getattr(numbavol, owner)
        return f"numbavol.{name}" if member in module.__all__ else None
    if owner not in numbavol.__all__:
        for module_name in MODULES:
            if owner in getattr(numbavol, module_name).__all__:
                return None if member else f"numbavol.{module_name}.{owner}"
        return None
    thing = getattr(numbavol, owner)
    if inspect.ismodule(thing):
        return None
    is_shown = not member or (not member.startswith("_") and member in dir(thing))
    return f"numbavol.{name}" if is_shown else None


def _as_link(found: re.Match[str]) -> str:
    address = find_address(found[1])
    return found[0] if address is None else f"[{found[0]}][{address}]"


def _as_block(found: re.Match[str]) -> str:
    formula = textwrap.dedent(found[2]).strip()
    return textwrap.indent(f"$$\n{formula}\n$$\n\n", found[1])
