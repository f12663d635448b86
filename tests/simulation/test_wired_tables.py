"""What tables say of a simulation, choice by choice, and how particles are drawn for it."""

from __future__ import annotations

import dataclasses
import math

import gemmi
import numpy as np
import pytest
import scipy.stats
from scipy.spatial.transform import Rotation
from simulated import (
    BOX,
    PEPTIDE,
    PIXEL_SIZE,
    SEED,
    N,
    make_config,
    make_mixture,
    make_poses,
    project,
)

import numbavol
from numbavol import CTF
from numbavol.simulation import (
    DefocusConfig,
    MicroscopeConfig,
    NoiseConfig,
    PoseConfig,
    SimulationConfig,
    SimulationWarning,
    VolumeConfig,
)
from numbavol.simulation.particles import ParticleSource
from numbavol.simulation.volumes import load_volumes

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled

MICROSCOPE = MicroscopeConfig(
    voltage=200.0, spherical_aberration=1.4, amplitude_contrast=0.07, phase_shift=40.0,
    b_factor=30.0, beam_tilt=(0.4, -0.7), trefoil=(60.0, 30.0), odd_zernike=(1.0, 2.0),
    even_zernike=(0.5, 0.25, -3.0, 2.0),
)  # fmt: skip
IN_CS = dataclasses.replace(
    MICROSCOPE, beam_tilt=(0.0, 0.0), trefoil=(0.0, 0.0), odd_zernike=(), even_zernike=()
)


@pytest.fixture
def config(tmp_path):
    return make_config(tmp_path)


# Draws


def test_an_ensemble_shares_the_weight_of_its_file(config, tmp_path):
    models = "".join(f"MODEL     {n:4d}\n{PEPTIDE}ENDMDL\n" for n in (1, 2))
    (tmp_path / "two.pdb").write_text(models)
    ensemble = VolumeConfig(str(tmp_path / "two.pdb"), models="ensemble", weight=3.0)
    config = dataclasses.replace(config, volume=(*config.volume, ensemble))
    n = 2000
    drawn = ParticleSource(config, load_volumes(config).weights).take(np.arange(n)).volumes
    shares = np.array([0.25, 0.375, 0.375])
    deviations = np.sqrt(shares * (1 - shares) / n)
    counted = np.bincount(drawn, minlength=3) / n
    np.testing.assert_array_less(np.abs(counted - shares), 4 * deviations)


@pytest.mark.parametrize("concentration", [0.5, 10.0, 400.0])
def test_preferred_views_are_of_von_mises_and_fisher(config, concentration):
    n, given = 4000, {"rot": 40.0, "tilt": 110.0, "concentration": concentration}
    config = dataclasses.replace(config, poses=PoseConfig(distribution="preferred", **given))
    table = ParticleSource(config, [1.0]).take(np.arange(n)).to_table(config)
    rot, tilt, psi = np.deg2rad([table.rot, table.tilt, table.psi])
    views = np.stack([np.cos(rot) * np.sin(tilt), np.sin(rot) * np.sin(tilt), np.cos(tilt)], 1)
    phi, theta = np.deg2rad([40.0, 110.0])
    sine, cosine = np.sin(theta), np.cos(theta)
    frame = np.array(
        [
            [np.cos(phi) * cosine, np.sin(phi) * cosine, -sine],
            [-np.sin(phi), np.cos(phi), 0.0],
            [np.cos(phi) * sine, np.sin(phi) * sine, cosine],
        ]
    )
    x, y, z = frame @ views.T
    # The mean resultant length is coth(c) - 1/c.
    length = 1 / math.tanh(concentration) - 1 / concentration
    assert abs(z.mean() - length) < 4 * z.std() / math.sqrt(n)
    assert max(abs(x.mean()), abs(y.mean())) < 4 * x.std() / math.sqrt(n)
    rest = math.exp(-2 * concentration)
    cumulated = scipy.stats.kstest(
        z, lambda t: (np.exp(concentration * (t - 1)) - rest) / (1 - rest)
    )
    turn = scipy.stats.uniform(-np.pi, 2 * np.pi).cdf
    around = np.arctan2(y, x)
    turns = [scipy.stats.kstest(angle, turn) for angle in (around, psi)]
    assert min(test.pvalue for test in (cumulated, *turns)) > 1e-4
    for sign in (-1, 1):
        assert abs(np.exp(1j * (psi + sign * around)).mean()) < 4 / math.sqrt(n)


