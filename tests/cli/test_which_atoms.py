"""Which atoms a command takes of a file, and what an ensemble of models is to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest
from monomers import write_monomer_library

import numbavol
from numbavol.cli import main

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
N_MODELS, N_ATOMS = 3, 4
# Atoms in a row, farther apart from model to model; a glycine and a crystal of two copies.
HEADER = "CRYST1   20.000   20.000   20.000  90.00  90.00  90.00 P 1 1 2\n"
LINE = (
    "ATOM  {n:5d}  {name:3} GLY A   1    {x:8.3f}{y:8.3f}   0.000  1.00 20.00           {name:.1}\n"
)
LIGAND = "HETATM    9  C1  LIG A   2       4.000   8.000   0.000  1.00 10.00           C\n"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A peptide of three models that differ."""
    places = [("N", 0.0, 0.0), ("CA", 1.46, 0.0), ("C", 2.0, 1.42), ("O", 1.25, 2.39)]
    text = HEADER
    for model in range(N_MODELS):
        text += f"MODEL     {model + 1:4d}\n"
        for n, (name, x, y) in enumerate(places, 1):
            text += LINE.format(n=n, name=name, x=x + 3 * model * (n == 4), y=y)
        text += "ENDMDL\n"
    path = tmp_path / "models.pdb"
    path.write_text(f"{text}END\n")
    return path


def run(*arguments: Any) -> int:
    return main([str(argument) for argument in arguments])


