"""`ParticleImages`: the images that a table of particles names, read when they are asked for."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.map_header import read_map_header
from numbavol.io.map_reading import read_images
from numbavol.io.stack_names import split_image_name

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray


class ParticleImages:
    """Images named ``000001@stack.mrcs``, of one stack or of several, read when they are sliced.

    Parameters
    ----------
    image_names
        `ParticleTable.image_names`: the number in a stack, from 1 on, and the file.
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
        If a name is none, an image is not in its stack, or stacks have images of several shapes.

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
        numbers, names = zip(*map(split_image_name, image_names), strict=True)
        self._numbers = np.array(numbers, np.int64) - 1
        stacks, which = np.unique(np.array(names), return_inverse=True)
        self._which = which.reshape(-1)
        self._stacks = [
            _find(str(name), None if folder is None else Path(folder)) for name in stacks
        ]
        shapes = [read_map_header(stack).shape for stack in self._stacks]
        for number, (stack, shape) in enumerate(zip(self._stacks, shapes, strict=True)):
            if shape[1:] != shapes[0][1:]:
                msg = (
                    f"{stack}: expected images of shape {shapes[0][1:]}, as {self._stacks[0]} has "
                    f"them, got {shape[1:]}"
                )
                raise ValueError(msg)
            last = int(self._numbers[self._which == number].max()) + 1
            if last > shape[0]:
                msg = f"{stack}: expected at least {last} images, it has {shape[0]}"
                raise ValueError(msg)
        self.shape = (len(self._numbers), *shapes[0][1:])

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
        """
        taken, which = copy.copy(self), self._which[numbers]
        shape = (len(which), *self.shape[1:])
        vars(taken).update(_numbers=self._numbers[numbers], _which=which, shape=shape)
        return taken

    def __len__(self) -> int:
        """Return how many images there are."""
        return self.shape[0]

    def __getitem__(self, numbers: slice) -> NDArray[np.float32]:
        """Read some images: float32, ``(m, y, x)``."""
        chosen, which = self._numbers[numbers], self._which[numbers]
        images = np.empty((len(chosen), *self.shape[1:]), np.float32)
        # What follows each other in a stack is read at once.
        breaks = np.flatnonzero((np.diff(chosen) != 1) | (np.diff(which) != 0)) + 1
        for start, stop in zip([0, *breaks], [*breaks, len(chosen)], strict=True):
            if start < stop:
                first = int(chosen[start])
                images[start:stop] = read_images(
                    self._stacks[which[start]], first, first + int(stop - start)
                )
        return images


def _find(name: str, folder: Path | None) -> Path:
    beside = Path(name) if folder is None else folder / name
    # RELION runs in the folder of a project, and names files from there.
    return beside if beside.exists() or not Path(name).exists() else Path(name)
