"""What STAR files say besides poses: contrast transfer functions, groups, micrographs."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess

import numpy as np
import pytest
from gemmi import cif
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numbavol.io import (
    ParticleTable,
    read_map,
    read_particles,
    write_image_stack,
    write_map,
    write_particles,
)

NEEDED = {"pixel_size": 1.5, "voltage_in_kilovolts": 300.0, "image_size": 64}
ANGLES = ([10.0, 20.0, 30.0], 40.0, 50.0)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(1e-300, 1e300)
NAMES = st.text("abc1 '._-/", min_size=1, max_size=8).filter(lambda name: "  " not in name)
KNOWN = {
    "voltage_in_kilovolts": st.sampled_from([300.0, 200.0]),
    "pixel_size": st.sampled_from([1.5, 1.34, 0.1]) | POSITIVE,
    "image_size": st.sampled_from([64, 128, 2**40]),
    "spherical_aberration_in_millimetres": NUMBERS,
    "amplitude_contrast": st.floats(0, 1),
}
PERHAPS_KNOWN = {
    "beam_tilt_x_in_milliradians": st.sampled_from([0.0, -0.2]),
    "beam_tilt_y_in_milliradians": NUMBERS,
    "original_pixel_size": POSITIVE,
    "defocus_u_in_angstroms": NUMBERS,
    "astigmatism_angle": NUMBERS,
    "phase_shift": NUMBERS,
    "ctf_b_factor": NUMBERS,
    "ctf_scale": NUMBERS,
    "random_subset": st.integers(0, 2),
    "class_number": st.integers(0, 9),
    "micrograph_names": NAMES,
}


@st.composite
def particle_tables(draw):
    n = draw(st.integers(1, 5))

    def each(values):
        return st.lists(values, min_size=n, max_size=n)

    known = {name: draw(each(values) | values) for name, values in KNOWN.items()}
    known |= {
        name: draw(st.none() | each(values) | values) for name, values in PERHAPS_KNOWN.items()
    }
    if known["defocus_u_in_angstroms"] is not None:
        known["defocus_v_in_angstroms"] = draw(each(NUMBERS) | NUMBERS)
    if known["original_pixel_size"] is not None:
        known["mtf_filenames"] = draw(st.none() | each(NAMES) | NAMES)
    for name in ("odd_zernike", "even_zernike"):
        k = draw(st.integers(0, 4))
        lists = st.lists(NUMBERS, min_size=k, max_size=k)
        known[name] = draw(st.none() | lists | each(lists))
    return ParticleTable(*(draw(each(NUMBERS)) for _ in range(5)), **known)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "particles.star"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(particle_tables())
def test_what_is_written_is_read(path, particles):
    write_particles(path, particles, path.with_name("stack.mrcs"), overwrite=True)
    read = read_particles(path)
    names = [f"{i + 1:06d}@stack.mrcs" for i in range(len(particles))]
    assert read == dataclasses.replace(
        particles, image_names=names, optics_group_names=read.optics_group_names
    )
    # Now they have names of their own.
    before = path.read_bytes()
    write_particles(path, read, overwrite=True)
    assert path.read_bytes() == before


def test_what_relion_has_names_for(path):
    text = (
        "data_optics\nloop_\n_rlnOpticsGroup\n_rlnOpticsGroupName\n_rlnImagePixelSize\n"
        "_rlnVoltage\n_rlnSphericalAberration\n_rlnAmplitudeContrast\n_rlnBeamTiltX\n"
        "_rlnBeamTiltY\n_rlnOddZernike\n_rlnEvenZernike\n_rlnMtfFileName\n"
        "_rlnMicrographOriginalPixelSize\n"
        "1 first 1.5 300 2.7 0.1 0.25 -0.5 [0.5,-1] [1e-3] mtf.star 0.75\n"
        "2 second 1.5 200 0.01 0.07 0 0 [0,0,0,2] [] mtf.star 0.75\n\n"
        "data_particles\nloop_\n_rlnAngleRot\n_rlnAngleTilt\n_rlnAnglePsi\n_rlnOpticsGroup\n"
        "_rlnDefocusU\n_rlnDefocusV\n_rlnDefocusAngle\n_rlnPhaseShift\n_rlnCtfBfactor\n"
        "_rlnCtfScalefactor\n_rlnMicrographName\n_rlnRandomSubset\n_rlnClassNumber\n"
        "1 2 3 2 12000 11000 30 90 5 0.8 a.mrc 1 3\n"
        "1 2 3 1 13000 12000 -30 90 5 0.9 a.mrc 2 3\n"
    )
    path.write_text(text)
    expected = ParticleTable(
        [1, 1],
        2,
        3,
        pixel_size=1.5,
        voltage_in_kilovolts=[200, 300],
        spherical_aberration_in_millimetres=[0.01, 2.7],
        amplitude_contrast=[0.07, 0.1],
        beam_tilt_x_in_milliradians=[0, 0.25],
        beam_tilt_y_in_milliradians=[0, -0.5],
        odd_zernike=[[0, 0, 0, 2], [0.5, -1, 0, 0]],
        even_zernike=[[0], [1e-3]],
        mtf_filenames="mtf.star",
        original_pixel_size=0.75,
        optics_group_names=["second", "first"],
        defocus_u_in_angstroms=[12000, 13000],
        defocus_v_in_angstroms=[11000, 12000],
        astigmatism_angle=[30, -30],
        phase_shift=90,
        ctf_b_factor=5,
        ctf_scale=[0.8, 0.9],
        micrograph_names="a.mrc",
        random_subset=[1, 2],
        class_number=3,
    )
    assert read_particles(path) == expected


def test_ctfs_of_relion_3_0(path):
    path.write_text(
        "data_\nloop_\n_rlnAngleRot\n_rlnAngleTilt\n_rlnAnglePsi\n_rlnVoltage\n_rlnDefocusU\n"
        "_rlnDefocusV\n_rlnDefocusAngle\n_rlnSphericalAberration\n_rlnAmplitudeContrast\n"
        "_rlnBeamTiltX\n_rlnMagnification\n_rlnDetectorPixelSize\n_rlnMicrographName\n"
        "1 2 3 300 9000 8000 15 2.7 0.1 0.2 50000 5 'a b.mrc'\n"
        "1 2 3 300 9100 8100 15 2.7 0.1 0.3 50000 5 c.mrc\n"
    )
    read = read_particles(path)
    assert read.defocus_u_in_angstroms.tolist() == [9000, 9100]
    assert read.defocus_v_in_angstroms.tolist() == [8000, 8100]
    assert (read.astigmatism_angle, read.amplitude_contrast, read.pixel_size) == (15, 0.1, 1)
    assert read.beam_tilt_x_in_milliradians.tolist() == [0.2, 0.3]
    assert read.micrograph_names == ("a b.mrc", "c.mrc")
    assert read.optics_group_names is read.phase_shift is read.odd_zernike is None


def test_what_particles_say_themselves_goes_before_their_group(path):
    path.write_text(
        "data_optics\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n_rlnSphericalAberration\n"
        "_rlnAmplitudeContrast\n_rlnImagePixelSize\n_rlnBeamTiltX\n_rlnDefocusU\n_rlnDefocusV\n"
        "_rlnDefocusAngle\n_rlnPhaseShift\n_rlnCtfBfactor\n_rlnCtfScalefactor\n"
        "1 300 2.7 0.1 1.5 0.1 8000 7000 10 20 30 0.4\n\n"
        "data_particles\nloop_\n_rlnAngleRot\n_rlnAngleTilt\n_rlnAnglePsi\n_rlnOpticsGroup\n"
        "_rlnVoltage\n_rlnSphericalAberration\n_rlnAmplitudeContrast\n_rlnImagePixelSize\n"
        "_rlnBeamTiltX\n_rlnDefocusU\n_rlnDefocusV\n_rlnDefocusAngle\n_rlnPhaseShift\n"
        "_rlnCtfBfactor\n_rlnCtfScalefactor\n1 2 3 1 200 1.4 0.07 1.2 0.2 9000 8500 15 25 35 0.5\n"
    )
    read = read_particles(path)
    assert (read.defocus_u_in_angstroms, read.defocus_v_in_angstroms) == (9000, 8500)
    assert (read.astigmatism_angle, read.phase_shift) == (15, 25)
    assert (read.ctf_b_factor, read.ctf_scale) == (35, 0.5)
    assert read.voltage_in_kilovolts == 200
    assert read.spherical_aberration_in_millimetres == 1.4
    assert read.amplitude_contrast == 0.07
    assert (read.pixel_size, read.beam_tilt_x_in_milliradians) == (1.5, 0.1)


@pytest.mark.parametrize("text", ["0.5", "[0.5;1]", "[a]", "[1,,2]", "1,2]", "[1_0]"])
def test_coefficients_that_are_none(path, text):
    path.write_text(
        "data_particles\nloop_\n_rlnAngleRot\n_rlnAngleTilt\n_rlnAnglePsi\n_rlnOddZernike\n"
        f"1 2 3 {text}\n"
    )
    with pytest.raises(ValueError, match=r"particles\.star: .*_rlnOddZernike is '.*', expected"):
        read_particles(path)


class TestGroups:
    def read_optics(self, path, columns):
        optics, rows = (block[0].loop for block in cif.read_file(str(path)))
        width = optics.width()
        wanted = [optics.tags.index(f"_rln{column}") for column in columns]
        found = [[optics.values[i * width + w] for w in wanted] for i in range(optics.length())]
        place = rows.tags.index("_rlnOpticsGroup")
        return found, rows.values[place :: rows.width()]

    def test_there_is_a_row_of_every_different_group(self, path):
        particles = ParticleTable(
            np.zeros(6),
            0,
            0,
            **NEEDED | {"voltage_in_kilovolts": [300, 200, 300, 300, 200, 300]},
            beam_tilt_x_in_milliradians=[1, 0, 1, 2, 0, 1],
            odd_zernike=[[0, 1], [0, 1], [0, 1], [0, 1], [0, 1], [0, 3]],
            defocus_u_in_angstroms=[1, 2, 3, 4, 5, 6],
        )
        write_particles(path, particles, "stack.mrcs")
        columns = ["OpticsGroup", "OpticsGroupName", "Voltage", "BeamTiltX", "OddZernike"]
        optics, groups = self.read_optics(path, columns)
        assert optics == [
            ["1", "opticsGroup1", "300.0", "1.0", "[0.0,1.0]"],
            ["2", "opticsGroup2", "200.0", "0.0", "[0.0,1.0]"],
            ["3", "opticsGroup3", "300.0", "2.0", "[0.0,1.0]"],
            ["4", "opticsGroup4", "300.0", "1.0", "[0.0,3.0]"],
        ]
        assert groups == ["1", "2", "1", "3", "2", "4"]

    def test_groups_of_names_that_are_alike_in_all_else(self, path):
        particles = ParticleTable(*ANGLES, **NEEDED, optics_group_names=["b", "a", "b"])
        write_particles(path, particles, "stack.mrcs")
        optics, groups = self.read_optics(path, ["OpticsGroup", "OpticsGroupName", "Voltage"])
        assert optics == [["1", "b", "300.0"], ["2", "a", "300.0"]]
        assert groups == ["1", "2", "1"]

    def test_particles_of_one_name_that_differ(self, path):
        particles = ParticleTable(
            *ANGLES, **NEEDED | {"pixel_size": [1, 1, 2]}, optics_group_names="a",
            amplitude_contrast=[0.1, 0.2, 0.2],
        )  # fmt: skip
        message = r"particles 0 and 1 are both of a, and differ in amplitude_contrast; None would"
        with pytest.raises(ValueError, match=f"optics_group_names: {message}"):
            write_particles(path, particles, "stack.mrcs")
        assert not path.exists()
        write_particles(path, dataclasses.replace(particles, optics_group_names=None), "s.mrcs")


class TestNames:
    def test_images_of_several_stacks_keep_their_names(self, path):
        names = ["000002@a.mrcs", "000001@jobs/b c.mrcs", "000001@a.mrcs"]
        write_particles(path, ParticleTable(*ANGLES, **NEEDED, image_names=names))
        assert read_particles(path).image_names == tuple(names)

    def test_images_without_names(self, path):
        with pytest.raises(ValueError, match="stack_filename: expected the stack of particles"):
            write_particles(path, ParticleTable(*ANGLES, **NEEDED))

    @pytest.mark.parametrize(
        "name", ["1@a#.mrcs", "1@ä.mrcs", "1@a\n.mrcs", "1@a  b.mrcs", "1@a#x@b.mrcs"]
    )
    def test_images_whose_names_relion_cannot_read(self, path, name):
        particles = ParticleTable(*ANGLES, **NEEDED, image_names=["1@a.mrcs", name, "2@a.mrcs"])
        with pytest.raises(ValueError, match=r"particles\.image_names: RELION cannot read the"):
            write_particles(path, particles)
        assert not path.exists()

    @pytest.mark.parametrize(
        "name", ["0@a.mrcs", "-1@a.mrcs", "1.5@a.mrcs", "a.mrcs", "", "2147483648@a.mrcs", "1@"]
    )
    def test_names_of_no_image_in_a_stack(self, path, name):
        particles = ParticleTable(*ANGLES, **NEEDED, image_names=["1@a.mrcs", name, "2@a.mrcs"])
        with pytest.raises(ValueError, match=f"image_names: expected names like .*, got '{name}'"):
            write_particles(path, particles)
        assert not path.exists()

    @pytest.mark.parametrize("name", ["1@a.mrc", "1@a", "1@a.mrcs.gz"])
    def test_images_of_what_relion_reads_no_stack_of(self, path, name):
        particles = ParticleTable(*ANGLES, **NEEDED, image_names=["1@a.mrcs", name, "2@a.mrcs"])
        with pytest.raises(ValueError, match=r"image_names: RELION reads image stacks that end"):
            write_particles(path, particles)

    @pytest.mark.parametrize("name", ["micrograph_names", "optics_group_names", "mtf_filenames"])
    @pytest.mark.parametrize("text", ["", "ä", "a\nb", "a' \"b", "a  b"])
    def test_other_names_that_relion_cannot_read(self, path, name, text):
        particles = ParticleTable(*ANGLES, **NEEDED, original_pixel_size=1.5, **{name: text})
        with pytest.raises(ValueError, match=f"{name}: RELION cannot read "):
            write_particles(path, particles, "stack.mrcs")

    def test_a_transfer_function_is_of_pixels_of_a_known_size(self, path):
        particles = ParticleTable(*ANGLES, **NEEDED, mtf_filenames="mtf.star")
        with pytest.raises(ValueError, match="RELION needs to know original_pixel_size"):
            write_particles(path, particles, "stack.mrcs")


def test_a_file_of_cryosparc_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"filename: write_cs writes .*a\.CS would be read as one"):
        write_particles(tmp_path / "a.CS", ParticleTable(*ANGLES, **NEEDED), "stack.mrcs")


def test_v_is_u_where_only_u_is_known(path):
    write_particles(path, ParticleTable(*ANGLES, **NEEDED, defocus_u_in_angstroms=7), "s.mrcs")
    assert read_particles(path).defocus_v_in_angstroms == 7


def run(*arguments, folder):
    ran = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


def apply_what_relion_project_leaves_out(images, particles):
    """Multiply transforms by the phases of odd aberrations, as RELION defines them."""
    side, n = images.shape[-1], len(images)
    ky, kx = np.meshgrid(np.fft.fftfreq(side, 2.0), np.fft.rfftfreq(side, 2.0), indexing="ij")
    k = np.hypot(kx, ky)
    volts, aberration, tilt_x, tilt_y = (
        np.broadcast_to(getattr(particles, name), n)[:, None, None]
        for name in (
            "voltage_in_kilovolts",
            "spherical_aberration_in_millimetres",
            "beam_tilt_x_in_milliradians",
            "beam_tilt_y_in_milliradians",
        )
    )
    wavelength = 12.2643247 / np.sqrt(1e3 * volts * (1 + 1e3 * volts * 0.978466e-6))
    coma = -2 * np.pi * aberration * 1e7 * wavelength**2 * 1e-3
    trefoil = particles.odd_zernike[:, 2, None, None] * k**3 * np.sin(3 * np.arctan2(ky, kx))
    phases = coma * k**2 * (kx * tilt_x + ky * tilt_y) + trefoil
    return np.fft.irfft2(np.fft.rfft2(images) * np.exp(1j * phases))


@pytest.mark.skipif(shutil.which("relion_reconstruct") is None, reason="RELION is not installed")
def test_relion_reads_all_of_it(path):
    """It makes images of the table and, of these, the same map again."""
    folder, n = path.parent, 600
    rng = np.random.default_rng(0)
    z, y, x = np.mgrid[-16:16, -16:16, -16:16]
    blobs = [(0, 0, 0), (6, 2, -3), (-4, 5, 2), (1, -7, 5)]
    density = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / 4) for a, b, c in blobs)
    write_map(folder / "map.mrc", density, 2.0)
    mtf = "\n".join(f"{0.05 * i:.2f} {1 - 0.08 * i:.2f}" for i in range(11))
    (folder / "mtf.star").write_text(
        f"data_mtf\n\nloop_\n_rlnResolutionInversePixel\n_rlnMtfValue\n{mtf}\n\n"
    )
    group = np.arange(n) % 3
    particles = ParticleTable(
        rng.uniform(0, 360, n),
        np.rad2deg(np.arccos(rng.uniform(-1, 1, n))),
        rng.uniform(0, 360, n),
        *rng.normal(size=(2, n)),
        pixel_size=2.0,
        voltage_in_kilovolts=np.array([300, 200, 300])[group],
        image_size=32,
        defocus_u_in_angstroms=rng.uniform(5e3, 9e3, n),
        defocus_v_in_angstroms=rng.uniform(5e3, 9e3, n),
        astigmatism_angle=rng.uniform(0, 180, n),
        phase_shift=rng.uniform(0, 20, n),
        ctf_b_factor=rng.uniform(0, 20, n),
        ctf_scale=rng.uniform(0.5, 1.5, n),
        spherical_aberration_in_millimetres=np.array([2.7, 1.4, 2.7])[group],
        amplitude_contrast=np.array([0.1, 0.07, 0.1])[group],
        beam_tilt_x_in_milliradians=np.array([0, 2.0, 0])[group],
        beam_tilt_y_in_milliradians=np.array([0, -1.2, 0])[group],
        odd_zernike=np.array([[0, 0, 60.0], [0, 0, 0], [0, 0, -60.0]])[group],
        even_zernike=np.array([[0] * 8 + [1500.0], [0] * 9, [0] * 8 + [-1500.0]])[group],
        micrograph_names=[f"mic {i // 50}.mrc" for i in range(n)],
        optics_group_names=np.array(["one", "two of them", "three"])[group].tolist(),
        mtf_filenames="mtf.star",
        original_pixel_size=1.0,
        random_subset=np.arange(n) % 2 + 1,
        class_number=1,
    )
    write_particles(path, particles, folder / "images.mrcs")
    said = run(
        "relion_project", "--i", "map.mrc", "--o", "images", "--ang", path.name, "--ctf",
        "--angpix", "2", "--pad", "2", folder=folder,
    )  # fmt: skip
    assert "WARNING" not in said.replace("half-bit", "")
    images = read_map(folder / "images.mrcs").data
    # It knows no odd aberrations.
    images = apply_what_relion_project_leaves_out(images, particles)
    with write_image_stack(folder / "images.mrcs", images.shape, 2.0, overwrite=True) as stack:
        stack[:] = images
    # It has written a table over ours.
    write_particles(path, particles, folder / "images.mrcs", overwrite=True)
    run("relion_reconstruct", "--i", path.name, "--o", "back.mrc", "--ctf", folder=folder)
    back = read_map(folder / "back.mrc").data
    transforms = np.fft.fftn(back), np.fft.fftn(density)
    k = np.linalg.norm(np.meshgrid(*[np.fft.fftfreq(32, 2.0)] * 3), axis=0)
    shell = (k > 0.1) & (k < 0.17)
    error = np.linalg.norm((transforms[0] - transforms[1])[shell])
    # Interpolation costs 0.039. Each of these that RELION did not read, or read with another sign,
    # would make it 0.047 or more.
    assert error < 0.045 * np.linalg.norm(transforms[1][shell])
