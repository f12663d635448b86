"""`ParticleImages`: the images that a table of particles names, read when they are asked for."""

from __future__ import annotations

import copy
import errno
import operator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.map_reading import read_chosen_images, read_stack_layout
from numbavol.io.particle_columns import read_list_of_names
from numbavol.io.stack_names import name_image, split_image_name
from numbavol.io.unpacked_stacks import UnpackedStacks

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray


class ParticleImages:
    """Images named ``000001@stack.mrcs``, of one stack or of several, read when they are sliced.

    The headers of the stacks are read at the start. A gzipped stack that is read more than once is
    unpacked into a temporary file without a name, in the folder that Python's `tempfile` chooses,
    for as long as the images are in use.

    Parameters
    ----------
    image_names
        Those of a `ParticleTable`: the number in a stack, from 1 on, and the file.
    folder
        Where the files are, if they are not where this process runs: the folder of the STAR file.

    Attributes
    ----------
    shape
        ``(n, y, x)``.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If there is no name or one is none, a file is no stack, an image is not in its stack, or
        stacks have images of several shapes.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from numbavol.io import ParticleImages, write_map
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "stack.mrcs"
    ...     write_map(path, np.arange(5)[:, None, None] * np.ones((5, 2, 2)), voxel_size=1.0)
    ...     images = ParticleImages(["5@stack.mrcs", "2@stack.mrcs"], folder)
    ...     images.shape, images[:][:, 0, 0]
    ((2, 2, 2), array([4., 1.], dtype=float32))
    """

    def __init__(
        self, image_names: Sequence[str], folder: str | os.PathLike[str] | None = None
    ) -> None:
        read = read_list_of_names("image_names", image_names)
        if not read:
            msg = "image_names: expected at least one, got none"
            raise ValueError(msg)
        numbers, names = zip(*map(split_image_name, read), strict=True)
        self._numbers = np.array(numbers, np.int64) - 1
        stacks, which = np.unique(np.array(names), return_inverse=True)
        self._which = which.reshape(-1)
        self._stacks = [
            find_stack(str(name), None if folder is None else Path(folder)) for name in stacks
        ]
        self._unpacked_stacks = UnpackedStacks()
        self._layouts = [read_stack_layout(stack) for stack in self._stacks]
        side_lengths = self._layouts[0].shape[1:]
        last_of_each = np.zeros(len(self._stacks), np.int64)
        np.maximum.at(last_of_each, self._which, self._numbers + 1)
        for stack, layout, last in zip(
            self._stacks, self._layouts, last_of_each.tolist(), strict=True
        ):
            if layout.shape[1:] != side_lengths:
                msg = (
                    f"{stack}: expected images of shape {side_lengths}, as {self._stacks[0]} has "
                    f"them, got {layout.shape[1:]}"
                )
                raise ValueError(msg)
            if last > layout.shape[0]:
                msg = f"{stack}: expected at least {last} images, it has {layout.shape[0]}"
                raise ValueError(msg)
        self.shape = (len(self._numbers), *side_lengths)

    @property
    def filenames(self) -> list[Path]:
        """The stacks."""
        return list(self._stacks)

    def take(self, numbers: NDArray[np.integer]) -> ParticleImages:
        """Take some of the images, in any order, and read none.

        Parameters
        ----------
        numbers
            ``(m,)``, from 0 on.

        Returns
        -------
        ParticleImages
            Of m images.

        Raises
        ------
        IndexError
            If there is no image of a number.
        ValueError
            If they are not whole numbers, ``(m,)``.
        """
        given = np.asarray(numbers)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            msg = f"numbers: expected whole numbers (m,), got {given.dtype} of shape {given.shape}"
            raise ValueError(msg)
        numbers = given.astype(np.int64)
        is_wrong = (numbers < 0) | (numbers >= len(self))
        if is_wrong.any():
            msg = f"numbers: expected 0 to {len(self) - 1}, got {numbers[is_wrong][0]}"
            raise IndexError(msg)
        taken, which = copy.copy(self), self._which[numbers]
        shape = (len(which), *self.shape[1:])
        vars(taken).update(_numbers=self._numbers[numbers], _which=which, shape=shape)
        return taken

    def describe(self, number: int) -> str:
        """Name an image as a table of particles does, with the stack as it was found.

        Parameters
        ----------
        number
            From 0 on.

        Returns
        -------
        str
            Like ``000001@folder/stack.mrcs``.
        """
        return name_image(int(self._numbers[number]) + 1, str(self._stacks[self._which[number]]))

    def __len__(self) -> int:
        """Return how many images there are."""
        return self.shape[0]

    def __getitem__(self, numbers: int | slice) -> NDArray[np.float32]:
        """Read some images: float32, ``(m, y, x)``, or ``(y, x)`` of a single number.

        Raises
        ------
        IndexError
            If there is no image of that number.
        OSError
            If a stack cannot be opened.
        TypeError
            If it is neither a whole number nor a slice.
        ValueError
            If a stack is damaged.
        """
        if not isinstance(numbers, slice):
            number = self._read_number(numbers)
            images = self[number : number + 1]
            return images.reshape(images.shape[1:])
        chosen, which = self._numbers[numbers], self._which[numbers]
        images = np.empty((len(chosen), *self.shape[1:]), np.float32)
        if not len(chosen):
            return images
        # Each stack is opened once and read from its start to its end.
        order = np.lexsort((chosen, which))
        for places in np.split(order, np.flatnonzero(np.diff(which[order])) + 1):
            stack = which[places[0]]
            read_chosen_images(
                self._stacks[stack], self._layouts[stack], chosen[places], images, places,
                self._unpacked_stacks,
            )  # fmt: skip
        return images

    def _read_number(self, number: int) -> int:
        try:
            index = operator.index(number)
        except TypeError as error:
            msg = (
                f"numbers: expected a whole number or a slice, got {type(number).__name__}; `take` "
                f"takes others"
            )
            raise TypeError(msg) from error
        n = len(self)
        if not -n <= index < n:
            msg = f"numbers: expected {-n} to {n - 1}, got {index}"
            raise IndexError(msg)
        return index % n


def find_stack(name: str, folder: Path | None) -> Path:
    """Find a stack that a table of particles in a folder names.

    Raises
    ------
    FileNotFoundError
        If there is none; says where it was looked for.
    """
    # RELION runs in the folder of a project, and names files from there.
    places = [Path() if folder is None else folder, Path()]
    for place in places:
        if (place / name).exists():
            return place / name
    folders = dict.fromkeys(str((place / name).parent.resolve()) for place in places)
    msg = f"no such file in {' or in '.join(folders)}"
    raise FileNotFoundError(errno.ENOENT, msg, name)
