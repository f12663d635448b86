"""Simulations: any subset, thread or shard makes the same particle; files and what they say."""

from __future__ import annotations

import dataclasses
import math
import shutil
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import numbavol
from numbavol.io.partial_file import read_mark_of
from numbavol.simulation import (
    DefocusConfig,
    DetectorConfig,
    MicroscopeConfig,
    NoiseConfig,
    PoseConfig,
    SimulationConfig,
    SimulationWarning,
    SolventConfig,
    VolumeConfig,
)

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere. The model
# has no hydrogens, of which solvent warns.
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.filterwarnings("ignore:atoms without hydrogens:numbavol.StructureWarning"),
]

PEPTIDE = textwrap.dedent(
    """\
    ATOM      1  N   ALA A   1      -2.000   0.000   1.000  1.00 20.00           N
    ATOM      2  CA  ALA A   1       0.000   1.500   0.000  1.00 20.00           C
    ATOM      3  C   ALA A   1       1.500  -1.000  -2.000  1.00 20.00           C
    ATOM      4  O   ALA A   1       3.000   0.500   1.500  1.00 20.00           O
    """
)
WATER = "HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00 30.00           O\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("models")
    (made / "peptide.pdb").write_text(PEPTIDE)
    (made / "water.pdb").write_text(WATER)
    models = [f"MODEL     {n + 1:4d}\n{PEPTIDE if n else WATER}ENDMDL\n" for n in range(2)]
    (made / "two.pdb").write_text("".join(models))
    return made


@pytest.fixture
def config(folder):
    return SimulationConfig(
        12, 16, 2.0,
        volume=(VolumeConfig(str(folder / "peptide.pdb")),),
        noise=NoiseConfig(snr=0.5), defocus=DefocusConfig(astigmatism=500.0), seed=1,
        poses=PoseConfig(offset_deviation=2.0),
    )  # fmt: skip


# Images


def test_images_are_those_of_project_and_form_images(config):
    quiet = dataclasses.replace(config, noise=NoiseConfig(), method="gaussian")
    images, particles = numbavol.simulate(quiet)
    poses = particles.to_poses()
    atoms = numbavol.load_atoms(config.volume[0].file)
    atoms = dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)
    projections = numbavol.project(
        numbavol.make_gaussian_mixture(atoms), poses, numbavol.ImageConfig((16, 16), 2.0)
    )
    expected = numbavol.form_images(projections, 2.0, numbavol.CTF.from_particles(particles))
    np.testing.assert_allclose(images, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def test_slices_are_nearly_what_gaussians_are(config):
    # Of a smooth model, in which pixels and voxels average alike.
    volume = dataclasses.replace(config.volume[0], b_factors=150.0)
    quiet = dataclasses.replace(config, noise=NoiseConfig(), box=24, volume=(volume,))
    images = {
        method: numbavol.simulate(dataclasses.replace(quiet, method=method)).images
        for method in ("gaussian", "spline", "linear")
    }
    for method in ("spline", "linear"):
        assert np.corrcoef(images[method].ravel(), images["gaussian"].ravel())[0, 1] > 0.99


@pytest.mark.same_bits
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"solvent": SolventConfig("bulk", ice_thickness=100.0)},
        {"solvent": SolventConfig("hydration")},
        {"contrast": "weak_phase", "noise": NoiseConfig(), "detector": DetectorConfig(dose=30.0)},
        {"pad_scale": 1.5, "method": "linear"},
        {"microscope": MicroscopeConfig(beam_tilt=(1.0, 0.5), trefoil=(10.0, 5.0))},
        {"microscope": MicroscopeConfig(ctf=False)},
    ],
    ids=["plain", "ice", "hydration", "counts", "padded", "aberrations", "no ctf"],
)
def test_any_subset_batch_and_number_of_threads_makes_the_same_particles(config, changes):
    changed = dataclasses.replace(config, **changes)
    images, particles = numbavol.simulate(changed)
    some = numbavol.simulate(changed, numbers=slice(3, 9, 2))
    np.testing.assert_array_equal(some.images, images[3:9:2])
    np.testing.assert_array_equal(some.particles.rot, particles.rot[3:9:2])
    streamed = list(numbavol.simulate(changed, stream=True, batch_size=5))
    assert [len(batch.images) for batch in streamed] == [5, 5, 2]
    np.testing.assert_array_equal(np.concatenate([b.images for b in streamed]), images)
    numbavol.set_num_threads(1)
    try:
        np.testing.assert_array_equal(numbavol.simulate(changed).images, images)
    finally:
        numbavol.set_num_threads(None)
    more = dataclasses.replace(changed, number=14)
    np.testing.assert_array_equal(numbavol.simulate(more).images[:12], images)


