"""``numbavol simulate``: what is there is left, and a run that was killed goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = (
    "--number", 1200, "--box", 24, "--pixel-size", 1.5, "--snr", 0.5, "--shards", 3, "--cs",
    "--threads", 1,
)  # fmt: skip
FEW = ("--number", 9, "--box", 24, "--pixel-size", 1.5, "--snr", 0.5)

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled


def simulate(*arguments: object) -> int:
    return main(["simulate", *map(str, arguments)])


STOPPED = """
import os
from numbavol.cli import run
from numbavol.simulation import images

develop = images.PreparedFormation.develop
calls = iter(range(1000))
def develop_or_stop(*arguments):
    # Of 8 images each: 13 calls measure the signal, and each of the stacks takes 50.
    if next(calls) == 13 + 50 + 9:
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
    return develop(*arguments)
images.PreparedFormation.develop = develop_or_stop
run()
"""


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (signal.SIGKILL, -signal.SIGKILL),
        (signal.SIGINT, 130),
        (signal.SIGTERM, 130),
    ],
)
def test_the_same_command_goes_on_to_the_same_bytes(
    map_file: Path, tmp_path: Path, sent: signal.Signals, status: int, capsys
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    output = killed / "stack.mrcs"
    second = killed / "stack_000002.mrcs.part"
    command = [sys.executable, "-c", STOPPED, "simulate", map_file, "-o", output, *OPTIONS]
    stopped = subprocess.run(
        [*map(str, command)], capture_output=True, check=False,
        env={**os.environ, "SIGNAL": str(int(sent))},
    )  # fmt: skip
    assert stopped.returncode == status, stopped.stderr
    assert (killed / "stack_000001.mrcs").exists()
    assert second.exists()
    assert not (killed / "stack_000003.mrcs").exists()
    assert not output.with_suffix(".star").exists()
    if sent != signal.SIGKILL:
        assert stopped.stderr.decode().splitlines()[-1] == (
            f"numbavol: error: interrupted; {killed / 'stack_000001.mrcs'} and {second} are kept: "
            "the same command goes on with them"
        )

    assert simulate(map_file, "-o", output, *OPTIONS, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_stacks"], facts["n_stacks_there"], facts["n_stacks_begun"]) == (3, 1, 1)
    assert simulate(map_file, "-o", whole / "stack.mrcs", *OPTIONS) == 0
    numbavol.set_num_threads(None)
    names = sorted(path.name for path in killed.iterdir())
    assert names == sorted(path.name for path in whole.iterdir())
    for name in names:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("stopping", "options", "kept"),
    [
        ("numbavol.io.partial_stack.PartialStack.finish", (), "stack.mrcs.part is kept"),
        ("numbavol.simulation.output.give_name", (), "stack.mrcs is kept"),
        (
            "numbavol.simulation.output.give_name",
            ("--shards", 3, "--cs"),
            "3 stacks are kept",
        ),
        ("numbavol.simulation.images.PreparedFormation.develop", (), None),
        ("numbavol.io.image_stack.ImageStack.__setitem__", (), None),
    ],
)
def test_an_interrupt_says_what_the_same_command_goes_on_with(
    map_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stopping: str,
    options: tuple[object, ...],
    kept: str | None,
) -> None:
    output = map_file.with_name("stack.mrcs")
    command = (map_file, "-o", output, *FEW, *options)
    with monkeypatch.context() as patched:
        patched.setattr(stopping, stop)
        assert simulate(*command) == 130
    error = capsys.readouterr().err
    if kept is None:
        assert error.strip() == "numbavol: error: interrupted"
        assert not list(output.parent.glob("stack*"))
        return
    named = kept.replace("stack.mrcs", str(output))
    them = "them" if " are " in kept else "it"
    assert error == (
        f"numbavol: error: interrupted; {named}: the same command goes on with {them}\n"
    )
    assert simulate(*command) == 0


@pytest.mark.parametrize("suffix", [".mrcs", ".zarr"])
def test_a_run_through_a_link_is_gone_on_with(
    map_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    suffix: str,
) -> None:
    pytest.importorskip("zarr")
    link, output = tmp_path / f"link{suffix}", tmp_path / "scratch" / f"stack{suffix}"
    output.parent.mkdir()
    link.symlink_to(output)
    command = (map_file, "-o", link, *FEW)
    stopping = {
        ".mrcs": "numbavol.io.partial_stack.PartialStack.finish",
        ".zarr": "numbavol.simulation.zarr_output._give_name",
    }[suffix]
    with monkeypatch.context() as patched:
        patched.setattr(stopping, stop)
        assert simulate(*command) == 130
    assert f"interrupted; {output}.part is kept" in capsys.readouterr().err
    assert simulate(*command) == 0
    assert f"resume  {output}.part, left by an interrupted run\n" in capsys.readouterr().out
    assert link.is_symlink()
    assert output.exists()


@pytest.mark.parametrize("stopping", ["find_columns", "_sync", "write_zarr_shard"])
def test_an_interrupt_says_what_is_kept_of_a_group(
    map_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stopping: str,
) -> None:
    pytest.importorskip("zarr")
    output = map_file.with_name("stack.zarr")
    with monkeypatch.context() as patched:
        where = "output" if stopping == "write_zarr_shard" else "zarr_output"
        patched.setattr(f"numbavol.simulation.{where}.{stopping}", stop)
        assert simulate(map_file, "-o", output, *FEW) == 130
    # Before its columns are there, nobody goes on with a group.
    kept = f"; {output}.part is kept: the same command goes on with it"
    is_kept = stopping != "find_columns"
    expected = f"numbavol: error: interrupted{kept if is_kept else ''}"
    assert capsys.readouterr().err.strip() == expected
    assert simulate(map_file, "-o", output, *FEW) == 0
    resumed = f"resume  {output}.part, left by an interrupted run\n"
    assert (resumed in capsys.readouterr().out) == is_kept


def test_what_is_there_is_said_and_left(map_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = map_file.with_name("stack.mrcs")
    command = (map_file, "-o", output, *FEW)
    assert simulate(*command) == 0
    before = output.stat().st_mtime_ns, output.with_suffix(".star").stat().st_mtime_ns
    capsys.readouterr()
    # To replace what is in the way is not to make again what is there.
    for options in ((), ("--overwrite",)):
        assert simulate(*command, *options) == 0
        said = capsys.readouterr().out
        assert "there   the stack is written already\n" in said
        star = output.with_suffix(".star")
        assert said.splitlines()[-1].startswith(f"whole   {output} and {star}; ")
    after = output.stat().st_mtime_ns, output.with_suffix(".star").stat().st_mtime_ns
    assert after == before


@pytest.mark.parametrize("option", [("--seed", 1), ("--snr", 0.4), ("--method", "linear")])
def test_a_stack_of_other_choices_is_kept(
    option: tuple[str, object], map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = map_file.with_name("stack.mrcs")
    assert simulate(map_file, "-o", output, *FEW) == 0
    before = output.read_bytes()
    assert simulate(map_file, "-o", output, *FEW, *option) == 1
    assert capsys.readouterr().err == (
        f"numbavol: error: {output}: it is of another simulation, or of none; --overwrite replaces "
        "it\n"
    )
    assert output.read_bytes() == before
    assert simulate(map_file, "-o", output, *FEW, *option, "--overwrite") == 0
    assert output.read_bytes() != before


def test_what_a_run_of_other_choices_left_is_kept(
    map_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = map_file.with_name("stack.mrcs")
    part = map_file.with_name("stack.mrcs.part")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("numbavol.io.partial_stack.PartialStack.finish", interrupt)
        assert simulate(map_file, "-o", output, *FEW) == 130
    before = part.read_bytes()
    capsys.readouterr()
    assert simulate(map_file, "-o", output, *FEW, "--seed", 1) == 1
    assert capsys.readouterr().err == (
        f"numbavol: error: {part}: left by a run of another simulation, or damaged; --overwrite "
        "replaces it\n"
    )
    assert part.read_bytes() == before
    assert simulate(map_file, "-o", output, *FEW) == 0
    assert f"resume  {part}, left by an interrupted run\n" in capsys.readouterr().out
    output.unlink()
    output.with_suffix(".star").unlink()
    part.write_bytes(before)
    assert simulate(map_file, "-o", output, *FEW, "--seed", 1, "--overwrite") == 0
    assert not part.exists()
    expected = map_file.with_name("again.mrcs")
    assert simulate(map_file, "-o", expected, *FEW, "--seed", 1) == 0
    assert output.read_bytes() == expected.read_bytes()


def test_a_preview_of_what_is_there_is_drawn_anew(
    map_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, picture = map_file.with_name("stack.mrcs"), map_file.with_name("sheet.png")
    command = (map_file, "-o", output, *FEW, "--preview", picture)
    drawn: list[bytes] = []

    def draw(options: tuple[object, ...] = ()) -> int:
        picture.write_bytes(b"of before")
        return simulate(*command, *options)

    # Of nothing that is there, a picture may be anything.
    assert draw() == 1
    assert capsys.readouterr().err == (
        f"numbavol: error: {picture}: the file exists; --overwrite replaces it\n"
    )
    assert picture.read_bytes() == b"of before"
    assert not output.exists()

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("numbavol.io.partial_stack.PartialStack.finish", interrupt)
        assert simulate(map_file, "-o", output, *FEW) == 130
    # Begun; whole; whole, and nothing to be written.
    for options in ((), (), ("--dry-run",)):
        assert draw(options) == 0
        drawn.append(picture.read_bytes())
    assert drawn[0].startswith(b"\x89PNG")
    assert drawn == drawn[:1] * 3
    # Of another simulation, the stack is kept, and so is its picture.
    assert draw(("--seed", 1)) == 1
    assert picture.read_bytes() == b"of before"


def test_a_group_of_somebody_else_is_not_begun_again(
    map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    zarr = pytest.importorskip("zarr")
    output = map_file.with_name("stack.zarr")
    part = output.with_name("stack.zarr.part")
    zarr.open_group(part, mode="w").create_array("theirs", shape=3, dtype="f4")
    assert simulate(map_file, "-o", output, *FEW) == 1
    assert "stack.zarr.part" in capsys.readouterr().err
    assert (part / "theirs").exists()


@pytest.mark.parametrize(
    ("before", "now", "left"),
    [
        (1, 2, ("st[a]ck.mrcs: of",)),
        (3, 2, ("ck_000003.mrcs: of",)),
        (2, 1, ("_000001", "_000002")),
    ],
)
def test_stacks_of_another_number_of_shards_are_told_of(
    map_file: Path, before: int, now: int, left: tuple[str, ...], capsys
) -> None:
    output = map_file.with_name("st[a]ck.mrcs")
    for name in ("st[a]ck_old.mrcs", "st[a]ck_0000001.mrcs", "stack_000009.mrcs"):
        output.with_name(name).touch()
    assert simulate(map_file, "-o", output, *FEW, "--shards", before) == 0
    assert "warning" not in capsys.readouterr().err
    assert simulate(map_file, "-o", output, *FEW, "--shards", now, "--overwrite") == 0
    warning = capsys.readouterr().err
    assert all(name in warning for name in left)
    assert not any(name in warning for name in ("old", "_0000001", "_000009"))
    assert f"of another number of shards; {output.with_suffix('.star')} names none" in warning
