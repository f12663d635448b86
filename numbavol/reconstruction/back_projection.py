"""`backproject`: images in known poses to a map, in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.reconstruction.back_projector import BackProjector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.imaging import CTF, NoiseSpectrum
    from numbavol.poses import AbstractPose
    from numbavol.reconstruction.back_projector import Images


def backproject(
    images: Images | ArrayLike,
    poses: AbstractPose,
    pixel_size: float,
    *,
    ctf: CTF | None = None,
    ctf_correction: str = "none",
    noise_spectrum: NoiseSpectrum | ArrayLike | None = None,
    signal_to_noise: ArrayLike | None = None,
    symmetry: str = "C1",
    pad_scale: float = 2.0,
    max_resolution: float | None = None,
    dtype: DTypeLike = np.float32,
    device: str = "cpu",
    progress: bool = False,
) -> NDArray[np.floating[Any]]:
    r"""Make the map that images are projections of.

    It is what `BackProjector` makes, which takes them batch by batch and says how.

    Parameters
    ----------
    images
        ``(n, y, x)``, square: an array, a memory map, or something else that has a `shape` and
        returns some of them by a slice, like `ParticleImages`, which is read batch by batch.
    poses
        As many; their offsets are undone.
    pixel_size
        In angstroms.
    ctf
        The `CTF` of all, or of each: see `BackProjector.add`.
    ctf_correction
        What was done to the images about it: ``"none"``, ``"phase_flipped"`` or
        ``"premultiplied"``; see `BackProjector.add`.
    noise_spectrum
        Power of the noise: a `NoiseSpectrum`, or its values of shape ``(shells,)`` or ``(n,
        shells)``; see `BackProjector.add`.
    signal_to_noise
        For the Wiener filter, of the transform of one image: a number, or shape ``(shells,)``; see
        `BackProjector.finish`.
    max_resolution
        In angstroms: what is finer is left out; see `BackProjector`.
    symmetry, pad_scale, dtype, device
        See `BackProjector`.
    progress
        Show how far the work is, where errors go to a terminal.

    Returns
    -------
    ndarray
        ``(z, y, x)``, float32 unless `dtype` says otherwise; in inverse square angstroms if images
        are the integrals :math:`\int U \, dz` that `project` makes.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numbavol
    >>> volume = numbavol.GaussianMixtureVolume([[0.0, 6.0, 0.0]], amplitudes=3.0, variances=4.0)
    >>> poses = numbavol.draw_random_poses(500, rng=0, offset_deviation_in_angstroms=2.0)
    >>> images = numbavol.project(volume, poses, numbavol.ImageConfig((32, 32), pixel_size=1.5))
    >>> real_voxel_grid = numbavol.backproject(images, poses, pixel_size=1.5)
    >>> [int(place) for place in divmod(real_voxel_grid.argmax(), 32)]
    [532, 16]
    """
    given: Any = images if hasattr(images, "shape") else np.asarray(images)
    if len(given.shape) not in (2, 3):
        msg = f"images: expected shape (n, y, x), got {tuple(given.shape)}"
        raise ValueError(msg)
    if given.shape[-1] != given.shape[-2]:
        msg = f"images: expected square images, got shape {tuple(given.shape)}"
        raise ValueError(msg)
    projector = BackProjector(
        given.shape[-1], pixel_size, symmetry=symmetry, pad_scale=pad_scale,
        max_resolution=max_resolution, dtype=dtype, device=device,
    )  # fmt: skip
    projector.add(
        given, poses, ctf=ctf, ctf_correction=ctf_correction, noise_spectrum=noise_spectrum,
        progress=progress,
    )  # fmt: skip
    return projector.finish(signal_to_noise=signal_to_noise)
