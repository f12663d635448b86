"""Write an image stack image by image, whole or not at all, and in several runs if need be."""

from __future__ import annotations

import contextlib
import errno
import operator
import os
from typing import TYPE_CHECKING

import numpy as np
from mrcfile.constants import IMAGE_STACK_SPACEGROUP

from numbavol.arguments import read_precision, read_shape, read_voxel_size
from numbavol.io.map_writing import add_labels, make_header, set_cell
from numbavol.io.partial_file import Mark, PartialFile, hash_key, name_part_of
from numbavol.io.partial_stack import HEADER_BYTES, PartialStack
from numbavol.io.whole_file import name_file_in_errors, resolve_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any

    from numpy.typing import ArrayLike, DTypeLike, NDArray

_LONGEST = 2**31 - 1  # what the header can say
_LARGEST_FILE = 2**63 - 1


class UnfinishedStackError(FileExistsError):
    """Images that an interrupted run left are in the way."""


class ImageStack:
    """An image stack that is being written: `stack[number] = image`, by any number of threads.

    `write_image_stack` and `resume_image_stack` make it.

    Parameters
    ----------
    images
        The file, and what is known of its images.

    Attributes
    ----------
    shape
        `(n, y, x)`.
    dtype
        Of the images in the file: float32 or float16.
    n_already_written
        So many images from the first on are there from an interrupted run, and are not to be
        written again.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import write_image_stack
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "stack.mrcs"
    ...     with write_image_stack(path, (3, 4, 6), pixel_size=1.5) as stack:
    ...         stack[0] = np.zeros((4, 6))
    ...         stack[1:3] = np.ones((2, 4, 6))
    >>> stack.shape, stack.n_already_written
    ((3, 4, 6), 0)
    """

    def __init__(self, images: PartialStack) -> None:
        self.shape = images.shape
        self.dtype = images.dtype
        self.n_already_written = images.n_already_written
        self._images = images

    def __setitem__(self, numbers: int | slice, images: ArrayLike) -> None:
        """Write one image to its place in the file, or several that follow each other, once.

        Parameters
        ----------
        numbers
            From 0 to n - 1, or a slice of consecutive ones.
        images
            Real numbers of shape `(y, x)`, or `(m, y, x)` for a slice of m.

        Raises
        ------
        IndexError
            If there is no image of that number.
        OSError
            If it cannot be written; carries the name of the stack.
        ValueError
            If an image has another shape, a value that is not finite in the stack's `dtype`, or
            was written before, or if the stack is closed.
        """
        if isinstance(numbers, slice):
            chosen = range(self.shape[0])[numbers]
            if chosen.step != 1 or not chosen:
                msg = f"number: expected a slice of one image or more in a row, got {numbers}"
                raise IndexError(msg)
            shape = (len(chosen), *self.shape[1:])
            self._write(chosen.start, images, shape)
            return
        index = operator.index(numbers)
        if not 0 <= index < self.shape[0]:
            msg = f"number: expected 0 to {self.shape[0] - 1}, got {index}"
            raise IndexError(msg)
        self._write(index, images, self.shape[1:])

    def _write(self, first: int, images: ArrayLike, shape: tuple[int, ...]) -> None:
        read = _read_images(first, images, shape, self.dtype)
        self._images.write(first, read.reshape(-1, *self.shape[1:]))


