"""Electrons that are counted where some are expected."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.poisson import MANY, draw_large_count, probability_of_next, propose_count
from numbavol.kernels.random import draw_words, uniform_of_words

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def _draw_uniforms(
    uniforms: Array, words: Array, seed: int, purpose: int, number: int, row: int
) -> None:
    """Draw two uniform numbers for each place of a row, ``uniforms`` (2, x)."""
    n_x = words.shape[1]
    for x in range(n_x):
        a, b, c, d = draw_words(seed, purpose, number, np.uint64(row), np.uint64(x))
        words[0, x], words[1, x] = np.uint32(a), np.uint32(b)
        words[2, x], words[3, x] = np.uint32(c), np.uint32(d)
    for x in range(n_x):
        uniforms[0, x] = uniform_of_words(np.uint64(words[0, x]), np.uint64(words[1, x]))
    for x in range(n_x):
        uniforms[1, x] = uniform_of_words(np.uint64(words[2, x]), np.uint64(words[3, x]))


@helper
def _invert(counts: Array, total: Array, term: Array, expected: Array, uniforms: Array) -> None:
    """Count up all places of a row together, until the probability of as many is above all."""
    n_x = counts.shape[0]
    for x in range(n_x):
        counts[x], total[x], term[x] = 0.0, 0.0, math.exp(-min(expected[x], MANY))
    n, n_going = 0.0, 1.0
    while n_going > 0.0:
        n += 1.0
        inverse, n_going = 1.0 / n, 0.0
        for x in range(n_x):
            before = total[x]
            total[x] = before + term[x]
            term[x] = probability_of_next(term[x], min(expected[x], MANY), inverse)
            # Rounded, the sum can end below a number that is almost 1.
            goes_on = 1.0 if (total[x] < uniforms[x]) & (total[x] > before) else 0.0
            counts[x] += goes_on
            n_going += goes_on


@kernel
def draw_counts(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    """Draw numbers of electrons from Poisson's distribution.

    Owns ``out``, float64 (n, y, x): before the numbers expected, finite and not below 0, and
    afterwards those counted. The draw of an image belongs to ``seed``, ``purpose`` and its one of
    ``numbers``, uint64 (n,).
    """
    n_x = out.shape[2]
    words, uniforms = np.empty((4, n_x), np.uint32), np.empty((2, n_x))
    total, term, counts = np.empty(n_x), np.empty(n_x), np.empty(n_x)
    for image in range(out.shape[0]):
        number = numbers[image]
        for y in range(out.shape[1]):
            expected = out[image, y]
            _draw_uniforms(uniforms, words, seed, purpose, number, y)
            n_many = 0
            for x in range(n_x):
                n_many += 1 if expected[x] >= MANY else 0
            if n_many < n_x:
                _invert(counts, total, term, expected, uniforms[0])
            if n_many > 0:
                for x in range(n_x):
                    proposed = propose_count(max(expected[x], MANY), uniforms[0, x], uniforms[1, x])
                    counts[x] = proposed if expected[x] >= MANY else counts[x]
                for x in range(n_x):
                    if counts[x] < 0.0:
                        counts[x] = draw_large_count(
                            expected[x], seed, purpose, number, np.uint64(y), np.uint64(x)
                        )
            for x in range(n_x):
                expected[x] = counts[x]
