"""Whole figures, which need no screen and no pyplot."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from numbavol.plot.axes import import_matplotlib
from numbavol.plot.curves import plot_histogram, plot_mean_power_spectrum, plot_power_spectrum
from numbavol.plot.maps import plot_map
from numbavol.plot.stacks import INCHES_AN_IMAGE, plot_images

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

INCHES_OF_A_CURVE = 2.6


def draw_map(
    real_voxel_grid: ArrayLike, voxel_size: ArrayLike | None = None, *, title: str = ""
) -> Figure:
    """Draw sections, projections, the power spectrum and the histogram of a map.

    Parameters
    ----------
    real_voxel_grid
        Real, (z, y, x).
    voxel_size
        Side of a voxel, or its three sides (x, y, z), in angstroms; None if it is not known.
    title
        Of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        ``savefig`` writes it to a file.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If the map is not real with three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import draw_map
    >>> len(draw_map(np.random.default_rng(0).random((8, 8, 8))).axes)
    8
    """
    figure = import_matplotlib("matplotlib.figure").Figure(
        figsize=(9.0, 6.0 + INCHES_OF_A_CURVE), layout="constrained"
    )
    pictures, curves = figure.subfigures(2, 1, height_ratios=(6.0, INCHES_OF_A_CURVE))
    plot_map(real_voxel_grid, voxel_size, axes=pictures.subplots(2, 3))
    spectrum, histogram = curves.subplots(1, 2)
    plot_power_spectrum(real_voxel_grid, voxel_size, axes=spectrum)
    plot_histogram(real_voxel_grid, label="value of a voxel", axes=histogram)
    figure.suptitle(title)
    return figure  # type: ignore[no-any-return]


def draw_stack(
    images: ArrayLike,
    pixel_size: float | None = None,
    *,
    title: str = "",
    n_columns: int = 6,
) -> Figure:
    """Draw images, their mean power spectrum and their histogram.

    Parameters
    ----------
    images
        Real, (n, y, x).
    pixel_size
        Side of a pixel in angstroms; None if it is not known.
    title
        Of the figure.
    n_columns
        How many images stand in a row.

    Returns
    -------
    matplotlib.figure.Figure
        ``savefig`` writes it to a file.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing.
    ValueError
        If there are no images, or they are not real.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.plot import draw_stack
    >>> len(draw_stack(np.random.default_rng(0).random((6, 8, 8))).axes)
    8
    """
    values = np.asarray(images)
    n_rows = math.ceil(len(values) / n_columns)
    height = INCHES_AN_IMAGE * n_rows
    figure = import_matplotlib("matplotlib.figure").Figure(
        figsize=(INCHES_AN_IMAGE * n_columns, height + INCHES_OF_A_CURVE), layout="constrained"
    )
    pictures, curves = figure.subfigures(2, 1, height_ratios=(height, INCHES_OF_A_CURVE))
    plot_images(values, pixel_size, axes=pictures.subplots(n_rows, n_columns, squeeze=False))
    spectrum, histogram = curves.subplots(1, 2)
    plot_mean_power_spectrum(values, pixel_size, spectrum)
    plot_histogram(values, label="value of a pixel", axes=histogram)
    figure.suptitle(title)
    return figure  # type: ignore[no-any-return]
