"""Particles in cryoSPARC's files."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import expm

from numbavol.io import ParticleTable, read_cs, read_particles, write_cs, write_particles
from numbavol.poses import AxisAnglePose, EulerAnglePose

IMAGES = {"pixel_size": 1.34, "image_size": 64}
CTF = {
    "voltage_in_kilovolts": 300.0,
    "spherical_aberration_in_millimetres": 2.7,
    "amplitude_contrast": 0.1,
    "defocus_u_in_angstroms": [12000.0, 13000.0],
    "defocus_v_in_angstroms": [11000.5, 12000.25],
    "astigmatism_angle": [30.0, -45.0],
    "phase_shift": [0.0, 90.0],
    "ctf_b_factor": 5.0,
}
PARTICLES = ParticleTable(
    [10, -130], [20, 90], [30, 170], [1.34, 0], [0, -2.68], **IMAGES, **CTF,
    random_subset=[1, 2], class_number=[3, 1], micrograph_names=["a.mrc", "b.mrc"],
)  # fmt: skip
INEXACT = (
    "defocus_u_in_angstroms",
    "defocus_v_in_angstroms",
    "astigmatism_angle",
    "phase_shift",
    "ctf_b_factor",
)
NAMES = [
    "uid", "blob/path", "blob/idx", "blob/shape", "blob/psize_A", "blob/sign", "blob/import_sig",
    "ctf/type", "ctf/exp_group_id", "ctf/accel_kv", "ctf/cs_mm", "ctf/amp_contrast", "ctf/df1_A",
    "ctf/df2_A", "ctf/df_angle_rad", "ctf/phase_shift_rad", "ctf/scale", "ctf/scale_const",
    "ctf/shift_A", "ctf/tilt_A", "ctf/trefoil_A", "ctf/tetra_A", "ctf/anisomag", "ctf/bfactor",
    "alignments3D/split", "alignments3D/shift", "alignments3D/pose", "alignments3D/psize_A",
    "alignments3D/alpha", "alignments3D/class", "alignments3D/class_posterior",
    "location/micrograph_uid", "location/exp_group_id", "location/micrograph_path",
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "particles.cs"


@pytest.fixture
def records(path):
    write_cs(path, PARTICLES, path.with_name("stack.mrcs"))
    return np.load(path)


def without(records, *prefixes):
    return records[[name for name in records.dtype.names if not name.startswith(prefixes)]].copy()


def save(path, records):
    with path.open("wb") as file:
        np.save(file, records)
    return path


def matrices(particles):
    poses = EulerAnglePose.from_relion_angles(particles.rot, particles.tilt, particles.psi)
    return poses.rotation.as_matrix()


angles = st.floats(-360, 360)
tilts = st.sampled_from([0.0, 180.0, -90.0]) | angles


@st.composite
def particle_tables(draw):
    n = draw(st.integers(1, 4))

    def each(values):
        return st.lists(values, min_size=n, max_size=n)

    known = {
        "pixel_size": st.sampled_from([1.34, 0.83]),
        "image_size": st.sampled_from([64, 100]),
        "voltage_in_kilovolts": st.sampled_from([200.0, 300.0]),
        "spherical_aberration_in_millimetres": st.sampled_from([0.01, 2.7]),
        "amplitude_contrast": st.sampled_from([0.07, 0.1]),
        "defocus_u_in_angstroms": st.floats(-1e4, 5e4),
        "defocus_v_in_angstroms": st.floats(-1e4, 5e4),
        "astigmatism_angle": angles,
        "phase_shift": angles,
        "ctf_b_factor": st.floats(-100, 100),
        "class_number": st.integers(1, 4),
        "micrograph_names": st.text("ab/ .", min_size=1, max_size=6).filter(
            lambda name: "  " not in name
        ),
    }
    known = {name: draw(each(values) | values) for name, values in known.items()}
    halves = draw(each(st.integers(1, 2)))
    known["random_subset"] = halves if 2 in halves else None
    origins = (draw(each(st.floats(-50, 50))) for _ in range(2))
    stacks = st.sampled_from(["a.mrcs", "jobs/b c.mrcs"])
    numbers = draw(st.lists(st.integers(1, 10**7), min_size=n, max_size=n, unique=True))
    known["image_names"] = [f"{number:06d}@{draw(stacks)}" for number in numbers]
    return ParticleTable(
        draw(each(angles)), draw(each(tilts)), draw(each(angles)), *origins, **known
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(particle_tables())
def test_it_says_what_the_star_file_says(path, particles):
    star = path.with_suffix(".star")
    write_particles(star, particles, overwrite=True)
    write_cs(path, particles, overwrite=True)
    ours, theirs = read_particles(path), read_particles(star)
    assert_allclose(matrices(ours), matrices(theirs), atol=1e-6)
    for axis in "xy":
        name = f"origin_{axis}_in_angstroms"
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6, atol=1e-12)
    for name in INEXACT:
        assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=3e-7, atol=1e-36)
    # All else is the same to the last digit.
    names = (*INEXACT, "rot", "tilt", "psi", "origin_x_in_angstroms", "origin_y_in_angstroms")
    same = dict.fromkeys(names, 0.0)
    assert dataclasses.replace(ours, **same) == dataclasses.replace(theirs, **same)


@given(tilts, angles, angles)
@example(0.0, 0.0, 0.0)
def test_the_pose_is_the_rotation_vector_of_relions_angles(tilt, rot, psi):
    """Rz(rot) Ry(tilt) Rz(psi), as other converters read it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.cs"
        write_cs(path, ParticleTable(rot, tilt, psi, **IMAGES), path.with_name("s.mrcs"))
        pose = np.load(path)["alignments3D/pose"][0].astype(np.float64)
    x, y, z = pose
    about_z = [expm(np.array([[0, -a, 0], [a, 0, 0], [0, 0, 0]])) for a in np.deg2rad([rot, psi])]
    t = np.deg2rad(tilt)
    about_y = expm(np.array([[0, 0, t], [0, 0, 0], [-t, 0, 0]]))
    expected = about_z[0] @ about_y @ about_z[1]
    assert_allclose(expm(np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])), expected, atol=1e-6)
    # In this package's terms.
    ours = AxisAnglePose(euler_vector=-np.rad2deg(pose)).rotation.as_matrix()
    assert_allclose(
        ours, EulerAnglePose.from_relion_angles(rot, tilt, psi).rotation.as_matrix(), atol=1e-6
    )


