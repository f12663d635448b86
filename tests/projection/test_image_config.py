"""Pixels and electrons: what an image configuration computes, refuses and is as a value."""

from __future__ import annotations

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import ImageConfig

CONFIG = ImageConfig((6, 9), 1.5, 200.0, pad_scale=1.5)
shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
pad_scales = st.one_of(st.sampled_from([1.0, 1.25, 1.5, 2.0]), st.floats(1.0, 3.0))


@pytest.mark.parametrize(
    ("kilovolts", "wavelength"),
    # As tables of electron microscopy print them, in angstroms.
    [(80, 0.04176), (100, 0.03701), (120, 0.03349), (200, 0.02508), (300, 0.01969)],
)
def test_the_wavelength_is_that_of_relativistic_electrons(kilovolts, wavelength):
    config = ImageConfig((4, 4), 1.0, kilovolts)
    volts = 1e3 * kilovolts
    expected = 12.2639 / math.sqrt(volts + 0.97845e-6 * volts**2)
    assert config.wavelength_in_angstroms == pytest.approx(expected, rel=1e-14)
    # Half of the last digit that is printed.
    assert config.wavelength_in_angstroms == pytest.approx(wavelength, abs=0.6e-5)
    wavenumber = config.wavenumber_in_inverse_angstroms
    assert wavenumber * config.wavelength_in_angstroms == pytest.approx(2 * math.pi, rel=1e-14)


def test_the_lorentz_factor_is_one_plus_the_energy_in_rest_energies():
    assert ImageConfig((4, 4), 1.0, 510.99895).lorentz_factor == pytest.approx(2.0, rel=1e-8)
    assert ImageConfig((4, 4), 1.0).lorentz_factor == pytest.approx(1.58708, abs=1e-5)


def test_electrons_have_300_kilovolts_and_images_no_margin_unless_asked():
    config = ImageConfig((4, 5), 2)
    assert (config.voltage_in_kilovolts, config.pad_scale) == (300.0, 1.0)
    assert config.padded_shape == config.shape == (4, 5)


@given(shapes, pad_scales)
def test_the_padded_shape_is_the_whole_part_of_n_times_the_scale(shape, pad_scale):
    config = ImageConfig(shape, 1.0, pad_scale=pad_scale)
    assert config.padded_shape == tuple(int(n * pad_scale) for n in shape)
    assert all(type(n) is int for n in (*config.shape, *config.padded_shape))


@given(shapes, pad_scales, st.floats(0.1, 10.0))
def test_grids_are_those_of_the_shapes(shape, pad_scale, pixel_size):
    config = ImageConfig(shape, pixel_size, pad_scale=pad_scale)
    for prefix, lengths in (("", config.shape), ("padded_", config.padded_shape)):
        for kind in ("coordinate", "frequency"):
            make = getattr(numbavol, f"make_{kind}_grid")
            in_pixels = getattr(config, f"{prefix}{kind}_grid_in_pixels")
            in_angstroms = getattr(config, f"{prefix}{kind}_grid_in_angstroms")
            np.testing.assert_array_equal(in_pixels, make(lengths))
            np.testing.assert_array_equal(in_angstroms, make(lengths, pixel_size))


def test_grids_have_0_at_half_n_rounded_down_or_in_the_corner():
    assert CONFIG.coordinate_grid_in_angstroms.shape == (6, 9, 2)
    np.testing.assert_array_equal(CONFIG.coordinate_grid_in_angstroms[3, 4], 0)
    np.testing.assert_array_equal(CONFIG.coordinate_grid_in_angstroms[4, 6], [3.0, 1.5])
    assert CONFIG.frequency_grid_in_angstroms.shape == (6, 5, 2)
    np.testing.assert_array_equal(CONFIG.frequency_grid_in_angstroms[0, 0], 0)
    expected = [2 / (9 * 1.5), 1 / (6 * 1.5)]
    np.testing.assert_allclose(CONFIG.frequency_grid_in_angstroms[1, 2], expected, rtol=1e-14)


@given(shapes, pad_scales)
def test_cutting_undoes_padding_and_both_keep_the_origin(shape, pad_scale):
    config = ImageConfig(shape, 1.0, pad_scale=pad_scale)
    image = np.random.default_rng(0).normal(size=shape)
    padded = config.pad_to_padded_shape(image)
    assert padded.shape == config.padded_shape
    np.testing.assert_array_equal(config.crop_to_shape(padded), image)
    middle, padded_middle = (tuple(n // 2 for n in a.shape) for a in (image, padded))
    assert padded[padded_middle] == image[middle]
    assert np.abs(padded).sum() == pytest.approx(np.abs(image).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("method", "shape"), [("crop_to_shape", (5, 13)), ("pad_to_padded_shape", (6, 14))]
)
def test_images_of_other_shapes_do_not_fit(method, shape):
    with pytest.raises(ValueError, match="shape"):
        getattr(CONFIG, method)(np.zeros(shape))


@pytest.mark.parametrize(
    "arguments",
    [
        {"shape": 8},
        {"shape": (8,)},
        {"shape": (8, 8, 8)},
        {"shape": (0, 8)},
        {"shape": (-1, 8)},
        {"shape": (8.0, 8.0)},
        {"shape": "ab"},
        {"pixel_size": 0.0},
        {"pixel_size": -1.0},
        {"pixel_size": math.nan},
        {"pixel_size": math.inf},
        {"pixel_size": (1.0, 1.0)},
        {"pixel_size": "1.0"},
        {"pixel_size": None},
        {"voltage_in_kilovolts": 0.0},
        {"voltage_in_kilovolts": 300e3},
        {"voltage_in_kilovolts": -300.0},
        {"voltage_in_kilovolts": math.nan},
        {"voltage_in_kilovolts": math.inf},
        {"voltage_in_kilovolts": [300.0]},
        {"pad_scale": 0.999},
        {"pad_scale": -2.0},
        {"pad_scale": math.nan},
        {"pad_scale": math.inf},
        {"pad_scale": "2"},
    ],
    ids=str,
)
def test_an_argument_that_is_refused_is_named(arguments):
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))}: expected"):
        ImageConfig(**{"shape": (8, 8), "pixel_size": 1.0, **arguments})


def test_values_are_read_into_plain_numbers():
    config = ImageConfig(np.array([6, 9]), np.float32(1.5), np.int64(200), pad_scale=np.array(1.5))
    assert config == CONFIG
    assert [type(value) for value in vars(config).values()] == [tuple, float, float, float]


def test_a_configuration_is_a_value():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CONFIG.pixel_size = 2.0
    same = ImageConfig([6, 9], 1.5, 200, pad_scale=1.5)
    assert same == CONFIG
    assert len({same, CONFIG}) == 1
    assert pickle.loads(pickle.dumps(CONFIG)) == CONFIG
    for change in ({"shape": (6, 8)}, {"pixel_size": 1.6}, {"voltage_in_kilovolts": 300.0}):
        assert dataclasses.replace(CONFIG, **change) != CONFIG
    assert dataclasses.replace(CONFIG, pad_scale=2).padded_shape == (12, 18)
    with pytest.raises(ValueError, match="pad_scale"):
        dataclasses.replace(CONFIG, pad_scale=0.5)
