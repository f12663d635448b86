"""What every integrator is: a volume and an image configuration to projections."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.threads import run_task
from numbavol.ndimage import irfftn, resize_with_crop_or_pad, rfftn
from numbavol.poses.translation import shift_half_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from numbavol.projection.image_config import ImageConfig
    from numbavol.volumes import AbstractVolumeRepresentation

    Prepared = Callable[["Placement"], "Projection"]


@dataclasses.dataclass(frozen=True, eq=False)
class Placement:
    """How a volume is turned before it is projected, and how its image is moved."""

    rotation: NDArray[np.float64]
    """``(3, 3)``: positions r become ``rotation @ r``."""
    offset: NDArray[np.float64]
    """``(2,)``: towards +x and +y, in angstroms."""


NOWHERE_ELSE = Placement(np.eye(3), np.zeros(2))


@dataclasses.dataclass(frozen=True, eq=False)
class Projection:
    """A projection as it was made: an image in real space, or its half transform."""

    array: NDArray[Any]
    """``(y, x)`` with the origin at ``n // 2``, or ``(y, x // 2 + 1)`` with 0 in the corner."""
    shape: tuple[int, int]
    """Of the image in real space."""
    is_real: bool
    """Which one it is."""

    def take(self, *, outputs_real_space: bool) -> NDArray[Any]:
        """Return the image or the half transform."""
        return self.to_real() if outputs_real_space else self.to_half_transform()

    def to_real(self) -> NDArray[np.floating[Any]]:
        """Return the image."""
        return self.array if self.is_real else irfftn(self.array, self.shape)

    def to_half_transform(self) -> NDArray[np.complexfloating[Any]]:
        """Return the half transform."""
        return rfftn(self.array) if self.is_real else self.array

    def resize(self, shape: tuple[int, int]) -> Projection:
        """Cut or pad the image around its origin."""
        if shape == self.shape:
            return self
        return Projection(resize_with_crop_or_pad(self.to_real(), shape), shape, is_real=True)

    def shift(self, offset_in_pixels: NDArray[np.float64]) -> Projection:
        """Move the image by (x, y) pixels; what leaves it comes in at the other side."""
        if not np.any(offset_in_pixels):
            return self
        moved = shift_half_transform(self.to_half_transform(), self.shape, offset_in_pixels)
        return Projection(moved, self.shape, is_real=False)


class AbstractVolumeIntegrator(ABC):
    """A way to integrate volumes along z.

    A subclass defines `prepare`. What it returns is called for one pose after another, by several
    threads at once, and is where work belongs that all poses have in common.
    """

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
            Takes a `Placement`, and returns a `Projection` of ``image_config.padded_shape``.

        Raises
        ------
        TypeError
            If the volume is of another kind.
        ValueError
            If volume and images do not fit each other.
        """

    def integrate(
        self,
        volume_representation: AbstractVolumeRepresentation,
        image_config: ImageConfig,
        outputs_real_space: bool = False,
    ) -> NDArray[Any]:
        r"""Integrate a volume along z.

        Parameters
        ----------
        volume_representation
            The volume, turned already.
        image_config
            The images.
        outputs_real_space
            Return the image, not its half transform.

        Returns
        -------
        ndarray
            The integral :math:`\int U \, dz` in inverse angstroms, of
            ``image_config.padded_shape``: its half transform as `numbavol.rfftn` returns it, or the
            image, indexed [y, x], with position 0 at pixel ``n // 2``.

        Raises
        ------
        TypeError, ValueError
            As `prepare` does.
        """
        return run_task(
            lambda: self.prepare(volume_representation, image_config)(NOWHERE_ELSE).take(
                outputs_real_space=outputs_real_space
            )
        )
