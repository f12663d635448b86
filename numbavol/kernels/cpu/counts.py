"""Electrons that are counted where some are expected."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.wide_vectors import prefer_wide_vectors
from numbavol.kernels.double import exponential
from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.poisson import (
    MANY,
    UNDECIDED,
    decide_quantile,
    find_quantile,
    probability_of_next,
)
from numbavol.kernels.random import draw_words, uniform_of_words

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def _draw_uniforms(uniforms: Array, words: Array, row: int, stream: Any) -> None:
    """Draw pairs of uniform numbers, ``uniforms`` (2 m,); ``words`` (4, m) is written to."""
    prefer_wide_vectors()
    seed, purpose, number = stream
    for i in range(words.shape[1]):
        a, b, c, d = draw_words(seed, purpose, number, np.uint64(row), np.uint64(i))
        words[0, i], words[1, i] = np.uint32(a), np.uint32(b)
        words[2, i], words[3, i] = np.uint32(c), np.uint32(d)
    for i in range(words.shape[1]):
        uniforms[2 * i] = uniform_of_words(np.uint64(words[0, i]), np.uint64(words[1, i]))
        uniforms[2 * i + 1] = uniform_of_words(np.uint64(words[2, i]), np.uint64(words[3, i]))


@helper
def _count_few(row: Array, uniforms: Array, scratch: Array) -> None:
    """Count up all places together, until the probability of as many is above all numbers.

    ``scratch`` (4, x) has in its first row the counts, of places where few are expected.
    """
    prefer_wide_vectors()
    counts, expected, total, term = scratch[0], scratch[1], scratch[2], scratch[3]
    for i in range(row.shape[0]):
        # Elsewhere nobody waits for them.
        expected[i] = row[i] if row[i] < MANY else 0.0
        counts[i], total[i], term[i] = 0.0, 0.0, exponential(-expected[i])
    electrons, n_going = 0.0, 1
    while n_going > 0:
        electrons += 1.0
        inverse, n_going = 1.0 / electrons, 0
        for i in range(row.shape[0]):
            before = total[i]
            total[i] = before + term[i]
            term[i] = probability_of_next(term[i], expected[i], inverse)
            # Rounded, the sum can end below a number that is almost 1.
            goes_on = 1 if (total[i] < uniforms[i]) & (total[i] > before) else 0
            counts[i] += goes_on
            n_going += goes_on


@helper
def _count_many(row: Array, uniforms: Array, counts: Array) -> None:
    """Find the counts of places where many are expected."""
    prefer_wide_vectors()
    for i in range(row.shape[0]):
        counts[i] = find_quantile(max(row[i], MANY), uniforms[i])
    for i in range(row.shape[0]):
        if counts[i] == UNDECIDED:
            counts[i] = decide_quantile(max(row[i], MANY), uniforms[i])


@kernel
def draw_counts(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    """Draw numbers of electrons from Poisson's distribution.

    Owns ``out``, float64 (n, y, x): before the numbers expected, finite and not below 0, and
    afterwards those counted. The draw of an image belongs to ``seed``, ``purpose`` and its one of
    ``numbers``, uint64 (n,).
    """
    n_x = out.shape[2]
    n_pairs = (n_x + 1) // 2
    words, uniforms = np.empty((4, n_pairs), np.uint32), np.empty(2 * n_pairs)
    few, many = np.empty((4, n_x)), np.empty(n_x)
    for n in range(out.shape[0]):
        stream = (seed, purpose, numbers[n])
        for y in range(out.shape[1]):
            row, n_many = out[n, y], 0
            for x in range(n_x):
                n_many += 1 if row[x] >= MANY else 0
            _draw_uniforms(uniforms, words, y, stream)
            if n_many < n_x:
                _count_few(row, uniforms, few)
            if n_many > 0:
                _count_many(row, uniforms, many)
            for x in range(n_x):
                row[x] = many[x] if row[x] >= MANY else few[0, x]
