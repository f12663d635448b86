"""Spreading of points over a grid in the plane: the first step of a non-uniform transform."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from numbavol.kernels.cpu.lanes import (
    LANES,
    in_whole_lanes,
    load,
    load_output,
    load_scalar,
    store,
    store_output,
)
from numbavol.kernels.jit import kernel
from numbavol.kernels.places import place_in_plane

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def spread_in_plane(
    grids: Array,
    first_row: int,
    n_rows: int,
    groups: Array,
    positions: Array,
    strengths: Array,
    rotations: Array,
    offsets: Array,
    lowest: Array,
    highest: Array,
    width: int,
    window: Array,
) -> None:
    """Add what points carry, spread over ``width`` x ``width`` cells each, to periodic grids.

    Owns ``grids`` (images, y, x), float64: of the ``n_rows`` rows of whole ones, row ``first_row``
    and those after it, as many as it has. A cell is the same to the bit in whichever rows. Points
    ``groups[g]`` to ``groups[g + 1]`` are neighbours: they are added up in a patch, in the type of
    ``window``. ``positions`` (n, 3) become, for each image, ``rotations[image]`` (2, 3) times them
    plus ``offsets[image]`` (2,), (x, y) in cells; those that are not between ``lowest`` and
    ``highest`` (2,) are left out. ``strengths`` (n,) is of the type of ``window``. ``width`` is at
    most LANES. The rows of ``window`` (degree + 1, LANES), the highest power first, are what the
    polynomials have in common that a window is made of, one a cell: their argument is from -1,
    where the first cell is half a width before the point, to 1, one cell later.
    """
    n_images, n_own, nx = grids.shape
    real = window.dtype.type
    y_profile = np.empty(LANES, window.dtype)
    half = 0.5 * width
    powers, n_powers = window.reshape(-1), len(window)
    most = 0
    for g in range(groups.size - 1):
        most = max(most, groups[g + 1] - groups[g])
    places, is_inside = np.empty((most, 2)), np.empty(most, np.bool_)
    patch = np.empty(0, window.dtype)

    for image in range(n_images):
        for g in range(groups.size - 1):
            start, stop = groups[g], groups[g + 1]
            low_x, high_x, low_y, high_y = np.inf, -np.inf, np.inf, -np.inf
            for a in range(start, stop):
                x, y = place_in_plane(positions, a, rotations[image], offsets[image])
                # Also false where a place is not a number.
                inside = lowest[1] <= y <= highest[1]
                if inside and n_own < n_rows:
                    begin = math.ceil(y - half) - first_row
                    while begin < 0:
                        begin += n_rows
                    inside = begin < n_own or begin + width > n_rows
                inside = inside and lowest[0] <= x <= highest[0]
                is_inside[a - start] = inside
                if inside:
                    places[a - start, 0], places[a - start, 1] = x, y
                    low_x, high_x = min(low_x, x), max(high_x, x)
                    low_y, high_y = min(low_y, y), max(high_y, y)
            if not low_x <= high_x:
                continue
            first_x, first_y = math.ceil(low_x - half), math.ceil(low_y - half)
            n_patch_rows = math.ceil(high_y - half) + width - first_y
            n_columns = math.ceil(high_x - half) + width - first_x
            # Rows are written in whole lanes.
            stride = in_whole_lanes(n_columns) + LANES
            if patch.size < n_patch_rows * stride:
                patch = np.empty(n_patch_rows * stride, window.dtype)
            patch[: n_patch_rows * stride] = real(0)

            for a in range(start, stop):
                if not is_inside[a - start]:
                    continue
                x, y = places[a - start, 0], places[a - start, 1]
                cell_x, cell_y = math.ceil(x - half), math.ceil(y - half)
                from_x = real(2.0 * (cell_x - x + half) - 1.0)
                from_y = real(2.0 * (cell_y - y + half) - 1.0)
                x_row, y_row = load(powers, 0), load(powers, 0)
                for n in range(1, n_powers):
                    x_row = load(powers, n * LANES) + from_x * x_row
                    y_row = load(powers, n * LANES) + from_y * y_row
                x_row = strengths[a] * x_row
                store(y_profile, 0, y_row)
                cell = (cell_y - first_y) * stride + cell_x - first_x
                for row in range(width):
                    spread = load_scalar(y_profile, row) * x_row
                    store_output(patch, cell, load_output(patch, cell) + spread)
                    cell += stride

            for y in range(n_patch_rows):
                to_row = (first_y + y - first_row) % n_rows
                if to_row >= n_own:
                    continue
                to_x = first_x % nx
                for x in range(y * stride, y * stride + n_columns):
                    grids[image, to_row, to_x] += patch[x]
                    to_x = to_x + 1 if to_x + 1 < nx else 0
