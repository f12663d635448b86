"""The names of files, of stacks and of the images in them, as other programs read them."""

from __future__ import annotations

import os
import re
from pathlib import Path

CS_SUFFIX = ".cs"
# The header of a stack says in 31 bits how many images it has.
_IMAGE_NAME = re.compile(r"0*([1-9]\d{0,9})@(.+)", re.ASCII | re.DOTALL)
_MOST_IMAGES = 2**31 - 1


def is_cs_file(filename: str | os.PathLike[str]) -> bool:
    """Tell whether a file of particles is one of cryoSPARC, by its name."""
    return Path(filename).suffix.lower() == CS_SUFFIX


def name_from_folder_of(
    filename: str | os.PathLike[str], stack_filename: str | os.PathLike[str]
) -> str:
    """Return the name of a stack for a program that runs in the folder of another file."""
    stack = Path(stack_filename)
    # Where a folder is a link, `..` leads out of what it links to.
    folders = (os.path.realpath(path.parent) for path in (stack, Path(filename)))
    return (Path(os.path.relpath(*folders)) / stack.name).as_posix()


def name_image(number: int, stack_name: str) -> str:
    """Name an image of a stack, counted from 1, as RELION does."""
    return f"{number:06d}@{stack_name}"


def split_image_name(name: str) -> tuple[int, str]:
    """Return the number of an image, counted from 1, and the name of its stack.

    Raises
    ------
    ValueError
        If it is no name of an image in a stack.
    """
    found = _IMAGE_NAME.fullmatch(name)
    if found is None or int(found[1]) > _MOST_IMAGES:
        msg = (
            f"image_names: expected names like 000001@stack.mrcs, from 1 to {_MOST_IMAGES}, got "
            f"{name!r}"
        )
        raise ValueError(msg)
    return int(found[1]), found[2]
