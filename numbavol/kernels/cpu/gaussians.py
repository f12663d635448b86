"""Voxel averages of Gaussian mixtures."""

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
    widen,
)
from numbavol.kernels.cpu.profiles import fill_coefficients, fill_distances, fill_profiles
from numbavol.kernels.jit import kernel
from numbavol.kernels.math import N_TERMS
from numbavol.kernels.profiles import (
    SHARPEST,
    count_parts,
    end_cell,
    first_cell,
    locate_gaussian,
)

Array = np.ndarray[Any, np.dtype[Any]]


@kernel
def locate_gaussians(
    positions: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    shape: tuple[int, int, int],
    block_side: int,
    centres: Array,
    planes: Array,
    blocks: Array,
) -> None:
    """Place Gaussians in a map.

    Reads ``positions`` (n, 3) and ``voxel_size`` (3,), both (x, y, z) in angstroms, ``variances``
    (n, k) and ``reach`` as in `render_gaussians`. Owns ``centres`` (n, 3), in voxels from the
    centre of voxel 0; ``planes`` (n, 2), the first z-plane that a position writes to and the one
    after its last; and ``blocks`` (n,), the number of the block of ``block_side`` voxels that it
    lies in or next to, or the largest number of its type if it does not reach into the map.
    """
    outside = np.iinfo(blocks.dtype).max
    for a in range(positions.shape[0]):
        locate_gaussian(
            a, positions, variances, voxel_size, reach, shape, block_side, outside, centres,
            planes, blocks,
        )  # fmt: skip


@kernel
def render_gaussians(
    out: Array,
    first_plane: int,
    n_planes: int,
    order: Array,
    centres: Array,
    amplitudes: Array,
    variances: Array,
    voxel_size: Array,
    reach: float,
    precision: Array,
    fused: tuple[int, ...],
) -> None:
    """Add the voxel averages of Gaussians to consecutive z-planes of a map.

    The caller owns those planes: ``out`` (z, y, x), C-contiguous, is plane ``first_plane`` of the
    map's ``n_planes`` and those after it. ``order`` holds the positions to add, in this order;
    ``centres`` (n, 3) are (x, y, z) in voxels from the centre of voxel 0; ``amplitudes`` and
    ``variances`` are (n, k), ``voxel_size`` (3,) is (x, y, z). Of a Gaussian, cells that lie
    further than ``reach`` of its standard deviations along any axis are left out.
    Averages are computed in the type of ``precision``, an array of any length, and added in that
    of ``out``, which is the same or more precise. ``fused`` holds k zeros: its length is known to
    the compiler.
    """
    n_own, ny, nx = out.shape
    flat = out.reshape(-1)
    real = precision.dtype.type
    k = len(fused)
    n_cells = (nx, ny, n_planes)
    voxels_per_angstrom = 1.0 / voxel_size
    normalisation = 0.125 * np.prod(voxels_per_angstrom)

    largest = 0.0
    for a in order:
        for i in range(k):
            largest = max(largest, variances[a, i])
    length = LANES
    for axis in range(3):
        # A window has at most 2 radius + 2 cells of an axis.
        radius = reach * math.sqrt(largest) * voxels_per_angstrom[axis]
        cells = int(min(2.0 * radius + 3.0, float(n_cells[axis])))
        length = max(length, in_whole_lanes(cells))
    stride = 3 * length
    profiles = np.empty(k * stride, precision.dtype)
    distances = np.empty(stride, precision.dtype)
    weights = np.empty(k * length, precision.dtype)
    edges = np.empty(LANES + 1, precision.dtype)
    widths, parts = np.empty(k, precision.dtype), np.empty(k, np.int64)
    radii = np.empty(k)
    coefficients = np.empty(k * N_TERMS, precision.dtype)
    first, end = np.empty(3, np.int64), np.empty(3, np.int64)

    for a in order:
        widest = 0.0
        for i in range(k):
            widest = max(widest, variances[a, i])
        for axis in range(3):
            radius = reach * math.sqrt(widest) * voxels_per_angstrom[axis]
            first[axis] = first_cell(centres[a, axis], radius, n_cells[axis])
            end[axis] = end_cell(centres[a, axis], radius, n_cells[axis])
        x_first, y_first, z_first = first[0], first[1], first[2]
        z_from, z_to = max(z_first, first_plane), min(end[2], first_plane + n_own)
        # What the widest does not reach, no other does.
        if z_from >= z_to or y_first >= end[1] or x_first >= end[0]:
            continue

        # Whole lanes are written to each row; where they would pass its end they begin earlier.
        x_lanes = in_whole_lanes(end[0] - x_first)
        x_start = max(0, min(x_first, nx - x_lanes))
        x_whole = min(x_lanes, nx // LANES * LANES)
        begun, filled = 0, 0
        for axis in range(3):
            start = x_start if axis == 0 else first[axis]
            lanes = in_whole_lanes(end[axis] - first[axis])
            fill_distances(distances, filled, lanes, start, centres[a, axis])
            filled += lanes
            if axis < 2 and voxel_size[axis + 1] == voxel_size[axis]:
                continue
            for i in range(k):
                deviation = math.sqrt(variances[a, i])
                radii[i] = reach * deviation * voxels_per_angstrom[axis]
                widths[i] = min(voxel_size[axis] * (math.sqrt(0.5) / deviation), SHARPEST)
                parts[i] = count_parts(widths[i])
                fill_coefficients(widths[i], parts[i], coefficients, i * N_TERMS)
            fill_profiles(
                profiles, stride, begun, filled, distances, radii, widths, parts, coefficients,
                edges,
            )  # fmt: skip
            begun = filled

        y_lanes, z_lanes = in_whole_lanes(end[1] - y_first), in_whole_lanes(end[2] - z_first)
        z_profiles = x_lanes + y_lanes
        for i in range(k):
            amplitude = real(amplitudes[a, i] * normalisation)
            own = i * stride + z_profiles
            for chunk in range(own, own + z_lanes, LANES):
                store(profiles, chunk, amplitude * load(profiles, chunk))
        n_rows = end[1] - y_first
        for z in range(z_from, z_to):
            for i in range(k):
                z_weight = load_scalar(profiles, i * stride + z_profiles + z - z_first)
                for chunk in range(0, y_lanes, LANES):
                    y_profile = load(profiles, i * stride + x_lanes + chunk)
                    store(weights, i * length + chunk, z_weight * y_profile)
            for chunk in range(0, x_whole, LANES):
                cell = ((z - first_plane) * ny + y_first) * nx + x_start + chunk
                for y in range(n_rows):
                    row = load_scalar(weights, y) * load(profiles, chunk)
                    for i in range(1, k):
                        weight = load_scalar(weights, i * length + y)
                        row = row + weight * load(profiles, i * stride + chunk)
                    store_output(flat, cell, load_output(flat, cell) + widen(row, flat))
                    cell += nx
            # Only a map narrower than the window has cells left over.
            for x in range(x_whole, min(x_lanes, nx)):
                for y in range(n_rows):
                    total = weights[y] * profiles[x]
                    for i in range(1, k):
                        total += weights[i * length + y] * profiles[i * stride + x]
                    out[z - first_plane, y_first + y, x_start + x] += total
