"""Functions of frequency and of position, and their algebra."""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbavol.atoms import PengScatteringFactorParameters
from numbavol.ndimage.grids import make_coordinate_grid, make_frequency_grid
from numbavol.ndimage.operators import (
    AbstractFourierOperator,
    AbstractRadialFourierOperator,
    AbstractRealOperator,
    CustomFourierOperator,
    CustomRealOperator,
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    PengScatteringFactor,
    ZeroMode,
)


def tilt(k):
    return 1.0 + k[..., 0] - 2.0 * k[..., 1]


def phase(k):
    return np.exp(-2j * np.pi * k[..., 0])


OPERATORS = {
    "constant": FourierConstant(-1.5),
    "zero mode": ZeroMode(2.5),
    "gaussian": FourierGaussian(2.0, 30.0),
    "sinc": FourierSinc(1.5),
    "peng": PengScatteringFactor([1.0, -0.5], [20.0, 3.0], 7.0),
    "custom": CustomFourierOperator(tilt),
    "complex": CustomFourierOperator(phase),
    "sum": FourierGaussian() + FourierSinc(2.0),
    "radial product": 2 * FourierGaussian() * FourierConstant(0.5),
}
RADIAL = ["constant", "zero mode", "gaussian", "peng", "radial product"]
REAL = {
    "custom": CustomRealOperator(tilt),
    "product": CustomRealOperator(tilt) * CustomRealOperator(phase),
}
names = st.sampled_from(sorted(OPERATORS))
numbers = st.one_of(st.integers(-5, 5), st.floats(-5, 5), st.floats(-5, 5).map(np.float64))
sides = st.integers(1, 6)
shapes = st.one_of(st.tuples(sides, sides), st.tuples(sides, sides, sides))


@st.composite
def frequency_grids(draw):
    return make_frequency_grid(
        draw(shapes), draw(st.floats(0.5, 3.0)), outputs_rfftfreqs=draw(st.booleans())
    )


@pytest.fixture(params=sorted(OPERATORS))
def operator(request):
    return OPERATORS[request.param]


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


@given(frequency_grids())
def test_the_zero_mode_is_in_the_corner(k):
    values = ZeroMode(7.0)(k)
    assert values[(0,) * values.ndim] == 7
    assert np.count_nonzero(values) == 1


# Shapes and types.


@given(frequency_grids(), names)
def test_any_part_of_a_grid_can_be_evaluated(k, name):
    operator = OPERATORS[name]
    whole = operator(k)
    assert whole.shape == k.shape[:-1]
    np.testing.assert_array_equal(operator(k[::2]), whole[::2])
    np.testing.assert_allclose(operator(k.reshape(-1, k.shape[-1])), whole.ravel(), rtol=1e-15)
    np.testing.assert_allclose(operator(k[(0,) * whole.ndim]), whole.flat[0], rtol=1e-15)
    np.testing.assert_array_equal(operator(k.tolist()), whole)
    assert operator(k[:0]).shape == (0, *k.shape[1:-1])


@given(frequency_grids(), names)
def test_precision_is_that_of_the_grid(k, name):
    operator = OPERATORS[name]
    single = operator(k.astype("f4"))
    double = operator(k.astype("f4").astype("f8"))
    is_complex = double.dtype.kind == "c"
    assert double.dtype == np.dtype("c16" if is_complex else "f8")
    assert single.dtype == np.dtype("c8" if is_complex else "f4")
    assert operator(k.astype(">f4")).dtype == single.dtype
    # Exponents of at most 30, with single precision's rounding of 6e-8 each.
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(operator(k.astype("f4").astype(">f4")), single)


def test_integers_are_read_as_double():
    assert FourierGaussian()(np.ones((2, 3), int)).dtype == np.float64


@given(frequency_grids(), names)
def test_the_grid_is_not_changed(k, name):
    before = k.copy()
    k.setflags(write=False)
    OPERATORS[name](k)
    np.testing.assert_array_equal(k, before)


@given(frequency_grids(), st.sampled_from(RADIAL))
def test_radial_operators_can_be_given_squared_lengths(k, name):
    operator = OPERATORS[name]
    assert isinstance(operator, AbstractRadialFourierOperator)
    squared = (k**2).sum(-1)
    before = squared.copy()
    np.testing.assert_allclose(operator.compute_radially(squared), operator(k), rtol=1e-12)
    np.testing.assert_array_equal(squared, before)


@pytest.mark.parametrize("grid", [0.5, [], [0.1], np.zeros((4, 4)), np.zeros((3, 0))])
def test_a_grid_of_no_vectors_is_an_error(operator, grid):
    with pytest.raises(ValueError, match=r"frequency_grid: expected vectors, of shape"):
        operator(grid)
    with pytest.raises(ValueError, match=r"coordinate_grid: expected vectors, of shape"):
        REAL["product"](grid)


def test_a_grid_that_is_not_real_is_an_error(operator):
    with pytest.raises(ValueError, match="frequency_grid: expected real numbers, got dtype c"):
        operator(np.zeros((3, 2), complex))


# Algebra.


@given(frequency_grids(), names, names, numbers)
def test_operators_add_subtract_and_multiply(k, one, other, number):
    A, B = OPERATORS[one], OPERATORS[other]
    a, b = A(k), B(k)
    for operator, expected in [
        (A + B, a + b),
        (A - B, a - b),
        (A * B, a * b),
        (A + number, a + number),
        (number + A, number + a),
        (A - number, a - number),
        (number - A, number - a),
        (A * number, a * number),
        (number * A, number * a),
        (-A, -a),
        ((A + B) * (A - number), (a + b) * (a - number)),
        (sum([A, B]), a + b),
    ]:
        assert isinstance(operator, AbstractFourierOperator)
        np.testing.assert_allclose(operator(k), expected, rtol=1e-14, atol=1e-14)


