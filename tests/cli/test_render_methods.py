"""``numbavol render --method``: two ways to one map, and the choice between them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import gemmi
import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.data import enterotoxin

if TYPE_CHECKING:
    from pathlib import Path

WIDE = ("--b-factors", 300)  # no frequencies beyond 2 A, to 1e-6


@pytest.fixture
def model(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    residue = gemmi.Residue()
    residue.name = "ALA"
    residue.seqid = gemmi.SeqId("1")
    for n in range(12):
        atom = gemmi.Atom()
        atom.name = f"C{n}"
        atom.element = gemmi.Element(["C", "N", "O"][n % 3])
        atom.pos = gemmi.Position(*rng.uniform(-4, 4, 3))
        atom.b_iso = 20.0 + n
        atom.occ = 0.5 if n % 4 == 0 else 1.0
        residue.add_atom(atom)
    chain = gemmi.Chain("A")
    chain.add_residue(residue)
    structure = gemmi.Structure()
    structure.add_model(gemmi.Model(1))
    structure[0].add_chain(chain)
    path = tmp_path / "model.pdb"
    structure.write_pdb(str(path))
    return path


def render(*arguments: object) -> int:
    return main(["render", *map(str, arguments)])


def read(path: Path) -> np.ndarray:
    return numbavol.read_map(path).data


def test_both_methods_make_the_same_map_of_wide_atoms(model: Path, tmp_path: Path) -> None:
    of_gaussians, of_transforms = tmp_path / "a.mrc", tmp_path / "b.mrc"
    options = ("--box", 72, *WIDE)
    assert render(model, "-o", of_gaussians, "--method", "gaussian", *options) == 0
    assert render(model, "-o", of_transforms, "--method", "fft", *options) == 0
    a, b = read(of_gaussians), read(of_transforms)
    # Both errors are 1e-6, and float32 has its rounding.
    assert np.linalg.norm(a - b) <= 3e-6 * np.linalg.norm(a)


def test_occupancies_and_b_factors_reach_the_transforms(model: Path, tmp_path: Path) -> None:
    of_gaussians, of_transforms = tmp_path / "a.mrc", tmp_path / "b.mrc"
    # Fine voxels hold the frequencies of B-factors of 20.
    options = ("--box", 72, "--voxel-size", 0.25, "--tolerance", 1e-5)
    assert render(model, "-o", of_gaussians, "--method", "gaussian", *options) == 0
    assert render(model, "-o", of_transforms, "--method", "fft", *options) == 0
    a, b = read(of_gaussians), read(of_transforms)
    # The narrowest of Peng's Gaussians has 1 % left at Nyquist, and a hundredth of the amplitude.
    assert np.linalg.norm(a - b) <= 1e-3 * np.linalg.norm(a)


def test_a_map_that_differs_is_said_to(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(model, "-o", tmp_path / "map.mrc", "--method", "fft") == 0
    error = capsys.readouterr().err
    assert "not that of --method gaussian: atoms have frequencies beyond 2 A" in error
    assert render(model, "-o", tmp_path / "tight.mrc", "--method", "fft", "--box", 24, *WIDE) == 0
    assert "comes in again at the other side" in capsys.readouterr().err


@pytest.mark.parametrize("options", [(), ("--voxel-size", 0.5), ("--box", 12)])
def test_auto_does_not_take_a_map_that_differs(
    options: tuple[object, ...],
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However fast it may be.
    monkeypatch.setattr("numbavol.cli.methods.predict_fft_atoms", lambda *_: 0.0)
    assert render(model, "-o", tmp_path / "map.mrc", "--json", "--verbose", *options) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["method"] == "gaussian"
    assert facts["fft_is_not_the_same"]


@pytest.mark.parametrize(("seconds", "method"), [(0.0, "fft"), (1e9, "gaussian")])
def test_auto_takes_the_faster_one_where_maps_are_the_same(
    seconds: float,
    method: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("numbavol.cli.methods.predict_fft_atoms", lambda *_: seconds)
    options = ("--box", 80, "--json", "--verbose", *WIDE)
    assert render(model, "-o", tmp_path / "map.mrc", *options) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["method"] == method
    assert facts["fft_is_not_the_same"] is None
    assert facts["predicted_seconds"]["fft"] == seconds


def test_verbose_says_what_is_predicted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(model, "-o", tmp_path / "map.mrc", "--verbose") == 0
    output = capsys.readouterr().out
    assert "method  gaussian; predicted, on one core: gaussian " in output
    assert "transforms); fft is not the same: atoms have frequencies beyond 2 A" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--method", "fft", "--tolerance", 0),
            "--tolerance: expected at least 1e-13",
        ),
        (("--method", "fft", "--tolerance", 1e-15), "--tolerance: expected at least 1e-13"),
        (
            ("--method", "fft", "--box", 4),
            "fft does not allow; --box auto holds them all",
        ),
    ],
)
def test_what_transforms_cannot_do_is_one_line(
    options: tuple[object, ...],
    message: str,
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert render(model, "-o", tmp_path / "map.mrc", *options) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "map.mrc").exists()


def test_an_exact_rendering_needs_no_prediction(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--tolerance", 0, "--verbose", "--json")
    assert render(model, "-o", tmp_path / "map.mrc", *options) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "gaussian"


@pytest.mark.compiled
def test_the_sample_is_rendered_by_transforms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--method", "fft", "--json", "--tolerance", 1e-4)
    assert render(enterotoxin(), "-o", tmp_path / "map.mrc", *options) == 0
    facts = json.loads(capsys.readouterr().out)
    # The zero frequency is the sum, and the error of a transform is spread over all frequencies.
    assert facts["integral"] == pytest.approx(facts["sum_of_amplitudes"], rel=1e-5)
