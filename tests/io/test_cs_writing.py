"""What is written to cryoSPARC's files."""

from __future__ import annotations

import dataclasses
import random
import tempfile
from pathlib import Path

import numpy as np
import pytest
from cryosparc import IMAGES, PARTICLES
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from numbavol.io import ParticleTable, read_cs, write_cs

NAMES = [
    "uid", "blob/path", "blob/idx", "blob/shape", "blob/psize_A", "blob/sign", "blob/import_sig",
    "ctf/type", "ctf/exp_group_id", "ctf/accel_kv", "ctf/cs_mm", "ctf/amp_contrast", "ctf/df1_A",
    "ctf/df2_A", "ctf/df_angle_rad", "ctf/phase_shift_rad", "ctf/scale", "ctf/scale_const",
    "ctf/shift_A", "ctf/tilt_A", "ctf/trefoil_A", "ctf/tetra_A", "ctf/anisomag", "ctf/bfactor",
    "alignments3D/split", "alignments3D/shift", "alignments3D/pose", "alignments3D/psize_A",
    "alignments3D/alpha", "alignments3D/class", "alignments3D/class_posterior",
    "location/micrograph_uid", "location/exp_group_id", "location/micrograph_path",
]  # fmt: skip


def test_fields_and_types_are_those_of_cryosparc(records):
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


def test_values_are_in_the_units_of_cryosparc(records):
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


def test_groups_that_are_not_known_are_left_out(cs_path):
    write_cs(cs_path, ParticleTable(1, 2, 3, **IMAGES), "stack.mrcs")
    prefixes = {name.partition("/")[0] for name in np.load(cs_path).dtype.names}
    assert prefixes == {"uid", "blob", "alignments3D"}


def test_defocus_v_and_angles_have_the_defaults_of_relion(cs_path):
    particles = dataclasses.replace(
        PARTICLES, defocus_v_in_angstroms=None, astigmatism_angle=None, phase_shift=None,
        ctf_b_factor=None,
    )  # fmt: skip
    write_cs(cs_path, particles, "stack.mrcs")
    records = np.load(cs_path)
    assert records["ctf/df2_A"].tolist() == [12000, 13000]
    for name in ("df_angle_rad", "phase_shift_rad", "bfactor"):
        assert not records[f"ctf/{name}"].any()


def test_exposure_groups_are_optics_groups(cs_path):
    particles = dataclasses.replace(PARTICLES, voltage_in_kilovolts=[300, 200])
    write_cs(cs_path, particles, "stack.mrcs")
    for group in ("ctf", "location"):
        assert np.load(cs_path)[f"{group}/exp_group_id"].tolist() == [0, 1]
    assert read_cs(cs_path).optics_group_names == ("opticsGroup1", "opticsGroup2")


def test_every_particle_has_its_own_uid_the_same_in_every_run(cs_path):
    n = 100_000
    particles = ParticleTable(np.zeros(n), 0, 0, **IMAGES)
    uids = []
    for stack in ("a.mrcs", "a.mrcs", "b.mrcs"):
        write_cs(cs_path, particles, cs_path.with_name(stack), overwrite=True)
        uids.append(np.load(cs_path)["uid"])
    assert np.array_equal(uids[0], uids[1])
    assert np.unique(uids[1:]).size == 2 * n


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 4)), min_size=1),
    st.randoms(use_true_random=False),
)
@example([("a", 1), ("a", 2), ("b", 1)], random.Random(0))
@example([("a", 1), ("b", 1), ("a", 1)], random.Random(0))
def test_a_uid_belongs_to_its_image(images, random):
    """Whatever else a table has, the first, second, ... of an image has the same."""
    others = [("d", 1), ("a", 9), *random.sample(images, random.randint(0, len(images)))]
    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        cs_path = Path(folder) / "p.cs"
        for table in (images, others):
            names = [f"{number}@{stack}.mrcs" for stack, number in table]
            particles = ParticleTable(0, 0, np.zeros(len(names)), image_names=names, **IMAGES)
            write_cs(cs_path, particles, overwrite=True)
            for row, uid in enumerate(np.load(cs_path)["uid"].tolist()):
                image = (table[row], table[:row].count(table[row]))
                assert seen.setdefault(image, uid) == uid
    assert len(set(seen.values())) == len(seen)


