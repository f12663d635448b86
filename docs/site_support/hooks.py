"""What the site's build does besides: a folder for the examples, and formulas as MathML.

Examples run in a folder of their own, which holds the packaged structure. Formulas need neither a
script nor a network.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

from numbavol.data import enterotoxin

HERE = Path(__file__).parent
FORMULA = re.compile(r'<(span|div) class="arithmatex">(.*?)</\1>', re.DOTALL)


def on_pre_build(config: Any) -> None:
    """Enter the folder; its commands are those of this Python."""
    sys.path.insert(0, str(HERE))
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    config["numbavol_was_in"] = Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="numbavol-site-"))
    shutil.copy(enterotoxin(), folder / "1tii.cif.gz")
    os.chdir(folder)


def on_post_build(config: Any) -> None:
    """Leave the folder, and remove it."""
    folder = Path.cwd()
    os.chdir(config["numbavol_was_in"])
    shutil.rmtree(folder)


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas into MathML."""
    return FORMULA.sub(_as_mathml, content)


def _as_mathml(found: re.Match[str]) -> str:
    tex = html.unescape(found[2]).strip().removeprefix(r"\(").removesuffix(r"\)")
    tex = tex.removeprefix(r"\[").removesuffix(r"\]")
    mathml: str = convert(tex.strip(), display="block" if found[1] == "div" else "inline")
    return mathml