def facts_of(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    assert run(*arguments, "--json") == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def render(folder: Path, model: Path, *options: Any) -> numbavol.RealSpaceMap:
    output = folder / "out.mrc"
    assert run("render", model, "-o", output, "--overwrite", "--quiet", *options) == 0
    return numbavol.read_map(output)


def project(folder: Path, model: Path, *options: Any) -> np.ndarray:
    output = folder / "out.mrcs"
    options = ("--box", 24, "--overwrite", "--quiet", *options)
    assert run("project", model, "-o", output, *options) == 0
    return numbavol.read_images(output)


def poses_of(star: Path) -> numbavol.EulerAnglePose:
    particles = numbavol.read_particles(star)
    return numbavol.EulerAnglePose.from_relion_angles(particles.rot, particles.tilt, particles.psi)


def test_a_map_of_an_ensemble_is_the_mean_of_its_models(models: Path, tmp_path: Path) -> None:
    mean = render(tmp_path, models, "--models", "ensemble", "--box", 24)
    target = tmp_path / "mean.mrc"
    (tmp_path / "out.mrc").rename(target)
    each = [
        render(tmp_path, models, "--models", n + 1, "--like", target).data for n in range(N_MODELS)
    ]
    np.testing.assert_allclose(mean.data, np.mean(each, axis=0), atol=3e-6 * mean.data.max())


@pytest.mark.parametrize("method", ["gaussian", "fft"])
def test_an_image_of_an_ensemble_is_of_one_model(models: Path, tmp_path: Path, method: str) -> None:
    options = ("--poses", "random:8", "--models", "ensemble", "--b-factors", 300, "--box", 40)
    images = project(tmp_path, models, *options, "--method", method)
    poses = poses_of(tmp_path / "out.star")
    config = numbavol.ImageConfig((40, 40), pixel_size=1.0)
    volumes = numbavol.EnsembleVolume.from_models(models, b_factors=300.0).volumes
    stacks = np.stack([numbavol.project(volume, poses, config) for volume in volumes])
    errors = np.abs(stacks - images).max(axis=(2, 3))
    chosen = errors.argmin(axis=0)
    assert np.all(errors.min(axis=0) < 1e-5 * images.max())
    assert np.all(np.sort(errors, axis=0)[1] > 1e-3 * images.max())
    assert set(chosen) == set(range(N_MODELS))


def test_an_ensemble_is_drawn_as_project_draws_it(models: Path, tmp_path: Path) -> None:
    options = ("--poses", "grid:90", "--models", "ensemble", "--b-factors", 300, "--box", 40)
    images = project(tmp_path, models, *options, "--seed", 3)
    volume = numbavol.EnsembleVolume.from_models(models, b_factors=300.0)
    config = numbavol.ImageConfig((40, 40), pixel_size=1.0)
    expected = numbavol.project(volume, numbavol.make_pose_grid(90.0), config, seed=3)
    np.testing.assert_allclose(images, expected, atol=1e-5 * images.max())


def test_the_seed_says_which_models_are_drawn(models: Path, tmp_path: Path) -> None:
    options = ("--poses", "grid:90", "--models", "ensemble")
    one, same, other = (project(tmp_path, models, *options, "--seed", seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    # A STAR file has poses, and no draws.
    star = ("--poses", tmp_path / "poses.star")
    (tmp_path / "out.star").rename(star[1])
    first, second = (
        project(tmp_path, models, *star, "--models", "ensemble", "--seed", seed) for seed in (1, 2)
    )
    assert not np.array_equal(first, second)


def test_thermal_motion_is_drawn_for_each_image(models: Path, tmp_path: Path) -> None:
    options = ("--poses", "grid:90", "--b-factors", 120)
    blurred, moved, again = (
        project(tmp_path, models, *options, *more)
        for more in ((), ("--thermal",), ("--thermal", "--seed", 1))
    )
    sums = moved.sum(axis=(1, 2))
    np.testing.assert_allclose(sums, blurred.sum(axis=(1, 2)), rtol=1e-4)
    # What moves is sharper than its mean.
    assert np.all(moved.max(axis=(1, 2)) > blurred.max(axis=(1, 2)))
    assert not np.array_equal(moved, again)
    still = project(tmp_path, models, *options[:2], "--b-factors", "none", "--thermal")
    np.testing.assert_array_equal(
        still, project(tmp_path, models, *options[:2], "--b-factors", "none")
    )


@pytest.mark.parametrize("thermal", [(), ("--thermal",)], ids=["ensemble", "thermal"])
def test_a_run_of_draws_is_gone_on_with_to_the_same_bytes(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, thermal: tuple[str, ...]
) -> None:
    options = ("--poses", "random:9", "--models", "ensemble", "--box", 24, "--threads", 1, *thermal)
    output, whole = tmp_path / "stack.mrcs", tmp_path / "whole.mrcs"
    written, n_written = numbavol.ImageStack.__setitem__, 0

    def write(self: numbavol.ImageStack, numbers: Any, images: Any) -> None:
        nonlocal n_written
        # Of an ensemble, images of one model come before those of the next.
        if n_written == 8:
            raise KeyboardInterrupt
        n_written += 1
        written(self, numbers, images)

    with monkeypatch.context() as patched:
        patched.setattr(numbavol.ImageStack, "__setitem__", write)
        assert run("project", models, "-o", output, *options) == 130
    part = output.with_name("stack.mrcs.part")
    assert part.exists()
    # Of another seed, another stack.
    assert run("project", models, "-o", output, *options, "--resume", "--seed", 1) == 1
    assert run("project", models, "-o", output, *options, "--resume") == 0
    assert run("project", models, "-o", whole, *options) == 0
    assert output.read_bytes() == whole.read_bytes()


def test_the_content_of_a_unit_cell_is_rendered(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("render", models, "-o", tmp_path / "out.mrc", "--overwrite")
    one = facts_of(capsys, *command)
    cell = facts_of(capsys, *command, "--symmetry", "crystal")
    assert cell["n_atoms"] == 2 * one["n_atoms"]
    assert cell["integral"] == pytest.approx(2 * one["integral"], rel=1e-5)
    assert cell["notes"] == ["2 copies in the unit cell"]


def test_b_factors_are_scaled_and_added_to(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = render(tmp_path, models, "--b-factor-scale", 2, "--b-factor-offset", 10)
    given = render(tmp_path, models, "--b-factors", 50)
    np.testing.assert_array_equal(changed.data, given.data)
    command = ("render", models, "-o", tmp_path / "out.mrc", "--overwrite")
    assert run(*command, "--b-factor-scale", 2, "--b-factor-offset", -10) == 0
    assert "B-factors of the file, times 2, minus 10 A^2, mean 30.0 A^2" in capsys.readouterr().out


def test_hydrogens_are_added(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = write_monomer_library(tmp_path / "library")
    command = ("render", models, "-o", tmp_path / "out.mrc", "--overwrite")
    added = ("--hydrogens", "add", "--monomer-library", library)
    facts = facts_of(capsys, *command, *added)
    assert facts["elements"]["H"] == 5
    assert facts["notes"] == ["5 riding hydrogens added"]
    # What was added was not left out.
    assert facts["left_out"] == {"models": N_MODELS - 1, "atoms": 0}
    assert facts_of(capsys, *command, *added, "--select", "[!H]")["n_atoms"] == N_ATOMS


def test_the_environment_says_the_library(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("CLIBD_MON", str(write_monomer_library(tmp_path / "library")))
    command = ("render", models, "-o", tmp_path / "out.mrc", "--overwrite")
    assert facts_of(capsys, *command, "--hydrogens", "add")["elements"]["H"] == 5
    assert "H" not in facts_of(capsys, *command)["elements"]


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        (
            "render",
            ["--hydrogens", "add"],
            "error: --monomer-library: expected the folder of a monomer",
        ),
        ("render", ["--monomer-library", "x"], "--monomer-library: only --hydrogens add reads one"),
        (
            "render",
            ["--hydrogens", "add", "--monomer-library", "nowhere"],
            "error: --monomer-library: expected the folder of a monomer library, got nowhere",
        ),
        (
            "render",
            ["--symmetry", "crystal", "--assembly", "1"],
            "--assembly: a crystal has copies of what is deposited",
        ),
        ("render", ["--b-factor-scale", "nan"], "--b-factor-scale"),
        ("render", ["--b-factor-offset", "-300"], "error: --b-factor-offset: expected values"),
        ("render", ["--models", "some"], "'first' or 'all' or 'ensemble' is possible too"),
        ("project", ["--thermal", "--method", "fft"], "--thermal: moves Gaussians"),
        (
            "project",
            ["--thermal", "--b-factor-offset", "-20.1"],
            "error: --b-factor-offset: expected",
        ),
        ("project", ["--b-factor-scale", "-1"], "error: --b-factor-scale: expected values"),
        ("project", ["--alternates", "AB"], "error: --alternates: expected 'all'"),
        ("render", ["--assembly", "7"], "error: --assembly: expected one that"),
        ("render", ["--symmetry", "Q2"], "error: --symmetry: expected C or D"),
        ("render", ["--select", "[[["], "error: --select '[[[': "),
    ],
)
def test_what_cannot_be_done_is_one_line(
    models: Path,
    command: str,
    options: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CLIBD_MON", raising=False)
    monkeypatch.chdir(models.parent)
    more = ["--poses", "random:2"] if command == "project" else []
    output = "out.mrcs" if command == "project" else "out.mrc"
    assert run(command, models, "-o", output, "-q", *more, *options) != 0
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert not Path(output).exists()


@pytest.mark.parametrize("option", ["--thermal", "--models=ensemble", "--b-factor-scale=2"])
def test_a_map_has_no_atoms(
    tmp_path: Path, map_file: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.mrcs"
    assert run("project", map_file, "-o", output, "--poses", "random:2", option) == 2
    assert f"{option.partition('=')[0]}: a map has no atoms" in capsys.readouterr().err


SMALL_MOLECULE = b"data_x\nloop_\n_atom_site_label\n_atom_site_fract_x\nC1 0.1\n"
BAD_FILES = {
    "empty": b"",
    "text": b"hello",
    "no coordinates": b"data_x\n_cell.length_a 1\n",
    "small molecule": SMALL_MOLECULE,
    "truncated": PEPTIDE.read_bytes()[:4000],
    "cut in a loop": b"data_x\nloop_\n_atom_site.id\n_atom_site.Cartn_x\n1 2.0 3\n",
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize(
    "options",
    [
        ("--hydrogens", "add", "--monomer-library", "library"),
        ("--symmetry", "crystal"),
        ("--models", "ensemble"),
    ],
    ids=lambda options: options[0],
)
def test_a_bad_file_is_one_line_with_every_option(
    tmp_path: Path,
    name: str,
    options: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_monomer_library(tmp_path / "library")
    Path("bad.pdb").write_bytes(BAD_FILES[name])
    assert run("render", "bad.pdb", "-o", "out.mrc", *options) == 1
    error = capsys.readouterr().err
    assert error.startswith("numbavol: error: bad.pdb")
    assert error.count("\n") == 1


def test_a_name_that_ends_in_something_else_is_no_matter(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed = tmp_path / "models.cif"
    structure = gemmi.read_structure(str(models))
    renamed.write_text(structure.make_pdb_string())
    library = write_monomer_library(tmp_path / "library")
    options = ("--hydrogens", "add", "--monomer-library", library, "--symmetry", "crystal")
    facts = facts_of(capsys, "render", renamed, "-o", tmp_path / "out.mrc", *options)
    assert facts["n_atoms"] == 2 * (N_ATOMS + 5)


def test_residues_that_are_not_in_the_library_are_one_line(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models.write_text(models.read_text().replace("ENDMDL\n", f"{LIGAND}ENDMDL\n"))
    library = write_monomer_library(tmp_path / "library")
    command = ("render", models, "-o", tmp_path / "out.mrc", "--hydrogens", "add")
    assert run(*command, "--monomer-library", library) == 1
    error = capsys.readouterr().err
    assert "does not have LIG; --select '(!LIG)' leaves them out" in error


def test_a_warning_of_confidences_names_the_option(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models.write_text("TITLE     ALPHAFOLD MONOMER\n" + models.read_text())
    assert run("render", models, "-o", tmp_path / "out.mrc") == 0
    assert " --b-factors can be one value for all" in capsys.readouterr().err
