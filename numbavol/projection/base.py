"""What every integrator is: a volume and an image configuration to projections."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.arguments import check_output
from numbavol.kernels.dispatch import find_device
from numbavol.projection.batches import ProjectionOnAllThreads
from numbavol.projection.projections import Placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.projection.batches import Prepared
    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation

NOWHERE_ELSE = Placement(np.eye(3), np.zeros(2))


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
        device = find_device(self.device)
        prepared = self.prepare(volume_representation, image_config)

        def make() -> NDArray[Any]:
            return prepared(NOWHERE_ELSE).take(outputs_real_space=outputs_real_space)

        # In a task it would have the thread of that task alone.
        is_shared = isinstance(prepared, ProjectionOnAllThreads)
        array = make() if is_shared else device.run(make)
        return array if output == "device" else device.fetch(array)
