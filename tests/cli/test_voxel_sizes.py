"""Voxels that are not what an option asks for: what commands say, and that it leads there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Say = Callable[..., str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command, and return what it said, errors included."""

    def run(*options: object) -> str:
        main([*map(str, options)])
        captured = capsys.readouterr()
        return captured.out + captured.err

    return run


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A map of 12 voxels a side, of 1 A."""
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.random.default_rng(0).standard_normal((12, 12, 12)), 1.0)
    return path


IMAGES = {
    "project": ("project", "--poses", "random:1", "--pixel-size"),
    "simulate": ("simulate", "--number", "2", "--box", "8", "--pixel-size"),
}


@pytest.mark.parametrize("command", IMAGES)
def test_what_a_command_says_of_other_voxels_makes_them_fit(
    command: str, volume: Path, tmp_path: Path, say: Say
) -> None:
    name, *options = IMAGES[command]
    images, boxed, resampled = (tmp_path / name for name in ("i.mrcs", "b.mrc", "r.mrc"))
    said = say(name, volume, "-o", images, *options, 1.3)
    advice = re.search(r"numbavol filter --box (\d+) and then --voxel-size (\S+) resample it", said)
    assert advice is not None, said
    assert not images.exists()
    say("filter", volume, "-o", boxed, "--box", advice[1])
    say("filter", boxed, "-o", resampled, "--voxel-size", advice[2])
    say(name, resampled, "-o", images, *options, 1.3)
    assert images.exists()


@pytest.mark.parametrize("command", IMAGES)
def test_where_no_box_holds_such_voxels_those_of_the_map_are_offered(
    command: str, volume: Path, tmp_path: Path, say: Say
) -> None:
    name, *options = IMAGES[command]
    images = tmp_path / "i.mrcs"
    said = say(name, volume, "-o", images, *options, 1.0137)
    assert "; a pixel size of 1 images it as it is" in said
    say(name, volume, "-o", images, *options, 1)
    assert images.exists()


@pytest.mark.parametrize("command", IMAGES)
def test_a_box_that_fits_is_not_changed(
    command: str, volume: Path, tmp_path: Path, say: Say
) -> None:
    name, *options = IMAGES[command]
    said = say(name, volume, "-o", tmp_path / "i.mrcs", *options, 2)
    assert "; numbavol filter --voxel-size 2 resamples it" in said


def test_filter_says_which_box_has_the_voxels_that_are_asked_for(
    volume: Path, tmp_path: Path, say: Say
) -> None:
    said = say("filter", volume, "-o", tmp_path / "f.mrc", "--voxel-size", 1.3)
    assert "of 1.33333 A, 1.3 A asked for, exact after --box 13 in a run of its own" in said
    said = say("filter", volume, "-o", tmp_path / "g.mrc", "--voxel-size", 1.0137)
    assert "1.0137 A asked for\n" in said


@pytest.fixture
def oblong(tmp_path: Path) -> Path:
    """A map of voxels that are no cubes."""
    path = tmp_path / "oblong.mrc"
    values = np.random.default_rng(0).standard_normal((10, 8, 12))
    numbavol.write_map(path, values, (0.9, 1.1, 0.75))
    return path


@pytest.mark.parametrize(
    ("pixel_size", "possible"), [("1.1", "1.1"), ("1.2", "1.2"), ("1.0137", "0.75")]
)
@pytest.mark.parametrize("command", IMAGES)
def test_what_a_command_says_of_voxels_that_are_no_cubes_makes_cubes(
    command: str, pixel_size: str, possible: str, oblong: Path, tmp_path: Path, say: Say
) -> None:
    name, *options = IMAGES[command]
    images, boxed, resampled = (tmp_path / name for name in ("i.mrcs", "b.mrc", "r.mrc"))
    said = say(name, oblong, "-o", images, *options, pixel_size)
    advice = re.search(r"numbavol filter --box (\d+) and then --voxel-size (\S+) resample it", said)
    assert advice is not None, said
    assert advice[2] == possible
    say("filter", oblong, "-o", boxed, "--box", advice[1])
    say("filter", boxed, "-o", resampled, "--voxel-size", possible)
    say(name, resampled, "-o", images, *options, possible)
    assert images.exists()


def test_voxels_are_said_in_the_order_of_the_axes(oblong: Path, tmp_path: Path, say: Say) -> None:
    said = say("project", oblong, "-o", tmp_path / "i.mrcs", "--poses", "random:1")
    assert "12 x 8 x 10 voxels (x, y, z) of 0.9 x 1.1 x 0.75 A\n" in said
    assert (
        "voxels of 0.9 x 1.1 x 0.75 A (x, y, z) have no square pixels; numbavol filter --box 15 "
        "and then --voxel-size 0.75 resample it" in said
    )


@pytest.mark.parametrize("command", IMAGES)
def test_where_filter_cannot_make_cubes_that_is_said(
    command: str, tmp_path: Path, say: Say
) -> None:
    name, *options = IMAGES[command]
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.ones((10, 8, 12)), (0.9137, 1.1021, 0.7513))
    said = say(name, path, "-o", tmp_path / "i.mrcs", *options, 1)
    assert "so numbavol filter cannot make them: interpolate it in another program" in said


def test_filter_says_which_box_makes_cubes(oblong: Path, tmp_path: Path, say: Say) -> None:
    said = say("filter", oblong, "-o", tmp_path / "f.mrc", "--voxel-size", 1.1)
    assert "1.1 A asked for, exact after --box 22 in a run of its own" in said


@pytest.mark.parametrize(("resolution", "is_too_fine"), [(3.9, True), (4.0, False)])
def test_a_resolution_that_voxels_do_not_hold_is_a_warning(
    resolution: float, is_too_fine: bool, tmp_path: Path, say: Say
) -> None:
    model = tmp_path / "atom.pdb"
    model.write_text(
        "ATOM      1  CA  GLY A   1       0.000   0.000   0.000  1.00 20.00           C\n"
    )
    said = say(
        "render", model, "-o", tmp_path / "m.mrc", "--voxel-size", 2, "--resolution", resolution
    )
    warning = f"voxels of 2 A hold nothing finer than 4 A, and --resolution is {resolution:g}"
    assert (warning in said) == is_too_fine