@pytest.mark.same_bits
def test_several_volumes_and_models_are_imaged_each_where_it_was_drawn(config, folder):
    both = dataclasses.replace(
        config,
        noise=NoiseConfig(),
        volume=(
            VolumeConfig(str(folder / "water.pdb")),
            VolumeConfig(str(folder / "two.pdb"), models="ensemble", weight=2.0),
        ),
    )
    images, particles = numbavol.simulate(both)
    assert set(np.asarray(particles.class_number).tolist()) <= {1, 2, 3}
    one = dataclasses.replace(both, volume=both.volume[:1])
    water = np.asarray(particles.class_number) == 1
    assert 0 < water.sum() < 12
    np.testing.assert_array_equal(numbavol.simulate(one).images[water], images[water])


def test_the_signal_to_noise_ratio_is_the_ratio_of_variances_in_the_circle(config):
    n = 400
    noisy = dataclasses.replace(config, number=n, noise=NoiseConfig(snr=0.25, radius=10.0))
    clean = numbavol.simulate(dataclasses.replace(noisy, noise=NoiseConfig())).images
    noise = numbavol.simulate(noisy).images - clean
    signal = numbavol.measure_signal_variance(clean, 2.0, 10.0).mean()
    assert noise.var() == pytest.approx(signal / 0.25, rel=0.1)
    given = dataclasses.replace(noisy, noise=NoiseConfig(variance=4.0))
    assert (numbavol.simulate(given).images - clean).var() == pytest.approx(4.0, rel=0.1)


def test_coloured_noise_has_the_colour_of_its_file(config, tmp_path):
    numbavol.NoiseSpectrum([0.0, 0.1, 0.2], [9.0, 1.0, 1.0]).write(tmp_path / "noise.star")
    n = 300
    coloured = dataclasses.replace(
        config, number=n, noise=NoiseConfig(variance=2.0, spectrum=str(tmp_path / "noise.star"))
    )
    clean = dataclasses.replace(coloured, noise=NoiseConfig())
    noise = numbavol.simulate(coloured).images - numbavol.simulate(clean).images
    power = np.mean(np.abs(np.fft.rfft2(noise)) ** 2, axis=0) / 256
    expected = numbavol.NoiseSpectrum.read(tmp_path / "noise.star").scaled_to(2.0, (16, 16), 2.0)
    np.testing.assert_allclose(
        power, expected.evaluate((16, 16), 2.0), rtol=6 * math.sqrt(2 / n), atol=0
    )


def test_solvent_lowers_the_contrast(config):
    clean = dataclasses.replace(config, noise=NoiseConfig(), microscope=MicroscopeConfig(ctf=False))
    in_water = dataclasses.replace(clean, solvent=SolventConfig("bulk"))
    assert numbavol.simulate(in_water).images.sum() < 0.5 * numbavol.simulate(clean).images.sum()


def test_poses_and_transfer_functions_of_a_file_are_taken(config, tmp_path):
    # What the signal is measured on, for a ratio, are other particles than the first of a file.
    config = dataclasses.replace(config, noise=NoiseConfig(variance=0.01))
    images, particles = numbavol.simulate(config)
    for name, write in (("p.star", numbavol.write_particles), ("p.cs", numbavol.write_cs)):
        write(tmp_path / name, particles, tmp_path / "stack.mrcs")
        again = dataclasses.replace(
            config, poses=PoseConfig(str(tmp_path / name)), defocus=DefocusConfig()
        )
        made = numbavol.simulate(again).images
        # A .cs file has single precision.
        np.testing.assert_allclose(made, images, rtol=0, atol=0.02 * images.std())
    with pytest.warns(SimulationWarning, match="of their own, and defocus.astigmatism no effect"):
        numbavol.simulate(dataclasses.replace(again, defocus=config.defocus))
    few = dataclasses.replace(config, number=13, poses=PoseConfig(str(tmp_path / "p.star")))
    with pytest.raises(ValueError, match="number: expected at most the 12 particles of"):
        numbavol.simulate(few)


def test_a_box_that_is_too_small_is_warned_of(config):
    with pytest.warns(SimulationWarning, match="the box of 4 pixels does not hold it"):
        numbavol.simulate(dataclasses.replace(config, box=4))


