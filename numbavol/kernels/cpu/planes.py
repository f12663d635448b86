"""Planes of a transform, sampled for many orientations without coordinates ever existing."""

from __future__ import annotations

from typing import Any

import numpy as np

from numbavol.kernels.cpu.lanes import lane, load_eight, load_four
from numbavol.kernels.jit import helper, kernel
from numbavol.kernels.math import cubic_weight, floor
from numbavol.kernels.sampling import curve, is_between, place_of_sample, sample_periodic

Array = np.ndarray[Any, np.dtype[Any]]


@helper
def mix_linearly(
    values: Array, at: int, along_y: int, along_z: int, within_y: Any, within_z: Any
) -> Any:
    """Interpolate along y and z two complex neighbours along x, the first of which is at ``at``."""
    near = load_four(values, at)
    near = near + within_y * (load_four(values, at + along_y) - near)
    far = load_four(values, at + along_z)
    far = far + within_y * (load_four(values, at + along_z + along_y) - far)
    return near + within_z * (far - near)


@helper
def mix_cubically(
    values: Array, at: int, along_y: int, along_z: int, within_y: Any, within_z: Any
) -> Any:
    """Interpolate along y and z four complex coefficients along x, the first at ``at``."""
    y0, y1 = cubic_weight(within_y, 0), cubic_weight(within_y, 1)
    y2, y3 = cubic_weight(within_y, 2), cubic_weight(within_y, 3)
    eight = values.dtype.type(0) * load_eight(values, at)
    for n in range(4):
        layer = y0 * load_eight(values, at) + y1 * load_eight(values, at + along_y)
        layer = layer + y2 * load_eight(values, at + 2 * along_y)
        layer = layer + y3 * load_eight(values, at + 3 * along_y)
        eight = eight + cubic_weight(within_z, n) * layer
        at += along_z
    return eight


@helper
def walk_tiles(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    order: int,
    planes: Array,
    curved: tuple[int, ...],
    curvatures: Array,
    n_positive: tuple[int, int],
    lowest: Array,
    highest: Array,
    tiles: Array,
    side: int,
    start: int,
    stop: int,
    cells: Array,
    weights: Array,
) -> None:
    """Sample tiles of planes or of curved surfaces: see `sample_planes` and `sample_surfaces`.

    ``curved`` is empty for planes: its length is known to the compiler. ``cells`` and ``weights``
    (3, 4) are scratch.
    """
    real = out.dtype.type
    n_y, n_x = out.shape[1], out.shape[2]
    nz, ny, nx = shape
    padding = order - 1
    along_y = 2 * (nx + padding)
    along_z = along_y * (ny + padding)
    for t in range(start, stop):
        number, first_row, first_column = tiles[t, 0], tiles[t, 1], tiles[t, 2]
        plane = planes[number]
        for row in range(first_row, min(first_row + side, n_y)):
            for column in range(first_column, min(first_column + side, n_x)):
                place = place_of_sample(plane, row, column, n_y, n_x, n_positive)
                if len(curved) > 0:
                    place = curve(place, shape, curvatures[number])
                if not is_between(place, lowest, highest):
                    out[number, row, column, 0] = real(0)
                    out[number, row, column, 1] = real(0)
                    continue
                x, y, z = place
                i, j, k = floor(x), floor(y), floor(z)
                is_inside = 0 <= i < nx - 1 and 0 <= j < ny - 1 and 0 <= k < nz - 1
                at = k * along_z + j * along_y + 2 * i
                within_x, within_y, within_z = real(x - i), real(y - j), real(z - k)
                if is_inside and order == 1:
                    pair = mix_linearly(values, at, along_y, along_z, within_y, within_z)
                    for channel in range(2):
                        left = lane(pair, channel)
                        out[number, row, column, channel] = left + within_x * (
                            lane(pair, channel + 2) - left
                        )
                elif is_inside:
                    eight = mix_cubically(values, at, along_y, along_z, within_y, within_z)
                    for channel in range(2):
                        total = real(0)
                        for n in range(4):
                            total += cubic_weight(within_x, n) * lane(eight, 2 * n + channel)
                        out[number, row, column, channel] = total
                else:
                    for channel in range(2):
                        out[number, row, column, channel] = sample_periodic(
                            values, shape, padding, order, place, channel, cells, weights
                        )


@kernel
def sample_planes(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    order: tuple[int, ...],
    planes: Array,
    n_positive: tuple[int, int],
    lowest: Array,
    highest: Array,
    tiles: Array,
    side: int,
    start: int,
    stop: int,
) -> None:
    """Sample planes of a periodic complex array on the tiles ``start <= t < stop``.

    ``out`` (planes, y, x, 2) is real and imaginary part. ``tiles`` (t, 3) holds the plane, the
    first row and the first column of squares of ``side`` samples, and the caller owns those.
    ``order`` holds as many zeros as its order of interpolation, which the compiler then knows. For
    1, ``values`` is the memory of the array of ``shape`` (z, y, x) as real numbers; for 3, of its
    spline's coefficients, with one more on each side of each axis. ``planes`` (planes, 3, 3)
    holds, in cells and the order (x, y, z), the place of the sample that rows and columns count
    from, and the steps along x and along y. Row r counts as r below ``n_positive[0]``, and as r - y
    from there on, columns likewise. What lies outside ``lowest`` <= place <= ``highest``, (3,)
    each, is 0.
    """
    walk_tiles(
        out, values, shape, len(order), planes, (), planes[:, 0], n_positive, lowest, highest,
        tiles, side, start, stop, np.empty((3, 4), np.int64), np.empty((3, 4), out.dtype),
    )  # fmt: skip


@kernel
def sample_surfaces(
    out: Array,
    values: Array,
    shape: tuple[int, int, int],
    order: tuple[int, ...],
    planes: Array,
    curvatures: Array,
    n_positive: tuple[int, int],
    lowest: Array,
    highest: Array,
    tiles: Array,
    side: int,
    start: int,
    stop: int,
) -> None:
    """Sample curved surfaces of a periodic complex array: see `sample_planes`.

    A place with the distance k from the middle ``n // 2``, in units of the axes' lengths, is moved
    by ``curvatures`` (planes, 3) times the square of k.
    """
    walk_tiles(
        out, values, shape, len(order), planes, (0,), curvatures, n_positive, lowest, highest,
        tiles, side, start, stop, np.empty((3, 4), np.int64), np.empty((3, 4), out.dtype),
    )  # fmt: skip
