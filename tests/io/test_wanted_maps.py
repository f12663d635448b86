"""Whether a file is a map or a stack, and maps where no stack will do."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import pytest

from numbavol import FourierVoxelGridVolume, FourierVoxelSplineVolume, RealVoxelGridVolume
from numbavol.io import read_map, read_map_header, write_map
from numbavol.io.wanted_maps import is_meant_as_map, is_stack, read_wanted_map
from tests import stacks

if TYPE_CHECKING:
    from pathlib import Path

VALUES = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


def write_legacy_map(path: Path, space_group: int = 0, mz: int = 3) -> Path:
    with mrcfile.new(path, VALUES, overwrite=True) as mrc:
        mrc.voxel_size = 1.5
        mrc.header.ispg, mrc.header.mz = space_group, mz
    return path


@pytest.mark.parametrize(
    ("name", "space_group", "mz", "expected"),
    [
        ("map.mrc", 1, 3, False),
        ("map.mrc", 0, 3, False),  # of RELION, of cryoSPARC, of old IMOD
        ("map.mrc", 1, 1, False),
        ("map.mrc", 0, 1, True),
        ("map.mrcs", 1, 3, True),
        ("MAP.MRCS", 0, 3, True),
    ],
)
def test_a_stack_has_its_name_or_its_space_group_and_its_cell(
    tmp_path: Path, name: str, space_group: int, mz: int, expected: bool
) -> None:
    path = write_legacy_map(tmp_path / name, space_group, mz)
    assert is_stack(path, read_map_header(path)) is expected


def test_a_gzipped_stack_has_its_name(tmp_path: Path) -> None:
    write_map(tmp_path / "stack.mrcs.gz", VALUES, 1.5)
    with pytest.raises(ValueError, match="name of a stack of images, expected a map"):
        read_wanted_map(tmp_path / "stack.mrcs.gz")


@pytest.mark.parametrize(
    "kind", [FourierVoxelGridVolume, FourierVoxelSplineVolume, RealVoxelGridVolume]
)
def test_no_volume_is_made_of_a_stack(tmp_path: Path, kind) -> None:
    stacks.write(tmp_path / "stack.mrcs", VALUES)
    renamed = (tmp_path / "stack.mrcs").rename(tmp_path / "stack.mrc")
    np.testing.assert_array_equal(read_map(renamed).data, VALUES)
    with pytest.raises(ValueError, match=r"stack\.mrc: a header of a stack of images, expected"):
        kind.from_map(renamed)
    assert kind.from_map(write_legacy_map(tmp_path / "map.mrc")).voxel_size == 1.5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_said_of_the_file(tmp_path: Path, value: float) -> None:
    path = write_legacy_map(tmp_path / "map.mrc")
    with mrcfile.open(path, "r+") as mrc:
        mrc.data[1, 2, 3] = value
    message = rf"map\.mrc: expected finite values, got {value} in voxel \(3, 2, 1\) .* first of 1"
    with pytest.raises(ValueError, match=message):
        RealVoxelGridVolume.from_map(path)


STRUCTURE = b"ATOM      1  C   ALA A   1       1.000   2.000   3.000  1.00 10.00           C\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.mrc", b"<html>not found</html>", True),
        ("A.MRC.GZ", b"<html>not found</html>", True),
        ("a.map.bz2", b"BZh91AY&SY", True),
        ("a.ccp4", b"", True),
        ("a.mrcs", b"rubbish", True),
        ("a.rec", b"rubbish", True),
        ("a.mrc.gz", b"\x1f\x8b" + bytes(50), True),
        ("a.mrc", STRUCTURE, False),
        ("a.mrc.gz", gzip.compress(STRUCTURE, mtime=0), False),
        ("a.pdb", b"rubbish", False),
        ("a", b"", False),
    ],
)
def test_the_name_says_what_was_meant_where_the_content_is_neither(
    tmp_path: Path, name: str, content: bytes, expected: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_meant_as_map(tmp_path / name) is expected


def test_a_map_is_one_under_any_name(tmp_path: Path) -> None:
    path = write_legacy_map(tmp_path / "map.mrc").rename(tmp_path / "model.pdb")
    assert is_meant_as_map(path)
