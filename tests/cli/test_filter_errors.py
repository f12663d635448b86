"""``numbavol filter``: what it warns of, and what it refuses in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def filter_map(*arguments: object) -> int:
    return main(["filter", *map(str, arguments)])


def filtered(path: Path, *options: object) -> numbavol.io.RealSpaceMap:
    output = path.with_name("filtered.mrc")
    assert filter_map(path, "-o", output, "--overwrite", *options) == 0
    return numbavol.read_map(output)


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    path = tmp_path / "cube.mrc"
    numbavol.write_map(path, np.random.default_rng(1).standard_normal((12, 12, 12)), 1.5)
    return path


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ("--lowpass 3", "--lowpass 3 changes little: along an axis, the voxels hold nothing finer"),
        ("--lowpass 1.7", "--lowpass 1.7 changes nothing: the voxels hold nothing as fine"),
        ("--highpass 1.7", "--highpass 1.7 leaves nothing: the voxels hold nothing as fine"),
        ("--highpass 1.7", "every voxel of .* is 0"),
        ("--voxel-size 1.51", "--voxel-size 1.51 changes nothing: no other number of voxels fits"),
        ("--mask sphere:20:0", "--mask changes nothing: the sphere holds the whole box"),
    ],
)
def test_what_does_little_is_a_warning(
    cube: Path, options: str, warning: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filtered(cube, *options.split())
    assert re.search(f"warning: {warning}", capsys.readouterr().err)


def test_voxels_that_are_no_cubes_any_more_are_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbavol.write_map(tmp_path / "map.mrc", np.ones((10, 10, 11)), 1.0)
    read = filtered(tmp_path / "map.mrc", "--voxel-size", 1.5)
    np.testing.assert_allclose(read.voxel_size, [11 / 7, 10 / 7, 10 / 7], rtol=1e-6)
    captured = capsys.readouterr()
    assert "the voxels are no cubes any more" in captured.err
    assert "7 x 7 x 7 voxels (x, y, z) of 1.57143 x 1.42857 x 1.42857 A" in captured.out
    numbavol.write_map(tmp_path / "map.mrc", np.ones((10, 20, 40)), 1.1, overwrite=True)
    filtered(tmp_path / "map.mrc", "--voxel-size", 2.2)
    assert "no cubes any more" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "expected at least one of --lowpass, --highpass, --b-factor, --voxel-size, --mask, "),
        ("--crop 4 --box 5", "expected one of --crop, --pad and --box, got --crop and --box"),
        (
            "--lowpass 8 --highpass 6",
            "--highpass: expected a coarser resolution than that of --low",
        ),
        ("--lowpass 8 --highpass 8", "together they leave nothing"),
        ("--lowpass 0", "'--lowpass': 0.0 is not in the range x>0"),
        ("--lowpass nan", "'--lowpass': nan is not a finite number"),
        ("--highpass -3", "'--highpass': -3.0 is not in the range x>0"),
        ("--b-factor inf", "'--b-factor': inf is not a finite number"),
        ("--b-factor big", "'--b-factor': 'big' is not a valid float"),
        ("--voxel-size 0", "'--voxel-size': 0.0 is not in the range x>0"),
        ("--crop 0", "'--crop': 0 is not in the range"),
        ("--pad 1.5", "'--pad': '1.5' is not a valid int"),
        ("--box 1000001", "'--box': 1000001 is not in the range"),
        *(
            (f"--mask {text}", f"'--mask': expected sphere:RADIUS or .*, got '{text}'")
            for text in ("sphere", "sphere:", "sphere:a", "sphere:0", "sphere:4:-1", "sphere:4:3:2")
        ),
        ("--mask cylinder:4:3", "expected sphere:RADIUS or sphere:RADIUS:EDGE in angstroms"),
        ("--mask sphere:inf", "expected sphere:RADIUS"),
        ("--mask sphere:4:nan", "expected sphere:RADIUS"),
        ("--lowpass 8 --threads 0", "'--threads': 0 is not in the range 1<=x<=1024"),
        ("--lowpass 8 --rolloff 2", "No such option"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    cube: Path, arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert filter_map(cube, "-o", cube.with_name("out.mrc"), *arguments.split()) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.endswith("(see 'numbavol filter --help')\n")
    assert error.startswith("numbavol: error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--crop 13", r"--crop: expected at most 12, the shortest side of .*cube\.mrc, .*, got 13"),
        ("--pad 11", r"--pad: expected at least 12, the longest side of .*cube\.mrc, .*, got 11"),
        (
            "--voxel-size 3 --crop 7",
            "at most 6, .* 6 x 6 x 6 voxels that --voxel-size makes, got 7",
        ),
        ("--voxel-size 1 --pad 17", "--pad: expected at least 18, the longest side of 18 x"),
        ("--voxel-size 36", "--voxel-size: expected 1 to 1000000 voxels along each side of"),
        ("--voxel-size 1e-300", "--voxel-size: expected 1 to 1000000 voxels along each side of"),
        ("--voxel-size 0.0001", "--voxel-size: the work on .* and .* GiB of memory are free"),
        ("--pad 100000", "--pad: the work on .* and .* GiB of memory are free"),
        ("--box 100000", "--box: the work on .* and .* GiB of memory are free"),
        ("--b-factor -9000", "--b-factor: expected at least -8400 for .*, got -9000"),
        ("--lowpass 8 -o no-folder/out.mrc", "there is no folder no-folder"),
        ("--lowpass 8 -o .", "expected the name of a file to write, got a folder"),
        ("--lowpass 8 -o cube.mrc --overwrite", "cube.mrc: that is the map itself"),
    ],
)
def test_what_a_map_does_not_allow_is_one_line_and_status_1(
    cube: Path,
    arguments: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(cube.parent)
    before = cube.read_bytes()
    assert filter_map(cube, "-o", "out.mrc", *arguments.split()) == 1
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.startswith("numbavol: error: ")
    assert error.count("\n") == 1
    assert os.listdir(cube.parent) == ["cube.mrc"]  # noqa: PTH208
    assert cube.read_bytes() == before


def _without_voxel_size(path: Path) -> None:
    with mrcfile.open(path, "r+") as mrc:
        mrc.header.cella = (0, 0, 0)


def _with_value(value: float) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        with mrcfile.open(path, "r+") as mrc:
            mrc.data[1, 2, 3] = value

    return spoil


@pytest.mark.filterwarnings("ignore:Data array contains:RuntimeWarning")
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "cube.mrc: No such file or directory"),
        (lambda path: path.write_bytes(b""), "not a map that can be read: an MRC header has 1024"),
        (lambda path: path.write_text("once" * 1000), "not a map that can be read: there is no"),
        (lambda path: path.write_bytes(path.read_bytes()[:-4]), "it is cut short: expected"),
        (_without_voxel_size, "cube.mrc: expected a voxel size in the header, got none"),
        (
            _with_value(np.nan),
            r"expected finite values, got nan in voxel \(3, 2, 1\) \(x, y, z\), the first of 1",
        ),
        (_with_value(-np.inf), r"expected finite values, got -inf in voxel \(3, 2, 1\)"),
        # Finite, but its transform is not.
        (_with_value(3e38), "expected a filtered map that float32 can hold, got the sum (nan|inf)"),
    ],
)
def test_a_bad_map_is_named(
    cube: Path, spoil: Callable[[Path], object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(cube)
    output = cube.with_name("out.mrc")
    assert filter_map(cube, "-o", output, "--b-factor", -30) == 1
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count("\n") == 1
    assert not output.exists()


def test_an_existing_map_is_kept(cube: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = cube.with_name("out.mrc")
    output.write_text("precious")
    assert filter_map(cube, "-o", output, "--crop", 5) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert output.read_text() == "precious"
    assert filter_map(cube, "-o", output, "--crop", 5, "--overwrite") == 0
    assert numbavol.read_map(output).data.shape == (5, 5, 5)


def test_the_help_imports_nothing_heavy_and_states_the_order() -> None:
    program = (
        "import sys\nfrom numbavol.cli import main\nmain(['filter', '--help'])\n"
        "print('heavy:', *sorted({'numba', 'numpy', 'scipy', 'gemmi', 'rich'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert ran.stdout.splitlines()[-1] == "heavy:"
    steps = ["1. --lowpass", "2. --voxel-size", "3. --mask", "4. --crop"]
    positions = [ran.stdout.index(step) for step in steps]
    assert positions == sorted(positions)
    assert "below 0 it sharpens" in " ".join(ran.stdout.split())
