"""What the threads of a warp do together, and two numbers that are read as one."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import cuda

from numbavol.kernels.cuda.device import IS_SIMULATED
from numbavol.kernels.jit import by_type, cuda_helper

# Numba's simulator makes a thread of Python for each of a block, and knows no warps.
WARP = 4 if IS_SIMULATED else 32
# Of a table in shared memory with an element for each lane: the next row is in other banks.
ROW = WARP + 1
EVERY_LANE = 0xFFFFFFFF
ONE = np.uint32(1)
BITS = np.uint64(32)

# How two numbers of a precision are kept in shared memory, so that one instruction reads both.
PAIRS = {np.dtype(np.float32): numba.uint64, np.dtype(np.float64): numba.complex128}


def as_pairs(array: Any) -> Any:
    """View complex numbers, or two real ones that follow one another, as pairs.

    ``array`` is C-contiguous; the last axis of an array of real numbers becomes half as long.
    """
    is_single = array.real.dtype == np.float32
    return array.view(np.uint64 if is_single else np.complex128)


@cuda_helper
def _vote(is_true: bool) -> np.uint32:
    return np.uint32(cuda.ballot_sync(EVERY_LANE, is_true))


@cuda_helper
def _vote_in_the_simulator(is_true: bool) -> np.uint32:
    answers = cuda.shared.array(64, numba.boolean)
    thread = cuda.threadIdx.x
    answers[thread] = is_true
    cuda.syncthreads()
    first, mask = thread - thread % WARP, 0
    for lane in range(WARP):
        if answers[first + lane]:
            mask |= 1 << lane
    cuda.syncthreads()
    return np.uint32(mask)


vote = _vote_in_the_simulator if IS_SIMULATED else _vote
"""Which threads of the warp say so, a bit for each lane. Every thread of the block calls it."""


@cuda_helper
def first_lane(mask: np.uint32) -> np.uint32:
    """Lane of the lowest bit of a mask that is not 0."""
    return np.uint32(cuda.ffs(mask) - 1)


@cuda_helper
def without_first_lane(mask: np.uint32) -> np.uint32:
    """Take the lowest bit from a mask that is not 0."""
    return np.uint32(mask & np.uint32(mask - ONE))


@cuda_helper
def narrow(number: Any) -> int:
    """Take the low 32 bits of a whole number that has no more: one register and not two."""
    return np.int32(number)  # type: ignore[return-value]


@cuda_helper
def unsigned(number: Any) -> int:
    """Make an index one without a sign: Numba does not ask whether it counts from the end.

    With one that has a sign, a sum has one again.
    """
    return np.uint64(number)  # type: ignore[return-value]


@cuda_helper
def divide_small(number: Any, divisor: int) -> int:
    """Divide whole numbers below 2**20: one of 64 bits takes as long as an interpolation."""
    share = np.float32(1) / np.float32(narrow(divisor))
    quotient = (np.float32(number) + np.float32(0.5)) * share
    return narrow(quotient)


@cuda_helper
def join_whole(first: int, second: int) -> np.uint64:
    """Keep two whole numbers of 32 bits, not below 0, so that one instruction reads both."""
    return np.uint64(np.uint64(first) | np.uint64(np.uint64(second) << BITS))


@cuda_helper
def split_whole(both: np.uint64) -> tuple[int, int]:
    """Take the numbers apart that `join_whole` keeps."""
    return narrow(both & np.uint64(EVERY_LANE)), narrow(both >> BITS)


def _join_singles(first: np.float32, second: np.float32) -> np.uint64:
    high = np.uint64(np.uint64(second.view(np.uint32)) << BITS)
    return np.uint64(np.uint64(first.view(np.uint32)) | high)


def _join_doubles(first: np.float64, second: np.float64) -> np.complex128:
    return np.complex128(complex(first, second))


def _first_single(pair: np.uint64) -> np.float32:
    return np.uint32(pair & np.uint64(EVERY_LANE)).view(np.float32)


def _second_single(pair: np.uint64) -> np.float32:
    return np.uint32(pair >> BITS).view(np.float32)


def _first_double(pair: np.complex128) -> np.float64:
    return np.float64(pair.real)


def _second_double(pair: np.complex128) -> np.float64:
    return np.float64(pair.imag)


join: Any = by_type({numba.float32: _join_singles, numba.float64: _join_doubles})
"""Two numbers as a pair, of the type that `PAIRS` has for theirs."""
first_of: Any = by_type({numba.uint64: _first_single, numba.complex128: _first_double})
"""The first number of a pair."""
second_of: Any = by_type({numba.uint64: _second_single, numba.complex128: _second_double})
"""The second number of a pair."""
