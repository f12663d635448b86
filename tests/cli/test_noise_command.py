"""``numbavol noise``."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.imaging import noise_estimation
from numbavol.io import unpacked_stacks

if TYPE_CHECKING:
    from pathlib import Path

N_IMAGES, SIDE, PIXEL_SIZE = 60, 24, 1.5


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Noise of variance 4, around something bright within 9 A."""
    images = np.random.default_rng(0).normal(scale=2.0, size=(N_IMAGES, SIDE, SIDE))
    y, x = np.ogrid[:SIDE, :SIDE]
    images[:, np.hypot(y - SIDE // 2, x - SIDE // 2) <= 6] += 50.0
    path = tmp_path / "stack.mrcs"
    numbavol.write_map(path, images, PIXEL_SIZE)
    return path


def estimate(stack: Path, *options: object) -> int:
    output = stack.with_name("spectrum.star")
    return main(["noise", "estimate", str(stack), "-o", str(output), *map(str, options)])


def test_the_spectrum_of_a_stack_is_written(
    stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert estimate(stack) == 0
    read, noise, wrote = capsys.readouterr().out.splitlines()
    assert read == f"read    {stack}: 60 images of 24 x 24 (x, y), pixels of 1.5 A"
    assert noise.startswith("noise   variance ")
    assert wrote.startswith(f"wrote   {stack.with_name('spectrum.star')}; ")
    written = numbavol.NoiseSpectrum.read(stack.with_name("spectrum.star"))
    images = numbavol.read_map(stack).data
    assert written == numbavol.estimate_noise_spectrum(images, PIXEL_SIZE)
    assert written.variance((SIDE, SIDE), PIXEL_SIZE) == pytest.approx(4.0, rel=0.05)


def test_a_gzipped_stack_is_unpacked_once(stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = stack.with_name("packed.mrcs.gz")
    packed.write_bytes(gzip.compress(stack.read_bytes()))
    monkeypatch.setattr(noise_estimation, "BYTES_A_TASK", 8 * SIDE**2 * 7)
    opened: list[bool] = []
    unpack = unpacked_stacks._unpack

    def count(*arguments: Any) -> None:
        opened.append(True)
        unpack(*arguments)

    monkeypatch.setattr(unpacked_stacks, "_unpack", count)
    spectra = []
    for each in (stack, packed):
        assert estimate(each, "--overwrite") == 0
        spectra.append(numbavol.NoiseSpectrum.read(stack.with_name("spectrum.star")))
    assert spectra[0] == spectra[1]
    assert len(opened) == 1


def test_json_has_the_spectrum(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate(stack, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    written = numbavol.NoiseSpectrum.read(stack.with_name("spectrum.star"))
    assert facts["frequencies"] == written.frequencies.tolist()
    assert facts["power"] == written.power.tolist()
    assert facts["variance"] == written.variance((SIDE, SIDE), PIXEL_SIZE)
    assert (facts["n_images"], facts["shape"]) == (N_IMAGES, [SIDE, SIDE])


def test_the_radius_and_the_pixel_size_are_those_asked_for(stack: Path) -> None:
    assert estimate(stack, "--pixel-size", 3, "--mask-radius", 25, "--threads", 1) == 0
    numbavol.set_num_threads(None)
    written = numbavol.NoiseSpectrum.read(stack.with_name("spectrum.star"))
    images = numbavol.read_map(stack).data
    assert written == numbavol.estimate_noise_spectrum(images, 3.0, mask_radius=25.0)
    assert estimate(stack, "--mask-radius", 0, "--overwrite", "--quiet") == 0
    whole = numbavol.NoiseSpectrum.read(stack.with_name("spectrum.star"))
    assert whole.power[0] > 100 * written.power[0]


def test_the_spectrum_is_drawn(stack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = stack.with_name("spectrum.png")
    assert estimate(stack, "--plot", picture) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"plot    {picture}"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_stack_without_pixel_size_asks_for_it(
    stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = bytearray(stack.read_bytes())
    header[40:52] = bytes(12)  # the cell's lengths
    stack.write_bytes(header)
    assert estimate(stack) == 1
    assert capsys.readouterr().err == (
        f"numbavol: error: {stack}: expected a pixel size in the header, got none; "
        "--pixel-size says it\n"
    )
    assert estimate(stack, "--pixel-size", PIXEL_SIZE) == 0


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (
            ["--mask-radius", "30"],
            1,
            "error: --mask-radius: expected to leave 5% of an image or more",
        ),
        (["--mask-radius", "-1"], 2, "--mask-radius"),
        (["--pixel-size", "0"], 2, "--pixel-size"),
        (["--pixel-size", "nan"], 2, "--pixel-size"),
        (["--plot", "spectrum.gif"], 2, "expected a name that ends in .png, .svg, .pdf"),
        (["-o", "spectrum.txt"], 2, "-o: expected a name that ends in .star, got spectrum.txt"),
        (["-o", "none/spectrum.star"], 1, "there is no folder none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_measured_is_one_line(
    options: list[str],
    status: int,
    message: str,
    stack: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(stack.parent)
    assert estimate(stack, *options) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not stack.with_name("spectrum.star").exists()


def test_a_map_is_no_stack(map_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert estimate(map_file) == 1
    assert "expected a stack of images (.mrcs, or a file that says so), got a map" in (
        capsys.readouterr().err
    )


def test_files_are_replaced_only_when_that_is_wanted(
    stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert estimate(stack) == 0
    assert estimate(stack) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert estimate(stack, "--overwrite") == 0


@pytest.mark.parametrize("option", ["-o", "--plot"])
def test_the_stack_is_not_replaced(
    option: str, stack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = stack.rename(stack.with_name("read.star" if option == "-o" else "read.png"))
    content = images.read_bytes()
    assert estimate(images, option, images, "--overwrite") == 1
    assert "that is the stack itself" in capsys.readouterr().err
    assert images.read_bytes() == content
