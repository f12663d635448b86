"""``numbavol simulate``: what is wrong is one clear line, and nothing is written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import numbavol
from numbavol.cli import main

pytestmark = pytest.mark.usefixtures("map_file")

SIDE, PIXEL_SIZE = 24, 1.5
SIZES = {"--number": "2", "--box": str(SIDE), "--pixel-size": str(PIXEL_SIZE)}
ALL_SIZES = [word for pair in SIZES.items() for word in pair]
GOOD = f'number = 2\nbox = {SIDE}\npixel_size = {PIXEL_SIZE}\nvolume.file = "map.mrc"\n'


def simulate(*arguments: object) -> int:
    return main(["simulate", *map(str, arguments)])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold all kinds of files that are read, and of files that are not what they should be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.star").write_text("no STAR file")
    (tmp_path / "broken.star").write_text("data_ loop_ _rlnResolutionInversePixel _rlnMtfValue 0")
    (tmp_path / "percent.star").write_text(
        "data_ loop_ _rlnResolutionInversePixel _rlnMtfValue 0 100 0.5 40"
    )
    (tmp_path / "text.cif").write_text("no structure")
    numbavol.write_map(tmp_path / "fine.mrc", np.ones((8, 8, 8)), 1.0)
    numbavol.write_map(tmp_path / "flat.mrc", np.zeros((8, 8, 8)), PIXEL_SIZE)
    numbavol.write_map(tmp_path / "images.mrcs", np.ones((8, 8, 8)), PIXEL_SIZE)
    particles = numbavol.ParticleTable(
        [0.0] * 3, [0.0] * 3, [0.0] * 3, pixel_size=1.5, voltage_in_kilovolts=300, image_size=24,
        defocus_u_in_angstroms=[1e4] * 3,
    )  # fmt: skip
    numbavol.write_particles(tmp_path / "three.star", particles, "images.mrcs")
    return tmp_path


def fail(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> str:
    """Return the one line that a command fails with; it leaves all files as they are."""
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert simulate(*arguments) == status
    said = capsys.readouterr().err
    assert said.startswith("numbavol: error: ")
    assert said.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().iterdir()} == before
    return said.removeprefix("numbavol: error: ").strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "config.toml: number: is missing"),
        ("number", "config.toml: expected TOML: "),
        ("number = 2\nnumber = 3", "config.toml: expected TOML: "),
        (b"a = 1\n\xff\xfe", "config.toml:2: expected UTF-8, got the byte 0xff"),
        (GOOD + "boxx = 3", "config.toml:5: boxx: there is no such choice"),
        (GOOD + "[noise]\nsnrr = 3", "config.toml:6: noise.snrr: there is no such choice"),
        (GOOD + "[nois]\nsnr = 3", "config.toml:5: nois: there is no such choice (noise?)"),
        (
            GOOD + "[defocus]\nmin = 3",
            "config.toml:6: defocus.min: there is no such choice (minimum?)",
        ),
        (GOOD + "xyz = 3", "config.toml:5: xyz: there is no such choice; expected one of"),
        (GOOD + "noise = 3", "config.toml:5: noise: expected a table, got 3"),
        (GOOD + 'seed = "1"', "config.toml:5: seed: expected a whole number, got '1'"),
        (GOOD + "seed = 1.5", "config.toml:5: seed: expected a whole number, got 1.5"),
        (GOOD + "seed = -1", "config.toml:5: seed: expected a number of at least 0"),
        (GOOD + f"seed = {2**64}", "config.toml:5: seed: expected a whole number below 2^64"),
        (GOOD + "method = 'best'", "config.toml:5: method: expected 'spline' or "),
        (GOOD + "noise.snr = 0", "config.toml:5: noise.snr: expected a number above 0"),
        (GOOD + "noise.snr = nan", "config.toml:5: noise.snr: expected a number"),
        (
            GOOD + "[noise]\nsnr = 1\nvariance = 1",
            "config.toml:7: noise.variance: expected either snr or variance, got both",
        ),
        (
            GOOD + "[defocus]\nminimum = 3e4",
            "config.toml:6: defocus.minimum: expected at most the maximum, 20000, got 30000",
        ),
        (GOOD + "detector.dose = 4", "config.toml:5: detector.dose: expected with contrast"),
        (
            GOOD + "contrast = 'weak_phase'\ndetector.dose = 1e20",
            "config.toml:6: detector.dose: expected at most 1e+12 electrons a pixel, got 2.25e+20",
        ),
        (GOOD + "solvent.kind = 'bulk'", "config.toml:5: solvent: a map has its own"),
        (GOOD + "method = 'gaussian'", "config.toml:5: method: 'gaussian' images models"),
        (GOOD.replace("1.5", "2"), "config.toml:3: pixel_size: map.mrc has voxels of 1.5 x 1.5"),
        (GOOD.replace("2", "0", 1), "config.toml:1: number: expected a number above 0, got 0"),
        (GOOD + "poses.file = 'none.star'", "config.toml:5: poses.file: there is no file none.st"),
        (
            GOOD.replace("2", "4", 1) + "poses.file = 'three.star'",
            "config.toml:1: number: expected at most the 3 particles of three.star, got 4",
        ),
        (GOOD + "poses.file = 'text.star'", "text.star: no particles that can be read: "),
        (
            GOOD + "noise.snr = 1\nnoise.spectrum = 'none.star'",
            "config.toml:6: noise.spectrum: there is no file none.star",
        ),
        (
            GOOD + "noise.snr = 1\nnoise.spectrum = 'text.star'",
            "text.star: no noise spectrum that can be read: ",
        ),
        (
            GOOD + "contrast = 'weak_phase'\n[detector]\ndose = 4\nmtf = 'none.star'",
            "config.toml:8: detector.mtf: there is no file none.star",
        ),
        (
            GOOD + "contrast = 'weak_phase'\n[detector]\ndose = 4\nmtf = 'broken.star'",
            "broken.star: no modulation transfer function that can be read: ",
        ),
        (
            GOOD + "contrast = 'weak_phase'\n[detector]\ndose = 4\nmtf = 'percent.star'",
            "config.toml:8: detector.mtf: expected 1 at the zero frequency, got 100",
        ),
        (
            GOOD + "volume.select = '//A'",
            "config.toml:5: volume.1.select: expected a model,",
        ),
        (
            GOOD.replace("map.mrc", str(numbavol.data.enterotoxin())) + "volume.select = '//Z'",
            "config.toml:5: volume.1.select: '//Z' finds no atom",
        ),
        (
            GOOD.replace("map.mrc", str(numbavol.data.enterotoxin())) + "volume.b_factors = -500.0",
            "config.toml:5: volume.1.b_factors: ",
        ),
        ("noise = 3\n" + GOOD, "config.toml:1: noise: expected a table, got 3"),
        (GOOD.replace("2", "1" + "0" * 30, 1), "config.toml:1: number: expected a number of at"),
        (GOOD + "noise.snr = 1e-300", "config.toml:5: noise.snr: expected noise of a variance"),
        (GOOD.replace("map", "none"), "config.toml:4: volume.1.file: there is no file none.mrc"),
        (GOOD.replace("map.mrc", "text.cif"), "text.cif: not a structure that can be read: "),
        (
            GOOD.replace("map.mrc", "images.mrcs"),
            "images.mrcs: a name of a stack of images, expected a map or a model",
        ),
        (GOOD + "volume.weight = 0", "config.toml:4: volume: expected a weight above 0"),
        (
            GOOD.replace("map", "flat") + "noise.snr = 1",
            "config.toml:5: noise.snr: expected images with a signal",
        ),
        (
            GOOD.replace('volume.file = "map.mrc"', ""),
            "config.toml: volume: expected one or more, got none",
        ),
    ],
    ids=repr,
)
def test_a_bad_configuration_is_one_line(
    text: str | bytes, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path("config.toml")
    config.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert fail(capsys, 1, config, "-o", "stack.mrcs").startswith(expected)


@pytest.mark.parametrize(
    ("options", "status", "expected"),
    [
        ("--number 0", 2, "Invalid value for '--number': 0 is not in the range"),
        ("--snr 0", 2, "Invalid value for '--snr'"),
        ("--snr nan", 2, "Invalid value for '--snr'"),
        (f"--seed {2**64}", 2, "Invalid value for '--seed'"),
        ("--snr 1 --noise-variance 1", 2, "--noise-variance: expected either this or --snr"),
        ("--defocus 2:1", 2, "Invalid value for '--defocus': expected MIN:MAX in angstroms"),
        ("--defocus a:1", 2, "Invalid value for '--defocus': 'a' is not a valid"),
        ("--defocus 1:2:3", 2, "Invalid value for '--defocus': expected MIN:MAX in angstroms"),
        ("--no-ctf --defocus 1:2", 2, "--defocus: there is no CTF with --no-ctf"),
        ("--noise-radius 20", 1, "--noise-radius: only an snr measures images"),
        ("--noise-spectrum a.star", 1, "--noise-spectrum: only an snr or a variance adds"),
        ("--mtf a.star", 1, "--mtf: only with a dose are there electrons to count"),
        ("--dose 4", 1, "--dose: expected with contrast = 'weak_phase', it is 'linear'"),
        ("--contrast weak_phase --dose 1e20", 1, "--dose: expected at most 1e+12 electrons"),
        ("--solvent bulk", 1, "--solvent: a map has its own, and map.mrc is one"),
        ("--method gaussian", 1, "--method: 'gaussian' images models, and map.mrc is a map"),
        ("--pixel-size 2", 1, "--pixel-size: map.mrc has voxels of 1.5 x 1.5 x 1.5 A"),
        ("--poses none.star", 1, "none.star: No such file or directory"),
        ("--poses three.star --number 4", 1, "--number: expected at most the 3 particles of"),
        (
            "--poses three.star --defocus 1:2",
            2,
            "--defocus: three.star has the transfer",
        ),
        ("--poses three.star --voltage 80", 2, "--voltage: three.star has the transfer"),
        ("--shards 3", 1, "--shards: expected a number from 1 to 2, got 3"),
        ("--preview sheet.gif", 2, "--preview: expected a name that ends in .png, .svg, .pdf"),
        ("--preview none/sheet.png", 1, "none/sheet.png: there is no folder none"),
        (
            "--dask nowhere",
            1,
            "dask: expected 'local' or the address of a scheduler, got 'nowhere'",
        ),
        ("--dask nowhere:1 --device auto", 2, "--device: expected 'cpu' or 'cuda' for the workers"),
        ("-o stack.zarr --cs", 1, "--cs: expected a stack as output; stack.zarr is a Zarr group"),
        ("-o stack.zarr --shards 2", 1, "--shards: expected a number from 1 to 1, got 2"),
        ("-o stack.mrc", 1, "-o: expected a name that ends in .mrcs"),
        ("-o none/stack.mrcs", 1, "none/stack.mrcs: there is no folder none"),
        ("-o images.mrcs", 1, "images.mrcs: it is of another simulation, or of none; --overwrite"),
        ("-o three.mrcs", 1, "three.star: it is of another simulation, or of none; --overwrite"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("-") else "",
)
def test_a_bad_option_is_one_line(
    options: str, status: int, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = options.split()
    sizes = [word for name, value in SIZES.items() if name not in given for word in (name, value)]
    arguments = ["map.mrc", "-o", "stack.mrcs", *sizes, *given]
    assert fail(capsys, status, *arguments).startswith(expected)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--voltage 5000", "--voltage: expected a number of at most 3000, got 5000"),
        (
            "--spherical-aberration 2.7e7",
            "--spherical-aberration: expected a number of at most 100, got 27000000",
        ),
        (
            "--spherical-aberration -2700",
            "--spherical-aberration: expected a number of at least -100, got -2700",
        ),
        ("--dose 20", "--dose: expected with contrast = 'weak_phase', it is 'linear'"),
        ("--noise-radius 20", "--noise-radius: only an snr measures images"),
    ],
)
def test_an_option_over_a_file_is_named_where_it_is_wrong(
    options: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("config.toml").write_text(GOOD)
    assert fail(capsys, 1, "config.toml", "-o", "stack.mrcs", *options.split()).startswith(expected)


def test_a_mark_of_the_encoding_moves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.toml").write_bytes(
        b"\xef\xbb\xbf" + (GOOD + "noise.snr = 1\nnoise.spectrum = 'zz'").encode()
    )
    said = fail(capsys, 1, "config.toml", "-o", "stack.mrcs")
    assert said.startswith("config.toml:6: noise.spectrum: there is no file zz")


@pytest.mark.parametrize(
    ("package", "extra", "options"),
    [("distributed", "dask", ("--dask", "local")), ("zarr", "zarr", ("-o", "stack.zarr"))],
    ids=["dask", "zarr"],
)
def test_what_is_to_be_installed_is_said(
    package: str,
    extra: str,
    options: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    sizes = [word for pair in SIZES.items() for word in pair]
    said = fail(capsys, 1, "map.mrc", "-o", "stack.mrcs", *sizes, *options)
    assert f"{package}: pip install" in said
    assert f"[{extra}]" in said


def test_what_is_missing_is_named_as_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(capsys, 1, "map.mrc", "-o", "stack.mrcs") == "--number: is missing"
    assert fail(
        capsys, 1, "none.mrc", "-o", "stack.mrcs", *[w for p in SIZES.items() for w in p]
    ) == ("none.mrc: No such file or directory")


@pytest.mark.parametrize("written", ["stack.mrcs", "stack.star", "stack.cs", "sheet.png"])
def test_what_is_read_is_not_replaced(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    # Whatever it holds: the name is what counts.
    Path("map.mrc").rename(written)
    arguments = (written, "-o", "stack.mrcs", "--cs", "--preview", "sheet.png", "--overwrite")
    said = fail(capsys, 1, *arguments, *ALL_SIZES)
    assert said == f"{written}: that is one of the files that are read"


def test_a_file_of_something_else_is_replaced_when_that_is_wanted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("stack.mrcs", "stack.star"):
        Path(name).write_text("something else")
    assert fail(capsys, 1, "map.mrc", "-o", "stack.mrcs", *ALL_SIZES) == (
        "stack.mrcs: it is of another simulation, or of none; --overwrite replaces it"
    )
    assert simulate("map.mrc", "-o", "stack.mrcs", *ALL_SIZES, "--overwrite") == 0
    assert numbavol.read_map("stack.mrcs").data.shape == (2, SIDE, SIDE)
    assert len(numbavol.read_particles("stack.star")) == 2


def test_pixels_that_are_too_small_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ("--number", 1, "--box", 8, "--pixel-size", "1e-6")
    said = fail(capsys, 1, numbavol.data.enterotoxin(), "-o", "stack.mrcs", *sizes)
    assert said.startswith("--pixel-size: ")
