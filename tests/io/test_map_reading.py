from __future__ import annotations

import gzip
import itertools
import pickle

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from numbavol.io import read_images, read_map, read_map_header, write_map

SHAPE = (4, 5, 6)  # z, y, x


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "map.mrc"


def write(path, data, *, compression=None, voxel_size=1.5, **fields):
    """Write a map by mrcfile, and set header fields."""
    with mrcfile.new(path, data, compression=compression, overwrite=True) as mrc:
        mrc.voxel_size = voxel_size
        for name, value in fields.items():
            mrc.header[name] = value
    return path


def write_permuted(path, data, order, nstart=(0, 0, 0), **fields):
    """Write `data[z, y, x]` with its axes in another order, like `"zyx"` for columns z, rows y."""
    axes = ["xyz".index(axis) for axis in order]
    stored = data.transpose([2 - axis for axis in reversed(axes)])
    fields |= dict(zip(("mapc", "mapr", "maps"), [axis + 1 for axis in axes], strict=True))
    fields |= dict(
        zip(("nxstart", "nystart", "nzstart"), [nstart[axis] for axis in axes], strict=True)
    )
    # The intervals are those of the axes x, y and z, whatever their order in the file.
    fields |= dict(zip(("mx", "my", "mz"), data.shape[::-1], strict=True))
    fields["cella"] = tuple(np.array([1.0, 2.0, 3.0]) * data.shape[::-1])
    return write(path, np.ascontiguousarray(stored), **fields)


def patch(path, offset, content):
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(content)] = content
    path.write_bytes(raw)


class TestAxes:
    @pytest.mark.parametrize("order", ["".join(o) for o in itertools.permutations("xyz")])
    def test_every_order_is_read_as_zyx(self, path, data, order):
        write_permuted(path, data, order, nstart=(-7, 8, 9))
        density = read_map(path)
        assert_array_equal(density.data, data)
        assert density.data.flags.c_contiguous
        assert_array_equal(density.voxel_size, [1, 2, 3])
        assert_array_equal(density.nstart, [-7, 8, 9])
        assert_array_equal(density.origin, [-7, 16, 27])
        assert read_map_header(path).shape == data.shape
        assert read_map_header(path).axis_order == order

    def test_axes_that_were_not_filled_in_are_xyz(self, path, data):
        write(path, data, mapc=0, mapr=0, maps=0)
        assert_array_equal(read_map(path).data, data)

    @pytest.mark.parametrize("axes", [(1, 1, 2), (1, 2, 4), (0, 1, 2)])
    def test_axes_that_make_no_sense(self, path, data, axes):
        write(path, data, mapc=axes[0], mapr=axes[1], maps=axes[2])
        with pytest.raises(ValueError, match=r"map\.mrc: .*its axes are \[.*expected 1, 2 and 3"):
            read_map(path)


