"""The copies of a helix."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol

ANGLES, RISES = st.floats(-360, 360), st.floats(-100, 100)


@given(rise=RISES, twist=ANGLES, n=st.integers(1, 30))
def test_each_subunit_is_one_step_from_the_last(rise: float, twist: float, n: int) -> None:
    rotations, translations = numbavol.make_helical_operators(rise, twist, n)
    step = numbavol.make_helical_operators(rise, twist, 3)
    point = np.array([3.0, -1.0, 2.0])
    places = rotations @ point + translations
    for one, other in itertools.pairwise(places):
        expected = step.rotations[2] @ one + step.translations[2]
        np.testing.assert_allclose(other, expected, atol=1e-9)


@given(rise=RISES, twist=ANGLES, n=st.integers(1, 30))
def test_the_subunit_itself_is_in_the_middle(rise: float, twist: float, n: int) -> None:
    rotations, translations = numbavol.make_helical_operators(rise, twist, n)
    middle = (n - 1) // 2
    np.testing.assert_allclose(rotations[middle], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(translations[middle], 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.nan, 1.0, 3), "rise_in_angstroms: expected a finite number, got nan"),
        ((1.0, np.inf, 3), "twist_in_degrees: expected a finite number, got inf"),
        (("long", 1.0, 3), "rise_in_angstroms: expected"),
        ((1.0, [1.0, 2.0], 3), "twist_in_degrees: expected a finite number"),
        ((1.0, 1.0, 0), "n_subunits: expected a whole number above 0, got 0"),
        ((1.0, 2.0, 2.5), "n_subunits: expected a whole number above 0, got 2.5"),
    ],
)
def test_bad_helices_are_named(arguments: tuple[float, float, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        numbavol.make_helical_operators(*arguments)