# Files


def read_all(folder, pattern):
    return {path.name: path.read_bytes() for path in sorted(folder.glob(pattern))}


@pytest.mark.same_bits
def test_shards_have_the_particles_of_one_stack(config, tmp_path):
    table = numbavol.simulate(config, tmp_path / "one.mrcs")
    assert len(table) == 12
    numbavol.simulate(config, tmp_path / "many.mrcs", shards=5, cs=True)
    names = sorted(path.name for path in tmp_path.iterdir())
    shards = [f"many_{n:06d}.mrcs" for n in range(1, 6)]
    assert names == sorted(["one.mrcs", "one.star", "many.star", "many.cs", *shards])
    together = np.concatenate([numbavol.read_map(tmp_path / name).data for name in shards])
    images = numbavol.simulate(config).images
    np.testing.assert_array_equal(together, images)
    np.testing.assert_array_equal(numbavol.read_map(tmp_path / "one.mrcs").data, images)
    read = numbavol.read_particles(tmp_path / "many.star")
    assert read.image_names[:3] == (
        "000001@many_000001.mrcs",
        "000002@many_000001.mrcs",
        "000001@many_000002.mrcs",
    )
    fields = np.load(tmp_path / "many.cs")
    np.testing.assert_allclose(fields["ctf/df1_A"], read.defocus_u_in_angstroms, rtol=1e-6)


@pytest.mark.parametrize(("contrast", "sign"), [("linear", 1), ("weak_phase", -1)])
def test_a_table_for_cryosparc_says_whether_particles_are_white(config, tmp_path, contrast, sign):
    config = dataclasses.replace(config, contrast=contrast, noise=NoiseConfig())
    numbavol.simulate(config, tmp_path / "stack.mrcs", cs=True)
    assert set(np.load(tmp_path / "stack.cs")["blob/sign"]) == {sign}
    # Defocus moves what is white or dark about, and leaves the sum.
    images = numbavol.read_map(tmp_path / "stack.mrcs").data
    assert (sign * images.sum(axis=(1, 2)) > 0).all()


def test_what_is_there_is_skipped_and_what_is_of_another_simulation_is_kept(config, tmp_path):
    output = tmp_path / "stack.mrcs"
    numbavol.simulate(config, output, shards=3)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.mrcs")}
    (tmp_path / "stack_000002.mrcs").unlink()
    numbavol.simulate(config, output, shards=3)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.mrcs")}
    changed = {path.name for path in before if before[path] != after[path]}
    assert changed == {"stack_000002.mrcs"}
    other = dataclasses.replace(config, seed=2)
    with pytest.raises(FileExistsError, match=r"of another simulation.*stack_000001"):
        numbavol.simulate(other, output, shards=3)
    numbavol.simulate(other, output, shards=3, overwrite=True)
    made = numbavol.read_map(tmp_path / "stack_000001.mrcs").data
    np.testing.assert_array_equal(made, numbavol.simulate(other).images[:4])


def test_a_table_of_another_simulation_is_kept(config, tmp_path):
    (tmp_path / "stack.star").write_text("mine")
    with pytest.raises(FileExistsError, match="of another simulation"):
        numbavol.simulate(config, tmp_path / "stack.mrcs")
    assert (tmp_path / "stack.star").read_text() == "mine"
    assert not list(tmp_path.glob("*.mrcs*"))


def test_half_precision_is_single_precision_rounded(config, tmp_path):
    half = dataclasses.replace(config, dtype="float16")
    numbavol.simulate(half, tmp_path / "half.mrcs")
    read = numbavol.read_map(tmp_path / "half.mrcs").data
    single = numbavol.simulate(config).images
    np.testing.assert_array_equal(read, single.astype(np.float16).astype(read.dtype))


KILLED = """
import os, signal, sys
import numbavol
from numbavol.io import partial_stack
from numbavol.projection import fourier_sampling
from numbavol.simulation import images, read_simulation_config

partial_stack._SECONDS_BETWEEN_MARKS = 0.0
# So few and small images would be made in one go.
fourier_sampling.FEW_SAMPLES = 0
numbavol.set_num_threads(1)
develop = images.PreparedFormation.develop
calls = iter(range(1000))
def develop_or_die(*arguments):
    # Of 8 images each: 13 calls measure the signal, and each of the stacks takes 5.
    if next(calls) == 13 + 5 + 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return develop(*arguments)
images.PreparedFormation.develop = develop_or_die
numbavol.simulate(read_simulation_config(sys.argv[1]), sys.argv[2], shards=3)
"""


