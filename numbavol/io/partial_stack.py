"""The images of a stack that is being written: which are there, and the statistics of each."""

from __future__ import annotations

import math
import time
from threading import RLock
from typing import TYPE_CHECKING

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from numbavol.io.map_writing import set_statistics
from numbavol.io.whole_file import give_name, name_file_in_errors
from numbavol.kernels.locks import run_alone

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from numbavol.io.partial_file import Mark, PartialFile

HEADER_BYTES: int = HEADER_DTYPE.itemsize
_SECONDS_BETWEEN_MARKS = 5.0
_SECONDS_BETWEEN_LOOKS = 0.001
_BLOCK = 2**14  # values that stay in the processor's cache when they are float64


class PartialStack:
    """The images of a stack that is being written, in its file, and what is known of each.

    Its methods may be called by several threads at once.

    Parameters
    ----------
    file
        Where they are.
    mark
        What is written into it as long as images are missing.
    filename
        What errors call the stack.
    """

    def __init__(self, file: PartialFile, mark: Mark, filename: str | os.PathLike[str]) -> None:
        self.shape = mark.shape
        self.n_already_written = 0
        self.is_stopped = False
        self._file, self._mark, self._filename = file, mark, filename
        n, y, x = mark.shape
        self.dtype = np.dtype(mark.dtype).newbyteorder("<")
        self._image_bytes = y * x * self.dtype.itemsize
        # Of each image, so that no thread has to wait while another writes: whether somebody writes
        # or has written it, whether it is there, and its minimum, maximum, mean and variance.
        self._is_taken = np.zeros(n, dtype=bool)
        self._is_written = np.zeros(n, dtype=bool)
        self._statistics = np.empty((n, 4))
        self._lock = RLock()
        # Those who write now, and whether they have taken their numbers.
        self._calls: dict[object, bool] = {}
        self._is_stopping = False
        self._next_mark = time.monotonic() + _SECONDS_BETWEEN_MARKS

    def begin(self) -> None:
        """Start with an empty file, or with none if there is no space."""
        try:
            with name_file_in_errors(self._filename):
                self._file.empty()
                self._file.write_mark(self._mark)
                self._file.reserve(self._offset(self.shape[0]))
        except BaseException:
            self._file.remove()
            raise

    def resume(self, n_images: int) -> None:
        """Start with the images that the file has."""
        with name_file_in_errors(self._filename):
            image = np.empty(self.shape[1:], self.dtype)
            for number in range(n_images):
                self._file.read_into(_bytes_of(image), self._offset(number))
                self._statistics[number] = _measure(number, image)
            self._file.reserve(self._offset(self.shape[0]))
        self._is_taken[:n_images] = self._is_written[:n_images] = True
        self.n_already_written = n_images

    def write(self, first: int, images: NDArray[np.floating[Any]]) -> None:
        """Write images in a row, (m, y, x), that were not written before."""
        numbers = slice(first, first + len(images))
        statistics = [_measure(first + n, image) for n, image in enumerate(images)]
        call = object()
        try:
            self._calls[call] = False
            run_alone(self._lock, lambda: self._take(numbers, call))
            with name_file_in_errors(self._filename):
                self._file.write(_bytes_of(images), self._offset(first))
            self._statistics[numbers] = statistics
            self._is_written[numbers] = True
            if time.monotonic() >= self._next_mark:
                self._next_mark = time.monotonic() + _SECONDS_BETWEEN_MARKS
                self.mark()
        except BaseException:
            if self._calls.get(call):
                self._is_taken[numbers] = self._is_written[numbers]
            raise
        finally:
            self._calls.pop(call, None)

    def _take(self, numbers: slice, call: object) -> None:
        if self._is_stopping or self._is_taken[numbers].any():
            number = numbers.start + int(self._is_taken[numbers].argmax())
            what = "the stack is closed" if self._is_stopping else "it was written before"
            msg = f"image {number}: {what}"
            raise ValueError(msg)
        self._is_taken[numbers] = self._calls[call] = True

    def stop(self) -> None:
        """Let no more images be written, and wait for those that are being written."""
        self._is_stopping = True
        # A call adds itself before it looks, so that it is seen here or sees what was said above.
        while self._calls:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        self.is_stopped = True

    def mark(self) -> None:
        """Write down how many images are on the disk, if somebody may go on with them."""
        if self._mark.fingerprint is None:
            return
        n_images = self.count()
        with name_file_in_errors(self._filename):
            self._file.sync()
            self._file.write_mark(self._mark._replace(n_images=n_images))

    def count(self) -> int:
        """Count the images that are there, from the first one to one that is not."""
        return self.shape[0] if self._is_written.all() else int(self._is_written.argmin())

    def finish(self, header: NDArray[np.void], target: Path, *, overwrite: bool) -> None:
        """Write the header, and give the file its name."""
        missing = np.flatnonzero(~self._is_written)
        if missing.size:
            msg = (
                f"{self._filename}: {missing.size} of {self.shape[0]} images were not written, the "
                f"first of them is image {missing[0]}"
            )
            raise ValueError(msg)
        minima, maxima, means, variances = self._statistics.T
        parts = (np.ones(self.shape[0]), means, variances)
        set_statistics(header, minima.min(), maxima.max(), parts)
        with name_file_in_errors(self._filename):
            # A header that says that all images are there comes to the disk after them.
            self._file.sync()
            self._file.write(header.tobytes(), 0)
            self._file.sync()
            give_name(self._file.path, target, overwrite=overwrite)

    def _offset(self, number: int) -> int:
        return HEADER_BYTES + number * self._image_bytes


def _bytes_of(image: NDArray[Any]) -> memoryview:
    return image.reshape(-1).view(np.uint8).data


def measure_range(
    number: int, image: NDArray[np.float32], dtype: np.dtype[Any]
) -> tuple[float, float]:
    """Return the minimum and the maximum of an image.

    Parameters
    ----------
    number
        Its number, for errors.
    image
        Its values, as float32.
    dtype
        How it is stored, for errors.

    Raises
    ------
    ValueError
        If a value is not finite.
    """
    low, high = float(image.min()), float(image.max())
    if not math.isfinite(high - low):
        y, x = np.argwhere(~np.isfinite(image))[0]
        msg = (
            f"image {number}: expected finite {dtype.name} values, which reach to "
            f"{np.finfo(dtype).max:g}, there is {image[y, x]} at index [{y}, {x}]"
        )
        raise ValueError(msg)
    return low, high


def _measure(number: int, image: NDArray[np.floating[Any]]) -> tuple[float, float, float, float]:
    """Return the minimum, maximum, mean and variance of an image, which must be finite."""
    # Which processors compare faster than float16.
    wide = image.astype(np.float32, copy=False)
    low, high = measure_range(number, wide, image.dtype)
    values = wide.reshape(-1)
    # The differences from any of n values lose at most a factor n of float64's precision.
    reference = float(values[0])
    total = squares = 0.0
    for first in range(0, values.size, _BLOCK):
        block = values[first : first + _BLOCK].astype(np.float64)
        block -= reference
        total += float(block.sum())
        squares += float(np.einsum("i,i->", block, block))
    mean = total / values.size
    return low, high, reference + mean, squares / values.size - mean**2
