"""Files of maps, of image stacks and of particles.

- ``map_reading``, ``map_writing``: `read_map`, `read_images` and `write_map`.
- ``map_header``: `MapHeader`, what a map file says about itself; ``voxel_types``: its modes.
- ``wanted_maps``, ``cut_maps``: which files are maps, and which of them are whole.
- ``image_stack``: `write_image_stack` and `resume_image_stack`, image by image.
- ``partial_stack``, ``partial_file``: a stack that is being written, and its locked file.
- ``whole_file``, ``locked_parts``: files that appear under their names complete, or never.
- ``particle_table``, ``particle_columns``: `ParticleTable`, and where RELION keeps what it knows.
- ``particle_images``: `ParticleImages`, read when they are asked for; ``unpacked_stacks``: of those
  that are gzipped.
- ``particle_reading``: whichever program wrote them.
- ``star_blocks``, ``star_reading``, ``star_writing``, ``optics_groups``: RELION's files.
- ``ctf_defaults``: what RELION takes where they do not say it.
- ``cs_reading``, ``cs_writing``: `read_cs` and `write_cs`, cryoSPARC's files.
- ``stack_names``: names of files, stacks and images, as other programs read them.

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