class TestWriting:
    def test_fields_and_types_are_those_of_cryosparc(self, records):
        assert list(records.dtype.names) == NAMES
        text, long, short = "S", "u8", "u4"
        types = {name: np.dtype("<f4") for name in NAMES}
        for name in NAMES:
            field = records.dtype[name].base
            if name.endswith(("path", "type")):
                assert field.kind == text
            elif name.endswith(("uid", "import_sig")):
                assert field == long
            elif name.endswith(("idx", "shape", "group_id", "split", "class")):
                assert field == short
            else:
                assert field == types[name], name
        shapes = {name: records.dtype[name].shape for name in NAMES if records.dtype[name].shape}
        assert shapes == {
            "blob/shape": (2,),
            "ctf/shift_A": (2,),
            "ctf/tilt_A": (2,),
            "ctf/trefoil_A": (2,),
            "ctf/tetra_A": (4,),
            "ctf/anisomag": (4,),
            "alignments3D/shift": (2,),
            "alignments3D/pose": (3,),
        }

    def test_values_are_in_the_units_of_cryosparc(self, records):
        assert records["blob/path"].tolist() == [b"stack.mrcs"] * 2
        assert records["blob/idx"].tolist() == [0, 1]
        assert records["blob/shape"].tolist() == [[64, 64]] * 2
        assert_allclose(records["alignments3D/shift"], [[1, 0], [0, -2]])
        assert_allclose(records["ctf/df_angle_rad"], np.deg2rad([30, -45]))
        assert_allclose(records["ctf/phase_shift_rad"], np.deg2rad([0, 90]))
        assert records["ctf/df2_A"].tolist() == [11000.5, 12000.25]
        assert records["alignments3D/split"].tolist() == [0, 1]
        assert records["alignments3D/class"].tolist() == [2, 0]
        assert records["location/micrograph_path"].tolist() == [b"a.mrc", b"b.mrc"]
        for name in ("ctf/scale", "alignments3D/alpha", "alignments3D/class_posterior"):
            assert records[name].tolist() == [1, 1]

    def test_groups_that_are_not_known_are_left_out(self, path):
        write_cs(path, ParticleTable(1, 2, 3, **IMAGES), "stack.mrcs")
        prefixes = {name.partition("/")[0] for name in np.load(path).dtype.names}
        assert prefixes == {"uid", "blob", "alignments3D"}

    def test_defocus_v_and_angles_have_the_defaults_of_relion(self, path):
        particles = dataclasses.replace(
            PARTICLES, defocus_v_in_angstroms=None, astigmatism_angle=None, phase_shift=None,
            ctf_b_factor=None,
        )  # fmt: skip
        write_cs(path, particles, "stack.mrcs")
        records = np.load(path)
        assert records["ctf/df2_A"].tolist() == [12000, 13000]
        for name in ("df_angle_rad", "phase_shift_rad", "bfactor"):
            assert not records[f"ctf/{name}"].any()

    def test_exposure_groups_are_optics_groups(self, path):
        particles = dataclasses.replace(PARTICLES, voltage_in_kilovolts=[300, 200])
        write_cs(path, particles, "stack.mrcs")
        for group in ("ctf", "location"):
            assert np.load(path)[f"{group}/exp_group_id"].tolist() == [0, 1]
        assert read_cs(path).optics_group_names == ("opticsGroup1", "opticsGroup2")

    def test_every_particle_has_its_own_uid_the_same_in_every_run(self, path):
        n = 100_000
        particles = ParticleTable(np.zeros(n), 0, 0, **IMAGES)
        uids = []
        for stack in ("a.mrcs", "a.mrcs", "b.mrcs"):
            write_cs(path, particles, path.with_name(stack), overwrite=True)
            uids.append(np.load(path)["uid"])
        assert np.array_equal(uids[0], uids[1])
        assert np.unique(uids[1:]).size == 2 * n

    @given(
        st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 4)), min_size=1),
        st.randoms(use_true_random=False),
    )
    @example([("a", 1), ("a", 2), ("b", 1)], random.Random(0))
    @example([("a", 1), ("b", 1), ("a", 1)], random.Random(0))
    def test_a_uid_belongs_to_its_image(self, images, random):
        """Whatever else a table has, the first, second, ... of an image has the same."""
        others = [("d", 1), ("a", 9), *random.sample(images, random.randint(0, len(images)))]
        seen = {}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "p.cs"
            for table in (images, others):
                names = [f"{number}@{stack}.mrcs" for stack, number in table]
                particles = ParticleTable(0, 0, np.zeros(len(names)), image_names=names, **IMAGES)
                write_cs(path, particles, overwrite=True)
                for row, uid in enumerate(np.load(path)["uid"].tolist()):
                    image = (table[row], table[:row].count(table[row]))
                    assert seen.setdefault(image, uid) == uid
        assert len(set(seen.values())) == len(seen)

    def test_images_of_a_stack_have_the_uids_of_those_that_are_named(self, path):
        uids = []
        for names, stack in ((["1@a.mrcs", "2@a.mrcs"], None), (None, path.with_name("a.mrcs"))):
            particles = dataclasses.replace(PARTICLES, image_names=names)
            write_cs(path, particles, stack, overwrite=True)
            uids.append(np.load(path)["uid"].tolist())
        assert uids[0] == uids[1]

    def test_the_same_particles_give_the_same_bytes(self, path, records):
        before = path.read_bytes()
        assert len(records) == 2
        write_cs(path, PARTICLES, path.with_name("stack.mrcs"), overwrite=True)
        assert path.read_bytes() == before

    def test_names_that_are_not_ascii(self, path):
        write_cs(
            path, dataclasses.replace(PARTICLES, micrograph_names="ü.mrc"), path.with_name("ö.mrcs")
        )
        read = read_cs(path)
        assert (read.micrograph_names, read.image_names[1]) == ("ü.mrc", "000002@ö.mrcs")

    def test_white_or_black(self, path):
        for sign in (1, -1):
            write_cs(path, PARTICLES, "stack.mrcs", contrast_sign=sign, overwrite=True)
            assert np.load(path)["blob/sign"].tolist() == [sign, sign]
        with pytest.raises(ValueError, match="contrast_sign: expected 1 or -1, got 0"):
            write_cs(path, PARTICLES, "stack.mrcs", contrast_sign=0)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"pixel_size": None}, "cryoSPARC needs to know pixel_size"),
            ({"amplitude_contrast": None}, "cryoSPARC needs to know amplitude_contrast"),
            ({"beam_tilt_x_in_milliradians": 0.1}, "beam_tilt_x_in_milliradians: expected 0 or"),
            ({"odd_zernike": [0, 1]}, "odd_zernike: expected 0 or None, for how it converts"),
            ({"ctf_scale": [1, 0.9]}, "ctf_scale: expected 1 or None"),
            ({"random_subset": 0}, "random_subset: cryoSPARC knows no 0"),
            ({"class_number": [0, 1]}, "class_number: cryoSPARC knows no 0"),
            ({"image_names": ["1@a", "b.mrcs"]}, "names like .*, got 'b.mrcs'"),
            ({"image_names": ["1@a", "0@b.mrcs"]}, "names like .*, got '0@b.mrcs'"),
            ({"image_names": None}, "stack_filename: expected the stack of particles"),
            ({"image_names": ["1@a", "4294967301@a.mrcs"]}, "from 1 to 2147483647, got '42949673"),
            ({"image_names": ["1@a", f"{10**30}@a.mrcs"]}, "from 1 to 2147483647, got '10000"),
            ({"image_size": 2**33}, "blob/shape of cryoSPARC is uint32, .* hold 8589934592$"),
            ({"class_number": [1, 2**33]}, r"alignments3D/class .* uint32, .* hold 8589934591$"),
            ({"pixel_size": 1e39}, r"blob/psize_A .* float32, which cannot hold 1e\+39$"),
            ({"defocus_u_in_angstroms": [1, -1e39]}, r"ctf/df1_A .* hold -1e\+39$"),
            (
                {"pixel_size": 1e-20, "origin_x_in_angstroms": 1e20},
                r"alignments3D/shift .* hold 1e\+40$",
            ),
            ({"defocus_u_in_angstroms": None}, "defocus_v_in_angstroms: .* with a defocus, got no"),
        ],
    )
    def test_what_cannot_be_written_is_named(self, path, change, message):
        given = {"image_names": ["1@a.mrcs", "2@a.mrcs"], **change}
        with pytest.raises(ValueError, match=message):
            write_cs(path, dataclasses.replace(PARTICLES, **given))
        assert not path.exists()

    @pytest.mark.parametrize(
        "name", ["defocus_v_in_angstroms", "astigmatism_angle", "phase_shift", "ctf_b_factor"]
    )
    def test_nothing_of_a_transfer_function_is_left_out(self, path, name):
        particles = ParticleTable(1, 2, 3, **IMAGES, **{name: 9.0})
        with pytest.raises(ValueError, match=f"{name}: cryoSPARC keeps it with a defocus"):
            write_cs(path, particles, "stack.mrcs")

    def test_what_has_no_effect_can_be_written(self, path):
        particles = dataclasses.replace(
            PARTICLES, beam_tilt_x_in_milliradians=0, even_zernike=[0, 0], ctf_scale=1
        )
        write_cs(path, particles, "stack.mrcs")
        assert not np.load(path)["ctf/tilt_A"].any()

    @pytest.mark.parametrize("name", ["particles.star", "particles", "particles.cs.gz"])
    def test_a_name_that_would_not_be_read_is_an_error(self, path, name):
        with pytest.raises(ValueError, match=f"filename: expected a name that ends in .cs.*{name}"):
            write_cs(path.with_name(name), PARTICLES, "stack.mrcs")
        assert not path.with_name(name).exists()

    def test_what_is_no_table_is_named(self, path):
        with pytest.raises(TypeError, match="particles: expected a ParticleTable, got int"):
            write_cs(path, 3, "stack.mrcs")

    def test_an_existing_file_is_not_replaced(self, path):
        path.write_bytes(b"precious")
        with pytest.raises(FileExistsError, match="overwrite=True would replace it"):
            write_cs(path, PARTICLES, "stack.mrcs")
        assert path.read_bytes() == b"precious"


