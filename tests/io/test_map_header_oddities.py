"""Headers of maps that programs leave half empty, or fill with what is no number."""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest

from numbavol.io import read_map, read_map_header


@pytest.fixture
def write(tmp_path):
    """Write a map by mrcfile, with some fields of its header."""

    def write(**fields):
        path = tmp_path / "map.mrc"
        with mrcfile.new(path, np.ones((2, 3, 4), np.float32)) as mrc:
            for name, value in fields.items():
                mrc.header[name] = value
        return path

    return write


def test_statistics_of_zeros_are_none(write):
    header = read_map_header(write(dmin=0.0, dmax=0.0, dmean=0.0, rms=0.0))
    assert (header.minimum, header.maximum, header.mean, header.rms) == (None,) * 4


def test_labels_that_are_empty_are_none(write):
    (label,) = read_map_header(write(nlabl=9)).labels
    assert label.startswith("Created by mrcfile.py")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_origin_of_no_numbers_is_an_error(write, wrong):
    with pytest.raises(ValueError, match=r"its origin is \((nan|inf), 0.0, 0.0\), expected"):
        read_map_header(write(origin=(wrong, 0.0, 0.0)))


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("stamp", "flags", "dtype"),
    [
        (b"IMOD", 0, "uint8"),
        (b"IMOD", 16, "uint8"),
        (b"IMOD", 17, "int8"),
        (b"\0\0\0\0", 0, "int8"),
    ],
)
def test_bytes_of_imod_have_a_sign_only_if_its_flags_say_so(tmp_path, order, stamp, flags, dtype):
    def words(*numbers):
        return b"".join(number.to_bytes(4, order) for number in numbers)

    header = bytearray(1024)
    header[:16] = words(4, 1, 1, 0)
    header[28:40] = words(4, 1, 1)
    header[64:76] = words(1, 2, 3)
    # The stamp is a number, and "IMOD" where the least byte comes first.
    header[152:160] = words(int.from_bytes(stamp, "little"), flags)
    header[208:216] = b"MAP " + (b"DD\0\0" if order == "little" else b"\x11\x11\0\0")
    path = tmp_path / "map.mrc"
    path.write_bytes(bytes(header) + bytes([0, 127, 128, 255]))
    expected = np.array([0, 127, 128, 255], np.uint8).view(dtype)
    assert read_map_header(path).dtype == dtype
    assert read_map(path).data.ravel().tolist() == expected.tolist()
