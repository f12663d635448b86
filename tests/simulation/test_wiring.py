"""Every choice of a configuration, against images made of the public parts by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from monomers import write_monomer_library
from simulated import (
    BOX,
    PEPTIDE,
    PIXEL_SIZE,
    SEED,
    N,
    load_centered,
    make_config,
    make_mixture,
    project,
)

import numbavol
from numbavol import CTF, Detector, DetectorCurve, ImageFormation, NoiseSpectrum
from numbavol.simulation import (
    DefocusConfig,
    DetectorConfig,
    DoseWeightingConfig,
    MicroscopeConfig,
    NoiseConfig,
    SolventConfig,
    VolumeConfig,
)

# Whole simulations: uncompiled they take long, and what kernels do is shown elsewhere.
pytestmark = pytest.mark.compiled

REST = """\
ATOM     14  HA2 GLY A   1       1.800   0.500   0.900  1.00 15.00           H
ATOM     15  CA  GLY B   1      -2.000   0.000   3.000  1.00 15.00           C
HETATM   16  O   HOH B 101      -3.000   2.000   4.000  1.00 30.00           O
"""
ASSEMBLY = """\
REMARK 350 BIOMOLECULE: 1
REMARK 350 APPLY THE FOLLOWING TO CHAINS: A, B
REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000
REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000
REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000
REMARK 350   BIOMT1   2 -1.000000  0.000000  0.000000        4.00000
REMARK 350   BIOMT2   2  0.000000 -1.000000  0.000000        0.00000
REMARK 350   BIOMT3   2  0.000000  0.000000  1.000000        5.00000
"""
OTHER = "ATOM      1  CA  GLY A   1       6.000  -4.000   2.000  1.00 40.00           C\n"
MTF, DQE = ([0.0, 0.25, 0.5], [1.0, 0.7, 0.4]), ([0.0, 0.5], [0.9, 0.3])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("files")
    models = f"MODEL        1\n{PEPTIDE}{REST}ENDMDL\nMODEL        2\n{OTHER}ENDMDL\n"
    (made / "odd.pdb").write_text(ASSEMBLY + models)
    write_monomer_library(made / "library")
    for name, (frequencies, values) in (("mtf", MTF), ("dqe", DQE)):
        rows = "".join(f"{k} {value}\n" for k, value in zip(frequencies, values, strict=True))
        columns = "_rlnResolutionInversePixel\n_rlnMtfValue\n"
        (made / f"{name}.star").write_text(f"data_\nloop_\n{columns}{rows}")
    return made


@pytest.fixture(scope="module")
def config(folder):
    return make_config(folder)


@pytest.fixture(scope="module")
def peptide(config):
    return make_mixture(config.volume[0].file)


def make_ctf(particles, **microscope):
    """Take no more than the defocus, which is drawn, of a table."""
    return CTF(
        particles.defocus_u_in_angstroms, particles.defocus_v_in_angstroms,
        particles.astigmatism_angle, **microscope,
    )  # fmt: skip


def form(volume, particles, formation=None, *, box=BOX, **microscope):
    ctf = make_ctf(particles, **microscope)
    return numbavol.form_images(
        project(volume, particles, box), PIXEL_SIZE, ctf, formation, seed=SEED
    )


def check_images(images, expected):
    # Both in float32: only the order of a few roundings differs.
    np.testing.assert_allclose(images, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


# Volumes


@pytest.mark.parametrize(
    ("choices", "options"),
    [
        ({}, {}),
        ({"select": "//A"}, {"selection_string": "//A"}),
        ({"models": 2}, {"models": 2}),
        ({"models": "all"}, {"models": "all"}),
        ({"alternates": "B"}, {"alternates": "B"}),
        ({"hydrogens": "drop"}, {"hydrogens": "drop"}),
        ({"hydrogens": "add", "monomer_library": "library"}, {"hydrogens": "add"}),
        ({"waters": "drop"}, {"waters": "drop"}),
        ({"b_factors": 80.0}, {"b_factors": 80.0}),
        ({"b_factor_scale": 3.0}, {"b_factor_scale": 3.0}),
        ({"b_factor_offset": 50.0}, {"b_factor_offset": 50.0}),
        ({"assembly": "1"}, {"assembly": "1"}),
    ],
    ids=lambda given: " ".join(given) or "none",
)
def test_every_choice_of_a_volume_is_one_of_its_atoms(config, folder, choices, options):
    if "monomer_library" in choices:
        choices = choices | {"monomer_library": str(folder / "library")}
        options = options | {"monomer_library": folder / "library"}
    volume = VolumeConfig(str(folder / "odd.pdb"), **choices)
    images, particles = numbavol.simulate(dataclasses.replace(config, volume=(volume,)))
    check_images(images, form(make_mixture(folder / "odd.pdb", **options), particles))
    if options:
        others = form(make_mixture(folder / "odd.pdb"), particles)
        assert np.abs(images - others).max() > 0.01 * np.abs(others).max()


def test_models_of_an_ensemble_keep_their_places_and_a_class_each(config, peptide, folder):
    name = str(folder / "odd.pdb")
    first, second = (numbavol.load_atoms(name, models=number) for number in (1, 2))
    second = dataclasses.replace(second, positions=second.positions - first.center_of_mass)
    volumes = [peptide, make_mixture(folder / "odd.pdb"), numbavol.make_gaussian_mixture(second)]
    both = (*config.volume, VolumeConfig(name, models="ensemble"))
    images, particles = numbavol.simulate(dataclasses.replace(config, number=20, volume=both))
    numbers = np.asarray(particles.class_number)
    assert set(numbers.tolist()) == {1, 2, 3}
    expected = np.stack([form(volume, particles) for volume in volumes])
    check_images(images, expected[numbers - 1, np.arange(20)])


def make_map(peptide):
    return numbavol.render(peptide, (BOX, BOX, BOX), PIXEL_SIZE)


def make_spline(real_voxel_grid):
    return numbavol.FourierVoxelSplineVolume.from_real_voxel_grid(
        real_voxel_grid, pad_scale=1.25, voxel_size=PIXEL_SIZE
    )


def make_linear(real_voxel_grid):
    side = len(real_voxel_grid)
    along = np.sinc((np.arange(side) - side // 2) / (2 * side)) ** 2
    corrected = real_voxel_grid / (along * along[:, np.newaxis] * along[:, np.newaxis, np.newaxis])
    volume = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(
        corrected.astype(np.float32), pad_scale=2.0, voxel_size=PIXEL_SIZE
    )
    # Interpolation does nothing to the zero frequency.
    volume.fourier_voxel_grid[side, side, side] = real_voxel_grid.sum(dtype=np.float64)
    return volume


@pytest.mark.parametrize(("method", "make"), [("spline", make_spline), ("linear", make_linear)])
@pytest.mark.parametrize("name", ["peptide.pdb", "map.mrc"])
def test_slices_are_of_the_map_of_a_model_or_of_a_file(config, peptide, folder, method, make, name):
    grid = make_map(peptide)
    if name == "map.mrc":
        grid = grid[::-1].copy()
        numbavol.write_map(folder / name, grid, PIXEL_SIZE, overwrite=True)
    config = dataclasses.replace(config, method=method, volume=VolumeConfig(str(folder / name)))
    images, particles = numbavol.simulate(config)
    check_images(images, form(make(grid), particles))


@pytest.mark.parametrize(
    ("choices", "solvent"),
    [
        ({"kind": "bulk"}, numbavol.BulkSolvent()),
        (
            {
                "kind": "bulk", "probe_radius": 1.5, "shrink_radius": 0.2, "k_sol": 0.05,
                "b_sol": 90.0,
            },
            numbavol.BulkSolvent(probe_radius=1.5, shrink_radius=0.2, k_sol=0.05, b_sol=90.0),
        ),
        ({"kind": "hydration"}, numbavol.HydrationLayer()),
        (
            {"kind": "hydration", "probe_radius": 1.2, "k_sol": 0.05, "b_sol": 30.0},
            numbavol.HydrationLayer(probe_radius=1.2, k_sol=0.05, b_sol=30.0),
        ),
    ],
    ids=["bulk", "other bulk", "hydration", "other hydration"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*without hydrogens")
def test_solvent_is_added_to_the_map(config, peptide, choices, solvent):
    config = dataclasses.replace(config, method="spline", solvent=SolventConfig(**choices))
    images, particles = numbavol.simulate(config)
    atoms = load_centered(config.volume[0].file)
    grid = make_map(peptide) + solvent.render(atoms, (BOX, BOX, BOX), PIXEL_SIZE)
    check_images(images, form(make_spline(grid), particles))


# The microscope


@pytest.mark.parametrize(
    ("choices", "parameters"),
    [
        ({"voltage": 200.0}, {"voltage_in_kilovolts": 200.0}),
        ({"spherical_aberration": 0.5}, {"spherical_aberration_in_millimetres": 0.5}),
        ({"amplitude_contrast": 0.3}, {"amplitude_contrast": 0.3}),
        ({"phase_shift": 60.0}, {"phase_shift": 60.0}),
        ({"b_factor": 100.0}, {"b_factor": 100.0}),
        ({"beam_tilt": (3.0, -1.0)}, {"beam_tilt_in_milliradians": (3.0, -1.0)}),
        ({"trefoil": (60.0, -20.0)}, {"trefoil": (60.0, -20.0)}),
        ({"odd_zernike": (3.0, -5.0, 10.0)}, {"odd_zernike": (3.0, -5.0, 10.0)}),
        ({"even_zernike": (0.3, 8.0, -5.0)}, {"even_zernike": (0.3, 8.0, -5.0)}),
    ],
    ids=lambda given: "".join(given),
)
def test_every_choice_of_the_microscope_is_in_the_transfer_function(
    config, peptide, choices, parameters
):
    config = dataclasses.replace(config, microscope=MicroscopeConfig(**choices))
    images, particles = numbavol.simulate(config)
    check_images(images, form(peptide, particles, **parameters))
    without = form(peptide, particles)
    assert np.abs(images - without).max() > 0.01 * np.abs(without).max()


def test_without_a_transfer_function_images_are_projections(config, peptide):
    config = dataclasses.replace(config, microscope=MicroscopeConfig(ctf=False))
    images, particles = numbavol.simulate(config)
    assert particles.defocus_u_in_angstroms is None
    check_images(images, project(peptide, particles))


@pytest.mark.parametrize("contrast", ["linear", "weak_phase"])
def test_ice_frames_and_contrast_are_those_of_the_parts(config, peptide, contrast):
    config = dataclasses.replace(
        config, contrast=contrast, microscope=MicroscopeConfig(voltage=200.0),
        solvent=SolventConfig(ice_thickness=150.0, ice_density=0.8),
        dose_weighting=DoseWeightingConfig(n_frames=20, dose_per_frame=1.5, pre_exposure=3.0),
    )  # fmt: skip
    formation = ImageFormation(
        contrast, ice=numbavol.VitreousIce(150.0, density=0.8),
        dose_weighting=numbavol.DoseWeighting(1.5, 20, 200.0, 3.0),
    )  # fmt: skip
    images, particles = numbavol.simulate(config)
    check_images(images, form(peptide, particles, formation, voltage_in_kilovolts=200.0))
    for part in ("ice", "dose_weighting"):
        less = dataclasses.replace(formation, **{part: None})
        without = form(peptide, particles, less, voltage_in_kilovolts=200.0)
        assert np.abs(images - without).max() > 0.01 * np.abs(without).max()


def test_weak_phases_change_the_intensity_by_the_interaction_of_electrons(config):
    weak, _ = numbavol.simulate(dataclasses.replace(config, contrast="weak_phase"))
    linear, _ = numbavol.simulate(config)
    electrons = numbavol.ImageConfig((BOX, BOX), PIXEL_SIZE, 300.0)
    strength = 2 * electrons.wavelength_in_angstroms * electrons.lorentz_factor
    # The wavelengths of RELION and of textbooks differ by 4e-5.
    expected = -strength / math.sqrt(1 - 0.1**2) * linear
    np.testing.assert_allclose(weak, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("curves", [(), ("mtf",), ("dqe",), ("mtf", "dqe")])
def test_detectors_count_with_the_curves_of_their_files(config, peptide, folder, curves):
    files = {name: str(folder / f"{name}.star") for name in curves}
    config = dataclasses.replace(
        config, contrast="weak_phase", detector=DetectorConfig(dose=30.0, **files)
    )
    images, particles = numbavol.simulate(config)
    known = {"mtf": DetectorCurve(*MTF), "dqe": DetectorCurve(*DQE)}
    detector = Detector(**{name: known[name] for name in curves})
    formation = ImageFormation("weak_phase", detector=detector, dose=30.0)
    expected = form(peptide, particles, formation)
    # Where rounding leads to another count, which it does to one pixel in 1e5, it is by 1 or more.
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("counts", [False, True], ids=["noise", "counts"])
def test_padded_images_are_cut_after_the_transfer_function(config, peptide, counts):
    side = 36
    changes = {"noise": NoiseConfig(variance=0.01)}
    if counts:
        changes = {"contrast": "weak_phase", "detector": DetectorConfig(dose=30.0)}
    images, particles = numbavol.simulate(dataclasses.replace(config, pad_scale=1.5, **changes))
    white = ImageFormation(noise=NoiseSpectrum.white(0.01))
    formation = ImageFormation("weak_phase") if counts else white
    padded = form(peptide, particles, formation, box=side)
    expected = numbavol.crop_to_shape(padded, (N, BOX, BOX))
    if counts:
        expected = Detector().expose(expected, PIXEL_SIZE, 30.0, seed=SEED, numbers=range(N))
    check_images(images, expected)


# Noise


@pytest.mark.parametrize("spectrum", ["white", "coloured"])
@pytest.mark.parametrize("pad_scale", [1.0, 1.5])
def test_noise_has_the_variance_and_the_spectrum_that_are_given(
    config, peptide, folder, spectrum, pad_scale
):
    side, noise = round(BOX * pad_scale), NoiseConfig(variance=0.3)
    expected = NoiseSpectrum.white(0.3)
    if spectrum == "coloured":
        colour = NoiseSpectrum([0.0, 0.1, 0.2], [9.0, 2.0, 1.0])
        colour.write(folder / "noise.star", overwrite=True)
        noise = dataclasses.replace(noise, spectrum=str(folder / "noise.star"))
        expected = colour.scaled_to(0.3, (side, side), PIXEL_SIZE)
    config = dataclasses.replace(config, noise=noise, pad_scale=pad_scale)
    images, particles = numbavol.simulate(config)
    padded = form(peptide, particles, ImageFormation(noise=expected), box=side)
    check_images(images, numbavol.crop_to_shape(padded, (N, BOX, BOX)))


@pytest.mark.parametrize("radius", [None, 12.0])
def test_the_signal_of_a_ratio_is_that_of_100_micrographs_without_ice(config, peptide, radius):
    config = dataclasses.replace(config, defocus=DefocusConfig(particles_per_micrograph=2))
    ice, noise = SolventConfig(ice_thickness=300.0), NoiseConfig(snr=0.2, radius=radius)
    images, particles = numbavol.simulate(dataclasses.replace(config, solvent=ice, noise=noise))
    many = dataclasses.replace(config, number=200)
    measured = numbavol.simulate(many, numbers=slice(None, None, 2)).particles
    axis = (np.arange(BOX) - BOX // 2) * PIXEL_SIZE
    circle = np.hypot(axis, axis[:, np.newaxis]) <= (radius or BOX * PIXEL_SIZE / 2)
    variance = form(peptide, measured)[:, circle].astype(np.float64).var(axis=1).mean() / 0.2
    formation = ImageFormation(ice=numbavol.VitreousIce(300.0), noise=NoiseSpectrum.white(variance))
    check_images(images, form(peptide, particles, formation))
