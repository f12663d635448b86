"""Which files are maps or stacks of images, and the reading of maps where no stack will do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.atoms.structure_file import holds_structure
from numbavol.io.map_header import is_map_file, read_map_header
from numbavol.io.map_reading import RealSpaceMap, read_map

if TYPE_CHECKING:
    import os
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.io.map_header import MapHeader

# As other programs name maps and stacks, before what says how they are compressed.
_SUFFIXES = (".mrc", ".mrcs", ".map", ".ccp4", ".rec")
_SUFFIXES_OF_COMPRESSION = (".gz", ".bz2")


def is_meant_as_map(filename: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a map or a stack, by its content or else by its name.

    By its name, so that what is wrong with a map is said of a map, is one that holds no structure
    either.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    if is_map_file(filename):
        return True
    name = Path(filename).name.lower()
    for suffix in _SUFFIXES_OF_COMPRESSION:
        name = name.removesuffix(suffix)
    if not name.endswith(_SUFFIXES):
        return False
    try:
        return not holds_structure(filename)
    except ValueError:  # it is empty, or its compression is damaged
        return True


def is_stack(filename: str | os.PathLike[str], header: MapHeader) -> bool:
    """Tell whether a file holds images, by its name or by its header.

    RELION and old programs give maps the space group of a stack, 0, but not its cell, which is one
    section thick.
    """
    return _has_name_of_stack(filename) or (
        header.space_group == 0 and int(header.intervals[2]) == 1
    )


def check_is_map(
    filename: str | os.PathLike[str], header: MapHeader, wanted: str = "a map"
) -> None:
    """Refuse a stack of images where a map is wanted.

    Parameters
    ----------
    filename
        The file.
    header
        Its header.
    wanted
        What is, in words.

    Raises
    ------
    ValueError
        If it is a stack; names the file.
    """
    if is_stack(filename, header):
        what = "name" if _has_name_of_stack(filename) else "header"
        msg = f"{filename}: a {what} of a stack of images, expected {wanted}"
        raise ValueError(msg)


def read_wanted_map(filename: str | os.PathLike[str], wanted: str = "a map") -> RealSpaceMap:
    """Read a map that can be computed with.

    Parameters
    ----------
    filename
        An MRC or CCP4 map, gzipped or not.
    wanted
        What is, in words.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not a map that `read_map` could read, or is a stack of images, or a value is not
        finite; names the file.
    """
    check_is_map(filename, read_map_header(filename), wanted)
    read = read_map(filename)
    check_voxels_are_finite(filename, read.data)
    return read


def check_voxels_are_finite(
    filename: str | os.PathLike[str], real_voxel_grid: NDArray[np.floating[Any]]
) -> None:
    """Refuse a map that has NaN or infinities.

    Raises
    ------
    ValueError
        If there is one; names the file and the first.
    """
    # A sum needs no memory, and is not finite if an element is not.
    with np.errstate(invalid="ignore"):
        if np.isfinite(real_voxel_grid.sum(dtype=np.float64)):
            return
    wrong = np.argwhere(~np.isfinite(real_voxel_grid))
    z, y, x = wrong[0].tolist()
    msg = (
        f"{filename}: expected finite values, got {real_voxel_grid[z, y, x]} in voxel "
        f"({x}, {y}, {z}) (x, y, z), the first of {len(wrong)}"
    )
    raise ValueError(msg)


def _has_name_of_stack(filename: str | os.PathLike[str]) -> bool:
    return Path(filename).name.lower().removesuffix(".gz").endswith(".mrcs")
