"""What filters and masks share: an array that is made from a grid, and multiplies an image."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from numbavol.ndimage.algebra import AlgebraicValue, Family
from numbavol.ndimage.parameters import get_working_dtype, read_host_array
from numbavol.values import freeze

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class AbstractImageTransform(AlgebraicValue[Family], Generic[Family]):
    """An array that multiplies images of its shape.

    A subclass is a frozen dataclass that defines `get`.
    """

    @abstractmethod
    def get(self) -> NDArray[np.inexact[Any]]:
        """Return the array. It is not to be written to.

        Returns
        -------
        NDArray
            Of the shape of what it multiplies, ``(y, x)`` or ``(z, y, x)``; a filter's last axis
            may be that of half transforms.
        """

    @abstractmethod
    def __call__(self, image: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Multiply an image or a map by the array."""

    def __repr__(self) -> str:
        """Write the shape of the array, and what it was made from."""
        values = {name: value for name, value in vars(self).items() if name != "array"}
        values = {"shape": self.get().shape, **values}
        written = (f"{name}={value!r}" for name, value in values.items())
        return f"{type(self).__name__}({', '.join(written)})"


def keep_array(name: str, array: ArrayLike, kinds: str) -> NDArray[np.inexact[Any]]:
    """Read the array of a filter or of a mask as a read-only copy, in single or double precision.

    Raises
    ------
    ValueError
        If its values are of another kind, or not finite, or it is no image or map. The message has
        `name` in it.
    """
    values = read_host_array(name, array, (2, 3), kinds=kinds)
    if not np.all(np.isfinite(values)):
        msg = f"{name}: expected finite values, got some that are not"
        raise ValueError(msg)
    return freeze(values.astype(get_working_dtype(values.dtype), copy=False))