class TestStorage:
    @pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16, np.float32])
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("compression", [None, "gzip"])
    def test_every_mode_in_either_byte_order(self, path, dtype, order, compression):
        values = np.arange(np.prod(SHAPE)).reshape(SHAPE)
        stored = values.astype(np.dtype(dtype).newbyteorder(order))
        write(path, stored, compression=compression)
        density = read_map(path)
        assert_array_equal(density.data, values)
        assert density.data.dtype == np.float32
        assert density.data.dtype.isnative
        assert density.data.flags.writeable
        assert_array_equal(density.voxel_size, [1.5, 1.5, 1.5])
        assert read_map_header(path).dtype == np.dtype(dtype).name

    def test_extended_header_is_skipped(self, path, data):
        with mrcfile.new(path, data) as mrc:
            mrc.set_extended_header(np.frombuffer(b"symmetry" * 10, "V80"))
        assert_array_equal(read_map(path).data, data)

    def test_bytes_after_the_map_are_ignored(self, path, data):
        write(path, data)
        path.write_bytes(path.read_bytes() + bytes(100))
        assert_array_equal(read_map(path).data, data)
        header = read_map_header(path)
        assert header.actual_bytes == header.expected_bytes + 100

    @pytest.mark.parametrize("stamp", [bytes(4), b"\x11\x11\0\0", b"ABCD", b"DA\0\0"])
    @pytest.mark.parametrize("dtype", [np.float32, np.int8])
    def test_a_wrong_machine_stamp_does_not_matter(self, path, dtype, stamp):
        values = np.ones(SHAPE, dtype)
        patch(write(path, values), 212, stamp)
        assert_array_equal(read_map(path).data, values)

    def test_a_wrong_machine_stamp_of_a_big_endian_file(self, path, data):
        patch(write(path, data.astype(">f4")), 212, b"DD\0\0")
        assert_array_equal(read_map(path).data, data)

    @pytest.mark.parametrize("n", [70_000, 65_536])
    @pytest.mark.parametrize(("dtype", "stamp"), [("<f4", b"\x11\x11\0\0"), (">f4", b"DD\0\0")])
    def test_a_wrong_machine_stamp_of_a_stack_of_many_images(self, path, n, dtype, stamp):
        values = np.arange(n, dtype=dtype).reshape(n, 1, 1)
        patch(write(path, values, ispg=0), 212, stamp)
        assert_array_equal(read_map(path).data, values)

    def test_a_number_of_columns_that_looks_like_gzip(self, path):
        values = np.zeros((1, 1, 0x8B1F), np.int8)
        write(path, values)
        assert path.read_bytes().startswith(b"\x1f\x8b")
        assert read_map(path).data.shape == values.shape

    def test_an_image_stack_is_read_as_a_map(self, path, data):
        write(path, data, ispg=0)
        assert_array_equal(read_map(path).data, data)
        assert read_map_header(path).space_group == 0

    def test_one_image_is_a_map_of_one_section(self, path, data):
        write(path, data[0])
        assert_array_equal(read_map(path).data, data[:1])

    def test_nan_is_read_as_it_is(self, path, data):
        data = data.copy()
        data[0, 0, 0] = np.nan
        with pytest.warns(RuntimeWarning, match="NaN"):
            write(path, data)
        assert_array_equal(read_map(path).data, data)


class TestGeometry:
    def test_the_origin_field_comes_first(self, path, data):
        write(path, data, origin=(1.25, -2.5, 3.0), nxstart=-3)
        density = read_map(path)
        assert_array_equal(density.origin, [1.25, -2.5, 3.0])
        assert_array_equal(density.nstart, [-3, 0, 0])

    def test_without_it_nstart_tells_the_origin(self, path, data):
        write(path, data, nxstart=-3, nystart=0, nzstart=2)
        assert_array_equal(read_map(path).origin, [-4.5, 0, 3])

    @given(st.floats(0.1, 20).map(lambda x: round(x, 4)), st.integers(1, 2000))
    def test_a_voxel_size_is_the_decimal_that_was_written(self, voxel_size, n):
        from numbavol.io.map_header import _divide

        assert_allclose(_divide(float(np.float32(voxel_size * n)), n), voxel_size, rtol=1e-7)
        assert len(str(_divide(float(np.float32(voxel_size * n)), n))) <= len(str(voxel_size))

    def test_origins_are_the_decimals_that_were_written(self, path, data):
        write(path, data, origin=(0.1, -12.34, 1000.7))
        assert read_map(path).origin.tolist() == [0.1, -12.34, 1000.7]

    def test_the_cell_may_be_larger_than_the_map(self, path, data):
        write(path, data, mx=60, my=50, mz=40, cella=(60, 100, 120))
        assert_array_equal(read_map(path).voxel_size, [1, 2, 3])

    @pytest.mark.parametrize(
        "fields",
        [
            {"cella": (0, 0, 0)},
            {"cella": (6, 5, 0)},
            {"mx": 0},
            {"cella": (np.nan, 5, 4)},
            {"cella": (-6, 5, 4)},
            {"cella": (np.inf, 5, 4)},
        ],
    )
    def test_no_voxel_size_is_none(self, path, data, fields):
        write(path, data, nxstart=5, **fields)
        density = read_map(path)
        assert density.voxel_size is None
        assert_array_equal(density.origin, [0, 0, 0])
        assert "voxel_size=None" in repr(density)

    def test_images_have_a_pixel_size_without_a_length_along_z(self, path, data):
        write(path, data, cella=(12, 5, 0), mx=6, my=5)
        header = read_map_header(path)
        assert header.voxel_size is None
        assert_array_equal(header.pixel_size, [2, 1])
        write(path, data, cella=(0, 5, 4))
        assert read_map_header(path).pixel_size is None

    def test_angles_that_were_not_filled_in(self, path, data):
        write(path, data, cellb=(0, 0, 0))
        assert_array_equal(read_map(path).data, data)

    def test_angles_that_are_not_right(self, path, data):
        write(path, data, cellb=(90, 90, 120))
        with pytest.raises(ValueError, match=r"angles of \[90\.0, 90\.0, 120\.0\] degrees"):
            read_map(path)


