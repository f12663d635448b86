"""Files of maps, of image stacks and of particles.

=====================  ================================================================
``map_header.py``      `read_map_header`: what a map file says about itself; `is_map_file`
``map_reading.py``     `read_map`: a map file to an array `[z, y, x]`
``map_writing.py``     `write_map`: an array to a map file, whole or not at all
``image_stack.py``     `write_image_stack`, `resume_image_stack`: images one by one to a file
``partial_stack.py``   the images of a stack that is being written
``partial_file.py``    a file that is filled over hours: locked, reserved, marked
``particle_table.py``  `ParticleTable`: poses, and what is known of the images
``star_blocks.py``      blocks of a STAR file, and columns of numbers
``star_reading.py``    `read_particles`: a RELION STAR file to a `ParticleTable`
``star_writing.py``    `write_particles`: a `ParticleTable` to a RELION STAR file
``whole_file.py``      a file that appears under its name complete, or never
=====================  ================================================================

The layout of the MRC2014 format comes from mrcfile, the grammar of STAR from gemmi.
"""

from __future__ import annotations

from numbavol.io.cs_reading import read_cs
from numbavol.io.cs_writing import write_cs
from numbavol.io.image_stack import ImageStack, resume_image_stack, write_image_stack
from numbavol.io.map_header import MapHeader, is_map_file, read_map_header
from numbavol.io.map_reading import RealSpaceMap, read_images, read_map
from numbavol.io.map_writing import write_map
from numbavol.io.particle_reading import read_particles
from numbavol.io.particle_table import ParticleTable
from numbavol.io.star_writing import write_particles

__all__ = [
    "ImageStack",
    "MapHeader",
    "ParticleTable",
    "RealSpaceMap",
    "is_map_file",
    "read_cs",
    "read_images",
    "read_map",
    "read_map_header",
    "read_particles",
    "resume_image_stack",
    "write_cs",
    "write_image_stack",
    "write_map",
    "write_particles",
]
