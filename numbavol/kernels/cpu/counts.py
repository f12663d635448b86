"""Electrons that are counted where some are expected."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.wide_vectors import prefer_wide_vectors
from numbavol.kernels.double import exponential
from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.poisson import MANY, place_of_proposal, probability_of_next, propose_count
from numbavol.kernels.random import draw_words, uniform_of_words

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def _draw_uniforms(
    uniforms: Array, words: Array, rows: Array, places: Array, n: int, proposal: int, stream: Any
) -> None:
    """Draw two uniform numbers for each of n places, ``uniforms`` (2, x)."""
    prefer_wide_vectors()
    seed, purpose, number = stream
    for i in range(n):
        place = place_of_proposal(places[i], proposal)
        a, b, c, d = draw_words(seed, purpose, number, rows[i], place)
        words[0, i], words[1, i] = np.uint32(a), np.uint32(b)
        words[2, i], words[3, i] = np.uint32(c), np.uint32(d)
    for i in range(n):
        uniforms[0, i] = uniform_of_words(np.uint64(words[0, i]), np.uint64(words[1, i]))
    for i in range(n):
        uniforms[1, i] = uniform_of_words(np.uint64(words[2, i]), np.uint64(words[3, i]))


@helper
def _count_few(row: Array, places: Array, n: int, scratch: Array, uniforms: Array) -> None:
    """Count up all places together, until the probability of as many is above all numbers."""
    prefer_wide_vectors()
    expected, counts, total, term = scratch[0], scratch[1], scratch[2], scratch[3]
    for i in range(n):
        expected[i] = row[places[i]]
    for i in range(n):
        counts[i], total[i], term[i] = 0.0, 0.0, exponential(-expected[i])
    electrons, n_going = 0.0, n
    while n_going > 0:
        electrons += 1.0
        inverse, n_going = 1.0 / electrons, 0
        for i in range(n):
            before = total[i]
            total[i] = before + term[i]
            term[i] = probability_of_next(term[i], expected[i], inverse)
            # Rounded, the sum can end below a number that is almost 1.
            goes_on = 1 if (total[i] < uniforms[0, i]) & (total[i] > before) else 0
            counts[i] += goes_on
            n_going += goes_on
    for i in range(n):
        row[places[i]] = counts[i]


@helper
def _count_many(
    image: Array,
    rows: Array,
    places: Array,
    n: int,
    scratch: Array,
    uniforms: Array,
    left: Array,
    n_left: int,
) -> int:
    """Propose a count for each place; those not taken are added to the ``n_left`` that are left."""
    prefer_wide_vectors()
    expected, counts = scratch[0], scratch[1]
    for i in range(n):
        expected[i] = image[rows[i], places[i]]
    for i in range(n):
        counts[i] = propose_count(expected[i], uniforms[0, i], uniforms[1, i])
    for i in range(n):
        left[0, n_left], left[1, n_left] = rows[i], places[i]
        is_taken = counts[i] >= 0.0
        n_left += 0 if is_taken else 1
        image[rows[i], places[i]] = counts[i] if is_taken else expected[i]
    return n_left


@helper
def _divide(image: Array, y: int, rows: Array, few: Array, many: Array) -> tuple[int, int]:
    """Write the places of a row where few are expected, and where many are; how many there are."""
    n_x, n_few, n_many = image.shape[1], 0, 0
    for x in range(n_x):
        rows[x], few[x], many[x] = np.uint64(y), np.uint64(x), np.uint64(x)
    for x in range(n_x):
        n_many += 1 if image[y, x] >= MANY else 0
    # Mostly all are of one kind, and stand in their order.
    if n_many in (0, n_x):
        return n_x - n_many, n_many
    n_many = 0
    for x in range(n_x):
        few[n_few], many[n_many] = np.uint64(x), np.uint64(x)
        is_many = image[y, x] >= MANY
        n_many += 1 if is_many else 0
        n_few += 0 if is_many else 1
    return n_few, n_many


@kernel
def draw_counts(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    """Draw numbers of electrons from Poisson's distribution.

    Owns ``out``, float64 (n, y, x): before the numbers expected, finite and not below 0, and
    afterwards those counted. The draw of an image belongs to ``seed``, ``purpose`` and its one of
    ``numbers``, uint64 (n,).
    """
    n_y, n_x = out.shape[1], out.shape[2]
    words, uniforms, scratch = np.empty((4, n_x), np.uint32), np.empty((2, n_x)), np.empty((4, n_x))
    rows, few, many = np.empty(n_x, np.uint64), np.empty(n_x, np.uint64), np.empty(n_x, np.uint64)
    # Row and column of those whose first proposal was not taken: together, for loops over the few
    # of one row would hardly be vector instructions (scripts/bench imaging).
    left = np.empty((2, n_y * n_x + 1), np.uint64)
    for n in range(out.shape[0]):
        image, stream = out[n], (seed, purpose, numbers[n])
        n_left = 0
        for y in range(n_y):
            n_few, n_many = _divide(image, y, rows, few, many)
            if n_few > 0:
                _draw_uniforms(uniforms, words, rows, few, n_few, 0, stream)
                _count_few(image[y], few, n_few, scratch, uniforms)
            if n_many > 0:
                _draw_uniforms(uniforms, words, rows, many, n_many, 0, stream)
                n_left = _count_many(image, rows, many, n_many, scratch, uniforms, left, n_left)
        proposal = 0
        while n_left > 0:
            n_before, n_left = n_left, 0
            proposal += 1
            for start in range(0, n_before, n_x):
                n_some = min(n_x, n_before - start)
                for i in range(n_some):
                    rows[i], many[i] = left[0, start + i], left[1, start + i]
                _draw_uniforms(uniforms, words, rows, many, n_some, proposal, stream)
                n_left = _count_many(image, rows, many, n_some, scratch, uniforms, left, n_left)
