"""``numbavol project``: a model or a map in, a stack and its STAR file out."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.data import enterotoxin

if TYPE_CHECKING:
    from pathlib import Path

FEW_ATOMS = ["--select", "//A/1-3"]
SIDE, PIXEL_SIZE = 24, 1.5


def project(*arguments: object) -> int:
    return main(["project", *map(str, arguments)])


def poses_of(star: Path) -> numbavol.EulerAnglePose:
    particles = numbavol.read_particles(star)
    return particles.to_poses()


def make_star(path: Path, n: int = 5, **known: float) -> Path:
    rng = np.random.default_rng(1)
    columns = [*rng.uniform(-180, 180, (3, n)), *rng.normal(size=(2, n))]
    known = {"pixel_size": PIXEL_SIZE, "image_size": SIDE, **known}
    particles = numbavol.ParticleTable(*columns, voltage_in_kilovolts=300.0, **known)
    numbavol.write_particles(path, particles, "elsewhere.mrcs")
    return path


@pytest.mark.parametrize(
    ("method", "volume_of", "integrator"),
    [
        (
            "spline",
            lambda data: numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(
                data, pad_scale=1.25
            ),
            numbavol.FourierSliceExtraction(),
        ),
        (
            "voxels",
            numbavol.RealVoxelGridVolume.from_real_voxel_grid,
            numbavol.RealVoxelProjection(),
        ),
    ],
)
def test_the_stack_holds_what_the_library_projects(
    map_file: Path, tmp_path: Path, method, volume_of, integrator
) -> None:
    output = tmp_path / "stack.mrcs"
    options = ("--poses", "random:6", "--offsets", 2, "--seed", 3, "--method", method)
    assert project(map_file, "-o", output, *options) == 0
    poses = poses_of(tmp_path / "stack.star")
    assert np.all(np.any(poses.offset_in_angstroms != 0, axis=1))
    expected = numbavol.project(
        volume_of(numbavol.read_map(map_file).data),
        poses,
        numbavol.ImageConfig((SIDE, SIDE), PIXEL_SIZE),
        integrator=integrator,
    )
    with mrcfile.open(output) as stack:
        assert stack.is_image_stack()
        assert float(stack.voxel_size.x) == pytest.approx(PIXEL_SIZE)
        np.testing.assert_array_equal(stack.data, expected)


@pytest.mark.parametrize("method", ["spline", "linear"])
def test_slices_are_the_projection_of_the_voxels_but_for_interpolation(
    map_file: Path, tmp_path: Path, method: str
) -> None:
    star = make_star(tmp_path / "poses.star", n=20)
    images = {}
    for name in (method, "voxels"):
        output = tmp_path / f"{name}.mrcs"
        assert project(map_file, "-o", output, "--poses", star, "--method", name) == 0
        images[name] = numbavol.read_map(output).data
    error = np.linalg.norm(images[method] - images["voxels"]) / np.linalg.norm(images["voxels"])
    # Of a blurred map; linear interpolation without the division by sinc^2 is off by 5e-2.
    assert error < (5e-3 if method == "spline" else 1.5e-2)


@pytest.mark.parametrize("method", ["spline", "linear", "voxels"])
def test_images_sum_to_the_map(map_file: Path, tmp_path: Path, method: str) -> None:
    output = tmp_path / "stack.mrcs"
    options = ("--poses", "random:5", "--method", method)
    if method != "voxels":
        options = (*options, "--pad-scale", 1)
    assert project(map_file, "-o", output, *options) == 0
    data = numbavol.read_map(map_file).data
    # The integral of a pixel is its sum of voxels times their side; the map ends within the box.
    expected = data.sum(dtype=np.float64) * PIXEL_SIZE
    np.testing.assert_allclose(numbavol.read_map(output).data.sum(axis=(1, 2)), expected, rtol=2e-3)


@pytest.mark.parametrize("method", ["gaussian", "fft"])
def test_a_model_is_imaged_around_its_centre(tmp_path: Path, method: str) -> None:
    output = tmp_path / "stack.mrcs"
    options = ("--poses", "random:4", "--b-factors", 300, "--pixel-size", 1.0, *FEW_ATOMS)
    assert project(enterotoxin(), "-o", output, "--method", method, *options) == 0
    positions, atomic_numbers = numbavol.read_atoms_from_pdb(
        enterotoxin(), selection_string="//A/1-3"
    )
    amplitudes = numbavol.PengScatteringFactorParameters(atomic_numbers).a.sum()
    images = numbavol.read_map(output).data
    # auto holds the model in every pose: nothing is lost.
    np.testing.assert_allclose(images.sum(axis=(1, 2)), amplitudes, rtol=1e-5)
    volume = numbavol.GaussianMixtureVolume.from_tabulated_parameters(
        positions, numbavol.PengScatteringFactorParameters(atomic_numbers), 300.0
    )
    side = images.shape[1]
    expected = numbavol.project(
        volume, poses_of(tmp_path / "stack.star"), numbavol.ImageConfig((side, side), 1.0)
    )
    # At B = 300 nothing is left at the Nyquist frequency, and both averages are the same.
    assert np.abs(images - expected).max() < 3e-6 * expected.max()


def test_a_star_file_says_the_box_and_the_pixel_size_of_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star = make_star(tmp_path / "poses.star", n=3, pixel_size=2.5, image_size=40)
    output = tmp_path / "stack.mrcs"
    assert project(enterotoxin(), "-o", output, "--poses", star, "--json", *FEW_ATOMS) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["shape"], facts["pixel_size"]) == ([3, 40, 40], 2.5)
    # The poses come through with every digit.
    assert poses_of(tmp_path / "stack.star") == poses_of(star)


def test_a_smaller_and_a_larger_box_keep_the_middle(map_file: Path, tmp_path: Path) -> None:
    images = {}
    for side in (16, SIDE, 31):
        output = tmp_path / f"{side}.mrcs"
        assert project(map_file, "-o", output, "--poses", "random:3", "--box", side) == 0
        images[side] = numbavol.read_map(output).data
    middle = numbavol.resize_with_crop_or_pad(images[SIDE], (3, 16, 16))
    np.testing.assert_allclose(images[16], middle, atol=1e-5 * middle.max())
    # The padded map has 30 pixels; beyond them there is nothing.
    assert np.all(images[31][:, -1] == 0)
    assert np.all(images[31][:, :, -1] == 0)


def test_the_seed_is_the_stack(map_file: Path, tmp_path: Path) -> None:
    contents = []
    for number, seed in enumerate((5, 5, 6)):
        output = tmp_path / f"{number}.mrcs"
        assert project(map_file, "-o", output, "--poses", "random:4", "--seed", seed) == 0
        contents.append(output.read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_a_grid_covers_all_views(map_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", output, "--poses", "grid:60") == 0
    poses = poses_of(tmp_path / "stack.star")
    assert len(poses) == len(numbavol.make_pose_grid(60.0))
    assert np.abs(poses.rotation.as_matrix().mean(axis=0)).max() < 1e-6


# Errors


def one_line_of_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("numbavol: error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--poses", "random:0"), "random:"),
        (("--poses", "random:many"), "random:"),
        (("--poses", "grid:0"), "grid:"),
        (("--poses", "grid:nan"), "grid:"),
        (("--poses", "poses.txt"), "--poses"),
        (("--poses", "random:3", "--offsets", -1), "--offsets"),
        (("--poses", "random:3", "--offsets", "nan"), "--offsets"),
        (("--poses", "random:3", "--pixel-size", 0), "--pixel-size"),
        (("--poses", "random:3", "--box", 0), "--box"),
        (("--poses", "random:3", "--method", "gaussian"), "a map"),
        (("--poses", "random:3", "--b-factors", 50), "--b-factors"),
        (("--poses", "random:3", "--select", "//A"), "--select"),
        (("--poses", "random:3", "--tolerance", 1e-3), "--tolerance"),
        (("--poses", "random:3", "--method", "voxels", "--pad-scale", 2), "--pad-scale"),
        ((), "--poses"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(
    map_file: Path, tmp_path: Path, options, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project(map_file, "-o", tmp_path / "stack.mrcs", *options) == 2
    assert words in one_line_of_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["map.mrc"]


def test_pixels_that_are_not_the_voxels_are_refused(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", output, "--poses", "random:3", "--pixel-size", 2.0) == 1
    assert "1.5" in (error := one_line_of_error(capsys))
    assert "--pixel-size 2" in error
    assert [path.name for path in tmp_path.iterdir()] == ["map.mrc"]


def test_a_star_file_without_angles_is_refused(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star = tmp_path / "poses.star"
    star.write_text("data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n")
    assert project(map_file, "-o", tmp_path / "stack.mrcs", "--poses", star) == 1
    assert "rlnAngleRot" in one_line_of_error(capsys)


def test_poses_of_cryosparc_are_those_of_the_star_file(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star = make_star(tmp_path / "poses.star")
    numbavol.write_cs(tmp_path / "poses.cs", numbavol.read_particles(star))
    # A beam tilt is told of.
    records = np.load(tmp_path / "poses.cs")
    tilted = np.zeros(len(records), [*records.dtype.descr, ("ctf/tilt_A", "<f4", (2,))])
    for name in records.dtype.names:
        tilted[name] = records[name]
    tilted["ctf/tilt_A"] = 1
    with (tmp_path / "poses.cs").open("wb") as file:
        np.save(file, tilted)
    images = []
    for poses in (star, tmp_path / "poses.cs"):
        output = tmp_path / f"{poses.suffix[1:]}.mrcs"
        assert project(map_file, "-o", output, "--poses", poses) == 0
        images.append(numbavol.read_images(output))
    assert "warning: " in (said := capsys.readouterr().err)
    assert "ctf/tilt_A not read" in said
    np.testing.assert_allclose(*images, atol=1e-5 * np.abs(images[0]).max())


def test_a_star_file_of_several_kinds_of_images_asks_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star = make_star(tmp_path / "poses.star", n=2, pixel_size=[1.5, 2.0], image_size=[128, 96])
    command = (enterotoxin(), "-o", tmp_path / "stack.mrcs", "--poses", star, *FEW_ATOMS)
    assert project(*command) == 1
    assert "--pixel-size" in one_line_of_error(capsys)
    assert project(*command, "--pixel-size", 1.5) == 1
    assert "--box" in one_line_of_error(capsys)
    assert project(*command, "--pixel-size", 1.5, "--box", 64) == 0


def test_the_box_of_a_map_is_its_own(map_file: Path, tmp_path: Path) -> None:
    star = make_star(tmp_path / "poses.star", n=2, pixel_size=0.5, image_size=100)
    output = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", output, "--poses", star) == 0
    assert numbavol.read_map(output).data.shape == (2, SIDE, SIDE)


def test_a_box_that_does_not_hold_the_model_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (enterotoxin(), "-o", tmp_path / "stack.mrcs", "--poses", "random:1", "--box", 40)
    assert project(*command) == 0
    assert "do not hold the model" in capsys.readouterr().err


def test_a_stack_is_no_map(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", stack, "--poses", "random:2") == 0
    assert project(stack, "-o", tmp_path / "other.mrcs", "--poses", "random:2") == 1
    assert "stack of images" in one_line_of_error(capsys)


def test_offsets_are_not_added_to_those_of_a_star_file(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star = make_star(tmp_path / "poses.star")
    output = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", output, "--poses", star, "--offsets", 1) == 2
    assert "--offsets" in one_line_of_error(capsys)


@pytest.mark.parametrize("existing", ["stack.mrcs", "stack.star"])
def test_what_exists_is_replaced_only_when_told(
    map_file: Path, tmp_path: Path, existing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / existing
    path.write_bytes(b"precious")
    command = (map_file, "-o", tmp_path / "stack.mrcs", "--poses", "random:3")
    assert project(*command) == 1
    assert existing in one_line_of_error(capsys)
    assert path.read_bytes() == b"precious"
    assert project(*command, "--overwrite") == 0
    assert path.read_bytes() != b"precious"


def test_a_stack_has_the_name_that_relion_reads(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project(map_file, "-o", tmp_path / "stack.mrc", "--poses", "random:3") == 2
    assert ".mrcs" in one_line_of_error(capsys)


def test_a_full_disk_leaves_nothing(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", refuse)
    monkeypatch.setattr("os.pwrite", refuse)
    assert project(map_file, "-o", tmp_path / "stack.mrcs", "--poses", "random:3") == 1
    assert "No space left" in one_line_of_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["map.mrc"]


def test_a_map_without_a_voxel_size_asks_for_one(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mrcfile.open(map_file, mode="r+") as file:
        file.voxel_size = 0.0
    command = (map_file, "-o", tmp_path / "stack.mrcs", "--poses", "random:3")
    assert project(*command) == 1
    assert "--pixel-size" in one_line_of_error(capsys)
    assert project(*command, "--pixel-size", 1.5) == 0


def test_a_name_that_relion_cannot_read_is_found_before_the_work(
    map_file: Path, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(numbavol.ImageStack, "__setitem__", refuse)
    assert project(map_file, "-o", tmp_path / "a#b.mrcs", "--poses", "random:3") == 1
    assert "RELION cannot read" in one_line_of_error(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["map.mrc"]


# RELION

needs_relion = pytest.mark.skipif(
    shutil.which("relion_reconstruct") is None, reason="RELION is not installed"
)


@needs_relion
@pytest.mark.heavy
def test_relion_reconstructs_the_map(tmp_path: Path) -> None:
    map_file = tmp_path / "map.mrc"
    assert main(
        ["render", str(enterotoxin()), "-o", str(map_file), "--box", "64", "--voxel-size", "2"]
    ) == 0  # fmt: skip
    stack = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", stack, "--poses", "random:1500", "--offsets", 3) == 0
    subprocess.run(
        ["relion_reconstruct", "--i", "stack.star", "--o", "back.mrc", "--pad", "2"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    found = numbavol.compute_fourier_shell_correlation(
        numbavol.read_map(map_file).data, numbavol.read_map(tmp_path / "back.mrc").data
    )
    # Images without noise; RELION interpolates, and the last shells are cut by the box.
    assert np.all(found.correlation[1:29] > 0.98)


@needs_relion
@pytest.mark.heavy
def test_relion_makes_the_same_images(tmp_path: Path, map_file: Path) -> None:
    stack = tmp_path / "stack.mrcs"
    assert project(map_file, "-o", stack, "--poses", "random:20", "--offsets", 2) == 0
    subprocess.run(
        [
            "relion_project", "--i", "map.mrc", "--o", "theirs", "--ang", "stack.star",
            "--angpix", str(PIXEL_SIZE), "--pad", "2",
        ],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )  # fmt: skip
    ours = numbavol.read_map(stack).data
    theirs = numbavol.read_map(tmp_path / "theirs.mrcs").data
    for image, other in zip(ours, theirs, strict=True):
        assert np.corrcoef(image.ravel(), other.ravel())[0, 1] > 0.998
