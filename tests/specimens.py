"""Operators, filters and masks, at least one of each kind, for tests of what all of them do."""

from __future__ import annotations

import naive
import numpy as np
import strategies
from hypothesis import strategies as st

from numbavol.ndimage.filters import (
    BFactorFilter,
    CustomFilter,
    HighpassFilter,
    LowpassFilter,
    WhiteningFilter,
)
from numbavol.ndimage.grids import make_coordinate_grid, make_frequency_grid
from numbavol.ndimage.masks import (
    CircularCosineMask,
    Cylindrical2DCosineMask,
    Cylindrical3DCosineMask,
    Rectangular2DCosineMask,
    Rectangular3DCosineMask,
    SphericalCosineMask,
    SquareCosineMask,
)
from numbavol.ndimage.operators import (
    CustomFourierOperator,
    CustomRealOperator,
    FourierConstant,
    FourierGaussian,
    FourierSinc,
    PengScatteringFactor,
    ZeroMode,
)

# Operators


def tilt(k):
    return 1.0 + k[..., 0] - 2.0 * k[..., 1]


def phase(k):
    return np.exp(-2j * np.pi * k[..., 0])


OPERATORS = {
    "constant": FourierConstant(-1.5),
    "zero mode": ZeroMode(2.5),
    "gaussian": FourierGaussian(2.0, 30.0),
    "sinc": FourierSinc(1.5),
    "peng": PengScatteringFactor([1.0, -0.5], [20.0, 3.0], 7.0),
    "custom": CustomFourierOperator(tilt),
    "complex": CustomFourierOperator(phase),
    "sum": FourierGaussian() + FourierSinc(2.0),
    "radial product": 2 * FourierGaussian() * FourierConstant(0.5),
}
RADIAL_OPERATORS = ["constant", "zero mode", "gaussian", "peng", "radial product"]
REAL_OPERATORS = {
    "custom": CustomRealOperator(tilt),
    "product": CustomRealOperator(tilt) * CustomRealOperator(phase),
}
operator_names = st.sampled_from(sorted(OPERATORS))


@st.composite
def frequency_grids(draw):
    return make_frequency_grid(
        draw(strategies.image_and_map_shapes(longest=6)),
        draw(st.floats(0.5, 3.0)),
        outputs_rfftfreqs=draw(st.booleans()),
    )


# Filters

FILTER_KINDS = ["low-pass", "high-pass", "b-factor", "sinc", "complex", "whitening"]
filter_kinds = st.sampled_from(FILTER_KINDS)


def make_real(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def make_filters(shape, *, half=True):
    """One of each kind for transforms of a shape; there is no full array of whitening."""
    grid = naive.frequency_vectors(shape, half=half)
    phase = CustomFourierOperator(lambda k: np.exp(-2j * np.pi * k[..., 0] * 0.3))
    filters = {
        "low-pass": LowpassFilter(grid, 1.0, 0.5, 0.3),
        "high-pass": HighpassFilter(grid, 1.0, 0.2, 0.6),
        "b-factor": BFactorFilter(grid, -3.0),
        "sinc": CustomFilter.from_function(FourierSinc(1.3), grid),
        "complex": CustomFilter.from_function(phase, grid),
    }
    if half:
        filters["whitening"] = WhiteningFilter(make_real((1, *shape), 5))
    return filters


# Masks

# The class, its number of axes, and arguments that leave a soft edge within a few voxels.
MASKS = {
    "circle": (CircularCosineMask, 2, {"radius": 2.2, "rolloff_width": 3.0}),
    "sphere": (SphericalCosineMask, 3, {"radius": 1.5, "rolloff_width": 2.5}),
    "square": (SquareCosineMask, 2, {"side_length": 4.0, "rolloff_width": 2.5}),
    "rectangle": (
        Rectangular2DCosineMask,
        2,
        {"x_width": 5.0, "y_width": 2.0, "rolloff_width": 1.5, "in_plane_rotation_angle": 30.0},
    ),
    "box": (
        Rectangular3DCosineMask,
        3,
        {"x_width": 4.0, "y_width": 1.0, "z_width": 3.0, "rolloff_width": 2.0},
    ),
    "band": (
        Cylindrical2DCosineMask,
        2,
        {"radius": 1.5, "rolloff_width": 2.0, "in_plane_rotation_angle": -20.0},
    ),
    "rod": (Cylindrical2DCosineMask, 2, {"radius": 1.0, "rolloff_width": 2.0, "length": 4.0}),
    "cylinder": (Cylindrical3DCosineMask, 3, {"radius": 1.5, "rolloff_width": 2.0}),
    "pill": (Cylindrical3DCosineMask, 3, {"radius": 1.5, "rolloff_width": 2.0, "length": 3.0}),
}
mask_names = st.sampled_from(sorted(MASKS))
widths = st.one_of(st.just(0.0), st.floats(0.01, 5.0))
lengths = st.one_of(st.just(0.0), st.floats(0.0, 8.0))
spacings = st.floats(0.3, 2.0)


def mask_shapes(n_axes):
    return st.tuples(*[st.integers(1, 12)] * n_axes)


@st.composite
def masks(draw):
    """A mask of any class but the correction of interpolation, and its grid."""
    cls, n_axes, arguments = MASKS[draw(mask_names)]
    shape, spacing = draw(mask_shapes(n_axes)), draw(spacings)
    given_arguments = {
        name: draw(
            st.floats(-180, 180) if "angle" in name else widths if "rolloff" in name else lengths
        )
        for name in arguments
    }
    grid = make_coordinate_grid(shape, spacing)
    return cls(grid, **given_arguments), grid


def make_mask(name, shape=(9, 8, 7)):
    cls, n_axes, arguments = MASKS[name]
    return cls(make_coordinate_grid(shape[:n_axes]), **arguments)
