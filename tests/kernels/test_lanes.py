"""Lanes: what is compiled does what plain NumPy slices do."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from numbavol.kernels.cpu.lanes import (
    LANES,
    at_most,
    copy_sign,
    keep_up_to,
    load,
    load_output,
    load_scalar,
    magnitude,
    store,
    store_output,
)
from numbavol.kernels.jit import FLAGS

# Not through `jit.kernel`: what that compiles is kept on disk until a file of the package changes.
compiled = numba.njit(**FLAGS)
LENGTH = 3 * LANES

starts = st.integers(0, LENGTH - LANES)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def numbers(dtype, length=LENGTH):
    width = 8 * np.dtype(dtype).itemsize
    elements = st.floats(-1000, 1000, width=width, allow_subnormal=False)
    return arrays(dtype, length, elements=elements)


@compiled
def copy(source, start, to, target):
    store(target, to, load(source, start))


@compiled
def copy_output(source, start, to, target):
    store_output(target, to, load_output(source, start))


@compiled
def add(left, right, target):
    store(target, 0, load(left, 0) + load(right, 0))


@compiled
def subtract(left, right, target):
    store(target, 0, load(left, 0) - load(right, 0))


@compiled
def multiply(weights, index, right, target):
    store(target, 0, load_scalar(weights, index) * load(right, 0))


@compiled
def multiply_lanes(left, right, target):
    store(target, 0, load(left, 0) * load(right, 0))


@compiled
def combine_with_number(number, lanes, target):
    left, right = load(lanes, 0), load(lanes, LANES)
    store(target, 0, (number + left) * ((left + number) * ((number - right) * (right - number))))
    store(target, LANES, left * number)
    store(target, 2 * LANES, number * right)


@compiled
def bound(keys, bounds, target):
    store(target, 0, at_most(load(keys, 0), bounds[0]))
    store(target, LANES, keep_up_to(load(target, 0), load(keys, 0), bounds[1]))


@compiled
def exchange_signs(left, right, target):
    store(target, 0, magnitude(load(left, 0)))
    store(target, LANES, copy_sign(load(left, 0), load(right, 0)))


@compiled
def take_differences(edges, target):
    store(target, 0, load(edges, 1) - load(edges, 0))


@compiled
def accumulate(weights, rows, target):
    total = load_output(target, LANES)
    for i in range(weights.size):
        total = total + load_scalar(weights, i) * load(rows, i * LANES)
    store_output(target, LANES, total)


@compiled
def add_up_and_deliver(term, n, sums, target):
    store(sums, 0, load(term, LANES))
    for i in range(n):
        store_output(sums, i, load_output(sums, i) + load(term, 0))
    store(target, 0, load_output(sums, 0))


def run(function, *arguments):
    """What a compiled function and its plain Python leave in a copy of the last argument."""
    results = []
    for body in (function, getattr(function, "py_func", function)):
        target = arguments[-1].copy()
        body(*arguments[:-1], target)
        results.append(target)
    return results


@dtypes
@pytest.mark.parametrize("function", [copy, copy_output])
@given(data=st.data())
def test_lanes_are_copied_from_anywhere_to_anywhere(function, dtype, data):
    source, target = data.draw(numbers(dtype)), data.draw(numbers(dtype))
    source.setflags(write=False)
    start, to = data.draw(starts), data.draw(starts)
    expected = target.copy()
    expected[to : to + LANES] = source[start : start + LANES]
    for result in run(function, source, start, to, target):
        np.testing.assert_array_equal(result, expected)


@dtypes
@given(data=st.data())
def test_lanes_are_added_subtracted_and_multiplied_in_their_own_precision(dtype, data):
    left, right = data.draw(numbers(dtype, LANES)), data.draw(numbers(dtype, LANES))
    for function, expected in [
        (add, left + right),
        (subtract, left - right),
        (multiply_lanes, left * right),
    ]:
        for result in run(function, left, right, np.zeros(LANES, dtype)):
            assert result.dtype == dtype
            np.testing.assert_array_equal(result, expected)


@dtypes
@given(data=st.data())
def test_a_number_multiplies_every_lane(dtype, data):
    weights, right = data.draw(numbers(dtype, 3)), data.draw(numbers(dtype, LANES))
    index = data.draw(st.integers(0, 2))
    for result in run(multiply, weights, index, right, np.zeros(LANES, dtype)):
        np.testing.assert_array_equal(result, weights[index] * right)


@dtypes
@given(data=st.data())
def test_a_number_stands_on_either_side_of_lanes(dtype, data):
    number = data.draw(numbers(dtype, 1))[0]
    lanes = data.draw(numbers(dtype, 2 * LANES))
    left, right = lanes[:LANES], lanes[LANES:]
    product = (number + left) * ((left + number) * ((number - right) * (right - number)))
    expected = np.concatenate([product, left * number, number * right])
    for result in run(combine_with_number, number, lanes, np.zeros(3 * LANES, dtype)):
        np.testing.assert_array_equal(result, expected)


@dtypes
@given(data=st.data())
def test_lanes_end_at_bounds(dtype, data):
    keys, bounds = data.draw(numbers(dtype, LANES)), data.draw(numbers(dtype, 2))
    keys[0], keys[1] = bounds
    keys[2], keys[3], keys[4] = np.nan, np.inf, -np.inf
    bounded = [key if key < bounds[0] else bounds[0] for key in keys]
    kept = [lane if key <= bounds[1] else 0 for lane, key in zip(bounded, keys, strict=True)]
    for result in run(bound, keys, bounds, np.zeros(2 * LANES, dtype)):
        np.testing.assert_array_equal(result, bounded + kept)


@dtypes
@given(data=st.data())
def test_lanes_take_signs(dtype, data):
    left, right = data.draw(numbers(dtype, LANES)), data.draw(numbers(dtype, LANES))
    right[:4] = 0.0, -0.0, -np.inf, np.nan
    expected = np.concatenate([np.abs(left), np.copysign(left, right)])
    for result in run(exchange_signs, left, right, np.zeros(2 * LANES, dtype)):
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(np.signbit(result), np.signbit(expected))


@dtypes
@given(data=st.data())
def test_lanes_overlap_where_they_are_told_to(dtype, data):
    edges = data.draw(numbers(dtype, LANES + 1))
    for result in run(take_differences, edges, np.zeros(LANES, dtype)):
        np.testing.assert_array_equal(result, np.diff(edges))


@dtypes
@given(data=st.data())
def test_products_accumulate_in_order(dtype, data):
    n = data.draw(st.integers(0, 3))
    weights, rows = data.draw(numbers(dtype, n)), data.draw(numbers(dtype, n * LANES))
    target = data.draw(numbers(dtype))
    machine, plain = run(accumulate, weights, rows, target)
    expected = target.copy()
    for i in range(n):
        expected[LANES : 2 * LANES] += weights[i] * rows[i * LANES : (i + 1) * LANES]
    np.testing.assert_array_equal(plain, expected)
    # A product and its addition may be rounded once in place of twice: a few ulp of a product.
    atol = 4 * np.finfo(dtype).eps * 1000**2
    np.testing.assert_allclose(machine, expected, rtol=0, atol=atol)
    for result in (machine, plain):
        np.testing.assert_array_equal(result[:LANES], target[:LANES])
        np.testing.assert_array_equal(result[2 * LANES :], target[2 * LANES :])


@pytest.mark.compiled
def test_what_was_stored_as_output_is_read_as_output():
    # With `load`, the zeros from before the loop would be delivered.
    term, sums, target = np.ones(2 * LANES), np.empty(LANES + 4), np.empty(LANES)
    term[LANES:] = 0.0
    add_up_and_deliver(term, 3, sums, target)
    np.testing.assert_array_equal(target, np.minimum(np.arange(LANES) + 1, 3))


@pytest.mark.parametrize("function", [load, load_output])
def test_uncompiled_lanes_are_a_copy(function):
    array = np.arange(float(LENGTH))
    lanes = function(array, 1)
    array[:] = 0
    np.testing.assert_array_equal(lanes, np.arange(1.0, LANES + 1))


@pytest.mark.compiled
def test_numbers_and_lanes_of_two_precisions_do_not_mix():
    single, double = np.ones(LANES, np.float32), np.ones(LANES)
    for function, arguments in [
        (add, (single, double, double)),
        (subtract, (double, single, double)),
        (multiply, (double, 0, single, single)),
        (multiply, (single, 0, double, double)),
        (combine_with_number, (np.float32(1), np.ones(2 * LANES), np.ones(3 * LANES))),
        (bound, (single, np.ones(2), np.ones(2 * LANES, np.float32))),
        (exchange_signs, (single, double, np.ones(2 * LANES, np.float32))),
    ]:
        with pytest.raises(numba.TypingError):
            function(*arguments)


@pytest.mark.compiled
def test_what_is_loaded_stays_loaded_while_output_is_stored():
    # Scoped no-alias metadata is what lets weights stay in registers.
    fresh = numba.njit(**FLAGS)(accumulate.py_func)
    fresh(*[np.ones(2 * LANES, np.float32)] * 2, np.ones(LENGTH, np.float32))
    llvm = fresh.inspect_llvm(fresh.signatures[0])
    stores = [line for line in llvm.splitlines() if "store <16 x float>" in line]
    assert stores
    assert all("!alias.scope" in line for line in stores)
    loads = [line for line in llvm.splitlines() if "load <16 x float>" in line]
    assert any("!noalias" in line for line in loads)
