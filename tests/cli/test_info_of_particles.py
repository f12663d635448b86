"""``numbavol info`` of tables of particles, and of what is nothing known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from tests import stacks


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_particles(n: int = 4, **known) -> numbavol.ParticleTable:
    given = {
        "pixel_size": 1.5, "image_size": 8, "voltage_in_kilovolts": 300.0,
        "spherical_aberration_in_millimetres": 2.7, "amplitude_contrast": 0.1,
        "defocus_u_in_angstroms": np.linspace(9000.0, 12000.0, n),
        "defocus_v_in_angstroms": np.linspace(8000.0, 11000.0, n),
    }  # fmt: skip
    return numbavol.ParticleTable(*np.zeros((3, n)), **given | known)


def describe(file: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, dict]:
    assert main(["info", file]) == 0
    lines = capsys.readouterr().out
    assert main(["info", file, "--json"]) == 0
    return lines, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("suffix", ["star", "cs"])
def test_particles_are_described(suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    stacks.write(Path("stack.mrcs"), np.zeros((4, 8, 8), np.float32))
    write = numbavol.write_particles if suffix == "star" else numbavol.write_cs
    write(f"p.{suffix}", make_particles(), "stack.mrcs")
    lines, facts = describe(f"p.{suffix}", capsys)
    assert lines.splitlines() == [
        "particles   4, of 1 optics group",
        "images      8 pixels a side",
        "pixel size  1.5 A",
        "voltage     300 kV",
        "defocus     8000 to 12000 A",
        "stack       stack.mrcs: 4 images, there",
    ]
    assert (facts["kind"], facts["n_particles"], facts["n_optics_groups"]) == ("particles", 4, 1)
    assert facts["defocus_range"] == [8000.0, 12000.0]
    assert facts["pixel_size_range"] == [1.5, 1.5]
    assert facts["stacks"] == [{"name": "stack.mrcs", "n_images": 4, "path": "stack.mrcs"}]


def test_what_was_done_about_the_ctf_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    particles = make_particles(ctf_phase_flipped=[0, 1, 1, 0], ctf_premultiplied=0)
    numbavol.write_particles("p.star", particles, "stack.mrcs")
    lines, facts = describe("p.star", capsys)
    assert "flipped     the sign of the CTF, in 2 images\n" in lines
    assert "multiplied" not in lines
    assert facts["n_ctf_phase_flipped"] == 2


@pytest.mark.parametrize(
    "of_groups",
    [
        {"pixel_size": [1.5, 1.5, 2.0, 2.0]},
        {"optics_group_names": ["a", "b", "a", "b"]},
        {"odd_zernike": [[1.0], [2.0], [1.0], [1.0]]},
    ],
)
def test_groups_are_counted_as_they_are_written(
    of_groups: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    numbavol.write_particles("p.star", make_particles(**of_groups), "stack.mrcs")
    lines, facts = describe("p.star", capsys)
    assert "of 2 optics groups" in lines
    assert facts["n_optics_groups"] == 2
    assert "stack       stack.mrcs: 4 images, not found" in lines
    assert facts["stacks"][0]["path"] is None


def test_of_many_stacks_those_are_named_that_are_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [f"000001@{n}.mrcs" for n in range(7)]
    for n in (0, 1, 2, 4, 5):
        stacks.write(Path(f"{n}.mrcs"), np.zeros((1, 8, 8), np.float32))
    numbavol.write_particles("p.star", make_particles(7, image_names=names))
    lines, _ = describe("p.star", capsys)
    assert "stacks      7, 2 not found: 3.mrcs, 6.mrcs\n" in lines


def test_a_stack_without_all_images_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    stacks.write(Path("stack.mrcs"), np.zeros((3, 8, 8), np.float32))
    numbavol.write_particles("p.star", make_particles(), "stack.mrcs")
    assert main(["info", "p.star"]) == 0
    assert "stack.mrcs: expected at least 4 images, it has 3" in capsys.readouterr().err


def test_a_stack_that_is_cut_short_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["000001@a.mrcs", "000001@b.mrcs", "000001@none.mrcs"]
    for name in ("a.mrcs", "b.mrcs"):
        stacks.write(Path(name), np.zeros((1, 8, 8), np.float32))
    numbavol.write_particles("p.star", make_particles(3, image_names=names))
    whole = Path("a.mrcs").read_bytes()
    Path("a.mrcs").write_bytes(whole[:-6])
    assert main(["info", "p.star"]) == 0
    assert capsys.readouterr().err == (
        f"warning: a.mrcs: the file is cut short: {len(whole) - 6} bytes of {len(whole)}\n"
    )
    Path("b.mrcs").write_bytes(whole[:-1])
    assert main(["info", "p.star"]) == 0
    assert "(of 2 stacks that are damaged)\n" in capsys.readouterr().err


def test_names_that_are_none_are_said_with_their_file(capsys: pytest.CaptureFixture[str]) -> None:
    numbavol.write_particles("p.star", make_particles(), "stack.mrcs")
    Path("p.star").write_text(Path("p.star").read_text().replace("000002@", "x@"))
    for arguments in (["info", "p.star"], ["backproject", "p.star", "-o", "map.mrc"]):
        assert main(arguments) == 1
        said = "p.star: rlnImageName: expected names like 000001@stack.mrcs, from 1 to 2147483647,"
        assert f"numbavol: error: {said} got 'x@stack.mrcs'\n" in capsys.readouterr().err


def test_what_is_not_known_of_particles_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    columns = "".join(f"_rlnAngle{name}\n" for name in ("Rot", "Tilt", "Psi"))
    Path("p.star").write_text(f"data_particles\nloop_\n{columns}1 2 3\n")
    lines, facts = describe("p.star", capsys)
    assert lines.count("not known") == 5
    assert facts["defocus_range"] is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("r.mrc", "not a map that can be read: "),
        ("r.mrcs.gz", "not a map that can be read: "),
        ("r.star", "no particles that can be read: "),
        ("r.cs", "no particles that can be read: "),
        ("r.pdb", "not a structure that can be read: "),
        ("r.dat", "expected a structure (PDB, mmCIF), a map or a stack (MRC, CCP4), or particles"),
    ],
)
def test_what_is_nothing_known_is_said_by_its_name(
    name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_bytes(np.random.default_rng(0).bytes(3000))
    assert main(["info", name]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"numbavol: error: {name}: {message}")
    assert error.count("\n") == 1
