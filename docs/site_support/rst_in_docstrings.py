"""Docstrings are numpydoc, in reStructuredText; the site is in Markdown."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

MATH_BLOCK = re.compile(r"^( *)\.\. math::[ \n]*(.*(?:\n(?:\1 +.*)?)*)", re.MULTILINE)
MATH = re.compile(r":math:`([^`]+)`")
DIRECTIVE = re.compile(r"^( *)\.\. (\w+):: *(.*)$", re.MULTILINE)
FOOTNOTE = re.compile(r"^( *)\.\. \[(\d+)\] ", re.MULTILINE)
REFERENCE = re.compile(r" \[(\d+)\]_")


class MarkdownDocstrings(griffe.Extension):
    """Translate the few roles and directives that the docstrings have."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Translate the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = translate(obj.docstring.value)


def translate(text: str) -> str:
    """Write a docstring's formulas and notes as Markdown has them."""
    text = MATH_BLOCK.sub(_as_block, text)
    text = MATH.sub(lambda found: f"${found[1]}$", text)
    text = FOOTNOTE.sub(r"\1- \2: ", text)
    text = REFERENCE.sub(r" (\1)", text)
    if unknown := DIRECTIVE.search(text):
        msg = f"a directive that the site does not know: {unknown[0].strip()}"
        raise ValueError(msg)
    return text


def _as_block(found: re.Match[str]) -> str:
    formula = textwrap.dedent(found[2]).strip()
    return textwrap.indent(f"$$\n{formula}\n$$\n\n", found[1])
