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


# The folder that the build was started in, and that of its examples.
_entered: list[tuple[Path, Path]] = []


def on_pre_build(**_: Any) -> None:
    """Enter the folder; its commands are those of this Python."""
    sys.path.insert(0, str(HERE))
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    folder = Path(tempfile.mkdtemp(prefix="numbavol-site-"))
    _entered.append((Path.cwd(), folder))
    shutil.copy(enterotoxin(), folder / "1tii.cif.gz")
    os.chdir(folder)


def on_post_build(**_: Any) -> None:
    """Leave the folder, and remove that one, wherever an example has gone."""
    while _entered:
        before, folder = _entered.pop()
        os.chdir(before)
        shutil.rmtree(folder)


def on_build_error(**_: Any) -> None:
    """Do the same where the build fails."""
    on_post_build()


def on_page_content(content: str, **_: Any) -> str:
    """Turn formulas into MathML."""
    return FORMULA.sub(_as_mathml, content)


def _as_mathml(found: re.Match[str]) -> str:
    tex = html.unescape(found[2]).strip().removeprefix(r"\(").removesuffix(r"\)")
    tex = tex.removeprefix(r"\[").removesuffix(r"\]")
    mathml: str = convert(tex.strip(), display="block" if found[1] == "div" else "inline")
    return mathml
