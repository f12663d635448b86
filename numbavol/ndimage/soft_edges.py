"""The edge of filters and masks: half a period of a cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def compute_cosine_edge(
    distance: NDArray[np.float64], start: float, width: float
) -> NDArray[np.float64]:
    """Compute 1 up to `start`, 0 from `start + width` on, and half a period of a cosine between.

    It is ``(1 + cos(pi (distance - start) / width)) / 2``, and 1/2 in the middle of the edge.

    Parameters
    ----------
    distance
        Of any shape.
    start
        Where the edge starts.
    width
        How wide it is; if 0, it is a step, with 1 at `start` itself.

    Returns
    -------
    NDArray
        A new array of the shape of `distance`.
    """
    if width == 0:
        return (distance <= start).astype(np.float64)
    values = distance - start
    values /= width
    np.clip(values, 0.0, 1.0, out=values)
    values *= np.pi
    np.cos(values, out=values)
    values += 1.0
    values *= 0.5
    return values
