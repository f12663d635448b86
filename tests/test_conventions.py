"""The conventions of the package, one test each.

Arrays are [z, y, x], vectors (x, y, z), lengths angstroms.
"""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest

from numbavol import (
    EulerAnglePose,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    PengScatteringFactorParameters,
    b_factor_to_variance,
    fftn,
    ifftn,
    irfftn,
    rfftn,
    variance_to_b_factor,
)

# A cosine or sine of degrees is rounded by 1e-16, and vectors here are no longer than 10.
ROUNDING = 1e-14
POSE = EulerAnglePose(1.5, -2.5, 20, 50, 70)


def make_point(position, amplitude=1.0):
    """A Gaussian that is a thousandth of an angstrom wide: all of it is in one voxel."""
    return GaussianMixtureVolume([position], amplitude, 1e-6)


def find_point(shape, voxel_size, position):
    rendered = GaussianMixtureRenderFn(shape, voxel_size)(make_point(position))
    assert np.count_nonzero(rendered) == 1
    return tuple(map(int, np.unravel_index(rendered.argmax(), shape)))


# Space


def test_arrays_are_zyx_and_positions_are_xyz():
    shape = (10, 20, 30)
    assert GaussianMixtureRenderFn(shape, 1.0)(make_point((0, 0, 0))).shape == shape
    assert find_point(shape, 1.0, (3, 2, 1)) == (5 + 1, 10 + 2, 15 + 3)


def test_voxel_sizes_are_xyz():
    assert find_point((10, 10, 10), (1.0, 2.0, 4.0), (4, 4, 4)) == (5 + 1, 5 + 2, 5 + 4)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8])
