"""Peak memory of whole processes that render a map, and that transform one."""

from __future__ import annotations

import subprocess
import sys

from rows import Limit

# Linux's high-water mark, for ru_maxrss begins with what the parent of a process has.
RENDER = """
import numbavol
from numbavol.data import enterotoxin
positions, atomic_numbers = numbavol.read_atoms_from_pdb(enterotoxin())
parameters = numbavol.PengScatteringFactorParameters(atomic_numbers)
volume = numbavol.GaussianMixtureVolume.from_tabulated_parameters(positions, parameters, 30.0)
real_voxel_grid = numbavol.GaussianMixtureRenderFn((512, 512, 512), 0.25)(volume)
real_voxel_grid += 0.0  # pages that were never written are not counted
peak = 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(peak / real_voxel_grid.nbytes)
"""
TRANSFORM = """
import numpy as np
import numbavol
real_voxel_grid = np.ones((512, 512, 512), np.float32)
numbavol.FourierVoxelGridVolume.from_real_voxel_grid(real_voxel_grid)
peak = 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(peak / real_voxel_grid.nbytes)
"""


def measure() -> list[Limit]:
    return [
        _peak("rendering 512^3 in float32", RENDER, 1.7),
        _peak("a Fourier voxel grid of a float32 map of 512^3", TRANSFORM, 4.5),
    ]


def _peak(work: str, program: str, limit: float) -> Limit:
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return Limit(f"peak memory of {work}", float(ran.stdout), limit, unit="x the map")
