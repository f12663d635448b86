"""`project`: a volume to images, for many poses."""

from __future__ import annotations

import functools
import secrets
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from numbavol.arguments import check_fits_in_memory, check_is_a, check_output, read_count
from numbavol.io import ImageStack
from numbavol.kernels.dispatch import check_device, find_device
from numbavol.kernels.tasks import run_tasks
from numbavol.poses import AbstractPose
from numbavol.progress import progress_bar
from numbavol.projection.auto import AutoVolumeProjection
from numbavol.projection.base import AbstractVolumeIntegrator
from numbavol.projection.draws import Group, Places, group_by_volume, represent, take_poses
from numbavol.projection.each import (
    Delivery,
    StreamedDelivery,
    check_there_are_poses,
    project_each,
)
from numbavol.projection.image_config import ImageConfig
from numbavol.volumes import AbstractVolumeParametrization, AbstractVolumeRepresentation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
    from numbavol.projection.draws import Images
    from numbavol.projection.projections import Projection


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
    seed: int | None = None,
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
    seed: int | None = None,
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
    seed: int | None = None,
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
        default. Images go to the host as they are made, while the device makes the next ones; to
        page-locked memory of `out` it copies them by itself.
    batch_size
        The largest number of images that are made at once, where several have work in common; by
        default, what fits well into caches and the device's free memory.
    output
        ``"host"``, or ``"device"`` for an array that stays where the images are made; not together
        with `out`.
    seed
        Of volumes that are drawn at random, anew for each pose: image n has the draw of the seed
        and of n, whichever others are made. By default, another one every time.

    Returns
    -------
    ndarray
        The integrals :math:`\int U \, dz` in inverse angstroms, float32: ``(n, y, x)``, or
        ``(y, x)`` for one pose; half transforms are complex64, ``(n, y, x // 2 + 1)``. Of
        integrators that make complex images, both are complex64, ``(n, y, x)``.

    Raises
    ------
    TypeError
        If an argument is of another class, or the integrator is for another class of volume.
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
    integrator = integrator or AutoVolumeProjection()
    for name, value, kind in (
        ("volume", volume, AbstractVolumeParametrization),
        ("poses", poses, AbstractPose),
        ("image_config", image_config, ImageConfig),
        ("integrator", integrator, AbstractVolumeIntegrator),
    ):
        check_is_a(name, value, kind)
    n_images = 1 if poses.n_poses is None else poses.n_poses
    check_there_are_poses(n_images)
    check_output(output)
    if out is not None and output != "host":
        msg = f"output: expected 'host' where out is given, got {output!r}"
        raise ValueError(msg)
    if batch_size is not None:
        batch_size = read_count("batch_size", batch_size)
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

    # Cheaper than a generator, which nobody may draw from.
    seed = secrets.randbits(63) if seed is None else read_count("seed", seed, lowest=0)
    with progress_bar("projecting", is_wanted=progress) as report:
        _image_all(
            each, volume, poses, image_config, integrator, range(first, n_images),
            seed, report, batch_size,
            is_streamed=integrator.device != "cpu" and output == "host",
            outputs_real_space=outputs_real_space,
        )  # fmt: skip
    return images


def _image_all(
    each: Images,
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    integrator: AbstractVolumeIntegrator,
    numbers: range,
    seed: int,
    report: Callable[[int, int], object] | None,
    batch_size: int | None,
    *,
    is_streamed: bool,
    outputs_real_space: bool,
) -> None:
    """Image a volume, or what is drawn of it for each pose, into ``each``."""

    def develop(_: int | slice, projection: Projection) -> NDArray[Any]:
        resized = projection.resize(image_config.shape)
        return resized.take(outputs_real_space=outputs_real_space)

    def image(
        representation: AbstractVolumeParametrization,
        images: Images,
        chosen: AbstractPose,
        first: int,
        report: Callable[[int, int], object] | None,
    ) -> None:
        delivery = Delivery(images, develop)
        if is_streamed:
            delivery = StreamedDelivery(images, develop, find_device(integrator.device))
        project_each(
            delivery, representation, chosen, image_config, integrator, first=first,
            report=report, batch_size=batch_size,
        )  # fmt: skip

    n_all = numbers.stop
    if isinstance(volume, AbstractVolumeRepresentation):
        image(volume, each, poses, numbers.start, report)
        return

    def draw_and_image(group: Group, number: int) -> None:
        here = np.array([number])
        is_drawn = number in group.drawn
        representation = group.drawn[number] if is_drawn else represent(volume, seed, number)
        image(representation, Places(each, here), take_poses(poses, here), 0, None)

    n_done = numbers.start

    def count(n_more: int, _: int) -> None:
        if report is not None:
            report(n_done + n_more, n_all)

    for group in group_by_volume(volume, seed, numbers):
        here = group.numbers
        if group.volume is not None:
            image(group.volume, Places(each, here), take_poses(poses, here), 0, None)
        elif integrator.device == "cpu":
            run_tasks(functools.partial(draw_and_image, group), here.tolist(), count)
        else:
            for n_more, number in enumerate(here.tolist(), 1):
                draw_and_image(group, number)
                count(n_more, 0)
        n_done += len(here)
        count(0, 0)


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
        check_fits_in_memory(
            "poses", f"an array of images of shape {shape}", n_bytes, device.free_bytes
        )
        made: NDArray[Any] = device.xp.empty(shape, dtype)
        return made
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
