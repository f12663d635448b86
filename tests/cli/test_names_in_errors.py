"""Errors of the library name options and files as the command has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from tests import stacks

N, SIDE, PIXEL_SIZE = 4, 16, 1.5
ATOM = "ATOM      1  %-2s  UNK A   1       1.000   0.000   1.000  1.00%6.2f          %2s\n"
SIZES = ["--number", "2", "--box", str(SIDE), "--pixel-size", str(PIXEL_SIZE)]
TWO = ["--poses", "random:2"]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold a map, models, and a stack with an image that is not finite."""
    monkeypatch.chdir(tmp_path)
    numbavol.write_map("map.mrc", np.random.default_rng(0).normal(size=(SIDE,) * 3), PIXEL_SIZE)
    images = np.random.default_rng(0).normal(size=(N, SIDE, SIDE)).astype(np.float32)
    images[2, 3, 4] = 12345.0
    stacks.write(Path("stack.mrcs"), images)
    # Which no function of the package writes.
    marks = [np.float32(value).tobytes() for value in (12345.0, np.nan)]
    Path("nan.mrcs").write_bytes(Path("stack.mrcs").read_bytes().replace(*marks))
    particles = numbavol.ParticleTable(
        *np.zeros((3, N)), pixel_size=PIXEL_SIZE, image_size=SIDE, voltage_in_kilovolts=300
    )
    for name in ("stack", "nan"):
        numbavol.write_particles(f"{name}.star", particles, f"{name}.mrcs")
    Path("heavy.pdb").write_text(ATOM % ("LR", 20, "LR"))
    Path("negative.pdb").write_text(ATOM % (" C", -5, " C"))
    Path("carbon.pdb").write_text(ATOM % (" C", 5, " C"))
    columns = "".join(f"_rln{name}\n" for name in ("AngleRot", "AngleTilt", "AnglePsi"))
    latin = f"data_particles\nloop_\n{columns}_rlnMicrographName\n1 2 3 \xb5ic.mrc\n"
    Path("latin.star").write_bytes(latin.encode("latin-1"))


def fail(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main(list(command)) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["project", "map.mrc", "-o", "#b.mrcs", *TWO], "-o: RELION cannot read the name"),
        (
            ["project", "heavy.pdb", "-o", "a.mrcs", *TWO],
            "heavy.pdb: the table has elements 1 (H) to 98 (Cf), and no scattering factor for Lr",
        ),
        (
            ["render", "heavy.pdb", "-o", "a.mrc"],
            "heavy.pdb: the table has elements 1 (H) to 98 (Cf), and no scattering factor for Lr",
        ),
        (
            ["render", "carbon.pdb", "-o", "a.mrc", "--b-factors", "1e9", "--method", "fft"],
            "--voxel-size: the map with its transforms takes",
        ),
        (
            ["render", "carbon.pdb", "-o", "a.mrc", "--box", "100000"],
            "--box: float32 of shape (100000, 100000, 100000) takes",
        ),
        (
            ["backproject", "stack.star", "-o", "a.mrc", "--max-resolution", "1e9"],
            "--max-resolution: expected at most the side of an image",
        ),
        (
            ["backproject", "nan.star", "-o", "a.mrc"],
            "nan.star: 000003@nan.mrcs is not finite",
        ),
        (
            ["noise", "estimate", "nan.mrcs", "-o", "a.star", "--pixel-size", "1"],
            "nan.mrcs: 000003@nan.mrcs is not finite",
        ),
        (
            ["simulate", "map.mrc", "-o", "a.mrcs", "--contrast", "weak_phase", "--dose", "9",
             "--snr", "1", *SIZES],
            "--snr: counts of electrons (--dose) have their own noise",
        ),
        (
            ["simulate", "map.mrc", "-o", "a.mrcs", "--contrast", "weak_phase", "--dose", "9",
             "--noise-variance", "1", *SIZES],
            "--noise-variance: counts of electrons (--dose) have their own noise",
        ),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)  # fmt: skip
def test_what_the_user_wrote_is_named(
    command: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(capsys, *command).startswith(f"numbavol: error: {expected}")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["map.mrc", "-o", "#b.mrcs", *SIZES], "-o: RELION cannot read the name '#b.mrcs'"),
        (
            ["map.mrc", "-o", "#b.mrcs", "--shards", "2", *SIZES],
            "-o: RELION cannot read the name '#b_00000",
        ),
        (
            ["map.mrc", "-o", "a.mrcs", "--poses", "latin.star", *SIZES[2:]],
            "latin.star: micrograph_names: RELION cannot read '\xb5ic.mrc'",
        ),
        (["heavy.pdb", "-o", "a.mrcs", *SIZES], "heavy.pdb: the table has elements"),
        (["negative.pdb", "-o", "a.mrcs", *SIZES], "negative.pdb: b_factors: expected values"),
        (
            ["map.mrc", "-o", "a.mrcs", "--dtype", "float16", "--noise-variance", "1e9", *SIZES],
            "--dtype: image ",
        ),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
@pytest.mark.compiled
def test_what_a_simulation_was_told_is_named(
    command: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail(capsys, "simulate", *command).startswith(f"numbavol: error: {expected}")


@pytest.mark.compiled
def test_the_line_of_a_type_that_is_too_small_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sizes = f"number = 2\nbox = {SIDE}\npixel_size = {PIXEL_SIZE}\n"
    Path("c.toml").write_text(
        f'{sizes}dtype = "float16"\nvolume.file = "map.mrc"\nnoise.variance = 1e9\n'
    )
    said = fail(capsys, "simulate", "c.toml", "-o", "a.mrcs")
    assert said.startswith("numbavol: error: c.toml:4: dtype: image ")


def test_a_device_that_is_not_there_is_an_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "numbavol.kernels.dispatch.find_what_is_missing",
        lambda: "device: 'cuda' cannot be used, no card",
    )
    said = fail(capsys, "render", "carbon.pdb", "-o", "a.mrc", "--device", "cuda")
    assert said == "numbavol: error: --device: 'cuda' cannot be used, no card\n"


def test_poses_that_another_file_has_are_an_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbavol.write_cs("p.cs", numbavol.read_particles("stack.star"), "stack.mrcs")
    records = np.load("p.cs")
    names = [name for name in records.dtype.names if not name.startswith("alignments3D")]
    with Path("p.cs").open("wb") as file:
        np.save(file, records[names].copy())
    said = fail(capsys, "backproject", "p.cs", "-o", "a.mrc")
    assert said.endswith("if another file of the job has it, --passthrough joins both\n")
