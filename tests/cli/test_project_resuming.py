"""``numbavol project``: what an interrupt leaves, and how a run goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def project(*arguments: object) -> int:
    return main(["project", *map(str, arguments)])


def start(*arguments: object) -> subprocess.Popen[bytes]:
    program = "import sys; from numbavol.cli import run; run()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "project", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.heavy
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_gone_on_with_to_the_same_bytes(
    tmp_path: Path, map_file: Path, sent: signal.Signals
) -> None:
    options = ("--poses", "random:20000", "--offsets", 1, "--method", "voxels")
    output = tmp_path / "stack.mrcs"
    part = output.with_name("stack.mrcs.part")
    process = start(map_file, "-o", output, *options)
    while not (part.exists() and part.stat().st_size > 0) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(1.0)
    process.send_signal(sent)
    _, error = process.communicate()
    assert process.returncode == 130, error
    assert part.exists()
    assert not output.exists()
    assert not output.with_suffix(".star").exists()

    process = start(map_file, "-o", output, *options, "--resume")
    _, error = process.communicate()
    assert process.returncode == 0, error
    whole = tmp_path / "whole" / "stack.mrcs"
    whole.parent.mkdir()
    assert project(map_file, "-o", whole, *options) == 0
    assert output.read_bytes() == whole.read_bytes()
    star = output.with_suffix(".star").read_bytes()
    assert star == whole.with_suffix(".star").read_bytes()
    assert not part.exists()


def leave_a_part(map_file: Path, output: Path, *options: object, monkeypatch) -> None:
    """Interrupt a run after some images."""
    written = numbavol.ImageStack.__setitem__

    def write(self, numbers, images):
        for number, image in zip(range(self.shape[0])[numbers], images, strict=True):
            if number >= 5:
                raise KeyboardInterrupt
            written(self, number, image)

    with monkeypatch.context() as patched:
        patched.setattr(numbavol.ImageStack, "__setitem__", write)
        assert project(map_file, "-o", output, *options) == 130


def test_an_interrupt_says_how_to_go_on_where_there_is_something(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "stack.mrcs"
    options = ("--poses", "random:9", "--threads", 1)
    leave_a_part(map_file, output, *options, monkeypatch=monkeypatch)
    error = capsys.readouterr().err
    assert f"interrupted; {output}.part is kept: the same command with --resume goes on" in error

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(numbavol.ImageStack, "__setitem__", interrupt)
    other = tmp_path / "other.mrcs"
    assert project(map_file, "-o", other, *options) == 130
    assert capsys.readouterr().err.strip() == "numbavol: error: interrupted"
    assert not list(tmp_path.glob("other*"))


def test_a_run_through_a_link_is_gone_on_with(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    link, output = tmp_path / "link.mrcs", tmp_path / "scratch" / "stack.mrcs"
    output.parent.mkdir()
    link.symlink_to(output)
    options = ("--poses", "random:9", "--threads", 1)
    leave_a_part(map_file, link, *options, monkeypatch=monkeypatch)
    assert f"interrupted; {output}.part is kept" in capsys.readouterr().err
    assert project(map_file, "-o", link, *options) == 1
    assert f"{output}.part: left by an interrupted run; --resume" in capsys.readouterr().err
    assert project(map_file, "-o", link, *options, "--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out)["n_resumed"] == 5
    assert link.is_symlink()
    assert output.is_file()


def test_angles_that_a_killed_run_left_go_with_the_next_one(map_file: Path, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, numbavol\n"
        "from numbavol.cli import main\n"
        "def kill(*_):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "numbavol.ImageStack.__setitem__ = kill\n"
        "main(sys.argv[1:])\n"
    )
    output = tmp_path / "stack.mrcs"
    command = ("project", map_file, "-o", output, "--poses", "random:3")
    killed = subprocess.run([sys.executable, "-c", program, *map(str, command)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".stack.star-*.part"))) == 1
    # What is no file, and so nothing that was left, is no reason to stop.
    (tmp_path / ".stack.star-folder.part").mkdir()
    assert project(*command[1:], "--resume") == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [".stack.star-folder.part", "map.mrc", "stack.mrcs", "stack.star"]


def test_resuming_makes_only_what_is_missing(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "stack.mrcs"
    options = ("--poses", "random:9", "--threads", 1)
    leave_a_part(map_file, output, *options, monkeypatch=monkeypatch)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.mrc", "stack.mrcs.part"]
    capsys.readouterr()
    assert project(map_file, "-o", output, *options, "--resume", "--json") == 0
    assert json.loads(capsys.readouterr().out)["n_resumed"] == 5
    whole = tmp_path / "whole.mrcs"
    assert project(map_file, "-o", whole, *options) == 0
    assert output.read_bytes() == whole.read_bytes()


def test_a_run_that_finds_nothing_to_go_on_with_says_so(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (map_file, "-o", tmp_path / "stack.mrcs", "--poses", "random:3", "--resume")
    assert project(*command) == 0
    assert "resume  nothing: all are to be made\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "changed",
    [("--seed", 1), ("--method", "linear"), ("--box", 20), ("--offsets", 1), ("--pad-scale", 2)],
)
def test_a_run_does_not_go_on_with_another_one(
    map_file: Path, tmp_path: Path, monkeypatch, changed, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "stack.mrcs"
    leave_a_part(map_file, output, "--poses", "random:9", monkeypatch=monkeypatch)
    before = output.with_name("stack.mrcs.part").read_bytes()
    capsys.readouterr()
    assert project(map_file, "-o", output, "--poses", "random:9", "--resume", *changed) == 1
    error = capsys.readouterr().err
    assert error.startswith("numbavol: error: ")
    assert "other options" in error
    assert "--overwrite" in error
    assert output.with_name("stack.mrcs.part").read_bytes() == before


def test_a_run_does_not_begin_anew_over_one_that_can_be_gone_on_with(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "stack.mrcs"
    leave_a_part(map_file, output, "--poses", "random:9", monkeypatch=monkeypatch)
    capsys.readouterr()
    assert project(map_file, "-o", output, "--poses", "random:9") == 1
    assert "--resume" in capsys.readouterr().err
    assert project(map_file, "-o", output, "--poses", "random:9", "--overwrite") == 0


def test_resuming_replaces_no_file_that_is_not_its_own(map_file: Path, tmp_path: Path) -> None:
    star = tmp_path / "stack.star"
    star.write_bytes(b"precious")
    output = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", output, "--poses", "random:3", "--resume") == 1
    assert star.read_bytes() == b"precious"
    assert not output.exists()


def test_no_stack_lies_beside_the_angles_of_another(
    map_file: Path, tmp_path: Path, monkeypatch
) -> None:
    output, star = tmp_path / "stack.mrcs", tmp_path / "stack.star"
    options = ("--poses", "random:3", "--overwrite")
    assert project(map_file, "-o", output, *options) == 0
    before = output.read_bytes()

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("numbavol.io.partial_stack.PartialStack.finish", interrupt)
        assert project(map_file, "-o", output, *options, "--seed", 9) == 130
    assert output.read_bytes() == before
    assert not star.exists()
    assert project(map_file, "-o", output, *options, "--seed", 9, "--resume") == 0
    assert output.read_bytes() != before
    assert star.exists()


def test_a_finished_run_is_left_and_no_error(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, star = tmp_path / "stack.mrcs", tmp_path / "stack.star"
    command = (map_file, "-o", output, "--poses", "random:3", "--resume")
    assert project(*command) == 0
    before = output.stat().st_mtime_ns, star.stat().st_mtime_ns
    capsys.readouterr()
    assert project(*command) == 0
    said = capsys.readouterr().out
    assert "resume  nothing: all are there\n" in said
    assert said.splitlines()[-1].startswith(f"whole   {output} and {star}; ")
    assert project(*command, "--quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert project(*command, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_images"], facts["n_resumed"]) == (3, 3)
    assert (facts["output"], facts["star"]) == (str(output), str(star))
    assert (output.stat().st_mtime_ns, star.stat().st_mtime_ns) == before
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["map.mrc", "stack.mrcs", "stack.star"]


def test_a_page_of_a_finished_run_is_drawn_if_there_is_none(map_file: Path, tmp_path: Path) -> None:
    output, page = tmp_path / "stack.mrcs", tmp_path / "page.html"
    command = (map_file, "-o", output, "--poses", "random:3", "--report", page, "--resume")
    page.write_text("of before")
    assert project(*command) == 1
    assert page.read_text() == "of before"
    for said in ("nothing: all are to be made", "nothing: all are there"):
        page.unlink()
        assert project(*command) == 0
        assert said in page.read_text()
    # What is there may be something else.
    page.write_text("of before")
    for options, status in (((), 0), (("--seed", 1), 1)):
        assert project(*command, *options) == status
        assert page.read_text() == "of before"


def test_a_finished_run_without_its_angles_gets_them(map_file: Path, tmp_path: Path) -> None:
    output, star = tmp_path / "stack.mrcs", tmp_path / "stack.star"
    command = (map_file, "-o", output, "--poses", "random:3")
    assert project(*command) == 0
    expected = star.read_bytes()
    star.unlink()
    assert project(*command, "--resume") == 0
    assert star.read_bytes() == expected


@pytest.mark.parametrize(
    "changed",
    [
        ("--seed", 1),
        ("--method", "linear"),
        ("--box", 20),
        ("--offsets", 1),
        ("--poses", "grid:90"),
    ],
)
def test_a_stack_of_another_run_is_not_taken_for_a_finished_one(
    map_file: Path, tmp_path: Path, changed, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "stack.mrcs"
    command = (map_file, "-o", output, "--poses", "random:3")
    assert project(*command) == 0
    before = output.read_bytes()
    capsys.readouterr()
    assert project(*command, "--resume", *changed) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"numbavol: error: {output}: expected what a run of this source, these options and poses "
        "wrote, got something else; --overwrite replaces it"
    )
    assert output.read_bytes() == before


@pytest.mark.parametrize("name", ["stack.mrcs", "stack.star"])
def test_what_was_changed_since_a_run_finished_is_an_error(
    map_file: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (map_file, "-o", tmp_path / "stack.mrcs", "--poses", "random:3")
    assert project(*command) == 0
    changed = tmp_path / name
    changed.write_bytes(changed.read_bytes()[:-1])
    capsys.readouterr()
    assert project(*command, "--resume") == 1
    assert f"{changed}: expected what a run of this source" in capsys.readouterr().err


def test_a_second_run_takes_nothing_from_the_first(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (map_file, "-o", tmp_path / "stack.mrcs", "--poses", "random:3", "--threads", 1)
    written = numbavol.ImageStack.__setitem__
    statuses = []

    def write(self, numbers, images):
        if not statuses:
            statuses.append(None)
            statuses[0] = project(*command, "--resume")
        written(self, numbers, images)

    with monkeypatch.context() as patched:
        patched.setattr(numbavol.ImageStack, "__setitem__", write)
        assert project(*command) == 0
    assert statuses == [1]
    assert "another process is writing it" in capsys.readouterr().err
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["map.mrc", "stack.mrcs", "stack.star"]
