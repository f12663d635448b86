"""What filters and masks share: an array that is made from a grid, and multiplies an image."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from numbavol.ndimage.algebra import AlgebraicValue, Family, freeze
from numbavol.ndimage.parameters import check_n_axes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class AbstractImageTransform(AlgebraicValue[Family], Generic[Family]):
    """An array that multiplies images of its shape.

    A subclass is a frozen dataclass that defines `get`.
    """

    @abstractmethod
    def get(self) -> NDArray[np.inexact[Any]]:
        """Return the array. It is not to be written to."""

    @abstractmethod
    def __call__(self, image: ArrayLike) -> NDArray[np.inexact[Any]]:
        """Multiply an image or a map by the array."""

    def __repr__(self) -> str:
        """Write the shape of the array, and what it was made from."""
        values = {name: value for name, value in vars(self).items() if name != "array"}
        values = {"shape": self.get().shape, **values}
        written = (f"{name}={value!r}" for name, value in values.items())
        return f"{type(self).__name__}({', '.join(written)})"


def read_array(name: str, array: ArrayLike, kinds: str) -> NDArray[np.inexact[Any]]:
    """Read the array of a filter or of a mask as a read-only copy, in single or double precision.

    Raises
    ------
    ValueError
        If its values are of another kind, or not finite, or it is no image or map. The message has
        `name` in it.
    """
    values = np.asarray(array)
    if values.dtype.kind not in kinds:
        msg = f"{name}: expected {'' if 'c' in kinds else 'real '}numbers, got dtype {values.dtype}"
        raise ValueError(msg)
    check_n_axes(name, values.shape, (2, 3))
    if not np.all(np.isfinite(values)):
        msg = f"{name}: expected finite values, got some that are not"
        raise ValueError(msg)
    return freeze(values.astype(get_working_dtype(values.dtype), copy=False))


def get_working_dtype(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of a product: complex if one is, single precision if the first is."""
    is_single = dtypes[0].kind in "fc" and np.finfo(dtypes[0]).precision <= 6
    precision = np.float32 if is_single else np.float64
    is_complex = any(dtype.kind == "c" for dtype in dtypes)
    return np.result_type(precision, np.complex64) if is_complex else np.dtype(precision)
