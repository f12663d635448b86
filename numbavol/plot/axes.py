"""Axes to draw into, and what every picture has: a gray scale and a scale bar."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.devices import is_on_cuda
from numbavol.kernels.dispatch import find_device_of
from numbavol.kernels.extras import import_extra
from numbavol.notebooks import find_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

# Of a picture's width, at most.
WIDTH_OF_SCALE_BAR = 0.3


def import_matplotlib(module: str) -> Any:
    """Import a module of matplotlib, which not everybody has.

    Parameters
    ----------
    module
        Its name.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is missing. The message says how to get it.
    """
    return import_extra(module, "pictures need", "plot")


def make_axes(axes: Axes | None, figsize: tuple[float, float]) -> Axes:
    """Take the axes that are given, or those of a new figure, in inches (x, y).

    Raises
    ------
    ValueError
        If something else is given.
    """
    if axes is None:
        pyplot = import_matplotlib("matplotlib.pyplot")
        made: Axes = pyplot.subplots(figsize=figsize, layout="constrained")[1]
        return made
    expected: type[Axes] = import_matplotlib("matplotlib.axes").Axes
    if not isinstance(axes, expected):
        msg = f"axes: expected axes of matplotlib, got {type(axes).__name__}"
        raise ValueError(msg)
    return axes


def read_many_axes(axes: ArrayLike | Sequence[Axes], n_axes: int) -> NDArray[Any]:
    """Read axes that are given, of any shape.

    Parameters
    ----------
    axes
        An array of axes of matplotlib, or a sequence of them.
    n_axes
        How many there are to be, at least.

    Raises
    ------
    ValueError
        If something else is given, or there are fewer.
    """
    places = np.asarray(axes, object)
    expected = import_matplotlib("matplotlib.axes").Axes
    others = [type(place).__name__ for place in places.flat if not isinstance(place, expected)]
    if others:
        msg = f"axes: expected axes of matplotlib, got {others[0]}"
        raise ValueError(msg)
    if places.size < n_axes:
        msg = f"axes: expected {n_axes} for as many pictures, got {places.size}"
        raise ValueError(msg)
    return places


def read_reals(
    name: str, values: ArrayLike, n_axes: tuple[int, ...], shape: str
) -> NDArray[np.floating[Any]]:
    """Read real numbers that are to be drawn, from wherever they are, as floating-point numbers.

    Parameters
    ----------
    name
        Of the argument.
    values
        An array of the host or of a device.
    n_axes
        How many axes they may have; none of them may be empty.
    shape
        What is expected, for the message.

    Raises
    ------
    ValueError
        If they are not real or have other axes.
    """
    # NumPy would try to copy an array of a device by itself.
    array: Any = values if is_on_cuda(values) else np.asarray(values)
    fetched: NDArray[Any] = find_device_of(array).fetch(array)
    if fetched.ndim not in n_axes or fetched.dtype.kind not in "biuf" or fetched.size == 0:
        msg = (
            f"{name}: expected real numbers of shape {shape}, "
            f"got {fetched.dtype} of shape {fetched.shape}"
        )
        raise ValueError(msg)
    # Masks of booleans, too, have sections and sums.
    return fetched.astype(np.result_type(fetched, np.float32), copy=False)


def read_lengths(name: str, sides: ArrayLike | None, n_axes: int) -> tuple[list[float], str]:
    """Read the sides of an element, (x, y[, z]), and the unit that they are in.

    Parameters
    ----------
    name
        Of the argument.
    sides
        One or `n_axes` lengths in angstroms; None where they are not known.
    n_axes
        How many there are to be.

    Raises
    ------
    ValueError
        If they are not finite and above 0.
    """
    if sides is None:
        return [1.0] * n_axes, "pixels" if n_axes == 2 else "voxels"
    lengths = np.asarray(sides, np.float64)
    if lengths.shape not in ((), (n_axes,)) or not np.all(np.isfinite(lengths) & (lengths > 0)):
        msg = f"{name}: expected 1 or {n_axes} finite lengths above 0, got {sides!r}"
        raise ValueError(msg)
    return np.broadcast_to(lengths, n_axes).tolist(), "Å"


def show_image(
    axes: Axes,
    image: NDArray[Any],
    sides: Sequence[float],
    limits: tuple[float, float] | None = None,
) -> None:
    """Show an image in gray, with its first row below, and no ticks.

    Parameters
    ----------
    axes
        Where.
    image
        Real, (y, x).
    sides
        Of a pixel, (x, y).
    limits
        Values that are black and white; by default percentiles of the image.
    """
    low, high = find_limits(image) if limits is None else limits
    n_y, n_x = image.shape
    # The origin is the centre of pixel n // 2.
    left, bottom = -(n_x // 2 + 0.5) * sides[0], -(n_y // 2 + 0.5) * sides[1]
    axes.imshow(
        image,
        cmap="gray",
        origin="lower",
        vmin=low,
        vmax=high,
        extent=(left, left + n_x * sides[0], bottom, bottom + n_y * sides[1]),
    )
    axes.set_xticks([])
    axes.set_yticks([])


def add_scale_bar(axes: Axes, unit: str) -> None:
    """Add a bar of a round length to a picture.

    Parameters
    ----------
    axes
        Of a picture, whose coordinates are lengths.
    unit
        Of those lengths.
    """
    anchored = import_matplotlib("mpl_toolkits.axes_grid1.anchored_artists")
    left, right = axes.get_xlim()
    length = find_round_length(WIDTH_OF_SCALE_BAR * (right - left))
    bar = anchored.AnchoredSizeBar(
        axes.transData,
        length,
        f"{length:g} {unit}",
        "lower left",
        pad=0.3,
        sep=3,
        color="white",
        size_vertical=0.008 * (right - left),
        prop={"size": "small"},
    )
    bar.patch.set(facecolor="black", alpha=0.6, linewidth=0)
    axes.add_artist(bar)


def find_round_length(longest: float) -> float:
    """Return the largest of ..., 0.5, 1, 2, 5, 10, ... that is not above `longest`.

    Parameters
    ----------
    longest
        Above 0.

    Examples
    --------
    >>> find_round_length(38.4)
    20.0
    """
    power = 10.0 ** math.floor(math.log10(longest))
    # The logarithm may have been rounded up to the next power.
    return max(step * power for step in (0.5, 1.0, 2.0, 5.0) if step * power <= longest)
