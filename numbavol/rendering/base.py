"""What every renderer is, and the ways in which a rendered map is returned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_fits_in_memory, check_flag
from numbavol.kernels.dispatch import find_device, find_device_of
from numbavol.ndimage import fftn, rfftn
from numbavol.ndimage.half_transforms import expand_half_transform
from numbavol.notebooks import describe_grid, make_table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numbavol.volumes import AbstractVolumeRepresentation

# In voxels: a position on the edge of a map is in it, however it is rounded.
ROUNDING = 1e-9


class AbstractVolumeRenderFn(ABC):
    """A function from volumes to voxel grids of one shape and voxel size.

    Examples
    --------
    >>> from numbavol import GaussianMixtureRenderFn, GaussianMixtureVolume
    >>> volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> render_fn = GaussianMixtureRenderFn((4, 6, 8), voxel_size=1.5)
    >>> render_fn(volume).shape, render_fn(volume, outputs_real_space=False).dtype
    ((4, 6, 8), dtype('complex64'))
    """

    shape: tuple[int, int, int]
    """Shape (z, y, x) of the voxel grid."""
    voxel_size: float | tuple[float, float, float]
    """Side of a voxel, or its three sides (x, y, z), in angstroms."""

    @abstractmethod
    def __call__(
        self,
        volume_representation: AbstractVolumeRepresentation,
        *,
        outputs_real_space: bool = True,
        outputs_rfft: bool = False,
        fftshifted: bool = False,
        output: str = "host",
    ) -> NDArray[Any]:
        """Render a volume.

        Parameters
        ----------
        volume_representation
            The volume.
        outputs_real_space
            Return the map itself, not its Fourier transform.
        outputs_rfft
            Return the half transform of `numbavol.rfftn` in place of that of `numbavol.fftn`. Does
            nothing in real space.
        fftshifted
            Put the zero frequency of the transform at ``n // 2`` of every full axis, in place of
            the corner. Does nothing in real space.
        output
            ``"host"`` for a NumPy array; ``"device"`` leaves the result where it was computed.

        Returns
        -------
        ndarray
            In real space of shape ``shape``, indexed [z, y, x], in inverse square angstroms.
        """

    def _repr_html_(self) -> str:
        """Say in a notebook what it renders, and by which options."""
        facts = describe_grid(self.shape, self.voxel_size)
        options = {name: getattr(self, name) for name in getattr(self, "__dataclass_fields__", ())}
        facts |= {
            name.replace("_", " "): str(value)
            for name, value in options.items()
            if name not in ("shape", "voxel_size") and value is not None
        }
        return make_table(type(self).__name__, facts)


def check_ways(*, outputs_real_space: bool, outputs_rfft: bool, fftshifted: bool) -> None:
    """Check the ways in which the call of every renderer returns a map.

    Raises
    ------
    TypeError
        If one is neither True nor False.
    """
    check_flag("outputs_real_space", outputs_real_space)
    check_flag("outputs_rfft", outputs_rfft)
    check_flag("fftshifted", fftshifted)


def deliver(array: NDArray[Any], device: str, output: str) -> NDArray[Any]:
    """Bring a result to where it is to be.

    Parameters
    ----------
    array
        The result, on its device.
    device
        The name of the device.
    output
        ``"host"`` or ``"device"``.
    """
    return array if output == "device" else find_device(device).fetch(array)


def count_outside(
    positions: NDArray[np.float64], shape: tuple[int, int, int], voxel_size: ArrayLike
) -> int:
    """Count the positions that lie in none of the voxels of a map.

    Parameters
    ----------
    positions
        ``(n, 3)``, in angstroms.
    shape, voxel_size
        Of the map.
    """
    lengths = np.array(shape[::-1])
    voxels = positions / np.asarray(voxel_size, np.float64) + lengths // 2
    is_outside = (voxels < -0.5 - ROUNDING) | (voxels > lengths - 0.5 + ROUNDING)
    return int(np.count_nonzero(np.any(is_outside, axis=1)))


def transform_rendered_map(
    real_voxel_grid: NDArray[np.floating[Any]],
    *,
    outputs_rfft: bool,
    fftshifted: bool,
) -> NDArray[np.complexfloating[Any, Any]]:
    """Transform a rendered map the way that the call of every renderer describes.

    Parameters
    ----------
    real_voxel_grid
        The map, (z, y, x).
    outputs_rfft, fftshifted
        As in `AbstractVolumeRenderFn.__call__`.

    Returns
    -------
    ndarray
        The transform.
    """
    device = find_device_of(real_voxel_grid)
    n_bytes = 2 * real_voxel_grid.nbytes * (1 if outputs_rfft else 2)
    check_fits_in_memory("outputs_real_space", "the map's transform", n_bytes, device.free_bytes)
    transform, axes = (rfftn, (0, 1)) if outputs_rfft else (fftn, None)
    transformed = transform(real_voxel_grid)
    return device.xp.fft.fftshift(transformed, axes=axes) if fftshifted else transformed


def arrange_half_transform(
    half: NDArray[np.complexfloating[Any]],
    shape: tuple[int, int, int],
    *,
    outputs_rfft: bool,
    fftshifted: bool,
) -> NDArray[np.complexfloating[Any]]:
    """Arrange the half transform of a map the way that the call of every renderer describes.

    Parameters
    ----------
    half
        As `numbavol.rfftn` returns it, but for the samples that are conjugates of each other, which
        may differ. It is overwritten.
    shape
        Of the map.
    outputs_rfft, fftshifted
        As in `AbstractVolumeRenderFn.__call__`.

    Returns
    -------
    ndarray
        The transform of the real map that `numbavol.irfftn` makes of `half`.
    """
    xp = find_device_of(half).xp
    for x in {0, shape[2] // 2} if shape[2] % 2 == 0 else {0}:
        plane = half[:, :, x]
        mirrored = xp.roll(plane[::-1, ::-1], (1, 1), (0, 1))
        plane[:] = (plane + mirrored.conj()) / 2
    if outputs_rfft:
        return xp.fft.fftshift(half, axes=(0, 1)) if fftshifted else half
    centred = expand_half_transform(half, shape)
    return centred if fftshifted else xp.fft.ifftshift(centred)
