"""What every integrator is: a volume and an image configuration to projections."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_output
from numbavol.kernels.dispatch import CPU, find_device, find_device_of
from numbavol.kernels.threads import run_task
from numbavol.ndimage import resize_with_crop_or_pad
from numbavol.poses.translation import shift_half_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.kernels.devices import Device
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation

    Prepared = Callable[["Placement"], "Projection"]


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """How a volume is turned before it is projected, and how its image is moved.

    Parameters
    ----------
    rotation
        ``(3, 3)``: positions r become ``rotation @ r``.
    offset
        ``(2,)``: towards +x and +y, in angstroms.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.projection import Placement
    >>> Placement(np.eye(3), np.array([2.0, 0.0])).offset
    array([2., 0.])
    """

    rotation: NDArray[np.float64]
    offset: NDArray[np.float64]


# Images that are made together: the more, the more often what one reads is in the cache for the
# next (scripts/bench project); on CUDA, the fewer launches for each.
BYTES_AT_A_TIME = 2**26

NOWHERE_ELSE = Placement(np.eye(3), np.zeros(2))


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """A projection as it was made, an image in real space or its half transform; or several.

    Parameters
    ----------
    array
        ``(y, x)`` with the origin at ``n // 2``, or ``(y, x // 2 + 1)`` with the zero frequency in
        the corner; of several, with one more axis before these.
    shape
        Of an image in real space, (y, x).
    is_image
        Which one it is.
    offset_in_pixels
        ``(x, y)``: how far half transforms are still to be moved; ``(n, 2)`` of several.

    Examples
    --------
    >>> import numpy as np
    >>> from numbavol.projection import Projection
    >>> projection = Projection(np.eye(4), (4, 4), is_image=True)
    >>> projection.shift(np.array([1.0, 0.0])).to_image()[0].round(9) + 0.0
    array([0., 1., 0., 0.])
    """

    array: NDArray[Any]
    shape: tuple[int, int]
    is_image: bool
    offset_in_pixels: NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.zeros(2))

    def take(self, *, outputs_real_space: bool) -> NDArray[Any]:
        """Return the image or the half transform.

        Parameters
        ----------
        outputs_real_space
            Which one.

        Returns
        -------
        NDArray
            As `to_image` or `to_transform`, of shape ``(y, x)`` or ``(y, x // 2 + 1)``.
        """
        return self.to_image() if outputs_real_space else self.to_transform()

    def to_image(self) -> NDArray[np.floating[Any]]:
        """Return the image, (y, x) with the origin at ``n // 2``; of several, (n, y, x)."""
        if self.is_image:
            return self.array
        # The origin is moved to its pixel as the image is, in one go.
        middle = np.array(self.shape[::-1]) // 2
        return self._transform_back(self._move(self.offset_in_pixels + middle))

    def to_transform(self) -> NDArray[np.complexfloating[Any]]:
        """Return the half transform, (y, x // 2 + 1), with the zero frequency in the corner."""
        if self.is_image:
            ifftshift = find_device_of(self.array).xp.fft.ifftshift
            return self._transform(ifftshift(self.array, axes=(-2, -1)))
        return self._move(self.offset_in_pixels) if np.any(self.offset_in_pixels) else self.array

    def resize(self, shape: tuple[int, int]) -> Projection:
        """Cut or pad the image around its origin.

        Parameters
        ----------
        shape
            Of the new image in real space, (y, x).

        Returns
        -------
        Projection
            This one, if it has the shape.
        """
        if shape == self.shape:
            return self
        image = self.to_image()
        resized = resize_with_crop_or_pad(image, (*image.shape[:-2], *shape))
        return type(self)(resized, shape, is_image=True)

    def shift(self, offset_in_pixels: NDArray[np.float64]) -> Projection:
        """Move the image; what leaves it comes in at the other side.

        Parameters
        ----------
        offset_in_pixels
            ``(x, y)``, shape ``(2,)``, or ``(n, 2)`` for several.

        Returns
        -------
        Projection
            The half transform, to be moved once it is asked for; this one, if nothing is to move.
        """
        if not np.any(offset_in_pixels):
            return self
        array = self.to_transform() if self.is_image else self.array
        offset = self.offset_in_pixels + offset_in_pixels
        return type(self)(array, self.shape, is_image=False, offset_in_pixels=offset)

    def take_the_only_one(self) -> Projection:
        """Return the one that several are, without the axis of images."""
        return dataclasses.replace(
            self,
            array=self.array[0],
            offset_in_pixels=np.broadcast_to(self.offset_in_pixels, (1, 2))[0],
        )

    def _transform(self, image: NDArray[Any]) -> NDArray[np.complexfloating[Any]]:
        transformed: NDArray[Any] = find_device_of(image).fft.rfft2(image)
        return transformed

    def _transform_back(self, transform: NDArray[Any]) -> NDArray[Any]:
        fft = find_device_of(transform).fft
        image: NDArray[Any] = fft.irfft2(transform, self.shape, overwrite_x=True)
        return image

    def _move(self, offset: NDArray[np.float64]) -> NDArray[np.complexfloating[Any]]:
        return shift_half_transform(self.array, self.shape, offset)


class ComplexProjection(Projection):
    """A complex projection, of which ``array`` is the image or its whole transform."""

    def _transform(self, image: NDArray[Any]) -> NDArray[np.complexfloating[Any]]:
        transformed: NDArray[Any] = find_device_of(image).fft.fft2(image)
        return transformed

    def _transform_back(self, transform: NDArray[Any]) -> NDArray[Any]:
        fft = find_device_of(transform).fft
        image: NDArray[Any] = fft.ifft2(transform, overwrite_x=True)
        return image


class AbstractProjectionInBatches(ABC):
    """Projections of which several poses have work in common."""

    n_at_a_time: int
    """How many poses are best begun together."""
    device: Device = CPU
    """Where they are made."""

    @abstractmethod
    def begin(
        self, rotations: NDArray[np.float64], offsets: NDArray[np.float64]
    ) -> Callable[[int, int], Projection]:
        """Do what some poses have in common, on all threads that are free.

        Parameters
        ----------
        rotations, offsets
            ``(n, 3, 3)`` and ``(n, 2)``: those of n placements.

        Returns
        -------
        callable
            Takes the numbers of a first pose and of one after the last, and returns their
            projections; called once for each.
        """

    def __call__(self, placement: Placement) -> Projection:
        """Project for one placement."""
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


def prepare_on(
    device: Device,
    make: Callable[[NDArray[np.float64], NDArray[np.float64]], Projection],
    bytes_an_image: int,
) -> Prepared:
    """Prepare projections without work in common: one by one on the CPU, many at once on CUDA."""
    if device.name != "cpu":
        return ProjectionsOnDevice(make, device, bytes_an_image)
    return lambda placement: make(
        placement.rotation[np.newaxis], placement.offset[np.newaxis]
    ).take_the_only_one()


def count_images_at_a_time(device: Device, bytes_an_image: int) -> int:
    """Choose how many images, of so many bytes each, a device makes at once."""
    # Others, and what comes after them, need memory as well.
    free = BYTES_AT_A_TIME if device.free_bytes is None else device.free_bytes // 8
    return max(1, min(free, BYTES_AT_A_TIME) // bytes_an_image)


class AbstractVolumeIntegrator(ABC):
    """A way to integrate volumes along z.

    A subclass defines `prepare`. What it returns is called for one pose after another, by several
    threads at once, and is where work belongs that all poses have in common.

    Examples
    --------
    >>> import numpy as np
    >>> import numbavol
    >>> from numbavol.projection import Projection
    >>> class Gray(numbavol.AbstractVolumeIntegrator):
    ...     def prepare(self, volume_representation, image_config):
    ...         image = np.full(image_config.padded_shape, 0.5, np.float32)
    ...         return lambda placement: Projection(image, image.shape, is_image=True)
    >>> volume = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=3.0, variances=1.0)
    >>> Gray().integrate(volume, numbavol.ImageConfig((1, 2), 1.5), outputs_real_space=True)
    array([[0.5, 0.5]], dtype=float32)
    """

    device: str = "cpu"
    """Where it works."""

    @abstractmethod
    def prepare(
        self, volume_representation: AbstractVolumeRepresentation, image_config: ImageConfig
    ) -> Prepared:
        """Do what all projections of a volume have in common.

        Parameters
        ----------
        volume_representation
            The volume.
        image_config
            The images.

        Returns
        -------
        callable
            Takes a `Placement`, and returns a `Projection` of ``image_config.padded_shape``; an
            `AbstractProjectionInBatches` where several poses have work in common.

        Raises
        ------
        TypeError
            If the volume is of another kind.
        ValueError
            If volume and images do not fit each other.
        """

    def move_to(self, device: str) -> AbstractVolumeIntegrator:
        """Return an integrator like this one that works on another device.

        Parameters
        ----------
        device
            ``"cpu"``, ``"cuda"`` or ``"auto"``.

        Returns
        -------
        AbstractVolumeIntegrator
            Of the same class.

        Raises
        ------
        NotImplementedError
            If it cannot work there.
        """
        given: Any = self
        if "device" not in vars(self):
            msg = f"device: {type(self).__name__} works on {self.device!r} alone, got {device!r}"
            raise NotImplementedError(msg)
        moved: AbstractVolumeIntegrator = dataclasses.replace(given, device=device)
        return moved

    def describe_output(
        self, shape: tuple[int, int], *, outputs_real_space: bool
    ) -> tuple[tuple[int, int], np.dtype[Any]]:
        """Say of what shape and type images, or their transforms, are in what `project` returns.

        Parameters
        ----------
        shape
            Of an image, (y, x).
        outputs_real_space
            Whether images are returned, not their transforms.

        Returns
        -------
        tuple
            The shape for one pose, (y, x), or (y, x // 2 + 1) of a half transform; and the type.
        """
        if outputs_real_space:
            return shape, np.dtype(np.float32)
        return (shape[0], shape[1] // 2 + 1), np.dtype(np.complex64)

    def integrate(
        self,
        volume_representation: AbstractVolumeRepresentation,
        image_config: ImageConfig,
        outputs_real_space: bool = False,
        output: str = "host",
    ) -> NDArray[Any]:
        r"""Integrate a volume along z.

        Parameters
        ----------
        volume_representation
            The volume, turned already.
        image_config
            The images.
        outputs_real_space
            Return the image, not its transform.
        output
            ``"host"`` for a NumPy array; ``"device"`` leaves the result where it was computed.

        Returns
        -------
        ndarray
            The integral :math:`\int U \, dz` in inverse angstroms, of
            ``image_config.padded_shape``: its half transform as `numbavol.rfftn` returns it (of a
            complex image, the whole one as `numbavol.fftn` does), or the image, indexed [y, x],
            with position 0 at pixel ``n // 2``.

        Raises
        ------
        TypeError, ValueError
            As `prepare` does.
        """
        check_output(output)
        array = run_task(
            lambda: self.prepare(volume_representation, image_config)(NOWHERE_ELSE).take(
                outputs_real_space=outputs_real_space
            )
        )
        return array if output == "device" else find_device(self.device).fetch(array)
