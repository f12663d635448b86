"""The tables and pictures of the benchmarks, from figures that are made up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
pytestmark = pytest.mark.compiled
MACHINE = {"processor": "x86_64", "name": "a processor", "cpus": 2, "numbavol": "0.0.1"}
ROW = {"work": "a map", "ours": 2.0, "unit": "s"}
SERIES = {
    "work": "an image",
    "figure": "atoms",
    "grows_with": "atoms",
    "sizes": [10.0, 1000.0],
    "seconds": [1e-3, 1e-2],
}


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmarks import each other by their names alone."""
    monkeypatch.syspath_prepend(str(FOLDER))


def write(folder: Path, content: object) -> Path:
    file = folder / "figures.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize(
    ("before", "change"), [(2.0, "+0 %"), (4.0, "-50 %"), (1.6, "+25 %"), (0.0, "")]
)
def test_a_change_is_that_of_our_time(before: float, change: str) -> None:
    from comparing import compare

    changes, *others = compare({"rows": [{**ROW, "ours": before}]}, [ROW])
    assert [each.cells()[3] for each in changes] == [change]
    assert others == [[], []]


@pytest.mark.usefixtures("benchmarks")
def test_each_size_of_a_series_is_compared() -> None:
    from comparing import compare

    slower = {**SERIES, "seconds": [2e-3, 1e-2]}
    changes, *_ = compare({"rows": [SERIES]}, [slower])
    assert [each.cells() for each in changes] == [
        ("an image, 10 atoms", "1.00 ms", "2.00 ms", "+100 %"),
        ("an image, 1,000 atoms", "10.00 ms", "10.00 ms", "+0 %"),
    ]


@pytest.mark.usefixtures("benchmarks")
def test_what_stands_in_one_run_alone_is_said() -> None:
    from comparing import compare

    _, new, left_out = compare({"rows": [ROW]}, [{**ROW, "work": "another"}])
    assert (new, left_out) == (["another"], ["a map"])


@pytest.mark.usefixtures("benchmarks")
def test_what_was_not_measured_on_cuda_is_not_compared() -> None:
    from comparing import take_values

    assert take_values([{"work": "a map", "warm": None}]) == {}
    assert take_values([{"work": "a map", "warm": 0.5}]) == {"a map": (0.5, "s")}


@pytest.mark.usefixtures("benchmarks")
def test_another_machine_is_said() -> None:
    from comparing import describe_machines

    assert describe_machines({"machine": MACHINE}, MACHINE) == ""
    other = describe_machines({"machine": {**MACHINE, "cpus": 64}}, MACHINE)
    assert other == "another machine: cpus 64 then, 2 now"


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize("content", ["", "[1]", '{"rows": []}', "not json"])
def test_another_file_is_no_earlier_run(content: str, tmp_path: Path) -> None:
    from comparing import read_earlier

    with pytest.raises(ValueError, match=r"figures\.json: expected"):
        read_earlier(write(tmp_path, content))


@pytest.mark.usefixtures("benchmarks")
def test_a_series_is_a_row_of_its_ends() -> None:
    from series import Series

    series = Series("a map", "atoms", "atoms", (10.0, 1000.0), (1e-3, 2.0))
    assert series.cells()[:2] == ("a map, 10 to 1,000 atoms", "1.00 ms to 2.00 s")


def plot(*arguments: object) -> subprocess.CompletedProcess[str]:
    command: list[Any] = [sys.executable, FOLDER / "plots.py", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_pictures_are_drawn_the_same_from_the_same_figures(tmp_path: Path) -> None:
    other = {**SERIES, "figure": "poses", "grows_with": "poses"}
    figures = write(tmp_path, {"machine": MACHINE, "rows": [ROW, SERIES, SERIES, other]})
    contents = []
    for _ in range(2):
        done = plot(figures, tmp_path)
        assert done.returncode == 0, done.stderr
        files = [Path(line) for line in done.stdout.splitlines()]
        assert [file.name for file in files] == ["scaling_atoms.svg", "scaling_poses.svg"]
        contents.append([file.read_text() for file in files])
    assert contents[0] == contents[1]
    assert "a processor, 2 CPUs" in contents[0][0]
    assert "an image" in contents[0][0]


def test_a_file_that_cannot_be_drawn_is_one_error(tmp_path: Path) -> None:
    done = plot(write(tmp_path, "[]"), tmp_path)
    assert done.returncode == 2
    assert "expected 'machine' and 'rows'" in done.stderr
    assert "Traceback" not in done.stderr
