"""Which files commands take for maps, and under which names they write them."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.cli.output import add_to_stem
from tests import stacks

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
WANTING_MAPS = [
    "filter {} -o new.mrc --lowpass 8",
    "fsc {} map.mrc",
    "fsc map.mrc {}",
    "fsc map.mrc map.mrc --mask {}",
    f"compare {PEPTIDE} {{}}",
    f"compare {PEPTIDE} map.mrc --mask {{}}",
    f"render {PEPTIDE} -o new.mrc --like {{}}",
    "project {} -o new.mrcs --poses random:2",
    "simulate {} -o new.mrcs --number 2 --box 24 --pixel-size 1.5",
]


def run(text: str) -> int:
    return main(text.split())


@pytest.fixture(autouse=True)
def in_the_folder(map_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(map_file.parent)
    stacks.write(Path("named.mrcs"), np.random.default_rng(0).random((24, 24, 24), np.float32))
    Path("headed.mrc").write_bytes(Path("named.mrcs").read_bytes())


@pytest.mark.parametrize("text", WANTING_MAPS)
@pytest.mark.parametrize("stack", ["named.mrcs", "headed.mrc"])
def test_a_stack_is_refused_where_a_map_is_wanted(
    text: str, stack: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(Path().iterdir())
    assert run(text.format(stack)) == 1
    error = capsys.readouterr().err
    assert f"{stack}: a {stack[:4]}" in error
    assert "of a stack of images, expected a map" in error
    assert error.count("\n") == 1
    assert sorted(Path().iterdir()) == before


def test_info_and_view_call_a_stack_what_others_refuse(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for stack in ("named.mrcs", "headed.mrc"):
        assert run(f"info {stack} --json") == 0
        assert json.loads(capsys.readouterr().out)["kind"] == "stack"
        assert run(f"view {stack} -o {stack}.png --json") == 0
        assert json.loads(capsys.readouterr().out)["kind"] == "stack"


@pytest.mark.parametrize(
    "text",
    [
        "project {} -o new.mrcs --poses random:2",
        "simulate {} -o new.mrcs --number 2 --box 24 --pixel-size 1.5",
        "view {} -o new.png",
        "filter {} -o new.mrc --lowpass 8",
        "info {}",
    ],
)
@pytest.mark.parametrize("name", ["broken.mrc", "broken.rec", "broken.mrc.bz2", "broken.mrc.gz"])
def test_what_is_wrong_with_a_map_is_said_of_a_map(
    text: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = Path("map.mrc").read_bytes()
    Path("broken.mrc").write_bytes(content[:208] + bytes(4) + content[212:])
    Path("broken.rec").write_text("<html>404 not found</html>")
    Path("broken.mrc.bz2").write_bytes(bz2.compress(content))
    Path("broken.mrc.gz").write_bytes(gzip.compress(content)[:9] + bytes(2000))
    assert run(text.format(name)) == 1
    error = capsys.readouterr().err
    assert f"{name}: not a map that can be read: " in error
    assert error.count("\n") == 1


@pytest.mark.compiled
def test_a_map_with_the_space_group_of_a_stack_is_a_map(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with mrcfile.open("map.mrc", "r+") as mrc:
        mrc.header.ispg = 0
    assert run("info map.mrc") == 0
    output = capsys.readouterr().out
    assert output.startswith("map ")
    assert "space group 0): taken for a map" in output
    assert run("filter map.mrc -o new.mrc --lowpass 8") == 0
    assert run("fsc map.mrc new.mrc") == 0
    assert run("project map.mrc -o new.mrcs --poses random:2") == 0


def test_a_stack_with_the_header_of_a_map_has_noise() -> None:
    # As cryoSPARC writes them.
    images = np.random.default_rng(0).standard_normal((12, 16, 16), np.float32)
    with mrcfile.new("particles.mrc", images) as mrc:
        mrc.voxel_size = 1.5
        mrc.header.ispg = 0
    assert run("noise estimate particles.mrc -o noise.star") == 0


@pytest.mark.parametrize("name", ["p.star", "x.png", "one.pdb", "map", "map.gz", "map.mrcs"])
@pytest.mark.parametrize(
    "command",
    [
        f"render {PEPTIDE}", "filter map.mrc --lowpass 8", "backproject p.star",
        "backproject p.star --half both",
    ],
)  # fmt: skip
def test_a_map_is_written_under_the_name_of_one(
    name: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_text("precious")
    assert run(f"{command} -o {name} --overwrite") == 2
    error = capsys.readouterr().err
    assert "-o: expected a name that ends in .mrc, .map, .ccp4, or one of these and .gz" in error
    assert f"got {name}" in error
    assert error.count("\n") == 1
    assert Path(name).read_text() == "precious"


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["new.mrc", "new.MAP", "new.ccp4", "new.mrc.gz", "new.map.GZ"])
def test_every_name_of_a_map_is_written(name: str) -> None:
    assert run(f"filter map.mrc -o {name} --lowpass 8") == 0
    assert numbavol.read_map(name).data.shape == (24, 24, 24)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/map.mrc", "a/map_half1.mrc"), ("map.mrc.gz", "map_half1.mrc.gz"), ("m", "m_half1")],
)
def test_what_is_added_to_a_name_stands_before_all_suffixes(name: str, expected: str) -> None:
    assert add_to_stem(Path(name), "_half1") == Path(expected)


def test_a_map_that_is_not_finite_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with mrcfile.open("map.mrc", "r+") as mrc:
        mrc.data[1, 2, 3] = np.nan
    for text in WANTING_MAPS[-2:]:
        assert run(text.format("map.mrc")) == 1
        assert "map.mrc: expected finite values, got nan in voxel" in capsys.readouterr().err


def test_a_box_that_cuts_density_of_a_map_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    size = "--pixel-size 1.5 --number 2"
    values = np.zeros((24, 24, 24), np.float32)
    values[10:15, 10:15, 10:15] = 1.0
    numbavol.write_map("small.mrc", values, 1.5)
    values[12, 12, 23] = 1.0
    numbavol.write_map("large.mrc", values, 1.5)
    for text, words in (
        ("project {} -o {}.mrcs --poses random:2 --box 16", "--box: 16 pixels do not hold the map"),
        (f"simulate {{}} -o {{}}_s.mrcs {size} --box 16", "the box of 16 pixels does not hold it"),
    ):
        assert run(text.format("small.mrc", "small")) == 0
        assert capsys.readouterr().err == ""
        assert run(text.format("large.mrc", "large")) == 0
        error = capsys.readouterr().err
        assert words in error
        assert "0.79 % of its density lies outside" in error
    assert run("project large.mrc -o all.mrcs --poses random:2") == 0
    assert capsys.readouterr().err == ""
