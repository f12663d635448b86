"""Projections of maps in real space: a non-uniform transform of their turned voxels."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.dispatch import check_device, find_device, find_device_of
from numbavol.kernels.resources import find_memory
from numbavol.kernels.tasks import map_tasks
from numbavol.ndimage.nonuniform import read_eps
from numbavol.ndimage.nonuniform_images import (
    HalfTransformOfImage,
    choose_plane_spreading,
    read_plane_options,
)
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.batches import prepare_on
from numbavol.projection.fourier_sampling import check_pixel_size
from numbavol.projection.projections import Projection
from numbavol.rendering.fft_atoms import DEFAULT_EPS
from numbavol.volumes import RealVoxelGridVolume
from numbavol.volumes.coordinates import (
    AbstractCoordinates,
    AffineCoordinates,
    CoordinatesField,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation

# Voxels that are turned together: their places take 24 bytes each.
VOXELS_AT_A_TIME = 2**19
# So many take some milliseconds (scripts/bench project).
VOXELS_THAT_TAKE_LONG = 2**17
# A few rows of the map, which are neighbours.
VOXELS_IN_A_GROUP = 4096


@dataclasses.dataclass(frozen=True)
class RealVoxelProjection(AbstractVolumeIntegrator):
    r"""Project a map by the Fourier transform of its turned voxels.

    .. math:: \tilde I(k) = \Delta \sum_j U_j \exp(-2 \pi i \, k \cdot r_j)

    with the pixel size :math:`\Delta`. Nothing is interpolated: this is the exact projection of a
    map whose voxels are points. Voxels that a pose takes out of the image are left out.

    Parameters
    ----------
    eps
        Relative l2 error, from 1e-13 to 1.
    opts
        ``upsampfac``, of finufft's options: how much finer the grid is that voxels are spread over.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used.

    Raises
    ------
    ValueError
        If an argument is not as described.

    References
    ----------
    Beatty, Nishimura & Pauly (2005), IEEE Transactions on Medical Imaging 24, 799-808: the window
    by which voxels are spread over a grid.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> volume = numbavol.RealVoxelGridVolume.from_real_voxel_grid(np.ones((8, 8, 8)))
    >>> image_config = numbavol.ImageConfig((8, 8), pixel_size=1.5)
    >>> image = numbavol.RealVoxelProjection().integrate(volume, image_config, True)
    >>> print(f"{image[4, 4]:.4f}")
    12.0000
    """

    _: dataclasses.KW_ONLY
    eps: float = DEFAULT_EPS
    opts: Mapping[str, Any] | None = dataclasses.field(default=None, hash=False)
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Read the arguments."""
        object.__setattr__(self, "device", check_device(self.device))
        object.__setattr__(self, "eps", read_eps("eps", self.eps))
        if self.opts is not None:
            object.__setattr__(self, "opts", read_plane_options("opts", self.opts))

    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common: see the base class."""
        volume = volume_representation
        if not isinstance(volume, RealVoxelGridVolume):
            msg = (
                f"volume_representation: expected a RealVoxelGridVolume, got "
                f"{type(volume).__name__}"
            )
            raise TypeError(msg)
        check_pixel_size(volume.voxel_size, image_config)
        shape = image_config.padded_shape
        transform = HalfTransformOfImage(
            shape, choose_plane_spreading(shape, self.eps, self.opts), self.device
        )
        device = find_device(self.device)
        grid = find_device_of(volume.real_voxel_grid).fetch(volume.real_voxel_grid)
        # Most of a map may be empty.
        filled = np.flatnonzero(grid)
        values = grid.reshape(-1)[filled].astype(transform.dtype)
        kept = CoordinatesField.kept_by(volume, "coordinate_grid_in_pixels")
        middle = np.array(shape[::-1]) // 2
        weight = device.send(transform.deconvolution * image_config.pixel_size, transform.dtype)

        # Of affine coordinates, cells stay as they are, and poses turn them to their places.
        steps, first = np.eye(3), np.zeros(3)
        if isinstance(kept, AffineCoordinates):
            steps, first = kept.steps, kept.middle

        def take_voxels(start: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
            chosen = slice(start, start + VOXELS_AT_A_TIME)
            cells = _take_cells(kept, filled[chosen], grid.shape)
            return device.send(cells), device.send(values[chosen])

        starts = range(0, len(filled), VOXELS_AT_A_TIME)
        bytes_of_voxels = (24 + values.itemsize) * len(filled)
        free_bytes = find_memory().free if device.free_bytes is None else device.free_bytes
        are_kept = bytes_of_voxels <= free_bytes // 4
        voxels: list[tuple[NDArray[np.float64], NDArray[Any]]] = []
        if are_kept:
            # What goes to another device goes there chunk by chunk.
            is_cpu = device.name == "cpu"
            voxels = map_tasks(take_voxels, starts) if is_cpu else list(map(take_voxels, starts))

        def project(rotations: NDArray[np.float64], offsets: NDArray[np.float64]) -> Projection:
            spread = transform.make_grids(len(rotations))
            turns = rotations[:, :2] @ steps.T
            origins = offsets / image_config.pixel_size + middle + rotations[:, :2] @ first
            for cells, carried in voxels if are_kept else map(take_voxels, starts):
                groups = np.append(np.arange(0, len(cells), VOXELS_IN_A_GROUP), len(cells))
                transform.spread(spread, cells, carried, groups, turns, origins)
            half = transform.transform(spread) * weight
            # Places count from the first pixel, so that the image needs no rearranging.
            images = device.fft.irfft2(half, shape, overwrite_x=True)
            return Projection(images, shape, is_image=True)

        most = min(len(filled), VOXELS_AT_A_TIME)
        return prepare_on(
            device, project, 16 * most + 2 * transform.bytes_a_grid,
            takes_long=len(filled) >= VOXELS_THAT_TAKE_LONG,
        )  # fmt: skip


def _take_cells(
    kept: AbstractCoordinates,
    numbers: NDArray[np.intp],
    shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Take the cells (x, y, z) of voxels, from the middle one on; if places are listed, those."""
    if not isinstance(kept, AffineCoordinates):
        taken: NDArray[np.float64] = kept.to_array().reshape(-1, 3)[numbers]
        return taken
    z, y, x = np.unravel_index(numbers, shape)
    cells = np.empty((len(numbers), 3))
    for axis, (along, length) in enumerate(zip((x, y, z), shape[::-1], strict=True)):
        np.subtract(along, length // 2, out=cells[:, axis])
    return cells
