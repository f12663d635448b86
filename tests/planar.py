"""Arguments of the kernels of CUDA that add to images, and checks of what they add."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from numbavol.kernels.dispatch import find_device, find_kernel
from numbavol.ndimage.nonuniform_images import PlaneSpreading, fit_window
from numbavol.rendering.windows import reach_in_deviations

# Of the highest value: some roundings of the profiles.
TOLERANCE = 3e-6


class Projecting(NamedTuple):
    """Arguments of `project_gaussians`."""

    sums: np.ndarray
    first_row: int
    groups: np.ndarray
    positions: np.ndarray
    radii: np.ndarray
    amplitudes: np.ndarray
    widths: np.ndarray
    antialias: bool
    rotations: np.ndarray
    offsets: np.ndarray
    fused: tuple[int, ...]


class Spreading(NamedTuple):
    """Arguments of `spread_in_plane`."""

    grids: np.ndarray
    first_row: int
    n_rows: int
    groups: np.ndarray
    positions: np.ndarray
    strengths: np.ndarray
    rotations: np.ndarray
    offsets: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    width: int
    window: np.ndarray


def run_on(device_name, name, out, *arguments):
    """What a kernel makes of its first argument."""
    device = find_device(device_name)
    made = device.send(out.copy())
    sent = [device.send(a) if isinstance(a, np.ndarray) else a for a in arguments]
    find_kernel(name, device_name)(made, *sent)
    return device.fetch(made)


def run_on_both(name, out, *arguments):
    """What a kernel makes of its first argument on the CPU, and on CUDA."""
    return tuple(run_on(device_name, name, out, *arguments) for device_name in ("cpu", "cuda"))


def draw_placements(rng, shape, n_images):
    """Rotations to the plane, and offsets to near the middle of an image."""
    rotations = np.stack(
        [np.linalg.qr(rng.standard_normal((3, 3)))[0][:2] for _ in range(n_images)]
    )
    return rotations, np.array(shape[::-1]) // 2 + rng.uniform(-1.0, 1.0, (n_images, 2))


def draw_projection(rng, shape, n, k, antialias, n_images=2, deviations=(0.5, 1.5)):
    """Arguments of `project_gaussians`, in which some are beside the image.

    ``deviations`` are the lowest and the highest, or all (n, k).
    """
    if np.ndim(deviations) == 1:
        deviations = rng.uniform(*deviations, (n, k))
    return Projecting(
        rng.standard_normal((n_images, *shape)),
        0,
        np.array([0, n // 3, n]),
        max(shape) * rng.uniform(-0.8, 0.8, (n, 3)),
        reach_in_deviations(1e-6, np.float32) * deviations,
        rng.uniform(-1.0, 2.0, (n, k)).astype(np.float32),
        (math.sqrt(0.5) / deviations).astype(np.float32),
        antialias,
        *draw_placements(rng, shape, n_images),
        (0,) * k,
    )


def check_projection(arguments):
    sums, amplitudes = arguments.sums, arguments.amplitudes
    expected, found = run_on_both("project_gaussians", *arguments)
    # A profile is at most 2 high, and where it is sharp more by what samples are in a pixel.
    highest = max(np.abs(expected - sums).max(), np.abs(amplitudes).max(initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE * highest)
    return expected, found


def draw_spreading(rng, shape, n, dtype, fineness=1.5, width=4, n_images=2):
    """Arguments of `spread_in_plane`, in which some are beside the image."""
    spreading = PlaneSpreading(np.dtype(dtype), fineness, width)
    cells = tuple(math.ceil(fineness * length) for length in shape)
    lengths = np.array(shape[::-1], np.float64)
    finenesses = np.array(cells[::-1]) / lengths
    rotations, offsets = draw_placements(rng, shape, n_images)
    return Spreading(
        rng.standard_normal((n_images, *cells)),
        0,
        cells[0],
        np.array([0, n // 3, n]),
        max(shape) * rng.uniform(-0.6, 0.6, (n, 3)),
        rng.uniform(-1.0, 2.0, n).astype(dtype),
        rotations * finenesses[:, np.newaxis],
        offsets * finenesses,
        -0.5 * finenesses,
        (lengths - 0.5) * finenesses,
        width,
        fit_window(spreading),
    )


def check_spreading(arguments):
    grids, window = arguments.grids, arguments.window
    expected, found = run_on_both("spread_in_plane", *arguments)
    # A window is 1 high.
    highest = max(np.abs(expected - grids).max(), np.abs(arguments.strengths).max(initial=0.0))
    tolerance = 32 * np.finfo(window.dtype).eps * highest
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    return expected, found


def scale_gaussians(device_name, order, positions, amplitudes, variances, *options):
    """What `scale_gaussians` makes of Gaussians: positions, radii, amplitudes and widths."""
    device, shape = find_device(device_name), (len(order), variances.shape[1])
    sizes = ((len(order), 3), shape, shape, shape)
    dtypes = (np.float64, np.float64, np.float32, np.float32)
    made = [device.xp.zeros(*given) for given in zip(sizes, dtypes, strict=True)]
    sent = map(device.send, (order, positions, amplitudes, variances))
    find_kernel("scale_gaussians", device_name)(*sent, *options, *made)
    return [device.fetch(array) for array in made]
