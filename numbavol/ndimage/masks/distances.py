"""Boxes with soft edges, upright and turned."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import scipy.special

from numbavol.ndimage.soft_edges import compute_cosine_edge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from numbavol.ndimage.open_grids import Components


def compute_box(
    coordinates: Components, widths: Sequence[float | None], rolloff_width: float
) -> NDArray[np.float64]:
    """Multiply the soft edges of a box along each axis; None is the width without ends."""
    return multiply_factors(
        compute_cosine_edge(np.abs(component), width / 2, rolloff_width)
        for component, width in zip(coordinates, widths, strict=True)
        if width is not None
    )


def multiply_factors(factors: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Multiply factors of x, y and z that broadcast."""
    # From z on, so that of open grids the last product alone is of all elements.
    return functools.reduce(np.multiply, reversed(list(factors)), np.ones(()))


def turn_back(coordinates: Components, angle: float) -> Components:
    """Turn vectors (x, y) by minus an angle in degrees, that is from +y towards +x."""
    if angle == 0:
        return coordinates
    # Of multiples of 90 degrees these are exact, so that an edge on a voxel stays there.
    cosine, sine = scipy.special.cosdg(angle), scipy.special.sindg(angle)
    x, y = coordinates
    return cosine * x + sine * y, cosine * y - sine * x
