"""Functions of frequency and of position, which add, subtract and multiply."""

from numbavol.ndimage.operators.base import (
    AbstractFourierOperator,
    AbstractRadialFourierOperator,
    AbstractRealOperator,
)
from numbavol.ndimage.operators.custom import CustomFourierOperator, CustomRealOperator
from numbavol.ndimage.operators.fourier import (
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    PengScatteringFactor,
    ZeroMode,
)

__all__ = [
    "AbstractFourierOperator",
    "AbstractRadialFourierOperator",
    "AbstractRealOperator",
    "CustomFourierOperator",
    "CustomRealOperator",
    "FourierConstant",
    "FourierGaussian",
    "FourierSinc",
    "PengScatteringFactor",
    "ZeroMode",
]
