"""Groups of atoms as values: trees, poses, copies and errors."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol import (
    AbstractAtomVolume,
    AbstractVolumeRepresentation,
    EulerAnglePose,
    FourierGaussian,
    FourierSinc,
    IndependentAtomVolume,
    PengScatteringFactor,
)
from numbavol.volumes.trees import collect_leaves

RNG = np.random.default_rng(7)
HEAVY, LIGHT, OTHER = (RNG.normal(size=(n, 3)) * 10 for n in (2, 3, 4))
F, G, H = FourierGaussian(6.0, 30.0), FourierGaussian(2.0, 40.0), FourierSinc(2.0)


class Pair(NamedTuple):
    heavy: object
    light: object


TREES = {
    "an array": (HEAVY, F),
    "tuple": ((HEAVY, LIGHT), (F, G)),
    "list": ([HEAVY, LIGHT], [F, G]),
    "dict": ({"heavy": HEAVY, "light": LIGHT}, {"heavy": F, "light": G}),
    "named tuple": (Pair(HEAVY, LIGHT), Pair(F, G)),
    "nested": ({"a": (HEAVY, [LIGHT]), 3: OTHER}, {"a": (F, [G]), 3: H}),
    "one operator in many places": ((HEAVY, LIGHT), (F, F)),
}


@pytest.fixture(params=TREES)
def volume(request):
    return IndependentAtomVolume(*TREES[request.param])


def make_volume(cls=IndependentAtomVolume):
    return cls(*TREES["nested"])


# Trees.


@pytest.mark.parametrize("kind", TREES)
def test_groups_are_the_leaves_in_their_order(kind):
    positions, factors = TREES[kind]
    groups = IndependentAtomVolume(positions, factors).groups()
    expected = list(zip(collect_leaves(positions), collect_leaves(factors), strict=True))
    assert len(groups) == len(expected)
    for (array, operator), (given_array, given_operator) in zip(groups, expected, strict=True):
        np.testing.assert_array_equal(array, given_array)
        assert operator is given_operator


def test_the_containers_are_of_the_given_kinds():
    tree = make_volume().position_pytree
    assert type(tree) is dict
    assert list(tree) == ["a", 3]
    assert type(tree["a"]) is tuple
    assert type(tree["a"][1]) is list
    pair = IndependentAtomVolume(*TREES["named tuple"]).position_pytree
    assert type(pair) is Pair
    np.testing.assert_array_equal(pair.light, LIGHT)


@pytest.mark.parametrize("kind", [list, tuple, np.float32, np.int64])
def test_rows_of_positions_are_an_array(kind):
    rows = [[0, 1, 2], [3, 4, 5]]
    rows = kind(map(kind, rows)) if kind in (list, tuple) else np.array(rows, kind)
    for positions, factors in [(rows, F), ((rows, rows), (F, G)), ([rows, rows], [F, G])]:
        for array, _ in IndependentAtomVolume(positions, factors).groups():
            np.testing.assert_array_equal(array, [[0, 1, 2], [3, 4, 5]])
            assert array.dtype == np.float64


def test_a_dict_may_have_another_order():
    volume = IndependentAtomVolume({"b": LIGHT, "a": HEAVY}, {"a": F, "b": G})
    assert [(len(positions), operator) for positions, operator in volume.groups()] == [
        (2, F),
        (3, G),
    ]


def test_positions_are_read_only_contiguous_copies(volume):
    for array, _ in volume.groups():
        assert array.dtype == np.dtype(np.float64)
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_what_the_caller_does_later_changes_nothing():
    arrays = [np.ones((2, 3)), np.asfortranarray(np.ones((2, 3))), np.ones((4, 3))[::2]]
    positions, factors = list(arrays), [F, G, H]
    volume = IndependentAtomVolume(positions, factors)
    for array in arrays:
        array[:] = 7
    positions.clear()
    factors.clear()
    assert len(volume.groups()) == 3
    for array, _ in volume.groups():
        np.testing.assert_array_equal(array, np.ones((2, 3)))


# Poses.

angles = st.tuples(*[st.floats(-360, 360)] * 3)


@given(angles, st.booleans())
def test_rotation_turns_every_leaf_and_no_factor(angles, inverse):
    volume = make_volume()
    turned = volume.rotate_to_pose(EulerAnglePose(1, 2, *angles), inverse=inverse)
    matrix = naive.rotation_zyz(*angles)
    for (array, operator), (before, factor) in zip(turned.groups(), volume.groups(), strict=True):
        expected = before @ (matrix if inverse else matrix.T)
        np.testing.assert_allclose(array, expected, rtol=0, atol=1e-12)  # eps * 40 * few
        assert operator is factor
    assert type(turned.position_pytree["a"]) is tuple


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        (EulerAnglePose(1.5, -2.5, 20, 50, 70), [1.5, -2.5, 0]),
        (EulerAnglePose(1.5, -2.5, 20, 50, 70, offset_z_in_angstroms=3.5), [1.5, -2.5, 3.5]),
        (EulerAnglePose(phi_angle=30), [0, 0, 0]),
    ],
    ids=["two components", "three components", "no offset"],
)
def test_translation_moves_every_leaf(volume, pose, expected):
    before = [array.copy() for array, _ in volume.groups()]
    moved = volume.translate_to_pose(pose)
    for array, (new, _), (old, _) in zip(before, moved.groups(), volume.groups(), strict=True):
        np.testing.assert_array_equal(new, array + expected)
        np.testing.assert_array_equal(old, array)
        assert not new.flags.writeable
    assert moved.scattering_factor_pytree == volume.scattering_factor_pytree


@pytest.mark.parametrize("move", ["rotate_to_pose", "translate_to_pose"])
def test_a_subclass_stays_one_and_many_poses_are_an_error(move):
    class OtherVolume(IndependentAtomVolume):
        pass

    other = make_volume(OtherVolume)
    assert type(getattr(other, move)(EulerAnglePose(1, 2, 3))) is OtherVolume
    with pytest.raises(ValueError, match=r"expected one pose, got .*2"):
        getattr(other, move)(EulerAnglePose(np.ones(2)))


def test_a_volume_represents_itself(volume):
    assert volume.get_representation() is volume
    assert volume.get_representation(rng=3) is volume
    assert isinstance(volume, (AbstractAtomVolume, AbstractVolumeRepresentation))


# Values.


def test_a_volume_is_frozen():
    for name in ("position_pytree", "scattering_factor_pytree"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(make_volume(), name, ())


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, dataclasses.replace, lambda v: pickle.loads(pickle.dumps(v))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_a_duplicate_is_equal_and_read_only(duplicate, volume):
    other = duplicate(volume)
    assert type(other) is IndependentAtomVolume
    assert other is not volume
    assert other == volume
    assert hash(other) == hash(volume)
    assert type(other.position_pytree) is type(volume.position_pytree)
    assert all(not array.flags.writeable for array, _ in other.groups())


def test_volumes_made_alike_are_equal_and_hash_alike():
    for positions, factors in TREES.values():
        one, other = (IndependentAtomVolume(positions, factors) for _ in range(2))
        assert one == other
        assert hash(one) == hash(other)


def test_every_difference_makes_a_difference():
    volume = make_volume()
    moved = LIGHT.copy()
    moved[-1, -1] = np.nextafter(moved[-1, -1], np.inf)
    positions, factors = TREES["nested"]
    others = [
        IndependentAtomVolume({"a": (HEAVY, [moved]), 3: OTHER}, factors),
        IndependentAtomVolume({"a": (HEAVY, [LIGHT[:2]]), 3: OTHER}, factors),
        IndependentAtomVolume(positions, {"a": (F, [F]), 3: H}),
        IndependentAtomVolume({"a": (HEAVY, (LIGHT,)), 3: OTHER}, {"a": (F, (G,)), 3: H}),
        IndependentAtomVolume({"b": (HEAVY, [LIGHT]), 3: OTHER}, {"b": (F, [G]), 3: H}),
    ]
    for other in others:
        assert (other == volume) is False
        assert (volume != other) is True


def test_comparison_is_a_bool_for_anything():
    class OtherVolume(IndependentAtomVolume):
        pass

    volume = make_volume()
    for other in (None, 1, "volume", HEAVY, np.float64(1), make_volume(OtherVolume)):
        assert (volume == other) is False
        assert (other == volume) is False


def test_equal_dicts_of_another_order_hash_alike():
    one = IndependentAtomVolume({"a": HEAVY, "b": LIGHT}, {"a": F, "b": G})
    other = IndependentAtomVolume({"b": LIGHT, "a": HEAVY}, {"b": G, "a": F})
    assert one != other or hash(one) == hash(other)


def test_the_repr_counts():
    assert repr(make_volume()) == "IndependentAtomVolume(9 atoms in 3 groups)"
    assert repr(IndependentAtomVolume([[0, 0, 0]], F)) == "IndependentAtomVolume(1 atom in 1 group)"


def test_replace_checks_what_is_new():
    volume = make_volume()
    with pytest.raises(ValueError, match="expected the structure"):
        dataclasses.replace(volume, scattering_factor_pytree=(F, G, H))
    changed = dataclasses.replace(volume, scattering_factor_pytree={"a": (G, [G]), 3: G})
    assert [operator for _, operator in changed.groups()] == [G, G, G]


# Errors.

NAN = np.array([[0, 0, np.nan]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((0, 3)), r"expected one atom or more, got shape \(0, 3\)"),
        (NAN, r"expected finite values, got nan \(1 of 3\)"),
        (-np.inf * np.ones((2, 3)), r"expected finite values, got -inf \(6 of 6\)"),
        (np.zeros(3), r"expected shape \(n, 3\), got \(3,\)"),
        (np.zeros((4, 2)), r"expected shape \(n, 3\), got \(4, 2\)"),
        (np.zeros((2, 4, 3)), r"expected shape \(n, 3\), got \(2, 4, 3\)"),
        ([[0, 0, 0], [0, 0]], "expected an array of real numbers, got rows of unequal length"),
        ([[0, 0, 1j]], "expected real numbers, got dtype complex128"),
        ([["x", "y", "z"]], "expected real numbers, got dtype <U1"),
        (None, "expected real numbers, got dtype object"),
    ],
    ids=repr,
)
def test_wrong_positions_are_an_error_that_names_their_leaf(wrong, message):
    places = {
        r"position_pytree": (wrong, F),
        r"position_pytree\[1\]": ((HEAVY, wrong), (F, G)),
        r"position_pytree\['a'\]\[1\]\[0\]": ({"a": (HEAVY, [wrong])}, {"a": (F, [G])}),
        r"position_pytree\['C 1'\]": ({2: HEAVY, "C 1": wrong}, {2: F, "C 1": G}),
    }
    for place, (positions, factors) in places.items():
        with pytest.raises(ValueError, match=f"^{place}: {message}"):
            IndependentAtomVolume(positions, factors)


@pytest.mark.parametrize(
    "wrong",
    [None, 3.0, np.ones(3), "C", FourierGaussian, lambda k: k],
    ids=["None", "a number", "an array", "a text", "a class", "a function"],
)
def test_another_thing_than_an_operator_is_an_error_that_names_its_leaf(wrong):
    message = rf"expected a Fourier operator, got {type(wrong).__name__}; CustomFourierOperator"
    with pytest.raises(TypeError, match=f"^scattering_factor_pytree: {message}"):
        IndependentAtomVolume(HEAVY, wrong)
    with pytest.raises(TypeError, match=rf"^scattering_factor_pytree\['a'\]\[1\]: {message}"):
        IndependentAtomVolume({"a": (HEAVY, LIGHT)}, {"a": (F, wrong)})


def test_peng_factors_of_a_table_are_groups_too():
    factor = PengScatteringFactor([1.0, 2.0], [3.0, 4.0], 5.0)
    assert IndependentAtomVolume(HEAVY, factor).groups()[0][1] is factor
