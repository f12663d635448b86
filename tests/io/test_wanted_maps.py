"""Whether a file is a map or a stack, and maps where no stack will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import pytest

from numbavol import FourierVoxelGridVolume, FourierVoxelSplineVolume, RealVoxelGridVolume
from numbavol.io import read_map, read_map_header, write_map
from numbavol.io.wanted_maps import is_stack, read_wanted_map
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
