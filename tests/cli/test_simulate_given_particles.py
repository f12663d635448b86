"""``numbavol simulate --poses``: what is taken of the file, and what stands for what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.cli import main

N, SIDE, PIXEL_SIZE = 3, 24, 1.5
SIZES = ("--box", SIDE, "--pixel-size", PIXEL_SIZE)
COLUMNS = {
    "Voltage": "voltage_in_kilovolts",
    "SphericalAberration": "spherical_aberration_in_millimetres",
    "AmplitudeContrast": "amplitude_contrast",
}


def simulate(*arguments: object) -> int:
    return main(["simulate", *map(str, arguments)])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, map_file: Path) -> None:  # noqa: ARG001
    monkeypatch.chdir(tmp_path)


def write(*lacking: str, name: str = "given.star") -> numbavol.ParticleTable:
    """Write particles whose file lacks some columns."""
    particles = numbavol.ParticleTable(
        *np.random.default_rng(0).uniform(1, 170, (3, N)), pixel_size=PIXEL_SIZE, image_size=SIDE,
        voltage_in_kilovolts=300.0, spherical_aberration_in_millimetres=1.4,
        amplitude_contrast=0.08, defocus_u_in_angstroms=[9e3, 1e4, 1.1e4],
    )  # fmt: skip
    numbavol.write_particles(name, particles, "given.mrcs")
    text = Path(name).read_text()
    for label in lacking:
        # A name that nothing reads.
        assert f"_rln{label}\n" in text
        text = text.replace(f"_rln{label}\n", f"_other{label}\n")
    Path(name).write_text(text)
    return particles


def read_lines(said: str, kind: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(f"{kind} ")]


@pytest.mark.parametrize("from_file", [False, True], ids=["options", "TOML"])
@pytest.mark.compiled
def test_what_the_file_lacks_is_taken_of_the_configuration(
    from_file: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    write(*COLUMNS)
    options = ("--voltage", 200, "--spherical-aberration", 2, "--amplitude-contrast", 0.05)
    command: tuple[object, ...] = ("map.mrc", "--poses", "given.star", *SIZES, *options)
    if from_file:
        Path("config.toml").write_text(
            f"box = {SIDE}\npixel_size = {PIXEL_SIZE}\nvolume.file = 'map.mrc'\n"
            "poses.file = 'given.star'\n[microscope]\nvoltage = 200\nspherical_aberration = 2\n"
            "amplitude_contrast = 0.05\n"
        )
        command = ("config.toml",)
    assert simulate(*command, "-o", "made.mrcs") == 0
    said = capsys.readouterr()
    assert said.err == ""
    words = "200 kV, 2 mm, amplitude contrast 0.05"
    assert read_lines(said.out, "CTF") == [
        f"CTF     those of given.star, with {words}, which it does not say"
    ]
    made = numbavol.read_particles("made.star")
    assert [getattr(made, name) for name in COLUMNS.values()] == [200.0, 2.0, 0.05]
    # As of a file that says so.
    numbavol.write_particles("whole.star", made, "given.mrcs")
    whole = ("map.mrc", "--poses", "whole.star", *SIZES, "-o", "again.mrcs")
    assert simulate(*whole) == 0
    assert read_lines(capsys.readouterr().out, "CTF") == ["CTF     those of whole.star"]
    images = [numbavol.read_images(f"{name}.mrcs") for name in ("made", "again")]
    np.testing.assert_array_equal(*images)


def test_defaults_of_the_configuration_stand_for_one_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("Voltage")
    command = ("map.mrc", "--poses", "given.star", *SIZES, "-o", "made.mrcs", "--dry-run")
    assert simulate(*command) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert read_lines(said.out, "CTF") == [
        "CTF     those of given.star, with 300 kV, which it does not say"
    ]


def test_what_the_file_says_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    write("Voltage")
    command = ("map.mrc", "--poses", "given.star", *SIZES, "-o", "made.mrcs", "--dry-run")
    assert simulate(*command, "--spherical-aberration", 2) == 2
    assert capsys.readouterr().err.startswith(
        "numbavol: error: --spherical-aberration: given.star has the transfer functions of its "
        "particles"
    )
    Path("config.toml").write_text(
        f"box = {SIDE}\npixel_size = {PIXEL_SIZE}\nvolume.file = 'map.mrc'\n"
        "poses.file = 'given.star'\n[microscope]\nvoltage = 200\namplitude_contrast = 0.05\n"
    )
    assert simulate("config.toml", "-o", "made.mrcs", "--dry-run", "--json") == 0
    (warned,) = json.loads(capsys.readouterr().out)["warnings"]
    assert warned == (
        "given.star: particles have transfer functions of their own, and "
        "microscope.amplitude_contrast no effect"
    )


@pytest.mark.parametrize("from_file", [False, True], ids=["options", "TOML"])
def test_what_is_not_read_of_a_file_is_one_warning(
    from_file: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    numbavol.write_cs("dark.cs", write(), "given.mrcs", contrast_sign=-1)
    command: tuple[object, ...] = ("map.mrc", "--poses", "dark.cs", *SIZES)
    if from_file:
        Path("config.toml").write_text(
            f"box = {SIDE}\npixel_size = {PIXEL_SIZE}\nvolume.file = 'map.mrc'\n"
            "poses.file = 'dark.cs'\n"
        )
        command = ("config.toml",)
    command = (*command, "-o", "made.mrcs", "--dry-run")
    assert simulate(*command, "--quiet") == 0
    said = capsys.readouterr().err
    assert said.startswith("warning: dark.cs: blob/sign not read: particles are dark")
    assert said.count("\n") == 1
    assert simulate(*command, "--json") == 0
    assert [f"warning: {w}\n" for w in json.loads(capsys.readouterr().out)["warnings"]] == [said]


def test_frames_are_of_the_voltage_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    write("Voltage")
    Path("config.toml").write_text(
        f"box = {SIDE}\npixel_size = {PIXEL_SIZE}\nvolume.file = 'map.mrc'\n"
        "poses.file = 'given.star'\nmicroscope.voltage = 120\ndose_weighting.n_frames = 4\n"
    )
    assert simulate("config.toml", "-o", "made.mrcs", "--dry-run") == 1
    assert "of 300, 200 or 100 kV, microscope.voltage has 120 kV" in capsys.readouterr().err
    assert simulate("config.toml", "-o", "made.mrcs", "--dry-run", "--voltage", 100) == 0


@pytest.mark.compiled
def test_the_size_of_images_is_that_of_the_file_where_nothing_says_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write()
    assert simulate("map.mrc", "--poses", "given.star", "-o", "made.mrcs") == 0
    assert f"{SIDE}^2 pixels of {PIXEL_SIZE} A" in capsys.readouterr().out
    header = numbavol.read_map_header("made.mrcs")
    assert header.shape == (N, SIDE, SIDE)
    np.testing.assert_allclose(header.pixel_size, PIXEL_SIZE, rtol=1e-6)


@pytest.mark.parametrize(
    ("without", "options", "expected"),
    [
        (("ImageSize", "ImagePixelSize"), (), "no image size (rlnImageSize); --box says it"),
        (
            ("ImagePixelSize",),
            ("--box", SIDE),
            "no pixel size (rlnImagePixelSize); --pixel-size says it",
        ),
    ],
)
def test_a_file_that_says_no_size_is_said_to(
    without: tuple[str, ...], options: tuple[object, ...], expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write(*without)
    assert simulate("map.mrc", "--poses", "given.star", "-o", "made.mrcs", *options) == 1
    assert capsys.readouterr().err == f"numbavol: error: --poses: given.star has {expected}\n"


def test_a_file_of_several_sizes_needs_to_be_told_which(
    capsys: pytest.CaptureFixture[str],
) -> None:
    particles = numbavol.ParticleTable(
        *np.zeros((3, 2)), pixel_size=[1.5, 2.0], image_size=[48, 64], voltage_in_kilovolts=300
    )
    numbavol.write_particles("sizes.star", particles, "stack.mrcs")
    command = ["map.mrc", "--poses", "sizes.star", "-o", "made.mrcs"]
    assert simulate(*command) == simulate(*command, "--box", SIDE) == 1
    assert capsys.readouterr().err.splitlines() == [
        "numbavol: error: --poses: boxes of 48 to 64; --box says which",
        "numbavol: error: --poses: pixels of 1.5 to 2 A; --pixel-size says which",
    ]
    Path("config.toml").write_text('volume.file = "map.mrc"\nposes.file = "sizes.star"\n')
    assert simulate("config.toml", "-o", "made.mrcs") == 1
    expected = "config.toml:2: poses.file: boxes of 48 to 64; box says which\n"
    assert capsys.readouterr().err == f"numbavol: error: {expected}"


@pytest.mark.parametrize(("side", "is_odd"), [(SIDE, False), (SIDE + 1, True)])
@pytest.mark.parametrize("command", ["project", "simulate"])
@pytest.mark.compiled
def test_an_odd_number_of_pixels_is_a_warning(
    command: str, side: int, is_odd: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "project": ("--poses", "random:2", "--box", side),
        "simulate": ("--number", 2, "--box", side, "--pixel-size", PIXEL_SIZE),
    }[command]
    assert main([*map(str, (command, "map.mrc", "-o", "made.mrcs", *options))]) == 0
    warning = f"images with an odd number of pixels a side, and these have {side}"
    assert (warning in capsys.readouterr().err) == is_odd
