"""`UnpackedStacks`: gzipped stacks, of which any images can be read without unpacking others."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import weakref
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np

from numbavol.kernels.locks import run_alone

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.io.map_header import OpenMap, VoxelLayout

    # A name, and what tells a file of it from the next one.
    _Key = tuple[Path, int, int, int]

_CHUNK_BYTES = 2**24
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class UnpackedStacks:
    """The images of gzipped stacks, one after another in a temporary file that has no name.

    Threads may share it. What is pickled, or used by a forked process, begins with nothing. The
    file is gone with the object, or with the process, however that ends.
    """

    def __init__(self) -> None:
        self._kept = _KeptImages()

    def __reduce__(self) -> tuple[type[UnpackedStacks], tuple[()]]:
        """Leave out the file, which other processes do not have."""
        return UnpackedStacks, ()

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
        # Of threads that find this out together, each goes on with what it made, and one remains.
        kept = self._kept
        if kept.process != os.getpid():
            kept = self._kept = _KeptImages()
        return kept.find(filename, packed, layout)


class _KeptImages:
    """What one process has unpacked."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._lock = RLock()
        self._file: FileIO | None = None
        self._end = 0
        # Of stacks that were asked for, where they begin in the file; None if only once.
        self._starts: dict[_Key, int | None] = {}
        self._too_large: set[_Key] = set()

    def find(
        self, filename: Path, packed: OpenMap, layout: VoxelLayout
    ) -> NDArray[np.number[Any]] | None:
        stat = filename.stat()
        # Another file of the name is another stack.
        key = (filename, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        return run_alone(self._lock, lambda: self._find(key, packed, layout))

    def _find(
        self, key: _Key, packed: OpenMap, layout: VoxelLayout
    ) -> NDArray[np.number[Any]] | None:
        if key in self._too_large:
            return None
        if key not in self._starts:
            self._starts[key] = None
            return None
        start = self._starts[key]
        if start is None:
            if not _has_room_for(layout.n_bytes):
                return None
            if not self._put(packed, layout):
                self._too_large.add(key)
                return None
            start = self._end
            # In this order: after an interrupt between them a piece of the file is not used.
            self._end += layout.n_bytes
            self._starts[key] = start
        return np.memmap(self._open_file(), layout.dtype, "r", start, layout.shape)

    def _put(self, packed: OpenMap, layout: VoxelLayout) -> bool:
        """Put a stack at the end of the file, and tell whether there was room."""
        file = self._open_file()
        try:
            _unpack(packed, layout, file, self._end)
        except BaseException as error:
            file.truncate(self._end)
            if isinstance(error, OSError) and error.errno in _NO_ROOM:
                return False
            raise
        return True

    def _open_file(self) -> FileIO:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # lives as long as this
            weakref.finalize(self, self._file.close)
        return self._file


def _has_room_for(n_bytes: int) -> bool:
    """Tell whether a temporary file can be so large, and leave others as much room."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        return False
    return shutil.disk_usage(folder).free >= 2 * n_bytes


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
