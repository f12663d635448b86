"""Low-pass and high-pass filters, and B-factors."""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest
import specimens
import strategies
from hypothesis import given
from hypothesis import strategies as st

from numbavol import fftn, ifftn, irfftn, rfftn
from numbavol.ndimage.filters import BFactorFilter, CustomFilter, HighpassFilter, LowpassFilter
from numbavol.ndimage.grids import make_frequency_grid
from numbavol.ndimage.operators import FourierSinc

shapes = strategies.image_and_map_shapes(longest=8)


# Low-pass and high-pass.


@given(
    shapes,
    st.floats(0.5, 3.0),
    st.floats(0.0, 1.5),
    st.one_of(st.just(0.0), st.floats(1e-3, 1.0)),
    st.booleans(),
)
def test_lowpass_is_one_below_and_zero_above(shape, spacing, cutoff, width, is_half):
    grid = make_frequency_grid(shape, spacing, outputs_rfftfreqs=is_half)
    k = np.sqrt((grid**2).sum(-1)) * 2 * spacing
    lowpass = LowpassFilter(grid, spacing, cutoff, width)
    array = lowpass.get()
    assert np.all(array[k <= cutoff * (1 - 1e-9)] == 1)
    assert np.all(array[k > (cutoff + width) * (1 + 1e-9)] == 0)
    edge = (k > cutoff + 1e-9) & (k < cutoff + width - 1e-9)
    expected = (1 + np.cos(np.pi * (k[edge] - cutoff) / (width or 1.0))) / 2
    np.testing.assert_allclose(array[edge], expected, rtol=0, atol=1e-10)
    assert np.all(np.diff(array.ravel()[np.argsort(k.ravel())]) <= 1e-10)
    highpass = HighpassFilter(grid, spacing, cutoff, width)
    np.testing.assert_array_equal(highpass.get(), 1 - array)
    assert (lowpass + highpass).get().tolist() == np.ones_like(array).tolist()
    assert (1 - lowpass) == CustomFilter(highpass.get())


def test_the_defaults_are_those_of_the_specification():
    k = np.sqrt((naive.frequency_vectors((64, 64)) ** 2).sum(-1)) / 0.5
    expected = np.where(
        k <= 0.95, 1, np.where(k > 1, 0, (1 + np.cos((k - 0.95) * np.pi / 0.05)) / 2)
    )
    np.testing.assert_allclose(
        LowpassFilter(naive.frequency_vectors((64, 64))).get(), expected, atol=1e-13
    )
    np.testing.assert_allclose(
        HighpassFilter(naive.frequency_vectors((64, 64))).get(), 1 - expected, atol=1e-13
    )


def test_inverse_angstroms_and_pixels_are_the_same_filter():
    in_pixels = LowpassFilter(naive.frequency_vectors((6, 7)), 1.0, 0.4, 0.2)
    in_angstroms = LowpassFilter(naive.frequency_vectors((6, 7), 2.5), 2.5, 0.4, 0.2)
    np.testing.assert_allclose(in_angstroms.get(), in_pixels.get(), atol=1e-14)


@pytest.mark.parametrize("cls", [LowpassFilter, HighpassFilter])
@pytest.mark.parametrize("shape", [(33, 40), (12, 15, 16)])
@pytest.mark.parametrize("spacing", [1.5, (1.0, 2.0, 1.5)])
def test_a_resolution_is_the_inverse_of_the_cutoff(cls, shape, spacing):
    spacing = spacing if np.ndim(spacing) == 0 else spacing[: len(shape)]
    largest = np.max(spacing)
    filter_ = cls.from_resolution(shape, spacing, 8.0, 0.25, dtype=np.float64)
    grid = make_frequency_grid(shape, spacing)
    expected = cls(grid, largest, 2 * largest / 8, 0.25)
    np.testing.assert_array_equal(filter_.get(), expected.get())
    assert filter_ == expected
    k, nyquist = np.sqrt((grid**2).sum(-1)), 0.5 / largest
    passed, stopped = k < 0.9999 / 8, k > 1.0001 / 8 + 0.25 * nyquist
    assert np.all(filter_.get()[passed] == (cls is LowpassFilter))
    assert np.all(filter_.get()[stopped] == (cls is HighpassFilter))
    single = cls.from_resolution(shape, spacing, 8.0, 0.25)
    assert single.get().dtype == np.float32
    np.testing.assert_allclose(single.get(), expected.get(), rtol=1e-7, atol=1e-30)