def test_combining_evaluates_nothing():
    def fail(_):
        raise AssertionError

    combined = 2 * (CustomFourierOperator(fail) + FourierGaussian()) - 1
    with pytest.raises(AssertionError):
        combined([0.0, 0.0])


@pytest.mark.parametrize("one", sorted(OPERATORS))
@pytest.mark.parametrize("other", sorted(OPERATORS))
def test_what_combines_radial_operators_is_radial(one, other):
    combined = OPERATORS[one] * OPERATORS[other] - 1.0
    is_radial = isinstance(combined, AbstractRadialFourierOperator)
    assert is_radial == (one in RADIAL and other in RADIAL)


def test_real_operators_add_subtract_and_multiply():
    r = make_coordinate_grid((3, 4, 5), 1.5)
    A, B = REAL["custom"], REAL["product"]
    a, b = A(r), B(r)
    np.testing.assert_allclose(a, tilt(r))
    np.testing.assert_allclose(b, tilt(r) * phase(r))
    for operator, expected in [(A + B, a + b), (2 - A * B, 2 - a * b), (-A, -a)]:
        assert isinstance(operator, AbstractRealOperator)
        np.testing.assert_allclose(operator(r), expected, rtol=1e-14)
    assert (2 - A)(r.astype("f4")).dtype == np.float32


@pytest.mark.parametrize(
    "other",
    [REAL["custom"], "2", None, 1j, [1.0], np.ones(3), np.ones((3, 2)), print, np.float64],
    ids=str,
)
def test_operators_combine_with_nothing_else(operator, other):
    for combine in (
        lambda: operator + other,
        lambda: other + operator,
        lambda: operator - other,
        lambda: other - operator,
        lambda: operator * other,
        lambda: other * operator,
    ):
        with pytest.raises(TypeError):
            combine()


@pytest.mark.parametrize("number", [np.float32(0.1), np.array(0.1), np.int8(3), True])
def test_numbers_of_numpy_are_numbers(number):
    scaled = number * FourierGaussian()
    assert scaled == float(number) * FourierGaussian()
    assert scaled(np.zeros((1, 2), "f4")).dtype == np.float32


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_an_error(operator, number):
    with pytest.raises(ValueError, match=r"\*: expected a finite number, got"):
        number * operator


def test_a_users_subclass_combines():
    @dataclasses.dataclass(frozen=True, eq=False)
    class Power(AbstractRadialFourierOperator):
        exponent: float

        def compute_radially(self, squared_frequency):
            return squared_frequency**self.exponent

    operator = FourierGaussian() * Power(1.0) + 1
    np.testing.assert_allclose(operator([[1.0, 2.0]]), [5 * math.exp(-5 / 4) + 1])
    assert Power(1.0) == Power(1)
    assert Power(1.0) != Power(2.0)


# Custom operators.


@pytest.mark.parametrize("cls", [CustomFourierOperator, CustomRealOperator])
def test_what_a_function_returns_is_checked(cls):
    k = np.zeros((4, 5, 2))
    np.testing.assert_array_equal(cls(lambda k: (k[..., 0] == 0).tolist())(k), np.ones((4, 5)))
    for fn in (lambda _: 1.0, lambda k: k, lambda k: k[..., 0].astype(str)):
        with pytest.raises(ValueError, match=r"fn: expected numbers of shape \(4, 5\) for a grid"):
            cls(fn)(k)
    with pytest.raises(TypeError, match="fn: expected a function, got 3"):
        cls(3)


def test_parameters_are_bound_by_partial():
    def power(k, exponent):
        return (k**exponent).sum(-1)

    operator = CustomFourierOperator(functools.partial(power, exponent=3))
    np.testing.assert_allclose(operator([[1.0, 2.0]]), [9.0])


# Values.


def test_operators_are_values(operator):
    for same in (
        copy.copy(operator),
        copy.deepcopy(operator),
        pickle.loads(pickle.dumps(operator)),
        dataclasses.replace(operator),
    ):
        assert same == operator
        assert hash(same) == hash(operator)
        np.testing.assert_array_equal(same([0.1, 0.2]), operator([0.1, 0.2]))


def test_operators_differ():
    operators = [*OPERATORS.values(), *REAL.values(), FourierConstant(2.0), FourierGaussian(2.0)]
    operators += [-operator for operator in operators]
    for i, one in enumerate(operators):
        for j, other in enumerate(operators):
            assert (one == other) == (i == j)
    assert FourierConstant(1) != 1
    assert FourierConstant(1) != np.ones(3)
    assert PengScatteringFactor([1], [2]) != PengScatteringFactor([1], [2], 0.0)
    assert PengScatteringFactor([1], [2]) == PengScatteringFactor([1.0], [2.0])


def test_operators_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FourierConstant(1.0).value = 2.0
    a = np.ones(2)
    operator = PengScatteringFactor(a, [1, 2])
    a[0] = 5
    np.testing.assert_array_equal(operator.a, [1, 1])
    for same in (operator, pickle.loads(pickle.dumps(operator))):
        with pytest.raises(ValueError, match="read-only"):
            same.a[0] = 1
    for abstract in (AbstractFourierOperator, AbstractRadialFourierOperator, AbstractRealOperator):
        with pytest.raises(TypeError, match="abstract"):
            abstract()


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


def test_a_negative_b_factor_may_sharpen_an_atom():
    np.testing.assert_allclose(
        PengScatteringFactor([1], [10], -4.0)([[1.0, 1.0]]), [math.exp(-3)], rtol=1e-14
    )
