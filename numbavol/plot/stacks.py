"""A gallery of images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import read_count
from numbavol.notebooks import find_limits
from numbavol.plot.axes import (
    add_scale_bar,
    import_matplotlib,
    read_lengths,
    read_many_axes,
    read_reals,
    show_image,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

INCHES_AN_IMAGE = 1.5


def plot_images(
    images: ArrayLike,
    pixel_size: ArrayLike | None = None,
    *,
    n_columns: int = 6,
    axes: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Draw images beside each other, in one scale of gray.

    Parameters
    ----------
    images
        Real, (n, y, x), or one image (y, x).
    pixel_size
        Side of a pixel, or its sides (x, y), in angstroms; None if they are not known.
    n_columns
        How many stand in a row.
    axes
        At least n axes, an array of any shape; by default those of a new figure.

    Returns
    -------
    ndarray
        The axes, (rows, columns), in the order of the images; the first has a scale bar, and those
        without an image are empty.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If there are no images, they are not real, or there are fewer axes.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import plot_images
    >>> plot_images(np.ones((8, 16, 16)), pixel_size=2.0, n_columns=3).shape
    (3, 3)
    """
    values = read_images(images)
    sides, unit = read_lengths("pixel_size", pixel_size, 2)
    n_rows, n_columns = arrange(len(values), n_columns)
    if axes is None:
        pyplot = import_matplotlib("matplotlib.pyplot")
        n_columns = min(n_columns, len(values))
        size = (INCHES_AN_IMAGE * n_columns, INCHES_AN_IMAGE * n_rows)
        axes = pyplot.subplots(
            n_rows, n_columns, figsize=size, layout="constrained", squeeze=False
        )[1]
    axes = read_many_axes(axes, len(values))
    places = axes.ravel()
    limits = find_limits(values)
    for place, image in zip(places, values, strict=False):
        show_image(place, image, sides, limits)
    for place in places[len(values) :]:
        place.set_axis_off()
    add_scale_bar(places[0], unit)
    return axes


def read_images(images: ArrayLike) -> NDArray[np.floating[Any]]:
    """Read images (n, y, x), or one image (y, x), that are to be drawn.

    Raises
    ------
    ValueError
        If there are none, or they are not real.
    """
    values = read_reals("images", images, (2, 3), "(n, y, x)")
    return values[np.newaxis] if values.ndim == 2 else values


def arrange(n_images: int, n_columns: int) -> tuple[int, int]:
    """Return how many rows and columns a gallery has.

    Raises
    ------
    ValueError
        If `n_columns` is not a whole number above 0.
    """
    number = read_count("n_columns", n_columns)
    return math.ceil(n_images / number), number
