"""Kernels of CUDA against those of the CPU: noise and contrast transfer."""

from __future__ import annotations

import numpy as np
import pytest

from numbavol.kernels.dispatch import find_device, find_kernel

pytestmark = pytest.mark.cuda

SHAPES = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5), (4, 6), (5, 4), (2, 9)]
NUMBERS = np.array([0, 3, 2**40 + 1], np.uint64)


def send(arguments):
    device = find_device("cuda")
    return [device.send(a) if isinstance(a, np.ndarray) else a for a in arguments]


def run_on_both(name, out, *arguments):
    on_cpu, on_cuda = out.copy(), find_device("cuda").send(out)
    find_kernel(name, "cpu")(on_cpu, *arguments)
    find_kernel(name, "cuda")(on_cuda, *send(arguments))
    return on_cpu, find_device("cuda").fetch(on_cuda)


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_is_the_same_on_every_device(shape):
    rng = np.random.default_rng(0)
    half = (shape[0], shape[1] // 2 + 1)
    out = rng.standard_normal((3, *half, 2)).astype(np.float32)
    amplitudes = rng.uniform(0.5, 2.0, half).astype(np.float32)
    seed, purpose = np.uint64(2**63 + 5), np.uint64(2)
    expected, made = run_on_both("add_noise", out, amplitudes, shape[1], seed, purpose, NUMBERS)
    np.testing.assert_allclose(made, expected, rtol=0, atol=2e-6)


def test_uniform_numbers_are_the_same_on_every_device():
    arguments = (np.uint64(7), np.uint64(1), NUMBERS)
    expected, made = run_on_both("fill_uniforms", np.empty((3, 4)), *arguments)
    np.testing.assert_array_equal(made, expected)


def test_counts_are_the_same_on_every_device():
    expected = np.random.default_rng(2).uniform(0.0, 30.0, (3, 4, 5))
    expected[0, 0, :3] = 0.0, 10.0, 1e6
    on_cpu, on_cuda = run_on_both("draw_counts", expected, np.uint64(9), np.uint64(3), NUMBERS)
    # Logarithms of a card can differ in their last bit, and with it one count in 10^14.
    np.testing.assert_array_equal(on_cuda, on_cpu)


@pytest.mark.parametrize("is_odd", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_contrast_is_the_same_on_every_device(shape, is_odd):
    rng = np.random.default_rng(1)
    half = (3, shape[0], shape[1] // 2 + 1)
    halves = (rng.standard_normal(half) + 1j * rng.standard_normal(half)).astype(np.complex64)
    steps = np.array([0.5, 0.4]) / shape[::-1]
    polynomials = rng.uniform(-40.0, 40.0, (3, 4, 4))
    if not is_odd:
        polynomials[:, np.add.outer(np.arange(4), np.arange(4)) % 2 == 1] = 0.0
    b_factors, scales = rng.uniform(0, 9, 3), rng.uniform(0.5, 1.5, 3)
    weights = rng.uniform(0.5, 1.0, half[1:]).astype(np.float32)
    expected, made = run_on_both(
        "transfer_contrast", np.zeros_like(halves), halves, shape[1], steps, polynomials,
        b_factors, scales, weights,
    )  # fmt: skip
    np.testing.assert_allclose(made, expected, rtol=0, atol=3e-6)
