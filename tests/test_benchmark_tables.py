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
def test_a_peer_is_compared_beside_our_time() -> None:
    from comparing import compare

    before = {**ROW, "beside": "a peer", "theirs": 8.0}
    changes, *_ = compare({"rows": [before]}, [{**before, "ours": 1.0, "theirs": 10.0}])
    assert [each.cells() for each in changes] == [
        ("a map", "2.00 s", "1.00 s", "-50 %"),
        ("a peer: a map", "8.00 s", "10.00 s", "+25 %"),
    ]


@pytest.mark.usefixtures("benchmarks")
def test_a_peer_that_was_not_there_before_is_new() -> None:
    from comparing import compare

    changes, new, _ = compare({"rows": [ROW]}, [{**ROW, "beside": "a peer", "theirs": 8.0}])
    assert ([each.work for each in changes], new) == (["a map"], ["a peer: a map"])


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
    other = describe_machines({"machine": {**MACHINE, "name": "another"}}, MACHINE)
    assert other == "another machine: name another then, a processor now"


@pytest.mark.usefixtures("benchmarks")
def test_a_processor_whose_name_was_not_kept_is_not_another() -> None:
    from comparing import describe_machines

    assert describe_machines({"machine": {"processor": "x86_64", "cpus": 2}}, MACHINE) == ""


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        [1],
        {"rows": []},
        {"machine": [], "rows": []},
        {"machine": {"cpus": 2}, "rows": []},
        {"machine": MACHINE, "rows": ROW},
        {"machine": MACHINE, "rows": [ROW, {"ours": 1.0}]},
        {"machine": MACHINE, "rows": [{**SERIES, "seconds": [1.0]}]},
        {"machine": MACHINE, "rows": [{**SERIES, "sizes": [], "seconds": []}]},
        {"machine": MACHINE, "rows": [{**SERIES, "seconds": [1.0, None]}]},
        {"machine": MACHINE, "rows": [{**ROW, "sizes": [1.0], "seconds": [1.0]}]},
    ],
    ids=str,
)
def test_another_file_is_no_earlier_run(content: object, tmp_path: Path) -> None:
    from comparing import read_earlier

    with pytest.raises(ValueError, match=r"figures\.json: expected"):
        read_earlier(write(tmp_path, content))


@pytest.mark.usefixtures("benchmarks")
def test_what_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    from comparing import read_earlier

    figures = {"machine": MACHINE, "rows": [ROW, SERIES]}
    assert read_earlier(write(tmp_path, figures)) == figures


@pytest.mark.usefixtures("benchmarks")
def test_a_row_beside_a_peer_says_by_how_much_we_are_faster() -> None:
    from rows import Row

    assert Row("a map", 0.5, "a peer", 2.0, target=3.0).cells() == (
        "a map", "500.00 ms", "a peer: 2.00 s", "4.00", ">= 3", "yes",
    )  # fmt: skip


@pytest.mark.usefixtures("benchmarks")
def test_a_limit_says_whether_it_is_met() -> None:
    from rows import Limit

    cells = [Limit("memory", ours, 2.0, "x the map").cells() for ours in (1.0, 2.0)]
    assert cells[0] == ("memory", "1.00 x the map", "", "", "< 2.00 x the map", "yes")
    assert cells[1][-1] == "NO"


@pytest.mark.usefixtures("benchmarks")
@pytest.mark.parametrize(
    ("n_cpus", "numbers"), [(1, [1]), (2, [1, 2]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8, 12])]
)
def test_threads_are_powers_of_2_and_all_cpus(n_cpus: int, numbers: list[int]) -> None:
    from scaling import numbers_of_threads

    assert numbers_of_threads(n_cpus) == numbers


@pytest.mark.usefixtures("benchmarks")
def test_a_series_is_a_row_of_its_ends() -> None:
    from series import Series

    series = Series("a map", "atoms", "atoms", (10.0, 1000.0), (1e-3, 2.0))
    assert series.cells()[:2] == ("a map, 10 to 1,000 atoms", "1.00 ms to 2.00 s")


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command: list[Any] = [sys.executable, FOLDER / program, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_pictures_are_drawn_the_same_from_the_same_figures(tmp_path: Path) -> None:
    other = {**SERIES, "figure": "poses", "grows_with": "poses"}
    figures = write(tmp_path, {"machine": MACHINE, "rows": [ROW, SERIES, SERIES, other]})
    contents = []
    for _ in range(2):
        done = run("plots.py", figures, tmp_path)
        assert done.returncode == 0, done.stderr
        files = [Path(line) for line in done.stdout.splitlines()]
        assert [file.name for file in files] == ["scaling_atoms.svg", "scaling_poses.svg"]
        contents.append([file.read_text() for file in files])
    assert contents[0] == contents[1]
    assert "a processor, 2 CPUs" in contents[0][0]
    assert "an image" in contents[0][0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected 'machine' and 'rows'"),
        ({"machine": MACHINE, "rows": [ROW]}, "expected series"),
    ],
)
def test_a_file_that_cannot_be_drawn_is_one_error(
    content: object, message: str, tmp_path: Path
) -> None:
    done = run("plots.py", write(tmp_path, content), tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.svg"))


def test_a_file_that_cannot_be_compared_is_one_error_before_anything_is_measured(
    tmp_path: Path,
) -> None:
    done = run("run.py", "scaling", "--compare", write(tmp_path, {"rows": []}))
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected 'machine' and 'rows'" in done.stderr
    assert "Traceback" not in done.stderr
