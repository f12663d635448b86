"""From projections to images as a microscope makes them.

- ``ctf``: `CTF`, the contrast transfer function, and what multiplies half transforms by it.
- ``ctf_parameters``: how its parameters are read.
- ``aberrations``: phases of a lens as polynomials of the frequency.
"""

from numbavol.imaging.ctf import CTF

__all__ = ["CTF"]
