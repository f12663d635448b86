"""What commands have in common."""

from __future__ import annotations

import functools
import io
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import numbavol
from numbavol.cli import common_options, main
from numbavol.cli.command import numbavol_command
from numbavol.data import enterotoxin
from numbavol.kernels import threads
from numbavol.kernels.dispatch import MODULES, find_kernel

FULL = Path("/dev/full")
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


def test_threads_are_bounded_as_in_the_library() -> None:
    assert common_options.MOST_THREADS == threads.MOST_THREADS


def test_who_comes_second_to_a_name_is_told_of_the_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "map.mrc"
    write = numbavol.write_map

    def come_second(*arguments: object, **options: object) -> None:
        output.write_text("of another process")
        write(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(numbavol, "write_map", come_second)
    assert main(["render", str(enterotoxin()), "-o", str(output), "--box", "8", "--quiet"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"numbavol: error: {output}: the file exists; --overwrite replaces it"
    assert output.read_text() == "of another process"


def test_quiet_prints_warnings_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--box", "8", "--quiet"]
    assert main(["render", str(enterotoxin()), "-o", str(tmp_path / "map.mrc"), *options]) == 0
    output, error = capfd.readouterr()
    assert output == ""
    assert error.startswith("warning: ")
    assert error.count("\n") == 1


@pytest.mark.skipif(not FULL.exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize(
    "arguments", [["info", str(enterotoxin())], ["info", "--system", "--json"]]
)
def test_output_that_cannot_be_written_is_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FULL.open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(full, write_through=True))
        assert main(arguments) == 1
        monkeypatch.undo()
    error = capsys.readouterr().err
    assert error == "numbavol: error: standard output: No space left on device\n"


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
    assert f"plain,{expected}" in complete(words)


@pytest.mark.parametrize(
    ("begun", "offered"),
    [
        ("", ["plain,random:", "plain,grid:"]),
        ("g", ["plain,grid:"]),
        ("particles", ["file,particles"]),
    ],
)
def test_poses_are_words_or_a_file(begun: str, offered: list[str]) -> None:
    # Beside files, bash offers no words.
    assert complete(["numbavol", "project", "--poses", begun]) == offered


def complete(words: list[str]) -> list[str]:
    environment = {
        **os.environ,
        "_NUMBAVOL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([NUMBAVOL], check=True, capture_output=True, text=True, env=environment)
    return done.stdout.splitlines()


USUAL_CALLS = """
import numpy as np
import numbavol
config = numbavol.ImageConfig((8, 8), 1.0)
for dtype in (np.float32, np.float64):
    density = np.ones((8, 8, 8), dtype)
    for poses in (numbavol.EulerAnglePose(), numbavol.draw_random_poses(2, rng=0)):
        for volume in (
            numbavol.FourierVoxelGridVolume.from_real_voxel_grid(density),
            numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(density),
        ):
            numbavol.project(volume, poses, config)
            numbavol.project(volume, poses, config, integrator=numbavol.EwaldSphereExtraction())
    fourier = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(density)
    numbavol.map_coordinates(fourier.fourier_voxel_grid, np.ones((3, 1)), order=1)
    numbavol.map_coordinates_spline(numbavol.compute_spline_coefficients(density), np.ones((3, 1)))
    for n in (1, 4, 5, 7):
        shape = (1, n)
        volume = numbavol.GaussianMixtureVolume(np.zeros((1, 3)), np.ones(shape), np.ones(shape))
        numbavol.GaussianMixtureRenderFn((8, 8, 8), 1.0, dtype=dtype)(volume)
        numbavol.project(volume, poses, config)
"""


@pytest.mark.compiled
@pytest.mark.heavy
def test_commands_and_usual_calls_compile_nothing_after_warmup(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBAVOL_CACHE_DIR": str(tmp_path / "cache")}

    def run(*arguments: object, program: Path = NUMBAVOL) -> set[Path]:
        command = [str(program), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=tmp_path)
        return set((tmp_path / "cache").rglob("*.kernel"))

    warm = run("warmup")
    assert warm
    model = enterotoxin()
    for method in ("gaussian", "fft"):
        assert run("render", model, "-o", f"{method}.mrc", "--method", method) == warm
    for source, methods in (
        (model, ("gaussian", "fft")),
        ("fft.mrc", ("spline", "linear", "voxels")),
    ):
        for method, offsets in itertools.product(methods, ((), ("--offsets", 2))):
            assert run(
                "project", source, "-o", "stack.mrcs", "--method", method, "--poses", "random:3",
                *offsets, "--overwrite",
            ) == warm, (method, offsets)  # fmt: skip
    assert run("filter", "fft.mrc", "-o", "small.mrc", "--lowpass", 6, "--voxel-size", 2) == warm
    assert run("fsc", "fft.mrc", "gaussian.mrc") == warm
    assert run("compare", model, "gaussian.mrc", "--resolution", 6) == warm
    assert run("view", "fft.mrc", "-o", "map.png") == warm
    assert run("view", "stack.mrcs", "-o", "stack.png") == warm
    assert run("noise", "estimate", "stack.mrcs", "-o", "spectrum.star", "--mask-radius", 0) == warm
    sizes = ("--number", 3, "--box", 48, "--pixel-size", 4, "--overwrite", "--snr", 1)
    for options in (
        ("--method", "spline", "--pad-scale", 1.5, "--no-ctf"),
        ("--method", "linear", "--solvent", "bulk", "--contrast", "weak_phase"),
        ("--method", "gaussian", "--ice", 300),
    ):
        assert run("simulate", model, "-o", "particles.mrcs", *sizes, *options) == warm, options
    assert run("-c", USUAL_CALLS, program=Path(sys.executable)) == warm


def test_warmup_calls_every_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    called = set()

    def record(name: str, *arguments: object) -> object:
        called.add(name)
        return kernels[name](*arguments)

    kernels = {name: find_kernel(name, "cpu") for name in MODULES}
    for name, module in MODULES.items():
        place = f"numbavol.kernels.cpu.{module}.{name}"
        monkeypatch.setattr(place, functools.partial(record, name))
    numbavol.warmup()
    assert called == set(MODULES)


def test_warmup_says_what_it_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBAVOL_CACHE_DIR", str(tmp_path))
    assert main(["warmup", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"].startswith(str(tmp_path))


def test_python_runs_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "numbavol", "--version"], check=True, capture_output=True, text=True
    )
    assert numbavol.__version__ in ran.stdout
