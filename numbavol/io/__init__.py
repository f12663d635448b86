"""Files of maps.

==================  ===============================================================
``map_header.py``   `read_map_header`: what a map file says about itself; `is_map_file`
``map_reading.py``  `read_map`: a map file to an array `[z, y, x]`
``map_writing.py``  `write_map`: an array to a map file, whole or not at all
``whole_file.py``   a file that appears under its name complete, or never
==================  ===============================================================

The layout of the MRC2014 format comes from mrcfile.
"""

from __future__ import annotations

from numbavol.io.map_header import MapHeader, is_map_file, read_map_header
from numbavol.io.map_reading import RealSpaceMap, read_map
from numbavol.io.map_writing import write_map

__all__ = ["MapHeader", "RealSpaceMap", "is_map_file", "read_map", "read_map_header", "write_map"]
