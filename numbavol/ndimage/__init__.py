"""Functions of arrays that volumes, renderers and projections stand on.

- ``grids``: coordinates and frequencies.
- ``open_grids``: grids whose vectors are made a few rows at a time.
- ``transforms``: centred discrete Fourier transforms.
- ``half_transforms``: the half that determines a transform, and what it holds twice.
- ``boxes``: larger and smaller boxes around the same origin.
- ``resampling``: finer and coarser grids by Fourier coefficients.
- ``statistics``: radial averages, power spectra, Fourier shell and ring correlations.
- ``operators``: functions of frequency or of place, which add and multiply.
- ``filters``: what multiplies a transform.
- ``masks``: what multiplies an image or a map.
- ``algebra``, ``image_transforms``, ``soft_edges``: what these three share.
- ``interpolation``: values between the elements of an array.
- ``planes``: planes of a transform, for many orientations.
- ``gridding``: what interpolation of a transform does to a map, undone.
- ``nonuniform``, ``nonuniform_cuda``: transforms of points anywhere, by finufft and cufinufft.
- ``nonuniform_images``: half transforms of points in the plane, by our own kernel.
- ``shells``: sums over shells and rings of equal distance.
- ``bands``: one image that all threads share.
- ``space_filling``: an order of cells in which neighbours are neighbours in space.
- ``parameters``: reading of what these functions are given.
"""

from numbavol.ndimage.boxes import (
    crop_to_shape,
    crop_to_shape_with_center,
    pad_to_shape,
    resize_with_crop_or_pad,
)
from numbavol.ndimage.filters import (
    AbstractFilter,
    BFactorFilter,
    CustomFilter,
    HighpassFilter,
    LowpassFilter,
    WhiteningFilter,
)
from numbavol.ndimage.grids import (
    make_1d_coordinate_grid,
    make_1d_frequency_grid,
    make_coordinate_grid,
    make_frequency_grid,
    make_frequency_slice,
    make_radial_coordinate_grid,
    make_radial_frequency_grid,
)
from numbavol.ndimage.half_transforms import (
    convert_fftn_to_rfftn,
    enforce_self_conjugate_rfftn_components,
)
from numbavol.ndimage.interpolation import (
    compute_spline_coefficients,
    map_coordinates,
    map_coordinates_spline,
)
from numbavol.ndimage.masks import (
    AbstractMask,
    CircularCosineMask,
    CustomMask,
    Cylindrical2DCosineMask,
    Cylindrical3DCosineMask,
    InverseSincMask,
    Rectangular2DCosineMask,
    Rectangular3DCosineMask,
    SphericalCosineMask,
    SquareCosineMask,
)
from numbavol.ndimage.operators import (
    AbstractFourierOperator,
    AbstractRadialFourierOperator,
    AbstractRealOperator,
    CustomFourierOperator,
    CustomRealOperator,
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    PengScatteringFactor,
    ZeroMode,
)
from numbavol.ndimage.planes import sample_fourier_planes, sample_fourier_planes_spline
from numbavol.ndimage.resampling import (
    fourier_crop_downsample,
    fourier_crop_downsample_to_shape,
    fourier_resample_to_shape,
    rescale_voxel_size,
)
from numbavol.ndimage.statistics import (
    FourierCorrelation,
    RadialProfile,
    compute_fourier_ring_correlation,
    compute_fourier_shell_correlation,
    compute_power_spectrum,
    compute_radial_average,
)
from numbavol.ndimage.transforms import fftn, ifftn, irfftn, rfftn

__all__ = [
    "AbstractFilter",
    "AbstractFourierOperator",
    "AbstractMask",
    "AbstractRadialFourierOperator",
    "AbstractRealOperator",
    "BFactorFilter",
    "CircularCosineMask",
    "CustomFilter",
    "CustomFourierOperator",
    "CustomMask",
    "CustomRealOperator",
    "Cylindrical2DCosineMask",
    "Cylindrical3DCosineMask",
    "FourierConstant",
    "FourierCorrelation",
    "FourierGaussian",
    "FourierSinc",
    "HighpassFilter",
    "InverseSincMask",
    "LowpassFilter",
    "PengScatteringFactor",
    "RadialProfile",
    "Rectangular2DCosineMask",
    "Rectangular3DCosineMask",
    "SphericalCosineMask",
    "SquareCosineMask",
    "WhiteningFilter",
    "ZeroMode",
    "compute_fourier_ring_correlation",
    "compute_fourier_shell_correlation",
    "compute_power_spectrum",
    "compute_radial_average",
    "compute_spline_coefficients",
    "convert_fftn_to_rfftn",
    "crop_to_shape",
    "crop_to_shape_with_center",
    "enforce_self_conjugate_rfftn_components",
    "fftn",
    "fourier_crop_downsample",
    "fourier_crop_downsample_to_shape",
    "fourier_resample_to_shape",
    "ifftn",
    "irfftn",
    "make_1d_coordinate_grid",
    "make_1d_frequency_grid",
    "make_coordinate_grid",
    "make_frequency_grid",
    "make_frequency_slice",
    "make_radial_coordinate_grid",
    "make_radial_frequency_grid",
    "map_coordinates",
    "map_coordinates_spline",
    "pad_to_shape",
    "rescale_voxel_size",
    "resize_with_crop_or_pad",
    "rfftn",
    "sample_fourier_planes",
    "sample_fourier_planes_spline",
]
