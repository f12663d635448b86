"""Races that a card would have are errors in Numba's simulator, and what it may do is none."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba import cuda

from numbavol.kernels.cuda.launch import launch
from numbavol.kernels.cuda.warps import WARP, vote
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.finding import is_simulated
from numbavol.kernels.jit import cuda_helper, cuda_kernel

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not is_simulated(), reason="a card does not watch"),
]

THREADS, BLOCKS = 2 * WARP, 3


def run(kernel, n_blocks=BLOCKS):
    """What a kernel makes of zeros."""
    device = find_device("cuda")
    out = device.send(np.zeros(n_blocks * THREADS))
    launch(kernel, n_blocks, THREADS, out)
    return device.fetch(out)


@cuda_kernel
def turn_around(out):
    numbers = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x
    numbers[thread] = thread
    cuda.syncthreads()
    out[cuda.grid(1)] = numbers[THREADS - 1 - thread]


@cuda_kernel
def turn_around_without_a_barrier(out):
    numbers = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x
    numbers[thread] = thread
    out[cuda.grid(1)] = numbers[THREADS - 1 - thread]


@cuda_kernel
def turn_around_after_a_vote(out):
    numbers = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x
    numbers[thread] = thread
    mask = vote(thread >= 0)
    out[cuda.grid(1)] = numbers[THREADS - 1 - thread] + mask


@cuda_kernel
def turn_around_twice(out):
    numbers = cuda.shared.array(THREADS, numba.float64)
    thread = cuda.threadIdx.x
    for turn in range(2):
        numbers[thread] = turn
        cuda.syncthreads()
        out[cuda.grid(1)] += numbers[THREADS - 1 - thread]


@cuda_kernel
def read_what_nobody_wrote(out):
    numbers = cuda.shared.array(THREADS, numba.float64)
    if cuda.blockIdx.x == 0:
        numbers[cuda.threadIdx.x] = 1.0
    cuda.syncthreads()
    out[cuda.grid(1)] = numbers[cuda.threadIdx.x]


@cuda_kernel
def change_what_nobody_wrote(out):
    total = cuda.shared.array(1, numba.float64)
    cuda.atomic.add(total, 0, 1.0)
    cuda.syncthreads()
    out[cuda.grid(1)] = total[0]


@cuda_kernel
def write_one_element_by_all_threads(out):
    out[cuda.blockIdx.x] = 1.0


@cuda_kernel
def write_one_element_by_all_blocks(out):
    if cuda.threadIdx.x == 0:
        out[0] = 1.0


@cuda_kernel
def read_what_other_blocks_write(out):
    if cuda.threadIdx.x == 0:
        out[cuda.blockIdx.x] = out[(cuda.blockIdx.x + 1) % BLOCKS] + 1.0


@cuda_helper
def put_first(part, value):
    part[0] = value


@cuda_kernel
def write_one_element_by_way_of_a_part(out):
    if cuda.threadIdx.x == 0:
        put_first(out[2:], 1.0)


@cuda_kernel
def add_with_atomics(out):
    cuda.atomic.add(out, 0, 1.0)


@cuda_kernel
def read_beside_atomics(out):
    if cuda.grid(1) == 0:
        out[1] = out[0]
    else:
        cuda.atomic.add(out, 0, 1.0)


@cuda_kernel
def own_elements(out):
    n = cuda.grid(1)
    for _ in range(3):
        out[n] += n


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (turn_around_without_a_barrier, "in another thread|before anything is there"),
        (turn_around_after_a_vote, "in another thread"),
        (turn_around_twice, "in another thread"),
        (read_what_nobody_wrote, "reads shared memory before anything is there"),
        (change_what_nobody_wrote, "with an atomic shared memory before anything is there"),
        (write_one_element_by_all_threads, "writes in another thread"),
        (write_one_element_by_all_blocks, "writes in another block"),
        (read_what_other_blocks_write, "in another block"),
        (write_one_element_by_way_of_a_part, "writes in another block"),
        (read_beside_atomics, "reads in another thread"),
    ],
)
def test_races_are_errors(kernel, message):
    with pytest.raises(AssertionError, match=message):
        run(kernel)


def test_errors_name_both_places():
    with pytest.raises(AssertionError, match=r"test_races\.py:\d+ \w+ what test_races\.py:\d+"):
        run(turn_around_after_a_vote)


def test_barriers_order_what_threads_do():
    expected = np.tile(np.arange(THREADS)[::-1], BLOCKS)
    np.testing.assert_array_equal(run(turn_around), expected)


def test_atomics_are_in_no_order_and_no_race():
    assert run(add_with_atomics)[0] == BLOCKS * THREADS


def test_threads_own_elements():
    np.testing.assert_array_equal(run(own_elements), 3 * np.arange(BLOCKS * THREADS))
