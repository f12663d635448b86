"""What ``--resolution`` of ``numbavol render`` does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numbavol

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.cli.map_grid import MapGrid
    from numbavol.cli.output import Report


def b_factor_of(resolution: float) -> float:
    """Return the B-factor of a Gaussian that falls to 1/e at a resolution: exp(-(k R)^2)."""
    return 4.0 * resolution**2


# Of the frequency of the resolution: the edge lies before it, so that nothing finer is left.
SOFT_EDGE = 0.1


def blur(atoms: Atoms, resolution: float) -> Atoms:
    """Multiply the transform of atoms by a Gaussian that falls to 1/e at a resolution.

    It is added to B-factors, so that nothing is left out and no box is needed. The definition is
    that of molmap in ChimeraX.
    """
    return dataclasses.replace(atoms, b_factors=atoms.b_factors + b_factor_of(resolution))


def limit(
    real_voxel_grid: NDArray[np.floating[Any]],
    grid: MapGrid,
    resolution: float,
    resolution_by: str,
    report: Report,
) -> NDArray[np.floating[Any]]:
    """Take away what is finer than a resolution, if that is what was asked for, and say so."""
    finest = 2 * float(grid.voxel_size.max())
    if resolution_by == "gaussian":
        if resolution < finest:
            report.warn(
                f"voxels of {grid.voxel_size.max():g} A hold nothing finer than {finest:g} A, "
                f"and --resolution is {resolution:g}"
            )
        report.say(
            f"blur    to {resolution:g} A: times a Gaussian that falls to 1/e there, "
            f"B-factor {b_factor_of(resolution):g} A^2",
            resolution=resolution,
            resolution_by=resolution_by,
        )
        return real_voxel_grid
    if resolution < finest:
        msg = (
            f"--resolution: voxels of {grid.voxel_size.max():g} A hold nothing finer than "
            f"{finest:g} A, got {resolution:g}"
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
