"""Electrons that are counted where some are expected."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from numbavol.kernels.cuda.launch import launch_for_each
from numbavol.kernels.double import exponential
from numbavol.kernels.jit import cuda_helper, cuda_kernel
from numbavol.kernels.poisson import (
    MANY,
    UNDECIDED,
    decide_quantile,
    find_quantile,
    probability_of_next,
)
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


@cuda_helper
def _count_many(expected: Any, uniform: Any) -> Any:
    count = find_quantile(expected, uniform)
    return decide_quantile(expected, uniform) if count == UNDECIDED else count


@cuda_kernel
def _draw_counts(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    thread, n_x = cuda.grid(1), out.shape[2]
    x, y = thread % n_x, thread // n_x % out.shape[1]
    image = thread // (n_x * out.shape[1])
    if image >= out.shape[0]:
        return
    a, b, c, d = draw_words(seed, purpose, numbers[image], np.uint64(y), np.uint64(x // 2))
    uniform = uniform_of_words(a, b) if x % 2 == 0 else uniform_of_words(c, d)
    expected = out[image, y, x]
    out[image, y, x] = (
        _count_many(expected, uniform) if expected >= MANY else _count_few(expected, uniform)
    )
