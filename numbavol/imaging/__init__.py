"""From projections to images as a microscope makes them.

- ``ctf``: `CTF`, the contrast transfer function.
- ``solvent``: `AbstractSolvent` and `BulkSolvent`, what solvent takes off a molecule's potential.
- ``hydration``: `HydrationLayer`, solvent in layers around a molecule.
- ``ice``: `VitreousIce`, the grain of a layer of ice.
- ``water``: how dense water is, and what potential it has.
"""

from numbavol.imaging.hydration import HydrationLayer
from numbavol.imaging.ice import VitreousIce
from numbavol.imaging.solvent import AbstractSolvent, BulkSolvent

__all__ = ["AbstractSolvent", "BulkSolvent", "HydrationLayer", "VitreousIce"]
