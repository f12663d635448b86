from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tracemalloc

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from numbavol.io import map_writing, read_map, read_map_header, write_map


@pytest.fixture(scope="module")
def data():
    return np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "map.mrc"


def assert_valid(path):
    messages = io.StringIO()
    assert mrcfile.validate(path, print_file=messages), messages.getvalue()


class TestRoundTrip:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    @given(
        values=arrays(
            np.float32,
            st.tuples(*[st.integers(1, 7)] * 3),
            elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
        ),
        voxel_size=st.tuples(*[st.integers(1, 10**5).map(lambda i: i / 1000)] * 3),
        origin=st.tuples(*[st.integers(-(10**5), 10**5).map(lambda i: i / 100)] * 3),
        suffix=st.sampled_from(["", ".gz"]),
    )
    def test_what_is_written_is_read(self, tmp_path, values, voxel_size, origin, suffix):
        path = tmp_path / f"map.mrc{suffix}"
        write_map(path, values, voxel_size, origin=origin, overwrite=True)
        density = read_map(path)
        assert_array_equal(density.data, values)
        assert density.voxel_size.tolist() == list(voxel_size)
        assert density.origin.tolist() == list(origin)
        assert_array_equal(density.nstart, [0, 0, 0])
        assert_valid(path)

    def test_mrcfile_reads_the_same(self, path, data):
        write_map(path, data, (1.0, 2.0, 3.0), origin=(4.0, 5.0, 6.0))
        with mrcfile.open(path) as mrc:
            assert_array_equal(mrc.data, data)
            assert mrc.is_volume()
            assert mrc.voxel_size.tolist() == (1.0, 2.0, 3.0)
            assert mrc.header.origin.tolist() == (4.0, 5.0, 6.0)
            assert mrc.get_labels() == ["Written by numbavol"]

    def test_statistics(self, path, data):
        write_map(path, data + 100, 1.0)
        header = read_map_header(path)
        expected = (data + 100).astype(np.float64)
        assert_allclose(
            [header.minimum, header.maximum, header.mean, header.rms],
            [expected.min(), expected.max(), expected.mean(), expected.std()],
            rtol=1e-6,
        )

    def test_statistics_over_several_pieces(self, path, monkeypatch):
        monkeypatch.setattr(map_writing, "_CHUNK_BYTES", 200)
        values = np.random.default_rng(1).normal(size=(9, 5, 6)) + np.arange(9)[:, None, None]
        write_map(path, values, 1.0)
        header = read_map_header(path)
        assert_allclose([header.mean, header.rms], [values.mean(), values.std()], rtol=1e-6)
        assert_array_equal(read_map(path).data, values.astype(np.float32))
        assert_valid(path)

    @pytest.mark.parametrize("values", [466034.25, 1e-30, 0.0, -1.0])
    def test_a_constant_map_is_valid(self, path, values):
        write_map(path, np.full((1, 2, 5), values), 1.0)
        assert_valid(path)
        assert read_map_header(path).rms in (0.0, None)

    def test_huge_values_are_valid(self, path):
        write_map(path, np.array([[[-3e38, 3e38, 1e30]]]), 1.0)
        header = read_map_header(path)
        assert (header.minimum, header.maximum) == (np.float32(-3e38), np.float32(3e38))
        assert header.rms is None

    def test_the_same_map_gives_the_same_bytes(self, tmp_path, data):
        for suffix in ("", ".gz"):
            paths = [tmp_path / f"{name}.mrc{suffix}" for name in "ab"]
            for path in paths:
                write_map(path, data, 1.0)
            assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_gz_is_compressed(self, tmp_path, data):
        path = tmp_path / "map.MRC.GZ"
        write_map(path, data, 1.0)
        assert len(gzip.decompress(path.read_bytes())) == 1024 + data.nbytes


