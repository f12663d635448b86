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


@pytest.mark.parametrize("name", ["stack.mrcs.gz", "STACK.MRCS", "Stack.mrcs.GZ"])
def test_a_stack_is_known_by_its_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    numbavol.write_map(path, np.random.default_rng(0).random((3, 8, 10)), 1.5)
    assert main(["view", str(path), "-o", str(tmp_path / "stack.png"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "stack"
    assert main(["info", str(path)]) == 0
    output = capsys.readouterr().out
    assert "stack       3 images of 10 x 8 pixels (x, y), float32" in output
    assert "pixel size  1.5 A" in output


@pytest.mark.parametrize(("kind", "noun"), [("map", "voxels"), ("stack", "8 images")])
def test_a_file_is_drawn_as_what_one_says(
    kind: str, noun: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("file.mrc", "file.mrcs"):
        path = tmp_path / name
        numbavol.write_map(path, np.random.default_rng(0).random((8, 8, 8)), 1.5)
        picture = ["-o", str(tmp_path / "picture.png"), "--overwrite"]
        assert main(["view", str(path), *picture, "--as", kind]) == 0
        assert noun in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "said"),
    [((15.0, 15.0, 0.0), "pixels of 1.5 A"), ((15.0, 20.0, 7.0), "pixels of 1.5 x 2 A")],
)
def test_pixels_of_a_stack_need_no_length_along_z_and_may_be_oblong(
    cell: tuple[float, ...], said: str, stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(stack.read_bytes())
    content[40:52] = np.array(cell, np.float32).tobytes()
    stack.write_bytes(content)
    assert main(["view", str(stack), "-o", str(stack.with_name("stack.png"))]) == 0
    assert said in capsys.readouterr().out


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


def test_a_stack_that_is_cut_short_is_drawn_with_a_warning(
    stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.write_bytes(stack.read_bytes()[:-8])
    assert main(["view", str(stack), "-o", str(tmp_path / "s.png"), "--images", "5"]) == 0
    assert "warning: the file is cut short: 3816 bytes of 3824" in capsys.readouterr().err


def test_a_structure_is_no_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["view", str(PEPTIDE), "-o", str(tmp_path / "map.png")]) == 1
    assert "numbavol render makes a map of a model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "message"), [("map.mrc", "1 voxel not finite"), ("map.mrcs", "1 pixel not finite")]
)
def test_what_is_not_finite_is_counted(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    numbavol.write_map(path, np.ones((4, 4, 4), np.float32), 1.0)
    content = bytearray(path.read_bytes())
    content[-4:] = np.float32(np.nan).tobytes()
    path.write_bytes(content)
    assert main(["view", str(path), "-o", str(tmp_path / "map.png")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "map.png").exists()


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
    assert capsys.readouterr().err.endswith('pip install ".[plot]", in the checkout of numbavol\n')


@pytest.mark.parametrize("suffix", MARKS)
@pytest.mark.parametrize(
    "name", ["a$\\foo$b.mrc", "my A map.mrc", "\udcff.mrc", "蛋白.mrc", "\t.mrc"]
)
def test_any_name_of_a_file_is_a_title(
    name: str, suffix: str, map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed = map_file.rename(tmp_path / name)
    picture = tmp_path / f"map{suffix}"
    assert main(["view", str(renamed), "-o", str(picture), "--quiet"]) == 0
    assert capsys.readouterr().err == ""
