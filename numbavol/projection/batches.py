"""Projections that are made many at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from numbavol.kernels.dispatch import CPU

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
    from numbavol.projection.projections import Placement, Projection

    Prepared = Callable[[Placement], Projection]

# Images that are made together: the more, the more often what one reads is in the cache for the
# next (scripts/bench project); on CUDA, the fewer launches for each.
BYTES_AT_A_TIME = 2**26
BYTES_AT_A_TIME_ON_CUDA = 2**29


class AbstractProjectionInBatches(ABC):
    """Projections of which several poses have work in common.

    The `prepare` of an integrator may return one in place of a function.

    Attributes
    ----------
    n_at_a_time
        How many poses are best begun together.
    n_on_one_thread
        On the processor, so few poses are begun and made on one thread, and take less than others
        take to wake up: none, if a subclass does not say it.
    device
        Where they are made: the processor, if a subclass does not say it.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> from numbavol.projection import AbstractProjectionInBatches, Projection
    >>> class Points(AbstractProjectionInBatches):
    ...     n_at_a_time = 100
    ...     def __init__(self, positions):
    ...         self.positions = positions
    ...     def begin(self, rotations, offsets):
    ...         turned = (self.positions @ rotations.swapaxes(1, 2))[..., :2]
    ...         pixels = np.round(turned + offsets[:, np.newaxis]).astype(int) + 4
    ...         def make(start, stop):
    ...             images = np.zeros((stop - start, 8, 8))
    ...             for image, (x, y) in zip(images, pixels[start:stop].swapaxes(1, 2)):
    ...                 np.add.at(image, (y, x), 1.0)
    ...             return Projection(images, (8, 8), is_image=True)
    ...         return make
    >>> class PointProjection(numbavol.AbstractVolumeIntegrator):
    ...     def prepare(self, volume_representation, image_config):
    ...         return Points(volume_representation.positions)
    >>> volume = numbavol.GaussianMixtureVolume([[2.0, 0.0, 0.0]], amplitudes=1.0, variances=1.0)
    >>> poses = numbavol.EulerAnglePose(phi_angle=[0.0, 90.0])
    >>> config = numbavol.ImageConfig((8, 8), pixel_size=1.0)
    >>> images = numbavol.project(volume, poses, config, integrator=PointProjection())
    >>> np.argwhere(images).tolist()
    [[0, 4, 6], [1, 6, 4]]
    """

    n_at_a_time: int
    n_on_one_thread: int = 0
    device: Device = CPU

    @abstractmethod
    def begin(
        self, rotations: NDArray[np.float64], offsets: NDArray[np.float64]
    ) -> Callable[[int, int], Projection]:
        """Do what some poses have in common, on all threads that are free.

        Parameters
        ----------
        rotations
            ``(n, 3, 3)``: those of n placements.
        offsets
            ``(n, 2)``, in angstroms.

        Returns
        -------
        callable
            Takes the numbers of a first pose and of one after the last, and returns their
            projections; called once for each.
        """

    def __call__(self, placement: Placement) -> Projection:
        """Project for one placement.

        Parameters
        ----------
        placement
            Of one image.

        Returns
        -------
        Projection
            Of one image, without an axis of images.
        """
        begun = self.begin(placement.rotation[np.newaxis], placement.offset[np.newaxis])
        return begun(0, 1).take_the_only_one()


class ProjectionsOnDevice(AbstractProjectionInBatches):
    """Projections that a device makes, as many at once as it has memory for.

    `make` makes those of n poses from ``(n, 3, 3)`` and ``(n, 2)``; each takes `bytes_an_image`.
    """

    def __init__(
        self,
        make: Callable[[NDArray[np.float64], NDArray[np.float64]], Projection],
        device: Device,
        bytes_an_image: int,
    ) -> None:
        self._make, self.device = make, device
        self.n_at_a_time = count_images_at_a_time(device, bytes_an_image)

    def begin(
        self, rotations: NDArray[np.float64], offsets: NDArray[np.float64]
    ) -> Callable[[int, int], Projection]:
        """Do nothing before: see the base class."""
        return lambda start, stop: self._make(rotations[start:stop], offsets[start:stop])


class ProjectionOnAllThreads:
    """Projections one by one; all threads share one that is asked for outside of their tasks.

    `make` makes those of n poses from ``(n, 3, 3)`` and ``(n, 2)``.
    """

    def __init__(
        self, make: Callable[[NDArray[np.float64], NDArray[np.float64]], Projection]
    ) -> None:
        self._make = make

    def __call__(self, placement: Placement) -> Projection:
        """Project for one placement."""
        one = self._make(placement.rotation[np.newaxis], placement.offset[np.newaxis])
        return one.take_the_only_one()


def prepare_on(
    device: Device,
    make: Callable[[NDArray[np.float64], NDArray[np.float64]], Projection],
    bytes_an_image: int,
    *,
    takes_long: bool,
) -> Prepared:
    """Prepare projections without work in common: one by one on the CPU, many at once on CUDA.

    Parameters
    ----------
    device
        Where they are made.
    make
        Makes those of n poses from ``(n, 3, 3)`` and ``(n, 2)``.
    bytes_an_image
        That each takes while it is made.
    takes_long
        Whether an image takes the CPU longer than its threads take to begin.
    """
    if device.name != "cpu":
        return ProjectionsOnDevice(make, device, bytes_an_image)
    if takes_long:
        return ProjectionOnAllThreads(make)
    return lambda placement: make(
        placement.rotation[np.newaxis], placement.offset[np.newaxis]
    ).take_the_only_one()


def count_images_at_a_time(device: Device, bytes_an_image: int) -> int:
    """Choose how many images, of so many bytes each, a device makes at once."""
    n_bytes = BYTES_AT_A_TIME
    if device.free_bytes is not None:
        # Others, and what comes after them, need memory as well.
        n_bytes = min(device.free_bytes // 8, BYTES_AT_A_TIME_ON_CUDA)
    return max(1, n_bytes // bytes_an_image)