class TestInput:
    @pytest.mark.parametrize(
        "dtype", [np.float64, ">f4", ">f8", np.int8, np.uint8, np.int32, np.int64, np.bool_]
    )
    def test_real_types_are_stored_as_float32(self, path, dtype):
        values = (np.arange(60).reshape(3, 4, 5) % 2).astype(dtype)
        write_map(path, values, 1.0)
        assert_array_equal(read_map(path).data, values.astype(np.float32))
        assert read_map_header(path).dtype == "float32"
        assert_valid(path)

    @pytest.mark.parametrize("dtype", ["<f2", ">f2"])
    def test_float16_is_stored_as_float16(self, path, data, dtype):
        values = data.astype(dtype)
        write_map(path, values, 1.0)
        assert_array_equal(read_map(path).data, values.astype(np.float32))
        assert (read_map_header(path).mode, read_map_header(path).dtype) == (12, "float16")
        assert_valid(path)

    @pytest.mark.parametrize(
        "change",
        [
            np.asfortranarray,
            lambda a: a[::-1, :, ::2],
            lambda a: a.T,
            lambda a: np.broadcast_to(a[:1], (3, *a.shape[1:])),
            lambda a: a.tolist(),
        ],
    )
    def test_any_layout(self, path, data, change):
        values = change(data)
        write_map(path, values, 1.0)
        assert_array_equal(read_map(path).data, np.asarray(values, np.float32))
        assert_valid(path)

    def test_read_only_and_memory_mapped_arrays(self, tmp_path, data):
        source = tmp_path / "source.npy"
        np.save(source, data)
        mapped = np.load(source, mmap_mode="r")
        write_map(tmp_path / "map.mrc", mapped, 1.0)
        assert_array_equal(read_map(tmp_path / "map.mrc").data, data)
        assert not mapped.flags.writeable

    def test_the_data_are_not_changed(self, path, data):
        before = data.copy()
        write_map(path, data, 1.0)
        assert_array_equal(data, before)

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_little_memory_is_needed_besides_the_data(self, path, monkeypatch, order, dtype):
        monkeypatch.setattr(map_writing, "_CHUNK_BYTES", 2**16)
        values = np.zeros((64, 64, 64), dtype, order=order)
        tracemalloc.start()
        write_map(path, values, 1.0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < values.nbytes / 2

    def test_one_voxel(self, path):
        write_map(path, [[[2.5]]], 1.0)
        assert read_map(path).data.tolist() == [[[2.5]]]
        assert_valid(path)

    @pytest.mark.parametrize(
        ("argument", "value", "message"),
        [
            ("data", np.zeros((3, 4)), r"data: expected a map of shape \(z, y, x\), not \(3, 4\)"),
            ("data", np.zeros((1, 3, 4, 5)), r"not \(1, 3, 4, 5\)"),
            ("data", np.zeros((0, 4, 5)), r"not \(0, 4, 5\)"),
            ("voxel_size", np.nan, "voxel_size: expected finite lengths above 0, got nan"),
            ("voxel_size", 0.0, r"voxel_size: .* got 0\.0"),
            ("voxel_size", -1.0, r"voxel_size: .* got -1\.0"),
            ("voxel_size", np.inf, "voxel_size: .* got inf"),
            ("voxel_size", (1.0, 2.0), r"voxel_size: .* got shape \(2,\)"),
            ("voxel_size", 1e-60, r"voxel_size: .* is a cell of \[0\.0, 0\.0, 0\.0\] angstroms"),
            ("voxel_size", 1e60, r"voxel_size: .* is a cell of \[inf, inf, inf\] angstroms"),
            ("origin", 0.0, r"origin: expected three numbers \(x, y, z\), not 0\.0"),
            ("origin", (0.0, np.nan, 0.0), "origin: expected three numbers"),
            ("origin", (0.0, 0.0, 1e60), "origin: expected three numbers"),
        ],
    )
    def test_a_wrong_value_is_named(self, path, argument, value, message):
        arguments = {"data": np.zeros((3, 4, 5)), "voxel_size": 1.0, argument: value}
        with pytest.raises(ValueError, match=message):
            write_map(path, **arguments)
        assert not list(path.parent.iterdir())

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
    def test_a_value_that_float32_cannot_hold_is_named(self, path, monkeypatch, value):
        monkeypatch.setattr(map_writing, "_CHUNK_BYTES", 100)
        values = np.zeros((4, 5, 6))
        values[2, 3, 4] = value
        with pytest.raises(ValueError, match=r"data: expected finite float32 .* \[2, 3, 4\]"):
            write_map(path, values, 1.0)
        assert not list(path.parent.iterdir())

    @pytest.mark.parametrize("values", [np.zeros((2, 2, 2), complex), np.full((2, 2, 2), "a")])
    def test_what_is_not_real(self, path, values):
        with pytest.raises(ValueError, match="data: expected real numbers, not"):
            write_map(path, values, 1.0)


class TestWholeOrNotAtAll:
    def test_an_existing_file_is_not_replaced(self, path, data):
        path.write_bytes(b"precious")
        with pytest.raises(FileExistsError, match=r"overwrite=True would replace it: .*map\.mrc"):
            write_map(path, data, 1.0)
        assert path.read_bytes() == b"precious"

    def test_unless_told_to(self, path, data):
        path.write_bytes(b"not precious")
        write_map(path, data, 1.0, overwrite=True)
        assert_array_equal(read_map(path).data, data)

    @pytest.mark.parametrize("overwrite", [True, False])
    def test_a_disk_that_fills_up_leaves_nothing(self, path, overwrite):
        if overwrite:
            path.write_bytes(b"previous")
        code = (
            "import resource, sys, numpy as np\n"
            "from numbavol.io import write_map\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
            "try:\n"
            f"    write_map(sys.argv[1], np.ones((20, 20, 20)), 1.0, overwrite={overwrite})\n"
            "except OSError as error:\n"
            "    print(error.filename)\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        assert result.stdout.strip() == str(path)
        assert [(p.name, p.read_bytes()) for p in path.parent.iterdir()] == (
            [("map.mrc", b"previous")] if overwrite else []
        )

    @pytest.mark.parametrize(
        "error", [OSError(28, "No space left"), KeyboardInterrupt(), MemoryError()]
    )
    @pytest.mark.parametrize("suffix", ["", ".gz"])
    def test_a_failure_in_the_middle_leaves_nothing(
        self, tmp_path, data, monkeypatch, error, suffix
    ):
        class Sections:
            def __init__(self, array, dtype):
                self.pieces = iter([(0, array[:2].astype(dtype))])

            def __iter__(self):
                yield from self.pieces
                raise error

        original = map_writing._sections
        # What is packed has its sections made for the statistics first.
        calls = iter([original, Sections] if suffix else [Sections])
        monkeypatch.setattr(map_writing, "_sections", lambda *args: next(calls)(*args))
        with pytest.raises(type(error)):
            write_map(tmp_path / f"map.mrc{suffix}", data, 1.0)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_sections_are_made_once_unless_they_are_packed(tmp_path, monkeypatch, suffix):
    # To transpose them takes longer than to write them.
    original, calls = map_writing._sections, []
    monkeypatch.setattr(map_writing, "_sections", lambda *args: calls.append(1) or original(*args))
    write_map(tmp_path / f"map.mrc{suffix}", np.ones((3, 4, 5)), 1.0, axis_order="zyx")
    assert len(calls) == (2 if suffix else 1)


@pytest.mark.parametrize("axis_order", ["xyz", "zxy", "yxz"])
def test_a_value_that_is_not_finite_is_found_where_it_was_given(tmp_path, axis_order):
    data = np.zeros((3, 4, 5))
    data[2, 1, 4] = np.inf
    with pytest.raises(ValueError, match=r"there is inf at index \[2, 1, 4\]"):
        write_map(tmp_path / "map.mrc", data, 1.0, axis_order=axis_order)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis_order": "xxz"}, "axis_order: expected 'xyz' in any order, got 'xxz'"),
        ({"nstart": (0, 0)}, "nstart: expected three whole numbers"),
        ({"nstart": (0.5, 0, 0)}, "nstart: expected three whole numbers"),
        ({"nstart": (2**31, 0, 0)}, "nstart: expected three whole numbers"),
        ({"intervals": (4, 4)}, "intervals: expected three whole numbers of at least 1"),
        ({"intervals": (0, 4, 4)}, "intervals: expected three whole numbers of at least 1"),
    ],
)
def test_a_place_that_a_file_cannot_have_is_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        write_map(tmp_path / "map.mrc", np.zeros((3, 4, 5)), 1.0, **arguments)


