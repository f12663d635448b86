"""Where hundreds of Gaussians overlap, adding them in single precision would lose the promise."""

from __future__ import annotations

import numpy as np
import pytest

from numbavol import (
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    PengScatteringFactorParameters,
    read_atoms_from_pdb,
    set_num_threads,
)
from numbavol.data import enterotoxin
from numbavol.rendering import gaussian_mixture

pytestmark = pytest.mark.compiled


def relative_error(volume, shape, voxel_size):
    """The largest difference between both precisions, over the peak."""
    single = GaussianMixtureRenderFn(shape, voxel_size)(volume)
    double = GaussianMixtureRenderFn(shape, voxel_size, dtype=np.float64)(volume)
    assert single.dtype == np.float32
    return np.max(np.abs(single - double)) / np.max(np.abs(double))


def random_mixture(n_positions, side):
    positions = np.random.default_rng(0).uniform(-side, side, (n_positions, 3))
    return GaussianMixtureVolume(positions, 1.0, 1.0)


@pytest.mark.parametrize("n_positions", [100, 1_000, 10_000, 100_000])
def test_any_number_of_overlapping_gaussians_keeps_the_promise(n_positions):
    # Added in float32 throughout, 100,000 of them err by 1e-4.
    assert relative_error(random_mixture(n_positions, 8.0), (16, 16, 16), 1.0) < 1e-6


@pytest.mark.parametrize("b_factor", [30.0, 80.0, 200.0, 1000.0])
@pytest.mark.parametrize("voxel_size", [1.0, 3.0, 6.0])
def test_a_protein_keeps_the_promise_at_any_b_factor_and_voxel_size(b_factor, voxel_size):
    positions, atomic_numbers = read_atoms_from_pdb(enterotoxin())
    volume = GaussianMixtureVolume.from_tabulated_parameters(
        positions, PengScatteringFactorParameters(atomic_numbers), b_factor
    )
    side = int(144 / voxel_size)
    assert relative_error(volume, (side,) * 3, voxel_size) < 1e-6


def test_the_number_of_threads_changes_no_bit_where_it_is_crowded():
    volume, render_fn = random_mixture(20_000, 20.0), GaussianMixtureRenderFn((40, 41, 42), 1.0)
    set_num_threads(1)
    expected = render_fn(volume)
    set_num_threads(3)
    np.testing.assert_array_equal(render_fn(volume), expected)
    set_num_threads(None)


def test_few_gaussians_are_added_in_single_precision(monkeypatch):
    volume, render_fn = random_mixture(50, 8.0), GaussianMixtureRenderFn((16, 16, 16), 1.0)
    expected = render_fn(volume)
    # What only a crowded map is cut by.
    monkeypatch.setattr(gaussian_mixture, "SLABS_A_THREAD_WHERE_CROWDED", None)
    np.testing.assert_array_equal(render_fn(volume), expected)
