"""Functions of arrays that volumes, renderers and projections stand on.

- ``grids``: coordinates and frequencies.
- ``transforms``: centred discrete Fourier transforms.
- ``half_transforms``: the half that determines a transform, and what it holds twice.
- ``boxes``: larger and smaller boxes around the same origin.
- ``resampling``: finer and coarser grids by Fourier coefficients.
- ``statistics``: radial averages, power spectra, Fourier shell and ring correlations.
- ``interpolation``: values between the elements of an array, and planes of a transform.
"""

from numbavol.ndimage.boxes import (
    crop_to_shape,
    crop_to_shape_with_center,
    pad_to_shape,
    resize_with_crop_or_pad,
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
    sample_fourier_planes,
    sample_fourier_planes_spline,
)
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
    "FourierCorrelation",
    "RadialProfile",
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
