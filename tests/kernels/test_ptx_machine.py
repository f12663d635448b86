"""The processor that runs PTX: kernels, their threads, and what a card may not be asked."""

from __future__ import annotations

import ctypes
import math

import numba
import numpy as np
import pytest
from numba import float32, int64
from ptx.program import MachineError, Program, find_compiler

from numbavol.kernels.finding import is_simulated

pytest.importorskip("numba_cuda")
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(
        is_simulated() or bool(numba.config.DISABLE_JIT), reason="nothing is compiled"
    ),
    pytest.mark.skipif(find_compiler() is None, reason="there is no compiler of C"),
]

from numba import cuda  # noqa: E402
from ptx.card import CAPABILITY, Launcher, find_type  # noqa: E402


def run_kernel(function, n_blocks, n_threads, *arguments):
    """Compile a function as a kernel, and run it once."""
    Launcher().run(cuda.jit(function), n_blocks, n_threads, *arguments)


def test_threads_wait_for_each_other_at_a_barrier():
    def reverse(numbers):
        shared = cuda.shared.array(96, float32)
        thread = cuda.threadIdx.x
        first = cuda.blockIdx.x * 96
        shared[thread] = numbers[first + thread]
        cuda.syncthreads()
        numbers[first + thread] = shared[95 - thread]

    numbers = np.arange(192, dtype=np.float32)
    run_kernel(reverse, 2, 96, numbers)
    assert np.array_equal(numbers, np.arange(192).reshape(2, 96)[:, ::-1].ravel())


def test_what_lacks_a_barrier_reads_what_is_no_number():
    def reverse(numbers):
        shared = cuda.shared.array(96, float32)
        thread = cuda.threadIdx.x
        shared[thread] = numbers[thread]
        numbers[thread] = shared[95 - thread]

    numbers = np.arange(96, dtype=np.float32)
    run_kernel(reverse, 1, 96, numbers)
    # Of two that swap their numbers, the first to be run reads too early.
    assert 40 < np.isnan(numbers).sum() <= 48


def test_blocks_and_threads_have_another_order_each_time():
    def write_place(last):
        last[0] = cuda.grid(1)

    launcher, kernel = Launcher(), cuda.jit(write_place)
    found = set()
    for _ in range(20):
        last = np.zeros(1, np.int64)
        launcher.run(kernel, 8, 64, last)
        found.add(int(last[0]))
    assert len(found) > 10


def test_a_warp_takes_votes_of_its_lanes():
    def vote(votes):
        thread = cuda.threadIdx.x
        votes[thread] = cuda.ballot_sync(0xFFFFFFFF, thread % 3 == 0)

    votes = np.zeros(64, np.uint32)
    run_kernel(vote, 1, 64, votes)
    for warp in range(2):
        expected = sum(1 << lane for lane in range(32) if (32 * warp + lane) % 3 == 0)
        assert np.all(votes[32 * warp : 32 * warp + 32] == expected)


def test_a_vote_is_no_barrier():
    def read_of_the_other_warp(numbers):
        shared = cuda.shared.array(64, float32)
        thread = cuda.threadIdx.x
        shared[thread] = 1.0
        cuda.ballot_sync(0xFFFFFFFF, thread > 0)
        numbers[thread] = shared[63 - thread]

    numbers = np.zeros(64, np.float32)
    run_kernel(read_of_the_other_warp, 1, 64, numbers)
    assert np.isnan(numbers).sum() == 32


def test_atomics_lose_nothing():
    def count(totals, highest):
        cuda.atomic.add(totals, cuda.threadIdx.x % 2, 1.0)
        cuda.atomic.max(highest, 0, cuda.grid(1))

    totals, highest = np.zeros(2, np.float32), np.zeros(1, np.int64)
    run_kernel(count, 5, 32, totals, highest)
    assert totals.tolist() == [80.0, 80.0]
    assert highest[0] == 159


def test_functions_that_are_not_in_line_are_called():
    def find_cosines(angles):
        thread = cuda.grid(1)
        # Of large angles, NVIDIA's library has a function that finds the remainder.
        angles[thread] = math.cos(angles[thread])

    angles = np.linspace(-1e9, 1e12, 64)
    expected = np.cos(angles)
    run_kernel(find_cosines, 2, 32, angles)
    np.testing.assert_allclose(angles, expected, rtol=0.0, atol=1e-15)


def read_beyond(numbers, n):
    numbers[0] = numbers[n]


def write_beyond(numbers, n):
    numbers[n] = 1.0


def add_beyond(numbers, n):
    cuda.atomic.add(numbers, n, 1.0)


@pytest.mark.parametrize(
    ("function", "instruction"),
    [(read_beyond, "ld.global"), (write_beyond, "st.global"), (add_beyond, "atom.global.add")],
)
def test_an_access_outside_of_every_array_is_an_error(function, instruction):
    numbers = np.zeros(8)
    run_kernel(function, 1, 1, numbers, 7)
    with pytest.raises(MachineError, match=rf"{instruction}\S* of 8 bytes outside of every array"):
        run_kernel(function, 1, 1, numbers, 8)


def test_an_access_beyond_shared_memory_is_an_error():
    def write(n):
        shared = cuda.shared.array(4, float32)
        shared[n] = 1.0

    run_kernel(write, 1, 1, 3)
    with pytest.raises(MachineError, match=r"block 0, thread 0: st\.shared.* outside of every"):
        run_kernel(write, 1, 1, 4)


def test_an_access_that_is_not_aligned_is_an_error():
    def write(numbers):
        numbers[0] = 1.0

    numbers = np.zeros(17, np.uint8)[1:].view(np.float64)
    with pytest.raises(MachineError, match="8 bytes that are not aligned"):
        run_kernel(write, 1, 1, numbers)


def test_a_barrier_to_which_some_never_come_is_an_error():
    def wait(n):
        if cuda.threadIdx.x < n:
            cuda.syncthreads()

    run_kernel(wait, 1, 64, 64)
    with pytest.raises(MachineError, match="block 0: 40 threads wait at a barrier, 0 vote, and 24"):
        run_kernel(wait, 1, 64, 40)


def test_a_vote_to_which_some_never_come_is_an_error():
    def vote(votes, n):
        if cuda.threadIdx.x < n:
            votes[0] = cuda.ballot_sync(0xFFFFFFFF, n > 0)

    votes = np.zeros(1, np.uint32)
    run_kernel(vote, 1, 64, votes, 32)
    with pytest.raises(MachineError, match="0 threads wait at a barrier, 8 vote, and 56 ended"):
        run_kernel(vote, 1, 64, votes, 40)


def test_a_number_of_another_type_is_an_error():
    ptx, _ = cuda.compile_ptx(write_beyond, numba.void(float32[::1], int64), cc=CAPABILITY)
    with pytest.raises(TypeError, match="type u64"):
        Program(ptx).run(1, 1, [0, 0, 8, ctypes.c_int32(8), 0, 8, 4, 0])


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        (3, int64),
        (2.0, numba.float64),
        ((1, 2), numba.types.UniTuple(int64, 2)),
        (np.zeros((2, 3), np.float32), float32[:, ::1]),
        (np.zeros((2, 3), np.float32).T, float32[::1, :]),
        (np.zeros((2, 6), np.float32)[:, ::2], float32[:, :]),
    ],
)
def test_types_are_those_of_a_card(argument, expected):
    assert find_type(argument) == expected
