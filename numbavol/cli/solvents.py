"""What ``--solvent`` of ``numbavol render`` does."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

import numbavol
from numbavol.cli.resolutions import b_factor_of
from numbavol.imaging.water import VOLTS_OF_ONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.atoms import Atoms
    from numbavol.cli.map_grid import MapGrid
    from numbavol.cli.output import Report


def render_solvent(
    kind: str, atoms: Atoms, grid: MapGrid, blurred_to: float | None, report: Report
) -> NDArray[np.float32]:
    """Render what is around a model, relative to solvent everywhere, and say how much it is."""
    solvent = numbavol.BulkSolvent() if kind == "bulk" else numbavol.HydrationLayer()
    if blurred_to is not None:
        solvent = dataclasses.replace(solvent, b_sol=solvent.b_sol + b_factor_of(blurred_to))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", numbavol.StructureWarning)
        rendered = solvent.render(atoms, grid.shape, grid.voxel_sides)
    for warning in caught:
        report.warn(
            str(warning.message).replace("hydrogens='add' of load_atoms", "--hydrogens add")
        )
    integral = float(np.sum(rendered, dtype=np.float64)) * math.prod(grid.voxel_size.tolist())
    report.say(
        f"solvent {kind}, of {solvent.k_sol * VOLTS_OF_ONE:.2f} V: {-integral:.2f} A, as in "
        f"{-integral / solvent.k_sol:.0f} A^3, are displaced",
        solvent=kind,
        displaced=-integral,
    )
    return rendered
