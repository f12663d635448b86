"""Maps that `write_map` does not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import numbavol

if TYPE_CHECKING:
    from pathlib import Path

HEADER_BYTES = 1024


def spoil(map_file: Path, voxel: tuple[int, int, int], value: float) -> None:
    """Write a value into a map of float32 as it is."""
    shape = numbavol.read_map_header(map_file).shape
    np.memmap(map_file, "<f4", "r+", HEADER_BYTES, shape)[voxel] = value
