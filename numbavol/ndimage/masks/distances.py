"""Boxes with soft edges, upright and turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.special

from numbavol.ndimage.soft_edges import compute_cosine_edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def compute_box(
    coordinates: NDArray[np.float64], widths: Sequence[float | None], rolloff_width: float
) -> NDArray[np.float64]:
    """Multiply the soft edges of a box along each axis; None is the width without ends."""
    mask = np.ones(coordinates.shape[:-1])
    for component, width in enumerate(widths):
        if width is not None:
            distance = np.abs(coordinates[..., component])
            mask *= compute_cosine_edge(distance, width / 2, rolloff_width)
    return mask


def turn_back(coordinates: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """Turn vectors (x, y) by minus an angle in degrees, that is from +y towards +x."""
    # Of multiples of 90 degrees these are exact, so that an edge on a voxel stays there.
    cosine, sine = scipy.special.cosdg(angle), scipy.special.sindg(angle)
    x, y = coordinates[..., 0], coordinates[..., 1]
    return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1)
