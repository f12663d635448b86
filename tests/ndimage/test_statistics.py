"""Averages over shells, against sums over every sample and against known curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from numbavol import (
    compute_fourier_ring_correlation,
    compute_fourier_shell_correlation,
    compute_power_spectrum,
    compute_radial_average,
    fftn,
    make_radial_coordinate_grid,
    make_radial_frequency_grid,
    set_num_threads,
)

lengths = st.integers(1, 9)
shapes = st.one_of(st.tuples(lengths, lengths), st.tuples(lengths, lengths, lengths))
sides = st.sampled_from([0.5, 1.0, 1.25])


def random_array(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def shells_of(distances: np.ndarray, width: float) -> np.ndarray:
    return np.floor(distances / width + 0.5 + 1e-9).astype(int)


def fourier_shells_of(shape: tuple[int, ...]) -> np.ndarray:
    """Shells of all samples, from whole numbers: some frequencies lie between two shells."""
    whole = np.stack(
        np.meshgrid(
            *(np.fft.fftfreq(n, 1 / n).round() * max(shape) / n for n in shape), indexing="ij"
        )
    )
    return shells_of(np.sqrt(np.sum(whole[::-1] ** 2, axis=0)), 1.0)


def correlate(first: np.ndarray, second: np.ndarray, side: float, threshold: float = 0.143):
    function = (
        compute_fourier_shell_correlation if first.ndim == 3 else compute_fourier_ring_correlation
    )
    return function(first, second, side, threshold)


@given(shapes, sides)
@example((6, 9), 1.25)
def test_correlations_are_sums_over_all_samples_of_both_halves(shape, side):
    first, second = random_array(shape, 1), random_array(shape, 2)
    found = correlate(first, second, side)
    one, other = fftn(first), fftn(second)
    shells = fourier_shells_of(shape)
    for shell, correlation in enumerate(found.correlation):
        a, b = one[shells == shell], other[shells == shell]
        power = np.sqrt(np.sum(np.abs(a) ** 2) * np.sum(np.abs(b) ** 2))
        expected = np.sum(a * np.conj(b)).real / power if power else 0.0
        # A quotient of sums of a few hundred terms.
        assert correlation == pytest.approx(expected, abs=1e-12)


@given(shapes, sides)
def test_shells_are_steps_of_the_finest_axis_up_to_nyquist(shape, side):
    found = correlate(random_array(shape, 1), random_array(shape, 2), side)
    assert found.frequencies.shape == found.correlation.shape
    np.testing.assert_allclose(np.diff(found.frequencies), 1 / (max(shape) * side))
    assert found.frequencies[-1] <= 0.5 / side * (1 + 1e-12)
    assert found.frequencies[-1] + 1 / (max(shape) * side) > 0.5 / side


@given(shapes)
def test_a_map_correlates_with_itself_and_its_multiples(shape):
    values = random_array(shape, 3)
    np.testing.assert_allclose(correlate(values, 3.0 * values, 1.0).correlation, 1.0, atol=1e-12)
    np.testing.assert_allclose(correlate(values, -values, 1.0).correlation, -1.0, atol=1e-12)


def test_noise_of_known_power_gives_the_known_curve():
    # Signal of power 1 and independent noise of power s in both: the expectation is 1 / (1 + s).
    rng = np.random.default_rng(4)
    signal = rng.standard_normal((32, 32, 32))
    first, second = (signal + np.sqrt(0.5) * rng.standard_normal(signal.shape) for _ in range(2))
    found = correlate(first, second, 1.0)
    # The last shells have about 3000 independent samples: three standard errors.
    np.testing.assert_allclose(found.correlation[10:], 1 / 1.5, atol=3 / np.sqrt(1000))


def test_the_resolution_is_where_the_line_between_shells_crosses():
    # Two maps that agree below a frequency and not above it.
    rng = np.random.default_rng(5)
    shape = (24, 24, 24)
    frequencies = make_radial_frequency_grid(shape, 2.0, outputs_rfftfreqs=False)
    low = frequencies <= 6.4 / 48
    common = np.fft.fftn(rng.standard_normal(shape))
    first, second = (
        np.fft.ifftn(np.where(low, common, np.fft.fftn(rng.standard_normal(shape)))).real
        for _ in range(2)
    )
    found = correlate(first, second, 2.0, 0.5)
    assert np.all(found.correlation[:6] > 0.9)
    # The crossing lies between shells 6 and 7.
    assert 48 / 7 <= found.resolution <= 48 / 6


def test_what_never_falls_resolves_to_the_last_shell():
    values = random_array((8, 8, 8), 6)
    assert correlate(values, values, 1.5).resolution == pytest.approx(3.0)


@given(shapes, sides)
def test_the_power_spectrum_is_the_mean_squared_modulus(shape, side):
    values = random_array(shape, 7)
    found = compute_power_spectrum(values, side)
    power = np.abs(fftn(values)) ** 2
    shells = fourier_shells_of(shape)
    for shell, value in enumerate(found.values):
        members = power[shells == shell]
        if members.size:
            assert value == pytest.approx(members.mean(), rel=1e-10)
        else:
            assert np.isnan(value)


@given(shapes, sides)
def test_the_radial_average_is_the_mean_over_each_shell(shape, side):
    values = random_array(shape, 8)
    found = compute_radial_average(values, side)
    shells = shells_of(make_radial_coordinate_grid(shape, side), side)
    assert len(found.values) == shells.max() + 1
    np.testing.assert_allclose(found.distances, side * np.arange(shells.max() + 1))
    for shell, value in enumerate(found.values):
        members = values[shells == shell]
        if members.size:
            assert value == pytest.approx(members.mean(), abs=1e-13)
        else:
            assert np.isnan(value)


def test_unequal_sides_are_x_y_z():
    values = np.zeros((9, 9, 9))
    values[4, 4, 8] = 1.0  # 4 elements along x
    found = compute_radial_average(values, (0.5, 1.0, 2.0))
    assert np.nanargmax(found.values) == 4
    assert found.distances[4] == 2.0


@pytest.mark.same_bits
@pytest.mark.compiled
def test_the_number_of_threads_changes_no_bit():
    first, second = random_array((64, 20, 20), 9), random_array((64, 20, 20), 10)
    found = []
    for n_threads in (1, 3):
        set_num_threads(n_threads)
        found.append(correlate(first, second, 1.0).correlation)
    set_num_threads(None)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (np.ones((3, 3, 3)), np.ones((3, 3, 4))),
            r"volume_2: expected the shape .* got \(3, 3, 4",
        ),
        ((np.ones((3, 3)), np.ones((3, 3))), r"volume_1: expected 3 axes, got shape \(3, 3\)"),
        ((np.ones((3, 3, 3)) * 1j, np.ones((3, 3, 3))), r"volume_1: .* got dtype complex"),
        ((np.ones((3, 3, 3)), np.ones((3, 3, 3)), 1.0, 1.5), r"threshold: .* got 1.5"),
        ((np.ones((3, 3, 3)), np.ones((3, 3, 3)), -1.0), r"voxel_size"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        compute_fourier_shell_correlation(*arguments)


# Kernels that are not compiled warn of infinity times 0.
@pytest.mark.parametrize("wrong", [np.nan, pytest.param(np.inf, marks=pytest.mark.compiled)])
@pytest.mark.parametrize("name", ["volume_1", "volume_2"])
def test_what_is_not_finite_correlates_with_nothing_and_is_an_error(name, wrong):
    maps = {"volume_1": np.ones((4, 4, 4)), "volume_2": np.ones((4, 4, 4))}
    maps[name][1, 2, 3] = wrong
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(ValueError, match=f"{name}: expected finite values"),
    ):
        compute_fourier_shell_correlation(**maps)


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e77, 1e150])
def test_correlations_do_not_depend_on_the_scale(scale):
    rng = np.random.default_rng(5)
    one = rng.standard_normal((8, 8, 8))
    other = one + 0.1 * rng.standard_normal((8, 8, 8))
    expected = compute_fourier_shell_correlation(one, other).correlation
    found = compute_fourier_shell_correlation(scale * one, scale * other).correlation
    # Roundings of transforms of 8^3 voxels.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("thinnest", [1e-12, 1e-320])
def test_rings_that_do_not_fit_into_memory_are_refused_before(thinnest):
    with pytest.raises(MemoryError, match=r"grid_spacing: a profile of \d+ rings takes .* GiB"):
        compute_radial_average(np.ones((3, 3)), (thinnest, 1.0))