@pytest.mark.same_bits
def test_after_a_kill_the_same_call_comes_to_the_same_bytes(folder, tmp_path):
    (tmp_path / "config.toml").write_text(
        f"number = 120\nbox = 16\npixel_size = 2.0\nnoise.snr = 0.5\n"
        f"volume.file = '{folder / 'peptide.pdb'}'\n"
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    numbavol.simulate(tmp_path / "config.toml", whole / "s.mrcs", shards=3)
    arguments = [sys.executable, "-c", KILLED, tmp_path / "config.toml", killed / "s.mrcs"]
    died = subprocess.run(list(map(str, arguments)), check=False)
    assert died.returncode == -signal.SIGKILL
    assert (killed / "s_000001.mrcs").exists()
    # The next run goes on with what is marked.
    assert 0 < read_mark_of(killed / "s_000002.mrcs.part").n_images < 40
    assert not (killed / "s.star").exists()
    numbavol.simulate(tmp_path / "config.toml", killed / "s.mrcs", shards=3)
    assert read_all(killed, "*") == read_all(whole, "*")


@pytest.mark.skipif(shutil.which("relion_reconstruct") is None, reason="RELION is not installed")
def test_relion_makes_the_map_again(tmp_path):
    """A noisy stack, by relion_reconstruct --ctf: the shells that its noise leaves agree."""
    model = str(numbavol.data.enterotoxin())
    config = SimulationConfig(
        1500, 64, 3.0, volume=(VolumeConfig(model),), noise=NoiseConfig(snr=1.0), seed=4,
        defocus=DefocusConfig(particles_per_micrograph=50, astigmatism=200.0),
        poses=PoseConfig(offset_deviation=3.0),
    )  # fmt: skip
    numbavol.simulate(config, tmp_path / "stack.mrcs")
    subprocess.run(
        ["relion_reconstruct", "--i", "stack.star", "--o", "map.mrc", "--ctf"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    expected = numbavol.render(numbavol.load_tabulated_volume(model), (64, 64, 64), 3.0)
    made = numbavol.read_map(tmp_path / "map.mrc").data
    correlation = numbavol.compute_fourier_shell_correlation(made, expected).correlation
    assert correlation[1:20].min() > 0.9


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"stream": True, "output": "s.mrcs"}, "output: expected None with stream"),
        ({"shards": 2}, "output: expected a name with shards"),
        ({"numbers": slice(50, 60)}, "numbers: expected a slice or numbers of some of 12"),
        ({"stream": True, "batch_size": 0}, "batch_size: expected a number above 0"),
        ({"output": "s.mrcs", "shards": 13}, "shards: expected a number from 1 to 12, got 13"),
        ({"output": "s.mrcs", "shards": 0}, "shards: expected a number from 1 to 12, got 0"),
    ],
)
def test_what_does_not_go_together_is_named(config, arguments, what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=what):
        numbavol.simulate(config, **arguments)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"volume": ()}, "volume: expected one or more, got none"),
        ({"volume": (VolumeConfig("peptide.pdb", weight=0.0),)}, "a weight above 0"),
        ({"volume": (VolumeConfig("map.mrc"),)}, "map.mrc has voxels of 3 x 3 x 3 A, expected 2"),
        (
            {"volume": (VolumeConfig("map.mrc"),), "pixel_size": 3.0, "method": "gaussian"},
            "method: 'gaussian' images models",
        ),
        (
            {
                "volume": (VolumeConfig("map.mrc"),),
                "pixel_size": 3.0,
                "solvent": SolventConfig("bulk"),
            },
            "solvent: a map has its own",
        ),
        ({"volume": (VolumeConfig("none.pdb"),)}, "none.pdb"),
        ({"volume": (VolumeConfig("text.pdb"),)}, "text.pdb"),
        ({"poses": PoseConfig("text.pdb")}, "text.pdb"),
        ({"noise": NoiseConfig(snr=1.0, spectrum="text.pdb")}, "text.pdb"),
    ],
)
def test_what_cannot_be_simulated_is_named(config, changes, what, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(folder / "peptide.pdb", tmp_path)
    (tmp_path / "text.pdb").write_text("nothing of use")
    numbavol.write_map(tmp_path / "map.mrc", np.zeros((8, 8, 8), np.float32), 3.0)
    with pytest.raises((ValueError, OSError), match=what):
        numbavol.simulate(dataclasses.replace(config, **changes))
