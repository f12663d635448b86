"""``numbavol simulate``: what it writes and says, and how options and files go together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import click
import numpy as np
import pytest

import numbavol
from numbavol.cli import main
from numbavol.cli.simulate import simulate as command
from numbavol.cli.simulation_options import CHOICES
from numbavol.simulation import SimulationConfig, SolventConfig, read_simulation_config
from numbavol.simulation.choices import fields_of

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled

SIDE, PIXEL_SIZE = 24, 1.5
MICROSCOPE = "300 kV, 2.7 mm, amplitude contrast 0.1"
SIZES = ("--number", 9, "--box", SIDE, "--pixel-size", PIXEL_SIZE)


def simulate(*arguments: object) -> int:
    return main(["simulate", *map(str, arguments)])


@pytest.fixture
def config_file(map_file: Path) -> Path:
    path = map_file.with_name("config.toml")
    path.write_text(
        f'number = 9\nbox = {SIDE}\npixel_size = {PIXEL_SIZE}\n[[volume]]\nfile = "map.mrc"\n'
        "[noise]\nsnr = 0.5\n[microscope]\nvoltage = 200\n"
    )
    return path


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_stack_is_that_of_the_function(config_file: Path) -> None:
    assert simulate(config_file, "-o", "stack.mrcs", "--cs") == 0
    images, particles = numbavol.simulate(config_file)
    np.testing.assert_array_equal(numbavol.read_map("stack.mrcs").data, images)
    of_star, of_cs = numbavol.read_particles("stack.star"), numbavol.read_cs("stack.cs")
    np.testing.assert_array_equal(of_star.defocus_u_in_angstroms, particles.defocus_u_in_angstroms)
    np.testing.assert_allclose(
        of_cs.defocus_u_in_angstroms, particles.defocus_u_in_angstroms, rtol=1e-6
    )
    assert sorted(path.name for path in Path().iterdir()) == [
        "config.toml", "map.mrc", "stack.cs", "stack.mrcs", "stack.star",
    ]  # fmt: skip


def test_it_says_what_it_does(map_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--snr", 0.5, "--offsets", 2, "--astigmatism", 100, "--seed", 4)
    assert simulate(map_file, "-o", "stack.mrcs", *SIZES, *options) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[:4] == [
        "simulate 9 particles of 24^2 pixels of 1.5 A, spline, linear contrast, float32, seed 4",
        f"volume  {map_file}: all of them",
        "poses   random, normal offsets of 2 A",
        f"CTF     defocus 8000 to 20000 A, astigmatism of 100 A, one a particle, {MICROSCOPE}",
    ]
    noise = (
        r"noise   variance (\S+), white, for an SNR of 0.5 and a signal of variance (\S+) within"
    )
    assert lines[4].startswith("spread  detail of 3 A by up to ")
    found = re.match(noise, lines[5])
    assert found is not None
    assert float(found[1]) == pytest.approx(2 * float(found[2]), rel=1e-4)
    assert lines[6].startswith("wrote   stack.mrcs and stack.star; ")
    assert len(lines) == 7


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("solvent.kind = 'bulk'\nsolvent.shrink_radius = 0.5", "--solvent none"),
        ("solvent.kind = 'bulk'\nsolvent.shrink_radius = 0.5", "--solvent hydration"),
        ("noise.snr = 1.0\nnoise.radius = 20.0", "--contrast weak_phase --dose 20"),
        ("noise.snr = 1.0\nnoise.radius = 20.0", "--noise-variance 2"),
        ("contrast = 'weak_phase'\ndetector.dose = 20", "--snr 1"),
        ("defocus.distribution = 'normal'\ndefocus.mean = 9e3", "--defocus 8000:9000"),
        ("poses.distribution = 'preferred'\nposes.tilt = 90", "--poses poses.star"),
        ("microscope.b_factor = 50\ndefocus.minimum = 9e3", "--no-ctf"),
    ],
)
def test_options_take_the_place_of_what_goes_with_them_in_a_file(
    file: str, options: str, map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"pixel_size": 1.5, "image_size": 24, "voltage_in_kilovolts": 300.0}
    table = numbavol.ParticleTable(*np.zeros((3, 9)), **known)
    numbavol.write_particles("poses.star", table, "poses.mrcs")
    source = numbavol.data.enterotoxin() if "solvent" in file else map_file
    Path("config.toml").write_text(
        f"number = 9\nbox = 24\npixel_size = 1.5\nvolume.file = '{source}'\n{file}\n"
    )
    status = simulate("config.toml", "-o", "stack.mrcs", "--dry-run", "--quiet", *options.split())
    assert (status, [line for line in capsys.readouterr().err.splitlines() if "error" in line]) == (
        0, [],
    )  # fmt: skip


def test_the_plan_says_views_and_frames(map_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.toml").write_text(
        f"number = 9\nbox = 24\npixel_size = 1.5\nvolume.file = '{map_file}'\n"
        "poses.distribution = 'preferred'\nposes.tilt = 90\n"
        "dose_weighting.n_frames = 40\ndose_weighting.pre_exposure = 2\n"
    )
    assert simulate("config.toml", "-o", "stack.mrcs", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "poses   random around rot 0, tilt 90 degrees by a concentration of 10" in said
    assert "frames  40 frames of 1 electrons/A^2, after 2, weighted by their dose" in said


def test_what_leaves_the_box_is_said_and_how_large_is_enough(
    map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (map_file, "-o", "stack.mrcs", *SIZES, "--defocus", 3000, "--dry-run")
    assert simulate(*arguments) == 0
    # The wavelength is 0.0196876 A, the box 36 A.
    assert (
        "spread  detail of 3 A by up to 20 A; what leaves the box comes in at its other side, "
        "which a pad scale of 1.6 prevents"
    ) in capsys.readouterr().out
    for enough in (("--pad-scale", 1.6), ("--no-ctf",)):
        given = arguments if enough[0] != "--no-ctf" else (*arguments[:-3], "--dry-run")
        assert simulate(*given, *enough) == 0
        assert "spread" not in capsys.readouterr().out


def test_all_that_is_around_and_counts_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mtf.star").write_text(
        "data_ loop_ _rlnResolutionInversePixel _rlnMtfValue 0 1 0.5 0.4"
    )
    status = simulate(
        numbavol.data.enterotoxin(), "-o", "stack.mrcs", "--number", 2, "--box", 32,
        "--pixel-size", 5, "--solvent", "hydration", "--ice", 300, "--dose", 40, "--mtf",
        "mtf.star", "--contrast", "weak_phase", "--dtype", "float16", "--quiet", "--dry-run",
    )  # fmt: skip
    assert status == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "warning: atoms without hydrogens have about 0.57 of their contrast in solvent: "
        "hydrogens = 'add' of a volume adds them\n"
    )
    status = simulate(
        numbavol.data.enterotoxin(), "-o", "stack.mrcs", "--number", 2, "--box", 32,
        "--pixel-size", 5, "--solvent", "hydration", "--ice", 300, "--dose", 40, "--mtf",
        "mtf.star", "--contrast", "weak_phase", "--no-ctf",
    )  # fmt: skip
    assert status == 1
    assert "--contrast: 'weak_phase' is what a transfer function makes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--no-ctf"], "CTF     none"),
        (["--no-ctf"], "noise   none"),
        (["--ice", "300"], "solvent vitreous ice of 300 A"),
        (["--noise-variance", "4"], "noise   variance 4, white"),
        (["--contrast", "weak_phase", "--dose", "40"], "counts  40 electrons/A^2, ideal"),
        (
            ["--defocus", "9000", "--particles-per-micrograph", "3"],
            f"CTF     defocus 9000 to 9000 A, one for 3 particles in a row, {MICROSCOPE}",
        ),
    ],
    ids=" ".join,
)
def test_each_choice_is_said(
    options: list[str], line: str, map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(map_file, "-o", "stack.mrcs", *SIZES, *options) == 0
    assert line in capsys.readouterr().out.splitlines()


def test_options_take_the_place_of_the_files_choices(config_file: Path, capsys) -> None:
    assert simulate(config_file, "-o", "a.mrcs", "--seed", 7, "--json", "--noise-variance", 2) == 0
    facts = json.loads(capsys.readouterr().out)
    config = facts["config"]
    assert (config["seed"], config["microscope"]["voltage"]) == (7, 200.0)
    assert (config["noise"]["snr"], config["noise"]["variance"]) == (None, 2.0)
    assert facts["noise_variance"] == pytest.approx(2.0)
    assert facts["stacks"] == ["a.mrcs"]
    assert facts["tables"] == ["a.star"]
    # A default of the command is no choice.
    assert config["poses"]["offset_deviation"] == 0.0
    given = {("seed",): 7, ("noise", "variance"): 2.0, ("noise", "snr"): None}
    images = numbavol.simulate(read_simulation_config(config_file, given)).images
    np.testing.assert_array_equal(numbavol.read_map("a.mrcs").data, images)


def test_volumes_take_the_place_of_the_files(
    config_file: Path, map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [map_file.with_name(f"{name}.mrc") for name in ("one", "two")]
    for scale, other in enumerate(others):
        numbavol.write_map(other, numbavol.read_map(map_file).data * scale, PIXEL_SIZE)
    assert simulate(config_file, *others, "-o", "a.mrcs", "--json", "--cs") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["volumes"] == [{"name": str(other), "share": 0.5} for other in others]
    assert set(numbavol.read_particles("a.star").class_number) == {1, 2}


def test_selections_of_one_model_have_names(capsys: pytest.CaptureFixture[str]) -> None:
    model = numbavol.data.enterotoxin()
    Path("config.toml").write_text(
        f'number = 2\nbox = 16\npixel_size = 8\n[[volume]]\nfile = "{model}"\n'
        f'select = "//A"\n[[volume]]\nfile = "{model}"\nweight = 3\n'
    )
    assert simulate("config.toml", "-o", "a.mrcs") == 0
    said = capsys.readouterr().out
    assert f"volume  {model}, //A: 25 % of them\n" in said
    assert f"volume  {model}: 75 % of them\n" in said


def defaults_of(config: type, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    found: dict[tuple[str, ...], object] = {}
    for field, hint in fields_of(config):
        here = (*path, field.name)
        found[here] = field.default
        if hasattr(hint, "__dataclass_fields__"):
            found |= defaults_of(hint, here)
    return found


def test_defaults_and_words_are_those_of_the_configuration() -> None:
    defaults = defaults_of(SimulationConfig)
    options = {option.name: option for option in command.params}
    context = click.Context(command)
    assert set(CHOICES) <= set(options)
    for name, path in CHOICES.items():
        default = options[name].get_default(context)
        if isinstance(default, (int, float, str)):
            assert default == defaults[path], name
    ends = (defaults["defocus", end] for end in ("minimum", "maximum"))
    assert options["defocus"].get_default(context) == ":".join(f"{end:.0f}" for end in ends)
    hints = {field.name: hint for field, hint in fields_of(SimulationConfig)}
    hints["solvent"] = next(
        hint for field, hint in fields_of(SolventConfig) if field.name == "kind"
    )
    for name in ("method", "contrast", "dtype", "solvent"):
        assert tuple(options[name].type.choices) == get_args(hints[name])


def test_poses_of_a_file_are_as_many_and_have_its_ctfs(
    map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(map_file, "-o", "a.mrcs", *SIZES, "--offsets", 1, "--cs") == 0
    for poses in ("a.star", "a.cs"):
        capsys.readouterr()
        status = simulate(
            map_file, "-o", "b.mrcs", "--poses", poses, *SIZES[2:], "--seed", 5, "--overwrite"
        )
        assert status == 0
        said = capsys.readouterr().out
        assert "simulate 9 particles " in said
        assert f"CTF     those of {poses}" in said
        # Angles and defocus of a .cs file are float32.
        made, given = (numbavol.read_map(f"{name}.mrcs").data for name in "ba")
        np.testing.assert_allclose(made, given, atol=1e-3 * np.abs(given).max())


def test_what_is_odd_in_a_model_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.pdb").write_text(
        "ATOM      1  N   ALA A   1      -2.000   0.000   1.000  3.00 20.00           N\n"
        "ATOM      2  O   ALA A   1      30.000   0.500   1.500  1.00 20.00           O\n"
    )
    options = ("--number", 2, "--box", 8, "--pixel-size", 2, "--json")
    assert simulate("odd.pdb", "-o", "stack.mrcs", *options) == 0
    said = capsys.readouterr()
    assert said.err == ""
    warned = json.loads(said.out)["warnings"]
    assert any("does not hold it in every pose" in warning for warning in warned)
    assert simulate("odd.pdb", "-o", "stack.mrcs", *options[:-1], "-q") == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("warning: odd.pdb: ") == len(warned)


def test_a_dry_run_says_all_and_writes_nothing(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command_line = (config_file, "-o", "stack.mrcs", "--shards", 3, "--cs")
    assert simulate(*command_line, "--dry-run") == 0
    said = capsys.readouterr().out
    assert sorted(path.name for path in Path().iterdir()) == ["config.toml", "map.mrc"]
    assert simulate(*command_line, "--dry-run", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert simulate(*command_line, "-q") == 0
    sizes = {name: Path(name).stat().st_size for name in facts["bytes_of_stacks"]}
    assert facts["bytes_of_stacks"] == sizes
    for table, about in facts["bytes_of_tables_about"].items():
        assert about == pytest.approx(Path(table).stat().st_size, rel=0.05)
    assert f"file    3 stacks, stack_000001.mrcs to stack_000003.mrcs: {sum(sizes.values()):,}" in (
        said
    )
    assert re.search(r"^file    stack.cs: about [\d,]+ bytes$", said, re.MULTILINE)
    assert re.search(r"^memory  \S+ [KM]iB of volumes and particles$", said, re.MULTILINE)
    assert re.search(
        r"^time    about \S+ s to begin, and \S+ s for 9 images, by 9 of them$", said, re.MULTILINE
    )
    assert facts["seconds_about"] > 0
    assert facts["bytes_of_memory"] > 0


def test_a_dry_run_says_what_is_there(
    config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command_line = (config_file, "-o", "stack.mrcs", "--shards", 3)
    assert simulate(*command_line) == 0
    Path("stack_000002.mrcs").unlink()
    capsys.readouterr()
    assert simulate(*command_line, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "there   2 of 3 stacks are written already\n" in said
    assert " s for 3 images, by 9 of them" in said
    assert not Path("stack_000002.mrcs").exists()


@pytest.mark.parametrize("options", [(), ("--no-ctf", "--number", 3), ("--ice", 300)], ids=str)
def test_a_preview_is_drawn(
    options: tuple[object, ...], map_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command_line = (map_file, "-o", "stack.mrcs", *SIZES, *options, "--preview", "sheet.png")
    assert simulate(*command_line, "--dry-run") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "preview sheet.png"
    assert Path("sheet.png").read_bytes().startswith(b"\x89PNG")
    assert not Path("stack.mrcs").exists()
    assert simulate(*command_line) == 1
    assert "sheet.png: the file exists; --overwrite replaces it" in capsys.readouterr().err
    assert simulate(*command_line, "--overwrite") == 0
    assert Path("stack.mrcs").exists()


def test_a_preview_has_the_images_of_the_stack_and_their_defoci(map_file: Path) -> None:
    from numbavol.cli.simulation_preview import draw_preview
    from numbavol.simulation import NoiseConfig, VolumeConfig
    from numbavol.simulation.images import Simulator

    config = SimulationConfig(
        30, SIDE, PIXEL_SIZE,
        volume=(VolumeConfig(str(map_file)),), noise=NoiseConfig(snr=0.1), seed=2,
    )  # fmt: skip
    images, particles = numbavol.simulate(config, numbers=slice(24))
    rows = np.reshape(draw_preview(Simulator.prepare(config)).axes, (6, 8))
    shown = np.stack([place.images[0].get_array() for place in rows[0::2].ravel()])
    np.testing.assert_array_equal(shown, images)
    titles = [place.get_title() for place in rows[0::2].ravel()]
    assert titles == [f"{defocus / 1e4:.2f} µm" for defocus in particles.defocus_u_in_angstroms]
    clean = np.stack([place.images[0].get_array() for place in rows[1::2].ravel()])
    noise = np.var(images - clean) / np.var(clean)
    assert noise == pytest.approx(10.0, rel=0.2)


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--help") == 0
    assert "numbavol simulate config.toml -o stack.mrcs --dry-run" in capsys.readouterr().out
