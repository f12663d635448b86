"""The README's own commands, in a fresh clone and an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"; [\d.]+ s$")
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.compiled,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout"),
]


def blocks(language: str) -> list[str]:
    return [
        text for found, text in FENCE.findall((ROOT / "README.md").read_text()) if found == language
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that the README's first command has set up."""
    folder = tmp_path_factory.mktemp("fresh") / "numbavol"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder], check=True)
    (command, _), *_ = [re.findall(r"^\$ (\S+)", text, re.MULTILINE) for text in blocks("console")]
    subprocess.run([folder / command], check=True, env=environment(folder), cwd=folder.parent)
    return folder


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG"))}
    own = folder / ".venv" / "bin"
    return {**kept, "HOME": str(folder.parent), "PATH": f"{own}{os.pathsep}{os.environ['PATH']}"}


def test_the_first_command_leaves_a_map_and_its_picture(clone: Path) -> None:
    assert (clone / "quickstart" / "1tii.mrc").stat().st_size > 2**20
    assert (clone / "quickstart" / "1tii.png").read_bytes().startswith(b"\x89PNG")


def test_commands_print_what_the_readme_says(clone: Path) -> None:
    folder = clone / "try"
    folder.mkdir()
    shutil.copy(clone / "numbavol" / "data" / "1tii.cif.gz", folder)
    sessions = [text for text in blocks("console") if text.startswith("$ numbavol")]
    assert sessions
    for text in sessions:
        command, *expected = text.splitlines()
        done = subprocess.run(
            command.removeprefix("$ "), shell=True, check=True, capture_output=True, text=True,
            env=environment(clone), cwd=folder,
        )  # fmt: skip
        said = [SECONDS.sub("", line) for line in done.stdout.splitlines()]
        assert said == [SECONDS.sub("", line) for line in expected]


def test_the_python_of_the_readme_runs(clone: Path) -> None:
    script = clone / "try.py"
    script.write_text("".join(blocks("python")))
    python = clone / ".venv" / "bin" / "python"
    subprocess.run([python, script], check=True, env=environment(clone), cwd=clone)
    assert (clone / "turned.mrc").exists()
