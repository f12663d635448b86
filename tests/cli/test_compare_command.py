"""``numbavol compare``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from spoiled_maps import spoil

import numbavol
from numbavol.cli import main
from numbavol.data import enterotoxin

if TYPE_CHECKING:
    from pathlib import Path

VOXEL_SIZE = 2.0
# A whole protein takes minutes uncompiled, and says nothing more.
pytestmark = pytest.mark.compiled


@pytest.fixture
def own_map(tmp_path: Path) -> Path:
    """The model's own map, in a box that is not centred on it."""
    path = tmp_path / "own.mrc"
    command = ["render", enterotoxin(), "-o", path, "--voxel-size", VOXEL_SIZE, "--quiet"]
    assert main([str(part) for part in command]) == 0
    read = numbavol.read_map(path)
    origin = read.origin + np.array([2 * VOXEL_SIZE, 0.0, 0.0])
    numbavol.write_map(path, read.data[:, :, 2:], VOXEL_SIZE, origin=origin, overwrite=True)
    return path


def compare(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    assert main([str(part) for part in ("compare", enterotoxin(), *arguments, "--json")]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_a_model_and_its_own_map_agree(own_map: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = compare(capsys, own_map)
    assert facts["real_space_correlation"] == pytest.approx(1.0, abs=1e-6)
    assert min(facts["correlation"]) > 0.999


def test_the_correlation_is_pearsons(own_map: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = numbavol.read_map(own_map)
    noisy = read.data + np.random.default_rng(0).normal(scale=0.1, size=read.data.shape)
    numbavol.write_map(own_map, noisy, VOXEL_SIZE, origin=read.origin, overwrite=True)
    expected = np.corrcoef(read.data.ravel(), noisy.ravel())[0, 1]
    found = compare(capsys, own_map)["real_space_correlation"]
    assert found == pytest.approx(expected, abs=1e-5)


def test_neither_scale_nor_offset_matters(
    own_map: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = numbavol.read_map(own_map)
    numbavol.write_map(own_map, 7 * read.data + 3, VOXEL_SIZE, origin=read.origin, overwrite=True)
    assert compare(capsys, own_map)["real_space_correlation"] == pytest.approx(1.0, abs=1e-5)


def test_a_mask_leaves_out_what_is_outside(
    own_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = numbavol.read_map(own_map)
    spoiled = read.data.copy()
    spoiled[:20] = np.random.default_rng(0).normal(size=spoiled[:20].shape)
    numbavol.write_map(own_map, spoiled, VOXEL_SIZE, origin=read.origin, overwrite=True)
    mask = np.ones_like(spoiled)
    mask[:20] = 0.0
    numbavol.write_map(tmp_path / "mask.mrc", mask, VOXEL_SIZE)
    assert compare(capsys, own_map)["real_space_correlation"] < 0.5
    masked = compare(capsys, own_map, "--mask", tmp_path / "mask.mrc")
    assert masked["real_space_correlation"] == pytest.approx(1.0, abs=1e-5)


def test_another_resolution_agrees_less(own_map: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0.3 < compare(capsys, own_map, "--resolution", 12)["real_space_correlation"] < 0.95


def test_the_curve_and_the_page_are_written(
    own_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--plot", tmp_path / "fsc.png", "--report", tmp_path / "fsc.html")
    compare(capsys, own_map, *options)
    assert (tmp_path / "fsc.png").read_bytes().startswith(b"\x89PNG")
    assert "real" in (tmp_path / "fsc.html").read_text()


def error_of(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    assert main([str(part) for part in ("compare", enterotoxin(), *arguments)]) == 1
    return capsys.readouterr().err


def test_a_map_with_nan_is_named_with_its_voxel(
    own_map: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(own_map, (1, 2, 3), np.nan)
    error = error_of(capsys, own_map)
    assert f"{own_map}: expected finite values, got nan in voxel (3, 2, 1)" in error


@pytest.mark.parametrize(
    ("value", "message"), [(np.inf, "expected finite values, got inf"), (-0.5, "of at least 0")]
)
def test_a_mask_that_cannot_weigh_is_named_with_its_voxel(
    value: float,
    message: str,
    own_map: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mask = tmp_path / "mask.mrc"
    numbavol.write_map(mask, np.ones_like(numbavol.read_map(own_map).data), VOXEL_SIZE)
    spoil(mask, (1, 2, 3), value)
    error = error_of(capsys, own_map, "--mask", mask)
    assert message in error
    assert "in voxel (3, 2, 1)" in error


def test_a_constant_map_is_named(own_map: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = numbavol.read_map(own_map)
    constant = np.full_like(read.data, 0.7)
    numbavol.write_map(own_map, constant, VOXEL_SIZE, origin=read.origin, overwrite=True)
    facts = compare(capsys, own_map)
    assert facts["real_space_correlation"] == 0.0
    assert any("constant" in warning for warning in facts["warnings"])


def test_atoms_outside_the_map_are_counted(
    own_map: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = compare(capsys, own_map)
    assert (facts["n_outside"], facts["warnings"]) == (0, [])
    read = numbavol.read_map(own_map)
    far = read.origin + 1000.0
    numbavol.write_map(own_map, read.data, VOXEL_SIZE, origin=far, overwrite=True)
    facts = compare(capsys, own_map)
    assert facts["n_outside"] == 5684
    assert "5684 atoms of 5684 outside the box" in facts["warnings"][0]


def test_a_mask_in_another_place_is_named(
    own_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = numbavol.read_map(own_map)
    mask = tmp_path / "mask.mrc"
    for shift, is_named in ((0.001, False), (5.0, True)):
        origin = read.origin + np.array([shift, 0, 0])
        numbavol.write_map(mask, np.ones_like(read.data), VOXEL_SIZE, origin=origin, overwrite=True)
        warnings = compare(capsys, own_map, "--mask", mask)["warnings"]
        assert [f"{mask} lies (5, 0, 0) A from {own_map}" in each for each in warnings] == (
            [True] if is_named else []
        )


def test_a_comparison_that_does_not_fit_is_refused(
    own_map: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numbavol.cli.comparing.MAPS", 10**12)
    assert "MAP: comparing maps of shape" in error_of(capsys, own_map)


def test_a_mask_of_nothing_is_one_line(
    own_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = numbavol.read_map(own_map)
    numbavol.write_map(tmp_path / "mask.mrc", 0 * read.data, VOXEL_SIZE)
    command = ["compare", enterotoxin(), own_map, "--mask", tmp_path / "mask.mrc"]
    assert main([str(part) for part in command]) == 1
    assert "--mask: expected values above 0" in capsys.readouterr().err
