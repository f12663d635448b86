"""Peak memory of a whole process that renders."""

from __future__ import annotations

import subprocess
import sys

from rows import Limit

PROGRAM = """
import resource
import numbavol
from numbavol.data import enterotoxin
positions, atomic_numbers = numbavol.read_atoms_from_pdb(enterotoxin())
parameters = numbavol.PengScatteringFactorParameters(atomic_numbers)
volume = numbavol.GaussianMixtureVolume.from_tabulated_parameters(positions, parameters, 30.0)
real_voxel_grid = numbavol.GaussianMixtureRenderFn((512, 512, 512), 0.25)(volume)
real_voxel_grid += 0.0  # pages that were never written are not counted
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(peak / real_voxel_grid.nbytes)
"""


def measure() -> list[Limit]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True
    )
    work = "peak memory of rendering 512^3 in float32"
    return [Limit(work, float(ran.stdout), limit=1.7, unit="x the map")]
