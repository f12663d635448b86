"""`project`: a volume to images, for many poses."""

from __future__ import annotations

import contextlib
import operator
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from numbavol.arguments import check_fits_in_memory, check_output
from numbavol.io import ImageStack
from numbavol.kernels.dispatch import check_device, find_device
from numbavol.kernels.threads import run_tasks
from numbavol.progress import progress_bar
from numbavol.projection.auto import AutoVolumeProjection
from numbavol.projection.batches import AbstractProjectionInBatches
from numbavol.projection.projections import Placement, Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
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
    device: str | None = None,
    batch_size: int | None = None,
    output: str = "host",
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
    device: str | None = None,
    batch_size: int | None = None,
    output: str = "host",
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
    device: str | None = None,
    batch_size: int | None = None,
    output: str = "host",
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
    device
        Where the images are made: ``"cpu"``, ``"cuda"`` or ``"auto"``; where `integrator` works, by
        default. Images go to the host as they are made, while the device makes the next ones.
    batch_size
        The largest number of images that are made at once, where several have work in common; by
        default, what fits well into caches and the device's free memory.
    output
        ``"host"``, or ``"device"`` for an array that stays where the images are made; not together
        with `out`.

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
    check_output(output)
    integrator = integrator or AutoVolumeProjection()
    if device is not None and check_device(device) != integrator.device:
        integrator = integrator.move_to(device)
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
        shape = one if poses.n_poses is None else (n_images, *one)
        where = find_device(integrator.device if output == "device" else "cpu")
        images = _read_out(out, shape, dtype, where)
        each = images[np.newaxis] if poses.n_poses is None else images

    def write(numbers: int | slice, projection: Projection) -> None:
        each[numbers] = projection.take(outputs_real_space=outputs_real_space)

    stream = _Stream(each, find_device(integrator.device), outputs_real_space=outputs_real_space)
    is_streamed = integrator.device != "cpu" and output == "host"
    with progress_bar("projecting", is_wanted=progress) as report:
        project_each(
            stream.write if is_streamed else write, volume, poses, image_config, integrator,
            first=first, report=report, batch_size=batch_size,
        )  # fmt: skip
        stream.finish()
    return images


class _Stream:
    """Images on their way from a device to where they go, one batch behind what is made.

    Parameters
    ----------
    each
        Where they go.
    device
        Where they come from.
    outputs_real_space
        Whether images are wanted, not their transforms.
    """

    def __init__(
        self, each: NDArray[Any] | ImageStack, device: Device, *, outputs_real_space: bool
    ) -> None:
        self._each, self._device, self._outputs_real_space = each, device, outputs_real_space
        self._underway: tuple[slice, Callable[[], NDArray[Any]]] | None = None

    def write(self, numbers: int | slice, projection: Projection) -> None:
        """Send images on their way, and write those that were sent before."""
        chosen = numbers if isinstance(numbers, slice) else slice(numbers, numbers + 1)
        array = projection.take(outputs_real_space=self._outputs_real_space)
        wait = self._device.begin_fetch(array.reshape(-1, *array.shape[-2:]))
        self.finish()
        self._underway = (chosen, wait)

    def finish(self) -> None:
        """Write what is still underway."""
        if self._underway is None:
            return
        chosen, wait = self._underway
        self._underway = None
        images = wait()

        def write(start: int) -> None:
            stop = min(start + IMAGES_A_TASK, len(images))
            self._each[chosen.start + start : chosen.start + stop] = images[start:stop]

        run_tasks(write, range(0, len(images), IMAGES_A_TASK))


def project_each(
    write: Callable[[int | slice, Projection], None],
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    integrator: AbstractVolumeIntegrator,
    *,
    first: int = 0,
    report: Callable[[int, int], object] | None = None,
    batch_size: int | None = None,
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
    batch_size
        As in `project`.

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
        n_at_a_time = prepared.n_at_a_time
        if batch_size is not None:
            n_at_a_time = min(_read_batch_size(batch_size), n_at_a_time)

        def count_all(n_done: int) -> None:
            if report is not None:
                report(n_done, n_images)

        for start in range(first, n_images, n_at_a_time):
            stop = min(start + n_at_a_time, n_images)
            _project_batch(
                write, prepared, rotations[start:stop], offsets[start:stop], image_config.shape,
                start, count_all,
            )  # fmt: skip
        return

    def work(number: int) -> None:
        projection = prepared(Placement(rotations[number], offsets[number]))
        write(number, projection.resize(image_config.shape))

    def count(n_done: int, _: int) -> None:
        if report is not None:
            report(first + n_done, n_images)

    run_tasks(work, range(first, n_images), count)


def _project_batch(
    write: Callable[[int | slice, Projection], None],
    prepared: AbstractProjectionInBatches,
    rotations: NDArray[np.float64],
    offsets: NDArray[np.float64],
    shape: tuple[int, int],
    first: int,
    report: Callable[[int], object],
) -> None:
    make = prepared.begin(rotations, offsets)

    def work(start: int, stop: int) -> None:
        write(slice(first + start, first + stop), make(start, stop).resize(shape))

    prepared.device.run_parts(
        work, len(rotations), IMAGES_A_TASK, lambda n_done: report(first + n_done)
    )


def _read_batch_size(batch_size: int) -> int:
    number = 0
    with contextlib.suppress(TypeError):
        number = operator.index(batch_size)
    if number < 1:
        msg = f"batch_size: expected a whole number above 0, got {batch_size!r}"
        raise ValueError(msg)
    return number


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
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any], device: Device
) -> NDArray[Any]:
    if out is None:
        n_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.float64))
        check_fits_in_memory("poses", f"images of shape {shape}", n_bytes, device.free_bytes)
        made: NDArray[Any] = device.xp.empty(shape, dtype)
        return made
    if device.name != "cpu":
        msg = "output: expected 'host' where out is given, got 'device'"
        raise ValueError(msg)
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
