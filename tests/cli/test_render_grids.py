"""``numbavol render``: onto another map's grid, to a resolution, in another unit."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.data import enterotoxin

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
SHAPE, VOXEL_SIZE = (30, 36, 40), (1.1, 1.3, 0.9)
ORDERS = ["".join(order) for order in itertools.permutations("xyz")]
# Whole structures take minutes uncompiled, and say nothing more.
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.filterwarnings("ignore::numbavol.StructureWarning"),
]


def write_target(path: Path, order: str, origin: tuple[float, ...], nstart: list[int]) -> None:
    """A map made by another library, whose file has another order of axes."""
    axes = ["xyz".index(axis) for axis in order]
    lengths = SHAPE[::-1]
    columns, rows, sections = (lengths[axis] for axis in axes)
    with mrcfile.new(path) as file:
        file.set_data(np.zeros((sections, rows, columns), np.float32))
        file.header.mapc, file.header.mapr, file.header.maps = (axis + 1 for axis in axes)
        file.header.mx, file.header.my, file.header.mz = lengths
        cell = [n * side for n, side in zip(lengths, VOXEL_SIZE, strict=True)]
        file.header.cella = tuple(cell)
        file.header.origin = origin
        starts = [nstart[axis] for axis in axes]
        file.header.nxstart, file.header.nystart, file.header.nzstart = starts


def render(tmp_path: Path, *options: Any, model: Path = PEPTIDE) -> numbavol.RealSpaceMap:
    output = tmp_path / "out.mrc"
    command = ["render", model, "-o", output, "--overwrite", "--quiet", *options]
    assert main([str(part) for part in command]) == 0
    return numbavol.read_map(output)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("origin", "nstart"),
    [((-3.5, 2.25, 7.0), [0, 0, 0]), ((0.0, 0.0, 0.0), [-4, 7, 11]), ((1.0, 2.0, 3.0), [5, 6, 7])],
)
def test_the_grid_is_that_of_the_other_map(
    order: str, origin: tuple[float, ...], nstart: list[int], tmp_path: Path
) -> None:
    target = tmp_path / "target.mrc"
    write_target(target, order, origin, nstart)
    render(tmp_path, "--like", target)
    asked, made = (numbavol.read_map_header(tmp_path / n) for n in ("target.mrc", "out.mrc"))
    assert (made.shape, made.axis_order) == (asked.shape, order)
    assert made.nstart.tolist() == asked.nstart.tolist() == nstart
    np.testing.assert_allclose(made.voxel_size, asked.voxel_size, atol=1e-6)
    np.testing.assert_allclose(made.origin, asked.origin, atol=1e-6)
    np.testing.assert_array_equal(made.written_origin, asked.written_origin)


def test_a_part_of_a_cell_keeps_its_cell_and_its_place(tmp_path: Path) -> None:
    target, intervals, start = tmp_path / "target.mrc", (83, 97, 113), [2011, -1511, 907]
    write_target(target, "zyx", (0.0, 0.0, 0.0), start)
    with mrcfile.open(target, "r+") as file:
        file.header.mx, file.header.my, file.header.mz = intervals
        file.header.cella = (101.37, 120.119, 97.643)
    render(tmp_path, "--like", target)
    asked, made = (mrcfile.open(tmp_path / n, header_only=True) for n in ("target.mrc", "out.mrc"))
    for field in ("mx", "my", "mz", "cella", "nxstart", "nystart", "nzstart", "origin"):
        assert made.header[field] == asked.header[field], field
    # To the last digit, as programs multiply.
    one, other = (numbavol.read_map_header(tmp_path / n) for n in ("target.mrc", "out.mrc"))
    assert one.intervals.tolist() == other.intervals.tolist() == list(intervals)
    np.testing.assert_array_equal(one.origin, other.origin)
    np.testing.assert_array_equal(one.voxel_size, other.voxel_size)


def test_a_map_rendered_onto_another_grid_lies_on_the_model(tmp_path: Path) -> None:
    own = render(tmp_path, "--voxel-size", "0.9", "--box", "48")
    # The same voxels, cut out of a larger box by three voxels along x and two along y.
    target = tmp_path / "target.mrc"
    origin = own.origin + np.array([3, 2, 0]) * 0.9
    numbavol.write_map(target, np.zeros((48, 44, 40)), 0.9, origin=origin, axis_order="zxy")
    like = render(tmp_path, "--like", target, "--tolerance", "1e-9")
    expected = own.data[:, 2:46, 3:43]
    np.testing.assert_allclose(like.data, expected, atol=3e-6 * expected.max())


def test_a_gaussian_resolution_is_a_b_factor(tmp_path: Path) -> None:
    box = ("--box", "48", "--method", "gaussian")
    blurred = render(tmp_path, "--b-factors", "none", "--resolution", "3", *box)
    by_b_factor = render(tmp_path, "--b-factors", "36", *box)
    np.testing.assert_array_equal(blurred.data, by_b_factor.data)


def test_a_gaussian_resolution_falls_to_1_over_e(tmp_path: Path) -> None:
    # B-factors so high that nothing is folded back at Nyquist.
    box = ("--box", "64", "--tolerance", "0", "--b-factors", "80")
    transforms = [
        numbavol.fftn(render(tmp_path, *options, *box).data)
        for options in ((), ("--resolution", "8"))
    ]
    # The eighth frequency of a box of 64 A is one over 8 A.
    ratio = (transforms[1] / transforms[0])[0, 0, 8]
    assert ratio == pytest.approx(np.exp(-1), rel=1e-4)


@pytest.mark.parametrize(("kind", "untouched"), [("sharp", 8), ("soft", 7)])
def test_a_limit_leaves_nothing_finer(kind: str, untouched: int, tmp_path: Path) -> None:
    limited = render(tmp_path, "--box", "64", "--resolution", "8", "--resolution-by", kind)
    whole = render(tmp_path, "--box", "64")
    spectrum = numbavol.compute_power_spectrum(limited.data).values
    expected = numbavol.compute_power_spectrum(whole.data).values
    np.testing.assert_allclose(spectrum[:untouched], expected[:untouched], rtol=1e-4)
    assert np.all(spectrum[9:] < 1e-9 * expected[9:])


@pytest.mark.parametrize(("voxel_size", "box"), [(0.5, 96), (2.0, 24), (4.0, 12)])
def test_a_soft_edge_depends_on_the_resolution_alone(
    voxel_size: float, box: int, tmp_path: Path
) -> None:
    # Of one that is that of two voxels, too.
    size = ("--voxel-size", voxel_size, "--box", box, "--method", "gaussian")
    transforms = [
        numbavol.fftn(render(tmp_path, *size, *options).data)
        for options in ((), ("--resolution", 8, "--resolution-by", "soft"))
    ]
    frequencies = numbavol.make_frequency_grid((box,) * 3, voxel_size, outputs_rfftfreqs=False)
    turns = 8 * np.linalg.norm(frequencies, axis=-1)
    expected = 0.5 + 0.5 * np.cos(10 * np.pi * (np.clip(turns, 0.9, 1.0) - 0.9))
    largest = np.abs(transforms[0]).max()
    np.testing.assert_allclose(transforms[1], expected * transforms[0], atol=1e-5 * largest)


def test_volts_are_the_same_map_in_another_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = render(tmp_path, "--box", "48")
    volts = render(tmp_path, "--box", "48", "--unit", "volt")
    np.testing.assert_allclose(volts.data, 47.8776472 * own.data, rtol=1e-6)
    command = ["render", PEPTIDE, "-o", tmp_path / "v.mrc", "--box", 48, "--unit", "volt", "--json"]
    capsys.readouterr()
    assert main([str(part) for part in command]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["integral"] == pytest.approx(facts["sum_of_amplitudes"], rel=1e-4)
    total = volts.data.sum(dtype=np.float64) * np.prod(volts.voxel_size)
    assert facts["integral"] == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize("unit", ["volt", "angstrom^-2"])
def test_info_says_the_unit_of_a_rendered_map(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unit: str
) -> None:
    path = tmp_path / "v.mrc"
    command = ["render", PEPTIDE, "-o", path, "--voxel-size", 2, "--unit", unit]
    assert main([str(part) for part in command]) == 0
    said = capsys.readouterr().out
    assert ("V A^3, of" in said) is (unit == "volt")
    assert main(["info", str(path)]) == 0
    assert f"unit        {unit}\n" in capsys.readouterr().out
    assert main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unit"] == unit


def test_a_box_that_fits_is_no_larger_than_the_cube(tmp_path: Path) -> None:
    options = ("--select", "//D/1-40", "--voxel-size", "0.7")
    cube = render(tmp_path, *options, model=enterotoxin())
    box = render(tmp_path, *options, "--box", "fit", model=enterotoxin())
    assert max(box.data.shape) == cube.data.shape[0]
    assert min(box.data.shape) < max(box.data.shape)
    assert box.data.sum() == pytest.approx(cube.data.sum(), rel=1e-5)


def test_a_margin_stays_empty(tmp_path: Path) -> None:
    wide = render(tmp_path, "--box", "fit", "--margin", "10")
    assert not wide.data[:9].any()
    assert not wide.data[:, :, -9:].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--like", "map.mrc", "--box", "20"], "--box: --like gives the grid"),
        (["--like", "map.mrc", "--voxel-size", "2"], "--voxel-size: --like gives the grid"),
        (["--like", "none.mrc"], "none.mrc: No such file"),
        (["--like", str(PEPTIDE)], "not a map that can be read"),
        (["--resolution-by", "sharp"], "--resolution-by: there is no --resolution"),
        (
            ["--resolution", "1", "--resolution-by", "sharp"],
            "--resolution: voxels of 1 A hold nothing finer than 2 A, got 1",
        ),
        (["--margin", "-1"], "--margin"),
        (["--margin", "5", "--box", "40"], "--margin: --box 40 gives the box"),
        (["--resolution", "1e7"], "A, with its B-factors and blurred to 1e+07 A, and so"),
        (["--assembly", "7"], "assembly: expected one that"),
        (["--alternates", "AB"], "alternates: expected"),
    ],
)
def test_what_cannot_be_rendered_is_one_line(
    options: list[str],
    message: str,
    map_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(map_file.parent)
    assert main(["render", str(PEPTIDE), "-o", "out.mrc", "-q", *options]) != 0
    error = capsys.readouterr().err.splitlines()[-1]
    assert message in error
    assert not Path("out.mrc").exists()


def test_a_grid_that_is_none_is_found_before_the_model_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "none.cif"
    command = ["render", str(model), "-o", str(tmp_path / "out.mrc"), "--like", str(PEPTIDE)]
    assert main(command) == 1
    error = capsys.readouterr().err
    assert f"{PEPTIDE}: not a map that can be read" in error
    assert error.count("\n") == 1


def test_what_is_said_of_a_box_that_is_given_helps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target.mrc"
    numbavol.write_map(target, np.zeros((8, 8, 8)), 1.0)
    command = ["render", PEPTIDE, "-o", tmp_path / "out.mrc", "--like", target, "--method", "fft"]
    assert main([str(part) for part in command]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "--like: " in error
    assert error.endswith("does not allow; --method gaussian leaves out what is there")


def test_symmetric_copies_are_the_same_map_when_turned(tmp_path: Path) -> None:
    made = render(tmp_path, "--symmetry", "C4", "--box", "96", "--method", "gaussian").data
    # Around z by a quarter: x becomes y. The first row and column have no partner.
    turned = np.rot90(made[:, 1:, 1:], axes=(2, 1))
    np.testing.assert_allclose(turned, made[:, 1:, 1:], atol=1e-4 * made.max())


def test_copies_are_around_the_middle_of_the_box_that_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = render(tmp_path, "--box", "48")
    # Its middle, voxel 24 of 48, lies 20 A along x and y from the model.
    origin = own.origin + np.array([20.0, 20.0, 0.0])
    target = tmp_path / "target.mrc"
    numbavol.write_map(target, np.zeros((48, 96, 96)), 1.0, origin=origin - [24, 24, 0])
    symmetric = ("--like", target, "--symmetry", "C4", "--method", "gaussian", "--symmetry-center")
    made = render(tmp_path, *symmetric, "box").data
    turned = np.rot90(made[:, 1:, 1:], axes=(2, 1))
    np.testing.assert_allclose(turned, made[:, 1:, 1:], atol=1e-4 * made.max())
    x, y, z = (origin + 24.0).tolist()
    np.testing.assert_allclose(render(tmp_path, *symmetric, f"{x},{y},{z}").data, made, atol=1e-6)
    command = ["render", PEPTIDE, "-o", tmp_path / "out.mrc", "--overwrite", *symmetric, "box"]
    capsys.readouterr()
    assert main([str(part) for part in command]) == 0
    said = f"4 copies by symmetry C4 around ({x:.6g}, {y:.6g}, {z:.6g}) A, the box's middle"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("copies", [("--symmetry", "C3"), ("--helix", "0.1:0:2")])
def test_copies_that_run_into_each_other_are_named(
    copies: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = render(tmp_path, "--box", "48")
    x, y, z = (own.origin + 24.0).tolist()
    output = ("-o", tmp_path / "out.mrc", "--overwrite", "--json", "--symmetry-center")
    for center, clash in ((f"{x},{y},{z}", True), (f"{x + 40},{y},{z}", copies[0] == "--helix")):
        capsys.readouterr()
        assert main([str(part) for part in ("render", PEPTIDE, *output, center, *copies)]) == 0
        warnings = json.loads(capsys.readouterr().out)["warnings"]
        assert any("run into each other" in warning for warning in warnings) == clash


def test_copies_that_do_not_fit_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numbavol.cli.copies.BYTES_AN_ATOM", 10**12)
    for options in (("--helix", "5:20:9"), ("--symmetry", "D3")):
        command = ["render", str(PEPTIDE), "-o", str(tmp_path / "out.mrc"), *options]
        assert main(command) == 1
        assert f"{options[0]}: {9 if options[0] == '--helix' else 6} copies of" in (
            capsys.readouterr().err
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--symmetry-center", "box"], "there is neither a point group nor a helix"),
        (["--symmetry", "C2", "--symmetry-center", "box"], "box is that of a map that is given"),
        (["--symmetry", "C2", "--symmetry-center", "1,2"], "expected origin, box or X,Y,Z"),
        (["--symmetry", "C2", "--symmetry-center", "1,2,nan"], "expected origin, box or X,Y,Z"),
    ],
)
def test_a_centre_that_there_is_not_is_one_line(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", str(PEPTIDE), "-o", str(tmp_path / "out.mrc"), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_helix_is_the_sum_of_its_subunits(tmp_path: Path) -> None:
    one = render(tmp_path, "--box", "fit")
    helix = render(tmp_path, "--box", "fit", "--helix", "4.8:-20:7")
    assert helix.data.sum() == pytest.approx(7 * one.data.sum(), rel=1e-4)
    assert helix.data.shape[0] > one.data.shape[0]


@pytest.mark.parametrize("helix", ["4.8", "4.8:1", "4.8:1:0", "a:1:2", "4.8:1:2:3", "nan:1:2"])
def test_a_helix_that_is_none_is_one_line(
    helix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["render", str(PEPTIDE), "-o", str(tmp_path / "out.mrc"), "--helix", helix]
    assert main(command) == 2
    assert "expected RISE:TWIST:N" in capsys.readouterr().err
