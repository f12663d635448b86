"""``numbavol view``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.cli import main

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
MARKS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    path = tmp_path / "stack.mrcs"
    images = np.random.default_rng(0).random((7, 10, 10), np.float32)
    numbavol.write_map(path, images, 1.5)
    return path


@pytest.mark.parametrize("suffix", MARKS)
def test_the_format_is_that_of_the_name(suffix: str, map_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / f"map{suffix}"
    assert main(["view", str(map_file), "-o", str(picture)]) == 0
    assert picture.read_bytes().startswith(MARKS[suffix])


def test_images_of_a_stack_are_those_asked_for(
    stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "stack.png"
    options = ["--first", "4", "--images", "2", "--json"]
    assert main(["view", str(stack), "-o", str(picture), *options]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["first"], facts["n_images"]) == ("stack", 4, 2)
    assert picture.read_bytes().startswith(MARKS[".png"])


def test_a_stack_that_ends_early_shows_what_it_has(
    stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["view", str(stack), "-o", str(tmp_path / "stack.png"), "--first", "6"]) == 0
    assert "draw    images 6 to 7" in capsys.readouterr().out


def test_a_map_without_voxel_size_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.eye(8) * np.ones((8, 1, 1)), 1.0)
    header = bytearray(path.read_bytes())
    header[40:52] = bytes(12)  # the cell's lengths
    path.write_bytes(header)
    assert main(["view", str(path), "-o", str(tmp_path / "map.png")]) == 0
    assert "voxel size not set" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["-o", "map.gif"], 2, "expected a name that ends in .png, .svg, .pdf, got map.gif"),
        (["-o", "none/map.png"], 1, "there is no folder none"),
        (["-o", "map.png", "--first", "8"], 1, "--first: stack.mrcs has 7 images, got 8"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    options: list[str],
    status: int,
    message: str,
    stack: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(stack.parent)
    assert main(["view", stack.name, *options]) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(stack.parent.iterdir()) == [stack]


def test_a_structure_is_no_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(PEPTIDE), "-o", str(tmp_path / "map.png")]) == 1
    assert "numbavol render makes a map of a model" in capsys.readouterr().err


def test_voxels_that_are_not_finite_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.ones((4, 4, 4), np.float32), 1.0)
    content = bytearray(path.read_bytes())
    content[-4:] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    assert main(["view", str(path), "-o", str(tmp_path / "map.png")]) == 1
    assert "1 voxel not finite" in capsys.readouterr().err


def test_a_picture_is_replaced_only_when_asked(map_file: Path, tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    picture.write_text("mine")
    assert main(["view", str(map_file), "-o", str(picture)]) == 1
    assert picture.read_text() == "mine"
    assert main(["view", str(map_file), "-o", str(picture), "--overwrite"]) == 0
    assert picture.read_bytes().startswith(MARKS[".png"])


def test_without_matplotlib_the_error_says_what_to_install(
    map_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["view", str(map_file), "-o", str(tmp_path / "map.png")]) == 1
    assert capsys.readouterr().err.endswith("pip install 'numbavol[plot]'\n")


@pytest.mark.parametrize("name", ["a$\\foo$b.mrc", "my A map.mrc", "\udcff.mrc"])
def test_any_name_of_a_file_is_a_title(name: str, map_file: Path, tmp_path: Path) -> None:
    renamed = map_file.rename(tmp_path / name)
    assert main(["view", str(renamed), "-o", str(tmp_path / "map.png")]) == 0
