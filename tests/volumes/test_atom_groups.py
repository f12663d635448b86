"""Atoms of a structure put into groups: by element, and by their B-factors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numbavol import (
    IndependentAtomVolume,
    PengScatteringFactor,
    PengScatteringFactorParameters,
    split_atoms_by_element,
)

ELEMENTS = [1, 6, 8, 26]
BY_ELEMENT = [np.full((n, 3), float(n)) for n in (1, 2, 3, 4)]


# Tabulated parameters.


@pytest.mark.parametrize("given_b", [None, 0.0, 20, np.float32(5), [1.0, 2.0, 3.0, 4.0]], ids=repr)
def test_each_element_has_its_row_of_the_table_and_its_b_factor(given_b):
    parameters = PengScatteringFactorParameters(ELEMENTS)
    volume = IndependentAtomVolume.from_tabulated_parameters(
        BY_ELEMENT, parameters, b_factor_by_element=given_b
    )
    assert type(volume.position_pytree) is type(volume.scattering_factor_pytree) is tuple
    expected_b = np.broadcast_to(0.0 if given_b is None else given_b, 4)
    for n, (positions, factor) in enumerate(volume.groups()):
        np.testing.assert_array_equal(positions, BY_ELEMENT[n])
        np.testing.assert_array_equal(factor.a, parameters.a[n])
        np.testing.assert_array_equal(factor.b, parameters.b[n])
        assert (factor.b_factor or 0.0) == expected_b[n]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions_by_element": BY_ELEMENT[:3]}, "^positions_by_element: .* 4 elements.* got 3"),
        ({"positions_by_element": []}, "^positions_by_element: expected .* 4 elements.* got 0"),
        ({"b_factor_by_element": [1, 2, 3]}, r"^b_factor_by_element: .* or 4.* got shape \(3,\)"),
        ({"b_factor_by_element": [1.0]}, r"^b_factor_by_element: .* or 4.* got shape \(1,\)"),
        ({"b_factor_by_element": np.ones((4, 1))}, r"^b_factor_by_element: .* shape \(4, 1\)"),
        ({"b_factor_by_element": "20"}, "^b_factor_by_element: expected real numbers"),
        ({"b_factor_by_element": np.nan}, "b_factor.*: expected finite values, got nan"),
        ({"b_factor_by_element": -50.0}, "b_factor: expected values above 0, got -"),
        (
            {"positions_by_element": [*BY_ELEMENT[:3], np.zeros((0, 3))]},
            r"^position_pytree\[3\]: expected one atom or more",
        ),
    ],
)
def test_lengths_that_differ_are_an_error(changes, message):
    arguments = {
        "positions_by_element": BY_ELEMENT,
        "parameters": PengScatteringFactorParameters(ELEMENTS),
    } | changes
    with pytest.raises(ValueError, match=message):
        IndependentAtomVolume.from_tabulated_parameters(**arguments)


# Atoms.

# Closer ones than the rounding of B + b are one.
b_values = st.one_of(
    st.sampled_from([0.0, 10.0, 20.0]), st.floats(0.0, 300.0).map(lambda b: round(b, 6))
)


@st.composite
def structures(draw):
    """Atoms at places that tell them apart."""
    atoms = draw(st.lists(st.tuples(st.sampled_from(ELEMENTS), b_values), min_size=1, max_size=40))
    numbers, b_factors = (np.array(column) for column in zip(*atoms, strict=True))
    positions = np.stack([np.arange(len(atoms)), -np.arange(len(atoms)), numbers], axis=1)
    return positions, numbers, b_factors


def groups_of(volume):
    """For each group, which atoms are in it (their x is their number), and the factor."""
    return [(positions[:, 0].astype(int), factor) for positions, factor in volume.groups()]


@given(structures(), st.integers(1, 8))
def test_every_atom_is_in_one_group_of_its_element(structure, n_bins):
    positions, numbers, b_factors = structure
    groups = groups_of(IndependentAtomVolume.from_atoms(*structure, n_bins))
    members = np.concatenate([atoms for atoms, _ in groups])
    assert sorted(members) == list(range(len(positions)))
    keys = []
    for atoms, factor in groups:
        (element,) = set(numbers[atoms].tolist())
        parameters = PengScatteringFactorParameters([element])
        np.testing.assert_array_equal(factor.a, parameters.a[0])
        np.testing.assert_array_equal(factor.b, parameters.b[0])
        # A mean of up to 40 numbers, each rounded.
        assert factor.b_factor == pytest.approx(np.mean(b_factors[atoms]), rel=1e-14)
        keys.append((element, factor.b_factor))
    assert keys == sorted(keys)
    for element in set(numbers.tolist()):
        assert sum(1 for key in keys if key[0] == element) <= n_bins


@given(structures())
def test_no_more_b_factors_than_bins_are_kept(structure):
    _, numbers, b_factors = structure
    n_bins = max(len(set(b_factors[numbers == z])) for z in set(numbers.tolist()))
    groups = groups_of(IndependentAtomVolume.from_atoms(*structure, n_bins))
    assert len(groups) == len(set(zip(numbers.tolist(), b_factors.tolist(), strict=True)))
    for atoms, factor in groups:
        assert len(set(b_factors[atoms])) == 1
        # The mean of equal numbers is not always the number: see the test below.
        assert factor.b_factor == pytest.approx(b_factors[atoms[0]], rel=1e-14)


def test_equal_b_factors_are_kept_exactly():
    volume = IndependentAtomVolume.from_atoms(np.zeros((3, 3)), [6, 6, 6], [0.1, 0.1, 0.1])
    assert volume.groups()[0][1].b_factor == 0.1


@given(structures(), st.integers(1, 6))
def test_the_factor_of_every_atom_errs_within_the_documented_bound(structure, n_bins):
    _, numbers, b_factors = structure
    # |k|^2 from where nothing has fallen off to where all has.
    squared = np.concatenate([[0.0], np.geomspace(1e-6, 1e3, 400)])
    for atoms, factor in groups_of(IndependentAtomVolume.from_atoms(*structure, n_bins)):
        of_element = b_factors[numbers == numbers[atoms[0]]]
        assert np.all(factor.a > 0), "the bound is promised for amplitudes of one sign"
        smallest = factor.b.min()
        if len(set(of_element)) <= n_bins:
            ratio = 1.0
        else:
            ratio = ((of_element.max() + smallest) / (of_element.min() + smallest)) ** (1 / n_bins)
        allowed = (ratio - 1) / math.e * factor.a.sum()
        got = factor.compute_radially(squared)
        for atom in atoms:
            exact = PengScatteringFactor(factor.a, factor.b, b_factors[atom])
            error = np.abs(got - exact.compute_radially(squared)).max()
            # Means, edges and exponentials round.
            assert error <= allowed * (1 + 1e-9) + 1e-13 * factor.a.sum()


def test_the_documented_example_of_the_bound():
    # Where b is small beside 10: the bound for B from 10 to 200 in 32 bins is "3.6 %".
    assert (20 ** (1 / 32) - 1) / math.e == pytest.approx(0.036, abs=5e-4)
    assert (20 ** (1 / 64) - 1) / math.e == pytest.approx(0.018, abs=5e-4)


@given(structures(), st.integers(1, 6))
def test_the_sum_at_the_zero_frequency_is_kept(structure, n_bins):
    numbers = structure[1]
    volume = IndependentAtomVolume.from_atoms(*structure, n_bins)
    got = sum(len(positions) * factor.a.sum() for positions, factor in volume.groups())
    assert got == pytest.approx(PengScatteringFactorParameters(numbers).a.sum(), rel=1e-13)


@pytest.mark.parametrize("given_b", [None, 7.5, np.full(5, 7.5)], ids=["none", "one", "each"])
def test_one_b_factor_makes_one_group_an_element(given_b):
    positions = np.arange(15.0).reshape(5, 3)
    volume = IndependentAtomVolume.from_atoms(positions, [8, 6, 8, 6, 1], given_b)
    assert [len(group) for group, _ in volume.groups()] == [1, 2, 2]
    np.testing.assert_array_equal(volume.groups()[1][0], positions[[1, 3]])
    assert {factor.b_factor for _, factor in volume.groups()} == {0.0 if given_b is None else 7.5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": np.zeros((2, 2))}, r"^positions: expected shape \(n, 3\), got \(2, 2\)"),
        ({"positions": [[0, 0, np.inf]] * 2}, "^positions: expected finite values, got inf"),
        ({"atomic_numbers": [6]}, "^atomic_numbers: expected 2, as positions has, got 1"),
        ({"atomic_numbers": [6, 99]}, "99"),
        ({"atomic_numbers": [6.0, 6.0]}, "^atomic_numbers: expected integers"),
        ({"b_factors": [1.0, 2.0, 3.0]}, r"^b_factors: expected one number or 2, got shape \(3,\)"),
        ({"b_factors": [[1.0, 2.0]]}, r"^b_factors: expected one number or 2, got shape \(1, 2\)"),
        ({"b_factors": [1.0, np.nan]}, "^b_factors: expected finite values, got nan"),
        ({"b_factors": [1.0, -100.0]}, "^b_factors: .* above 0, got -100 for atomic number 8"),
        ({"b_factor_bins": 0}, "^b_factor_bins: expected a whole number above 0, got 0"),
        ({"b_factor_bins": 1.5}, "^b_factor_bins: expected a whole number above 0, got 1.5"),
    ],
)
def test_a_wrong_argument_is_an_error_that_names_it(changes, message):
    arguments = {"positions": np.zeros((2, 3)), "atomic_numbers": [6, 8]} | changes
    with pytest.raises(ValueError, match=message):
        IndependentAtomVolume.from_atoms(**arguments)


@pytest.mark.parametrize("n_bins", [np.nan, np.inf, None], ids=repr)
def test_bins_that_are_no_number_are_an_error_that_names_them(n_bins):
    with pytest.raises(ValueError, match=r"^b_factor_bins: expected a whole number above 0"):
        IndependentAtomVolume.from_atoms([[0, 0, 0]], [6], b_factor_bins=n_bins)


# Splitting by element.

numbers_of_atoms = st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=12)


@given(numbers_of_atoms, st.integers(0, 2), st.booleans())
def test_splitting_is_what_loops_do(numbers, axis, counts_from_the_end):
    shape = [2, 3, 2]
    shape[axis] = len(numbers)
    array = np.arange(math.prod(shape)).reshape(shape)
    (split, (again,)), elements = split_atoms_by_element(
        numbers, (array, [array.copy()]), axis - 3 if counts_from_the_end else axis
    )
    assert elements.tolist() == sorted(set(numbers))
    assert len(split) == len(again) == len(elements)
    for n, element in enumerate(elements):
        rows = [np.take(array, i, axis) for i, z in enumerate(numbers) if z == element]
        np.testing.assert_array_equal(split[n], np.stack(rows, axis))
        np.testing.assert_array_equal(again[n], np.stack(rows, axis))


@given(numbers_of_atoms)
def test_split_properties_keep_the_structure(numbers):
    assume(len(numbers) > 1)
    tree = {"r": np.zeros((len(numbers), 3)), "b": np.arange(len(numbers), dtype=np.float32)}
    split, elements = split_atoms_by_element(np.array(numbers), tree)
    assert list(split) == ["r", "b"]
    assert all(part.dtype == np.float32 for part in split["b"])
    volume = IndependentAtomVolume.from_tabulated_parameters(
        split["r"], PengScatteringFactorParameters(elements)
    )
    assert [len(r) for r, _ in volume.groups()] == [numbers.count(z) for z in elements]


@pytest.mark.parametrize(
    ("tree", "axis", "message"),
    [
        (np.zeros(4), 0, r"^atom_pytree: expected 3 atoms along axis 0, got shape \(4,\)"),
        (np.zeros((3, 2)), 1, r"^atom_pytree: expected 3 atoms along axis 1, got shape \(3, 2\)"),
        (np.zeros(3), 1, r"^atom_pytree: expected 3 atoms along axis 1, got shape \(3,\)"),
        (np.zeros(3), -2, r"^atom_pytree: expected 3 atoms along axis -2, got shape \(3,\)"),
        ({"a": [np.zeros(())]}, 0, r"^atom_pytree\['a'\]\[0\]: expected 3 atoms .* got shape \(\)"),
    ],
)
def test_arrays_of_other_atoms_are_an_error_that_names_the_leaf(tree, axis, message):
    with pytest.raises(ValueError, match=message):
        split_atoms_by_element([6, 8, 6], tree, axis)
