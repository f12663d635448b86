"""Operators in closed form, and what they are made from."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pytest
import specimens
from hypothesis import given

from numbavol.atoms import PengScatteringFactorParameters
from numbavol.ndimage.grids import make_coordinate_grid, make_frequency_grid
from numbavol.ndimage.operators import (
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    PengScatteringFactor,
    ZeroMode,
)

# Closed forms.


@pytest.mark.parametrize("k", [(0.3, -0.4), (0.1, 0.2, -0.3), (0.0, 0.0, 0.0)])
def test_values_at_one_frequency(k):
    squared = sum(q * q for q in k)
    a, b = [0.1, 2.0, -0.3, 1.0, 0.7], [0.5, 3.0, 11.0, 40.0, 100.0]

    def peng(extra):
        return sum(x * math.exp(-(y + extra) * squared / 4) for x, y in zip(a, b, strict=True))

    def sinc(x):
        return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)

    widths = (2.0, 0.5, 3.0)[: len(k)]
    expected = {
        FourierConstant(3): 3.0,
        ZeroMode(): 0.0,
        ZeroMode(4.0): 4.0 if squared == 0 else 0.0,
        FourierGaussian(): math.exp(-squared / 4),
        FourierGaussian(3.0, 50.0): 3 * math.exp(-50 * squared / 4),
        FourierGaussian(1.0, -50.0): math.exp(50 * squared / 4),
        FourierSinc(): math.prod(map(sinc, k)),
        FourierSinc(2.5): math.prod(sinc(2.5 * q) for q in k),
        FourierSinc(widths): math.prod(sinc(w * q) for w, q in zip(widths, k, strict=True)),
        PengScatteringFactor(a, b): peng(0.0),
        PengScatteringFactor(a, b, b_factor=25.0): peng(25.0),
    }
    for operator, value in expected.items():
        np.testing.assert_allclose(operator(k), value, rtol=1e-14, err_msg=repr(operator))


def test_a_gaussian_is_the_transform_of_its_gaussian():
    n, spacing, b_factor = 64, 0.25, 40.0
    variance = b_factor / (8 * np.pi**2)
    r = make_coordinate_grid((n, n), spacing)
    density = np.exp(-(r**2).sum(-1) / (2 * variance)) / (2 * np.pi * variance)
    transform = np.fft.fftn(np.fft.ifftshift(density)) * spacing**2
    k = make_frequency_grid((n, n), spacing, outputs_rfftfreqs=False)
    np.testing.assert_allclose(FourierGaussian(1.0, b_factor)(k), transform, rtol=0, atol=1e-13)


def test_a_sinc_is_the_transform_of_a_box():
    x = (np.arange(20_000) + 0.5) / 20_000 - 0.5
    for k, width in [(0.3, 1.0), (0.11, 4.0)]:
        integral = np.exp(-2j * np.pi * k * width * x).mean()
        np.testing.assert_allclose(FourierSinc(width)([k, 0.0]), integral, rtol=0, atol=1e-8)


def test_peng_takes_the_rows_of_the_tables():
    parameters = PengScatteringFactorParameters([1, 6, 26])
    for a, b in zip(parameters.a, parameters.b, strict=True):
        operator = PengScatteringFactor(a, b)
        np.testing.assert_allclose(operator(np.zeros((1, 3))), [a.sum()], rtol=1e-14)
        # Gaussians of another module, with an amplitude and a B-factor each.
        gaussians = [FourierGaussian(x, y) for x, y in zip(a, b, strict=True)]
        k = make_frequency_grid((4, 5, 6), 1.2)
        expected = functools.reduce(lambda one, other: one + other, gaussians)
        np.testing.assert_allclose(operator(k), expected(k), rtol=1e-13)


@given(specimens.frequency_grids())
def test_the_zero_mode_is_in_the_corner(k):
    values = ZeroMode(7.0)(k)
    assert values[(0,) * values.ndim] == 7
    assert np.count_nonzero(values) == 1


def test_a_negative_b_factor_may_sharpen_an_atom():
    np.testing.assert_allclose(
        PengScatteringFactor([1], [10], -4.0)([[1.0, 1.0]]), [math.exp(-3)], rtol=1e-14
    )


# Values.


def test_replace_makes_another():
    assert dataclasses.replace(FourierGaussian(2.0, 3.0), b_factor=5) == FourierGaussian(2.0, 5.0)
    peng = PengScatteringFactor([1.0], [2.0])
    assert dataclasses.replace(peng, b_factor=5.0) == PengScatteringFactor([1.0], [2.0], 5.0)


def test_repr_writes_them_as_they_were_made():
    operator = 2 * FourierGaussian(b_factor=3) - PengScatteringFactor([1], [2]) * FourierSinc(0.5)
    assert repr(operator) == (
        "((2.0 * FourierGaussian(amplitude=1.0, b_factor=3.0)) - "
        "(PengScatteringFactor(a=[1.0], b=[2.0], b_factor=None) * FourierSinc(box_width=0.5)))"
    )
    many = PengScatteringFactor(np.ones(20), np.ones(20))
    assert repr(many) == (
        "PengScatteringFactor(a=<float64 of shape (20,)>, b=<float64 of shape (20,)>, "
        "b_factor=None)"
    )


# Errors.


@pytest.mark.parametrize("wrong", [np.nan, np.inf, [1.0], "x", 1j, None])
@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (FourierConstant, "value"),
        (ZeroMode, "value"),
        (FourierGaussian, "amplitude"),
        (FourierGaussian, "b_factor"),
    ],
)
def test_what_is_no_number_is_an_error(cls, name, wrong):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        cls(**{name: wrong})


@pytest.mark.parametrize("wrong", [0, -1.0, np.nan, np.inf, [1.0], [1.0, 0.0], [1] * 4, "x"])
def test_a_box_without_width_is_an_error(wrong):
    with pytest.raises(ValueError, match=r"^box_width: expected"):
        FourierSinc(wrong)


def test_a_box_of_other_axes_is_an_error():
    with pytest.raises(ValueError, match="frequency_grid: expected vectors of 3 components for"):
        FourierSinc((1.0, 2.0, 3.0))(np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [1]), r"a and b: expected two lists of one length, got shapes \(2,\) and \(1,\)"),
        ((1, 1), "a and b: expected two lists"),
        (([], []), "a and b: expected two lists"),
        (([[1]], [[1]]), "a and b: expected two lists"),
        (([np.nan], [1]), "a: expected finite values, got nan"),
        (([1], [np.inf]), "b: expected finite values, got inf"),
        ((["x"], [1]), "a: expected real numbers"),
        (([1, 1], [1, 0]), r"b \+ b_factor: expected values above 0, got 0"),
        (([1], [10], -12), r"b \+ b_factor: expected values above 0, got -2"),
        (([1], [10], np.nan), "b_factor: expected finite"),
        (([1], [10], [1, 2]), "b_factor: expected a number, got shape"),
    ],
)
def test_wrong_parameters_of_peng_are_errors(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        PengScatteringFactor(*arguments)
