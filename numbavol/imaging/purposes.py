"""What random numbers of particles are drawn for: each purpose has its own for every seed."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import numpy as np

from numbavol.kernels.dispatch import find_kernel
from numbavol.kernels.tasks import run_task

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Purpose(enum.IntEnum):
    """What numbers are drawn for. They stay as they are: seeds mean the same for ever."""

    ORIENTATION = 1
    OFFSET = 2
    VOLUME = 3
    DEFOCUS_OF_MICROGRAPH = 4
    DEFOCUS_OF_PARTICLE = 5
    MORE_OFFSET = 6
    ICE = 16
    NOISE = 17
    ELECTRONS = 18


def draw_uniforms(
    seed: int, purpose: Purpose, numbers: NDArray[np.integer], n_each: int
) -> NDArray[np.float64]:
    """Draw numbers evenly distributed over (0, 1).

    Parameters
    ----------
    seed
        From 0 to 2^64 - 1.
    purpose
        What they are for.
    numbers
        ``(n,)``: of the particles, or of whatever each draw belongs to.
    n_each
        How many each has.

    Returns
    -------
    ndarray
        ``(n, n_each)``. A row belongs to the seed, the purpose and its number alone.
    """
    drawn = np.empty((len(numbers), n_each + n_each % 2))
    fill = find_kernel("fill_uniforms", "cpu")
    own = np.asarray(numbers, np.uint64)
    run_task(lambda: fill(drawn, np.uint64(seed), np.uint64(purpose), own))
    return drawn[:, :n_each]


def draw_normals(
    seed: int, purpose: Purpose, numbers: NDArray[np.integer], n_each: int
) -> NDArray[np.float64]:
    """Draw normal numbers of variance 1: see `draw_uniforms`."""
    return make_normal(draw_uniforms(seed, purpose, numbers, 2 * n_each))


def make_normal(uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make normal numbers, (n, m), of twice as many that are evenly distributed (Box & Muller)."""
    lengths = np.sqrt(-2.0 * np.log(uniforms[:, 0::2]))
    normals: NDArray[np.float64] = lengths * np.cos(2.0 * np.pi * uniforms[:, 1::2])
    return normals
