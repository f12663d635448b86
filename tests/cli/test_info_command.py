"""``numbavol info`` and the group of commands."""

from __future__ import annotations

import json
import platform
import re
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.cli import main, run
from numbavol.data import enterotoxin
from numbavol.kernels import finding, resources
from numbavol.kernels.finding import FoundCuda

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"


def test_a_structure_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(PEPTIDE)]) == 0
    output = capsys.readouterr().out
    assert "mmCIF: 3AL1" in output
    assert "679 (H 356, C 195, O 88, N 40), occupancies sum to 487.94" in output
    assert "367 atoms in alternate conformations" in output


def test_a_map_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "map.mrc.gz"
    numbavol.write_map(path, np.full((2, 3, 4), 7.0), 1.5, origin=(1.0, 2.0, 3.0))
    assert main(["info", str(path)]) == 0
    output = capsys.readouterr().out
    assert "4 x 3 x 2 voxels (x, y, z), float32" in output
    assert "1.5 x 1.5 x 1.5 A, the box is 6.0 x 4.5 x 3.0 A" in output
    assert "1.000, 2.000, 3.000 A is the centre of the first voxel" in output
    assert "values      min 7, max 7, mean 7, as the header says\n" in output


def test_a_map_that_is_cut_short_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.zeros((2, 3, 4)), 1.5)
    path.write_bytes(path.read_bytes()[:-8])
    assert main(["info", str(path)]) == 0
    assert capsys.readouterr().err == "warning: the file is cut short: 1112 bytes of 1120\n"


def test_a_compressed_map_that_is_cut_short_is_the_same_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.mrc.gz"
    numbavol.write_map(path, np.random.default_rng(0).random((20, 30, 40)), 1.5)
    assert main(["info", str(path)]) == 0
    assert capsys.readouterr().err == ""
    path.write_bytes(path.read_bytes()[:-5000])
    assert main(["info", str(path), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert re.fullmatch(r"the file is cut short: [1-9]\d* bytes of 97024", warning)


def test_json_has_what_the_lines_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(enterotoxin()), "--json"]) == 0
    structure = json.loads(capsys.readouterr().out)
    assert structure["kind"] == "structure"
    assert structure["elements"] == {"C": 3405, "N": 956, "O": 1278, "S": 45}

    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.zeros((2, 3, 4)), 1.5)
    assert main(["info", str(path), "--json"]) == 0
    header = json.loads(capsys.readouterr().out)
    assert (header["kind"], header["shape"], header["voxel_size"]) == ("map", [2, 3, 4], [1.5] * 3)


def test_a_file_that_is_neither_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("dear reader")
    assert main(["info", str(path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tmp_path / "none.mrc")]) == 1
    assert capsys.readouterr().err.endswith("none.mrc: No such file or directory\n")


def test_the_command_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="numbavol")
    assert script.load() is run


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "render" in capsys.readouterr().err


def test_versions_are_those_of_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    first, others = capsys.readouterr().out.splitlines()
    assert first == f"numbavol {numbavol.__version__}"
    assert f"Python {platform.python_version()}, numpy {np.__version__}" in others
    assert "None" not in others


def test_the_system_is_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another test's --threads would come first.
    numbavol.set_num_threads(None)
    monkeypatch.setenv("NUMBAVOL_NUM_THREADS", "3")
    monkeypatch.setenv("NUMBAVOL_CACHE_DIR", str(tmp_path))
    assert main(["info", "--system"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("threads   3, of ")
    assert "NUMBAVOL_NUM_THREADS is 3" in output
    assert f"0 compiled kernels, 0.0 MiB, in {tmp_path}" in output
    assert main(["info", "--system", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_threads"], facts["cache_is_writable"]) == (3, True)
    assert facts["versions"]["numpy"] == np.__version__


def test_a_cache_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBAVOL_CACHE_DIR", str(tmp_path / "file"))
    assert main(["info", "--system"]) == 0
    assert "which cannot be written" in capsys.readouterr().out


def test_a_cache_that_cannot_be_looked_at_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No name is as long: as where there is no permission, but for root, too.
    monkeypatch.setenv("NUMBAVOL_CACHE_DIR", str(tmp_path / ("a" * 300)))
    assert main(["info", "--system"]) == 0
    assert "which cannot be written" in capsys.readouterr().out


@pytest.fixture(params=["an error", "~/.cache"])
def no_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # By the version of platformdirs.
    def fail() -> Path:
        if request.param == "~/.cache":
            return Path("~/.cache")
        msg = "Could not determine home directory."
        raise RuntimeError(msg)

    monkeypatch.delenv("NUMBAVOL_CACHE_DIR", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", fail)


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_has_no_cache(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--system"]) == 0
    output = capsys.readouterr().out
    assert "cache     none, as there is no home folder" in output
    assert "None" not in output


@pytest.mark.usefixtures("no_home")
def test_warmup_without_a_home_warns_and_says_the_same_facts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numbavol, "warmup", lambda _: None)
    assert main(["warmup", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["folder"] is None
    assert facts.keys() == {"folder", "n_kernels", "seconds", "warnings"}
    assert "no home folder" in facts["warnings"][0]


def test_the_memory_is_what_the_library_goes_by(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "find_memory", lambda: resources.Memory(3 * 2**30, 8 * 2**30))
    assert main(["info", "--system"]) == 0
    assert "memory    3.0 GiB free of 8.0\n" in capsys.readouterr().out


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rendre"]) == 2
    assert capsys.readouterr().err.startswith("numbavol: error: No such command 'rendre'")


def test_what_there_is_of_cuda_is_described(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = FoundCuda(("cupy",), None, (), None, is_simulated=False)
    monkeypatch.setattr(finding, "find_cuda", lambda: found)
    assert main(["info", "--device"]) == 0
    output = capsys.readouterr().out
    assert "packages  cupy not installed" in output
    assert "driver    none found" in output
    assert 'pip install ".[cuda]", in the checkout of numbavol' in output
    assert main(["info", "--device", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["usable"] is False


def test_a_card_is_described(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = FoundCuda((), "12.9", ("NVIDIA H100, 80 GiB",), None, is_simulated=False)
    monkeypatch.setattr(finding, "find_cuda", lambda: found)
    assert main(["info", "--device"]) == 0
    output = capsys.readouterr().out
    assert "card      NVIDIA H100, 80 GiB" in output
    assert "'cuda' can be used" in output


@pytest.mark.parametrize("arguments", [[], ["--device", str(PEPTIDE)], ["--device", "--system"]])
def test_one_thing_is_described(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", *arguments]) == 2
    assert "expected either a FILE, --device or --system" in capsys.readouterr().err


@pytest.mark.usefixtures("_what_there_is_of_cuda_is_asked_again")
@pytest.mark.parametrize(
    "arguments",
    [
        ["render", str(PEPTIDE), "-o", "map.mrc"],
        ["project", str(PEPTIDE), "-o", "stack.mrcs", "--poses", "random:2"],
    ],
)
def test_without_cuda_the_command_says_what_is_missing_and_writes_nothing(
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = FoundCuda((), None, (), None, is_simulated=False)
    monkeypatch.setattr(finding, "find_cuda", lambda: found)
    assert main([*arguments, "--device", "cuda"]) == 1
    assert "'cuda' cannot be used, no NVIDIA driver" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
