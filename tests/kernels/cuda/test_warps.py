"""What threads of a warp do together, pairs of numbers, and divisions of small numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numba import cuda

from numbavol.kernels.cuda.launch import launch
from numbavol.kernels.cuda.warps import (
    WARP,
    as_pairs,
    divide_small,
    first_lane,
    first_of,
    join,
    second_of,
    vote,
    without_first_lane,
)
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.jit import cuda_kernel

pytestmark = pytest.mark.cuda

N_WARPS, N_BLOCKS = 2, 3
THREADS = N_WARPS * WARP
LANES_OF_A_MASK = 32
REAL = [np.float32, np.float64]
WHOLE = {np.dtype(np.float32): np.uint32, np.dtype(np.float64): np.uint64}


@pytest.fixture
def rng():
    return np.random.default_rng(27)


def run(kernel, out, *arguments, n_blocks=1, n_threads=THREADS):
    """What a kernel makes of its first argument."""
    device = find_device("cuda")
    there = device.send(out)
    launch(kernel, n_blocks, n_threads, there, *map(device.send, arguments))
    return device.fetch(there)


@cuda_kernel
def ask(masks, answers):
    n = cuda.grid(1)
    masks[n] = vote(answers[n] != 0)


@cuda_kernel
def ask_again(masks, answers):
    n = cuda.grid(1)
    for question in range(answers.shape[0]):
        masks[question, n] = vote(answers[question, n] != 0)


def masks_of(answers):
    lanes = answers.reshape(*answers.shape[:-1], -1, WARP).astype(np.uint64)
    masks = (lanes << np.arange(WARP, dtype=np.uint64)).sum(axis=-1).astype(np.uint32)
    return masks.repeat(WARP, axis=-1)


def test_every_lane_hears_the_votes_of_its_own_warp(rng):
    n = N_BLOCKS * THREADS
    alone = np.zeros(n, np.int32)
    alone[WARP - 1 :: WARP + 1] = 1
    for answers in (np.zeros(n, np.int32), np.ones(n, np.int32), alone, rng.integers(0, 2, n)):
        masks = run(ask, np.full(n, 7, np.uint32), answers, n_blocks=N_BLOCKS)
        np.testing.assert_array_equal(masks, masks_of(answers))


def test_one_vote_after_another(rng):
    answers = rng.integers(0, 2, (5, THREADS))
    masks = run(ask_again, np.zeros((5, THREADS), np.uint32), answers)
    np.testing.assert_array_equal(masks, masks_of(answers))


@cuda_kernel
def list_lanes(lanes, masks):
    n = cuda.grid(1)
    if n < masks.size:
        mask, count = masks[n], 0
        while mask != 0:
            lanes[n, count] = first_lane(mask)
            mask = without_first_lane(mask)
            count += 1


def test_the_lanes_of_a_mask_come_one_after_another_from_the_lowest_on(rng):
    single = np.uint32(1) << np.arange(LANES_OF_A_MASK, dtype=np.uint32)
    drawn = rng.integers(0, 2**32, 8, dtype=np.uint32)
    masks = np.concatenate([single, drawn, np.uint32([0, 2**32 - 1, 2**31 + 1, 0x80008000])])
    expected = np.full((len(masks), LANES_OF_A_MASK), -1, np.int32)
    for row, mask in zip(expected, masks, strict=True):
        lanes = [lane for lane in range(LANES_OF_A_MASK) if int(mask) >> lane & 1]
        row[: len(lanes)] = lanes
    n_blocks = -(-len(masks) // THREADS)
    found = run(list_lanes, np.full_like(expected, -1), masks, n_blocks=n_blocks)
    np.testing.assert_array_equal(found, expected)


@cuda_kernel
def join_each(pairs, first, second):
    for n in range(cuda.grid(1), first.size, cuda.gridsize(1)):
        pairs[n] = join(first[n], second[n])


@cuda_kernel
def swap_each(swapped, pairs):
    for n in range(cuda.grid(1), pairs.size, cuda.gridsize(1)):
        swapped[n, 0], swapped[n, 1] = second_of(pairs[n]), first_of(pairs[n])


def draw_bits(rng, dtype):
    """Pairs (n, 2): every two of special numbers, and of any bits."""
    info, whole = np.finfo(dtype), WHOLE[np.dtype(dtype)]
    quiet, infinite = np.array([np.nan, np.inf], dtype).view(whole)
    special = np.array(
        [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, info.max, info.tiny, info.smallest_subnormal], dtype
    ).view(whole)
    # Numbers that are none, quiet and signalling, of either sign and with something to say.
    nans = np.array([quiet, quiet | whole(5), infinite | whole(3)], whole)
    signed = np.concatenate([nans, nans | (whole(1) << whole(info.bits - 1))])
    subnormal = np.array([whole(2) ** whole(info.nmant) - whole(1)])
    drawn = rng.integers(0, np.iinfo(whole).max, 4, whole, endpoint=True)
    bits = np.concatenate([special, signed, subnormal, drawn])
    return np.stack(np.meshgrid(bits, bits), axis=-1).reshape(-1, 2).view(dtype)


@pytest.mark.parametrize("dtype", REAL)
def test_pairs_have_the_bits_of_both_numbers_in_order(rng, dtype):
    numbers, whole = draw_bits(rng, dtype), WHOLE[np.dtype(dtype)]
    expected = as_pairs(numbers)[:, 0]
    first, second = np.ascontiguousarray(numbers.T)
    pairs = run(join_each, np.zeros_like(expected), first, second)
    np.testing.assert_array_equal(pairs.view(whole), expected.view(whole))


@pytest.mark.parametrize("dtype", REAL)
def test_both_numbers_come_back_from_a_pair_to_the_bit(rng, dtype):
    numbers, whole = draw_bits(rng, dtype), WHOLE[np.dtype(dtype)]
    swapped = run(swap_each, np.zeros_like(numbers), as_pairs(numbers)[:, 0].copy())
    np.testing.assert_array_equal(swapped[:, ::-1].copy().view(whole), numbers.view(whole))


@cuda_kernel
def count_wrong_quotients(wrong, n_numbers):
    for divisor in range(cuda.grid(1) + 1, wrong.size, cuda.gridsize(1)):
        for number in range(n_numbers):
            if divide_small(number, divisor) != number // divisor:
                wrong[divisor] += 1


def test_divisions_of_all_small_numbers():
    device = find_device("cuda")
    wrong = device.xp.zeros(65, np.int64)
    launch(count_wrong_quotients, 1, THREADS, wrong, 4096)
    np.testing.assert_array_equal(device.fetch(wrong), 0)


@cuda_kernel
def divide_each(quotients, numbers, divisors):
    for row in range(cuda.grid(1), divisors.size, cuda.gridsize(1)):
        for n in range(numbers.shape[1]):
            quotients[row, n] = divide_small(numbers[row, n], divisors[row])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_divisions_of_the_largest_numbers(rng, dtype):
    divisors = np.concatenate([np.arange(1, 65), rng.integers(65, 2**20, 64), [2**19, 2**20 - 1]])
    most = (2**20 - 1) // divisors
    multiples = np.maximum(most[:, np.newaxis] - np.arange(4), 1) * divisors[:, np.newaxis]
    numbers = np.hstack([multiples, multiples - 1]).astype(dtype)
    quotients = run(divide_each, np.full(numbers.shape, -1, np.int32), numbers, divisors)
    np.testing.assert_array_equal(quotients, numbers // divisors[:, np.newaxis])
