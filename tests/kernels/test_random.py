"""Random numbers: Philox's known answers, distributions, and what a draw belongs to."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from numbavol.kernels import math as kernel_math
from numbavol.kernels.cpu.noise import add_noise, fill_uniforms
from numbavol.kernels.jit import FLAGS
from numbavol.kernels.random import draw_words

compiled = numba.njit(**FLAGS)


@compiled
def compute_sine(x, out):
    for i in range(x.size):
        out[i] = kernel_math.sine_of_turns(x[i])


@compiled
def compute_negative_log(x, out):
    for i in range(x.size):
        out[i] = kernel_math.negative_log(x[i])


@compiled
def compute_words(out, seed, purpose, number, row, place):
    out[0], out[1], out[2], out[3] = draw_words(seed, purpose, number, row, place)


def words_of(counter, key):
    """Of a counter of four words and a key of two."""
    out = np.empty(4, np.uint64)
    compute_words(
        out,
        np.uint64(key[0] | key[1] << 32),
        np.uint64(counter[1] >> 24),
        np.uint64(counter[2] | counter[3] << 32),
        np.uint64(counter[1] & 0xFFFFFF),
        np.uint64(counter[0]),
    )
    return out.tolist()


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([2**32 - 1] * 4, [2**32 - 1] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_words_are_those_of_philox(counter, key, expected):
    """The known answers of Random123, the authors' library."""
    assert words_of(counter, key) == expected


def test_sines_and_logarithms_are_as_precise_as_stated(is_compiled):
    n = 1_000_001 if is_compiled else 2_001
    turns = np.linspace(-0.5, 0.5, n, dtype=np.float32)
    sines = np.empty_like(turns)
    compute_sine(turns, sines)
    expected = np.sin(2 * np.pi * turns.astype(np.float64))
    np.testing.assert_allclose(sines, expected, rtol=0, atol=2e-7)
    values = np.geomspace(2.0**-33, 1.0, n, dtype=np.float32)
    logs = np.empty_like(values)
    compute_negative_log(values, logs)
    expected = -np.log(values.astype(np.float64))
    assert np.max(np.abs(logs - expected) / np.maximum(expected, 1)) <= 3e-7


def uniforms(n, seed=1, purpose=2, n_each=4):
    out = np.empty((n, n_each))
    fill_uniforms(out, np.uint64(seed), np.uint64(purpose), np.arange(n, dtype=np.uint64))
    return out


def test_uniform_numbers_are_evenly_distributed_and_independent(is_compiled):
    drawn = uniforms(50_000 if is_compiled else 500)
    assert drawn.min() > 0
    assert drawn.max() < 1
    # The seed is fixed; one in a thousand seeds would fail.
    assert scipy.stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3
    correlations = np.corrcoef(drawn.T)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 4.5 / math.sqrt(len(drawn))


def test_other_seeds_purposes_and_numbers_are_other_draws():
    drawn = [uniforms(3), uniforms(3, seed=1 + 2**32), uniforms(3, purpose=3)]
    together = np.concatenate([part.ravel() for part in drawn])
    assert len(np.unique(together)) == together.size


def noise(shape, numbers=(5,), amplitude=1.0, seed=3):
    half = (len(numbers), shape[0], shape[1] // 2 + 1)
    transforms = np.zeros(half, np.complex64)
    parts = transforms.view(np.float32).reshape(*half, 2)
    amplitudes = np.full(half[1:], amplitude, np.float32)
    given = np.array(numbers, np.uint64)
    add_noise(parts, amplitudes, shape[1], np.uint64(seed), np.uint64(1), given)
    return transforms


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_noise_is_the_transform_of_a_real_image(shape):
    half = noise(shape)[0]
    image = np.fft.irfft2(half.astype(np.complex128), shape)
    np.testing.assert_allclose(np.fft.rfft2(image), half, rtol=0, atol=1e-5)


def test_every_frequency_has_the_power_that_is_asked_for(is_compiled):
    shape, n = (6, 8), 4000 if is_compiled else 200
    power = np.mean(np.abs(noise(shape, range(n), amplitude=2.0)) ** 2, axis=0)
    # The mean of n squares of deviation 4, or sqrt(2) times it where a sample is real.
    np.testing.assert_allclose(power, 4.0, rtol=0, atol=4 * 4.5 * math.sqrt(2 / n))


def test_noise_is_normal_and_white(is_compiled):
    side = 128 if is_compiled else 16
    image = np.fft.irfft2(noise((side, side))[0], (side, side)) * side
    assert scipy.stats.kstest(image.ravel(), "norm").pvalue > 1e-3
    neighbours = np.corrcoef(image[:, 1:].ravel(), image[:, :-1].ravel())[0, 1]
    assert abs(neighbours) < 4.5 / side


def test_noise_belongs_to_its_number_alone():
    together = noise((5, 6), (9, 2, 2**40))
    np.testing.assert_array_equal(together[1], noise((5, 6), (2,))[0])
    assert not np.array_equal(together[0], together[1])
    assert not np.array_equal(noise((5, 6), seed=4), noise((5, 6)))
