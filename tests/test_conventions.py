"""The conventions of the package, one test each: space, poses, atoms and rendering.

Arrays are [z, y, x], vectors (x, y, z), lengths angstroms. Those of Fourier space and of volumes of
voxels are in test_fourier_conventions.py and test_voxel_conventions.py.
"""

from __future__ import annotations

import math

import naive
import numpy as np
import pytest

from numbavol import (
    AxisAnglePose,
    EulerAnglePose,
    GaussianMixtureRenderFn,
    GaussianMixtureVolume,
    PengScatteringFactor,
    PengScatteringFactorParameters,
    QuaternionPose,
    b_factor_to_variance,
    crop_to_shape,
    make_coordinate_grid,
    pad_to_shape,
    read_atoms_from_pdb,
    resize_with_crop_or_pad,
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


@pytest.mark.parametrize("shape", [(4, 5, 6), (5, 4, 7)])
def test_a_coordinate_grid_holds_x_y_z_of_each_voxel(shape):
    grid = make_coordinate_grid(shape, (1.0, 2.0, 4.0))
    assert grid.shape == (*shape, 3)
    n_z, n_y, n_x = shape
    np.testing.assert_array_equal(grid[n_z // 2, n_y // 2, n_x // 2], [0, 0, 0])
    np.testing.assert_array_equal(grid[n_z // 2, n_y // 2, n_x // 2 + 1], [1, 0, 0])
    np.testing.assert_array_equal(
        grid[0, 1, 2], [2 - n_x // 2, (1 - n_y // 2) * 2, -(n_z // 2) * 4]
    )


def test_coordinates_of_images_and_of_rows_are_x_y_and_x():
    np.testing.assert_array_equal(make_coordinate_grid((3, 4))[0, 1], [-1, -1])
    np.testing.assert_array_equal(make_coordinate_grid((3, 4))[2, 1], [-1, 1])
    np.testing.assert_array_equal(make_coordinate_grid((4,)), [[-2], [-1], [0], [1]])


@pytest.mark.parametrize(("n", "m"), [(4, 8), (4, 7), (5, 8), (5, 9), (5, 5)])
def test_padding_and_cropping_move_voxel_half_n_to_half_m_rounded_down(n, m):
    small, large = np.zeros((n, n, n)), np.zeros((m, m, m))
    small[n // 2, n // 2, n // 2] = large[m // 2, m // 2, m // 2] = 1
    np.testing.assert_array_equal(pad_to_shape(small, (m, m, m)), large)
    np.testing.assert_array_equal(crop_to_shape(large, (n, n, n)), small)
    other = resize_with_crop_or_pad(small, (m, n, 1))
    assert np.argwhere(other).tolist() == [[m // 2, n // 2, 0]]


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


def test_coordinates_rotate_by_r_and_back_by_its_transpose():
    rotation, grid = naive.rotation_zyz(20, 50, 70), np.arange(24.0).reshape(2, 4, 3) / 3
    turned, back = POSE.rotate_coordinates(grid), POSE.rotate_coordinates(grid, inverse=True)
    for index in np.ndindex(2, 4):
        np.testing.assert_allclose(turned[index], rotation @ grid[index], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(back[index], rotation.T @ grid[index], rtol=0, atol=ROUNDING)


def test_quaternions_are_wxyz():
    half = math.radians(70) / 2
    rotation = QuaternionPose(wxyz=(math.cos(half), math.sin(half), 0, 0)).rotation.as_matrix()
    np.testing.assert_allclose(rotation, naive.rotation_x(70), rtol=0, atol=ROUNDING)


def test_an_axis_and_an_angle_are_a_rotation_vector_in_degrees():
    rotation = AxisAnglePose(euler_vector=(0, 70, 0)).rotation.as_matrix()
    np.testing.assert_allclose(rotation, naive.rotation_y(70), rtol=0, atol=ROUNDING)


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


def test_there_is_no_offset_along_z_unless_given():
    assert EulerAnglePose(1.0, 2.0).offset_z_in_angstroms is None
    moved = make_point((5.0, 6.0, 7.0)).translate_to_pose(EulerAnglePose(1.0, 2.0))
    np.testing.assert_array_equal(moved.positions, [[6, 8, 7]])


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


def test_scattering_factors_are_the_printed_table():
    # Of Peng, Ren, Dudarev & Whelan (1996): carbon.
    carbon = PengScatteringFactorParameters([6])
    np.testing.assert_array_equal(carbon.a, [[0.0893, 0.2563, 0.7570, 1.0487, 0.3575]])
    np.testing.assert_array_equal(carbon.b, [[0.2465, 1.7100, 6.4094, 18.6113, 50.2523]])


def test_there_are_five_gaussians_of_each_element_from_1_to_98():
    table = PengScatteringFactorParameters(np.arange(1, 99))
    assert table.a.shape == table.b.shape == (98, 5)
    for missing in (0, 99):
        with pytest.raises(ValueError, match="no scattering factor"):
            PengScatteringFactorParameters([missing])


def test_as_a_function_of_frequency_a_scattering_factor_takes_a_quarter_of_b_and_b_factor():
    a, b, b_factor, k = [2.0, -0.5], [3.0, 40.0], 20.0, np.array([0.1, -0.2, 0.3])
    expected = sum(x * math.exp(-(y + 20.0) * 0.14 / 4) for x, y in zip(a, b, strict=True))
    assert PengScatteringFactor(a, b, b_factor)(k) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("variance", [0.0, -1.0])
def test_variances_are_above_0(variance):
    with pytest.raises(ValueError, match="variances: expected"):
        GaussianMixtureVolume([[0, 0, 0]], 1.0, variance)


def test_all_atoms_are_selected_not_a_chain_of_that_name(tmp_path):
    path = tmp_path / "model.pdb"
    path.write_text(
        "ATOM      1  CA  ALA A   1       1.000   2.000   3.000  1.00 10.00           C"
    )
    assert read_atoms_from_pdb(path, center=False)[0].tolist() == [[1, 2, 3]]


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


def measure_what_is_left_out(tolerance):
    """The sum of it over a map of 20 Gaussians, as a part of their absolute amplitudes."""
    rng = np.random.default_rng(1)
    positions, amplitudes = rng.uniform(-5, 5, (20, 3)), rng.uniform(-2, 2, (20, 1))
    variances, shape, sides = rng.uniform(0.5, 2, (20, 1)), (15, 16, 17), (1.0, 1.5, 0.75)
    render_fn = GaussianMixtureRenderFn(shape, sides, tolerance=tolerance, dtype=np.float64)
    rendered = render_fn(GaussianMixtureVolume(positions, amplitudes, variances))
    exact = naive.voxel_averages(shape, sides, positions, amplitudes, variances)
    return np.abs(rendered - exact).sum() * math.prod(sides) / np.abs(amplitudes).sum()


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8])
def test_what_a_rendering_leaves_out_is_within_the_tolerance_of_all_amplitudes(tolerance):
    # More than rounding: it is there to be within the tolerance.
    assert 1e-13 < measure_what_is_left_out(tolerance) <= tolerance


def test_a_tolerance_of_0_leaves_nothing_out():
    # Rounding alone: each voxel of a Gaussian is a product of differences, good to 1e-16 of it.
    assert measure_what_is_left_out(0) < 1e-14
