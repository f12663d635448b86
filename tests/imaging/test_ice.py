"""The power of a layer of ice, against its formula, fields in three dimensions, and physics."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import VitreousIce
from numbavol.imaging.water import AMPLITUDE, ICE_DENSITY, ICE_POTENTIAL, count_molecules

VOLTS = 47.878
RNG = np.random.default_rng(4)


def test_water_of_independent_atoms_has_four_and_a_half_volts() -> None:
    # 0.93 g/cm^3 is 0.0311 molecules in a cubic angstrom, each of 145.6 V A^3 (Peng's amplitudes).
    assert count_molecules(0.93) == pytest.approx(0.93 / 18.01528 * 0.602214076, rel=1e-12)
    assert pytest.approx(4.526, abs=1e-3) == ICE_POTENTIAL * VOLTS


def formula(k: np.ndarray) -> np.ndarray:
    ring = 0.801 * np.exp(-((k - 1 / 2.88) ** 2) / (2 * 0.081**2))
    return np.asarray(0.199 * np.exp(-(k**2) / (2 * 0.731**2)) + ring)


K = np.linspace(0, 10, 200_001)
INTEGRAL = np.trapezoid(2 * np.pi * K * formula(K), K)


def naive_density(k: np.ndarray | float) -> np.ndarray:
    """Power of the projected potential on the area of frequencies, a molecule on an area of 1."""
    return 10195.82 / VOLTS**2 * formula(np.asarray(k)) / INTEGRAL


@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.floats(0.3, 6), st.floats(0.3, 6)),
    st.booleans(),
    st.floats(10, 2000),
)
def test_the_power_is_the_formula(
    shape: tuple[int, int], sides: tuple[float, float], antialias: bool, thickness: float
) -> None:
    ice = VitreousIce(thickness, antialias=antialias)
    power = ice.evaluate(shape, sides)
    assert power.shape == (shape[0], shape[1] // 2 + 1)
    for y in range(shape[0]):
        for x in range(shape[1] // 2 + 1):
            ky = np.fft.fftfreq(shape[0], sides[1])[y]
            kx = x / (shape[1] * sides[0])
            expected = naive_density(np.hypot(kx, ky)) * thickness * count_molecules(ICE_DENSITY)
            expected /= sides[0] * sides[1]
            if antialias:
                expected *= np.sinc(kx * sides[0]) ** 2 * np.sinc(ky * sides[1]) ** 2
            # The volt is rounded here.
            assert power[y, x] == pytest.approx(expected, rel=1e-4)


def test_fine_pixels_have_the_variance_of_independent_points() -> None:
    thickness, side = 100.0, 0.1
    power = VitreousIce(thickness, antialias=False).evaluate((255, 255), side)
    # The half that is left out is as large as that without the column of frequency 0.
    variance = (power[:, 0].sum() + 2 * power[:, 1:].sum()) / 255**2
    expected = 10195.82 / VOLTS**2 * thickness * count_molecules(ICE_DENSITY)
    assert variance == pytest.approx(expected, rel=1e-3)


def test_a_random_field_in_three_dimensions_projects_to_the_power() -> None:
    n, n_z, side, n_fields = 12, 10, 1.5, 400
    thickness = n_z * side
    ice = VitreousIce(thickness, antialias=False)
    # Isotropic: its plane of frequencies across the beam is the power of the layer, over thickness.
    k = numbavol.make_radial_frequency_grid((n_z, n, n), side)
    density = naive_density(k) * count_molecules(ice.density)
    sums = np.zeros((n, n // 2 + 1))
    for _ in range(n_fields):
        white = np.fft.rfftn(RNG.standard_normal((n_z, n, n)))
        potential = np.fft.irfftn(white * np.sqrt(density / side**3), (n_z, n, n), (0, 1, 2))
        image = potential.sum(axis=0) * side
        sums += np.abs(numbavol.rfftn(image)) ** 2 / n**2
    ratio = sums / n_fields / ice.evaluate((n, n), side)
    # Each is the mean of 400 (a few of 400 real ones): standard deviation 5 % (7 %).
    assert np.abs(ratio - 1).max() < 5 * 0.07
    assert ratio.mean() == pytest.approx(1, abs=4 * 0.05 / np.sqrt(ratio.size / 2))


def test_low_frequencies_have_the_power_of_waters_compressibility() -> None:
    thickness = 500.0
    power = VitreousIce(thickness).evaluate((64, 64), 10.0)[0, 0] * 10.0**2
    # Structure factor of water at 0: density * k T * compressibility, 4.5e-10 / Pa at 298 K.
    structure = 0.0334e30 * 1.380649e-23 * 298 * 4.5e-10
    fluctuations = thickness * count_molecules(ICE_DENSITY) * AMPLITUDE**2 * structure
    assert 1 < power / fluctuations < 1.6


def test_the_power_has_the_size_of_independent_molecules_at_the_ring() -> None:
    k, side = 1 / 2.88, 0.5
    n = 288
    oxygen, hydrogen = (gemmi.Element(name).c4322.calculate_sf(k**2 / 4) for name in "OH")
    molecules = 500.0 * count_molecules(ICE_DENSITY) * (oxygen + 2 * hydrogen) ** 2
    power = VitreousIce(500.0, antialias=False).evaluate((n, n), side)[0, round(k * n * side)]
    # The structure factor of water is between 1 and 1.5 where it is largest.
    assert 0.8 < power * side**2 / molecules < 1.6


def test_power_grows_with_thickness_and_density() -> None:
    one = VitreousIce(100.0).evaluate((8, 8), 1.0)
    np.testing.assert_allclose(VitreousIce(250.0).evaluate((8, 8), 1.0), 2.5 * one, rtol=1e-12)
    twice = VitreousIce(100.0, density=2 * ICE_DENSITY).evaluate((8, 8), 1.0)
    np.testing.assert_allclose(twice, 2 * one, rtol=1e-12)
    assert not VitreousIce(0.0).evaluate((8, 8), 1.0).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"thickness_in_angstroms": -1.0}, "thickness_in_angstroms: expected a number of at least"),
        ({"thickness_in_angstroms": np.nan}, "thickness_in_angstroms: expected finite values"),
        ({"thickness_in_angstroms": 1.0, "density": -1}, "density: expected a number of at least"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VitreousIce(**arguments)


@pytest.mark.parametrize("antialias", ["no", 1, None], ids=str)
def test_a_word_for_a_flag_is_named(antialias: object) -> None:
    with pytest.raises(TypeError, match=f"antialias: expected True or False, got {antialias!r}"):
        VitreousIce(300.0, antialias=antialias)  # type: ignore[arg-type]


@pytest.mark.parametrize(("pixel_size", "share"), [(1.0, 0.32), (1.5, 0.135), (2.0, 0.05)])
def test_pixels_have_the_share_of_the_variance_of_points_that_is_stated(
    pixel_size: float, share: float
) -> None:
    power = VitreousIce(300.0).evaluate((256, 256), pixel_size)
    plane = np.concatenate([power, power[:, 1:-1]], axis=1)
    fine = VitreousIce(300.0, antialias=False).evaluate((256, 256), 0.1)
    points = np.concatenate([fine, fine[:, 1:-1]], axis=1)
    assert plane.mean() / points.mean() == pytest.approx(share, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "pixel_size", "message"),
    [((8,), 1.0, "shape: expected 2 whole"), ((8, 8), 0.0, "pixel_size: expected finite lengths")],
)
def test_bad_images_are_named(shape: tuple[int, ...], pixel_size: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VitreousIce(1.0).evaluate(shape, pixel_size)
