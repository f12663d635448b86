"""Solvent around a molecule: volumes, grids, and gemmi's own mask."""

from __future__ import annotations

import dataclasses
import math
import warnings
from pathlib import Path

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import numbavol
from numbavol.atoms import Atoms
from numbavol.imaging import solvent as solvent_module
from numbavol.imaging.hydration import HydrationLayer
from numbavol.imaging.solvent import LARGEST_RADIUS, BulkSolvent

# What hydrogens are for has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:atoms without hydrogens:numbavol.StructureWarning")

PEPTIDE = Path(__file__).parent.parent / "data" / "3al1.cif.gz"
# Uncompiled, distances take minutes: a few tests of their own show what the kernel does.
SOLVENTS = [
    BulkSolvent(k_sol=1.0),
    pytest.param(HydrationLayer(k_sol=1.0), marks=pytest.mark.compiled),
]
either = pytest.mark.parametrize("solvent", SOLVENTS, ids=lambda solvent: type(solvent).__name__)


def place(positions: object, atomic_numbers: object = 6) -> Atoms:
    return Atoms.from_arrays(np.asarray(positions, float), atomic_numbers)


@pytest.fixture(scope="module")
def peptide() -> Atoms:
    with warnings.catch_warnings():
        # Of one site that counts more than once.
        warnings.simplefilter("ignore", numbavol.StructureWarning)
        atoms = numbavol.load_atoms(PEPTIDE)
    return dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)


