"""One volume for each of many poses, and images on their way to where they go."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_fits_in_memory, read_count
from numbavol.kernels.copies import copy_past_caches
from numbavol.kernels.devices import CudaDevice
from numbavol.kernels.dispatch import find_device
from numbavol.kernels.tasks import even_size_of_tasks, run_tasks
from numbavol.projection.batches import AbstractProjectionInBatches, ProjectionOnAllThreads
from numbavol.projection.projections import Placement, Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
    from numbavol.kernels.tasks import SharedTasks
    from numbavol.poses import AbstractPose
    from numbavol.projection.base import AbstractVolumeIntegrator
    from numbavol.projection.draws import Images
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeParametrization

    Develop = Callable[[int | slice, Projection], NDArray[Any]]
    Begun = Callable[[int, int], Projection]

# Images that are made quickly: handing each to a thread of its own would take as long as they do
# (scripts/bench project).
IMAGES_A_TASK = 8


class Delivery:
    """Images that are put where they go as they are made, by the threads that make them.

    Parameters
    ----------
    each
        Where they go: an array, a stack, or places of one.
    develop
        Makes of the numbers of some projections, and of these, what goes there.
    """

    def __init__(self, each: Images, develop: Develop) -> None:
        self.develop, self._each = develop, each

    def put(self, numbers: int | slice, images: NDArray[Any]) -> None:
        """Put one image, or several, where they go; at last there is `finish` or `drop`."""
        self._each[numbers] = images

    def finish(self) -> None:
        """Put what is still underway where it goes."""

    def drop(self) -> None:
        """Leave what is still underway, so that nothing is written any more."""


class StreamedDelivery(Delivery):
    """Images that come from a device, and are put where they go while it makes the next batch.

    Parameters
    ----------
    each, develop
        As of `Delivery`.
    device
        Where they come from.
    """

    def __init__(self, each: Images, develop: Develop, device: Device) -> None:
        super().__init__(each, develop)
        if not isinstance(device, CudaDevice):
            msg = f"device: expected one whose memory is its own, got {device.name!r}"
            raise TypeError(msg)
        self._copies = device.make_copies_to(each)
        self._fetch = device.make_fetch()
        self._wait: Callable[[], None] | None = None
        self._underway: list[SharedTasks[int]] = []

    def put(self, numbers: int | slice, images: NDArray[Any]) -> None:
        """Begin to put images where they go, and wait for those before."""
        first = numbers.start if isinstance(numbers, slice) else numbers
        these = images.reshape(-1, *images.shape[-2:])
        if self._copies is not None:
            wait = self._copies.begin(these, first)
        else:
            tasks = self._fetch(these)(functools.partial(self._put_part, first))
            # Before they begin, so that an interrupt does not come between.
            self._underway.append(tasks)
            tasks.begin()
            wait = tasks.wait
        wait_for_those_before, self._wait = self._wait, wait
        if wait_for_those_before is not None:
            wait_for_those_before()
        # They hold what was copied.
        del self._underway[:-1]

    def finish(self) -> None:
        """Wait for what is still underway."""
        if self._wait is not None:
            self._wait()
        self._wait = None
        self._underway.clear()

    def drop(self) -> None:
        """Wait for what is being copied, and begin no more: memory may be another's after this."""
        for tasks in self._underway:
            tasks.forbid()
        for tasks in self._underway:
            tasks.stop()
        if self._copies is not None:
            self._copies.wait()
        self._wait = None
        self._underway.clear()

    def _put_part(self, first: int, start: int, images: NDArray[Any]) -> None:
        where = slice(first + start, first + start + len(images))
        if isinstance(self._each, np.ndarray):
            copy_past_caches(self._each[where], images)
        else:
            self._each[where] = images


