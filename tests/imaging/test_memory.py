"""What is computed on the plane of frequencies needs little memory beside its result."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from numbavol import DoseWeighting, NoiseSpectrum, VitreousIce, compute_dose_filter

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

SHAPE, PIXEL_SIZE = (1024, 512), 1.2
# Some arrays of an eighth of the result, 2**15 of its numbers, are held at a time; beside the
# weights of 20 frames, some planes.
PARTS = 0.5


@pytest.mark.parametrize(
    "evaluate",
    [
        VitreousIce(300.0).evaluate,
        NoiseSpectrum.pink(1.0, 0.05).evaluate,
        lambda *image: compute_dose_filter(30.0, *image),
        DoseWeighting(1.0, 20).evaluate_weights,
    ],
    ids=["ice", "noise", "dose", "weights"],
)
def test_little_memory_is_needed_beside_the_result(
    evaluate: Callable[[Any, float], np.ndarray],
) -> None:
    evaluate((8, 8), PIXEL_SIZE)
    tracemalloc.start()
    result = evaluate(SHAPE, PIXEL_SIZE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (1 + PARTS) * result.nbytes