def make_particles(**changes):
    rng = np.random.default_rng(0)
    given = {
        "pixel_size": PIXEL_SIZE, "image_size": BOX, "voltage_in_kilovolts": [300, 200] * 4,
        "spherical_aberration_in_millimetres": 1.4, "amplitude_contrast": 0.08,
        "defocus_u_in_angstroms": rng.uniform(9e3, 1.5e4, 8), "phase_shift": np.arange(8) * 10.0,
        "micrograph_names": [f"{n // 3}.mrc" for n in range(8)],
        "optics_group_names": ["front", "back"] * 4, "random_subset": [2, 2, 2, 1, 1, 2, 1, 2],
    }  # fmt: skip
    angles = rng.uniform(1, 170, (3, 8))
    return numbavol.ParticleTable(*angles, *rng.normal(0, 3, (2, 8)), **given | changes)


@pytest.mark.parametrize("write", [numbavol.write_particles, numbavol.write_cs])
def test_particles_of_a_file_keep_poses_groups_halves_and_micrographs(config, tmp_path, write):
    given = make_particles()
    path = tmp_path / ("given.star" if write is numbavol.write_particles else "given.cs")
    write(path, given, tmp_path / "given.mrcs")
    config = dataclasses.replace(
        config, number=7, poses=PoseConfig(str(path)), defocus=DefocusConfig()
    )
    numbavol.simulate(config, tmp_path / "made.mrcs")
    made = numbavol.read_particles(tmp_path / "made.star")
    names = np.array(made.optics_group_names)
    assert len(set(names[::2])) == len(set(names[1::2])) == 1
    assert len(set(names)) == 2
    if path.suffix == ".star":
        assert made.optics_group_names == given.optics_group_names[:7]
    assert made.micrograph_names == given.micrograph_names[:7]
    for name in ("random_subset", "voltage_in_kilovolts", "phase_shift", "rot", "tilt", "psi"):
        # A .cs file has single precision.
        np.testing.assert_allclose(getattr(made, name), getattr(given, name)[:7], rtol=1e-5)
    ctf = CTF.from_particles(given)[:7]
    projections = project(make_mixture(config.volume[0].file), given)[:7]
    expected = numbavol.form_images(projections, PIXEL_SIZE, ctf)
    images = numbavol.read_map(tmp_path / "made.mrcs").data
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.fixture
def in_tables(config):
    """Two volumes, micrographs of two particles, and no defocus that is not known."""
    volume = (*config.volume, dataclasses.replace(config.volume[0], b_factors=60.0))
    defocus = DefocusConfig("normal", mean=12000.0, deviation=0.0, particles_per_micrograph=2)
    return dataclasses.replace(config, volume=volume, microscope=MICROSCOPE, defocus=defocus)


def test_offsets_are_added_to_those_of_a_file_and_defoci_drawn_where_it_has_none(config, tmp_path):
    nothing = {"defocus_u_in_angstroms": None, "phase_shift": None}
    given = make_particles(**nothing, spherical_aberration_in_millimetres=None)
    numbavol.write_particles(tmp_path / "given.star", given, tmp_path / "given.mrcs")
    poses = PoseConfig(str(tmp_path / "given.star"), offset_deviation=2.0)
    made = numbavol.simulate(dataclasses.replace(config, number=8, poses=poses)).particles
    drawn = numbavol.simulate(dataclasses.replace(config, number=8)).particles
    # Of micrographs as the file names them, in the order that they come in.
    _, first, micrographs = np.unique(
        given.micrograph_names, return_index=True, return_inverse=True
    )
    numbers = np.argsort(np.argsort(first))[micrographs]
    for axis in "xy":
        name = f"origin_{axis}_in_angstroms"
        moved = getattr(made, name) - getattr(given, name)
        # Eight normal numbers of a deviation of 2.
        assert 0.5 < np.abs(moved).mean() < 5
    expected = drawn.defocus_u_in_angstroms[numbers]
    np.testing.assert_array_equal(made.defocus_u_in_angstroms, expected)


