"""Files of maps, of image stacks and of particles.

=======================  =========================================================
The layout of the MRC2014 format comes from mrcfile, the grammar of STAR from gemmi.
"""

from __future__ import annotations

from numbavol.io.cs_reading import read_cs
from numbavol.io.cs_writing import write_cs
from numbavol.io.image_stack import ImageStack, resume_image_stack, write_image_stack
from numbavol.io.map_header import MapHeader, is_map_file, read_map_header
from numbavol.io.map_reading import RealSpaceMap, read_images, read_map
from numbavol.io.map_writing import write_map
from numbavol.io.particle_images import ParticleImages
from numbavol.io.particle_reading import read_particles
from numbavol.io.particle_table import ParticleTable
from numbavol.io.star_writing import write_particles

__all__ = [
    "ImageStack",
    "MapHeader",
    "ParticleImages",
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