class TestHeader:
    def test_everything_in_it(self, path, data):
        write(path, data, origin=(1, 2, 3), nxstart=4)
        with mrcfile.open(path, "r+") as mrc:
            mrc.header.nlabl = 0
            mrc.header.label[:] = b""
            mrc.add_label("first  ")
            mrc.add_label("second")
        header = read_map_header(path)
        assert header.shape == SHAPE
        assert (header.mode, header.dtype, header.space_group) == (2, "float32", 1)
        assert header.axis_order == "xyz"
        assert header.labels == ("first", "second")
        assert header.expected_bytes == header.actual_bytes == path.stat().st_size
        assert_array_equal(header.nstart, [4, 0, 0])
        assert_array_equal(header.origin, [1, 2, 3])
        assert_allclose(
            [header.minimum, header.maximum, header.mean, header.rms],
            [data.min(), data.max(), data.mean(), data.std()],
            rtol=1e-5,
        )

    def test_statistics_that_are_not_known_are_none(self, path, data):
        write(path, data)
        with mrcfile.open(path, "r+") as mrc:
            mrc.reset_header_stats()
        header = read_map_header(path)
        assert [header.minimum, header.maximum, header.mean, header.rms] == [None] * 4

    def test_one_of_a_file_that_is_cut_short(self, path, data):
        write(path, data)
        path.write_bytes(path.read_bytes()[:-10])
        header = read_map_header(path)
        assert header.expected_bytes == header.actual_bytes + 10

    def test_one_of_a_compressed_file(self, path, data):
        write(path, data, compression="gzip")
        header = read_map_header(path)
        assert header.shape == SHAPE
        assert header.actual_bytes is None