def project_each(
    delivery: Delivery,
    volume: AbstractVolumeParametrization,
    poses: AbstractPose,
    image_config: ImageConfig,
    integrator: AbstractVolumeIntegrator,
    *,
    first: int = 0,
    report: Callable[[int, int], object] | None = None,
    batch_size: int | None = None,
) -> None:
    """Project a volume for every pose, and deliver each image as it is made.

    Parameters
    ----------
    delivery
        Develops projections, of ``image_config.padded_shape`` or as the integrator makes them, and
        puts their images where they go.
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
    device = find_device(integrator.device)
    what = "a padded image and its transform"
    check_fits_in_memory("image_config", what, int(24 * n_padded), device.free_bytes)
    prepared = integrator.prepare(volume.get_representation(), image_config)
    made: object = prepared
    if not callable(made):
        msg = (
            f"integrator: expected {type(integrator).__name__}.prepare to return a function of a "
            f"Placement, got {type(made).__name__}"
        )
        raise TypeError(msg)
    try:
        if isinstance(prepared, AbstractProjectionInBatches):
            n_at_a_time = read_count(
                "integrator: n_at_a_time", getattr(prepared, "n_at_a_time", None)
            )
            if batch_size is not None:
                n_at_a_time = min(batch_size, n_at_a_time)
            _project_in_batches(
                delivery, prepared, rotations, offsets, first, n_at_a_time, report
            )  # fmt: skip
        else:
            _project_one_by_one(delivery, prepared, rotations, offsets, first, device, report)
        delivery.finish()
    except BaseException:
        # Not by a context: an interrupt at its end would leave what writes where images go.
        delivery.drop()
        raise


def _project_in_batches(
    delivery: Delivery,
    prepared: AbstractProjectionInBatches,
    rotations: NDArray[np.float64],
    offsets: NDArray[np.float64],
    first: int,
    n_at_a_time: int,
    report: Callable[[int, int], object] | None,
) -> None:
    n_images = len(rotations)

    def count(n_done: int) -> None:
        if report is not None:
            report(n_done, n_images)

    for start in range(first, n_images, n_at_a_time):
        some = slice(start, start + n_at_a_time)
        _project_batch(delivery, prepared, rotations[some], offsets[some], start, count)


def _project_one_by_one(
    delivery: Delivery,
    prepared: Callable[[Placement], Projection],
    rotations: NDArray[np.float64],
    offsets: NDArray[np.float64],
    first: int,
    device: Device,
    report: Callable[[int, int], object] | None,
) -> None:
    numbers = range(first, len(rotations))

    def make(number: int) -> NDArray[Any]:
        placement = Placement(rotations[number], offsets[number])
        projection = _check_projection(prepared(placement), ())
        return delivery.develop(number, projection)

    def count(n_done: int, _: int = 0) -> None:
        if report is not None:
            report(first + n_done, len(rotations))

    if len(numbers) == 1 and isinstance(prepared, ProjectionOnAllThreads):
        # In a task it would have the thread of that task alone.
        delivery.put(numbers[0], make(numbers[0]))
        count(1)
    elif device.name == "cpu":
        run_tasks(lambda number: delivery.put(number, make(number)), numbers, count)
    else:
        # Images on their way from a device follow each other.
        for n_done, number in enumerate(numbers, 1):
            delivery.put(number, device.run(functools.partial(make, number)))
            count(n_done)


def _project_batch(
    delivery: Delivery,
    prepared: AbstractProjectionInBatches,
    rotations: NDArray[np.float64],
    offsets: NDArray[np.float64],
    first: int,
    report: Callable[[int], object],
) -> None:
    device, n_images = prepared.device, len(rotations)

    def make(begun: Begun, start: int, stop: int) -> NDArray[Any]:
        projection = _check_projection(begun(start, stop), (stop - start,))
        return delivery.develop(slice(first + start, first + stop), projection)

    def put(start: int, stop: int, images: NDArray[Any]) -> None:
        delivery.put(slice(first + start, first + stop), images)

    if device.name == "cpu" and n_images <= prepared.n_on_one_thread:
        # Without waking another one for each step.
        device.run(lambda: put(0, n_images, make(prepared.begin(rotations, offsets), 0, n_images)))
        report(first + n_images)
        return
    begun = prepared.begin(rotations, offsets)
    if device.name != "cpu":
        # What is put where it goes is put there by other threads, while the device goes on.
        put(0, n_images, device.run(lambda: make(begun, 0, n_images)))
        report(first + n_images)
        return
    device.run_parts(
        lambda start, stop: put(start, stop, make(begun, start, stop)), n_images,
        even_size_of_tasks(n_images, IMAGES_A_TASK),
        lambda n_done: report(first + n_done),
    )  # fmt: skip


def _check_projection(made: object, numbers: tuple[int, ...]) -> Projection:
    """Refuse what is no projection, or not as it says; of several, ``(n,)`` is their number."""
    if not isinstance(made, Projection):
        msg = (
            f"integrator: expected what prepare returns to make a Projection, got "
            f"{type(made).__name__}"
        )
        raise TypeError(msg)
    kinds, shape = made.expected
    array: Any = made.array
    found = getattr(array, "dtype", None)
    if found is None or found.kind not in kinds or array.shape != (*numbers, *shape):
        what = "an image" if made.is_image else "a transform"
        came = type(array).__name__ if found is None else f"{found} of shape {array.shape}"
        msg = (
            f"integrator: expected {'complex' if kinds == 'c' else 'real'} numbers of shape "
            f"{(*numbers, *shape)} for {what} of shape {made.shape}, got {came}"
        )
        raise ValueError(msg)
    return made


def check_there_are_poses(n_poses: int) -> None:
    """Refuse no pose at all."""
    if n_poses == 0:
        msg = "poses: expected one pose or more, got none"
        raise ValueError(msg)
