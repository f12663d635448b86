"""Cryo-EM volumes in plain NumPy, compiled by Numba.

How data flow, and the folder of each step::

    a structure file --atoms--> positions and scattering factors --volumes--> a volume
    a volume --rendering--> a voxel grid (z, y, x) --io--> an MRC map
    a volume and poses --projection--> images (n, y, x) --io--> a stack and a STAR file
    images --imaging--> images as a microscope makes them

- ``atoms``: what is in a structure file, and how atoms scatter electrons.
- ``poses``: rotations and shifts, one or many in one object.
- ``volumes``: how density is held.
- ``rendering``: from a volume to a voxel grid.
- ``projection``: from a volume and poses to images.
- ``imaging``: contrast transfer, solvent, noise and detectors.
- ``reconstruction``: from images back to a map.
- ``simulation``: stacks of particles, whole or in shards.
- ``ndimage``: functions of arrays.
- ``io``: files of maps, image stacks and particles.
- ``kernels``: what is compiled; arrays in, arrays out.
- ``cli``: the ``numbavol`` command.
- ``data``: a structure to try things on.

Lengths are angstroms, arrays are indexed [z, y, x], coordinates are (x, y, z), and a volume is
the rescaled potential in inverse square angstroms: see the page on conventions.

Every public name is imported when it is first used, so that ``import numbavol`` costs little.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