def test_offsets_that_are_added_are_not_those_that_the_same_seed_has_drawn(config, tmp_path):
    config = dataclasses.replace(
        config, number=200, poses=PoseConfig(offset_deviation=4.0), defocus=DefocusConfig()
    )
    origins = [numbavol.simulate(config, tmp_path / "0.mrcs").origin_x_in_angstroms]
    for n in range(2):
        poses = PoseConfig(str(tmp_path / f"{n}.star"), offset_deviation=3.0)
        changed = dataclasses.replace(config, poses=poses, defocus=DefocusConfig())
        made = numbavol.simulate(changed, tmp_path / f"{n + 1}.mrcs")
        origins.append(made.origin_x_in_angstroms)
    drawn = np.diff(origins, axis=0, prepend=0.0)
    # Of three independent draws.
    correlations = np.corrcoef(drawn)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(200)
    np.testing.assert_allclose(drawn.std(axis=1), [4.0, 3.0, 3.0], rtol=0.2)


@pytest.fixture
def two_volumes(config):
    volume = (*config.volume, dataclasses.replace(config.volume[0], b_factors=60.0))
    return dataclasses.replace(config, volume=volume, defocus=DefocusConfig())


def write_classes(path, classes):
    particles = make_particles(class_number=classes)
    numbavol.write_particles(path, particles, path.with_name("given.mrcs"))
    return PoseConfig(str(path))


def test_particles_of_a_class_are_of_its_volume(two_volumes, tmp_path):
    classes = np.tile([2, 1, 2, 2], 2)
    poses = write_classes(tmp_path / "given.star", classes)
    config = dataclasses.replace(two_volumes, number=7, poses=poses)
    source = ParticleSource(config, [1.0, 1.0])
    np.testing.assert_array_equal(source.take(np.array([6, 1, 0])).volumes, [1, 0, 1])
    assert source.find_shares() == [2 / 7, 5 / 7]
    made = numbavol.simulate(config)
    np.testing.assert_array_equal(made.particles.class_number, classes[:7])
    with pytest.warns(
        SimulationWarning, match="its classes are volumes, and weights have no effect"
    ):
        ParticleSource(config, [1.0, 2.0])


def test_a_class_that_no_particle_is_of_is_a_volume_without_particles(two_volumes, tmp_path):
    poses = write_classes(tmp_path / "given.star", np.tile([1, 3], 4))
    volume = (*two_volumes.volume, two_volumes.volume[0])
    config = dataclasses.replace(two_volumes, number=8, poses=poses, volume=volume)
    source = ParticleSource(config, [1.0] * 3)
    np.testing.assert_array_equal(source.take(np.arange(8)).volumes, np.tile([0, 2], 4))
    assert source.find_shares() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize(
    ("classes", "n_volumes", "is_said"),
    [(1, 2, False), ([1, 2, 3, 1] * 2, 2, True), ([0, 1] * 4, 2, True), ([1, 2] * 4, 1, False)],
    ids=["consensus", "more", "no class", "one volume"],
)
def test_other_classes_are_drawn_anew(two_volumes, tmp_path, recwarn, classes, n_volumes, is_said):
    poses = write_classes(tmp_path / "given.star", classes)
    config = dataclasses.replace(two_volumes, number=8, poses=poses)
    found, drawn = (
        ParticleSource(each, [1.0] * n_volumes).take(np.arange(8)).volumes
        for each in (config, dataclasses.replace(config, poses=PoseConfig()))
    )
    np.testing.assert_array_equal(found, drawn)
    said = [str(warning.message) for warning in recwarn if "is drawn" in str(warning.message)]
    assert len(said) == is_said


# Tables


