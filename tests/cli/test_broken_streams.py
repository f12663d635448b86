"""What commands do where nobody can read what they say: the work, and no noise."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

import numbavol

NUMBAVOL = Path(sys.executable).with_name("numbavol")
FULL = Path("/dev/full")

# Of processes, of which kernels know nothing.
pytestmark = pytest.mark.compiled


def run(where: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command with its streams redirected as a shell writes it."""
    command = shlex.join([str(NUMBAVOL), *map(str, arguments)])
    return subprocess.run(
        ["/bin/sh", "-c", f"{command} {where}"], capture_output=True, text=True, check=False
    )


def run_unread(name: str, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run a command with a stream into a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {name: writing}
        return subprocess.run([NUMBAVOL, *map(str, arguments)], **streams, check=False)
    finally:
        os.close(writing)


@pytest.fixture
def project(map_file: Path) -> tuple[object, ...]:
    """A command that says several lines, and warns: of the odd side, and what is outside."""
    output = map_file.with_name("stack.mrcs")
    return ("project", map_file, "-o", output, "--poses", "random:3", "--box", 11)


def check_is_written(map_file: Path) -> None:
    names = sorted(path.name for path in map_file.parent.iterdir())
    assert names == ["map.mrc", "stack.mrcs", "stack.star"]


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_who_reads_no_output_gets_the_files(
    project: tuple[object, ...], option: tuple[str, ...], map_file: Path
) -> None:
    done = run_unread("stdout", *project, *option)
    assert done.returncode == 0
    assert done.stderr.count(b"\n") == done.stderr.count(b"warning: ") == (0 if option else 2)
    check_is_written(map_file)


def test_who_reads_no_errors_gets_the_files(project: tuple[object, ...], map_file: Path) -> None:
    done = run_unread("stderr", *project)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith(b"wrote   ")
    check_is_written(map_file)


@pytest.mark.parametrize("where", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_are_closed_or_full_of_errors_keep_nobody_from_the_files(
    project: tuple[object, ...], where: str, map_file: Path
) -> None:
    if "full" in where and not FULL.exists():
        pytest.skip("this system has no full device")
    assert run(where, *project).returncode == 0
    check_is_written(map_file)


@pytest.mark.skipif(not FULL.exists(), reason="this system has none")
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_output_to_a_full_disk_is_an_error_after_the_work(
    project: tuple[object, ...], option: tuple[str, ...], map_file: Path
) -> None:
    done = run(f"> {FULL}", *project, *option)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "numbavol: error: standard output: No space left on device"
    )
    check_is_written(map_file)


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_what_only_says_something_ends_quietly_where_nobody_listens(
    map_file: Path, option: tuple[str, ...]
) -> None:
    for command in (("info", map_file), ("fsc", map_file, map_file)):
        done = run_unread("stdout", *command, *option)
        assert (done.returncode, done.stderr) == (0, b""), command


@pytest.mark.parametrize("arguments", [("info", "nothing"), ()])
def test_an_error_that_nobody_reads_is_a_status(arguments: tuple[str, ...]) -> None:
    expected = run("", *arguments).returncode
    assert expected > 0
    assert run_unread("stderr", *arguments).returncode == expected
    assert run("2>&-", *arguments).returncode == expected
    if FULL.exists():
        assert run(f"2> {FULL}", *arguments).returncode == expected


def test_files_do_not_take_the_numbers_of_closed_streams() -> None:
    program = (
        "import os, sys\n"
        "import numbavol.cli.command as command\n"
        "def main():\n"
        "    opened = os.open(os.devnull, os.O_RDONLY)\n"
        "    return 0 if opened > 2 else 7\n"
        "command.main = main\n"
        "command.run()\n"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join([sys.executable, '-c', program])} <&- >&- 2>&-"],
        check=False,
    )
    assert done.returncode == 0


def test_a_terminal_that_goes_away_takes_no_work_along(
    project: tuple[object, ...], map_file: Path
) -> None:
    # Long enough for the bar to be there while it goes.
    slow = (
        "import time, numbavol\n"
        "from numbavol.cli import run\n"
        "written = numbavol.ImageStack.__setitem__\n"
        "def write(*arguments):\n"
        "    time.sleep(1)\n"
        "    written(*arguments)\n"
        "numbavol.ImageStack.__setitem__ = write\n"
        "run()\n"
    )
    here, there = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", slow, *map(str, project)],
        stdout=subprocess.DEVNULL, stderr=there, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(there)
    said = b""
    last = time.monotonic() + 60
    while b"projecting" not in said and time.monotonic() < last:
        said += os.read(here, 1000)
    os.close(here)
    assert process.wait() == 0
    check_is_written(map_file)
    assert numbavol.read_map_header(map_file.with_name("stack.mrcs")).shape == (3, 11, 11)
