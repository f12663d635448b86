"""One volume for each of many poses, and images on their way to where they go."""

from __future__ import annotations

import contextlib
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_fits_in_memory
from numbavol.kernels.threads import run_tasks
from numbavol.projection.batches import AbstractProjectionInBatches
from numbavol.projection.projections import Placement, Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
    from numbavol.poses import AbstractPose
    from numbavol.projection.base import AbstractVolumeIntegrator
    from numbavol.projection.draws import Images
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeParametrization

# Images that are made quickly: handing each to a thread of its own would take as long as they do
# (scripts/bench project).
IMAGES_A_TASK = 8


class Stream:
    """Images on their way from a device to where they go, one batch behind what is made.

    Parameters
    ----------
    each
        Where they go: an array, a stack, or places of one.
    device
        Where they come from.
    outputs_real_space
        Whether images are wanted, not their transforms.
    """

    def __init__(self, each: Images, device: Device, *, outputs_real_space: bool) -> None:
        self._each, self._device, self._outputs_real_space = each, device, outputs_real_space
        self._underway: tuple[slice, Callable[[], NDArray[Any]]] | None = None

    def put(self, numbers: int | slice, projection: Projection) -> None:
        """Write images that are where they go."""
        self._each[numbers] = projection.take(outputs_real_space=self._outputs_real_space)

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
    check_there_are_poses(n_images)
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

    if integrator.device == "cpu":
        run_tasks(work, range(first, n_images), count)
        return
    # Images on their way from a device follow each other.
    for n_done, number in enumerate(range(first, n_images), 1):
        work(number)
        count(n_done, number)


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


def check_there_are_poses(n_poses: int) -> None:
    """Refuse no pose at all."""
    if n_poses == 0:
        msg = "poses: expected one pose or more, got none"
        raise ValueError(msg)