def test_a_star_file_says_every_choice(in_tables, tmp_path):
    made = numbavol.simulate(in_tables, tmp_path / "stack.mrcs", shards=2)
    # By gemmi, not by what wrote it.
    document = gemmi.cif.read(str(tmp_path / "stack.star"))
    tables = {
        block.name: {tag: list(block.find_values(tag)) for tag in block[0].loop.tags}
        for block in document
    }
    optics = {tag.removeprefix("_rln"): value for tag, (value,) in tables["optics"].items()}
    lists = {name: optics.pop(name) for name in ("OddZernike", "EvenZernike")}
    numbers = {
        name: [float(x) for x in text.strip("[]").split(",")] for name, text in lists.items()
    }
    assert numbers == {
        # With the trefoil's sine and cosine in their places.
        "OddZernike": [1.0, 2.0, 60.0, 0.0, 0.0, 30.0],
        "EvenZernike": [0.5, 0.25, -3.0, 2.0],
    }
    assert optics.pop("OpticsGroupName") == "opticsGroup1"
    assert {name: float(value) for name, value in optics.items()} == {
        "OpticsGroup": 1, "ImagePixelSize": PIXEL_SIZE, "Voltage": 200.0,
        "SphericalAberration": 1.4, "AmplitudeContrast": 0.07, "ImageSize": BOX,
        "BeamTiltX": 0.4, "BeamTiltY": -0.7, "ImageDimensionality": 2,
    }  # fmt: skip
    rows = {tag.removeprefix("_rln"): values for tag, values in tables["particles"].items()}
    assert rows.pop("ImageName") == [
        f"{n:06d}@stack_{k:06d}.mrcs" for k in (1, 2) for n in (1, 2, 3)
    ]
    assert rows.pop("MicrographName") == [f"micrograph_{n // 2 + 1:06d}.mrc" for n in range(N)]
    columns = {name: np.array(values, float) for name, values in rows.items()}
    constant = {
        "OpticsGroup": 1, "DefocusU": 12000.0, "DefocusV": 12000.0, "PhaseShift": 40.0,
        "CtfBfactor": 30.0, "CtfScalefactor": 1.0,
    }  # fmt: skip
    for name, value in constant.items():
        assert set(columns.pop(name)) == {value}, name
    # Half of the particles are of either half, and of each volume some.
    assert np.bincount(columns.pop("RandomSubset").astype(int)).tolist() == [0, N // 2, N // 2]
    assert set(columns["ClassNumber"]) == {1.0, 2.0}
    of_table = {
        "AngleRot": made.rot, "AngleTilt": made.tilt, "AnglePsi": made.psi,
        "OriginXAngst": made.origin_x_in_angstroms, "OriginYAngst": made.origin_y_in_angstroms,
        "DefocusAngle": made.astigmatism_angle, "ClassNumber": made.class_number,
    }  # fmt: skip
    assert columns.keys() == of_table.keys()
    for name, values in of_table.items():
        np.testing.assert_array_equal(columns[name], values, err_msg=name)


@pytest.mark.parametrize(("contrast", "sign"), [("linear", 1.0), ("weak_phase", -1.0)])
def test_a_file_of_cryosparc_says_every_choice(in_tables, tmp_path, contrast, sign):
    config = dataclasses.replace(in_tables, microscope=IN_CS, contrast=contrast)
    made = numbavol.simulate(config, tmp_path / "stack.mrcs", shards=2, cs=True)
    records = np.load(tmp_path / "stack.cs")
    constant = {
        "blob/psize_A": PIXEL_SIZE, "blob/sign": sign, "ctf/accel_kv": 200.0, "ctf/cs_mm": 1.4,
        "ctf/amp_contrast": 0.07, "ctf/df1_A": 12000.0, "ctf/df2_A": 12000.0,
        "ctf/phase_shift_rad": math.radians(40.0), "ctf/bfactor": 30.0, "ctf/exp_group_id": 0,
        "ctf/tilt_A": 0.0, "ctf/trefoil_A": 0.0, "ctf/scale": 1.0,
        "alignments3D/psize_A": PIXEL_SIZE, "blob/shape": BOX,
    }  # fmt: skip
    of_each = {
        "blob/idx": [0, 1, 2] * 2,
        "ctf/df_angle_rad": np.deg2rad(made.astigmatism_angle),
        "alignments3D/split": np.asarray(made.random_subset) - 1,
        "alignments3D/class": np.asarray(made.class_number) - 1,
        "alignments3D/shift": np.stack([made.origin_x_in_angstroms, made.origin_y_in_angstroms], 1)
        / PIXEL_SIZE,
    }
    for name, value in (constant | of_each).items():
        expected = np.broadcast_to(value, records[name].shape)
        # Of single precision, with a few roundings.
        np.testing.assert_allclose(records[name], expected, rtol=1e-6, err_msg=name)
    # From the image to the map: RELION's angles, about axes that turn along.
    angles = np.stack([made.rot, made.tilt, made.psi], axis=1)
    np.testing.assert_allclose(
        Rotation.from_rotvec(records["alignments3D/pose"]).as_matrix(),
        Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix(),
        atol=1e-6,
    )
    micrographs = [f"micrograph_{n // 2 + 1:06d}.mrc".encode() for n in range(N)]
    assert records["location/micrograph_path"].tolist() == micrographs
    assert records["blob/path"].tolist() == [
        f"stack_{k:06d}.mrcs".encode() for k in (1, 1, 1, 2, 2, 2)
    ]
    assert len(set(records["uid"])) == N
    assert np.bincount(records["alignments3D/split"]).tolist() == [N // 2, N // 2]


# And back to a map


@pytest.mark.parametrize("snr", [0.02, 0.2])
def test_maps_of_halves_agree_as_the_ratio_of_signal_to_noise_predicts(snr):
    r"""Half maps and the whole one, by the ratio of spectra.

    A shell k of the map's transform has 4 pi k^2 frequencies, and each image lays 2 pi k samples on
    it: a frequency is seen n / 2k times. Noise of the variance s a pixel has the power s N^2, so
    that the power S(k) of projections is R = S sum(C^2) / (s N^2 2k) times that of the noise. The
    correlation of the map with the truth is then sqrt(R / (R + 1)), and that of halves, of half as
    many images each, R / (R + 2).

    Shells before the seventh are left out: all images have their samples there at a few lengths of
    k, and what lies between is noisier, by up to a half where the mean C^2 has its first peak.
    """
    n, side, pixel_size = 3000, 32, 4.0
    model = numbavol.data.enterotoxin()
    config = SimulationConfig(
        n, side, pixel_size, volume=VolumeConfig(str(model)), seed=SEED,
        noise=NoiseConfig(snr=snr), poses=PoseConfig(offset_deviation=3.0),
    )  # fmt: skip
    images, particles = numbavol.simulate(config)
    poses, ctf = make_poses(particles), CTF.from_particles(particles)
    halves = [np.asarray(particles.random_subset) == half for half in (1, 2)]
    one, other = (
        numbavol.backproject(images[half], poses[half], pixel_size, ctf=ctf[half])
        for half in halves
    )
    mixture = make_mixture(model)
    truth = numbavol.render(mixture, (side, side, side), pixel_size)
    # As the signal of a ratio is defined.
    image_config = numbavol.ImageConfig((side, side), pixel_size)
    clean = numbavol.project(mixture, poses[:100], image_config)
    clean = numbavol.form_images(clean, pixel_size, ctf[:100])
    axis = np.arange(side) - side // 2
    circle = np.hypot(axis, axis[:, np.newaxis]) <= side / 2
    noise = clean[:, circle].var(axis=1).mean() / snr
    k = np.arange(7, 15)
    # A projection is a sum of voxels times their side; the defocus has no direction.
    signal = numbavol.compute_power_spectrum(truth).values[k] * pixel_size**2
    transfer = (ctf.evaluate((side, side), pixel_size)[:, 0, k].astype(np.float64) ** 2).sum(axis=0)
    ratio = signal * transfer / (noise * side**2 * 2 * k)
    for maps, expected in (
        ((one, other), ratio / (ratio + 2)),
        (((one + other) / 2, truth), np.sqrt(ratio / (ratio + 1))),
    ):
        measured = numbavol.compute_fourier_shell_correlation(*maps).correlation[k]
        # Of the correlation of 2 pi k^2 complex numbers, which the other half of a shell repeats.
        deviation = (1 - expected**2) / np.sqrt(4 * np.pi * k**2)
        np.testing.assert_array_less(np.abs(measured - expected), 5 * deviation)
