"""``numbavol fsc``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from spoiled_maps import spoil

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def maps(tmp_path: Path) -> list[Path]:
    """A map, the same with noise, and a mask of its lower half."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((12, 12, 12))
    mask = np.zeros((12, 12, 12))
    mask[:6] = 1.0
    noisy = values + 0.3 * rng.standard_normal(values.shape)
    noisy[6:] = rng.standard_normal((6, 12, 12))
    paths = [tmp_path / name for name in ("map.mrc", "noisy.mrc", "mask.mrc")]
    for path, data in zip(paths, (values, noisy, mask), strict=True):
        numbavol.write_map(path, data, 1.5)
    return paths


def test_a_map_resolves_itself_to_nyquist(
    maps: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fsc", str(maps[0]), str(maps[0])]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "shells      7, up to 3 A",
        "FSC 0.143   better than 3.00 A (never falls below 0.143)",
        "FSC 0.5     better than 3.00 A (never falls below 0.5)",
    ]


def test_a_resolution_is_a_crossing_or_null(
    maps: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    density = numbavol.read_map(maps[0]).data
    smooth = numbavol.LowpassFilter.from_resolution(density.shape, 1.5, 6.0)(
        numbavol.rfftn(density)
    )
    crossing = numbavol.irfftn(smooth, density.shape) + 0.01 * rng.standard_normal(density.shape)
    others = {"same": density, "crossing": crossing, "other": -density}
    found = {}
    for name, values in others.items():
        numbavol.write_map(tmp_path / f"{name}.mrc", values, 1.5)
        assert main(["fsc", str(maps[0]), str(tmp_path / f"{name}.mrc"), "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        found[name] = (facts["falls_below_0.5"], facts["resolution_at_0.5"])
    assert found["same"] == (False, None)
    assert found["crossing"] == (True, pytest.approx(5.0, abs=1.0))
    assert found["other"] == (True, None)
    assert main(["fsc", str(maps[0]), str(tmp_path / "other.mrc")]) == 0
    assert (
        "FSC 0.5     worse than 18.00 A (below 0.5 in the first shell)" in capsys.readouterr().out
    )


def test_a_map_of_one_shell_has_no_resolution(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbavol.write_map(tmp_path / "one.mrc", np.ones((1, 1, 1)), 1.5)
    assert main(["fsc", str(tmp_path / "one.mrc"), str(tmp_path / "one.mrc")]) == 0
    assert "FSC 0.143   not known: there is no shell but the mean" in capsys.readouterr().out


def test_one_crossing_is_that_of_its_threshold_alone(
    maps: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fsc", str(maps[0]), str(maps[1]), "--mask", str(maps[2]), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    one, other, mask = (numbavol.read_map(path).data for path in maps)
    for threshold in (0.143, 0.5):
        alone = numbavol.compute_fourier_shell_correlation(one * mask, other * mask, 1.5, threshold)
        if facts[f"falls_below_{threshold:g}"]:
            assert facts[f"resolution_at_{threshold:g}"] == alone.resolution
        assert alone == alone.at_threshold(0.9).at_threshold(threshold)


def test_maps_with_nan_and_in_other_places_are_named(
    maps: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    read = numbavol.read_map(maps[1])
    numbavol.write_map(maps[1], read.data, 1.5, origin=(3.0, 0.0, 0.0), overwrite=True)
    assert main(["fsc", str(maps[0]), str(maps[1])]) == 0
    assert f"{maps[1]} lies (3, 0, 0) A from {maps[0]}" in capsys.readouterr().err
    spoil(maps[1], (0, 0, 2), np.nan)
    for pair in (maps[:2], maps[1::-1]):
        assert main(["fsc", *map(str, pair)]) == 1
        assert f"{maps[1]}: expected finite values, got nan in voxel (2, 0, 0)" in (
            capsys.readouterr().err
        )


def test_a_mask_multiplies_both_maps(maps: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    curves = []
    for options in ([], ["--mask", str(maps[2])]):
        assert main(["fsc", str(maps[0]), str(maps[1]), "--json", *options]) == 0
        curves.append(json.loads(capsys.readouterr().out)["correlation"])
    assert np.mean(curves[1]) > np.mean(curves[0]) + 0.2


def test_the_curve_is_drawn(maps: list[Path], tmp_path: Path) -> None:
    picture = tmp_path / "fsc.png"
    assert main(["fsc", str(maps[0]), str(maps[1]), "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_error_says_what_to_install(
    maps: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["fsc", str(maps[0]), str(maps[1]), "--plot", str(tmp_path / "fsc.png")]) == 1
    assert capsys.readouterr().err.endswith('pip install ".[plot]", in the checkout of numbavol\n')


@pytest.mark.parametrize(
    ("shape", "voxel_size", "message"),
    [((12, 12, 10), 1.5, "expected the shape of"), ((12, 12, 12), 1.6, "expected the voxel size")],
)
def test_maps_that_do_not_match_are_named(
    maps: list[Path],
    shape: tuple[int, ...],
    voxel_size: float,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    numbavol.write_map(tmp_path / "other.mrc", np.ones(shape), voxel_size)
    assert main(["fsc", str(maps[0]), str(tmp_path / "other.mrc")]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "other.mrc" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("option", ["--plot", "--report"])
@pytest.mark.parametrize("which", [1, 2])
def test_no_file_that_is_read_is_replaced(
    option: str, which: int, maps: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = maps[which].rename(tmp_path / ("read.png" if option == "--plot" else "read.html"))
    content = output.read_bytes()
    second, mask = (output, maps[2]) if which == 1 else (maps[1], output)
    command = ["fsc", maps[0], second, "--mask", mask, option, output, "--overwrite"]
    assert main([str(part) for part in command]) == 1
    assert "that is one of the files that are read" in capsys.readouterr().err
    assert output.read_bytes() == content


@pytest.mark.parametrize("side", ["first", "second"])
def test_a_constant_map_is_named(
    maps: list[Path], tmp_path: Path, side: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flat = tmp_path / "flat.mrc"
    numbavol.write_map(flat, np.full((12, 12, 12), 2.0), 1.5)
    files = [flat, maps[0]] if side == "first" else [maps[0], flat]
    assert main(["fsc", *map(str, files), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning == f"the {side} map is constant, and correlates with nothing"


def test_a_mask_of_nothing_is_an_error(
    maps: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.mrc"
    numbavol.write_map(empty, np.zeros((12, 12, 12)), 1.5)
    assert main(["fsc", str(maps[0]), str(maps[0]), "--mask", str(empty)]) == 1
    assert f"--mask: expected values above 0, {empty} has none" in capsys.readouterr().err


def test_an_inverted_contrast_is_seen(
    maps: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inverted = tmp_path / "inverted.mrc"
    numbavol.write_map(inverted, -numbavol.read_map(maps[0]).data, 1.5)
    assert main(["fsc", str(maps[0]), str(inverted), "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warning == (
        "the maps are opposite where they are coarse (mean correlation -1.00): one may have its "
        "contrast inverted"
    )


def test_maps_that_have_nothing_in_common_are_not_taken_for_opposite(
    maps: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(5):
        other = tmp_path / f"other{seed}.mrc"
        values = np.random.default_rng(100 + seed).standard_normal((12, 12, 12))
        numbavol.write_map(other, values, 1.5)
        assert main(["fsc", str(maps[0]), str(other), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["warnings"] == []
