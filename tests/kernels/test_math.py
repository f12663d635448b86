"""Scalar mathematics: errors as stated, in machine code and as plain Python on NumPy scalars."""

from __future__ import annotations

import math
import re

import numba
import numpy as np
import pytest
import scipy.special
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol.kernels import math as kernel_math
from numbavol.kernels.cpu.gaussians import render_gaussians
from numbavol.kernels.cpu.lanes import LANES, load, store
from numbavol.kernels.jit import FLAGS

# Not through `jit.kernel`: what that compiles is kept on disk until a file of the package changes.
compiled = numba.njit(**FLAGS)


@compiled
def compute_power_of_half(v, out):
    for i in range(v.size):
        out[i] = kernel_math.power_of_half(v[i])


@compiled
def compute_power_of_half_in_lanes(v, out):
    for start in range(0, v.size, LANES):
        store(out, start, kernel_math.power_of_half(load(v, start)))


@compiled
def compute_erf(x, out):
    for i in range(x.size):
        out[i] = kernel_math.erf(x[i])


def call(function, *arguments):
    arguments = np.broadcast_arrays(*map(np.atleast_1d, arguments))
    arguments = [np.ascontiguousarray(argument) for argument in arguments]
    out = np.empty_like(arguments[0])
    function(*arguments, out)
    return out


@pytest.fixture(scope="module")
def n_samples(is_compiled):
    return 2_000_001 if is_compiled else 2_001


single_floats = st.floats(width=32, allow_nan=False)


# power_of_half


def assert_power_of_half_is_accurate(v):
    computed = call(compute_power_of_half, v)
    assert computed.dtype == np.float32
    # As stated: rounding of 6e-8 a step, of the last steps of the polynomial.
    np.testing.assert_allclose(
        computed.astype(np.float64), np.exp2(-v.astype(np.float64)), rtol=1.2e-7
    )


def test_power_of_half_is_accurate_everywhere(n_samples):
    assert_power_of_half_is_accurate(np.linspace(0, 126, n_samples, dtype=np.float32))
    assert_power_of_half_is_accurate(np.geomspace(1e-38, 126, n_samples, dtype=np.float32))


@given(st.floats(0, 126, width=32))
@example(0.0)
@example(126.0)
@example(125.5)
@example(3.0000002384185791015625)
def test_power_of_half_is_accurate_for(v):
    assert_power_of_half_is_accurate(np.array([v], np.float32))


def test_power_of_half_is_exact_at_integers():
    v = np.arange(127, dtype=np.float32)
    np.testing.assert_array_equal(call(compute_power_of_half, v), np.exp2(-v.astype(np.float64)))


def test_lanes_have_the_same_powers_of_half_as_scalars():
    v = np.linspace(0, 126, 100 * LANES, dtype=np.float32)
    scalars = call(compute_power_of_half, v)
    np.testing.assert_array_equal(call(compute_power_of_half_in_lanes, v), scalars)


# erf


def assert_erf_is_accurate(x):
    computed = call(compute_erf, x)
    assert computed.dtype == np.float32
    expected = scipy.special.erf(x.astype(np.float64))
    # As stated.
    np.testing.assert_allclose(computed.astype(np.float64), expected, rtol=0, atol=1.5e-7)
    assert np.all(np.abs(computed) <= 1)


def test_erf_is_accurate_everywhere(n_samples):
    assert_erf_is_accurate(np.linspace(-4.5, 4.5, n_samples, dtype=np.float32))
    assert_erf_is_accurate(np.geomspace(1e-38, 3e38, n_samples, dtype=np.float32))


@given(single_floats)
@example(np.inf)
@example(-np.inf)
@example(4.0)
@example(float(np.nextafter(np.float32(4), np.float32(0))))
@example(float(np.nextafter(np.float32(4), np.float32(5))))
def test_erf_is_accurate_for(x):
    assert_erf_is_accurate(np.array([x], np.float32))


@given(single_floats)
@example(0.0)
def test_erf_is_odd_in_every_bit(x):
    there, back = call(compute_erf, np.array([x, -x], np.float32))
    assert there == -back
    assert np.signbit(there) == np.signbit(np.float32(x))


def test_erf_is_zero_at_zero_and_one_from_four_on():
    x = np.array([0.0, 4.0, 5.0, 1e30, np.inf], np.float32)
    np.testing.assert_array_equal(call(compute_erf, x), [0, 1, 1, 1, 1])


# float64


@given(st.floats(allow_nan=False))
def test_double_precision_erf_is_that_of_libm(x):
    computed = call(compute_erf, np.array([x]))
    assert computed.dtype == np.float64
    assert computed.item() == math.erf(x)


# Machine code


def read_llvm(function, *arguments):
    # What came from the cache on disk has no text; this is compiled here, with the same flags.
    fresh = numba.njit(**FLAGS)(function)
    fresh(*arguments)
    return fresh.inspect_llvm(fresh.signatures[0])


@pytest.fixture(scope="module", params=[2, 5], ids=lambda k: f"{k} Gaussians")
def llvm_of_single_precision(request):
    k = request.param
    out, centres = np.zeros((3, 4, 20), np.float32), np.ones((1, 3))
    parameters = np.ones((1, k))
    return read_llvm(
        render_gaussians.py_func,
        *(out, 0, 3, np.zeros(1, np.int64), centres, parameters, parameters, np.ones(3)),
        *(5.0, np.empty(1, np.float32), (0,) * k),
    )


@pytest.mark.compiled
def test_single_precision_is_never_widened(llvm_of_single_precision):
    assert "fpext" not in llvm_of_single_precision
    assert not re.search(r"call .*double @(erf|exp|exp2|pow)\b", llvm_of_single_precision)


@pytest.mark.compiled
def test_a_float_literal_in_single_precision_is_noticed():
    def halve(x):
        for i in range(x.size):
            x[i] *= 0.3

    assert "fpext" in read_llvm(halve, np.ones(4, np.float32))


@pytest.mark.compiled
def test_lanes_are_sixteen_floats_that_are_multiplied_and_added(llvm_of_single_precision):
    # What is done to a lane: splat a weight, multiply, add to what is in the map, store.
    for operation in ("load", "fmul contract", "fadd contract"):
        assert f"{operation} <16 x float>" in llvm_of_single_precision
    assert "store <16 x float>" in llvm_of_single_precision
    assert "<16 x double>" not in llvm_of_single_precision


@pytest.mark.compiled
def test_profiles_are_computed_in_lanes(llvm_of_single_precision):
    # Of averages, exponents become bits and what is far becomes nothing; erf takes a sign.
    for instruction in (
        "shl <16 x i32>",
        "fcmp contract ole <16 x float>",
        "@llvm.copysign.v16f32(",
    ):
        assert instruction in llvm_of_single_precision
