"""Sums over shells and rings of equal distance, of maps and of transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.dispatch import find_device_of, find_kernel
from numbavol.kernels.tasks import run_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device

# Shells are summed in parts, and the parts in one order, whatever the number of threads.
PLANES_PER_TASK = 16


def sum_fourier_shells(
    first: NDArray[np.complexfloating[Any, Any]],
    second: NDArray[np.complexfloating[Any, Any]],
    shape: tuple[int, ...],
    grid_spacing: tuple[float, ...],
    n_shells: int,
) -> NDArray[np.float64]:
    """Sum products of two half transforms over rings or shells of equal frequency.

    Parameters
    ----------
    first, second
        Half transforms of real arrays of `shape`, the zero frequency in the corner.
    shape, grid_spacing
        Of the real arrays, one number for each of their two or three axes.
    n_shells
        How many shells there are. Each is as wide as one step of the finest frequency axis.

    Returns
    -------
    NDArray[np.float64]
        ``(n_shells, 4)``: the number of samples of the full transforms, the sum of the real part
        of ``first * conj(second)``, and the sums of the squared moduli of both.
    """
    n_missing = 3 - len(shape)
    halves = [half.reshape((1,) * n_missing + half.shape) for half in (first, second)]
    sides = np.array(shape) * grid_spacing
    steps = np.zeros(3)
    steps[: len(shape)] = sides.max() / sides[::-1]
    device = find_device_of(first, second)
    kernel = find_kernel("sum_fourier_shells", device.name)
    return sum_in_parts(
        lambda part, start, stop: kernel(part, *halves, shape[-1], steps, start, stop),
        len(halves[0]),
        (n_shells, 4),
        device,
    )


def sum_in_parts(
    work: Callable[[NDArray[np.float64], int, int], object],
    n_planes: int,
    shape: tuple[int, int],
    device: Device,
) -> NDArray[np.float64]:
    """Add up what kernels find in planes of a map, or of its transform.

    Parameters
    ----------
    work
        Called with the sums of a part, its first plane, and one past its last: adds to the sums.
    n_planes
        How many planes there are.
    shape
        Of the sums.
    device
        Where the kernel works.

    Returns
    -------
    NDArray[np.float64]
        The sums, on the host; on the CPU the same to the bit for any number of threads.
    """
    if device.name != "cpu":
        # A kernel of CUDA adds with atomics: the last digits depend on their order.
        sums = device.xp.zeros(shape)
        device.run_parts(lambda start, stop: work(sums, start, stop), n_planes, n_planes)
        return device.fetch(sums)
    starts = range(0, n_planes, PLANES_PER_TASK)
    parts = np.zeros((len(starts), *shape))
    run_tasks(
        lambda n: work(parts[n], starts[n], min(starts[n] + PLANES_PER_TASK, n_planes)),
        range(len(starts)),
    )
    total: NDArray[np.float64] = parts.sum(axis=0)
    return total
