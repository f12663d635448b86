"""Filters of Fourier transforms: low-pass, high-pass, sharpening, whitening."""

from numbavol.ndimage.filters.base import AbstractFilter, CustomFilter
from numbavol.ndimage.filters.frequency import BFactorFilter, HighpassFilter, LowpassFilter
from numbavol.ndimage.filters.whitening import WhiteningFilter

__all__ = [
    "AbstractFilter",
    "BFactorFilter",
    "CustomFilter",
    "HighpassFilter",
    "LowpassFilter",
    "WhiteningFilter",
]