def write_image_stack(
    filename: str | os.PathLike[str],
    shape: Sequence[int],
    pixel_size: float,
    *,
    dtype: DTypeLike = np.float32,
    overwrite: bool = False,
    resume_key: str | None = None,
    labels: Sequence[str] = (),
) -> AbstractContextManager[ImageStack]:
    """Write an MRC2014 image stack, which appears under its name whole or not at all.

    The images go to a file beside it, of the same name with `.part` after it, whose space is
    reserved from the start. When the block ends that file gets its header and its final name; its
    bytes depend neither on the order of the images nor on the threads that wrote them.

    With a `resume_key`, an error or an interrupt leaves that file for `resume_image_stack`, once
    there are images to go on with; without one it is removed. A kill or a loss of power leaves it
    in any case; without a `resume_key`, the next run replaces it.

    Parameters
    ----------
    filename
        The file to write. RELION reads stacks whose names end in `.mrcs`.
    shape
        The number of images and the shape of each, `(n, y, x)`.
    pixel_size
        In angstroms.
    dtype
        How images are stored: float32, or float16, which takes half the space, keeps three digits
        and reaches to 65504 (mode 12 of the format; RELION reads it from 4.0 on).
    overwrite
        Whether to replace an existing stack, and to begin again where an interrupted run left
        images to go on with.
    resume_key
        Text that stands for everything that the images depend on, if it shall be possible to go
        on after an error or an interrupt. Only a hash of it is written, as a line of the header.
    labels
        Up to 9 lines, or 8 with a `resume_key`, of up to 80 ASCII characters for the header.

    Returns
    -------
    AbstractContextManager[ImageStack]
        What to enter with `with`; then every image must be written to the `ImageStack` once.

    Raises
    ------
    BlockingIOError
        If another process is writing the stack.
    FileExistsError
        If the stack exists, or an interrupted run can be gone on with, and `overwrite` is False.
    OSError
        If there is no space, or the file cannot be written.
    ValueError
        If an argument is wrong, or images are missing at the end.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_map, write_image_stack
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "stack.mrcs"
    ...     with write_image_stack(path, (3, 4, 6), pixel_size=1.5) as stack:
    ...         for number in [2, 0, 1]:
    ...             stack[number] = np.full((4, 6), number)
    ...     images = read_map(path)
    >>> images.data.shape, images.data[:, 0, 0].tolist()
    ((3, 4, 6), [0.0, 1.0, 2.0])
    """
    return _write(
        filename, shape, pixel_size, resume_key, dtype, labels,
        overwrite=overwrite, is_resumed=False,
    )  # fmt: skip


def resume_image_stack(
    filename: str | os.PathLike[str],
    shape: Sequence[int],
    pixel_size: float,
    *,
    resume_key: str,
    dtype: DTypeLike = np.float32,
    overwrite: bool = False,
    labels: Sequence[str] = (),
) -> AbstractContextManager[ImageStack]:
    """Go on with an image stack where an earlier run stopped, or begin if there was none.

    The images from `n_already_written` on are to be written. The finished file has the same bytes
    as one that was written with the same `resume_key` and was not stopped.

    Parameters
    ----------
    filename, shape, pixel_size, resume_key, dtype, overwrite, labels
        Those of `write_image_stack`. An existing stack is replaced only if `overwrite` is True.

    Returns
    -------
    AbstractContextManager[ImageStack]
        See `write_image_stack`.

    Raises
    ------
    BlockingIOError, FileExistsError, OSError
        See `write_image_stack`.
    ValueError
        If an argument is wrong, images are missing at the end, or what an interrupted run left is
        damaged or belongs to another `resume_key`, `shape` or `dtype`; it is then left as it is.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import read_map, resume_image_stack, write_image_stack
    >>> def write(stack, last):
    ...     for number in range(stack.n_already_written, last):
    ...         stack[number] = np.full((4, 6), number)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "stack.mrcs"
    ...     try:
    ...         with write_image_stack(path, (3, 4, 6), 1.5, resume_key="numbers") as stack:
    ...             write(stack, 2)
    ...             raise KeyboardInterrupt
    ...     except KeyboardInterrupt:
    ...         with resume_image_stack(path, (3, 4, 6), 1.5, resume_key="numbers") as stack:
    ...             print(stack.n_already_written)
    ...             write(stack, 3)
    ...     read_map(path).data[:, 0, 0].tolist()
    2
    [0.0, 1.0, 2.0]
    """
    return _write(
        filename, shape, pixel_size, resume_key, dtype, labels,
        overwrite=overwrite, is_resumed=True,
    )  # fmt: skip


