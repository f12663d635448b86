"""Closed forms, and gemmi's density of a real protein."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path

import gemmi
import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbavol
from numbavol import (
    EulerAnglePose,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    PengScatteringFactorParameters,
)
from numbavol.data import enterotoxin

# Uncompiled, a hundred atoms take as long as the protein does compiled.
FEW_ATOMS = 60


def coordinates(n, voxel_size):
    return (np.arange(n) - n // 2) * voxel_size


def compute_moments(real_voxel_grid, voxel_size):
    """Total, mean (x, y, z) and variance (x, y, z) of a map."""
    total = real_voxel_grid.sum()
    mean, variance = np.empty(3), np.empty(3)
    for axis in range(3):
        x = coordinates(real_voxel_grid.shape[2 - axis], voxel_size[axis])
        profile = real_voxel_grid.sum(axis=tuple({0, 1, 2} - {2 - axis})) / total
        mean[axis] = (profile * x).sum()
        variance[axis] = (profile * (x - mean[axis]) ** 2).sum()
    return total, mean, variance


def frequencies(shape, voxel_size):
    """Grids of kx, ky, kz in cycles per angstrom, zero frequency in the corner."""
    kz, ky, kx = (np.fft.fftfreq(n, d) for n, d in zip(shape, voxel_size[::-1], strict=True))
    return kx[None, None, :], ky[None, :, None], kz[:, None, None]


def average_in_fourier_space(shape, voxel_size):
    """What the average over a voxel does to a transform."""
    kx, ky, kz = frequencies(shape, voxel_size)
    dx, dy, dz = voxel_size
    return np.sinc(kx * dx) * np.sinc(ky * dy) * np.sinc(kz * dz)  # sin(pi x) / (pi x)


@given(
    st.tuples(*[st.floats(-1, 1)] * 3),
    st.tuples(*[st.floats(0.8, 1.25)] * 3),
    st.floats(2.0, 3.0),
)
def test_an_average_is_the_integral_of_point_samples_within_each_voxel(
    position, voxel_size, deviation
):
    # Quadrature of degree 9 in every axis: five points a voxel that is half a deviation wide.
    scene = (np.array([position]), np.ones((1, 1)), np.full((1, 1), deviation**2))
    shape = (3, 4, 5)
    nodes, weights = np.polynomial.legendre.leggauss(5)
    expected = np.zeros(shape)
    for ijk in itertools.product(range(5), repeat=3):
        within = nodes[list(ijk)] / 2 * voxel_size
        samples = naive.point_samples(shape, voxel_size, scene[0] - within, *scene[1:])
        expected += samples * (weights[list(ijk)] / 2).prod()
    render_fn = GaussianMixtureRenderFn(shape, voxel_size, tolerance=0, dtype=np.float64)
    # The remainder of quadrature is (1/2)^10 times derivatives over 10!, some 1e-10.
    np.testing.assert_allclose(render_fn(GaussianMixtureVolume(*scene)), expected, rtol=1e-9)


def test_a_wide_gaussian_is_its_density_and_a_twenty_fourth_of_its_curvature():
    deviation, voxel_size, shape = 10.0, 1.0, (5, 6, 7)
    volume = GaussianMixtureVolume([[0.0, 0.0, 0.0]], 1.0, deviation**2)
    rendered = GaussianMixtureRenderFn(shape, voxel_size, tolerance=0, dtype=np.float64)(volume)
    z, y, x = np.meshgrid(*(coordinates(n, voxel_size) for n in shape), indexing="ij")
    r2 = (x**2 + y**2 + z**2) / deviation**2
    density = np.exp(-r2 / 2) / (2 * np.pi * deviation**2) ** 1.5
    curvature = density * (r2 - 3) / deviation**2
    # An average over a cube is density + side^2 / 24 * curvature + terms of 1e-4 of the second.
    np.testing.assert_allclose(rendered, density, rtol=2e-3)
    np.testing.assert_allclose(rendered - density, curvature / 24, rtol=5e-3)


@given(
    st.tuples(*[st.floats(-2, 2)] * 3),
    st.tuples(*[st.floats(0.5, 2.0)] * 3),
    st.floats(1.3, 2.0),
)
def test_the_variance_of_a_map_is_the_gaussians_and_a_twelfth_of_the_voxels(
    position, voxel_size, deviation_in_voxels
):
    deviation = deviation_in_voxels * max(voxel_size)
    # Nine deviations to each side, in the smallest voxels; 25 in the others.
    shape = tuple(2 * math.ceil((9 * deviation + 2) / d) + 1 for d in voxel_size[::-1])
    volume = GaussianMixtureVolume([position], 3.0, deviation**2)
    render_fn = GaussianMixtureRenderFn(shape, voxel_size, tolerance=0, dtype=np.float64)
    total, mean, variance = compute_moments(render_fn(volume), voxel_size)
    voxel_size = np.array(voxel_size)
    # Sampling adds exp(-2 pi^2 1.3^2) = 3e-15 of its slope; rounding is of sums of 1e5 voxels.
    assert total * voxel_size.prod() == pytest.approx(3.0, rel=1e-11)
    np.testing.assert_allclose(mean, position, rtol=0, atol=1e-9)
    np.testing.assert_allclose(variance, deviation**2 + voxel_size**2 / 12, rtol=1e-9)


@pytest.mark.parametrize("atomic_number", [1, 6, 26])
def test_the_transform_of_an_atom_is_its_scattering_factor_times_sincs(atomic_number):
    # At the Nyquist frequency of 2 per angstrom exp(-B k^2 / 4) is 2e-9 of what it is at 0: no
    # aliases. The widest Gaussian, of b = 100, has a deviation of 1.2 A: eight fit to each side.
    b_factor, voxel_size, shape = 20.0, (0.25, 0.2, 0.25), (84, 108, 81)
    position = np.array([0.31, -0.52, 0.13])
    parameters = PengScatteringFactorParameters([atomic_number])
    volume = GaussianMixtureVolume.from_tabulated_parameters([position], parameters, b_factor)
    render_fn = GaussianMixtureRenderFn(shape, voxel_size, tolerance=0, dtype=np.float64)
    transform = render_fn(volume, outputs_real_space=False) * np.prod(voxel_size)

    kx, ky, kz = frequencies(shape, voxel_size)
    q2 = (kx**2 + ky**2 + kz**2) / 4
    factor = sum(
        a * np.exp(-(b + b_factor) * q2)
        for a, b in zip(parameters.a[0], parameters.b[0], strict=True)
    )
    phase = np.exp(-2j * np.pi * (kx * position[0] + ky * position[1] + kz * position[2]))
    expected = factor * phase * average_in_fourier_space(shape, voxel_size)
    atol = 1e-8 * parameters.a.sum()
    # The Nyquist planes of even axes are the sum of both their ends.
    inside = np.ix_(*[np.arange(n) != n / 2 for n in shape])
    np.testing.assert_allclose(transform[inside], expected[inside], rtol=0, atol=atol)


@given(st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(-1, 1)] * 3))
def test_rotating_and_moving_a_volume_does_so_to_the_centre_of_its_map(angles, offset):
    rng = np.random.default_rng(1)
    positions, amplitudes = rng.uniform(-3, 3, (4, 3)), rng.uniform(1, 2, 4)
    pose = EulerAnglePose(*offset[:2], *angles, offset_z_in_angstroms=offset[2])
    volume = GaussianMixtureVolume(positions, amplitudes, 1.3**2)
    moved = volume.rotate_to_pose(pose).translate_to_pose(pose)
    # Positions reach to 5.2 + 1.7 A of the centre, and 8.5 deviations of 1.3 A further.
    render_fn = GaussianMixtureRenderFn((38, 39, 40), 1.0, tolerance=0, dtype=np.float64)
    total, mean, _ = compute_moments(render_fn(moved), (1.0, 1.0, 1.0))
    centre = amplitudes @ positions / amplitudes.sum()
    assert total == pytest.approx(amplitudes.sum(), rel=1e-11)
    # As above: 3e-15 of sampling, and rounding of sums.
    expected = naive.rotation_zyz(*angles) @ centre + offset
    np.testing.assert_allclose(mean, expected, rtol=0, atol=1e-10)


@pytest.fixture(scope="module")
def protein(is_compiled):
    """Positions, atomic numbers and B-factors of 1TII, or of its first atoms."""
    positions, atomic_numbers, properties = numbavol.read_atoms_from_pdb(
        enterotoxin(), loads_properties=True
    )
    few = slice(None if is_compiled else FEW_ATOMS)
    return positions[few], atomic_numbers[few], properties["b_factors"][few]


def make_protein_volume(protein, extra=0.0):
    positions, atomic_numbers, b_factors = protein
    parameters = PengScatteringFactorParameters(atomic_numbers)
    return GaussianMixtureVolume.from_tabulated_parameters(positions, parameters, b_factors + extra)


@pytest.mark.parametrize(("voxel_size", "n"), [(1.0, 128), (1.3, 100)])
def test_the_potential_of_a_protein_sums_to_its_scattering_amplitudes(protein, voxel_size, n):
    volume = make_protein_volume(protein)
    expected = volume.amplitudes.sum()
    for dtype, tolerance, allowed in [(np.float64, 1e-6, 1e-6), (np.float32, 1e-6, 3e-6)]:
        # float32 adds its rounding to the tolerance.
        rendered = GaussianMixtureRenderFn((n, n, n), voxel_size, tolerance=tolerance, dtype=dtype)(
            volume
        )
        total = rendered.sum(dtype=np.float64) * voxel_size**3
        assert total == pytest.approx(expected, rel=allowed)


def test_single_precision_of_a_protein_is_double_to_a_millionth_of_its_peak(protein):
    volume = make_protein_volume(protein)
    single = GaussianMixtureRenderFn((96, 96, 96), 1.0, dtype=np.float32)(volume)
    double = GaussianMixtureRenderFn((96, 96, 96), 1.0, dtype=np.float64)(volume)
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-6 * double.max())


def test_turning_a_protein_turns_the_centre_of_its_potential(protein):
    pose = EulerAnglePose(1.0, 2.0, 20, 50, 70)
    # With the smallest B-factor made 60, no deviation is below 0.87 of a voxel: sampling moves the
    # centre by exp(-2 pi^2 0.87^2) = 3e-7 of a voxel at most, and 1e-6 of it is left out of 128 A.
    volume = make_protein_volume(protein, extra=60.0)
    weights = volume.amplitudes.sum(axis=1)
    centre = weights @ volume.positions / weights.sum()
    turned = volume.rotate_to_pose(pose).translate_to_pose(pose)
    rendered = GaussianMixtureRenderFn((128, 128, 128), 1.0, dtype=np.float64)(turned)
    _, mean, _ = compute_moments(rendered, (1.0, 1.0, 1.0))
    expected = naive.rotation_zyz(20, 50, 70) @ centre + [1.0, 2.0, 0.0]
    np.testing.assert_allclose(mean, expected, rtol=0, atol=2e-4)


def compute_with_gemmi(positions, atomic_numbers, b_factors, n, voxel_size):
    """Point samples [z, y, x] of a box whose voxel n // 2 is at the origin."""
    model = gemmi.Model(1)
    chain, residue = gemmi.Chain("A"), gemmi.Residue()
    residue.name = "GLY"
    for position, number, b_factor in zip(positions, atomic_numbers, b_factors, strict=True):
        atom = gemmi.Atom()
        atom.pos = gemmi.Position(*(position + n // 2 * voxel_size))
        atom.element = gemmi.Element(int(number))
        atom.b_iso = float(b_factor)
        atom.occ = 1.0
        residue.add_atom(atom)
    chain.add_residue(residue)
    model.add_chain(chain)
    return density_of(model, n, voxel_size)


def density_of(model, n, voxel_size):
    """Point samples [z, y, x] of a model in a box that begins at the origin."""
    side = n * voxel_size
    calculator = gemmi.DensityCalculatorE()
    calculator.grid.unit_cell = gemmi.UnitCell(side, side, side, 90, 90, 90)
    calculator.grid.spacegroup = gemmi.SpaceGroup("P1")
    calculator.rate, calculator.d_min = 1.0, 2 * voxel_size
    calculator.cutoff = 1e-8
    calculator.put_model_density_on_grid(model)
    assert calculator.grid.shape == (n, n, n)
    return calculator.grid.array.transpose(2, 1, 0).astype(np.float64)


def test_gemmi_computes_the_same_potential(protein):
    n, voxel_size, n_atoms = 80, 0.25, 12
    positions, atomic_numbers, b_factors = (array[:n_atoms] for array in protein)
    positions = positions - positions.mean(axis=0)
    # With 60 more no sharper than B = 60: at Nyquist, 2 per angstrom, 1e-26 is left.
    b_factors = b_factors + 60.0
    samples = compute_with_gemmi(positions, atomic_numbers, b_factors, n, voxel_size)

    volume = make_protein_volume((positions, atomic_numbers, b_factors))
    render_fn = GaussianMixtureRenderFn((n, n, n), voxel_size, tolerance=0, dtype=np.float64)
    rendered = render_fn(volume)
    # gemmi's samples and our averages differ by a known factor in Fourier space.
    average = average_in_fourier_space(samples.shape, (voxel_size,) * 3)
    expected = np.fft.ifftn(np.fft.fftn(samples) * average).real
    # gemmi adds up in float32, leaves out less than its cutoff of 1e-8, and has a table that is
    # rounded to float32: 2e-6 is measured.
    np.testing.assert_allclose(rendered, expected, rtol=0, atol=5e-6 * samples.max())
    # Side^2 / 24 of a curvature of 3 / variance, and the variance is at least 60 / 8 pi^2.
    allowed = voxel_size**2 / 8 / (60 / (8 * np.pi**2))
    np.testing.assert_allclose(rendered, samples, rtol=0, atol=allowed * samples.max())
    assert np.abs(rendered - samples).max() > allowed / 10 * samples.max()


@pytest.mark.compiled
def test_gemmi_computes_the_same_potential_of_a_deposited_structure():
    # 3AL1: hydrogens, alternate conformations, occupancies below 1, anisotropic B-factors.
    n, voxel_size = 96, 0.5
    path = Path(__file__).parent / "data" / "3al1.cif.gz"
    with pytest.warns(numbavol.StructureWarning, match="1 sites whose occupancies sum to more"):
        atoms = numbavol.load_atoms(path, b_factor_offset=60.0)
    atoms = dataclasses.replace(atoms, positions=atoms.positions - atoms.center_of_mass)
    volume = numbavol.make_gaussian_mixture(atoms)
    render_fn = GaussianMixtureRenderFn((n, n, n), voxel_size, tolerance=0, dtype=np.float64)
    rendered = render_fn(volume)

    model = gemmi.read_structure(str(path))[0]
    for site, position in zip(model.all(), atoms.positions, strict=True):
        atom = site.atom
        atom.b_iso = atom.b_eq() + 60.0
        atom.aniso = gemmi.SMat33f(0, 0, 0, 0, 0, 0)
        atom.pos = gemmi.Position(*(position + n // 2 * voxel_size))
    samples = density_of(model, n, voxel_size)
    average = average_in_fourier_space(samples.shape, (voxel_size,) * 3)
    expected = np.fft.ifftn(np.fft.fftn(samples) * average).real
    np.testing.assert_allclose(rendered, expected, rtol=0, atol=5e-6 * samples.max())
    assert rendered.sum() * voxel_size**3 == pytest.approx(
        float(
            numbavol.PengScatteringFactorParameters(atoms.atomic_numbers).a.sum(axis=1)
            @ atoms.occupancies
        ),
        rel=1e-6,
    )
