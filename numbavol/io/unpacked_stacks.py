"""`UnpackedStacks`: gzipped stacks, of which any images can be read without unpacking others."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.io.map_header import OpenMap, VoxelLayout

_CHUNK_BYTES = 2**24
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class UnpackedStacks:
    """The images of gzipped stacks, one after another in a temporary file that has no name.

    Threads may share it. What is pickled, or used by a forked process, begins with nothing. The
    file is gone with the object, or with the process, however that ends.
    """

    def __init__(self) -> None:
        self._begin()

    def __reduce__(self) -> tuple[type[UnpackedStacks], tuple[()]]:
        """Leave out the file, which other processes do not have."""
        return UnpackedStacks, ()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = Lock()
        self._file: FileIO | None = None
        self._end = 0
        # Of stacks that were read, where they begin in the file; None if they are not in it.
        self._starts: dict[tuple[Path, int, int, int], int | None] = {}

    def find(
        self, filename: Path, packed: OpenMap, layout: VoxelLayout
    ) -> NDArray[np.number[Any]] | None:
        """Find the images of a stack, and unpack it if it is asked for the second time.

        Parameters
        ----------
        filename
            The stack.
        packed
            It, opened, and found to be compressed.
        layout
            How it has its images.

        Returns
        -------
        ndarray or None
            ``(n, y, x)``, in the file; None if it is asked for the first time, for what is read
            once needs no room on a disk, or if there is no room: it is read as it is then, which
            takes long.

        Raises
        ------
        ValueError
            If the stack is damaged.
        """
        # The position of a file that was opened before a fork is that of the other process, too.
        if self._process != os.getpid():
            self._begin()
        stat = filename.stat()
        # Another file of the name is another stack.
        key = (filename, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        with self._lock:
            if key not in self._starts:
                self._starts[key] = None
                return None
            start = self._starts[key]
            if start is None:
                if not self._has_room_for(layout.n_bytes):
                    return None
                start = self._end
                try:
                    _unpack(packed, layout, self._open_file(), start)
                except OSError as error:
                    if error.errno not in _NO_ROOM:
                        raise
                    return None
                self._starts[key], self._end = start, start + layout.n_bytes
            return np.memmap(self._open_file(), layout.dtype, "r", start, layout.shape)

    def _has_room_for(self, n_bytes: int) -> bool:
        try:
            folder = tempfile.gettempdir()
        except FileNotFoundError:
            return False
        return shutil.disk_usage(folder).free >= n_bytes

    def _open_file(self) -> FileIO:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as this
            weakref.finalize(self, self._file.close)
        return self._file


def _unpack(packed: OpenMap, layout: VoxelLayout, target: FileIO, start: int) -> None:
    target.seek(start)
    packed.stream.seek(layout.offset)
    n_missing = layout.n_bytes
    while n_missing:
        chunk = packed.stream.read(min(n_missing, _CHUNK_BYTES))
        if not chunk:
            msg = f"it is cut short: {n_missing} bytes are missing"
            raise ValueError(msg)
        n_missing -= len(chunk)
        # Without a buffer, which a full disk would leave what cannot be written, a part is written.
        left = memoryview(chunk)
        while left:
            left = left[target.write(left) :]
    # gzip checks what it has read only at the end of the file.
    while packed.stream.read(_CHUNK_BYTES):
        pass
