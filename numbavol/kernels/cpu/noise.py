"""Random numbers for particles, and noise for the half transforms of their images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.random import (
    draw_words,
    normal_of_words,
    pairs_of_columns,
    uniform_of_words,
)

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def fill_uniforms(out: Array, seed: int, purpose: int, numbers: Array) -> None:
    """Draw numbers evenly distributed over (0, 1), an even number of them for each of ``numbers``.

    Owns ``out``, float64 (n, 2 m); ``numbers`` are uint64 (n,).
    """
    for n in range(out.shape[0]):
        for pair in range(out.shape[1] // 2):
            a, b, c, d = draw_words(seed, purpose, numbers[n], np.uint64(0), np.uint64(pair))
            out[n, 2 * pair] = uniform_of_words(a, b)
            out[n, 2 * pair + 1] = uniform_of_words(c, d)


@helper
def _draw_row(drawn: Array, words: Array, seed: int, purpose: int, number: int, row: int) -> None:
    """Draw a row of complex normal numbers; ``words`` (4, pairs) is written to.

    ``drawn`` (4, pairs) has real and imaginary parts of the first half of the columns, then those
    of the second.
    """
    n_pairs = words.shape[1]
    for pair in range(n_pairs):
        a, b, c, d = draw_words(seed, purpose, number, np.uint64(row), np.uint64(pair))
        words[0, pair], words[1, pair] = np.uint32(a), np.uint32(b)
        words[2, pair], words[3, pair] = np.uint32(c), np.uint32(d)
    for part in range(0, 4, 2):
        for pair in range(n_pairs):
            real, imaginary = normal_of_words(words[part, pair], words[part + 1, pair])
            drawn[part, pair], drawn[part + 1, pair] = real, imaginary


@helper
def _add_row(out: Array, drawn: Array, amplitudes: Array) -> None:
    n_pairs = drawn.shape[1]
    for part in range(0, 4, 2):
        first = part // 2 * n_pairs
        columns, factors = out[first : first + n_pairs], amplitudes[first : first + n_pairs]
        for x in range(columns.shape[0]):
            columns[x, 0] += factors[x] * drawn[part, x]
            columns[x, 1] += factors[x] * drawn[part + 1, x]


@kernel
def add_noise(
    out: Array, amplitudes: Array, n_x: int, seed: int, purpose: int, numbers: Array
) -> None:
    """Add complex normal numbers to half transforms, those that real images have.

    Owns ``out``, (n, y, x // 2 + 1, 2) with real and imaginary part last, of images of ``n_x``
    columns; ``amplitudes`` (y, x // 2 + 1) are the deviations of the numbers' moduli, and the draw
    of an image belongs to ``seed``, ``purpose`` and its one of ``numbers``, uint64 (n,).
    """
    n_y, n_half = out.shape[1], out.shape[2]
    n_pairs = pairs_of_columns(n_half)
    words = np.empty((4, n_pairs), np.uint32)
    drawn, mirrored = np.empty((4, n_pairs), np.float32), np.empty((4, n_pairs), np.float32)
    # Columns whose negatives are in the same half: the first, and that of an even axis' Nyquist.
    last = n_half - 1 if n_x % 2 == 0 else 0
    root = np.float32(math.sqrt(2.0))
    for image in range(out.shape[0]):
        for y in range(n_y // 2 + 1):
            _draw_row(drawn, words, seed, purpose, numbers[image], y)
            negative = (n_y - y) % n_y
            if negative != y:
                _draw_row(mirrored, words, seed, purpose, numbers[image], negative)
            for column in range(0, last + 1, max(last, 1)):
                part, pair = 2 * (column // n_pairs), column % n_pairs
                if negative != y:
                    mirrored[part, pair] = drawn[part, pair]
                    mirrored[part + 1, pair] = -drawn[part + 1, pair]
                else:
                    drawn[part, pair] *= root
                    drawn[part + 1, pair] = np.float32(0)
            _add_row(out[image, y], drawn, amplitudes[y])
            if negative != y:
                _add_row(out[image, negative], mirrored, amplitudes[negative])