@contextlib.contextmanager
def _write(
    filename: str | os.PathLike[str],
    shape: Sequence[int],
    pixel_size: float,
    resume_key: str | None,
    dtype: DTypeLike,
    labels: Sequence[str],
    *,
    overwrite: bool,
    is_resumed: bool,
) -> Iterator[ImageStack]:
    stored = read_precision("dtype", dtype, (np.float32, np.float16)).newbyteorder("<")
    lengths = _read_stack_shape(shape, stored)
    header = make_header(lengths, stored, IMAGE_STACK_SPACEGROUP)
    set_cell(header, "pixel_size", _read_pixel_size(pixel_size))
    fingerprint = None
    if resume_key is not None:
        fingerprint = hash_key(resume_key)
    mark = Mark(lengths, fingerprint, 0, stored.name)
    add_labels(header, [*labels, *mark.labels])
    target = resolve_name(filename, overwrite=overwrite)
    with name_file_in_errors(filename):
        file = _open_part_of(target)
    try:
        images = PartialStack(file, mark, filename)
        left = file.read_mark() if file.size else None
        if left is None and file.size:
            reason = "the file exists and is nothing that an interrupted run left; move it away"
            raise FileExistsError(errno.EEXIST, reason, os.fspath(file.path))
        is_of_use = left is not None and left.fingerprint is not None
        if left is not None and is_of_use and is_resumed:
            _check_is_the_same(file, left, mark)
            images.resume(left.n_images)
        elif is_of_use and not overwrite:
            reason = (
                "the file was left by an interrupted run; resume_image_stack would go on with it, "
                "overwrite=True would begin again"
            )
            raise UnfinishedStackError(errno.EEXIST, reason, os.fspath(file.path))
        else:
            images.begin()
    except BaseException:
        if file.size == 0:
            file.remove()
        file.close()
        raise
    try:
        yield ImageStack(images)
        images.stop()
        images.finish(header, target, overwrite=overwrite)
    except BaseException:
        images.stop()
        if mark.fingerprint is None or not images.count() or file.has_another_name():
            file.remove()
        else:
            # Where it cannot be written, what it stopped by is the error to tell, and what was
            # marked before is there.
            with contextlib.suppress(OSError):
                images.mark()
        raise
    else:
        file.remove()
    finally:
        # Not if a second interrupt kept `stop` from waiting for the threads that write: the number
        # of a closed file may soon be another file's.
        if images.is_stopped:
            file.close()


def _open_part_of(target: Path) -> PartialFile:
    part = name_part_of(target)
    file = PartialFile(part)
    if file.has_another_name():
        # A kill came between the final name and the removal of this one: what it holds is whole,
        # and somebody's, whatever it is called since.
        file.remove()
        file.close()
        file = PartialFile(part)
    return file


def _check_is_the_same(file: PartialFile, left: Mark, mark: Mark) -> None:
    if left.shape != mark.shape:
        name, what = "shape", f"for shape {left.shape}, not {mark.shape}"
    elif left.dtype != mark.dtype:
        name, what = "dtype", f"for {left.dtype} images, not {mark.dtype}"
    elif left.fingerprint != mark.fingerprint:
        name, what = "resume_key", "with another key, so that its images may be other ones"
    else:
        return
    msg = (
        f"{name}: {file.path} was left by a run {what}; go on with what it was begun with, or "
        f"begin again with write_image_stack and overwrite=True"
    )
    raise ValueError(msg)


def _read_images(
    number: int, images: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[np.floating[Any]]
) -> NDArray[np.floating[Any]]:
    array = np.asarray(images)
    if array.dtype.kind not in "biuf" or array.shape != shape:
        axes = "(y, x)" if len(shape) == 2 else "(m, y, x)"
        msg = (
            f"image {number}: expected real numbers of shape {axes} = {shape}, got {array.dtype} "
            f"of shape {array.shape}"
        )
        raise ValueError(msg)
    with np.errstate(over="ignore"):  # `_measure` finds what overflows
        return np.ascontiguousarray(array, dtype=dtype)


def _read_stack_shape(shape: Sequence[int], dtype: np.dtype[Any]) -> tuple[int, int, int]:
    n, y, x = read_shape("shape", shape, 3)
    n_bytes = HEADER_BYTES + n * y * x * dtype.itemsize
    if max(n, y, x) > _LONGEST or n_bytes > _LARGEST_FILE:
        msg = (
            f"shape: a stack of shape (n, y, x) = {(n, y, x)} has {n_bytes} bytes; expected "
            f"at most {_LARGEST_FILE}, and lengths of at most {_LONGEST}"
        )
        raise ValueError(msg)
    return n, y, x


def _read_pixel_size(pixel_size: float) -> NDArray[np.float64]:
    size = read_voxel_size("pixel_size", pixel_size)
    if isinstance(size, tuple):
        msg = f"pixel_size: expected one number, got {size}"
        raise ValueError(msg)
    return np.full(3, size)
