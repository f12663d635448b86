"""`project`: a volume to images, for many poses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from numbavol.arguments import check_fits_in_memory
from numbavol.io import ImageStack
from numbavol.kernels.threads import run_tasks
from numbavol.progress import progress_bar
from numbavol.projection.auto import AutoVolumeProjection
from numbavol.projection.base import AbstractProjectionInBatches, Placement, Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.poses import AbstractPose
    from numbavol.projection.base import AbstractVolumeIntegrator
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeParametrization

# Images that are made quickly: handing each to a thread of its own would take as long as they do
# (scripts/bench project).
IMAGES_A_TASK = 8


@overload
def project(
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    *,
    integrator: AbstractVolumeIntegrator | None = None,
    outputs_real_space: bool = True,
    out: NDArray[Any] | None = None,
    progress: bool = False,
) -> NDArray[Any]: ...


@overload
def project(
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    *,
    integrator: AbstractVolumeIntegrator | None = None,
    outputs_real_space: bool = True,
    out: ImageStack,
    progress: bool = False,
) -> ImageStack: ...


def project(
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    *,
    integrator: AbstractVolumeIntegrator | None = None,
    outputs_real_space: bool = True,
    out: NDArray[Any] | ImageStack | None = None,
    progress: bool = False,
) -> NDArray[Any] | ImageStack:
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
        Where the images go, which is then returned: an array of their shape and type or a more
        precise one, also a memory map; or an `ImageStack` of n images, of which those are made that
        it does not have yet. Images are written as they are made, so that memory does not grow with
        their number.
    progress
        Show how far the work is, where errors go to a terminal.

    Returns
    -------
    ndarray
        The integrals :math:`\int U \, dz` in inverse angstroms, float32: ``(n, y, x)``, or
        ``(y, x)`` for one pose; half transforms are complex64, ``(n, y, x // 2 + 1)``. Of
        integrators that make complex images, both are complex64, ``(n, y, x)``.

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
    n_images = 1 if poses.n_poses is None else poses.n_poses
    _check_there_are_poses(n_images)
    integrator = integrator or AutoVolumeProjection()
    one, dtype = integrator.describe_output(
        image_config.shape, outputs_real_space=outputs_real_space
    )
    images: NDArray[Any] | ImageStack
    first = 0
    if isinstance(out, ImageStack):
        images = _check_stack(out, (n_images, *one), dtype)
        each: NDArray[Any] | ImageStack = images
        first = out.n_already_written
    else:
        images = _read_out(out, one if poses.n_poses is None else (n_images, *one), dtype)
        each = images[np.newaxis] if poses.n_poses is None else images

    def write(numbers: int | slice, projection: Projection) -> None:
        each[numbers] = projection.take(outputs_real_space=outputs_real_space)

    with progress_bar("projecting", is_wanted=progress) as report:
        project_each(write, volume, poses, image_config, integrator, first=first, report=report)
    return images


def project_each(
    write: Callable[[int | slice, Projection], None],
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    integrator: AbstractVolumeIntegrator,
    *,
    first: int = 0,
    report: Callable[[int, int], object] | None = None,
) -> None:
    """Project a volume for every pose, and hand each projection on as it is made.

    Parameters
    ----------
    write
        Takes the number of a pose and its projection, of ``image_config.shape``, or the numbers of
        several and theirs; several threads call it at once.
    volume, poses, image_config, integrator
        As in `project`.
    first
        Begin with this pose.
    report
        Called as the work goes on, with the number of poses done and of all.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `project` does.
    """
    rotations = np.reshape(poses.rotation.as_matrix(), (-1, 3, 3))
    n_images = len(rotations)
    _check_there_are_poses(n_images)
    offsets = np.broadcast_to(poses.offset_in_angstroms[..., :2], (n_images, 2))
    n_padded = float(np.prod(image_config.padded_shape, dtype=np.float64))
    check_fits_in_memory("image_config", "a padded image and its transform", int(24 * n_padded))
    prepared = integrator.prepare(volume.get_representation(), image_config)
    if isinstance(prepared, AbstractProjectionInBatches):
        _project_in_batches(write, prepared, rotations, offsets, image_config.shape, first, report)
        return

    def work(number: int) -> None:
        projection = prepared(Placement(rotations[number], offsets[number]))
        write(number, projection.resize(image_config.shape))

    def count(n_done: int, _: int) -> None:
        if report is not None:
            report(first + n_done, n_images)

    run_tasks(work, range(first, n_images), count)


def _project_in_batches(
    write: Callable[[int | slice, Projection], None],
    prepared: AbstractProjectionInBatches,
    rotations: NDArray[np.float64],
    offsets: NDArray[np.float64],
    shape: tuple[int, int],
    first: int,
    report: Callable[[int, int], object] | None,
) -> None:
    n_images = len(rotations)
    for start in range(first, n_images, prepared.n_at_a_time):
        stop = min(start + prepared.n_at_a_time, n_images)
        placements = [Placement(rotations[n], offsets[n]) for n in range(start, stop)]
        make = prepared.begin(placements)

        def work(
            task: int,
            start: int = start,
            stop: int = stop,
            make: Callable[[int, int], Projection] = make,
        ) -> None:
            end = min(task + IMAGES_A_TASK, stop)
            write(slice(task, end), make(task - start, end - start).resize(shape))

        def count(n_done: int, _: int, start: int = start, stop: int = stop) -> None:
            if report is not None:
                report(min(start + n_done * IMAGES_A_TASK, stop), n_images)

        run_tasks(work, range(start, stop, IMAGES_A_TASK), count)


def _check_there_are_poses(n_poses: int) -> None:
    if n_poses == 0:
        msg = "poses: expected one pose or more, got none"
        raise ValueError(msg)


def _check_stack(stack: ImageStack, shape: tuple[int, ...], dtype: np.dtype[Any]) -> ImageStack:
    if dtype.kind != "f":
        msg = "out: expected an array for complex numbers, got an ImageStack"
        raise TypeError(msg)
    if stack.shape != shape:
        msg = f"out: expected a stack of shape {shape}, got one of {stack.shape}"
        raise ValueError(msg)
    return stack


def _read_out(
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    if out is None:
        n_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.float64))
        check_fits_in_memory("poses", f"images of shape {shape}", n_bytes)
        return np.empty(shape, dtype)
    given: object = out
    if not isinstance(given, np.ndarray):
        msg = f"out: expected an array or an ImageStack, got {type(given).__name__}"
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
