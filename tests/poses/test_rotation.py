"""The rotation of a pose, in three representations and in RELION's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from numbavol.poses import AxisAnglePose, EulerAnglePose, QuaternionPose

# Entries of a matrix are at most 1. Degrees to radians and a handful of products each round by
# 1e-16 of at most two turns (12 radians), which leaves this a margin of a few times.
ROUNDING = 1e-14

CLASSES = [EulerAnglePose, QuaternionPose, AxisAnglePose]
PAIRS = list(itertools.product(CLASSES, CLASSES))
LOCKED = [(0, 0, 0), (30, 0, 50), (30, 180, 50), (-170, -180, 170), (0, 360, 90), (90, 180, 0)]

angles = st.tuples(*[st.floats(-720, 720)] * 3)
# Around the locked angles, at every distance that float64 can tell apart.
near_locked = st.builds(
    lambda centre, exponent, phi, psi: (phi, centre + 10.0**exponent, psi),
    st.sampled_from([0, 180]),
    st.floats(-18, 1),
    st.floats(-180, 180),
    st.floats(-180, 180),
)
vectors = st.tuples(*[st.floats(-500, 500)] * 3)
quaternions = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: max(map(abs, q)) > 1e-3)
few = settings(deadline=None, max_examples=60)


def rz(degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def ry(degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def zyz(phi, theta, psi):
    return rz(psi) @ ry(theta) @ rz(phi)


def matrix(pose):
    return pose.rotation.as_matrix()


@few
@given(angles)
def test_euler_angles_are_a_product_of_three_matrices(angles):
    pose = EulerAnglePose(0, 0, *angles)
    np.testing.assert_allclose(matrix(pose), zyz(*angles), atol=ROUNDING)


@few
@given(quaternions, st.floats(-6, 6))
def test_quaternions_of_any_length_turn_as_the_unit_quaternion(wxyz, exponent):
    w, x, y, z = np.array(wxyz) / np.linalg.norm(wxyz)
    expected = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    pose = QuaternionPose(wxyz=np.array(wxyz) * 10**exponent)
    np.testing.assert_allclose(matrix(pose), expected, atol=ROUNDING)


@pytest.mark.parametrize("length", [1e-300, 1e300])
def test_a_quaternion_whose_square_is_out_of_range_is_one(length):
    half_turn = QuaternionPose(wxyz=[0, length, 0, 0])
    np.testing.assert_allclose(matrix(half_turn), np.diag([1, -1, -1]), atol=ROUNDING)


@few
@given(vectors)
def test_axis_and_angle_obey_rodrigues(vector):
    angle = np.linalg.norm(vector)
    x, y, z = np.array(vector) / (angle or 1)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    expected = np.eye(3) + s * cross + (1 - c) * cross @ cross
    # Above 500 degrees the angle itself, a square root, is rounded to a few 1e-15 radians.
    np.testing.assert_allclose(matrix(AxisAnglePose(euler_vector=vector)), expected, atol=1e-13)


@few
@given(angles)
def test_rotations_are_orthogonal_and_right_handed(angles):
    rotation = matrix(EulerAnglePose(0, 0, *angles))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=ROUNDING)
    assert np.linalg.det(rotation) == pytest.approx(1, abs=ROUNDING)


def test_scipy_calls_it_extrinsic_zyz():
    expected = Rotation.from_euler("zyz", [20, 50, 70], degrees=True).as_matrix()
    np.testing.assert_allclose(matrix(EulerAnglePose(0, 0, 20, 50, 70)), expected, atol=ROUNDING)


def test_a_quarter_turn_about_z_takes_x_to_y():
    turned = EulerAnglePose(psi_angle=90).rotate_coordinates([1, 0, 0])
    np.testing.assert_allclose(turned, [0, 1, 0], atol=ROUNDING)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (7, 3), (4, 5, 3), (2, 3, 4, 3), (1, 4, 4, 3)])
def test_coordinates_of_any_shape_are_turned(shape):
    pose, coordinates = (
        EulerAnglePose(0, 0, 20, 50, 70),
        np.random.default_rng(1).normal(size=shape),
    )
    expected = np.einsum("ij,...j->...i", zyz(20, 50, 70), coordinates)
    turned = pose.rotate_coordinates(coordinates)
    assert turned.shape == shape
    np.testing.assert_allclose(turned, expected, atol=1e-13)  # ROUNDING of values up to 4
    back = pose.rotate_coordinates(turned, inverse=True)
    np.testing.assert_allclose(back, coordinates, atol=1e-13)


def test_the_inverse_is_the_transpose():
    turned = EulerAnglePose(0, 0, 20, 50, 70).rotate_coordinates(np.eye(3), inverse=True)
    np.testing.assert_allclose(turned, zyz(20, 50, 70), atol=ROUNDING)


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f4", "<i4", ">i2", "u1"])
def test_coordinates_of_any_real_dtype_are_turned(dtype):
    coordinates = np.arange(12).reshape(4, 3).astype(dtype)
    coordinates.setflags(write=False)
    turned = EulerAnglePose(0, 0, 20, 50, 70).rotate_coordinates(coordinates)
    assert turned.dtype == np.dtype(np.float64)
    expected = np.arange(12).reshape(4, 3) @ zyz(20, 50, 70).T
    np.testing.assert_allclose(turned, expected, atol=1e-13)  # ROUNDING of values up to 11


@pytest.mark.parametrize("cls", CLASSES)
def test_a_pose_without_arguments_is_the_identity(cls):
    coordinates = np.array([[1.0, 2.0, 3.0]])
    turned = cls().rotate_coordinates(coordinates)
    np.testing.assert_array_equal(turned, coordinates)
    assert not np.shares_memory(turned, coordinates)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@few
@given(angles=st.one_of(angles, near_locked, st.sampled_from(LOCKED)))
def test_conversion_keeps_the_rotation_and_the_offset(source, target, angles):
    pose = source.from_pose(EulerAnglePose(1.5, -2.5, *angles, offset_z_in_angstroms=3.5))
    converted = target.from_pose(pose)
    assert type(converted) is target
    np.testing.assert_allclose(matrix(converted), zyz(*angles), atol=ROUNDING)
    np.testing.assert_array_equal(converted.offset_in_angstroms, [1.5, -2.5, 3.5])


@pytest.mark.parametrize("cls", CLASSES)
def test_conversion_to_the_same_class_changes_no_value(cls):
    pose = cls.from_pose(EulerAnglePose(1, 2, 200, -50, 700))
    assert cls.from_pose(pose) == pose


@few
@given(quaternions)
def test_euler_angles_have_one_range(wxyz):
    pose = EulerAnglePose.from_pose(QuaternionPose(wxyz=wxyz))
    assert 0 <= pose.theta_angle <= 180
    assert abs(pose.phi_angle) <= 180
    assert abs(pose.psi_angle) <= 180


@few
@given(st.floats(-179, 179), st.floats(1, 179), st.floats(-179, 179))
def test_euler_angles_in_their_range_come_back(phi, theta, psi):
    pose = EulerAnglePose.from_rotation(EulerAnglePose(0, 0, phi, theta, psi).rotation)
    # In degrees, and a degree from the lock, an angle is 57 * 57 times less sure than an entry.
    np.testing.assert_allclose(
        [pose.phi_angle, pose.theta_angle, pose.psi_angle], [phi, theta, psi], atol=1e-11
    )


@pytest.mark.parametrize(("theta", "psi"), [(0, 80), (180, 20)])
def test_where_the_lock_frees_an_angle_phi_is_zero(theta, psi):
    pose = EulerAnglePose.from_rotation(Rotation.from_matrix(zyz(30, theta, 50)))
    assert pose.phi_angle == 0
    assert pose.theta_angle == pytest.approx(theta, abs=1e-12)  # ROUNDING in degrees
    assert pose.psi_angle == pytest.approx(psi, abs=1e-12)


def test_a_quaternion_from_a_rotation_has_a_real_part_that_is_not_negative():
    rotation = Rotation.from_quat([-0.5, 0.5, 0.5, 0.5], scalar_first=True)
    np.testing.assert_array_equal(
        QuaternionPose.from_rotation(rotation).wxyz, [0.5, -0.5, -0.5, -0.5]
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_the_inverse_rotation_turns_back_and_keeps_the_offset(cls):
    pose = cls.from_pose(EulerAnglePose(1.5, -2.5, 20, 50, 70, offset_z_in_angstroms=3.5))
    inverse = pose.to_inverse_rotation()
    np.testing.assert_allclose(matrix(inverse), zyz(20, 50, 70).T, atol=ROUNDING)
    np.testing.assert_array_equal(inverse.offset_in_angstroms, [1.5, -2.5, 3.5])
    assert inverse.to_inverse_rotation() == pose


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("offset", [[1.5, -2.5], [1.5, -2.5, 3.5]])
def test_a_pose_is_made_from_a_rotation_an_offset_or_both(cls, offset):
    rotation = Rotation.from_matrix(zyz(20, 50, 70))
    turned, moved = cls.from_rotation(rotation), cls.from_translation(offset)
    both = cls.from_rotation_and_translation(rotation, offset)
    np.testing.assert_allclose(matrix(turned), zyz(20, 50, 70), atol=ROUNDING)
    np.testing.assert_array_equal(turned.offset_in_angstroms, [0, 0])
    np.testing.assert_array_equal(matrix(moved), np.eye(3))
    np.testing.assert_array_equal(moved.offset_in_angstroms, offset)
    np.testing.assert_array_equal(matrix(both), matrix(turned))
    np.testing.assert_array_equal(both.offset_in_angstroms, offset)


@pytest.mark.parametrize("cls", CLASSES)
def test_one_rotation_and_many_offsets_make_many_poses(cls):
    offsets = np.arange(6.0).reshape(3, 2)
    poses = cls.from_rotation_and_translation(Rotation.from_matrix(zyz(20, 50, 70)), offsets)
    np.testing.assert_array_equal(poses.offset_in_angstroms, offsets)
    np.testing.assert_allclose(matrix(poses), [zyz(20, 50, 70)] * 3, atol=ROUNDING)


@pytest.mark.parametrize("cls", CLASSES)
def test_who_writes_to_a_rotation_does_not_change_the_pose(cls):
    poses = cls.from_rotation(Rotation.from_matrix([zyz(20, 50, 70), zyz(30, 60, 80)]))
    poses.rotation[0] = Rotation.identity()
    np.testing.assert_allclose(matrix(poses)[0], zyz(20, 50, 70), atol=ROUNDING)


@few
@given(angles)
def test_relion_turns_as_its_intrinsic_zyz_matrix(angles):
    ca, cb, cg = np.cos(np.deg2rad(angles))
    sa, sb, sg = np.sin(np.deg2rad(angles))
    # RELION's matrix of (rot, tilt, psi), in its papers' letters alpha, beta and gamma.
    expected = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
        [sb * ca, sb * sa, cb],
    ]
    for cls in CLASSES:
        pose = cls.from_relion_angles(*angles)
        np.testing.assert_allclose(matrix(pose), expected, atol=ROUNDING)
        # Capitals: about axes that turn along.
        intrinsic = Rotation.from_euler("ZYZ", angles, degrees=True).inv()
        np.testing.assert_allclose(matrix(pose), intrinsic.as_matrix(), atol=ROUNDING)


def test_relion_angles_and_origins_change_their_sign():
    pose = EulerAnglePose.from_relion_angles(10, 20, 30, 1.5, -2.5)
    assert pose == EulerAnglePose(-1.5, 2.5, -10, -20, -30)


@few
@given(angles, vectors)
def test_relion_columns_come_back_unchanged_from_euler_angles(angles, origin):
    columns = EulerAnglePose.from_relion_angles(*angles, *origin[:2]).to_relion_angles()
    np.testing.assert_array_equal(columns, (*angles, *origin[:2]))
    assert not np.signbit(columns)[np.equal(columns, 0)].any()


@pytest.mark.parametrize("cls", CLASSES)
def test_relion_columns_come_back_in_relions_range(cls):
    rot, tilt, psi = np.array([10.0, -150, 80]), np.array([20.0, 90, 170]), np.array([30.0, 0, -90])
    poses = cls.from_relion_angles(rot, tilt, psi, 1.5, [1, 2, 3])
    columns = poses.to_relion_angles()
    # ROUNDING in degrees, ten degrees from the lock.
    np.testing.assert_allclose(columns[:3], [rot, tilt, psi], atol=1e-11)
    np.testing.assert_array_equal(columns[3:], [[1.5] * 3, [1, 2, 3]])


@pytest.mark.parametrize("cls", [QuaternionPose, AxisAnglePose])
def test_relion_rot_is_zero_where_tilt_leaves_it_free(cls):
    columns = cls.from_relion_angles(30, 0, 50).to_relion_angles()
    np.testing.assert_allclose(columns, [0, 0, 80, 0, 0], atol=1e-12)  # ROUNDING in degrees
    assert not np.signbit(columns).any()


@pytest.mark.parametrize("cls", CLASSES)
@few
@given(angles=st.one_of(angles, near_locked, st.sampled_from(LOCKED)))
def test_relion_columns_are_the_same_rotation(cls, angles):
    pose = cls.from_pose(EulerAnglePose(0, 0, *angles))
    again = EulerAnglePose.from_relion_angles(*pose.to_relion_angles())
    np.testing.assert_allclose(matrix(again), zyz(*angles), atol=ROUNDING)
