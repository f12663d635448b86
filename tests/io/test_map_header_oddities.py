"""Headers of maps that programs leave half empty, or fill with what is no number."""

from __future__ import annotations

import mrcfile
import numpy as np
import pytest

from numbavol.io import read_map_header


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
