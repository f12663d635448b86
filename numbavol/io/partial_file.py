"""A file that is filled over hours: locked, its space reserved, marked with what is done of it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mrcfile.constants import IMAGE_STACK_SPACEGROUP
from mrcfile.dtypes import HEADER_DTYPE
from mrcfile.utils import dtype_from_mode

from numbavol.io.map_writing import LABEL
from numbavol.io.whole_file import sync_folder

_MARK_BYTES = HEADER_DTYPE.itemsize
PART_SUFFIX = ".part"
_MARK_NAME = "numbavol: part of an image stack"
_LABEL_OF_KEY = "resume key "
_ATTEMPTS = 10  # to open it, before somebody else does
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}
_NO_RESERVATION = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class Mark(NamedTuple):
    """What stands where the header will be, as long as images are missing.

    Attributes
    ----------
    shape
        Of the whole stack, `(n, y, x)`.
    fingerprint
        Of what the images are made from; None if nobody wants to go on with them.
    n_images
        So many images from the start are on the disk.
    dtype
        Of the images, as NumPy names it.
    """

    shape: tuple[int, int, int]
    fingerprint: str | None
    n_images: int
    dtype: str

    def to_bytes(self) -> bytes:
        """Write it as a line of text that fills the room of the header."""
        line = json.dumps({"file": _MARK_NAME, **self._asdict()})
        return f"{line}\n".encode().ljust(_MARK_BYTES, b"\0")

    @classmethod
    def from_bytes(cls, raw: bytes) -> Mark | None:
        """Read it, or return None if this is something else."""
        try:
            fields = json.loads(raw.rstrip(b"\0"))
            if fields.pop("file") != _MARK_NAME:
                return None
            fields["shape"] = tuple(fields["shape"])
            mark = cls(**fields)
            return mark if 0 <= mark.n_images <= mark.shape[0] else None
        # Whatever else a file may begin with.
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    @property
    def labels(self) -> list[str]:
        """The last line of the header, where `from_header` finds the fingerprint."""
        return [] if self.fingerprint is None else [f"{_LABEL_OF_KEY}{self.fingerprint}"]

    @classmethod
    def from_header(cls, raw: bytes, n_bytes: int) -> Mark | None:
        """Take the header of a whole stack, which a kill may leave, for the mark of all its images.

        Parameters
        ----------
        raw
            What may be the header.
        n_bytes
            How long the file is.

        Returns
        -------
        Mark or None
            None if it is no header of an image stack that this package has written whole.
        """
        if len(raw) < _MARK_BYTES:
            return None
        header = np.frombuffer(raw, HEADER_DTYPE.newbyteorder("<"))[0]
        labels = header["label"].tolist()
        if labels[0] != LABEL or header["ispg"] != IMAGE_STACK_SPACEGROUP:
            return None
        try:
            dtype = dtype_from_mode(header["mode"])
        except ValueError:
            return None
        n, y, x = (int(header[name]) for name in ("nz", "ny", "nx"))
        if n_bytes != HEADER_DTYPE.itemsize + n * y * x * dtype.itemsize:
            return None
        last = next(label for label in reversed(labels) if label).decode("latin-1")
        is_of_key = last.startswith(_LABEL_OF_KEY)
        fingerprint = last.removeprefix(_LABEL_OF_KEY) if is_of_key else None
        return cls((n, y, x), fingerprint, n, dtype.name)


def hash_key(resume_key: str) -> str:
    """Return the fingerprint that a mark has of what images are made from."""
    return hashlib.sha256(resume_key.encode()).hexdigest()


def name_part_of(path: Path) -> Path:
    """Name what a file is called until it is whole: beside it, and not beside a link to it."""
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    return target.with_name(target.name + PART_SUFFIX)


def read_mark_of(path: Path) -> Mark | None:
    """Read the mark of a file that perhaps another process is writing; None if it has none.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        raw = file.read(_MARK_BYTES)
    return Mark.from_bytes(raw) or Mark.from_header(raw, path.stat().st_size)


class PartialFile:
    """An open file that no other process writes, under the name that it has until it is whole.

    Its methods may be called by several threads at once.

    Parameters
    ----------
    path
        The name. The file is made if there is none.

    Raises
    ------
    BlockingIOError
        If another process, or this one, is writing it.
    OSError
        If it cannot be opened.
    ValueError
        If the name is of something that is not a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Between opening and locking, who held the lock may have given the file its final name.
        if not any(self._open() for _ in range(_ATTEMPTS)):
            raise self._in_use()

    def _in_use(self) -> BlockingIOError:
        reason = f"another process is writing it, in {self.path}"
        return BlockingIOError(errno.EAGAIN, reason, os.fspath(self.path))

    def _open(self) -> bool:
        # A link that somebody laid there would lead to a file that is none of ours.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        self._descriptor = os.open(self.path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                msg = f"filename: {self.path} exists and is not a regular file"
                raise ValueError(msg)
            self._lock()
            is_open = self.is_there()
        except BaseException:
            os.close(self._descriptor)
            raise
        if not is_open:
            os.close(self._descriptor)
        return is_open

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._in_use() from error
        except OSError as error:
            # Some file systems of clusters have none; then the user must take care.
            if error.errno not in _NO_LOCKS:
                raise

    def is_there(self) -> bool:
        """Tell whether the name still is this file's."""
        try:
            return os.path.samestat(os.lstat(self.path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def has_another_name(self) -> bool:
        """Tell whether the file was given its final name."""
        return os.fstat(self._descriptor).st_nlink > self.is_there()

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return os.fstat(self._descriptor).st_size

    def read_mark(self) -> Mark | None:
        """Read the mark, or what the header says of all images; None if there is something else."""
        raw = os.pread(self._descriptor, _MARK_BYTES, 0)
        return Mark.from_bytes(raw) or Mark.from_header(raw, self.size)

    def write_mark(self, mark: Mark) -> None:
        """Write the mark."""
        self.write(mark.to_bytes(), 0)

    def empty(self) -> None:
        """Throw away what is in it."""
        os.ftruncate(self._descriptor, 0)

    def reserve(self, n_bytes: int) -> None:
        """Make it as long as it will be, where possible with the space on the disk.

        Raises
        ------
        OSError
            If there is not as much.
        """
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(self._descriptor, 0, n_bytes)
            except OSError as error:
                if error.errno not in _NO_RESERVATION:
                    raise
        # What was reserved has this length already.
        os.ftruncate(self._descriptor, n_bytes)

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write at an offset."""
        remaining = memoryview(data)
        while remaining:
            n_written = os.pwrite(self._descriptor, remaining, offset)
            remaining, offset = remaining[n_written:], offset + n_written

    def read_into(self, target: memoryview, offset: int) -> None:
        """Read at an offset as many bytes as fit into the target."""
        while target:
            n_read = os.preadv(self._descriptor, [target], offset)
            if n_read == 0:
                msg = f"{self.path}: cut short"
                raise ValueError(msg)
            target, offset = target[n_read:], offset + n_read

    def sync(self) -> None:
        """Wait until what was written is on the disk."""
        os.fsync(self._descriptor)

    def remove(self) -> None:
        """Take away the name, if it still is this file's."""
        if self.is_there():
            self.path.unlink()
            sync_folder(self.path.parent)

    def close(self) -> None:
        """Close it, and let others write it."""
        # A forked child may have the file open as well, and would hold the lock. Where there are no
        # locks, there is none to give back.
        with contextlib.suppress(OSError):
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        os.close(self._descriptor)
