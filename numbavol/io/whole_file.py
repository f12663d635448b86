"""A file that appears under its name complete, or never."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from numbavol.arguments import check_flag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedWriter

# What `os.link` says where a file system has no hard links.
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
# What `os.fsync` of a folder says where a file system has no such thing, and `os.open` of one that
# may be written to and not be read.
_NO_FOLDER_SYNC = {errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_NO_READING = {errno.EACCES, errno.EPERM}


@contextmanager
def write_whole_file(
    filename: str | os.PathLike[str], *, overwrite: bool
) -> Iterator[BufferedWriter]:
    """Open a file to write that gets its name only when the block ends without an error.

    What is written goes to a temporary file beside it, which is removed if anything fails.

    Parameters
    ----------
    filename
        The final name. A symbolic link is followed.
    overwrite
        Whether an existing file may be replaced. It is there, unchanged, until it is.

    Yields
    ------
    The file.

    Raises
    ------
    FileExistsError
        If the file exists, or comes into being meanwhile, and `overwrite` is False.
    OSError
        If writing fails; carries `filename`.
    ValueError
        If the name is of something that is not a file.
    """
    target = resolve_name(filename, overwrite=overwrite)
    temporary = target.with_name(f".numbavol-{secrets.token_hex(8)}.part")
    with name_errors_without_a_name(filename):
        try:
            # Unlike the tempfile module, `open` gives the permissions that the user's umask asks
            # for.
            with name_file_in_errors(filename):
                stream = temporary.open("xb")
            with stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            with name_file_in_errors(filename):
                give_name(temporary, target, overwrite=overwrite)
        finally:
            temporary.unlink(missing_ok=True)


def resolve_name(filename: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Follow links to the file that a name means, which may be written.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    TypeError
        If `overwrite` is neither True nor False.
    ValueError
        If the name is of something that is not a file.
    """
    check_flag("overwrite", overwrite)
    target = Path(os.path.realpath(filename))
    if target.exists() and not target.is_file():
        msg = f"filename: {filename} exists and is not a regular file"
        raise ValueError(msg)
    if target.exists() and not overwrite:
        raise _already_there(filename)
    return target


def give_name(source: Path, target: Path, *, overwrite: bool) -> None:
    """Make a complete file appear as `target`, and wait until it does on the disk.

    An interrupt may leave `source` as a second name of it.

    Raises
    ------
    FileExistsError
        If `target` exists and `overwrite` is False.
    """
    if overwrite:
        source.replace(target)
    else:
        _rename_to_new(source, target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names of files in a folder are on the disk, where that is possible."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno not in _NO_READING:
            raise
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def name_file_in_errors(filename: str | os.PathLike[str]) -> Iterator[None]:
    """Let every `OSError` of the system that leaves the block carry this name."""
    try:
        yield
    except FileExistsError as error:
        raise _already_there(filename) from error
    except OSError as error:
        if error.errno is None:
            raise
        raise _rename(error, filename) from error


@contextmanager
def name_errors_without_a_name(filename: str | os.PathLike[str]) -> Iterator[None]:
    """Let an `OSError` without a name that leaves the block carry this one."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise _rename(error, filename) from error


def _rename(error: OSError, filename: str | os.PathLike[str]) -> OSError:
    return OSError(error.errno, error.strerror, os.fspath(filename))


def _rename_to_new(source: Path, target: Path) -> None:
    # A rename would silently replace a file that another process has made in the meantime.
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # Claims the name; what lies under it until the next line is an empty file.
        target.open("xb").close()
        try:
            source.replace(target)
        except BaseException:
            target.unlink()
            raise
    else:
        source.unlink()


def _already_there(filename: str | os.PathLike[str]) -> FileExistsError:
    return FileExistsError(
        errno.EEXIST, "the file exists; overwrite=True would replace it", os.fspath(filename)
    )
