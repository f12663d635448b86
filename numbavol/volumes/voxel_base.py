"""What every volume of voxels is, and the reading of maps."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from numbavol.arguments import read_voxel_size
from numbavol.io.wanted_maps import read_wanted_map
from numbavol.kernels.dispatch import find_device_of
from numbavol.notebooks import describe_grid, describe_memory, make_table
from numbavol.volumes.base import AbstractVolumeRepresentation

if TYPE_CHECKING:
    import os

    from numpy.typing import ArrayLike, NDArray

    RealArray = NDArray[np.floating[Any]]


class AbstractVoxelVolume(AbstractVolumeRepresentation):
    """A density held on a grid of voxels.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol import RealVoxelGridVolume
    >>> RealVoxelGridVolume.from_real_voxel_grid(np.ones((2, 3, 4)), voxel_size=(1.5, 1.5, 2.0))
    RealVoxelGridVolume(shape=(2, 3, 4), voxel_size=(1.5, 1.5, 2.0))
    """

    voxel_size: float | tuple[float, float, float] | None
    """Side of a voxel, or its three sides (x, y, z), in angstroms; None if it is not known."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """Shape (z, y, x) of the grid."""

    @classmethod
    @abstractmethod
    def from_real_voxel_grid(
        cls, real_voxel_grid: ArrayLike, *, voxel_size: ArrayLike | None = None
    ) -> Self:
        """Make the volume of a map.

        Parameters
        ----------
        real_voxel_grid
            The map, (z, y, x).
        voxel_size
            Side of a voxel, or its three sides (x, y, z), in angstroms, if it is to be known.

        Returns
        -------
        AbstractVoxelVolume
            The volume.
        """

    @classmethod
    def from_map(cls, filename: str | os.PathLike[str], **options: Any) -> Self:
        """Make the volume of a map file, and keep its voxel size.

        Parameters
        ----------
        filename
            An MRC map, and no stack of images.
        **options
            Those of `from_real_voxel_grid`.

        Returns
        -------
        AbstractVoxelVolume
            The volume.

        Raises
        ------
        OSError, ValueError
            As `numbavol.read_map` and `from_real_voxel_grid` do, or if the file is a stack of
            images, by its name or its header.
        """
        read = read_wanted_map(filename)
        return cls.from_real_voxel_grid(read.data, voxel_size=read.voxel_size, **options)

    def __repr__(self) -> str:
        """Say the shape and the voxel size."""
        size = "" if self.voxel_size is None else f", voxel_size={self.voxel_size}"
        return f"{type(self).__name__}(shape={self.shape}{size})"

    def _repr_html_(self) -> str:
        """Say in a notebook what there is, and draw the central section of a map."""
        kept = [array for array in vars(self).values() if hasattr(array, "nbytes")]
        facts = {
            **describe_grid(self.shape, self.voxel_size, self._name_of_box),
            "values": str(kept[0].dtype),
            "memory": describe_memory(*kept),
        }
        return make_table(type(self).__name__, facts, self._draw_thumbnail())

    # In a notebook.
    _name_of_box: ClassVar[str] = "box"

    def _draw_thumbnail(self) -> NDArray[Any] | None:
        """Return the central section, if the volume is a map; None by default."""
        return None


def read_real_voxel_grid(value: ArrayLike) -> RealArray:
    """Read a map as contiguous float32 or float64.

    Raises
    ------
    ValueError
        If it is not a map of finite real numbers.
    """
    xp = find_device_of(value).xp
    array: NDArray[Any] = xp.asarray(value)
    if array.dtype.kind not in "biuf":
        msg = f"real_voxel_grid: expected real numbers, got dtype {array.dtype}"
        raise ValueError(msg)
    if array.ndim != 3 or array.size == 0:
        msg = f"real_voxel_grid: expected shape (z, y, x), got {array.shape}"
        raise ValueError(msg)
    is_single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    array = xp.ascontiguousarray(array, np.float32 if is_single else np.float64)
    # A sum needs no memory, and is not finite if an element is not.
    if not np.isfinite(total := float(array.sum(dtype=np.float64))):
        msg = f"real_voxel_grid: expected finite values, got the sum {total}"
        raise ValueError(msg)
    return array


def keep_voxel_size(volume: AbstractVoxelVolume) -> None:
    """Read the voxel size of a new volume, if it has one."""
    object.__setattr__(volume, "voxel_size", read_known_voxel_size(volume.voxel_size))


def read_known_voxel_size(
    voxel_size: ArrayLike | None,
) -> float | tuple[float, float, float] | None:
    """Read a voxel size that may not be known; three equal sides are one.

    Raises
    ------
    ValueError
        If it is neither one nor three finite lengths above 0.
    """
    if voxel_size is None:
        return None
    size = read_voxel_size("voxel_size", voxel_size)
    return size[0] if isinstance(size, tuple) and len(set(size)) == 1 else size


def shape_of(array: NDArray[Any]) -> tuple[int, int, int]:
    """Return the shape of an array of three axes."""
    z, y, x = array.shape
    return (z, y, x)