class TestBrokenFiles:
    @pytest.mark.parametrize("read", [read_map, read_map_header])
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "an MRC header has 1024 bytes, there are 0"),
            (bytes(1000), "an MRC header has 1024 bytes, there are 1000"),
            (bytes(5000), "there is no 'MAP' at byte 208"),
            (b"words, and more words. " * 100, "there is no 'MAP' at byte 208"),
            (gzip.compress(bytes(5000), mtime=0), "there is no 'MAP' at byte 208"),
            (b"\x1f\x8b" + bytes(2000), "not a map that can be read"),
        ],
    )
    def test_not_a_map(self, path, read, content, message):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as caught:
            read(path)
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize("missing", [1, 100, 480, 481, 700])
    def test_cut_short(self, path, data, missing):
        write(path, data)
        path.write_bytes(path.read_bytes()[:-missing])
        with pytest.raises(ValueError, match=r"map\.mrc: .*(cut short|1024 bytes)"):
            read_map(path)

    @pytest.mark.parametrize("missing", [1, 4, 8, 20, 200])
    def test_compression_cut_short(self, path, data, missing):
        write(path, data, compression="gzip")
        path.write_bytes(path.read_bytes()[:-missing])
        with pytest.raises(ValueError, match=r"map\.mrc: not a map that can be read"):
            read_map(path)

    def test_a_compressed_map_cut_short(self, path, data):
        write(path, data)
        path.write_bytes(gzip.compress(path.read_bytes()[:-10]))
        with pytest.raises(
            ValueError, match="it is cut short: expected 1504 bytes, 10 are missing"
        ):
            read_map(path)

    def test_a_wrong_checksum_of_the_compression(self, path, data):
        write(path, data, compression="gzip")
        raw = bytearray(path.read_bytes())
        raw[-6] ^= 1
        path.write_bytes(raw)
        with pytest.raises(ValueError, match="CRC check failed"):
            read_map(path)

    @pytest.mark.parametrize("compression", [None, "gzip"])
    def test_a_claim_to_be_huge_takes_no_memory(self, path, data, compression):
        write(path, data, compression=compression, nx=60000, ny=60000, nz=60000)
        with pytest.raises(ValueError, match="it is cut short: expected 864000000001024 bytes"):
            read_map(path)

    def test_complex_numbers(self, path, data):
        write(path, data.astype(np.complex64))
        with pytest.raises(ValueError, match=r"complex numbers \(mode 4\)"):
            read_map(path)

    @pytest.mark.parametrize("mode", [3, 5, 101, -1])
    def test_other_modes(self, path, data, mode):
        write(path, data)
        patch(path, 12, np.int32(mode).tobytes())
        with pytest.raises(ValueError, match=rf"mode {mode}\b"):
            read_map(path)

    def test_a_stack_of_volumes(self, path, data):
        write(path, data[None])
        with pytest.raises(ValueError, match=r"a stack of volumes \(space group 401\)"):
            read_map(path)

    @pytest.mark.parametrize("field", ["nx", "ny", "nz"])
    @pytest.mark.parametrize("length", [0, -1])
    def test_no_voxels(self, path, data, field, length):
        write(path, data, **{field: length})
        with pytest.raises(ValueError, match=rf"the map has .*{length}\b"):
            read_map(path)

    def test_a_negative_extended_header(self, path, data):
        write(path, data, nsymbt=-8)
        with pytest.raises(ValueError, match="its extended header has -8 bytes"):
            read_map(path)

    @pytest.mark.parametrize("read", [read_map, read_map_header])
    def test_a_missing_file_or_a_folder(self, tmp_path, read):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read(tmp_path / "nothing.mrc")
        with pytest.raises(IsADirectoryError):
            read(tmp_path)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(changes=st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=6))
    def test_a_damaged_header_is_read_or_one_value_error(self, path, data, changes):
        write(path, data)
        for offset, value in changes:
            patch(path, offset, bytes([value]))
        try:
            density = read_map(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
        else:
            assert density.data.dtype == np.float32


class TestImages:
    @pytest.mark.parametrize(("start", "stop"), [(0, None), (1, 3), (3, 9), (np.int64(2), 3)])
    def test_those_that_are_asked_for_are_read(self, path, data, start, stop):
        write(path, data)
        assert_array_equal(read_images(path, start, stop), data[start:stop])

    @pytest.mark.parametrize(
        ("start", "stop", "message"),
        [
            (-1, None, "start: expected a whole number of at least 0, got -1"),
            (1.0, None, "start: expected a whole number of at least 0, got 1.0"),
            (0, "2", "stop: expected a whole number of at least 0, got '2'"),
            (2, 2, "stop: expected more than start, 2, got 2"),
            (4, None, "start: expected less than 4, the images of "),
            (4, 8, "start: expected less than 4, the images of "),
        ],
    )
    def test_the_file_is_not_blamed_for_numbers(self, path, data, start, stop, message):
        write(path, data)
        with pytest.raises(ValueError, match=f"^{message}"):
            read_images(path, start, stop)


class TestResult:
    def test_it_is_frozen_and_short_and_can_be_sent_elsewhere(self, path, data):
        write_map(path, data, 1.34, origin=(-1, -2, -3))
        density = read_map(path)
        assert repr(density) == (
            "RealSpaceMap(shape=(4, 5, 6), voxel_size=[1.34, 1.34, 1.34], "
            "origin=[-1.0, -2.0, -3.0])"
        )
        assert_array_equal(pickle.loads(pickle.dumps(density)).data, data)
        with pytest.raises(AttributeError):
            density.data = data

    def test_comparison_is_one_answer(self, path, data):
        write_map(path, data, 1.0)
        density = read_map(path)
        assert (density == read_map(path)) is True
        assert (density == density.data) is False
        assert (density.data == density) is False
        write_map(path, data + 1, 1.0, overwrite=True)
        assert (density == read_map(path)) is False

    def test_a_string_is_a_name_too(self, path, data):
        write_map(str(path), data, 1.0)
        assert_array_equal(read_map(str(path)).data, data)
