"""What is added to images, and the same in a few lines of NumPy, in double precision."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import erf

from numbavol.kernels.dispatch import find_device, find_kernel

# Of the largest sum of absolute values that meet in a pixel.
TOLERANCES = {np.dtype(np.float32): 3e-6, np.dtype(np.float64): 1e-14}
STILL = np.zeros((1, 2))
EPSILON = np.finfo(np.float64).eps
# Columns of the polynomials that a window is made of.
WIDEST_WINDOW = 16


class Mixture(NamedTuple):
    """Gaussians at places in the plane: (n, 2), and what they have, (n, k)."""

    places: np.ndarray
    radii: np.ndarray
    amplitudes: np.ndarray
    widths: np.ndarray


class Points(NamedTuple):
    """What is spread from places in the plane: (n, 2) and (n,)."""

    places: np.ndarray
    strengths: np.ndarray


def take(parts, order):
    return type(parts)(*(part[order] for part in parts))


def join(*several):
    return type(several[0])(*map(np.concatenate, zip(*several, strict=True)))


def draw_places(rng, shape, n):
    """In an image and beside it."""
    return np.array(shape[::-1]) * rng.uniform(-0.1, 1.1, (n, 2)) - 0.5


def draw_mixture(rng, shape, n, k=2, radius=3.0):
    deviations = rng.uniform(0.5, 4.0, (n, k))
    return Mixture(
        draw_places(rng, shape, n),
        rng.uniform(0.0, radius, (n, k)),
        rng.uniform(-1.0, 2.0, (n, k)).astype(np.float32),
        (math.sqrt(0.5) / deviations).astype(np.float32),
    )


def draw_mixture_at_edges(rng, radius):
    """At edges and corners of pixels of an image of 3 x 4; one of two far sharper than those."""
    places = [
        (-0.5, -0.5), (3.5, -0.5), (-0.5, 2.5), (3.5, 2.5), (0.5, 1.0), (2.0, 1.5), (1.5, 0.5),
        (-0.5 - radius, 1.0), (1.0, 2.5 + radius), (1.45, 0.55),
    ]  # fmt: skip
    mixture = draw_mixture(rng, (3, 4), len(places))._replace(
        places=np.array(places), radii=np.full((len(places), 2), radius)
    )
    mixture.widths[:, 0] = math.sqrt(0.5) / 0.1
    return mixture


def draw_points(rng, shape, n, dtype):
    return Points(draw_places(rng, shape, n), rng.uniform(-1.0, 2.0, n).astype(dtype))


def draw_window(rng, width, dtype, degree=3):
    """Polynomials that are at most 1, and no zeros at the window's ends."""
    window = np.zeros((degree + 1, WIDEST_WINDOW))
    window[:, :width] = rng.uniform(-1.0, 1.0, (degree + 1, width))
    return (window / np.abs(window).sum(axis=0).max()).astype(dtype)


def _add(name, device_name, images, rows, groups, places, *others):
    device = find_device(device_name)
    there = device.send(images.copy())
    groups = np.array([0, *groups, len(places)])
    # What a rotation leaves out is not 0.
    positions = np.hstack([places, np.arange(len(places))[:, np.newaxis]])
    arguments = (*rows, groups, positions, *others)
    sent = [device.send(a) if isinstance(a, np.ndarray) else a for a in arguments]
    find_kernel(name, device_name)(there, *sent)
    return device.fetch(there)


def project(sums, mixture, offsets=STILL, antialias=True, *, device="cuda", groups=()):
    """What `project_gaussians` makes of images that offsets move."""
    places, *others = mixture
    rotations, fused = np.tile(np.eye(2, 3), (len(sums), 1, 1)), (0,) * mixture.widths.shape[1]
    return _add(
        "project_gaussians", device, sums, (0,), groups, places, *others, antialias, rotations,
        np.array(offsets), fused,
    )  # fmt: skip


def spread(grids, points, width, window, offsets=STILL):
    """What `spread_in_plane` makes of grids that offsets move."""
    rotations = np.tile(np.eye(2, 3), (len(grids), 1, 1))
    lowest, highest = np.full(2, -0.5), np.array(grids.shape[:0:-1]) - 0.5
    return _add(
        "spread_in_plane", "cuda", grids, (0, grids.shape[1]), (), *points, rotations,
        np.array(offsets), lowest, highest, width, window,
    )  # fmt: skip


def _integrate(places, mixture, n_pixels, antialias):
    """Twice the integrals over pixels of an axis (n, k, pixel), or the values at their centres."""
    from_place = np.arange(n_pixels) - places[:, np.newaxis, np.newaxis]
    widths = mixture.widths[:, :, np.newaxis].astype(np.float64)
    if antialias:
        profiles = erf((from_place + 0.5) * widths) - erf((from_place - 0.5) * widths)
    else:
        profiles = 2 / math.sqrt(math.pi) * widths * np.exp(-((from_place * widths) ** 2))
    is_within = np.abs(from_place) <= mixture.radii[:, :, np.newaxis] + 0.5
    return np.where(is_within, profiles, 0.0)


def _weigh(places, width, window, n_cells):
    """What of a point the cells (n, cell) of a periodic axis have."""
    first = np.ceil(places - width / 2)
    arguments = 2 * (first - places + width / 2) - 1
    weights = np.zeros((len(places), n_cells))
    for n in range(width):
        cells = (first.astype(int) + n) % n_cells
        heights = np.polyval(window[:, n].astype(np.float64), arguments)
        np.add.at(weights, (np.arange(len(places)), cells), heights)
    return weights


def check_projections(sums, mixture, offsets=STILL, antialias=True, **options):
    """Compare with NumPy; returns images."""
    n_y, n_x = sums.shape[1:]
    amplitudes = mixture.amplitudes.astype(np.float64)
    terms = [
        (
            amplitudes,
            _integrate(mixture.places[:, 1] + offset[1], mixture, n_y, antialias),
            _integrate(mixture.places[:, 0] + offset[0], mixture, n_x, antialias),
        )
        for offset in offsets
    ]
    found = project(sums, mixture, offsets, antialias, **options)
    _check_sums(found, sums, "nk,nky,nkx->yx", terms, TOLERANCES[mixture.widths.dtype])
    return found


def check_spreading(grids, points, width, window, offsets=STILL):
    """Compare with NumPy; returns grids."""
    n_y, n_x = grids.shape[1:]
    terms = []
    for offset in offsets:
        places = points.places + offset
        is_inside = np.all((places >= -0.5) & (places <= [n_x - 0.5, n_y - 0.5]), axis=1)
        x, y = places[is_inside].T
        along_y, along_x = _weigh(y, width, window, n_y), _weigh(x, width, window, n_x)
        terms.append((points.strengths[is_inside].astype(np.float64), along_y, along_x))
    found = spread(grids, points, width, window, offsets)
    _check_sums(found, grids, "n,ny,nx->yx", terms, TOLERANCES[window.dtype])
    return found


def _check_sums(found, before, subscripts, terms, tolerance):
    added = [np.einsum(subscripts, *parts) for parts in terms]
    largest = max(np.einsum(subscripts, *map(np.abs, parts)).max() for parts in terms)
    assert largest > 0.0
    rounding = 2 * EPSILON * np.abs(before).max()
    expected = before + added
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * largest + rounding)
    is_left = np.equal(added, 0.0)
    np.testing.assert_array_equal(found[is_left], before[is_left])
