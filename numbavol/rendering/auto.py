"""The renderer that a volume needs, and maps as volumes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from numbavol.rendering.base import AbstractVolumeRenderFn, check_ways
from numbavol.rendering.fft_atoms import DEFAULT_EPS, FFTAtomRenderFn
from numbavol.rendering.gaussian_mixture import GaussianMixtureRenderFn
from numbavol.rendering.windows import DEFAULT_TOLERANCE
from numbavol.volumes import (
    AbstractAtomVolume,
    AbstractVolumeParametrization,
    AbstractVolumeRepresentation,
    AbstractVoxelVolume,
    GaussianMixtureVolume,
    IndependentAtomVolume,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

VoxelVolume = TypeVar("VoxelVolume", bound=AbstractVoxelVolume)


@dataclasses.dataclass(frozen=True)
class AutoVolumeRenderFn(AbstractVolumeRenderFn):
    """Render a volume by the renderer of its class.

    A `GaussianMixtureVolume` is rendered by `GaussianMixtureRenderFn`, an `IndependentAtomVolume`
    by `FFTAtomRenderFn`.

    Parameters
    ----------
    shape
        Shape (z, y, x) of the map. Position 0 is the centre of voxel ``n // 2`` of each axis.
    voxel_size
        Side of a voxel in angstroms, or its three sides (x, y, z).
    tolerance
        Of `GaussianMixtureRenderFn`: the share of all amplitudes that may be left out.
    eps
        Of `FFTAtomRenderFn`: the relative l2 error.
    dtype
        float32 or float64.
    device
        ``"cpu"``, ``"cuda"``, or ``"auto"`` for the second where it can be used.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> from numbavol import AutoVolumeRenderFn, GaussianMixtureVolume
    >>> volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> AutoVolumeRenderFn((16, 16, 16), voxel_size=1.0)(volume).shape
    (16, 16, 16)
    """

    shape: tuple[int, int, int]
    voxel_size: float | tuple[float, float, float]
    _: dataclasses.KW_ONLY
    tolerance: float = DEFAULT_TOLERANCE
    eps: float = DEFAULT_EPS
    dtype: np.dtype[Any] = np.dtype(np.float32)  # noqa: RUF009
    device: str = "cpu"

    if TYPE_CHECKING:

        def __init__(
            self,
            shape: Sequence[int],
            voxel_size: ArrayLike,
            *,
            tolerance: float = DEFAULT_TOLERANCE,
            eps: float = DEFAULT_EPS,
            dtype: DTypeLike = np.float32,
            device: str = "cpu",
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments, as both renderers do."""
        of_gaussians, of_atoms = self._of_gaussians(), self._of_atoms()
        for name in ("shape", "voxel_size", "tolerance", "dtype", "device"):
            object.__setattr__(self, name, getattr(of_gaussians, name))
        object.__setattr__(self, "eps", of_atoms.eps)

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
        outputs_real_space, outputs_rfft, fftshifted, output
            As in `AbstractVolumeRenderFn.__call__`.

        Returns
        -------
        ndarray
            In real space of shape ``shape``, indexed [z, y, x], in inverse square angstroms.

        Raises
        ------
        TypeError
            If there is no renderer for the volume, or a flag is neither True nor False.
        ValueError, MemoryError
            As its renderer does.
        """
        check_ways(
            outputs_real_space=outputs_real_space, outputs_rfft=outputs_rfft, fftshifted=fftshifted
        )
        return self.choose(volume_representation)(
            volume_representation,
            outputs_real_space=outputs_real_space,
            outputs_rfft=outputs_rfft,
            fftshifted=fftshifted,
            output=output,
        )

    def choose(self, volume: AbstractVolumeRepresentation) -> AbstractVolumeRenderFn:
        """Return the renderer that a volume is rendered by.

        Parameters
        ----------
        volume
            The volume.

        Returns
        -------
        AbstractVolumeRenderFn
            With the same arguments.

        Raises
        ------
        TypeError
            If there is none for it.
        """
        if isinstance(volume, GaussianMixtureVolume):
            return self._of_gaussians()
        if isinstance(volume, IndependentAtomVolume):
            return self._of_atoms()
        msg = (
            "volume_representation: expected a GaussianMixtureVolume or an IndependentAtomVolume, "
            f"got {type(volume).__name__}"
        )
        given: object = volume
        if isinstance(given, AbstractVolumeParametrization) and not isinstance(
            given, AbstractVolumeRepresentation
        ):
            msg += "; its get_representation makes one"
        raise TypeError(msg)

    def _of_gaussians(self) -> GaussianMixtureRenderFn:
        return GaussianMixtureRenderFn(
            self.shape,
            self.voxel_size,
            tolerance=self.tolerance,
            dtype=self.dtype,
            device=self.device,
        )

    def _of_atoms(self) -> FFTAtomRenderFn:
        return FFTAtomRenderFn(
            self.shape, self.voxel_size, eps=self.eps, dtype=self.dtype, device=self.device
        )


def render(
    volume: AbstractVolumeRepresentation,
    shape: Sequence[int],
    voxel_size: ArrayLike,
    **options: Any,
) -> NDArray[np.floating[Any]]:
    """Render a volume as a map, by the renderer of its class.

    Parameters
    ----------
    volume
        The volume.
    shape
        Shape (z, y, x) of the map. Position 0 is the centre of voxel ``n // 2`` of each axis.
    voxel_size
        Side of a voxel in angstroms, or its three sides (x, y, z).
    **options
        Those of `AutoVolumeRenderFn`.

    Returns
    -------
    ndarray
        The map, (z, y, x), in inverse square angstroms.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `AutoVolumeRenderFn` does.

    Examples
    --------
    >>> from numbavol import FourierGaussian, IndependentAtomVolume, render
    >>> volume = IndependentAtomVolume([[0.0, 0.0, 0.0]], FourierGaussian(3.0, b_factor=100.0))
    >>> print(f"{render(volume, (16, 16, 16), 1.0).sum():.4f}")
    3.0000
    """
    return AutoVolumeRenderFn(shape, voxel_size, **options)(volume)


def render_voxel_volume(
    atom_volume: AbstractAtomVolume,
    render_fn: AbstractVolumeRenderFn,
    output_type: type[VoxelVolume],
    **options: Any,
) -> VoxelVolume:
    """Render atoms, and hold the map as a volume of voxels that knows its voxel size.

    Parameters
    ----------
    atom_volume
        The atoms.
    render_fn
        Renders them.
    output_type
        `FourierVoxelGridVolume`, `FourierVoxelSplineVolume` or `RealVoxelGridVolume`.
    **options
        Those of its `from_real_voxel_grid`, for example ``pad_scale``.

    Returns
    -------
    AbstractVoxelVolume
        Of `output_type`.

    Raises
    ------
    TypeError
        If an argument is of another class.
    ValueError, MemoryError
        As the renderer and the volume do.

    Examples
    --------
    >>> import numbavol
    >>> atoms = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> render_fn = numbavol.AutoVolumeRenderFn((16, 16, 16), voxel_size=1.5)
    >>> numbavol.render_voxel_volume(atoms, render_fn, numbavol.FourierVoxelGridVolume)
    FourierVoxelGridVolume(shape=(16, 16, 16), voxel_size=1.5)
    """
    given: tuple[object, object] = (atom_volume, output_type)
    if not isinstance(given[0], AbstractAtomVolume):
        msg = f"atom_volume: expected a volume of atoms, got {type(atom_volume).__name__}"
        raise TypeError(msg)
    if not (isinstance(given[1], type) and issubclass(given[1], AbstractVoxelVolume)):
        msg = f"output_type: expected a class of voxel volumes, got {output_type!r}"
        raise TypeError(msg)
    return output_type.from_real_voxel_grid(
        render_fn(atom_volume), voxel_size=render_fn.voxel_size, **options
    )
