from __future__ import annotations

import copy
import dataclasses
import pickle

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from numbavol.atoms import PengScatteringFactorParameters

atomic_numbers = arrays(np.int64, st.integers(1, 20), elements=st.integers(1, 98))


def test_the_printed_table():
    # International Tables C, table 4.3.2.2.
    parameters = PengScatteringFactorParameters([1, 6, 15, 98])
    assert_array_equal(
        parameters.a,
        [
            [0.0349, 0.1201, 0.1970, 0.0573, 0.1195],
            [0.0893, 0.2563, 0.7570, 1.0487, 0.3575],
            [0.2548, 0.6106, 1.4541, 2.3204, 0.8477],
            [1.2089, 2.7391, 4.3482, 4.0047, 4.6497],
        ],
    )
    assert_array_equal(
        parameters.b,
        [
            [0.5347, 3.5867, 12.3471, 18.9525, 38.6269],
            [0.2465, 1.7100, 6.4094, 18.6113, 50.2523],
            [0.2908, 1.8740, 8.5176, 24.3434, 63.2996],
            [0.2421, 1.7487, 6.7262, 23.2153, 80.3108],
        ],
    )


@given(atomic_numbers)
def test_every_row_is_gemmis(numbers):
    parameters = PengScatteringFactorParameters(numbers)
    assert parameters.a.dtype == parameters.b.dtype == np.float64
    assert parameters.a.shape == parameters.b.shape == (len(numbers), 5)
    for number, a, b in zip(numbers, parameters.a, parameters.b, strict=True):
        coefficients = gemmi.Element(int(number)).c4322
        assert_array_equal(np.float32(a), np.float32(coefficients.a))
        assert_array_equal(np.float32(b), np.float32(coefficients.b))


def test_every_number_has_four_decimals_and_every_width_is_positive():
    parameters = PengScatteringFactorParameters(np.arange(1, 99))
    for values in (parameters.a, parameters.b):
        assert_array_equal(values, values.round(4))
    assert parameters.b.min() > 0


def test_only_the_documented_amplitudes_are_negative():
    parameters = PengScatteringFactorParameters(np.arange(1, 99))
    elements = np.flatnonzero((parameters.a < 0).any(axis=1)) + 1
    assert [gemmi.Element(int(z)).name for z in elements] == ["Rb", "Np"]


def test_amplitudes_at_zero_are_of_one_scale_with_the_number_of_electrons():
    # Between helium's 0.4 and radium's 20.5 angstroms.
    total = PengScatteringFactorParameters(np.arange(1, 99)).a.sum(axis=1)
    assert (total > 0.4).all()
    assert (total < 21).all()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([6, 0, 0], r"an unknown element \(0\) in 2 atoms"),
        ([99], r"Es \(99\) in 1 atom$"),
        ([6, 118, 99], r"Es \(99\) in 1 atom, Og \(118\) in 1 atom"),
        ([-1], "-1, which is no element, in 1 atom"),
        ([119], "119, which is no element, in 1 atom"),
        ([[6]], r"expected shape \(n,\), not \(1, 1\)"),
        (6, r"expected shape \(n,\), not \(\)"),
    ],
)
def test_what_is_not_in_the_table_is_named(numbers, message):
    with pytest.raises(ValueError, match="atomic_numbers: .*" + message):
        PengScatteringFactorParameters(numbers)


@pytest.mark.parametrize("numbers", [[6.0], ["C"], [True]])
def test_atomic_numbers_are_integers(numbers):
    with pytest.raises(ValueError, match="atomic_numbers: expected integers"):
        PengScatteringFactorParameters(numbers)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, ">i4"])
def test_any_integer_type(dtype):
    numbers = np.array([1, 6, 98], dtype)
    numbers.flags.writeable = False
    assert PengScatteringFactorParameters(numbers) == PengScatteringFactorParameters([1, 6, 98])


def test_no_atoms():
    parameters = PengScatteringFactorParameters([])
    assert parameters.a.shape == (0, 5)
    assert repr(parameters) == "PengScatteringFactorParameters(0 atoms)"


@given(atomic_numbers)
def test_copies_are_equal(numbers):
    parameters = PengScatteringFactorParameters(numbers)
    for other in (
        copy.copy(parameters),
        copy.deepcopy(parameters),
        pickle.loads(pickle.dumps(parameters)),
        dataclasses.replace(parameters),
    ):
        assert other == parameters
        assert_array_equal(other.a, parameters.a)
        assert_array_equal(other.b, parameters.b)


def test_replace_looks_the_elements_up():
    parameters = dataclasses.replace(PengScatteringFactorParameters([6]), atomic_numbers=[7, 8])
    assert_array_equal(parameters.a, PengScatteringFactorParameters([7, 8]).a)


def test_comparison_is_one_answer():
    parameters = PengScatteringFactorParameters([6, 7])
    assert (parameters == PengScatteringFactorParameters([6, 7])) is True
    assert (parameters == PengScatteringFactorParameters([6])) is False
    assert (parameters != PengScatteringFactorParameters([7, 6])) is True
    assert (parameters == 3) is False


def test_it_is_frozen():
    parameters = PengScatteringFactorParameters([6])
    with pytest.raises(dataclasses.FrozenInstanceError):
        parameters.a = parameters.b


def test_repr_is_short():
    parameters = PengScatteringFactorParameters([6, 7, 6] * 10**5)
    assert repr(parameters) == "PengScatteringFactorParameters(300000 atoms: C, N)"


def test_the_table_cannot_be_changed_through_a_result():
    with pytest.raises(ValueError, match="read-only"):
        PengScatteringFactorParameters([6]).a[:] = 0
    numbers = np.array([6])
    parameters = PengScatteringFactorParameters(numbers)
    numbers[0] = 8
    assert parameters == PengScatteringFactorParameters([6])
    assert hash(parameters) == hash(PengScatteringFactorParameters([6]))
