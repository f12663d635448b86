"""``numbavol filter``: what each option does to values and to places, and what is said.

Maps are float32, and so are the transforms of the command: values differ from those of double
precision by some 1e-7 of the largest, for which tests allow 2e-6.
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import pytest

import numbavol
from numbavol.cli import main

if TYPE_CHECKING:
    from pathlib import Path

ROUNDING = 2e-6
ORIGIN = np.array([12.3, -45.6, 7.8])
VOXEL_SIZE = np.array([0.8, 1.0, 1.25])
# Even and odd along each axis, and no two sides equal.
SHAPES = [(32, 41, 42), (33, 42, 45), (40, 35, 43), (31, 36, 50)]


def filter_map(*arguments: object) -> int:
    return main(["filter", *map(str, arguments)])


def filtered(path: Path, *options: object) -> numbavol.io.RealSpaceMap:
    output = path.with_name("filtered.mrc")
    assert filter_map(path, "-o", output, "--overwrite", *options) == 0
    return numbavol.read_map(output)


def places_of(shape: tuple[int, ...], voxel_size: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Where the centres of the voxels lie (x, y, z), by the header."""
    cells = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)[..., ::-1]
    return origin + cells * voxel_size


def middle_of(shape: tuple[int, ...]) -> np.ndarray:
    return ORIGIN + np.array([n // 2 for n in shape[::-1]]) * VOXEL_SIZE


def gaussian(places: np.ndarray, center: np.ndarray, variance: float) -> np.ndarray:
    squared = np.sum((places - center) ** 2, axis=-1)
    return np.exp(-squared / (2 * variance)) / (2 * np.pi * variance) ** 1.5


def frequencies_of(shape: tuple[int, ...], voxel_size: np.ndarray) -> np.ndarray:
    """Lengths of the frequencies of NumPy's full transform."""
    axes = [np.fft.fftfreq(n, side) for n, side in zip(shape, voxel_size[::-1], strict=True)]
    return np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))


def edge(distance: np.ndarray, start: float, width: float) -> np.ndarray:
    """1 up to `start`, 0 from `start + width` on."""
    return (1 + np.cos(np.pi * np.clip((distance - start) / width, 0, 1))) / 2


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.mrc"
    values = np.random.default_rng(0).standard_normal((14, 17, 20)) + 0.3
    numbavol.write_map(path, values, VOXEL_SIZE, origin=ORIGIN)
    return path


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    path = tmp_path / "cube.mrc"
    values = np.random.default_rng(1).standard_normal((12, 12, 12))
    numbavol.write_map(path, values, 1.5, origin=ORIGIN)
    return path


