"""Masks of images and maps: circles, spheres, cylinders and boxes with soft edges."""

from numbavol.ndimage.masks.base import AbstractMask, CustomMask
from numbavol.ndimage.masks.inverse_sinc import InverseSincMask
from numbavol.ndimage.masks.rectangular import (
    Rectangular2DCosineMask,
    Rectangular3DCosineMask,
    SquareCosineMask,
)
from numbavol.ndimage.masks.round import (
    CircularCosineMask,
    Cylindrical2DCosineMask,
    Cylindrical3DCosineMask,
    SphericalCosineMask,
)

__all__ = [
    "AbstractMask",
    "CircularCosineMask",
    "CustomMask",
    "Cylindrical2DCosineMask",
    "Cylindrical3DCosineMask",
    "InverseSincMask",
    "Rectangular2DCosineMask",
    "Rectangular3DCosineMask",
    "SphericalCosineMask",
    "SquareCosineMask",
]
