"""What is read of cryoSPARC's files."""

from __future__ import annotations

import numpy as np
import pytest
from cryosparc import save, without
from numpy.testing import assert_allclose

from numbavol.io import read_cs, read_particles


def test_a_file_of_a_refinement_and_what_it_passes_through(cs_path, records):
    whole = read_cs(cs_path)
    alone = save(cs_path.with_name("a.cs"), without(records, "ctf", "location"))
    other = without(records, "alignments3D", "blob")[::-1]
    passed = save(cs_path.with_name("b.cs"), np.concatenate([other, other[:0]]))
    poses = read_cs(alone)
    assert poses.defocus_u_in_angstroms is poses.micrograph_names is None
    assert np.array_equal(poses.rot, whole.rot)
    assert read_cs(alone, passed) == whole


def test_what_both_files_know_is_of_the_first(cs_path, records):
    first, second = records.copy(), records.copy()
    second["ctf/df1_A"] = 1
    save(cs_path.with_name("a.cs"), first)
    save(cs_path.with_name("b.cs"), second)
    assert read_cs(cs_path.with_name("a.cs"), cs_path.with_name("b.cs")) == read_cs(cs_path)


def test_a_particle_that_the_second_file_lacks(cs_path, records):
    other = save(cs_path.with_name("b.cs"), records[:1])
    with pytest.raises(ValueError, match=rf"b\.cs: .* 1 of 2 .* uid {records['uid'][1]}$"):
        read_cs(cs_path, other)


def test_files_without_uid_cannot_be_joined(cs_path, records):
    other = save(cs_path.with_name("b.cs"), without(records, "uid"))
    with pytest.raises(ValueError, match=r"b\.cs: .*both files need a uid"):
        read_cs(cs_path, other)


def test_rows_of_one_uid_have_to_agree_in_what_is_taken(cs_path, records):
    alone = save(cs_path.with_name("a.cs"), without(records, "ctf"))
    others = np.concatenate([records, records[:1]])
    # NaN is no difference, nor is what the first file has itself.
    others["ctf/shift_A"] = np.nan
    others["blob/idx"][2] = 77
    with pytest.warns(UserWarning, match="ctf/shift_A not read"):
        joined = read_cs(alone, save(cs_path.with_name("b.cs"), others))
    assert joined == read_cs(cs_path)
    others["ctf/df1_A"][2] += 1
    message = rf"rows 1 and 3 are both of uid {records['uid'][0]}, with another ctf/df1_A$"
    with pytest.raises(ValueError, match=message):
        read_cs(alone, save(cs_path.with_name("b.cs"), others))


def test_no_alignments_are_no_poses(cs_path, records):
    with pytest.raises(ValueError, match=r"it has no alignments3D/pose \(only blob, ctf, loc"):
        read_cs(save(cs_path, without(records, "alignments3D")))


def test_shifts_are_in_pixels_of_the_alignment(cs_path, records):
    records["alignments3D/psize_A"] = 2.68
    read = read_cs(save(cs_path, records))
    assert_allclose(read.origin_x_in_angstroms, [2.68, 0])
    assert_allclose(read.origin_y_in_angstroms, [0, -5.36])
    assert read.pixel_size == 1.34


def test_shifts_of_pixels_that_are_not_known(cs_path, records):
    with pytest.raises(ValueError, match="in pixels, and there is no alignments3D/psize_A"):
        read_cs(save(cs_path, without(records, "alignments3D/psize")))
    records["alignments3D/shift"] = 0
    read = read_cs(save(cs_path, without(records, "alignments3D/psize")))
    assert not read.origin_x_in_angstroms.any()


def test_a_single_half_is_no_half(cs_path, records):
    records["alignments3D/split"] = 0
    assert read_cs(save(cs_path, records)).random_subset is None


def test_images_of_a_restacked_file_have_their_own_numbers(cs_path, records):
    records["blob/path"], records["blob/idx"] = [b">J1/a.mrcs", b"J2/b.mrcs"], [6, 2]
    names = read_cs(save(cs_path, records)).image_names
    assert names == ("000007@J1/a.mrcs", "000003@J2/b.mrcs")


def test_images_that_are_not_square_have_no_size(cs_path, records):
    records["blob/shape"] = [64, 32]
    assert read_cs(save(cs_path, records)).image_size is None


def test_texts_may_be_unicode(cs_path, records):
    types = [
        (name, "U20" if records.dtype[name].kind == "S" else records.dtype[name])
        for name in records.dtype.names
    ]
    expected = read_cs(cs_path)
    assert read_cs(save(cs_path, records.astype(types))) == expected


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
def test_what_is_not_read_is_warned_of(cs_path, records, name, value):
    records[name][1] = value
    with pytest.warns(UserWarning, match=rf"particles\.cs: {name} not read: how they convert"):
        particles = read_cs(save(cs_path, records))
    assert particles.beam_tilt_x_in_milliradians is particles.odd_zernike is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("blob/sign", -1, r"particles are dark in its images \(-1\)"),
        ("alignments3D/alpha", 0.7, "its images are scaled one by one"),
    ],
)
def test_what_images_would_have_to_be_multiplied_by_is_warned_of(
    cs_path, records, name, value, reason
):
    expected = read_cs(cs_path)
    records[name][1] = value
    message = rf"particles\.cs: {name} not read: {reason}, .*are read as they are$"
    with pytest.warns(UserWarning, match=message):
        assert read_cs(save(cs_path, records)) == expected


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
def test_what_is_no_such_file(cs_path, content, message):
    cs_path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"particles\.cs: no particles .*{message}"):
        read_cs(cs_path)


def test_arrays_that_are_no_particles(cs_path, records):
    for array, message in (
        (np.zeros(3), r"expected records \(n,\), got float64 of shape \(3,\)$"),
        (records[:0], r"particles\.cs: no particles that can be read: it has none$"),
        (records[np.newaxis], r"expected records \(n,\), got some of shape \(1, 2\)$"),
        (np.array([{}]), "Python objects"),
    ):
        with pytest.raises(ValueError, match=message):
            read_cs(save(cs_path, array))


def test_a_file_that_is_cut_short(cs_path, records):
    assert len(records) == 2
    cs_path.write_bytes(cs_path.read_bytes()[:-1])
    n_bytes = cs_path.stat().st_size
    with pytest.raises(ValueError, match=rf"the file is cut short: there are {n_bytes} bytes$"):
        read_cs(cs_path)


@pytest.mark.parametrize(
    ("name", "dtype", "message"),
    [
        ("blob/path", "u4", "expected texts of paths, got uint32"),
        ("blob/shape", "u4", r"expected 2 numbers a particle, got shape \(2,\)"),
        ("alignments3D/split", "S3", "ufunc 'add'"),
        ("alignments3D/pose", "f4", "expected 3 numbers a particle"),
    ],
)
def test_fields_of_other_types(cs_path, records, name, dtype, message):
    types = [(n, dtype if n == name else records.dtype[n]) for n in records.dtype.names]
    others = np.zeros(len(records), types)
    with pytest.raises(ValueError, match=rf"particles\.cs: no particles .*{message}"):
        read_cs(save(cs_path, others))


def test_numbers_that_are_none(cs_path, records):
    records["ctf/df1_A"] = np.nan
    with pytest.raises(ValueError, match=r"particles\.cs: .*defocus_u_in_angstroms: expected"):
        read_cs(save(cs_path, records))
    records["alignments3D/pose"] = np.nan
    with pytest.raises(ValueError, match=r"particles\.cs: no particles that can be read: .*rot"):
        read_cs(save(cs_path, records))


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_particles(tmp_path / "nothing.cs")