# A Gaussian of 2 A keeps 1e-5 of its size at 2.6 A, and is as good as zero in the corners that
# cutting takes and outside of the sphere.
@pytest.mark.parametrize(
    "options",
    [
        "--lowpass 2.6",
        "--b-factor 40",
        "--b-factor -5",
        "--voxel-size 1.3",
        "--voxel-size 0.73",
        "--mask sphere:14:2",
        "--crop 30",
        "--crop 31",
        "--pad 50",
        "--pad 51",
        "--box 34",
        "--box 37",
        "--lowpass 2.6 --b-factor 10 --voxel-size 1.1 --mask sphere:14 --box 35",
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_density_keeps_its_place(shape: tuple[int, ...], options: str, tmp_path: Path) -> None:
    center = middle_of(shape) + np.array([0.7, -1.1, 0.4])
    values = gaussian(places_of(shape, VOXEL_SIZE, ORIGIN), center, variance=4.0)
    numbavol.write_map(tmp_path / "map.mrc", values, VOXEL_SIZE, origin=ORIGIN)
    read = filtered(tmp_path / "map.mrc", *options.split())
    places = places_of(read.data.shape, read.voxel_size, read.origin)
    found = np.average(places.reshape(-1, 3), axis=0, weights=read.data.ravel())
    # Of voxels of 1 A, the next one would be 1 A off.
    np.testing.assert_allclose(found, center, atol=1e-3)


@pytest.mark.parametrize("shape", [(11, 12, 14), (12, 11, 15)])
@pytest.mark.parametrize("voxel_size", [0.6, 1.4])
def test_a_resampled_map_has_the_waves_at_the_places_of_its_header(
    shape: tuple[int, ...], voxel_size: float, tmp_path: Path
) -> None:
    lengths = np.array(shape[::-1]) * VOXEL_SIZE

    def waves(places: np.ndarray) -> np.ndarray:
        # All below the Nyquist frequency of either grid.
        cycles = np.array([[1, 0, 0], [0, 2, 1], [3, -1, 2], [2, 2, -3]]) / lengths
        phases = 2 * np.pi * (places - ORIGIN) @ cycles.T
        return np.cos(phases + np.arange(4.0)).sum(axis=-1)

    values = waves(places_of(shape, VOXEL_SIZE, ORIGIN))
    numbavol.write_map(tmp_path / "map.mrc", values, VOXEL_SIZE, origin=ORIGIN)
    read = filtered(tmp_path / "map.mrc", "--voxel-size", voxel_size)
    expected_shape = [round(length / voxel_size) for length in lengths[::-1]]
    assert list(read.data.shape) == expected_shape
    np.testing.assert_allclose(read.voxel_size * expected_shape[::-1], lengths, rtol=1e-7)
    places = places_of(read.data.shape, read.voxel_size, read.origin)
    # Places of 50 A are kept in float32, to 4e-6 A, and a wave of 4 A rises by 1.6 in an angstrom.
    np.testing.assert_allclose(read.data, waves(places), atol=3e-5)


def test_a_lowpass_keeps_what_is_coarser_than_its_resolution(tmp_path: Path) -> None:
    # Kept is what is below 0.125 /A, gone what is above 0.125 + 0.02 /A.
    shape, lengths = (32, 32, 50), np.array([40.0, 32.0, 40.0])
    places = places_of(shape, VOXEL_SIZE, ORIGIN)

    def wave(*cycles: int) -> np.ndarray:
        return np.cos(2 * np.pi * places @ (cycles / lengths) + 0.5)

    kept = 3.0 + wave(4, 0, 0) + wave(0, 3, 0) + wave(1, 1, 3)
    gone = wave(8, 0, 0) + wave(0, 6, 0) + wave(0, 0, 8) + wave(4, 4, 4)
    numbavol.write_map(tmp_path / "map.mrc", kept + gone, VOXEL_SIZE, origin=ORIGIN)
    read = filtered(tmp_path / "map.mrc", "--lowpass", 8)
    np.testing.assert_allclose(read.data, kept, atol=7 * ROUNDING)
    np.testing.assert_array_equal(read.voxel_size, VOXEL_SIZE)


@pytest.mark.parametrize(
    "options",
    [
        {"lowpass": 4.0},
        {"highpass": 6.0},
        {"b_factor": 30.0},
        {"b_factor": -12.0},
        {"lowpass": 3.0, "highpass": 9.0, "b_factor": -20.0},
    ],
)
def test_filters_are_those_of_numpys_transform(noise: Path, options: dict[str, float]) -> None:
    values = numbavol.read_map(noise).data.astype(np.float64)
    frequency = frequencies_of(values.shape, VOXEL_SIZE)
    width = 0.05 / (2 * VOXEL_SIZE.max())
    factor = np.exp(-options.get("b_factor", 0.0) * frequency**2 / 4)
    if "lowpass" in options:
        factor *= edge(frequency, 1 / options["lowpass"], width)
    if "highpass" in options:
        factor *= 1 - edge(frequency, 1 / options["highpass"], width)
    expected = np.fft.ifftn(np.fft.fftn(values) * factor).real
    arguments = [(f"--{name.replace('_', '-')}", value) for name, value in options.items()]
    read = filtered(noise, *itertools.chain(*arguments))
    np.testing.assert_allclose(read.data, expected, atol=ROUNDING * np.abs(expected).max())
    # To the last bit of float32.
    np.testing.assert_allclose(read.origin, ORIGIN, rtol=1e-7)


@pytest.mark.parametrize("b_factor", [80.0, -40.0])
def test_a_b_factor_widens_a_gaussian(b_factor: float, tmp_path: Path) -> None:
    shape, variance = (40, 41, 42), 4.0
    places = places_of(shape, np.ones(3), ORIGIN)
    center = ORIGIN + np.array([20.5, 20.2, 20.1])
    numbavol.write_map(tmp_path / "map.mrc", gaussian(places, center, variance), 1, origin=ORIGIN)
    read = filtered(tmp_path / "map.mrc", "--b-factor", b_factor)
    expected = gaussian(places, center, variance + b_factor / (8 * np.pi**2))
    # Sharpening multiplies the rounding of the map, too: in the corners, by exp(7.5) = 1800.
    tolerance = ROUNDING if b_factor > 0 else 1e-4
    np.testing.assert_allclose(read.data, expected, atol=tolerance * expected.max())


def test_sharpening_of_fine_voxels_is_bounded_by_the_lowpass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # In the corners the factor is exp(187), beyond float32.
    values = np.random.default_rng(2).standard_normal((16, 16, 16))
    numbavol.write_map(tmp_path / "map.mrc", values, 0.5)
    read = filtered(tmp_path / "map.mrc", "--b-factor", -250, "--lowpass", 4)
    frequency = frequencies_of(values.shape, np.full(3, 0.5))
    factor = np.exp(250 * np.minimum(frequency, 0.4) ** 2 / 4) * edge(frequency, 0.25, 0.05)
    expected = np.fft.ifftn(np.fft.fftn(values) * factor).real
    np.testing.assert_allclose(read.data, expected, atol=ROUNDING * np.abs(expected).max())

    output = tmp_path / "sharp.mrc"
    assert filter_map(tmp_path / "map.mrc", "-o", output, "--b-factor", -250) == 1
    assert "--lowpass bounds what --b-factor does" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("mask", "radius", "width"), [("4:3", 4, 3), ("6:0", 6, 0), ("2.5", 2.5, 5), ("0.1:0", 0.1, 0)]
)
def test_a_mask_is_a_sphere_around_the_middle_voxel(
    noise: Path, mask: str, radius: float, width: float
) -> None:
    values = numbavol.read_map(noise).data
    places = places_of(values.shape, VOXEL_SIZE, ORIGIN)
    distance = np.linalg.norm(places - middle_of(values.shape), axis=-1)
    # No voxel but those that are exact lies on a step.
    weights = edge(distance, radius, width) if width else distance <= radius + 1e-9
    read = filtered(noise, "--mask", f"sphere:{mask}")
    np.testing.assert_allclose(read.data, values * weights, atol=ROUNDING)


@pytest.mark.parametrize(
    ("option", "side"),
    [("--crop", 14), ("--crop", 9), ("--pad", 20), ("--pad", 23), ("--box", 16), ("--box", 3)],
)
def test_a_box_is_cut_and_filled_around_the_middle_voxel(
    noise: Path, option: str, side: int
) -> None:
    values = numbavol.read_map(noise).data
    read = filtered(noise, option, side)
    assert read.data.shape == (side, side, side)
    for index in np.ndindex(read.data.shape):
        there = [i - side // 2 + n // 2 for i, n in zip(index, values.shape, strict=True)]
        is_inside = all(0 <= i < n for i, n in zip(there, values.shape, strict=True))
        assert read.data[index] == (values[tuple(there)] if is_inside else 0.0)
    expected = middle_of(values.shape) - side // 2 * VOXEL_SIZE
    np.testing.assert_allclose(read.origin, expected, rtol=1e-6)


def test_the_order_of_the_steps_is_the_one_of_the_help(noise: Path, tmp_path: Path) -> None:
    steps = [
        ["--lowpass", "4", "--b-factor", "-10"],
        ["--voxel-size", "1.25"],
        ["--mask", "sphere:6:1"],
        ["--box", "12"],
    ]
    together = filtered(noise, *itertools.chain(*reversed(steps)))
    path = noise
    for number, step in enumerate(steps):
        after = tmp_path / f"{number}.mrc"
        assert filter_map(path, "-o", after, *step) == 0
        path = after
    one_by_one = numbavol.read_map(path)
    # Headers keep voxel sizes and origins in float32.
    np.testing.assert_allclose(together.data, one_by_one.data, atol=ROUNDING)
    np.testing.assert_allclose(together.origin, one_by_one.origin, rtol=1e-6)
    np.testing.assert_allclose(together.voxel_size, one_by_one.voxel_size, rtol=1e-6)
    # A mask before the resampling would have left waves outside of it.
    places = places_of(together.data.shape, together.voxel_size, together.origin)
    distance = np.linalg.norm(places - middle_of((14, 17, 20)), axis=-1)
    assert not np.any(together.data[distance > 7.001])
    assert np.all(together.data[distance < 6.0])


def test_axes_in_another_order_gzip_and_nstart(tmp_path: Path) -> None:
    values = np.random.default_rng(3).standard_normal((6, 7, 8)).astype(np.float32)
    path = tmp_path / "map.mrc.gz"
    with mrcfile.new(path, np.ascontiguousarray(values.transpose(1, 2, 0)), "gzip") as mrc:
        mrc.header.mapc, mrc.header.mapr, mrc.header.maps = 3, 1, 2
        mrc.header.mx, mrc.header.my, mrc.header.mz = 8, 7, 6
        mrc.header.cella = (8.0, 14.0, 18.0)
        mrc.header.nxstart, mrc.header.nystart, mrc.header.nzstart = 5, -6, 7  # of z, x and y
    output = tmp_path / "out.mrc.GZ"
    assert filter_map(path, "-o", output, "--crop", 5) == 0
    assert output.read_bytes().startswith(b"\x1f\x8b")
    read = numbavol.read_map(output)
    np.testing.assert_array_equal(read.data, values[1:6, 1:6, 2:7])
    np.testing.assert_array_equal(read.voxel_size, [1, 2, 3])
    np.testing.assert_array_equal(read.origin, [-6 + 2, 2 * (7 + 1), 3 * (5 + 1)])


def test_what_is_written_is_a_valid_float32_map(tmp_path: Path) -> None:
    values = np.random.default_rng(4).integers(-100, 100, (7, 8, 9)).astype(np.int8)
    with mrcfile.new(tmp_path / "map.mrc", values) as mrc:
        mrc.voxel_size = 1.2
    output = tmp_path / "out.mrc"
    assert filter_map(tmp_path / "map.mrc", "-o", output, "--lowpass", 4) == 0
    with (tmp_path / "problems").open("w+") as problems:
        assert mrcfile.validate(output, print_file=problems), (tmp_path / "problems").read_text()
    assert numbavol.read_map_header(output).dtype == "float32"


@pytest.mark.same_bits
@pytest.mark.usefixtures("_number_of_threads_is_restored")
def test_threads_change_no_bit(noise: Path) -> None:
    options = ("--lowpass", 4, "--voxel-size", 1.1)
    one, two = (filtered(noise, *options, "--threads", n).data for n in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_lines_say_what_was_done(cube: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--lowpass 6 --highpass 12 --b-factor -10 --voxel-size 2 --mask sphere:7 --box 10"
    read = filtered(cube, *options.split())
    distance = np.linalg.norm(places_of((9, 9, 9), np.full(3, 2.0), np.full(3, -8.0)), axis=-1)
    center = "21.300, -36.600, 16.800"  # voxel 6 of 1.5 A
    share = f"{100 * edge(distance, 7, 5).mean():.1f}"
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert captured.err == ""
    assert lines[0].startswith(f"read      {cube}: 12 x 12 x 12 voxels (x, y, z) of 1.5 A; min -")
    assert lines[1:6] == [
        "lowpass   6 A: all to 6 A, nothing beyond 5.4545 A",
        "highpass  12 A: nothing to 12 A, all beyond 10 A",
        "b-factor  -10 A^2 sharpens: times 1.32 at 3 A",
        "resample  9 x 9 x 9 voxels (x, y, z) of 2 A, 2 A asked for",
        f"mask      sphere of 7 A around ({center}) A, edge of 5 A: {share} % of the box",
    ]
    assert lines[6] == "box       9 x 9 x 9 to 10 x 10 x 10 voxels"
    assert re.fullmatch(
        r"wrote     .*filtered\.mrc: 10 x 10 x 10 voxels \(x, y, z\) of 2 A; "
        rf"min {read.data.min():.5g}, max {read.data.max():.5g}, mean .*; \d+\.\d\d s",
        lines[7],
    )


def test_json_is_one_object(noise: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--lowpass 1.3 --b-factor 30 --voxel-size 1 --mask sphere:5:2 --crop 13 --json"
    read = filtered(noise, *options.split())
    facts = json.loads(capsys.readouterr().out)
    assert facts["map"] == str(noise)
    assert facts["read"]["shape"] == [14, 17, 20]
    assert facts["lowpass"] == {
        "resolution": 1.3,
        "end_of_edge": pytest.approx(1 / (1 / 1.3 + 0.02)),
    }
    # exp(-30 (1 / 1.6)^2 / 4), where the smallest voxels end.
    factor = {"resolution": 1.6, "factor_at_resolution": pytest.approx(0.0534, rel=1e-3)}
    assert facts["b_factor"] == {"b_factor": 30.0, **factor}
    assert facts["resampled"]["shape"] == [18, 17, 16]
    assert facts["resampled"]["voxel_size"] == pytest.approx([1.0, 1.0, 17.5 / 18])
    assert (facts["mask"]["radius"], facts["mask"]["edge"], facts["box"]) == (5.0, 2.0, 13)
    assert facts["mask"]["center"] == pytest.approx(middle_of((14, 17, 20)), rel=1e-6)
    assert facts["shape"] == [13, 13, 13]
    assert facts["voxel_size"] == pytest.approx(read.voxel_size, rel=1e-6)
    assert facts["origin"] == pytest.approx(read.origin, rel=1e-6)
    assert facts["mean"] == pytest.approx(read.data.mean(), abs=1e-6)
    (warning,) = facts["warnings"]
    assert warning.startswith("--lowpass 1.3 changes little")
    assert facts["seconds"] > 0


def test_a_map_of_one_voxel(tmp_path: Path) -> None:
    numbavol.write_map(tmp_path / "map.mrc", np.full((1, 1, 1), 2.0), 3.0, origin=ORIGIN)
    options = "--lowpass 8 --b-factor -500 --voxel-size 2.5 --mask sphere:1 --pad 4"
    read = filtered(tmp_path / "map.mrc", *options.split())
    assert read.data[2, 2, 2] == pytest.approx(2.0)
    assert np.count_nonzero(read.data) == 1