def test_a_lowpass_filter_takes_a_wave_away():
    y, x = np.mgrid[:48, :60]
    coarse, fine = np.cos(2 * np.pi * 3 * x / 60), np.cos(2 * np.pi * 20 * y / 48)
    # 20 and 2.4 pixels of 1.25 angstroms: 25 and 3 angstroms.
    filter_ = LowpassFilter.from_resolution((48, 60), 1.25, 8.0, dtype=np.float64)
    filtered = irfftn(filter_(rfftn(coarse + fine)), (48, 60))
    np.testing.assert_allclose(filtered, coarse, atol=1e-13)
    filtered = ifftn((1 - filter_)(fftn(coarse + fine)))
    np.testing.assert_allclose(filtered, fine, atol=1e-13)


# B-factors.


@given(shapes, st.floats(0.5, 3.0), st.floats(-20, 20))
def test_a_b_factor_is_a_gaussian(shape, spacing, b_factor):
    grid = naive.frequency_vectors(shape, spacing)
    expected = np.exp(-b_factor * (grid**2).sum(-1) / 4)
    filter_ = BFactorFilter(grid, b_factor)
    np.testing.assert_allclose(filter_.get(), expected, rtol=1e-12)
    from_shape = BFactorFilter.from_shape(shape, spacing, b_factor)
    assert from_shape.get().dtype == np.float32
    np.testing.assert_allclose(from_shape.get(), expected, rtol=1e-6)
    transform = fftn(specimens.make_real(shape))
    back = BFactorFilter(grid, -b_factor)(filter_(transform))
    np.testing.assert_allclose(back, transform, rtol=1e-13)


def test_too_much_sharpening_is_an_error():
    grid = naive.frequency_vectors((8, 8))
    assert BFactorFilter(grid, -1500.0).get().max() > 1e80
    with pytest.raises(ValueError, match="b_factor: expected finite values, got some too large"):
        BFactorFilter(grid.astype("f4"), -1500.0)
    with pytest.raises(ValueError, match="b_factor: expected finite values, got some too large"):
        BFactorFilter(grid, -1e5)


# Errors.


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (LowpassFilter, "frequency_grid_in_angstroms_or_pixels"),
        (HighpassFilter, "frequency_grid_in_angstroms_or_pixels"),
        (lambda grid: BFactorFilter(grid, 1.0), "frequency_grid_in_angstroms"),
        (lambda grid: CustomFilter.from_function(FourierSinc(), grid), "frequency_grid"),
    ],
)
def test_a_wrong_grid_is_an_error(cls, name):
    message = rf"^{name}: expected shape \(y, x, 2\) or \(z, y, x, 3\), got "
    for shape in [(4, 4, 3), (4, 4, 4, 2), (4, 2)]:
        with pytest.raises(ValueError, match=message):
            cls(np.zeros(shape))
    with pytest.raises(ValueError, match=f"^{name}: expected vectors"):
        cls(np.zeros((4, 4)))
    if name != "frequency_grid":
        with pytest.raises(ValueError, match=f"^{name}: expected finite values, got nan"):
            cls(np.full((4, 4, 2), np.nan))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grid_spacing": 0.0}, "grid_spacing: expected finite lengths above 0"),
        ({"frequency_cutoff_fraction": -0.1}, "frequency_cutoff_fraction: expected a number of at"),
        ({"rolloff_width_fraction": -0.1}, "rolloff_width_fraction: expected a number of at least"),
        ({"rolloff_width_fraction": math.nan}, "rolloff_width_fraction: expected finite values"),
        ({"frequency_cutoff_fraction": [0.1]}, "frequency_cutoff_fraction: expected a number, got"),
    ],
)
@pytest.mark.parametrize("cls", [LowpassFilter, HighpassFilter])
def test_wrong_fractions_are_errors(cls, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        cls(naive.frequency_vectors((4, 4)), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((4,), 1.0, 8.0), "shape: expected two or three whole numbers above 0"),
        (((4, 0), 1.0, 8.0), "shape: expected 2 whole numbers above 0"),
        (((4, 4), -1.0, 8.0), "grid_spacing: expected finite lengths above 0"),
        (((4, 4), (1, 1, 1), 8.0), "grid_spacing: expected one number, or one for each of 2 axes"),
        (((4, 4), 1.0, 0.0), "resolution: expected finite lengths above 0"),
        (((4, 4), 1.0, math.inf), "resolution: expected finite lengths above 0"),
        (((4, 4), 1.0, 8.0, -1.0), "rolloff_width_fraction: expected a number of at least 0"),
    ],
)
def test_a_wrong_resolution_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        LowpassFilter.from_resolution(*arguments)
    with pytest.raises(ValueError, match=r"^dtype: expected float32 or float64"):
        LowpassFilter.from_resolution((4, 4), 1.0, 8.0, dtype=np.complex64)