def test_images_of_a_stack_have_the_uids_of_those_that_are_named(cs_path):
    uids = []
    for names, stack in ((["1@a.mrcs", "2@a.mrcs"], None), (None, cs_path.with_name("a.mrcs"))):
        particles = dataclasses.replace(PARTICLES, image_names=names)
        write_cs(cs_path, particles, stack, overwrite=True)
        uids.append(np.load(cs_path)["uid"].tolist())
    assert uids[0] == uids[1]


def test_the_same_particles_give_the_same_bytes(cs_path, records):
    before = cs_path.read_bytes()
    assert len(records) == 2
    write_cs(cs_path, PARTICLES, cs_path.with_name("stack.mrcs"), overwrite=True)
    assert cs_path.read_bytes() == before


def test_names_that_are_not_ascii(cs_path):
    write_cs(
        cs_path,
        dataclasses.replace(PARTICLES, micrograph_names="ü.mrc"),
        cs_path.with_name("ö.mrcs"),
    )
    read = read_cs(cs_path)
    assert (read.micrograph_names, read.image_names[1]) == ("ü.mrc", "000002@ö.mrcs")


def test_white_or_black(cs_path):
    for sign in (1, -1):
        write_cs(cs_path, PARTICLES, "stack.mrcs", contrast_sign=sign, overwrite=True)
        assert np.load(cs_path)["blob/sign"].tolist() == [sign, sign]
    with pytest.raises(ValueError, match="contrast_sign: expected 1 or -1, got 0"):
        write_cs(cs_path, PARTICLES, "stack.mrcs", contrast_sign=0)


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
def test_what_cannot_be_written_is_named(cs_path, change, message):
    given = {"image_names": ["1@a.mrcs", "2@a.mrcs"], **change}
    with pytest.raises(ValueError, match=message):
        write_cs(cs_path, dataclasses.replace(PARTICLES, **given))
    assert not cs_path.exists()


@pytest.mark.parametrize(
    "name", ["defocus_v_in_angstroms", "astigmatism_angle", "phase_shift", "ctf_b_factor"]
)
def test_nothing_of_a_transfer_function_is_left_out(cs_path, name):
    particles = ParticleTable(1, 2, 3, **IMAGES, **{name: 9.0})
    with pytest.raises(ValueError, match=f"{name}: cryoSPARC keeps it with a defocus"):
        write_cs(cs_path, particles, "stack.mrcs")


def test_what_has_no_effect_can_be_written(cs_path):
    particles = dataclasses.replace(
        PARTICLES, beam_tilt_x_in_milliradians=0, even_zernike=[0, 0], ctf_scale=1
    )
    write_cs(cs_path, particles, "stack.mrcs")
    assert not np.load(cs_path)["ctf/tilt_A"].any()


@pytest.mark.parametrize("name", ["particles.star", "particles", "particles.cs.gz"])
def test_a_name_that_would_not_be_read_is_an_error(cs_path, name):
    with pytest.raises(ValueError, match=f"filename: expected a name that ends in .cs.*{name}"):
        write_cs(cs_path.with_name(name), PARTICLES, "stack.mrcs")
    assert not cs_path.with_name(name).exists()


def test_what_is_no_table_is_named(cs_path):
    with pytest.raises(TypeError, match="particles: expected a ParticleTable, got int"):
        write_cs(cs_path, 3, "stack.mrcs")


def test_an_existing_file_is_not_replaced(cs_path):
    cs_path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="overwrite=True would replace it"):
        write_cs(cs_path, PARTICLES, "stack.mrcs")
    assert cs_path.read_bytes() == b"precious"
