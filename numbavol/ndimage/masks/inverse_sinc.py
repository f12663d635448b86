"""The correction for interpolation in Fourier space."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from numbavol.ndimage.masks.base import AbstractMask
from numbavol.ndimage.masks.distances import multiply_factors
from numbavol.ndimage.open_grids import OpenGrid, compute_on_grid, make_open_coordinate_grid
from numbavol.ndimage.parameters import read_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numbavol.ndimage.open_grids import Components


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InverseSincMask(AbstractMask):
    r"""The correction for what interpolation in Fourier space does to an image or a map.

    .. math:: M(\mathbf r) = \prod_i \left[ \frac{\sin(\pi r_i / N_i)}{\pi r_i / N_i} \right]^{-1}

    with N the number of voxels of each axis. To interpolate between samples of a transform is to
    convolve it, and so multiplies the map by the transform of the convolution's kernel. For the
    nearest sample that is the sinc function of which this is the inverse. For linear interpolation
    it is its square: take the product of the mask with itself.

    Parameters
    ----------
    coordinate_grid_in_pixels
        As ``make_coordinate_grid(shape)`` returns it, shape ``(y, x, 2)`` or ``(z, y, x, 3)``.

    Attributes
    ----------
    array
        Read-only, float32 if the grid is, else float64; at least 1, and 1 at the origin.

    Raises
    ------
    ValueError
        If the grid has another shape, or reaches out of the box of its own size.

    Notes
    -----
    J. I. Jackson, C. H. Meyer, D. G. Nishimura and A. Macovski, IEEE Trans. Med. Imaging 10,
    473-478 (1991), section on the roll-off correction of gridding.

    Examples
    --------
    >>> from numbavol.ndimage.masks import InverseSincMask
    >>> correction = InverseSincMask.from_shape((1, 4))
    >>> correction.get().round(3)
    array([[1.571, 1.111, 1.   , 1.111]], dtype=float32)
    >>> (correction * correction).get().round(3)
    array([[2.467, 1.234, 1.   , 1.234]], dtype=float32)
    """

    coordinate_grid_in_pixels: dataclasses.InitVar[ArrayLike | OpenGrid]
    array: NDArray[np.floating[Any]] = dataclasses.field(init=False)

    def __post_init__(self, coordinate_grid_in_pixels: ArrayLike | OpenGrid) -> None:
        """Read the arguments, and compute the array."""
        name, grid = "coordinate_grid_in_pixels", coordinate_grid_in_pixels
        if not isinstance(grid, OpenGrid):
            grid = read_grid(name, grid)
        shape = grid.shape[:-1]

        def compute(coordinates: Components) -> NDArray[np.float64]:
            in_boxes = [
                component / n for component, n in zip(coordinates, reversed(shape), strict=True)
            ]
            if any(np.any(np.abs(component) > 0.5) for component in in_boxes):
                msg = f"{name}: expected coordinates within a box of {shape} pixels"
                raise ValueError(msg)
            return multiply_factors(1.0 / np.sinc(component) for component in in_boxes)

        vars(self)["array"] = compute_on_grid(name, grid, compute)

    @classmethod
    def from_shape(cls, shape: Sequence[int], *, dtype: DTypeLike = np.float32) -> Self:
        """Make the mask for images or maps of a shape.

        Parameters
        ----------
        shape
            Shape ``(y, x)`` or ``(z, y, x)`` of what is to be corrected.
        dtype
            Of the array, float32 or float64. Corrected arrays keep their own precision.

        Returns
        -------
        Self
            The mask. No grid of coordinate vectors is held while it is made.

        Raises
        ------
        ValueError
            If an argument is not as described.
        """
        return cls(make_open_coordinate_grid(shape, 1.0, dtype))

    def get(self) -> NDArray[np.floating[Any]]:
        """Return the array. It is not to be written to."""
        return self.array
