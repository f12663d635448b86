"""The processor that runs PTX: kernels, their threads, and what a card may not be asked."""

from __future__ import annotations

import ctypes
import math
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numba import float32, int64
from ptx.program import MachineError, Program, can_be_compiled

from numbavol.kernels.finding import is_simulated

pytest.importorskip("numba_cuda")
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(
        is_simulated() or bool(numba.config.DISABLE_JIT), reason="nothing is compiled"
    ),
    pytest.mark.skipif(not can_be_compiled(), reason="there is no compiler of C"),
]

from numba import cuda  # noqa: E402
from ptx.card import CAPABILITY, Launcher, find_type, take_the_place_of_a_card  # noqa: E402


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


@pytest.mark.parametrize(
    ("n_blocks", "n_threads"), [(64, 1), (1, 1024), (1, 32)], ids=["blocks", "warps", "lanes"]
)
@pytest.mark.parametrize("waits", [False, True])
def test_the_order_is_another_one_each_time(n_blocks, n_threads, waits):
    def write_place(last):
        if waits:
            cuda.syncthreads()
        # Of a block, a warp or a lane.
        last[0] = cuda.grid(1) // 32 if n_threads == 1024 else cuda.grid(1)

    launcher, kernel = Launcher(), cuda.jit(write_place)
    found = set()
    for _ in range(30):
        last = np.zeros(1, np.int64)
        launcher.run(kernel, n_blocks, n_threads, last)
        found.add(int(last[0]))
    # Of 30 draws of 32 or 64 places, 10 are different but once in 10^9.
    assert len(found) > 10


def test_the_order_after_a_barrier_is_another_one_than_before():
    def write_last(last):
        last[0] = cuda.threadIdx.x
        cuda.syncthreads()
        last[1] = cuda.threadIdx.x

    launcher, kernel = Launcher(), cuda.jit(write_last)
    n_alike = 0
    for _ in range(20):
        last = np.zeros(2, np.int64)
        launcher.run(kernel, 1, 256, last)
        n_alike += last[0] == last[1]
    assert n_alike < 5


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
    with pytest.raises(MachineError, match="40 at barriers, 0 vote, 24 ended"):
        run_kernel(wait, 1, 64, 40)


def test_a_vote_to_which_some_never_come_is_an_error():
    def vote(votes, n):
        if cuda.threadIdx.x < n:
            votes[0] = cuda.ballot_sync(0xFFFFFFFF, n > 0)

    votes = np.zeros(1, np.uint32)
    run_kernel(vote, 1, 64, votes, 32)
    with pytest.raises(MachineError, match="0 at barriers, 8 vote, 56 ended"):
        run_kernel(vote, 1, 64, votes, 40)


def test_threads_that_wait_at_different_barriers_are_an_error():
    def wait(numbers, n):
        thread = cuda.threadIdx.x
        if thread < n:
            numbers[thread] += 1
            cuda.syncthreads()
        else:
            cuda.syncthreads()
            numbers[thread] += 2

    numbers = np.zeros(64, np.int64)
    run_kernel(wait, 1, 64, numbers, 64)
    with pytest.raises(MachineError, match="64 at barriers, 0 vote, 0 ended"):
        run_kernel(wait, 1, 64, numbers, 32)


def test_a_vote_of_some_lanes_is_an_error():
    def vote(votes):
        votes[0] = cuda.ballot_sync(0xF, votes[0] == 0)

    with pytest.raises(MachineError, match="a vote of some lanes"):
        run_kernel(vote, 1, 32, np.zeros(1, np.uint32))


@pytest.mark.parametrize("n_threads", [0, 1025])
def test_a_block_that_no_card_runs_is_an_error(n_threads):
    with pytest.raises(MachineError, match="a block of no threads, or of more"):
        run_kernel(write_beyond, 1, n_threads, np.zeros(8), 7)


def test_a_launch_after_one_that_failed_is_as_any_other():
    launcher, kernel = Launcher(), cuda.jit(write_beyond)
    for _ in range(2):
        numbers = np.zeros(8)
        with pytest.raises(MachineError):
            launcher.run(kernel, 1, 1, numbers, 8)
        launcher.run(kernel, 1, 1, numbers, 7)
        assert numbers[7] == 1.0


def test_threads_of_python_may_launch_at_once():
    def count(totals, n):
        for _ in range(n):
            cuda.atomic.add(totals, cuda.threadIdx.x, 1)
            cuda.syncthreads()

    launcher, kernel = Launcher(), cuda.jit(count)
    many = [np.zeros(64, np.int64) for _ in range(40)]
    launcher.run(kernel, 1, 64, many[0], 0)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda totals: launcher.run(kernel, 3, 64, totals, 10), many))
    assert all(np.all(totals == 30) for totals in many)


def test_the_place_of_a_card_is_not_taken_when_kernels_know_theirs():
    import numbavol.kernels.cuda.shells  # noqa: F401

    with pytest.raises(pytest.UsageError, match=r"cuda\.shells.*: imported before"):
        take_the_place_of_a_card()


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
