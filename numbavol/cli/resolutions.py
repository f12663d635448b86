"""What ``--resolution`` and ``--unit`` of ``numbavol render`` do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from scipy.constants import angstrom, electron_mass, elementary_charge, hbar, pi

import numbavol

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.cli.map_grid import MapGrid
    from numbavol.cli.output import Report

# The potential in volts that is one inverse square angstrom, rescaled.
VOLTS_OF_ONE = float(2 * pi * hbar**2 / (electron_mass * elementary_charge) / angstrom**2)

# Of the frequency of the resolution: the edge lies before it, so that nothing finer is left.
SOFT_EDGE = 0.1


def blur(atoms: Atoms, resolution: float) -> Atoms:
    """Multiply the transform of atoms by a Gaussian that falls to 1/e at a resolution.

    exp(-(k R)^2) is a B-factor of 4 R^2, so that nothing is left out and no box is needed. The
    definition is that of molmap in ChimeraX.
    """
    return dataclasses.replace(atoms, b_factors=atoms.b_factors + 4.0 * resolution**2)


def limit(
    real_voxel_grid: NDArray[np.floating[Any]],
    grid: MapGrid,
    resolution: float,
    resolution_by: str,
    report: Report,
) -> NDArray[np.floating[Any]]:
    """Take away what is finer than a resolution, if that is what was asked for, and say so."""
    if resolution_by == "gaussian":
        report.say(
            f"blur    to {resolution:g} A: times a Gaussian that falls to 1/e there, "
            f"B-factor {4 * resolution**2:g} A^2",
            resolution=resolution,
            resolution_by=resolution_by,
        )
        return real_voxel_grid
    if resolution < 2 * float(grid.voxel_size.max()):
        msg = (
            f"--resolution: voxels of {grid.voxel_size.max():g} A hold nothing finer than "
            f"{2 * grid.voxel_size.max():g} A, got {resolution:g}"
        )
        raise ValueError(msg)
    edge = SOFT_EDGE if resolution_by == "soft" else 0.0
    lowpass = numbavol.LowpassFilter.from_resolution(
        grid.shape,
        grid.voxel_size,
        resolution / (1.0 - edge),
        rolloff_width_fraction=edge * 2.0 * float(grid.voxel_size.max()) / resolution,
    )
    half: Any = lowpass(numbavol.rfftn(real_voxel_grid))
    limited = numbavol.irfftn(half, grid.shape)
    report.say(
        f"blur    nothing finer than {resolution:g} A, "
        + (f"all to {resolution / (1.0 - edge):.5g} A" if edge else "with a sharp edge"),
        resolution=resolution,
        resolution_by=resolution_by,
    )
    return limited.astype(real_voxel_grid.dtype, copy=False)
