"""Volumes that are drawn at random."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol.volumes import EnsembleVolume, GaussianMixtureVolume, ThermalVolume

PEPTIDE_MODELS = """\
MODEL        {number}
ATOM      1  CA  GLY A   1    {x:8.3f}   0.000   0.000  1.00 10.00           C
ATOM      2  N   GLY A   1    {y:8.3f}   0.000   0.000  1.00 10.00           N
ENDMDL
"""


def atom_at(x: float) -> GaussianMixtureVolume:
    return GaussianMixtureVolume([[x, 0.0, 0.0]], amplitudes=3.0, variances=1.0)


@given(
    weights=st.lists(st.floats(0, 1e6), min_size=3, max_size=3).filter(lambda w: sum(w) > 1e-3),
    seed=st.integers(0, 2**32),
)
def test_a_draw_is_one_of_the_volumes_that_have_weight(weights: list[float], seed: int) -> None:
    volumes = tuple(atom_at(float(x)) for x in range(3))
    drawn = EnsembleVolume(volumes, weights).get_representation(seed)
    (index,) = (n for n, volume in enumerate(volumes) if volume is drawn)
    assert weights[index] > 0


def test_volumes_are_drawn_by_their_weights() -> None:
    ensemble = EnsembleVolume((atom_at(0.0), atom_at(1.0), atom_at(2.0)), [1, 2, 5])
    rng = np.random.default_rng(0)
    counts = np.bincount([ensemble.choose(rng) for _ in range(8000)], minlength=3)
    # Four deviations of a binomial.
    expected = np.array([1000, 2000, 5000])
    assert np.all(np.abs(counts - expected) < 4 * np.sqrt(expected))


def test_a_seed_gives_the_same_draw() -> None:
    thermal = ThermalVolume(atom_at(0.0), 50.0)
    ensemble = EnsembleVolume((thermal, atom_at(9.0)))
    for volume in (thermal, ensemble):
        one, other = (volume.get_representation(rng=7).positions for _ in range(2))
        np.testing.assert_array_equal(one, other)


@pytest.mark.compiled
def test_the_mean_over_draws_is_the_map_of_the_b_factors() -> None:
    b_factor, n_draws = 60.0, 4000
    still = atom_at(0.3)
    thermal = ThermalVolume(still, b_factor)
    variance = float(numbavol.b_factor_to_variance(b_factor))
    render_fn = numbavol.GaussianMixtureRenderFn((16, 16, 16), 1.0, dtype=np.float64)
    rng = np.random.default_rng(0)
    draws = [render_fn(thermal.get_representation(rng)) for _ in range(n_draws)]
    mean, deviation = np.mean(draws, axis=0), np.std(draws, axis=0)
    expected = render_fn(
        GaussianMixtureVolume(still.positions, still.amplitudes, still.variances + variance)
    )
    # Five deviations of the mean, where it is not made of a few draws alone.
    is_frequent = expected > 1e-2 * expected.max()
    allowed = 5 * deviation / np.sqrt(n_draws)
    assert np.count_nonzero(is_frequent) > 50
    assert np.all(np.abs(mean - expected)[is_frequent] < allowed[is_frequent])


def test_displacements_have_the_variance_of_the_b_factors() -> None:
    n = 20_000
    b_factors = np.where(np.arange(n) % 2, 80.0, 20.0)
    still = GaussianMixtureVolume(np.zeros((n, 3)), 1.0, 1.0)
    moved = ThermalVolume(still, b_factors).get_representation(rng=0).positions
    for b_factor in (20.0, 80.0):
        found = moved[b_factors == b_factor].var()
        assert found == pytest.approx(b_factor / (8 * np.pi**2), rel=0.03)


def test_thermal_atoms_of_a_file_keep_occupancies_and_b_factors() -> None:
    atoms = numbavol.load_atoms(numbavol.data.enterotoxin())
    thermal = ThermalVolume.from_atoms(atoms)
    np.testing.assert_array_equal(thermal.b_factors, atoms.b_factors)
    sharp = numbavol.PengScatteringFactorParameters(atoms.atomic_numbers)
    np.testing.assert_allclose(
        thermal.volume.variances, numbavol.b_factor_to_variance(sharp.b), rtol=1e-12
    )


def test_the_models_of_a_file_are_an_ensemble(tmp_path) -> None:
    path = tmp_path / "models.pdb"
    path.write_text(
        "".join(PEPTIDE_MODELS.format(number=n, x=n, y=n + 4) for n in (1, 2, 3)) + "END\n"
    )
    ensemble = EnsembleVolume.from_models(path, weights=[0, 0, 1])
    assert len(ensemble.volumes) == 3
    first = ensemble.volumes[0].get_representation().positions
    drawn = ensemble.get_representation(rng=0).positions
    # Models are moved together.
    np.testing.assert_allclose(drawn - first, [[2.0, 0, 0]] * 2, atol=1e-12)


def test_what_is_odd_in_all_models_is_one_warning_where_they_were_asked_for(tmp_path) -> None:
    path = tmp_path / "models.pdb"
    models = [PEPTIDE_MODELS.format(number=n, x=n, y=n + 4) for n in (1, 2, 3)]
    path.write_text("".join(models).replace("1.00 10.00           N", "1.00  0.00           N"))
    with pytest.warns(numbavol.StructureWarning, match="3 atoms with a B-factor of 0") as found:
        EnsembleVolume.from_models(path)
    assert [warning.filename for warning in found] == [__file__]


def test_a_model_of_which_nothing_is_left_is_named(tmp_path) -> None:
    path = tmp_path / "models.pdb"
    models = [PEPTIDE_MODELS.format(number=n, x=n, y=n + 4) for n in (1, 2)]
    path.write_text(models[0].replace(" CA ", " CB ") + models[1])
    with pytest.raises(ValueError, match="models: expected atoms in each, number 1 of 2 has none"):
        EnsembleVolume.from_models(path, selection_string="//*//CA")


@pytest.mark.parametrize(
    ("volumes", "weights", "error", "message"),
    [
        ((), None, ValueError, "volumes: expected one or more, got none"),
        (atom_at(0), None, TypeError, "volumes: expected a list of volumes, got GaussianMixture"),
        ((3.0,), None, TypeError, "volumes: expected volumes, got float"),
        ((atom_at(0),), [1.0, 2.0], ValueError, "weights: expected 1 numbers"),
        ((atom_at(0),), [-1.0], ValueError, "weights: expected 1 numbers of at least 0"),
        ((atom_at(0),), [0.0], ValueError, "not all of them 0"),
        ((atom_at(0),), [np.nan], ValueError, "weights"),
    ],
)
def test_a_bad_ensemble_is_named(volumes, weights, error, message) -> None:
    with pytest.raises(error, match=message):
        EnsembleVolume(volumes, weights)


@pytest.mark.parametrize(
    ("volume", "b_factors", "error", "message"),
    [
        (3.0, 1.0, TypeError, "volume: expected a GaussianMixtureVolume, got float"),
        (atom_at(0), -1.0, ValueError, "b_factors: expected one number or 1, of at least 0"),
        (atom_at(0), [1.0, 2.0], ValueError, "b_factors: expected one number or 1"),
        (atom_at(0), np.inf, ValueError, "b_factors"),
    ],
)
def test_a_bad_thermal_volume_is_named(volume, b_factors, error, message) -> None:
    with pytest.raises(error, match=message):
        ThermalVolume(volume, b_factors)


def test_random_volumes_compare_by_what_they_are_made_of() -> None:
    still = numbavol.GaussianMixtureVolume([[0.0, 0.0, 0.0]], amplitudes=1.0, variances=4.0)
    grid = numbavol.FourierVoxelGridVolume.from_real_voxel_grid(np.ones((4, 4, 4)))
    thermal = [numbavol.ThermalVolume(still, b_factors) for b_factors in (8.0, 8.0, 9.0)]
    ensembles = [
        numbavol.EnsembleVolume((still, grid, thermal[0]), weights)
        for weights in (None, [2, 2, 2], [1, 2, 3])
    ]
    for one, same, other in (thermal, ensembles):
        assert one == same == pickle.loads(pickle.dumps(one))
        assert hash(one) == hash(same)
        assert one != other
        assert one != still


def test_a_thermal_volume_without_atoms_says_so() -> None:
    none = numbavol.GaussianMixtureVolume(np.zeros((0, 3)), amplitudes=1.0, variances=1.0)
    assert repr(ThermalVolume(none, 20.0)) == "ThermalVolume(0 positions)"
