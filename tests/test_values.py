"""Objects of arrays, and copies of them: equal, and as read-only."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import numbavol
from numbavol.atoms import PengScatteringFactorParameters
from numbavol.values import freeze

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ATOMS = numbavol.Atoms.from_arrays([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]], 6, b_factors=20.0)
STILL = numbavol.make_gaussian_mixture(ATOMS)
OF_OWN_ARRAYS = [
    ATOMS,
    ATOMS.labels,
    STILL,
    numbavol.make_independent_atoms(ATOMS),
    numbavol.ThermalVolume(STILL, 20.0),
    numbavol.EnsembleVolume([STILL, STILL]),
    PengScatteringFactorParameters([6, 8]),
    numbavol.NoiseSpectrum([0.0, 0.5], [4.0, 2.0]),
    numbavol.DetectorCurve([0.0, 0.5], [1.0, 0.4]),
    numbavol.CTF([5000.0, 8000.0]),
    numbavol.draw_random_poses(2, rng=0),
    numbavol.FourierGaussian(1.0, 2.0),
]
COPIES = [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
WAYS = pytest.mark.parametrize("make_copy", COPIES, ids=["copy", "deepcopy", "pickle"])


def find_arrays(value: object) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, (tuple, list)):
        return [array for each in value for array in find_arrays(each)]
    return [
        array for each in getattr(value, "__dict__", {}).values() for array in find_arrays(each)
    ]


@WAYS
@pytest.mark.parametrize("value", OF_OWN_ARRAYS, ids=lambda value: type(value).__name__)
def test_arrays_that_are_nobody_elses_are_read_only_in_copies(
    value: object, make_copy: Callable[[object], object]
) -> None:
    same = make_copy(value)
    assert same == value
    assert hash(same) == hash(value)
    assert not any(array.flags.writeable for array in [*find_arrays(value), *find_arrays(same)])


@WAYS
def test_maps_and_headers_are_values(tmp_path: Path, make_copy: Callable[[Any], Any]) -> None:
    path = tmp_path / "map.mrc"
    numbavol.write_map(path, np.arange(60.0).reshape(3, 4, 5), 1.5, labels=["a line"])
    for read in (numbavol.read_map, numbavol.read_map_header):
        value = read(path)
        assert value == read(path)
        assert make_copy(value) == value
        assert hash(make_copy(value)) == hash(value)
        assert dataclasses.replace(value, origin=value.origin + 1.0) != value
    density = numbavol.read_map(path)
    # Its arrays are the caller's.
    density.data[0, 0, 0] = 7.0
    assert density != numbavol.read_map(path)
    make_copy(density).data[0, 0, 0] = 8.0


def test_what_is_frozen_shares_no_memory_that_others_can_write_to() -> None:
    array = np.arange(6.0).reshape(2, 3)
    view = array.view()
    view.setflags(write=False)
    for given in (array, view, array.T, array.astype(">f8")):
        frozen = freeze(given)
        assert not np.shares_memory(frozen, array)
        assert not frozen.flags.writeable
        assert frozen.flags.c_contiguous
        assert frozen.dtype == np.dtype("=f8")
        np.testing.assert_array_equal(frozen, given)
        assert freeze(frozen) is frozen


def test_values_with_what_is_not_a_number_equal_their_copies(tmp_path: Path) -> None:
    data = np.zeros((2, 3, 4), np.float32)
    numbavol.write_map(tmp_path / "map.mrc", data, 1.0)
    real = numbavol.read_map(tmp_path / "map.mrc")
    holed = dataclasses.replace(real, data=np.full((2, 3, 4), np.nan, np.float32))
    assert holed == copy.deepcopy(holed)
    assert holed != real