def test_voxel_i_is_at_i_minus_half_n_rounded_down_times_the_voxel_size(n):
    voxel_size = 1.5
    for i in range(n):
        x = (i - n // 2) * voxel_size
        assert find_point((n, n, n), voxel_size, (x, 0, 0)) == (n // 2, n // 2, i)
        # A voxel reaches half its side to both sides of its centre.
        for nearly in (-0.74, 0.74):
            assert find_point((n, n, n), voxel_size, (0, x + nearly, 0)) == (n // 2, i, n // 2)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_position_zero_is_the_centre_of_voxel_half_n_rounded_down(n):
    rendered = GaussianMixtureRenderFn((n, n, n), 1.0, tolerance=0)(
        GaussianMixtureVolume([[0, 0, 0]], 1.0, 0.1)
    )
    assert rendered.argmax() == np.ravel_multi_index((n // 2,) * 3, (n,) * 3)
    if n > 2:
        middle = rendered[n // 2, n // 2]
        assert middle[n // 2 - 1] == middle[n // 2 + 1]


@pytest.mark.parametrize("voxel_size", [1.0, 0.5, (0.5, 1.0, 2.0)])
def test_the_sum_of_the_map_times_the_voxel_volume_is_the_sum_of_the_amplitudes(voxel_size):
    volume = GaussianMixtureVolume([[0, 0, 0], [1, -1, 2]], [3.0, -1.25], 1.0)
    rendered = GaussianMixtureRenderFn((40, 40, 40), voxel_size, tolerance=0)(volume)
    voxel_volume = np.prod(np.broadcast_to(voxel_size, 3))
    # Nothing is further than 9 A from a position; float32 rounds.
    assert rendered.sum(dtype=float) * voxel_volume == pytest.approx(1.75, abs=5e-6)


def test_there_is_no_factor_four_pi():
    # The potential of an atom integrates to its scattering factor at 0, in angstroms.
    carbon = PengScatteringFactorParameters([6])
    volume = GaussianMixtureVolume.from_tabulated_parameters([[0, 0, 0]], carbon)
    rendered = GaussianMixtureRenderFn((40, 40, 40), 0.5, tolerance=0)(volume)
    # Of the printed table: f(0) of carbon.
    assert rendered.sum(dtype=float) * 0.5**3 == pytest.approx(2.5088, abs=1e-4)


# Fourier


@pytest.mark.parametrize("shape", [(4, 5, 6), (5, 4, 7)])
def test_transforms_have_numpys_sign_and_no_factor(shape):
    array = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(
        fftn(array), np.fft.fftn(np.fft.ifftshift(array)), rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        rfftn(array), np.fft.rfftn(np.fft.ifftshift(array)), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("n", [6, 7])
def test_a_point_at_x_has_the_phase_minus_two_pi_k_x(n):
    array = np.zeros(n)
    array[n // 2 + 2] = 1
    frequencies = np.fft.fftfreq(n)
    expected = np.exp(-2j * np.pi * frequencies * 2)
    np.testing.assert_allclose(fftn(array), expected, rtol=0, atol=ROUNDING)


def test_the_zero_frequency_is_in_the_corner_and_is_the_sum():
    array = np.arange(24.0).reshape(2, 3, 4)
    assert fftn(array)[0, 0, 0] == array.sum()
    assert rfftn(array)[0, 0, 0] == array.sum()


@pytest.mark.parametrize("n", [6, 7])
def test_a_half_transform_is_the_first_half_of_the_last_axis(n):
    array = np.random.default_rng(1).normal(size=(4, 5, n))
    half = rfftn(array)
    assert half.shape == (4, 5, n // 2 + 1)
    np.testing.assert_allclose(half, fftn(array)[..., : n // 2 + 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 5, 6), (5, 4, 7)])
def test_the_inverse_transforms_return_the_origin_to_the_middle(shape):
    array = np.zeros(shape)
    array[tuple(n // 2 for n in shape)] = 1
    np.testing.assert_allclose(ifftn(np.ones(shape, complex)), array, rtol=0, atol=1e-15)
    half = np.ones((*shape[:2], shape[2] // 2 + 1), complex)
    np.testing.assert_allclose(irfftn(half, shape), array, rtol=0, atol=1e-15)


@pytest.mark.parametrize("shape", [(4, 5, 6), (5, 4, 7)])
def test_shifted_rendered_transforms_have_zero_frequency_at_half_n_rounded_down(shape):
    render_fn = GaussianMixtureRenderFn(shape, 1.0, dtype=np.float64)
    volume = GaussianMixtureVolume([[0.3, -0.2, 0.5]], 1.0, 1.0)
    total = render_fn(volume).sum()
    full = render_fn(volume, outputs_real_space=False, fftshifted=True)
    half = render_fn(volume, outputs_real_space=False, outputs_rfft=True, fftshifted=True)
    middle = tuple(n // 2 for n in shape)
    assert full[middle] == pytest.approx(total, rel=1e-14)
    assert half[(*middle[:2], 0)] == pytest.approx(total, rel=1e-14)  # x is halved: from 0 on


# Poses


def test_the_rotation_is_rz_psi_ry_theta_rz_phi():
    phi, theta, psi = 20.0, 50.0, 70.0
    expected = naive.rotation_z(psi) @ naive.rotation_y(theta) @ naive.rotation_z(phi)
    rotation = EulerAnglePose(0, 0, phi, theta, psi).rotation.as_matrix()
    np.testing.assert_allclose(rotation, expected, rtol=0, atol=ROUNDING)


def test_a_positive_angle_turns_x_to_y_to_z_to_x():
    np.testing.assert_allclose(naive.rotation_z(90) @ [1, 0, 0], [0, 1, 0], atol=ROUNDING)
    np.testing.assert_allclose(naive.rotation_x(90) @ [0, 1, 0], [0, 0, 1], atol=ROUNDING)
    np.testing.assert_allclose(naive.rotation_y(90) @ [0, 0, 1], [1, 0, 0], atol=ROUNDING)
    volume = make_point((4, 0, 0)).rotate_to_pose(EulerAnglePose(psi_angle=90))
    np.testing.assert_allclose(volume.positions, [[0, 4, 0]], rtol=0, atol=ROUNDING)


def test_atoms_rotate_by_r_and_back_by_its_transpose():
    position = np.array([1.0, 2.0, 3.0])
    rotation = naive.rotation_zyz(20, 50, 70)
    volume = make_point(position)
    turned = volume.rotate_to_pose(POSE).positions[0]
    back = volume.rotate_to_pose(POSE, inverse=True).positions[0]
    np.testing.assert_allclose(turned, rotation @ position, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(back, rotation.T @ position, rtol=0, atol=ROUNDING)


def test_positive_offsets_move_density_to_positive_x_and_y_and_z():
    pose = EulerAnglePose(2.0, 3.0, offset_z_in_angstroms=4.0)
    moved = make_point((0, 0, 0)).translate_to_pose(pose)
    rendered = GaussianMixtureRenderFn((11, 11, 11), 1.0)(moved)
    assert np.unravel_index(rendered.argmax(), rendered.shape) == (5 + 4, 5 + 3, 5 + 2)


def test_the_offset_comes_after_the_rotation():
    volume = make_point((1.0, 2.0, 3.0))
    moved = volume.rotate_to_pose(POSE).translate_to_pose(POSE)
    rotation = naive.rotation_zyz(20, 50, 70)
    expected = rotation @ [1.0, 2.0, 3.0] + [1.5, -2.5, 0.0]
    np.testing.assert_allclose(moved.positions[0], expected, rtol=0, atol=ROUNDING)
    other_order = volume.translate_to_pose(POSE).rotate_to_pose(POSE)
    assert not np.allclose(other_order.positions, moved.positions, atol=0.1)


def test_a_pose_rotates_and_does_not_translate_or_the_reverse():
    origin = make_point((0.0, 0.0, 0.0))
    np.testing.assert_array_equal(origin.rotate_to_pose(POSE).positions, [[0, 0, 0]])
    np.testing.assert_array_equal(origin.translate_to_pose(POSE).positions, [[1.5, -2.5, 0]])


def test_relions_angles_and_origins_have_the_other_sign():
    pose = EulerAnglePose.from_relion_angles(10, 20, 30, 1.5, -2.5)
    assert (pose.phi_angle, pose.theta_angle, pose.psi_angle) == (-10, -20, -30)
    np.testing.assert_array_equal(pose.offset_in_angstroms, [-1.5, 2.5])


# Atoms


def test_the_variance_of_a_b_factor_is_b_over_eight_pi_squared():
    assert b_factor_to_variance(8 * math.pi**2) == pytest.approx(1.0, rel=1e-15)
    assert variance_to_b_factor(1.0) == pytest.approx(8 * math.pi**2, rel=1e-15)


def test_an_atoms_variance_is_of_the_tables_b_and_its_own_together():
    carbon = PengScatteringFactorParameters([6])
    volume = GaussianMixtureVolume.from_tabulated_parameters([[0, 0, 0]], carbon, 20.0)
    expected = (carbon.b + 20.0) / (8 * math.pi**2)
    np.testing.assert_allclose(volume.variances, expected, rtol=1e-15)
    np.testing.assert_array_equal(volume.amplitudes, carbon.a)


def test_the_scattering_factor_is_of_half_the_spatial_frequency():
    # f(q) = sum a exp(-b q^2) with q = k / 2; a Gaussian of this variance has that transform.
    carbon = PengScatteringFactorParameters([6])
    volume = GaussianMixtureVolume.from_tabulated_parameters([[0, 0, 0]], carbon)
    for k in (0.0, 0.3, 1.0, 2.0):
        transform = volume.amplitudes * np.exp(-2 * math.pi**2 * k**2 * volume.variances)
        expected = (carbon.a * np.exp(-carbon.b * (k / 2) ** 2)).sum()
        assert transform.sum() == pytest.approx(expected, rel=1e-14)


# Rendering


def test_a_voxel_is_an_average_of_differences_of_erf():
    # Written out once for one voxel, at [z, y, x] = [1, 0, 3] of a map of (3, 2, 5).
    (x, y, z), variance, amplitude = (0.3, -0.2, 0.1), 0.7, 2.0
    dx, dy, dz = 1.0, 1.5, 2.0

    def erf(distance):
        return math.erf(distance / math.sqrt(2 * variance))

    distances = (3 - 2) * dx - x, (0 - 1) * dy - y, (1 - 1) * dz - z
    average = amplitude
    for d, side in zip(distances, (dx, dy, dz), strict=True):
        average *= (erf(d + side / 2) - erf(d - side / 2)) / (2 * side)
    volume = GaussianMixtureVolume([[x, y, z]], amplitude, variance)
    render_fn = GaussianMixtureRenderFn((3, 2, 5), (dx, dy, dz), tolerance=0, dtype=np.float64)
    assert render_fn(volume)[1, 0, 3] == pytest.approx(average, rel=1e-13)


def test_density_outside_the_box_is_not_wrapped():
    rendered = GaussianMixtureRenderFn((9, 9, 9), 1.0, tolerance=0)(
        GaussianMixtureVolume([[4, 0, 0]], 1.0, 1.0)
    )
    assert rendered[4, 4, 8] > 0.05
    assert rendered[4, 4, 0] < 1e-10


def test_maps_are_float32_with_a_tolerance_of_a_millionth_unless_asked():
    render_fn = GaussianMixtureRenderFn((3, 3, 3), 1.0)
    assert render_fn.dtype == np.float32
    assert render_fn.tolerance == 1e-6
