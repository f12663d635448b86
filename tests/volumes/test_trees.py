"""Trees of arrays and operators: walked alike, rebuilt alike, and told apart in messages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numbavol import FourierGaussian, IndependentAtomVolume
from numbavol.volumes.trees import collect_leaves, describe_tree, map_leaves, map_like


class Pair(NamedTuple):
    heavy: object
    light: object


keys = st.one_of(st.sampled_from(["a", "b", "C 1"]), st.integers(0, 2))
LEAF = None


def containers(children):
    return st.one_of(
        st.lists(children, min_size=1, max_size=3),
        st.lists(children, min_size=1, max_size=3).map(tuple),
        st.dictionaries(keys, children, min_size=1, max_size=3),
        st.builds(Pair, children, children),
    )


# The structure alone: its leaves are None.
structures = st.recursive(st.just(LEAF), containers, max_leaves=6)


def fill(structure, make, path=""):
    """Another way through a tree than the package's: ``make`` gets where the leaf is."""
    if structure is LEAF:
        return make(path)
    if isinstance(structure, dict):
        return {key: fill(child, make, f"{path}[{key!r}]") for key, child in structure.items()}
    children = [fill(child, make, f"{path}[{n}]") for n, child in enumerate(structure)]
    if isinstance(structure, Pair):
        return Pair(*children)
    return children if isinstance(structure, list) else tuple(children)


def collect_paths(structure):
    paths = []
    fill(structure, paths.append)
    return paths


def make_positions(structure):
    return fill(structure, lambda path: np.full((1 + len(path) % 3, 3), 1.0))


def make_factors(structure):
    return fill(structure, lambda path: FourierGaussian(1.0, 10.0 + len(path)))


@given(structures)
def test_every_leaf_is_seen_once_and_named_by_the_expression_that_gets_it(structure):
    tree = fill(structure, lambda path: f"leaf{path}")
    seen = []

    def look(name, leaf):
        seen.append((name, leaf))
        return leaf.upper()

    mapped = map_leaves(look, "tree", tree)
    assert seen == [(f"tree{path}", f"leaf{path}") for path in collect_paths(structure)]
    assert all(eval(name, {"tree": tree}) == leaf for name, leaf in seen)
    assert mapped == fill(structure, lambda path: f"leaf{path}".upper())
    assert repr(mapped).upper() == repr(tree).upper()  # Named tuples are still named tuples.
    assert collect_leaves(tree) == [leaf for _, leaf in seen]


@given(structures)
def test_a_tree_like_another_gives_each_leaf_its_counterpart(structure):
    tree = fill(structure, lambda path: f"one{path}")
    like = fill(structure, lambda path: f"other{path}")
    mapped = map_like(lambda *found: found, "tree", tree, like)
    expected = fill(structure, lambda path: (f"tree{path}", f"one{path}", f"other{path}"))
    assert mapped == expected
    assert map_like(lambda _, leaf, __: leaf, "tree", tree, like) == tree


@given(structures)
def test_a_volume_keeps_the_structure(structure):
    positions, factors = make_positions(structure), make_factors(structure)
    volume = IndependentAtomVolume(positions, factors)
    assert describe_tree(volume.position_pytree) == describe_tree(positions)
    assert describe_tree(volume.scattering_factor_pytree) == describe_tree(factors)
    assert len(volume.groups()) == len(collect_paths(structure))


@given(structures, structures)
def test_another_structure_is_an_error_that_shows_both_at_the_node(one, other):
    # Where a leaf of the factors meets a container, the container is read as rows of positions.
    assume(is_lacking(one, other))
    positions, factors = make_positions(one), make_factors(other)
    with pytest.raises(ValueError, match=r"position_pytree.*expected the structure") as caught:
        IndependentAtomVolume(positions, factors)
    message = str(caught.value)
    node, _, rest = message.partition(": expected the structure ")
    expected, _, got = rest.partition(", got ")
    scope = {"position_pytree": positions, "factors": factors}
    assert got == describe_tree(eval(node, scope))
    at_node = node.replace("position_pytree", "factors")
    assert expected == describe_tree(eval(at_node, scope))


def is_lacking(one, other):
    """Whether a node of `other` has no counterpart, before any leaf of it meets a container."""
    if other is LEAF:
        return False
    if one is LEAF or not isinstance(one, type(other)):
        return True
    mine = list(one) if isinstance(one, dict) else range(len(one))
    its = list(other) if isinstance(other, dict) else range(len(other))
    if set(mine) != set(its):
        return True
    for key in its:
        if other[key] is LEAF and one[key] is not LEAF:
            return False
        if is_lacking(one[key], other[key]):
            return True
    return False


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (np.zeros((4, 3)), "array(4, 3)"),
        (FourierGaussian(), "FourierGaussian"),
        ((np.zeros((4, 3)),), "(array(4, 3),)"),
        ([np.zeros((4, 3)), np.zeros((1, 3))], "[array(4, 3), array(1, 3)]"),
        ([np.zeros((4, 3)), np.zeros((4, 3))], "[array(4, 3), array(4, 3)]"),
        ([[0.0, 0.0, 0.0], [1, 2, 3]], "array(2, 3)"),
        ({"a": ([[1, 2, 3]], None), 1: {}}, "{'a': (array(1, 3), NoneType), 1: {}}"),
        ([], "[]"),
        ((), "()"),
    ],
    ids=str,
)
def test_a_tree_is_described_by_shapes_and_classes(tree, expected):
    assert describe_tree(tree) == expected


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ({"a": np.zeros((1, 3))}, r"expected the structure FourierGaussian, got \{'a': array"),
        ((np.zeros((1, 3)), np.zeros((2, 3))), r"expected the structure FourierGaussian, got \("),
    ],
    ids=["dict", "tuple"],
)
def test_more_structure_than_the_factors_have_is_an_error_that_shows_both(positions, message):
    with pytest.raises(ValueError, match=message):
        IndependentAtomVolume(positions, FourierGaussian())