def make_mask_of_gemmi(atoms: Atoms, n: int, spacing: float) -> np.ndarray:
    """What is displaced, (z, y, x), points as voxels lie: position 0 at ``n // 2``."""
    structure = atoms.to_gemmi()
    for site in structure[0].all():
        site.atom.pos = site.atom.pos + gemmi.Position(*[n // 2 * spacing] * 3)
    grid = gemmi.FloatGrid(n, n, n)
    grid.set_unit_cell(gemmi.UnitCell(*[n * spacing] * 3, 90, 90, 90))
    grid.spacegroup = gemmi.SpaceGroup("P 1")
    gemmi.SolventMasker(gemmi.AtomicRadiiSet.Cctbx).put_mask_on_float_grid(grid, structure[0])
    return np.asarray(1 - grid.array.T)


def test_the_mask_is_gemmis(peptide: Atoms) -> None:
    n, spacing = 100, 0.5
    expected = make_mask_of_gemmi(peptide, n, spacing)
    rendered = BulkSolvent(k_sol=1.0, b_sol=0.0).render(peptide, (n,) * 3, spacing)
    assert expected[0].sum() == 0
    # A point may lie on a sphere to the last bit.
    assert np.count_nonzero(np.abs(rendered + expected) > 1e-6) <= 2
    assert expected.sum() > 20_000


def test_smoothing_is_by_the_b_factor() -> None:
    atoms = place([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    b_sol = 60.0
    sharp, smooth = (
        BulkSolvent(k_sol=1.0, b_sol=b).render(atoms, (64, 60, 56), 0.4) for b in (0.0, b_sol)
    )
    grid = numbavol.make_frequency_grid(sharp.shape, 0.4)
    gauss = np.exp(-b_sol * (grid**2).sum(-1) / 4)
    # The mask is constant in the cells of points, and the map an average over voxels.
    factors = gauss * numbavol.FourierSinc(0.4)(grid) ** 2
    expected = numbavol.irfftn(numbavol.rfftn(sharp) * factors, sharp.shape)
    # What is left at the Nyquist frequency is exp(-23); five standard deviations are summed over.
    np.testing.assert_allclose(smooth, expected, rtol=0, atol=2e-5)


def test_a_large_sphere_has_its_volume() -> None:
    solvent = BulkSolvent(probe_radius=9.0, shrink_radius=0.0, k_sol=0.1)
    rendered = solvent.render(place([[0.3, -0.2, 0.1]]), (40, 36, 34), (1.0, 1.1, 1.2))
    # The radius of carbon in gemmi's set is 1.775: 21 points along the radius.
    volume = 4 / 3 * math.pi * (1.775 + 9.0) ** 3
    assert -rendered.sum() / 0.1 * 1.0 * 1.1 * 1.2 == pytest.approx(volume, rel=3e-3)
    assert rendered.min() == pytest.approx(-0.1, rel=1e-5)
    assert rendered[0, 0, 0] == 0


def test_a_protein_displaces_its_partial_specific_volume(is_compiled: bool) -> None:
    atoms = numbavol.load_atoms(numbavol.data.enterotoxin(), waters="drop")
    atoms = dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)
    # In 1 g of protein 0.07 g are hydrogen, which the file has not; 0.73 cm^3/g.
    expected = atoms.masses.sum() / 0.93 * 0.73 / 0.6022
    for voxel_size in (1.0, 1.5, 3.0):
        n = math.ceil(110 / voxel_size)
        rendered = BulkSolvent(k_sol=1.0).render(atoms, (n,) * 3, voxel_size)
        assert -rendered.sum() * voxel_size**3 == pytest.approx(expected, rel=0.03)
    if not is_compiled:
        return
    # Water's shells count as well, and its edge is not where the mask has it.
    rendered = HydrationLayer(k_sol=1.0).render(atoms, (40,) * 3, 3.0)
    assert -rendered.sum() * 27 == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(("atomic_number", "radius"), [(6, 1.7), (7, 1.55), (8, 2.0)])
def test_one_atom_has_the_integral_of_the_profile(atomic_number: int, radius: float) -> None:
    def missing(r: float) -> float:
        return 4 * math.pi * r**2 * (1 - naive_profile(r - radius, polar=atomic_number != 6))

    expected = quad(missing, 0, radius + 12, limit=200)[0]
    rendered = HydrationLayer(k_sol=1.0).render(
        place([[0.1, 0.2, -0.3]], atomic_number), (40,) * 3, 0.7
    )
    # Shells are thin compared with what they enclose: points sum to a thousandth of all of them.
    scale = quad(lambda r: abs(missing(r)), 0, radius + 12, limit=200)[0]
    assert -rendered.sum(dtype=float) * 0.7**3 == pytest.approx(expected, abs=3e-3 * scale)


def naive_profile(d: float, *, polar: bool) -> float:
    if polar:
        shells = 0.20 * math.exp(-(((d - 1.7) / 2.5) ** 2))
        shells -= 0.15 * math.exp(-(((d - 3.0) / 1.5) ** 2))
        return (1 + math.erf(d - 0.5)) / 2 + shells
    shells = 0.15 * math.exp(-(((d - 2.2) / 2.5) ** 2))
    shells -= 0.12 * math.exp(-(((d - 3.6) / 1.2) ** 2))
    return (1 + math.erf(d - 1.0)) / 2 + shells


def test_hydration_is_the_profile_at_points() -> None:
    # One point a voxel, on whose centre the potential is that of the profile.
    rng = np.random.default_rng(2)
    positions, numbers = rng.uniform(-3, 3, (6, 3)), np.array([6, 7, 8, 16, 1, 26])
    radii = np.array([1.7, 1.55, 2.0, 1.8, 0.0, gemmi.Element(26).vdw_r])
    shape, side = (14, 15, 16), 0.5
    rendered = HydrationLayer(k_sol=1.0).render(place(positions, numbers), shape, side)
    is_heavy = numbers > 1
    for index in np.ndindex(*shape):
        point = (np.array(index) - np.array(shape) // 2)[::-1] * side
        distances = np.linalg.norm(positions - point, axis=1) - radii
        nearest = np.argmin(np.where(is_heavy, distances, np.inf))
        expected = naive_profile(distances[nearest], polar=numbers[nearest] != 6) - 1
        # Deep in an atom there are some hundredths, or none, by how near a probe's place is.
        is_dry = rendered[index] == -1 and distances[nearest] < -1
        assert is_dry or rendered[index] == pytest.approx(expected, abs=1e-5), (index, distances)


def test_a_cavity_without_room_for_water_stays_empty() -> None:
    # Atoms on a sphere of 6 A: 4.3 A to their surfaces from the middle, where a probe has room.
    directions = numbavol.make_coordinate_grid((7, 7, 7)).reshape(-1, 3)
    directions = directions[np.abs(directions).max(axis=1) == 3]
    shell = directions / np.linalg.norm(directions, axis=1)[:, np.newaxis]
    middles = [
        HydrationLayer(k_sol=1.0).render(place(shell * radius), (1, 1, 1), 0.5)[0, 0, 0]
        for radius in (6.0, 3.2)
    ]
    assert abs(middles[0]) < 0.1
    # There are 1.5 A of room, less than a probe.
    assert middles[1] == -1
    small = HydrationLayer(k_sol=1.0, probe_radius=1.0).render(place(shell * 3.2), (1, 1, 1), 0.5)
    assert small[0, 0, 0] > -0.6


@either
@given(shift=st.tuples(*[st.integers(-6, 6)] * 3), seed=st.integers(0, 100))
def test_whole_voxels_move_the_map(
    solvent: BulkSolvent | HydrationLayer, shift: tuple[int, int, int], seed: int
) -> None:
    sides = np.array([1.2, 0.75, 1.0])
    # In steps of quarter voxels: centres and boundaries of voxels are among them.
    positions = np.random.default_rng(seed).integers(-4, 5, (3, 3)) / 4 * sides
    shape = (9, 10, 11)
    large = solvent.render(place(positions), (24, 25, 26), sides)
    # Some atoms, or all, leave the box.
    moved = solvent.render(place(positions + np.array(shift) * sides), shape, sides)
    low = np.array([12, 12, 13]) - np.array(shape) // 2 - np.array(shift[::-1])
    part = tuple(slice(a, a + n) for a, n in zip(low, shape, strict=True))
    # Where a point is just as far from a probe's place as solvent reaches, the last bit decides
    # about the hundredths that there are of it inside of atoms.
    differs = np.abs(moved - large[part]) > 2e-5
    assert np.mean(differs) < 2e-3
    assert np.abs(moved - large[part]).max() < (
        0.02 if isinstance(solvent, HydrationLayer) else 2e-5
    )


@either
@given(seed=st.integers(0, 1000), voxel_size=st.floats(0.4, 4.0))
def test_values_are_between_none_and_all_of_the_solvent(
    solvent: BulkSolvent | HydrationLayer, seed: int, voxel_size: float
) -> None:
    rng = np.random.default_rng(seed)
    atoms = place(rng.uniform(-9, 9, (3, 3)), rng.choice([6, 7, 8, 16], 3))
    rendered = solvent.render(atoms, tuple(rng.integers(1, 12, 3)), voxel_size)
    densest = 0.0 if isinstance(solvent, BulkSolvent) else 0.2
    assert rendered.min() >= -1 - 1e-5
    assert rendered.max() <= densest + 1e-5


@either
def test_nothing_comes_in_at_the_other_side(solvent: BulkSolvent | HydrationLayer) -> None:
    # Atoms at the upper end of x; a box that would wrap has something at its lower end.
    atoms = place([[11.0, 0.0, 0.0], [13.0, 0.0, 0.0], [40.0, 0.0, 0.0]])
    rendered = solvent.render(atoms, (24, 24, 24), 1.0)
    assert rendered[:, :, -1].min() < -0.5
    assert np.all(rendered[:, :, :5] == 0) if isinstance(solvent, BulkSolvent) else True
    assert np.abs(rendered[:, :, 0]).max() < 1e-5


@either
def test_bricks_do_not_show(
    solvent: BulkSolvent | HydrationLayer, peptide: Atoms, monkeypatch: pytest.MonkeyPatch
) -> None:
    atoms = peptide[:8]
    whole = solvent.render(atoms, (30, 31, 32), 1.0)
    monkeypatch.setattr(solvent_module, "POINTS_A_BRICK", 20)
    np.testing.assert_allclose(solvent.render(atoms, (30, 31, 32), 1.0), whole, rtol=0, atol=2e-6)


@either
@pytest.mark.usefixtures("_number_of_threads_is_restored")
def test_the_number_of_threads_changes_no_bit(
    solvent: BulkSolvent | HydrationLayer, peptide: Atoms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solvent_module, "POINTS_A_BRICK", 40)
    maps = []
    for n_threads in (1, 3):
        numbavol.set_num_threads(n_threads)
        maps.append(solvent.render(peptide[:8], (30, 30, 30), 1.0))
    np.testing.assert_array_equal(*maps)


@either
def test_coarse_voxels_are_averages_of_fine_ones(
    solvent: BulkSolvent | HydrationLayer, peptide: Atoms
) -> None:
    # Three odd numbers of fine voxels around the centre of a coarse one.
    coarse = solvent.render(peptide[:8], (15, 15, 15), 1.5)
    fine = solvent.render(peptide[:8], (45, 45, 45), 0.5)
    averages = fine.reshape(15, 3, 15, 3, 15, 3).mean(axis=(1, 3, 5))
    np.testing.assert_allclose(coarse, averages, rtol=0, atol=2e-5)


@either
def test_hydrogens_and_absent_atoms_displace_nothing(
    solvent: BulkSolvent | HydrationLayer,
) -> None:
    one = place([[0.0, 0.0, 0.0]])
    more = Atoms.from_arrays(
        [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [-4.0, 0.0, 0.0]], [6, 1, 6], occupancies=[0.5, 1, 0]
    )
    np.testing.assert_array_equal(
        solvent.render(more, (20, 20, 20), 1.0), solvent.render(one, (20, 20, 20), 1.0)
    )
    assert not solvent.render(more[[1, 2]], (20, 20, 20), 1.0).any()
    assert not solvent.render(more[:0], (4, 4, 4), 1.0).any()


def test_the_margin_holds_every_element() -> None:
    # One point a fifth of an angstrom: the largest radius in gemmi's set, from its mask.
    for number in (11, 19, 37, 55, 56, 87, 88):
        atoms = place([[0.0, 0.0, 0.0]], number)
        solvent = BulkSolvent(probe_radius=0.0, shrink_radius=0.0, k_sol=1.0, b_sol=0.0)
        row = solvent.render(atoms, (1, 1, 41), 0.2)[0, 0]
        assert np.count_nonzero(row) * 0.2 / 2 < LARGEST_RADIUS
        assert row[0] == 0
    assert max(gemmi.Element(z).vdw_r for z in range(1, 99)) <= LARGEST_RADIUS


@pytest.mark.compiled
def test_contrast_is_that_of_protein_in_ice() -> None:
    atoms = numbavol.load_atoms(numbavol.data.enterotoxin(), waters="drop")
    atoms = dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)
    shape, side = (40,) * 3, 3.0
    molecule = numbavol.GaussianMixtureRenderFn(shape, side)(numbavol.make_gaussian_mixture(atoms))
    displaced = BulkSolvent().render(atoms, shape, side)
    inside = displaced < -0.99 * BulkSolvent().k_sol
    # The protein has 7.9 V with its hydrogens (the file has none: half an angstrom each, of 2.5 a
    # heavy atom), ice 4.5 V.
    assert np.mean(molecule[inside]) * 47.878 == pytest.approx(7.0, abs=0.7)
    assert np.mean((molecule + displaced)[inside]) * 47.878 == pytest.approx(2.5, abs=0.7)


WITHOUT = "atoms without hydrogens have about 0.57 of their contrast in solvent: hydrogens='add'"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("numbers", [[6], [6, 6, 6, 6, 6, 1, 8]], ids=str)
def test_molecules_without_hydrogens_are_warned_of_once(numbers: list[int]) -> None:
    atoms = place(np.arange(3 * len(numbers)).reshape(-1, 3), np.array(numbers))
    with pytest.warns(numbavol.StructureWarning, match=WITHOUT) as caught:
        BulkSolvent().render(atoms, (4, 4, 4), 2.0)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("numbers", [[8], [6, 6, 6, 6, 1], [1, 1], [26, 8]], ids=str)
def test_molecules_with_hydrogens_or_no_carbon_are_not_warned_of(numbers: list[int]) -> None:
    atoms = place(np.arange(3 * len(numbers)).reshape(-1, 3), np.array(numbers))
    BulkSolvent().render(atoms, (4, 4, 4), 2.0)


@pytest.mark.parametrize("cls", [BulkSolvent, HydrationLayer])
def test_points_that_no_memory_holds_are_refused_before_they_are_made(cls: type) -> None:
    atoms = place([[0.0, 0.0, 0.0]], 8)
    with pytest.raises(MemoryError, match=r"voxel_size: solvent on \d+ x \d+ x \d+ points"):
        cls().render(atoms, (1, 1, 3001), 0.001)


@pytest.mark.parametrize("cls", [BulkSolvent, HydrationLayer])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("probe_radius", -1.0, "probe_radius: expected a number of at least 0, got -1"),
        ("b_sol", -1.0, "b_sol: expected a number of at least 0, got -1"),
        ("k_sol", np.nan, "k_sol: expected finite values"),
        ("k_sol", [1.0, 2.0], "k_sol: expected a number, got shape"),
    ],
)
def test_bad_numbers_are_named(cls: type, name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**{name: value})


@either
def test_bad_maps_are_named(solvent: BulkSolvent | HydrationLayer) -> None:
    atoms = place([[0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="shape: expected 3 whole numbers"):
        solvent.render(atoms, (4, 4), 1.0)
    with pytest.raises(ValueError, match="voxel_size: expected finite lengths above 0"):
        solvent.render(atoms, (4, 4, 4), 0.0)
    with pytest.raises(TypeError, match="atoms: expected Atoms, as load_atoms returns them, got"):
        solvent.render(np.zeros((1, 3)), (4, 4, 4), 1.0)  # type: ignore[arg-type]
