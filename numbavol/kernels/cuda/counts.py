"""Electrons that are counted where some are expected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.double import exponential
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.poisson import MANY, place_of_proposal, probability_of_next, propose_count
from numbavol.kernels.random import draw_words, uniform_of_words

Array = np.ndarray[Any, np.dtype[Any]]


def draw_counts(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    """Draw numbers of electrons from Poisson's distribution.

    ``out`` is float64 (n, y, x), of which a thread owns one: before the numbers expected, finite
    and not below 0, and afterwards those counted. The draw of an image belongs to ``seed``,
    ``purpose`` and its one of ``numbers``, uint64 (n,).
    """
    launch_for_each(_draw_counts, out.size, out, seed, purpose, numbers)


@cuda_helper
def _count_few(expected: Any, uniform: Any) -> Any:
    total, before, term, n = 0.0, -1.0, exponential(-expected), 0.0
    while True:
        before, total = total, total + term
        # Rounded, the sum can end below a number that is almost 1.
        if total >= uniform or total <= before:
            return n
        n += 1.0
        term = probability_of_next(term, expected, 1.0 / n)


@cuda_kernel
def _draw_counts(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    thread, n_x = cuda.grid(1), out.shape[2]
    x, y = thread % n_x, thread // n_x % out.shape[1]
    image = thread // (n_x * out.shape[1])
    if image >= out.shape[0]:
        return
    expected, row, count, proposal = out[image, y, x], np.uint64(y), -1.0, 0
    while count < 0.0:
        place = place_of_proposal(np.uint64(x), proposal)
        a, b, c, d = draw_words(seed, purpose, numbers[image], row, place)
        u, v = uniform_of_words(a, b), uniform_of_words(c, d)
        count = propose_count(expected, u, v) if expected >= MANY else _count_few(expected, u)
        proposal += 1
    out[image, y, x] = count
