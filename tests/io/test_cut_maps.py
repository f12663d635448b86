"""Whether a map file is whole."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numbavol.io import cut_maps, read_map, read_map_header, write_map
from numbavol.io.cut_maps import describe_cut

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (12, 14, 16)
N_BYTES = 1024 + 4 * 12 * 14 * 16


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "map.mrc"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("map") / "map.mrc.gz"
    # Zeros at the end, which are packed together.
    voxels = np.random.default_rng(0).random(SHAPE, np.float32)
    voxels[6:] = 0.0
    write_map(path, voxels, 1.5)
    return path.read_bytes()


def describe(path: Path, content: bytes) -> str | None:
    path.write_bytes(content)
    return describe_cut(path, read_map_header(path))


def test_a_whole_file_is_whole_packed_or_not(path: Path, packed: bytes) -> None:
    unpacked = gzip.decompress(packed)
    assert describe(path, packed) is None
    assert describe(path, unpacked) is None
    assert describe(path, unpacked + bytes(10)) is None
    assert describe(path, gzip.compress(unpacked + bytes(10))) is None
    in_two_members = gzip.compress(unpacked[:5000]) + gzip.compress(unpacked[5000:])
    assert describe(path, in_two_members) is None
    assert describe(path, in_two_members + bytes(512)) is None


def test_a_whole_file_is_not_unpacked(
    path: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cut_maps, "_unpack")
    assert describe(path, packed) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_read_map_refuses_as_cut_is_said(
    data: st.DataObject, path: Path, packed: bytes
) -> None:
    n_kept = data.draw(st.integers(1500, len(packed) - 1))
    said = describe(path, packed[:n_kept])
    assert said is not None
    assert said.startswith("the file is cut short: ")
    with pytest.raises(ValueError, match="not a map that can be read"):
        read_map(path)


def test_bytes_are_those_that_can_be_unpacked(path: Path, packed: bytes) -> None:
    unpacked = gzip.decompress(packed)
    message = f"the file is cut short: 5000 bytes of {N_BYTES}"
    assert describe(path, unpacked[:5000]) == message
    assert describe(path, gzip.compress(unpacked[:5000])) == message
    assert describe(path, gzip.compress(unpacked, compresslevel=0)[: 5000 + 15]) == message
    assert describe(path, packed[:-6]) == (
        "the file is cut short: the end of its compression is missing"
    )


def test_damage_is_no_cut(path: Path, packed: bytes) -> None:
    described = describe(path, packed[:-8] + bytes(8))
    assert described is not None
    assert described.startswith("its compression is damaged: CRC check failed")
