"""Random numbers that belong to where they are used, and to no order: for every device.

Philox 4x32 with 10 rounds (Salmon, Moraes, Dror & Shaw (2011), Proceedings of SC11, 16, section
4.3) makes four words of a counter and a key: the key is a seed, the counter a purpose, a number (of
a particle) and a place in what is drawn for it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.jit import helper
from numbavol.kernels.math import HALF, ONE, negative_log, sine_of_turns_single

# uint64.
Word = Any

MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
WORD_BITS, WORD = np.uint64(32), np.uint64(0xFFFFFFFF)
ROUNDS = 10
# Rows of what is drawn are below this, purposes above.
PURPOSE_BITS = np.uint64(24)
A_WORD = np.float32(2.0**-32)
QUARTER = np.float32(0.25)
# Halves are used of 52 bits, of which the middle between two numbers is exact.
A_DOUBLE, UNUSED_BITS, USED_BITS = 2.0**-52, np.uint64(6), np.uint64(26)


@helper
def draw_words(
    seed: Word, purpose: Word, number: Word, row: Word, place: Word
) -> tuple[Word, Word, Word, Word]:
    """Draw four words of 32 bits: those of a seed, a purpose, a number, a row and a place in it."""
    key_0, key_1 = seed & WORD, seed >> WORD_BITS
    c0, c1 = place, row | (purpose << PURPOSE_BITS)
    c2, c3 = number & WORD, number >> WORD_BITS
    for _ in range(ROUNDS):
        product_0, product_1 = c0 * MULTIPLIER_0, c2 * MULTIPLIER_1
        c0 = (product_1 >> WORD_BITS) ^ c1 ^ key_0
        c2 = (product_0 >> WORD_BITS) ^ c3 ^ key_1
        c1, c3 = product_1 & WORD, product_0 & WORD
        key_0, key_1 = (key_0 + WEYL_0) & WORD, (key_1 + WEYL_1) & WORD
    return c0, c1, c2, c3


@helper
def pairs_of_columns(n_columns: int) -> int:
    """How many draws a row of a half transform takes: each serves two columns, so far apart."""
    return (n_columns + 1) // 2


@helper
def normal_of_words(first: np.uint32, second: np.uint32) -> tuple[np.float32, np.float32]:
    """Real and imaginary part of a complex normal number of variance 1 (Box & Muller)."""
    length = np.float32(math.sqrt(negative_log((np.float32(first) + HALF) * A_WORD)))
    turns = np.float32(np.int32(np.int64(second) - np.int64(2**31))) * A_WORD
    quarter_on = turns + QUARTER
    quarter_on = quarter_on - ONE if quarter_on > HALF else quarter_on
    return length * sine_of_turns_single(quarter_on), length * sine_of_turns_single(turns)


@helper
def uniform_of_words(first: Word, second: Word) -> float:
    """Evenly distributed over (0, 1), with 52 bits."""
    bits = ((first >> UNUSED_BITS) << USED_BITS) | (second >> UNUSED_BITS)
    return (np.float64(bits) + 0.5) * A_DOUBLE
