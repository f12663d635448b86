"""``numbavol compare``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

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


def test_a_mask_of_nothing_is_one_line(
    own_map: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read = numbavol.read_map(own_map)
    numbavol.write_map(tmp_path / "mask.mrc", 0 * read.data, VOXEL_SIZE)
    command = ["compare", enterotoxin(), own_map, "--mask", tmp_path / "mask.mrc"]
    assert main([str(part) for part in command]) == 1
    assert "--mask: expected values above 0" in capsys.readouterr().err