@given(
    axis_order=st.permutations("xyz").map("".join),
    nstart=st.lists(st.integers(-99, 99), min_size=3, max_size=3),
)
def test_any_order_of_axes_reads_back_the_same(tmp_path_factory, axis_order, nstart):
    data = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    path = tmp_path_factory.mktemp("maps") / "map.mrc"
    write_map(path, data, (1.0, 1.5, 2.0), nstart=nstart, axis_order=axis_order)
    read = read_map(path)
    np.testing.assert_array_equal(read.data, data)
    assert read.nstart.tolist() == nstart
    np.testing.assert_allclose(read.origin, np.array(nstart) * [1.0, 1.5, 2.0])


def test_labels_are_kept_and_refused_where_a_header_has_no_room(tmp_path):
    write_map(tmp_path / "map.mrc", np.ones((2, 3, 4)), 1.0, labels=["Unit: volt", "seen twice"])
    labels = read_map_header(tmp_path / "map.mrc").labels
    assert labels == ("Written by numbavol", "Unit: volt", "seen twice")
    for wrong in (["a"] * 10, ["a" * 81], ["µ"]):
        with pytest.raises(ValueError, match="labels: expected"):
            write_map(tmp_path / "other.mrc", np.ones((2, 3, 4)), 1.0, labels=wrong)
    assert not (tmp_path / "other.mrc").exists()


@pytest.mark.parametrize("text", ["abc", b"abc"])
def test_a_text_is_not_taken_for_lines_of_one_letter_each(path, text):
    with pytest.raises(ValueError, match=r"labels: expected a list of texts, got b?'abc'"):
        write_map(path, np.ones((2, 3, 4)), 1.0, labels=text)
    assert not path.exists()
