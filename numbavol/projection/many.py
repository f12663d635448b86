"""`project`: a volume to images, for many poses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_fits_in_memory
from numbavol.kernels.threads import run_tasks
from numbavol.projection.auto import AutoVolumeProjection
from numbavol.projection.base import Placement

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.poses import AbstractPose
    from numbavol.projection.base import AbstractVolumeIntegrator
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeParametrization


def project(
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    *,
    integrator: AbstractVolumeIntegrator | None = None,
    outputs_real_space: bool = True,
    out: NDArray[Any] | None = None,
    report: Callable[[int, int], object] | None = None,
) -> NDArray[Any]:
    r"""Project a volume for every pose.

    A volume is turned by the pose's rotation, integrated along z, and its image moved by the
    pose's offset.

    Parameters
    ----------
    volume
        The volume.
    poses
        One pose, or n.
    image_config
        The images.
    integrator
        How the volume is integrated; that of its class by default.
    outputs_real_space
        Return images, not their half transforms.
    out
        Where the images go: an array of their shape and type or a more precise one, also a memory
        map, which is then returned. Images are written as they are made, so that memory does not
        grow with their number.
    report
        Called as the work goes on, with the number of images made and of all.

    Returns
    -------
    ndarray
        The integrals :math:`\int U \, dz` in inverse angstroms, float32: ``(n, y, x)``, or
        ``(y, x)`` for one pose; half transforms are complex64, ``(n, y, x // 2 + 1)``.

    Raises
    ------
    TypeError
        If the integrator is for another class of volume.
    ValueError
        If there is no pose, `out` has another shape, or volume and images do not fit each other.
    MemoryError
        If the images do not fit into the free memory.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> volume = numbavol.GaussianMixtureVolume([[3.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> poses = numbavol.EulerAnglePose(phi_angle=np.array([0.0, 90.0]))
    >>> images = numbavol.project(volume, poses, numbavol.ImageConfig((16, 16), pixel_size=1.0))
    >>> [np.unravel_index(image.argmax(), image.shape) for image in images]
    [(np.int64(8), np.int64(11)), (np.int64(11), np.int64(8))]
    """
    rotations = np.reshape(poses.rotation.as_matrix(), (-1, 3, 3))
    n_images = len(rotations)
    if n_images == 0:
        msg = "poses: expected one pose or more, got none"
        raise ValueError(msg)
    offsets = np.broadcast_to(poses.offset_in_angstroms[..., :2], (n_images, 2))
    y, x = image_config.shape
    one = (y, x) if outputs_real_space else (y, x // 2 + 1)
    dtype = np.dtype(np.float32 if outputs_real_space else np.complex64)
    shape = one if poses.n_poses is None else (n_images, *one)
    images = _read_out(out, shape, dtype)
    each = images[np.newaxis] if poses.n_poses is None else images
    n_padded = float(np.prod(image_config.padded_shape, dtype=np.float64))
    check_fits_in_memory("image_config", "a padded image and its transform", int(24 * n_padded))
    prepared = (integrator or AutoVolumeProjection()).prepare(
        volume.get_representation(), image_config
    )

    def make(number: int) -> None:
        projection = prepared(Placement(rotations[number], offsets[number]))
        projection = projection.resize(image_config.shape)
        each[number] = projection.take(outputs_real_space=outputs_real_space)

    run_tasks(make, range(n_images), report)
    return images


def _read_out(
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    if out is None:
        n_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.float64))
        check_fits_in_memory("poses", f"images of shape {shape}", n_bytes)
        return np.empty(shape, dtype)
    given: object = out
    if not isinstance(given, np.ndarray):
        msg = f"out: expected an array, got {type(given).__name__}"
        raise TypeError(msg)
    is_precise = out.dtype.kind == dtype.kind and out.dtype.itemsize >= dtype.itemsize
    if out.shape != shape or not is_precise or not out.flags.writeable:
        kind = "real" if dtype.kind == "f" else "complex"
        msg = (
            f"out: expected a {kind} array of shape {shape} that can be written to, got "
            f"{out.dtype} of shape {out.shape}"
        )
        raise ValueError(msg)
    return out
