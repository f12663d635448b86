"""Random poses are uniform, grids are even, turns in the plane are whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

import numbavol
from numbavol import draw_random_poses, make_in_plane_poses, make_pose_grid
from numbavol.poses.sampling import _make_healpix_directions
from numbavol.poses.symmetry import cover_unit, find_mates

N = 40_000


def views_of(poses: numbavol.EulerAnglePose) -> np.ndarray:
    """The direction in the molecule that an image is seen along."""
    return poses.rotation.as_matrix()[:, 2]


# Random


def test_the_same_seed_gives_the_same_poses() -> None:
    assert draw_random_poses(5, rng=7) == draw_random_poses(5, rng=np.random.default_rng(7))
    assert draw_random_poses(5, rng=7) != draw_random_poses(5, rng=8)
    assert draw_random_poses(5) != draw_random_poses(5)


def test_offsets_change_no_rotation() -> None:
    without = draw_random_poses(9, rng=1)
    moved = draw_random_poses(9, rng=1, offset_deviation_in_angstroms=3.0)
    np.testing.assert_array_equal(moved.phi_angle, without.phi_angle)
    assert not np.any(without.offset_in_angstroms)
    assert np.all(moved.offset_in_angstroms != 0)


def test_offsets_are_normal() -> None:
    offsets = draw_random_poses(N, rng=2, offset_deviation_in_angstroms=3.0).offset_in_angstroms
    # Four standard deviations of a mean, of a variance and of a correlation.
    assert np.abs(offsets.mean(axis=0)).max() < 4 * 3 / np.sqrt(N)
    assert np.abs(offsets.var(axis=0) / 9 - 1).max() < 4 * np.sqrt(2 / N)
    assert abs(np.corrcoef(offsets.T)[0, 1]) < 4 / np.sqrt(N)


def test_random_rotations_are_uniform() -> None:
    matrices = draw_random_poses(N, rng=3).rotation.as_matrix().reshape(-1, 9)
    # Elements of a uniform rotation have the mean 0 and are uncorrelated, with the variance 1/3;
    # five standard deviations, for there are 45 numbers.
    assert np.abs(matrices.mean(axis=0)).max() < 5 / np.sqrt(3 * N)
    products = matrices.T @ matrices / N
    assert np.abs(products - np.eye(9) / 3).max() < 5 * 0.5 / np.sqrt(N)
    # The angle has the density (1 - cos) / pi.
    angles = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).magnitude()
    share = np.mean(angles < np.pi / 2)
    assert abs(share - (0.5 - 1 / np.pi)) < 4 * 0.5 / np.sqrt(N)


@pytest.mark.parametrize("symmetry", ["C5", "D4", "I"])
def test_random_poses_of_a_unit_are_uniform_when_all_mates_are_taken(symmetry: str) -> None:
    n = 2_000
    operations = numbavol.make_symmetry_rotations(symmetry)
    poses = draw_random_poses(n, rng=4, symmetry=symmetry)
    reduced = numbavol.reduce_to_asymmetric_unit(poses, symmetry)
    assert (reduced.rotation * poses.rotation.inv()).magnitude().max() < 1e-9
    all_mates = np.einsum("nij,ojk->onik", poses.rotation.as_matrix(), operations.as_matrix())
    assert np.abs(all_mates.mean(axis=(0, 1))).max() < 5 / np.sqrt(n)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((0,), {}, "^n_poses: .*got 0"),
        ((-3,), {}, "^n_poses: "),
        ((2.5,), {}, "^n_poses: "),
        ((True,), {}, "^n_poses: "),
        ((3,), {"offset_deviation_in_angstroms": -1.0}, "^offset_deviation_in_angstroms: "),
        ((3,), {"offset_deviation_in_angstroms": np.inf}, "^offset_deviation_in_angstroms: "),
        ((3,), {"symmetry": "Q"}, "^symmetry: "),
        ((3, -1), {}, "^rng: .*got -1"),
        ((3, "seed"), {}, "^rng: .*got 'seed'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw_random_poses(*arguments, **options)


def test_more_random_poses_than_fit_are_refused() -> None:
    with pytest.raises(MemoryError, match=r"^n_poses: .* poses"):
        draw_random_poses(10**12)


# Grids


def test_healpix_of_one_and_of_two_sides() -> None:
    azimuth, polar = _make_healpix_directions(1)
    # Gorski et al. (2005): rings at cos = 2/3, 0 and -2/3, of four pixels each.
    heights = np.repeat([2 / 3, 0, -2 / 3], 4)
    np.testing.assert_allclose(np.cos(np.deg2rad(polar)), heights, atol=1e-12)
    np.testing.assert_allclose(azimuth, [45, 135, 225, 315, 0, 90, 180, 270, 45, 135, 225, 315])
    azimuth, polar = _make_healpix_directions(2)
    heights = np.repeat([11 / 12, 2 / 3, 1 / 3, 0, -1 / 3, -2 / 3, -11 / 12], [4, 8, 8, 8, 8, 8, 4])
    np.testing.assert_allclose(np.cos(np.deg2rad(polar)), heights, atol=1e-12)
    np.testing.assert_allclose(azimuth[4:6], [22.5, 67.5])
    np.testing.assert_allclose(azimuth[12:14], [0, 45])


@given(st.integers(1, 20))
def test_healpix_directions_are_even(n_sides: int) -> None:
    azimuth, polar = np.deg2rad(_make_healpix_directions(n_sides))
    assert len(azimuth) == 12 * n_sides**2
    directions = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1
    )
    np.testing.assert_allclose(directions.sum(axis=0), 0, atol=1e-9 * len(azimuth))
    distances, _ = KDTree(directions).query(directions, k=2)
    side = np.sqrt(np.pi / 3) / n_sides
    # Pixels are of equal area and not far from squares.
    assert 0.6 * side < distances[:, 1].min() <= distances[:, 1].max() < 1.4 * side
    second = (directions**2).mean(axis=0)
    np.testing.assert_allclose(second, 1 / 3, atol=0.12 / n_sides**2)


@given(st.floats(6.0, 180.0))
def test_a_grid_is_as_fine_as_asked(spacing: float) -> None:
    poses = make_pose_grid(spacing)
    views, counts = np.unique(views_of(poses).round(9), axis=0, return_counts=True)
    assert len(set(counts)) == 1
    assert np.rad2deg(np.sqrt(4 * np.pi / len(views))) <= spacing * (1 + 1e-6)
    assert 360 / counts[0] <= spacing * (1 + 1e-6)


@pytest.mark.parametrize("spacing", [30.0, 15.0])
def test_no_rotation_is_far_from_the_grid(spacing: float) -> None:
    quaternions = make_pose_grid(spacing).rotation.as_quat()
    tree = KDTree(np.concatenate([quaternions, -quaternions]))
    distances, _ = tree.query(Rotation.random(20_000, rng=0).as_quat())
    farthest = np.rad2deg(4 * np.arcsin(distances.max() / 2))
    # As documented; random rotations nearly find the farthest.
    assert 0.75 * spacing < farthest < 0.93 * spacing


def distances_to_mates(poses: numbavol.EulerAnglePose, symmetry: str, rotation: Rotation):
    """How far each rotation is from the nearest pose or mate of one, in degrees."""
    operations = numbavol.make_symmetry_rotations(symmetry)
    mates = np.concatenate([(poses.rotation * operation).as_quat() for operation in operations])
    distances, _ = KDTree(np.concatenate([mates, -mates])).query(rotation.as_quat())
    return np.rad2deg(4 * np.arcsin(distances / 2))


# HEALPix has fourfold symmetry, so that its own grid has gaps at the edges of other units: about
# the axes of C5 and C7, and at 30 degrees it has no view at all in that of I.
@pytest.mark.parametrize(
    ("symmetry", "spacing"),
    [("C3", 20), ("C5", 20), ("C7", 20), ("D2", 20), ("D5", 24), ("T", 15), ("O", 15), ("O", 24),
     ("I", 30), ("I", 15), ("I1", 12), ("I3", 10)],
)  # fmt: skip
def test_a_units_grid_and_its_mates_cover_all_rotations(symmetry: str, spacing: float) -> None:
    unit = make_pose_grid(spacing, symmetry=symmetry)
    farthest = distances_to_mates(unit, symmetry, Rotation.random(5_000, rng=1)).max()
    assert farthest < 1.1 * spacing
    share = (
        len(unit) * len(numbavol.make_symmetry_rotations(symmetry)) / len(make_pose_grid(spacing))
    )
    # A small unit has many edges, on both sides of which views are kept.
    assert 1.0 <= share < 1.75


@pytest.mark.parametrize("symmetry", ["C3", "C5", "T", "O", "I"])
def test_added_views_are_no_nearer_than_asked_and_leave_none_farther(symmetry: str) -> None:
    farthest = 0.12
    rot, tilt = _make_healpix_directions(6)
    rotation = numbavol.EulerAnglePose.from_relion_angles(rot, tilt, 0.0).rotation
    operations = numbavol.make_symmetry_rotations(symmetry)
    views = cover_unit(rotation, operations, farthest)
    healpix = rotation.as_matrix()[:, 2]
    n_inside = np.count_nonzero(find_mates(rotation, operations) == 0)
    inside = healpix[find_mates(rotation, operations) == 0]
    np.testing.assert_allclose(views[:n_inside], inside, atol=1e-14)
    assert len(views) > n_inside
    for i in range(n_inside, len(views)):
        mates = np.concatenate([operation.apply(views[:i]) for operation in operations])
        assert np.linalg.norm(mates - views[i], axis=1).min() > farthest
    mates = np.concatenate([operation.apply(views) for operation in operations])
    assert KDTree(mates).query(healpix)[0].max() <= farthest


@pytest.mark.parametrize("symmetry", ["C2", "C4", "D2", "D4"])
@pytest.mark.parametrize("spacing", [30.0, 18.0])
def test_where_the_grid_has_the_symmetry_its_unit_and_mates_are_the_grid(
    symmetry: str, spacing: float
) -> None:
    whole, unit = make_pose_grid(spacing), make_pose_grid(spacing, symmetry=symmetry)
    order = len(numbavol.make_symmetry_rotations(symmetry))
    assert len(unit) * order == len(whole)
    # An arcsine of half a distance between unit vectors: rounding of 1e-16, in degrees.
    assert distances_to_mates(unit, symmetry, whole.rotation).max() < 1e-10


@given(
    st.sampled_from(["C2", "C3", "C6", "C99", "D1", "D3", "D7", "T", "O", "I1", "I2", "I3", "I4"]),
    st.floats(15.0, 180.0),
)
@example("O", 24.0)
@example("D8", 60.0)
@example("I2", 30.0)
def test_a_units_grid_lies_in_the_unit_and_has_no_mates(symmetry: str, spacing: float) -> None:
    poses = make_pose_grid(spacing, symmetry=symmetry)
    assert len(poses) > 0
    quaternions = poses.rotation.as_quat()
    reduced = numbavol.reduce_to_asymmetric_unit(poses, symmetry).rotation
    assert (reduced * poses.rotation.inv()).magnitude().max() < 1e-9
    # As each is its own mate in the unit, two are mates only if they are equal.
    both = np.concatenate([quaternions, -quaternions])
    distances, _ = KDTree(both).query(quaternions, k=2)
    assert distances[:, 1].min() > 1e-3


@pytest.mark.parametrize("spacing", [0.0, -1.0, 181.0, 5e-324, np.nan, [10.0, 20.0]])
def test_other_spacings_are_refused(spacing) -> None:
    with pytest.raises(ValueError, match=r"^angular_spacing_in_degrees: "):
        make_pose_grid(spacing)
    with pytest.raises(ValueError, match=r"^angular_spacing_in_degrees: "):
        make_in_plane_poses(spacing)


@pytest.mark.parametrize("make", [make_pose_grid, make_in_plane_poses])
def test_a_grid_that_does_not_fit_is_refused(make) -> None:
    with pytest.raises(MemoryError, match=r"^angular_spacing_in_degrees: .* poses"):
        make(1e-9)


# In the plane


@given(st.floats(1.0, 180.0))
def test_turns_in_the_plane_are_even_and_as_fine_as_asked(spacing: float) -> None:
    psi = make_in_plane_poses(spacing).psi_angle
    steps = np.diff([*psi, 360.0])
    np.testing.assert_allclose(steps, 360.0 / len(psi))
    assert steps[0] <= spacing * (1 + 1e-6)


def test_turns_keep_the_view_and_the_offset() -> None:
    view = numbavol.QuaternionPose.from_pose(
        numbavol.EulerAnglePose(
            phi_angle=10.0, theta_angle=40.0, psi_angle=5.0, offset_x_in_angstroms=2.0
        )
    )
    poses = make_in_plane_poses(45.0, view)
    assert len(poses) == 8
    np.testing.assert_allclose(views_of(poses), np.tile(view.rotation.as_matrix()[2], (8, 1)))
    np.testing.assert_allclose(poses[0].rotation.as_matrix(), view.rotation.as_matrix())
    np.testing.assert_array_equal(poses.offset_x_in_angstroms, np.full(8, 2.0))


def test_many_views_are_not_turned_at_once() -> None:
    with pytest.raises(ValueError, match=r"^pose: expected one pose"):
        make_in_plane_poses(90.0, draw_random_poses(2, rng=0))
