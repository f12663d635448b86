"""Atoms by non-uniform transforms, beside finufft's simple interface, element by element."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import finufft
import numpy as np
from render import copies_of_the_sample
from rows import Limit, Row, medians_in_turn

import numbavol

N_VOXELS = 320
N_ROUNDS = 3
B_FACTORS = (30.0, 32.0, 34.0, 36.0)
LIMITS = {1e-4: (1.5, 6.0), 1e-6: (3.5, 10.0)}
PEAK = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import numbavol
from transforms import N_VOXELS, make_volume
volume = make_volume()
real_voxel_grid = numbavol.FFTAtomRenderFn((N_VOXELS,) * 3, 1.0, eps=float(sys.argv[2]))(volume)
peak = 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(peak / real_voxel_grid.nbytes)
"""


def make_volume() -> numbavol.IndependentAtomVolume:
    positions, atomic_numbers, _ = copies_of_the_sample(24)
    by_element, elements = numbavol.split_atoms_by_element(atomic_numbers, positions)
    return numbavol.IndependentAtomVolume.from_tabulated_parameters(
        by_element,
        numbavol.PengScatteringFactorParameters(elements),
        b_factor_by_element=B_FACTORS[: len(elements)],
    )


def with_the_simple_interface(volume: numbavol.IndependentAtomVolume, eps: float) -> np.ndarray:
    """The same map as one would make it with finufft and NumPy."""
    precision = (np.float32, np.complex64) if eps >= 1e-5 else (np.float64, np.complex128)
    k = np.fft.fftshift(np.fft.fftfreq(N_VOXELS)).astype(precision[0])
    squared = k[:, None, None] ** 2 + k[:, None] ** 2 + k**2
    total = np.zeros((N_VOXELS,) * 3, precision[1])
    for positions, factor in volume.groups():
        points = (2 * np.pi / N_VOXELS * positions).astype(precision[0])
        ones = np.ones(len(points), precision[1])
        z, y, x = (np.ascontiguousarray(points[:, axis]) for axis in (2, 1, 0))
        transform = finufft.nufft3d1(z, y, x, ones, (N_VOXELS,) * 3, eps=eps, isign=-1)
        total += transform * factor.compute_radially(squared)
    total *= np.sinc(k)[:, None, None] * np.sinc(k)[:, None] * np.sinc(k)
    return np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(total)).real).astype(np.float32)


def measure() -> list[Row | Limit]:
    volume = make_volume()
    rows: list[Row | Limit] = []
    for eps, (seconds, peak) in LIMITS.items():
        render_fn = numbavol.FFTAtomRenderFn((N_VOXELS,) * 3, 1.0, eps=eps)
        ours, theirs = medians_in_turn(
            [
                functools.partial(render_fn, volume),
                functools.partial(with_the_simple_interface, volume, eps),
            ],
            N_ROUNDS,
        )
        work = f"131,256 atoms by transforms, {N_VOXELS}^3, eps {eps:g}, 2 threads"
        rows.append(Row(work, ours, "finufft and NumPy, 2 threads", theirs, 1.5))
        rows.append(Limit(work, ours, seconds))
        ran = subprocess.run(
            [sys.executable, "-c", PEAK, str(Path(__file__).parent), str(eps)],
            check=True,
            capture_output=True,
            text=True,
        )
        rows.append(Limit(f"its peak memory, eps {eps:g}", float(ran.stdout), peak, "x the map"))
    return rows
