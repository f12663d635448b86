"""What a map file is to a command: a map, or a stack of images."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from numbavol.io import MapHeader


def is_stack(file: Path, header: MapHeader) -> bool:
    """Whether a file holds images, by its name or what it says of itself."""
    return file.name.lower().removesuffix(".gz").endswith(".mrcs") or header.space_group == 0
