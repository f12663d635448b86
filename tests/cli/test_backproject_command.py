"""``numbavol backproject``."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIDE, PIXEL_SIZE, N = 24, 1.5, 300


def write_stack(
    folder: Path, *, noise: float = 0.0, with_ctf: bool = False, name: str = "stack", n: int = N,
    correct: Callable[[np.ndarray], np.ndarray] = np.ones_like, **columns: object,
) -> Path:  # fmt: skip
    """A stack and its STAR file; the images are those of the map of `make_map`.

    Where they have a CTF, they are corrected by a factor that follows from it.
    """
    rng = np.random.default_rng(0)
    poses = numbavol.draw_random_poses(n, rng=1, offset_deviation_in_angstroms=2.0)
    images = numbavol.project(make_volume(), poses, numbavol.ImageConfig((SIDE,) * 2, PIXEL_SIZE))
    if with_ctf:
        defocus = rng.uniform(2000, 6000, n)
        ctf = numbavol.CTF(defocus)
        values = ctf.evaluate((SIDE, SIDE), PIXEL_SIZE)
        halves = np.fft.rfft2(images) * values * correct(values)
        images = np.fft.irfft2(halves, s=(SIDE, SIDE)).astype(np.float32)
        columns |= {
            "defocus_u_in_angstroms": defocus,
            "spherical_aberration_in_millimetres": 2.7,
            "amplitude_contrast": 0.1,
        }
    images += rng.normal(scale=noise, size=images.shape) if noise else np.float32(0)
    stack = folder / f"{name}.mrcs"
    numbavol.write_map(stack, images, PIXEL_SIZE)
    particles = numbavol.ParticleTable(
        **poses.to_relion_angles()._asdict(), pixel_size=PIXEL_SIZE, voltage_in_kilovolts=300.0,
        image_size=SIDE, **columns,
    )  # fmt: skip
    numbavol.write_particles(folder / f"{name}.star", particles, stack)
    return folder / f"{name}.star"


def make_volume() -> numbavol.GaussianMixtureVolume:
    positions = np.random.default_rng(0).normal(scale=4, size=(20, 3))
    return numbavol.GaussianMixtureVolume(positions, 10.0, 6.0)


def make_map() -> np.ndarray:
    return numbavol.GaussianMixtureRenderFn((SIDE,) * 3, PIXEL_SIZE)(make_volume())


def correlate(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.compiled
def test_images_come_back_as_the_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    star, output = write_stack(tmp_path), tmp_path / "map.mrc"
    assert main(["backproject", str(star), "-o", str(output)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"read    {star}: 300 images of 24^2 pixels of 1.5 A, without CTF"
    assert lines[-1].startswith("wrote   1 map; ")
    found = numbavol.read_map(output)
    assert correlate(found.data, make_map()) > 0.999
    assert found.voxel_size.tolist() == [PIXEL_SIZE] * 3
    assert found.origin.tolist() == [-SIDE // 2 * PIXEL_SIZE] * 3


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("column", "correct", "said"),
    [
        ("ctf_phase_flipped", np.sign, "with CTF but for its sign, flipped before"),
        ("ctf_premultiplied", np.copy, "with CTF, applied twice"),
    ],
)
def test_a_ctf_is_undone_as_it_is_in_the_images(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    column: str,
    correct: Callable[[np.ndarray], np.ndarray],
    said: str,
) -> None:
    found = {}
    for name, options in {"raw": {}, column: {"correct": correct, column: 1}}.items():
        star = write_stack(tmp_path, with_ctf=True, name=name, **options)
        output = tmp_path / f"{name}.mrc"
        assert main(["backproject", str(star), "-o", str(output), "--half", "1"]) == 0
        found[name] = numbavol.read_map(output.with_stem(f"{name}_half1")).data
    assert said in capsys.readouterr().out
    largest = np.abs(found["raw"]).max()
    np.testing.assert_allclose(found[column], found["raw"], rtol=0, atol=1e-4 * largest)


def test_images_that_are_corrected_in_part_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star = write_stack(tmp_path, with_ctf=True, n=2, ctf_phase_flipped=[0, 1])
    assert main(["backproject", str(star), "-o", str(tmp_path / "map.mrc")]) == 1
    assert (
        "ctf_phase_flipped: expected images that are all alike, got 0 and 1"
        in capsys.readouterr().err
    )


@pytest.mark.compiled
def test_a_ctf_is_undone_where_there_is_one(tmp_path: Path) -> None:
    star = write_stack(tmp_path, with_ctf=True)
    found = {}
    for option in ("--ctf", "--no-ctf", None):
        output = tmp_path / f"{option}.mrc"
        options = [] if option is None else [option]
        assert main(["backproject", str(star), "-o", str(output), *options]) == 0
        found[option] = numbavol.read_map(output).data
    np.testing.assert_array_equal(found[None], found["--ctf"])
    assert correlate(found["--ctf"], make_map()) > 0.99
    assert correlate(found["--no-ctf"], make_map()) < 0.95


@pytest.mark.compiled
@pytest.mark.parametrize(
    "subsets", [None, np.arange(N) // (N // 2) + 1], ids=["every other", "RELION's"]
)
def test_halves_are_those_of_their_images(tmp_path: Path, subsets: np.ndarray | None) -> None:
    star = write_stack(tmp_path, noise=2.0, random_subset=subsets)
    output = tmp_path / "map.mrc"
    assert main(["backproject", str(star), "-o", str(output), "--half", "both"]) == 0
    assert not output.exists()
    particles = numbavol.read_particles(star)
    poses = particles.to_poses()
    images = numbavol.read_images(tmp_path / "stack.mrcs")
    halves = np.arange(N) % 2 + 1 if subsets is None else subsets
    for half in (1, 2):
        chosen = np.flatnonzero(halves == half)
        expected = numbavol.backproject(images[chosen], poses[chosen], PIXEL_SIZE)
        found = numbavol.read_map(tmp_path / f"map_half{half}.mrc").data
        np.testing.assert_array_equal(found, expected)


def test_options_are_those_of_the_function(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star, output = write_stack(tmp_path, n=20), tmp_path / "map.mrc"
    options = [
        "--wiener-snr",
        "0.1",
        "--symmetry",
        "D2",
        "--max-resolution",
        "5",
        "--pad-scale",
        "1.5",
    ]
    assert main(["backproject", str(star), "-o", str(output), "--json", *options]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["n_images"], facts["symmetry"], facts["has_ctf"]) == (20, "D2", False)
    assert facts["outputs"] == [str(output)]
    stack = numbavol.ParticleImages(numbavol.read_particles(star).image_names, tmp_path)
    angles = numbavol.read_particles(star)
    poses = angles.to_poses()
    expected = numbavol.backproject(
        stack, poses, PIXEL_SIZE, signal_to_noise=0.1, symmetry="D2", max_resolution=5.0,
        pad_scale=1.5,
    )  # fmt: skip
    np.testing.assert_array_equal(numbavol.read_map(output).data, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ctf"], "--ctf needs a defocus (rlnDefocusU), it has none"),
        (["--symmetry", "Q"], "error: --symmetry: expected C or D"),
        (["--half", "2"], "--half: expected images of half 2, there are none"),
        (["--half", "both"], "--half: expected images of half 2, there are none"),
        (["--pixel-size", "2"], "stack.star says 1.5 A, got 2 A"),
    ],
    ids=["ctf", "symmetry", "half", "both halves", "pixel size"],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    star, output = write_stack(tmp_path, n=2, random_subset=1), tmp_path / "map.mrc"
    assert main(["backproject", str(star), "-o", str(output), *options]) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("map*"))


@pytest.mark.compiled
def test_an_image_that_is_not_finite_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star, output = write_stack(tmp_path, n=6), tmp_path / "map.mrc"
    with (tmp_path / "stack.mrcs").open("r+b") as file:
        file.seek(1024 + 3 * 4 * SIDE**2)
        file.write(np.float32(np.nan).tobytes())
    assert main(["backproject", str(star), "-o", str(output), "--half", "2"]) == 1
    assert f"000004@{tmp_path}/stack.mrcs is not finite" in capsys.readouterr().err


def test_the_stack_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    star = write_stack(tmp_path, n=2)
    # Some programs name stacks so.
    star.write_text(star.read_text().replace("stack.mrcs", "stack.mrc"))
    (tmp_path / "stack.mrcs").rename(tmp_path / "stack.mrc")
    command = ["backproject", str(star), "--overwrite", "-o"]
    assert main([*command, str(star)]) == 2
    assert main([*command, str(tmp_path / "stack.mrc")]) == 1
    assert "that is one of the files that are read" in capsys.readouterr().err
    assert main(["backproject", str(star), "-o", str(tmp_path / "map.mrc")]) == 0
    assert main(["backproject", str(star), "-o", str(tmp_path / "map.mrc")]) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err


def drop_column(star: Path, tag: str) -> None:
    """Give a column a name that nothing reads."""
    text = star.read_text()
    assert f"_rln{tag}\n" in text
    star.write_text(text.replace(f"_rln{tag}\n", f"_other{tag}\n"))


def test_what_stands_for_columns_of_the_ctf_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star, output = write_stack(tmp_path, with_ctf=True, n=2), tmp_path / "map.mrc"
    for tag in ("Voltage", "SphericalAberration", "AmplitudeContrast"):
        drop_column(star, tag)
    expected = [
        f"{star}: it has a defocus and no {column}; {value} is taken, as RELION takes it"
        for column, value in (
            ("_rlnVoltage", "200 kV"),
            ("_rlnSphericalAberration", "0 mm"),
            ("_rlnAmplitudeContrast", "0"),
        )
    ]
    command = ["backproject", str(star), "-o", str(output), "--overwrite"]
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr().err.splitlines() == [f"warning: {line}" for line in expected]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == expected
    # Nothing is taken where there is no CTF.
    assert main([*command, "--no-ctf"]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_not_read_of_a_file_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    particles = numbavol.read_particles(write_stack(tmp_path, n=2))
    source, output = tmp_path / "dark.cs", tmp_path / "map.mrc"
    numbavol.write_cs(source, particles, tmp_path / "stack.mrcs", contrast_sign=-1)
    command = ["backproject", str(source), "-o", str(output), "--overwrite"]
    assert main([*command, "--quiet"]) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"warning: {source}: blob/sign not read: particles are dark")
    assert said.count("\n") == 1
    assert main([*command, "--json"]) == 0
    warned = json.loads(capsys.readouterr().out)["warnings"]
    assert [f"warning: {line}\n" for line in warned] == [said]


def test_a_pixel_size_serves_origins_in_pixels(tmp_path: Path) -> None:
    star = write_stack(tmp_path, n=20)
    particles = numbavol.read_particles(star)
    old = tmp_path / "old.star"
    tags = ("AngleRot", "AngleTilt", "AnglePsi", "OriginX", "OriginY", "ImageName")
    x, y = particles.origin_x_in_angstroms, particles.origin_y_in_angstroms
    rows = zip(
        particles.rot, particles.tilt, particles.psi, x / PIXEL_SIZE, y / PIXEL_SIZE,
        particles.image_names, strict=True,
    )  # fmt: skip
    lines = [" ".join(map(str, row)) for row in rows]
    old.write_text("\n".join(["data_", "loop_", *(f"_rln{tag}" for tag in tags), *lines]) + "\n")
    found = []
    for source, options in ((star, []), (old, ["--pixel-size", str(PIXEL_SIZE)])):
        output = tmp_path / f"{source.stem}.mrc"
        assert main(["backproject", str(source), "-o", str(output), *options]) == 0
        found.append(numbavol.read_map(output).data)
    np.testing.assert_allclose(found[1], found[0], atol=1e-4 * np.abs(found[0]).max())


def test_a_header_of_another_pixel_size_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star, stack, output = write_stack(tmp_path, n=2), tmp_path / "stack.mrcs", tmp_path / "m.mrc"
    command = ["backproject", str(star), "-o", str(output), "--overwrite"]
    images = numbavol.read_images(stack)
    # Few digits are no other pixel size.
    numbavol.write_map(stack, images, 1.5007, overwrite=True)
    assert main(command) == 0
    assert capsys.readouterr().err == ""
    numbavol.write_map(stack, images, 2.0, overwrite=True)
    expected = f"a pixel size of 1.5 A is taken, the header of {stack} says 2 A\n"
    assert main(command) == 0
    assert capsys.readouterr().err == f"warning: {star}: {expected}"
    assert numbavol.read_map(output).voxel_size.tolist() == [PIXEL_SIZE] * 3
    drop_column(star, "ImagePixelSize")
    assert main([*command, "--pixel-size", "1.5"]) == 0
    assert capsys.readouterr().err == f"warning: --pixel-size: {expected}"


def test_images_have_the_size_that_the_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    star, stack = write_stack(tmp_path, n=2), tmp_path / "stack.mrcs"
    numbavol.write_map(stack, np.ones((2, 32, 32)), PIXEL_SIZE, overwrite=True)
    assert main(["backproject", str(star), "-o", str(tmp_path / "map.mrc")]) == 1
    assert capsys.readouterr().err == (
        f"numbavol: error: {star}: expected images of 24 pixels a side, as rlnImageSize says, got "
        f"32 in {stack}\n"
    )
    assert not (tmp_path / "map.mrc").exists()


def test_a_missing_stack_is_named_with_the_file_and_the_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    star, here = write_stack(tmp_path, n=2), tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (tmp_path / "stack.mrcs").unlink()
    assert main(["backproject", str(star), "-o", str(tmp_path / "map.mrc")]) == 1
    assert capsys.readouterr().err == (
        f"numbavol: error: {star}: stack.mrcs: no such file in {tmp_path} or in {here}\n"
    )


@pytest.mark.compiled
@pytest.mark.skipif(shutil.which("relion_reconstruct") is None, reason="RELION is not installed")
@pytest.mark.parametrize("with_ctf", [False, True], ids=["plain", "ctf"])
def test_relion_makes_the_same_map(tmp_path: Path, with_ctf: bool) -> None:
    star, output = write_stack(tmp_path, noise=0.2, with_ctf=with_ctf, n=1000), tmp_path / "map.mrc"
    assert main(["backproject", str(star), "-o", str(output)]) == 0
    subprocess.run(
        ["relion_reconstruct", "--i", star.name, "--o", "theirs.mrc", *["--ctf"] * with_ctf],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    ours, theirs = numbavol.read_map(output).data, numbavol.read_map(tmp_path / "theirs.mrc").data
    # RELION's maps are sums over pixels where ours are integrals; they have no mean, and no corners
    # outside a sphere.
    place = np.arange(SIDE) - SIDE // 2
    is_inside = place**2 + place[:, None] ** 2 + place[:, None, None] ** 2 < 8**2
    ours, theirs = ours[is_inside] * PIXEL_SIZE, theirs[is_inside]
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    # Of noise, RELION weighs what is in a cell in another way.
    assert correlate(ours, theirs) > 0.995
    assert np.vdot(ours, theirs) / np.vdot(theirs, theirs) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("name", ["stack.mrcs", "0@stack.mrcs"])
def test_a_name_of_no_image_is_named_with_its_file(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    star = write_stack(tmp_path)
    star.write_text(star.read_text().replace("000001@stack.mrcs", name))
    assert main(["backproject", str(star), "-o", str(tmp_path / "map.mrc")]) == 1
    expected = f"{star}: rlnImageName: expected names like 000001@stack.mrcs"
    assert expected in capsys.readouterr().err


def test_files_of_cryosparc_without_images_are_told_of_in_their_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alignments.cs"
    columns = [("uid", "<u8"), ("alignments3D/pose", "<f4", 3), ("alignments3D/shift", "<f4", 2)]
    with path.open("wb") as file:
        np.save(file, np.zeros(2, dtype=columns))
    assert main(["backproject", str(path), "-o", str(tmp_path / "map.mrc")]) == 1
    said = capsys.readouterr().err
    assert "expected names of images (blob/path), it has none; another file of the job" in said


def test_particles_of_cryosparc_may_be_in_two_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, aligned, rest = (tmp_path / f"{name}.cs" for name in ("whole", "aligned", "rest"))
    particles = numbavol.read_particles(write_stack(tmp_path, n=20))
    numbavol.write_cs(whole, particles, tmp_path / "stack.mrcs")
    rows = np.load(whole)
    names = [name for name in rows.dtype.names if name.startswith("alignments3D/")]
    others = [name for name in rows.dtype.names if name not in (*names, "uid")]
    turned = np.random.default_rng(0).permutation(len(rows))
    for path, fields, order in ((aligned, names, slice(None)), (rest, others, turned)):
        with path.open("wb") as file:
            np.save(file, rows[["uid", *fields]][order])
    maps = []
    for source, options in ((whole, []), (aligned, ["--passthrough", str(rest)])):
        output = tmp_path / f"{source.stem}.mrc"
        assert main(["backproject", str(source), "-o", str(output), *options]) == 0
        maps.append(numbavol.read_map(output).data)
    np.testing.assert_array_equal(*maps)
    capsys.readouterr()
    assert main(["backproject", str(aligned), "-o", str(tmp_path / "map.mrc")]) == 1
    assert "another file of the job may have them: --passthrough" in capsys.readouterr().err


def test_a_star_file_has_no_second_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    star = write_stack(tmp_path, n=2)
    command = ["backproject", str(star), "-o", str(tmp_path / "map.mrc")]
    assert main([*command, "--passthrough", str(star)]) == 1
    assert "--passthrough: only particles of a .cs file have another" in capsys.readouterr().err
    source = tmp_path / "particles.cs"
    numbavol.write_cs(source, numbavol.read_particles(star), tmp_path / "stack.mrcs")
    missing = tmp_path / "missing.cs"
    command[1] = str(source)
    assert main([*command, "--passthrough", str(missing)]) == 1
    assert str(missing) in capsys.readouterr().err