class TestReading:
    def test_a_file_of_a_refinement_and_what_it_passes_through(self, path, records):
        whole = read_cs(path)
        alone = save(path.with_name("a.cs"), without(records, "ctf", "location"))
        other = without(records, "alignments3D", "blob")[::-1]
        passed = save(path.with_name("b.cs"), np.concatenate([other, other[:0]]))
        poses = read_cs(alone)
        assert poses.defocus_u_in_angstroms is poses.micrograph_names is None
        assert np.array_equal(poses.rot, whole.rot)
        assert read_cs(alone, passed) == whole

    def test_what_both_files_know_is_of_the_first(self, path, records):
        first, second = records.copy(), records.copy()
        second["ctf/df1_A"] = 1
        save(path.with_name("a.cs"), first)
        save(path.with_name("b.cs"), second)
        assert read_cs(path.with_name("a.cs"), path.with_name("b.cs")) == read_cs(path)

    def test_a_particle_that_the_second_file_lacks(self, path, records):
        other = save(path.with_name("b.cs"), records[:1])
        with pytest.raises(ValueError, match=rf"b\.cs: .* 1 of 2 .* uid {records['uid'][1]}$"):
            read_cs(path, other)

    def test_files_without_uid_cannot_be_joined(self, path, records):
        other = save(path.with_name("b.cs"), without(records, "uid"))
        with pytest.raises(ValueError, match=r"b\.cs: .*both files need a uid"):
            read_cs(path, other)

    def test_no_alignments_are_no_poses(self, path, records):
        with pytest.raises(ValueError, match=r"it has no alignments3D/pose \(only blob, ctf, loc"):
            read_cs(save(path, without(records, "alignments3D")))

    def test_shifts_are_in_pixels_of_the_alignment(self, path, records):
        records["alignments3D/psize_A"] = 2.68
        read = read_cs(save(path, records))
        assert_allclose(read.origin_x_in_angstroms, [2.68, 0])
        assert_allclose(read.origin_y_in_angstroms, [0, -5.36])
        assert read.pixel_size == 1.34

    def test_shifts_of_pixels_that_are_not_known(self, path, records):
        with pytest.raises(ValueError, match="in pixels, and there is no alignments3D/psize_A"):
            read_cs(save(path, without(records, "alignments3D/psize")))
        records["alignments3D/shift"] = 0
        read = read_cs(save(path, without(records, "alignments3D/psize")))
        assert not read.origin_x_in_angstroms.any()

    def test_a_single_half_is_no_half(self, path, records):
        records["alignments3D/split"] = 0
        assert read_cs(save(path, records)).random_subset is None

    def test_images_of_a_restacked_file_have_their_own_numbers(self, path, records):
        records["blob/path"], records["blob/idx"] = [b">J1/a.mrcs", b"J2/b.mrcs"], [6, 2]
        names = read_cs(save(path, records)).image_names
        assert names == ("000007@J1/a.mrcs", "000003@J2/b.mrcs")

    def test_images_that_are_not_square_have_no_size(self, path, records):
        records["blob/shape"] = [64, 32]
        assert read_cs(save(path, records)).image_size is None

    def test_texts_may_be_unicode(self, path, records):
        types = [
            (name, "U20" if records.dtype[name].kind == "S" else records.dtype[name])
            for name in records.dtype.names
        ]
        expected = read_cs(path)
        assert read_cs(save(path, records.astype(types))) == expected

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ctf/tilt_A", [1, 0]),
            ("ctf/trefoil_A", [0, 1]),
            ("ctf/tetra_A", [0, 0, 1, 0]),
            ("ctf/anisomag", [0, 0.01, 0, 0]),
            ("ctf/shift_A", [1, 0]),
            ("ctf/scale", 0.9),
            ("ctf/scale_const", 0.1),
        ],
    )
    def test_what_is_not_read_is_warned_of(self, path, records, name, value):
        records[name][1] = value
        with pytest.warns(UserWarning, match=rf"particles\.cs: {name} not read: how they convert"):
            particles = read_cs(save(path, records))
        assert particles.beam_tilt_x_in_milliradians is particles.odd_zernike is None

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("blob/sign", -1, r"particles are dark in its images \(-1\)"),
            ("alignments3D/alpha", 0.7, "its images are scaled one by one"),
        ],
    )
    def test_what_images_would_have_to_be_multiplied_by_is_warned_of(
        self, path, records, name, value, reason
    ):
        expected = read_cs(path)
        records[name][1] = value
        message = rf"particles\.cs: {name} not read: {reason}, .*are read as they are$"
        with pytest.warns(UserWarning, match=message):
            assert read_cs(save(path, records)) == expected

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "it is no file of NumPy"),
            (b"data_\nloop_\n", "it is no file of NumPy"),
            (b"\x94CSDAT\0\0", "it is compressed; cryosparc-tools saves it"),
            (b"\x95CSDAT\0\0", "it is compressed; cryosparc-tools saves it"),
            (b"\x93NUMPY", "EOF"),
            (b"\x93NUMPY\x01\0\x05\0hello", "malformed"),
            (b"\x93NUMPY\x01\0\x02\0{\n", "EOF in multi-line statement"),
        ],
    )
    def test_what_is_no_such_file(self, path, content, message):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"particles\.cs: no particles .*{message}"):
            read_cs(path)

    def test_arrays_that_are_no_particles(self, path, records):
        for array, message in (
            (np.zeros(3), r"expected records, got float64 of shape \(3,\)"),
            (records[:0], r"expected records, got .* of shape \(0,\)"),
            (np.array([{}]), "Python objects"),
        ):
            with pytest.raises(ValueError, match=message):
                read_cs(save(path, array))

    def test_a_file_that_is_cut_short(self, path, records):
        assert len(records) == 2
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(ValueError, match=r"particles\.cs: no particles that can be read"):
            read_cs(path)

    @pytest.mark.parametrize(
        ("name", "dtype", "message"),
        [
            ("blob/path", "u4", "expected texts of paths, got uint32"),
            ("blob/shape", "u4", r"expected 2 numbers a particle, got shape \(2,\)"),
            ("alignments3D/split", "S3", "ufunc 'add'"),
            ("alignments3D/pose", "f4", "expected 3 numbers a particle"),
        ],
    )
    def test_fields_of_other_types(self, path, records, name, dtype, message):
        types = [(n, dtype if n == name else records.dtype[n]) for n in records.dtype.names]
        others = np.zeros(len(records), types)
        with pytest.raises(ValueError, match=rf"particles\.cs: no particles .*{message}"):
            read_cs(save(path, others))

    def test_numbers_that_are_none(self, path, records):
        records["ctf/df1_A"] = np.nan
        with pytest.raises(ValueError, match=r"particles\.cs: .*defocus_u_in_angstroms: expected"):
            read_cs(save(path, records))
        records["alignments3D/pose"] = np.nan
        with pytest.raises(
            ValueError, match=r"particles\.cs: no particles that can be read: .*rot"
        ):
            read_cs(save(path, records))

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read_particles(tmp_path / "nothing.cs")
