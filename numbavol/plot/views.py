"""Whole figures, which need no screen and no pyplot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numbavol.plot.axes import import_matplotlib, read_reals
from numbavol.plot.curves import plot_histogram, plot_mean_power_spectrum, plot_power_spectrum
from numbavol.plot.maps import plot_map
from numbavol.plot.stacks import INCHES_AN_IMAGE, arrange, plot_images, read_images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import ArrayLike

INCHES_OF_A_CURVE, INCHES_OF_A_MAP = 2.6, (9.0, 6.0)


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
    values = read_reals("real_voxel_grid", real_voxel_grid, (3,), "(z, y, x)")
    figure, pictures, spectrum, histogram = _make_figure(title, *INCHES_OF_A_MAP)
    plot_map(values, voxel_size, axes=pictures.subplots(2, 3))
    plot_power_spectrum(values, voxel_size, axes=spectrum)
    plot_histogram(values, label="value of a voxel", axes=histogram)
    return figure


def draw_stack(
    images: ArrayLike,
    pixel_size: ArrayLike | None = None,
    *,
    title: str = "",
    n_columns: int = 6,
) -> Figure:
    """Draw images, their mean power spectrum and their histogram.

    Parameters
    ----------
    images
        Real, (n, y, x), or one image (y, x).
    pixel_size
        Side of a pixel, or its sides (x, y), in angstroms; None if they are not known.
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
    values = read_images(images)
    n_rows, n_columns = arrange(len(values), n_columns)
    figure, pictures, spectrum, histogram = _make_figure(
        title, INCHES_AN_IMAGE * n_columns, INCHES_AN_IMAGE * n_rows
    )
    places = pictures.subplots(n_rows, n_columns, squeeze=False)
    plot_images(values, pixel_size, axes=places)
    plot_mean_power_spectrum(values, pixel_size, spectrum)
    plot_histogram(values, label="value of a pixel", axes=histogram)
    return figure


def _make_figure(title: str, width: float, height: float) -> tuple[Figure, SubFigure, Axes, Axes]:
    """Make a figure with room for pictures, in inches, above axes for two curves."""
    figure: Figure = import_matplotlib("matplotlib.figure").Figure(
        figsize=(width, height + INCHES_OF_A_CURVE), layout="constrained"
    )
    parts: Any = figure.subfigures(2, 1, height_ratios=(height, INCHES_OF_A_CURVE))
    pictures, curves = parts
    figure.suptitle(title)
    spectrum, histogram = curves.subplots(1, 2)
    return figure, pictures, spectrum, histogram
