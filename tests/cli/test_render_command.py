"""``numbavol render``: files in, a map out, and one line when something is wrong."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import gemmi
import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.cli.render import DEFAULT_TOLERANCE
from numbavol.data import enterotoxin

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
FEW_ATOMS = ["--select", "//A/1-3"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Three atoms, one of them at half occupancy, in two models."""
    lines = [
        "MODEL        1",
        "ATOM      1  N   ALA A   1      11.000  20.000  30.000  1.00 10.00           N  ",
        "ATOM      2  CA  ALA A   1      12.500  20.000  30.000  1.00 20.00           C  ",
        "ATOM      3  O   ALA B   2      12.000  24.000  31.000  0.50 40.00           O  ",
        "ENDMDL",
        "MODEL        2",
        "ATOM      1  N   ALA A   1      21.000  20.000  30.000  1.00 10.00           N  ",
        "ENDMDL",
        "END",
    ]
    path = tmp_path / "model.pdb"
    path.write_text("\n".join(lines) + "\n")
    return path


def render(*arguments: object) -> int:
    return main(["render", *map(str, arguments)])


def facts_of(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    facts: dict[str, object] = json.loads(capsys.readouterr().out)
    return facts


def test_density_lies_on_the_models_coordinates(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "map.mrc"
    assert render(model, "-o", output, "--voxel-size", 0.5, "--models", 1) == 0
    read = numbavol.read_map(output)
    cells = np.stack(np.meshgrid(*map(np.arange, read.data.shape), indexing="ij"), -1)[..., ::-1]
    places = read.origin + cells * read.voxel_size
    centre = np.average(places.reshape(-1, 3), axis=0, weights=read.data.ravel())
    positions = np.array([[11.0, 20.0, 30.0], [12.5, 20.0, 30.0], [12.0, 24.0, 31.0]])
    # The sum of each element's table is what an atom weighs; the origin is kept in float32.
    weights = numbavol.PengScatteringFactorParameters([7, 6, 8]).a.sum(axis=1) * [1, 1, 0.5]
    np.testing.assert_allclose(centre, np.average(positions, axis=0, weights=weights), atol=1e-4)


def test_the_map_holds_every_atom_by_its_occupancy(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(model, "-o", tmp_path / "map.mrc", "--json") == 0
    facts = facts_of(capsys)
    amplitudes = numbavol.PengScatteringFactorParameters([7, 6, 8]).a.sum(axis=1)
    expected = amplitudes[0] + amplitudes[1] + 0.5 * amplitudes[2]
    assert facts["sum_of_amplitudes"] == pytest.approx(expected, rel=1e-12)
    # The tolerance of 1e-6, and float32.
    assert facts["integral"] == pytest.approx(expected, rel=3e-6)
    assert facts["n_partial_occupancies"] == 1
    assert facts["elements"] == {"C": 1, "N": 1, "O": 1}
    assert facts["left_out"] == {"models": 1, "atoms": 0}
    assert facts["warnings"] == []


def test_the_written_map_is_a_valid_mrc_file(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "map.mrc"
    assert render(model, "-o", output, "--box", 17) == 0
    with (tmp_path / "problems").open("w+") as problems:
        assert mrcfile.validate(output, print_file=problems), (tmp_path / "problems").read_text()
    assert numbavol.read_map(output).data.shape == (17, 17, 17)


def test_options_reach_the_volume(model: Path, tmp_path: Path) -> None:
    def rendered(*options: object) -> np.ndarray:
        output = tmp_path / "options.mrc"
        assert render(model, "-o", output, "--box", 24, "--overwrite", *options) == 0
        return numbavol.read_map(output).data

    plain = rendered("--b-factors", "file")
    assert rendered("--b-factors", "none").max() > plain.max() > rendered("--b-factors", 80).max()
    assert rendered("--select", "//B").sum() < plain.sum()
    assert not np.array_equal(rendered("--tolerance", 0.1), plain)
    assert rendered("--models", 2).sum() < rendered("--models", "all").sum()
    np.testing.assert_array_equal(rendered("--threads", 2), plain)
    numbavol.set_num_threads(None)


def test_atoms_outside_the_box_are_counted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(model, "-o", tmp_path / "map.mrc", "--box", 3) == 0
    captured = capsys.readouterr()
    assert captured.err == ("warning: 3 atoms of 3 outside the box; --box auto holds them all\n")
    assert "3 atoms (C 1, N 1, O 1); left out: 1 model of the file" in captured.out


@pytest.mark.compiled
def test_the_sample_is_rendered_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render(enterotoxin(), "-o", tmp_path / "map.mrc", "--json") == 0
    facts = facts_of(capsys)
    assert facts["n_atoms"] == 5684
    assert facts["integral"] == pytest.approx(facts["sum_of_amplitudes"], rel=3e-6)


@pytest.mark.compiled
def test_alternate_conformations_count_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(PEPTIDE, "-o", tmp_path / "map.mrc", "--voxel-size", 0.5, "--json") == 0
    facts = facts_of(capsys)
    expected = 0.0
    for site in gemmi.read_structure(str(PEPTIDE))[0].all():
        coefficients = np.round(site.atom.element.c4322.a, 4)
        expected += round(site.atom.occ, 4) * coefficients.sum()
    # Occupancies have two decimals in the file.
    assert facts["sum_of_amplitudes"] == pytest.approx(expected, rel=1e-6)
    assert facts["integral"] == pytest.approx(expected, rel=3e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '-o' / '--output'"),
        (
            ["-o", "x.mrc", "--box", "0"],
            "'--box': 0 is not in the range x>=1; 'auto' or 'fit'",
        ),
        (["-o", "x.mrc", "--box", "1.5"], "'--box': '1.5' is not"),
        (["-o", "x.mrc", "--voxel-size", "0"], "'--voxel-size': 0.0 is not in the range 1e-06"),
        (["-o", "x.mrc", "--voxel-size", "1e300"], "'--voxel-size': 1e+300 is not in the range"),
        (["-o", "x.mrc", "--tolerance", "1"], "'--tolerance': 1.0 is not in the range 0<=x<1"),
        (["-o", "x.mrc", "--b-factors", "big"], "'--b-factors': 'big' is not"),
        (["-o", "x.mrc", "--models", "last"], "'--models': 'last' is not"),
        (["-o", "x.mrc", "--threads", "0"], "'--threads': 0 is not in the range 1<=x<=1024"),
        (["-o", "x.mrc", "--threads", "100000"], "'--threads': 100000 is not in the range 1<=x<="),
        (["-o", "x.mrc", "--voxel-size", "nan"], "'--voxel-size': nan is not a finite number"),
        (["-o", "x.mrc", "--tolerance", "nan"], "'--tolerance': nan is not a finite number"),
        (["-o", "x.mrc", "--colour", "red"], "No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], message: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(model, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.endswith("(see 'numbavol render --help')\n")
    assert error.startswith("numbavol: error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "//Q"], "error: --select '//Q' finds no atom"),
        (["--models", "7"], "error: --models 7: there is no such model"),
        (["--b-factors", "-500"], "error: --b-factors: expected values that leave every b"),
        (["--box", "100000"], "and .* GiB of memory are free"),
        (["-o", "no-folder/map.mrc"], "no-folder/map.mrc: there is no folder no-folder"),
        (["-o", "."], "expected the name of a file to write, got a folder"),
        (["--voxel-size", "1e-6"], "--voxel-size: the model takes"),
        (["--b-factors", "1e300"], "--voxel-size: the model takes"),
    ],
)
def test_bad_data_is_one_line_and_status_1(
    arguments: list[str],
    message: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert render(model, "-o", "map.mrc", *arguments) == 1
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.startswith("numbavol: error: ")
    assert error.count("\n") == 1
    assert os.listdir(tmp_path) == ["model.pdb"]  # noqa: PTH208


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"", "the file is empty"),
        (b"once upon a time", "not a structure that can be read"),
        (gzip.compress(b"data_x\n", mtime=0)[:-6], "the gzip compression is damaged or cut short"),
    ],
)
def test_a_bad_file_is_named(
    content: bytes | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.pdb"
    if content is not None:
        path.write_bytes(content)
    status = render(path, "-o", tmp_path / "map.mrc")
    error = capsys.readouterr().err
    assert status == 1, error
    assert "bad.pdb" in error
    assert message in error
    assert error.count("\n") == 1


def test_what_the_selection_leaves_out_is_counted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for models, left_out in (("all", (0, 2)), ("1", (1, 2)), ("2", (1, 0))):
        options = ["--models", models, "--select", "[N]", "--json", "--overwrite"]
        assert render(model, "-o", tmp_path / "map.mrc", *options) == 0
        assert facts_of(capsys)["left_out"] == dict(zip(("models", "atoms"), left_out, strict=True))


def test_a_bug_is_one_line_too(
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_down(*_arguments: object, **_options: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("numbavol.cli.methods.render_gaussian_mixture", break_down)
    assert render(model, "-o", tmp_path / "map.mrc") == 1
    error = capsys.readouterr().err
    assert error.endswith("(this is a bug; --debug shows where)\n")
    assert error.count("\n") == 1


def test_an_empty_map_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.pdb"
    path.write_text(
        "ATOM      1  N   ALA A   1      11.000  20.000  30.000  0.00 10.00           N  \nEND\n"
    )
    assert render(path, "-o", tmp_path / "map.mrc") == 0
    assert "all occupancies are 0, and so is the map" in capsys.readouterr().err


def test_the_default_tolerance_is_the_renderers() -> None:
    assert numbavol.GaussianMixtureRenderFn((1, 1, 1), 1.0).tolerance == DEFAULT_TOLERANCE


def test_an_existing_map_is_kept(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "map.mrc"
    output.write_text("precious")
    assert render(model, "-o", output, "--box", 8) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert output.read_text() == "precious"
    assert render(model, "-o", output, "--box", 8, "--overwrite") == 0
    assert numbavol.read_map(output).data.shape == (8, 8, 8)


def test_debug_shows_the_traceback(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="finds no atom"):
        render(model, "-o", tmp_path / "map.mrc", "--select", "//Q", "--debug")


@pytest.mark.compiled
@pytest.mark.parametrize(
    "seconds", [0.1, *(pytest.param(0.05 * n, marks=pytest.mark.heavy) for n in range(12))]
)
def test_an_interrupted_run_leaves_no_map(seconds: float, tmp_path: Path) -> None:
    output = tmp_path / "map.mrc"
    program = "from numbavol.cli import run; run()"
    # Work of several seconds.
    fine = ["--box", "300", "--voxel-size", "0.1", "--tolerance", "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, "render", enterotoxin(), "-o", output, *fine],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while not process.stdout.readline().startswith("render"):
        pass
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert errors.splitlines()[-1] == "numbavol: error: interrupted"
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_an_interrupt_causes_is_reported_as_the_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("numbavol.cli.command._interrupts", [signal.SIGINT])
    assert render(tmp_path / "missing.pdb", "-o", tmp_path / "map.mrc") == 130
    assert capsys.readouterr().err == "numbavol: error: interrupted\n"


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore:atoms without hydrogens:numbavol.StructureWarning")
@pytest.mark.parametrize("kind", ["bulk", "hydration"])
def test_solvent_is_added_relative_to_solvent_everywhere(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "map.mrc"

    def rendered(*options: object) -> np.ndarray:
        options = (*FEW_ATOMS, "--box", 40, "--json", "--overwrite", *options)
        assert render(enterotoxin(), "-o", output, *options) == 0
        return numbavol.read_map(output).data

    plain = rendered()
    capsys.readouterr()
    contrast = rendered("--solvent", kind)
    facts = facts_of(capsys)
    assert facts["solvent"] == kind
    (warning,) = facts["warnings"]
    assert warning.endswith("of their contrast in solvent: --hydrogens add adds them")
    displaced = plain - contrast
    assert displaced.sum(dtype=float) == pytest.approx(facts["displaced"], rel=1e-5)
    assert facts["integral"] == pytest.approx(contrast.sum(dtype=float), rel=1e-5)
    atoms = numbavol.load_atoms(enterotoxin(), selection_string="//A/1-3")
    atoms = dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)
    solvent = numbavol.BulkSolvent() if kind == "bulk" else numbavol.HydrationLayer()
    expected = solvent.render(atoms, (40, 40, 40), 1.0)
    np.testing.assert_allclose(contrast - plain, expected, rtol=0, atol=1e-6)
    # What blurs the model blurs what it displaces.
    blurred = rendered("--solvent", kind, "--resolution", 4) - rendered("--resolution", 4)
    assert blurred.sum(dtype=float) == pytest.approx(-facts["displaced"], rel=1e-3)
    assert np.square(blurred).sum() < 0.8 * np.square(expected).sum()
    volts = rendered("--solvent", kind, "--unit", "volt")
    np.testing.assert_allclose(volts, contrast * 47.878, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--solvent", "wet"], "Invalid value for '--solvent': 'wet' is not one of"),
        (["--solvent", "bulk", "--models", "ensemble"], "--solvent: the models of an ensemble"),
    ],
)
def test_solvent_that_cannot_be_is_one_line(
    arguments: list[str], message: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(model, "-o", model.with_name("map.mrc"), *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_map_has_no_atoms_for_solvent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "density.mrc"
    numbavol.write_map(path, np.ones((4, 4, 4), np.float32), 1.0)
    assert render(path, "-o", tmp_path / "map.mrc", "--solvent", "bulk") == 1
    assert "density.mrc: not a structure that can be read" in capsys.readouterr().err
