"""What commands have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from numbavol.cli import main
from numbavol.cli.command import numbavol_command
from numbavol.data import enterotoxin

NUMBAVOL = Path(sys.executable).with_name("numbavol")
# A word has one meaning in every command.
SAME_EVERYWHERE = ("threads", "device", "overwrite", "page", "quiet", "as_json", "b_factors")


def list_commands() -> dict[str, click.Command]:
    """All that do something, by the words that a user writes."""
    found: dict[str, click.Command] = {}
    for name, command in numbavol_command.commands.items():
        if isinstance(command, click.Group):
            found.update({f"{name} {word}": each for word, each in command.commands.items()})
        else:
            found[name] = command
    return found


COMMANDS = list_commands()


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {
        str(option.name): option for option in command.params if isinstance(option, click.Option)
    }


@pytest.mark.parametrize("name", {**COMMANDS, **numbavol_command.commands})
def test_help_has_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    output = capsys.readouterr().out
    assert f"\n    numbavol {name}" in output.partition("Examples:")[2] or name == "completion"
    assert max(map(len, output.splitlines())) <= 100


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"completion"}))
def test_every_command_can_be_quiet_and_speak_json(name: str) -> None:
    assert {"quiet", "as_json"} <= set(options_of(COMMANDS[name]))


@pytest.mark.parametrize("option", SAME_EVERYWHERE)
def test_options_are_named_and_worded_alike(option: str) -> None:
    found = {
        (tuple(options[option].opts), options[option].help)
        for command in COMMANDS.values()
        if option in (options := options_of(command))
    }
    assert len(found) == 1


def test_quiet_prints_warnings_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--box", "8", "--quiet"]
    assert main(["render", str(enterotoxin()), "-o", str(tmp_path / "map.mrc"), *options]) == 0
    output, error = capfd.readouterr()
    assert output == ""
    assert error.startswith("warning: ")
    assert error.count("\n") == 1


@pytest.mark.compiled
def test_output_that_is_no_terminal_has_no_bar_and_no_colour(tmp_path: Path) -> None:
    command = [
        NUMBAVOL,
        "project",
        enterotoxin(),
        "-o",
        tmp_path / "s.mrcs",
        "--poses",
        "random:20",
    ]
    done = subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "FORCE_COLOR": "0"}
    )
    assert b"\x1b" not in done.stdout + done.stderr
    assert done.stderr == b""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "_NUMBAVOL_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["numbavol", "re"], "render"),
        (["numbavol", "render", "--vox"], "--voxel-size"),
        (["numbavol", "render", "--method", "f"], "fft"),
        (["numbavol", "project", "--poses", ""], "random:"),
    ],
)
def test_a_shell_completes_words(words: list[str], expected: str) -> None:
    environment = {
        **os.environ,
        "_NUMBAVOL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([NUMBAVOL], check=True, capture_output=True, text=True, env=environment)
    assert f"plain,{expected}" in done.stdout.splitlines()


@pytest.mark.compiled
@pytest.mark.heavy
def test_commands_compile_nothing_after_warmup(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBAVOL_CACHE_DIR": str(tmp_path / "cache")}

    def run(*arguments: object) -> set[Path]:
        command = [str(NUMBAVOL), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=tmp_path)
        return set((tmp_path / "cache").rglob("*.kernel"))

    warm = run("warmup")
    assert warm
    model = enterotoxin()
    for method in ("gaussian", "fft"):
        assert run("render", model, "-o", f"{method}.mrc", "--method", method) == warm
        assert run(
            "project", model, "-o", f"{method}.mrcs", "--method", method, "--poses", "random:3",
            "--offsets", 2,
        ) == warm  # fmt: skip
    for method in ("spline", "linear", "voxels"):
        assert run(
            "project", "fft.mrc", "-o", f"{method}.mrcs", "--method", method, "--poses",
            "random:3", "--offsets", 2,
        ) == warm  # fmt: skip
    assert run("filter", "fft.mrc", "-o", "small.mrc", "--lowpass", 6, "--voxel-size", 2) == warm
    assert run("fsc", "fft.mrc", "gaussian.mrc") == warm
    assert run("noise", "estimate", "fft.mrcs", "-o", "spectrum.star", "--mask-radius", 0) == warm


def test_warmup_says_what_it_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBAVOL_CACHE_DIR", str(tmp_path))
    assert main(["warmup", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"].startswith(str(tmp_path))
