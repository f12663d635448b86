"""Files that are written before others that take long, and get their names after these."""

from __future__ import annotations

import contextlib
import glob
import secrets
from typing import TYPE_CHECKING

from numbavol.io.partial_file import PART_SUFFIX, PartialFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_locked_part(
    target: Path, write: Callable[[Path], object], cleaning: contextlib.ExitStack
) -> Path:
    """Write a file beside its name, and lock it; remove what killed runs left of it before.

    Parameters
    ----------
    target
        The name that it is to get.
    write
        Writes it to a name.
    cleaning
        Removes the file, if it has no other name by then, and the lock.

    Returns
    -------
    pathlib.Path
        Its name until then. What is locked is nothing that was left.
    """
    for left in target.parent.glob(f".{glob.escape(target.name)}-*{PART_SUFFIX}"):
        # What is locked is being written, and what is not ours to remove stays.
        with contextlib.suppress(OSError, ValueError):
            file = PartialFile(left)
            try:
                file.remove()
            finally:
                file.close()
    while True:
        part = target.with_name(f".{target.name}-{secrets.token_hex(8)}{PART_SUFFIX}")
        cleaning.callback(part.unlink, missing_ok=True)
        write(part)
        # Before it is locked, another run may take it away as something that was left.
        with contextlib.suppress(BlockingIOError):
            locked = PartialFile(part)
            cleaning.callback(locked.close)
            if locked.size:
                return part
