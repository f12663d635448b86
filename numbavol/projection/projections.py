"""A projection, as an image or its transform, and the placement that it was made for."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.kernels.dispatch import find_device_of
from numbavol.ndimage import resize_with_crop_or_pad
from numbavol.poses.translation import shift_half_transform

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    factor
        What half transforms are still to be multiplied by.

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
    factor: float = 1.0

    @property
    def expected(self) -> tuple[str, tuple[int, int]]:
        """The kinds of numbers and the shape that its array has, or each of several."""
        if self.is_image:
            return "biuf", self.shape
        return "c", (self.shape[0], self.shape[1] // 2 + 1)

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
        # The origin is moved to its pixel as the image is, and what transforms back is scaled, in
        # one go.
        middle = np.array(self.shape[::-1]) // 2
        moved = self._move(self.offset_in_pixels + middle, self.factor / math.prod(self.shape))
        return self._transform_back(moved)

    def to_transform_from_first_pixel(self) -> NDArray[np.complexfloating[Any]]:
        """Return the half transform of an image whose origin is its first pixel.

        `scipy.fft.irfft2` makes of it the image as it is indexed, without rearranging.

        Returns
        -------
        NDArray
            ``(y, x // 2 + 1)``, or ``(n, y, x // 2 + 1)`` of several; a new array.
        """
        if self.is_image:
            return self._transform(self.array)
        middle = np.array(self.shape[::-1]) // 2
        return self._move(self.offset_in_pixels + middle, self.factor)

    def to_transform(self) -> NDArray[np.complexfloating[Any]]:
        """Return the half transform, (y, x // 2 + 1), with the zero frequency in the corner."""
        if self.is_image:
            ifftshift = find_device_of(self.array).xp.fft.ifftshift
            return self._transform(ifftshift(self.array, axes=(-2, -1)))
        if self.factor == 1.0 and not np.any(self.offset_in_pixels):
            return self.array
        return self._move(self.offset_in_pixels, self.factor)

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
        half = self
        if self.is_image:
            half = type(self)(self.to_transform(), self.shape, is_image=False)
        return dataclasses.replace(half, offset_in_pixels=half.offset_in_pixels + offset_in_pixels)

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
        """Transform back without scaling."""
        fft = find_device_of(transform).fft
        image: NDArray[Any] = fft.irfft2(transform, self.shape, overwrite_x=True, norm="forward")
        return image

    def _move(self, offset: NDArray[np.float64], factor: float) -> NDArray[np.complexfloating[Any]]:
        return shift_half_transform(self.array, self.shape, offset, factor)


class ComplexProjection(Projection):
    """A complex projection, of which ``array`` is the image or its whole transform."""

    @property
    def expected(self) -> tuple[str, tuple[int, int]]:
        """The kinds of numbers and the shape that its array has, or each of several."""
        return "c", self.shape

    def _transform(self, image: NDArray[Any]) -> NDArray[np.complexfloating[Any]]:
        transformed: NDArray[Any] = find_device_of(image).fft.fft2(image)
        return transformed

    def _transform_back(self, transform: NDArray[Any]) -> NDArray[Any]:
        """Transform back without scaling."""
        fft = find_device_of(transform).fft
        image: NDArray[Any] = fft.ifft2(transform, overwrite_x=True, norm="forward")
        return image
