"""Poses as values: one or many, compared, copied, and checked when they are made."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from numbavol.poses import AbstractPose, AxisAnglePose, EulerAnglePose, QuaternionPose

N = 5
CLASSES = [EulerAnglePose, QuaternionPose, AxisAnglePose]
OFFSETS = ["offset_x_in_angstroms", "offset_y_in_angstroms", "offset_z_in_angstroms"]


def make_poses(cls, n=N):
    rng = np.random.default_rng(3)
    rotation = {
        EulerAnglePose: {
            name: rng.uniform(0, 180, n) for name in ("phi_angle", "theta_angle", "psi_angle")
        },
        QuaternionPose: {"wxyz": rng.normal(size=(n, 4))},
        AxisAnglePose: {"euler_vector": rng.normal(size=(n, 3))},
    }[cls]
    offsets = {name: rng.normal(size=n) for name in OFFSETS}
    return cls(**rotation, **offsets)


def get_values(pose):
    return {field.name: getattr(pose, field.name) for field in dataclasses.fields(pose)}


def assert_same_values(pose, expected):
    for name, value in get_values(pose).items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


@pytest.fixture(params=CLASSES)
def cls(request):
    return request.param


@pytest.fixture(params=[None, N], ids=["one", "many"])
def pose(request, cls):
    return make_poses(cls)[0] if request.param is None else make_poses(cls)


def test_fields_are_read_only_float64_copies(cls):
    given = np.arange(3, dtype=">i4")
    poses = cls(given, offset_z_in_angstroms=[1, 2, 3])
    given[:] = 7
    np.testing.assert_array_equal(poses.offset_x_in_angstroms, [0, 1, 2])
    for value in [*get_values(poses).values(), poses.offset_in_angstroms]:
        assert value.dtype == np.dtype(np.float64)
        assert value.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            value[...] = 1


def test_an_array_that_is_given_stays_writable(cls):
    given = np.zeros(3)
    cls(given)
    given[0] = 1


def test_a_pose_is_frozen(pose):
    with pytest.raises(dataclasses.FrozenInstanceError):
        pose.offset_x_in_angstroms = 1.0


def test_the_abstract_class_makes_no_pose():
    with pytest.raises(TypeError, match="abstract"):
        AbstractPose()


@pytest.mark.parametrize("z", [None, 3.0])
def test_the_offset_is_two_or_three_numbers(cls, z):
    one = cls(1, 2, offset_z_in_angstroms=z)
    many = cls(1, [2, 3], offset_z_in_angstroms=z)
    expected = [1, 2] if z is None else [1, 2, 3]
    np.testing.assert_array_equal(one.offset_in_angstroms, expected)
    np.testing.assert_array_equal(many[0].offset_in_angstroms, expected)
    assert many.offset_in_angstroms.shape == (2, len(expected))
    assert (one.offset_z_in_angstroms is None) == (z is None)


@pytest.mark.parametrize("vectors", ["wxyz", "offset"])
def test_numbers_and_vectors_broadcast_to_one_number_of_poses(vectors):
    wxyz = np.ones((3, 4)) if vectors == "wxyz" else np.ones(4)
    poses = QuaternionPose(2.0, 1.0 if vectors == "wxyz" else np.ones(3), wxyz)
    assert poses.n_poses == 3
    np.testing.assert_array_equal(poses.offset_x_in_angstroms, [2, 2, 2])
    np.testing.assert_array_equal(poses.wxyz, np.ones((3, 4)))


def test_many_poses_have_a_length_and_one_has_none(cls):
    assert make_poses(cls).n_poses == len(make_poses(cls)) == N
    assert cls().n_poses is None
    for ask in (len, iter):
        with pytest.raises(TypeError, match=f"one {cls.__name__} has no length"):
            ask(cls())
    with pytest.raises(TypeError, match=f"one {cls.__name__} cannot be indexed"):
        cls()[0]


def test_any_pose_is_true_and_none_is_false(cls):
    assert cls()
    assert make_poses(cls)
    assert not make_poses(cls)[:0]


@pytest.mark.parametrize("index", [0, -1, np.int64(2), np.array(3)])
def test_a_number_takes_one_pose(cls, index):
    poses = make_poses(cls)
    taken = poses[index]
    assert taken.n_poses is None
    assert_same_values(taken, {k: v[index] for k, v in get_values(poses).items()})


@pytest.mark.parametrize(
    "index",
    [
        slice(1, 4),
        slice(None, None, -2),
        slice(0, 0),
        [3, 3, 0],
        [],
        np.array([4, -1], np.int8),
        np.arange(N) > 2,
        [True, False, True, False, True],
        ...,
    ],
    ids=str,
)
def test_slices_arrays_and_masks_take_many_poses(cls, index):
    poses = make_poses(cls)
    taken = poses[index]
    assert taken.n_poses == np.arange(N)[index].size
    assert_same_values(taken, {k: v[index] for k, v in get_values(poses).items()})
    assert not np.shares_memory(taken.offset_x_in_angstroms, poses.offset_x_in_angstroms)


def test_iteration_gives_every_pose(cls):
    poses = make_poses(cls)
    assert [*poses] == [poses[i] for i in range(N)]


def test_the_rotations_of_many_poses_are_theirs(cls):
    poses = make_poses(cls)
    matrices = poses.rotation.as_matrix()
    assert matrices.shape == (N, 3, 3)
    for pose, matrix in zip(poses, matrices, strict=True):
        # The same formula, perhaps vectorised differently: rounding.
        np.testing.assert_allclose(pose.rotation.as_matrix(), matrix, atol=1e-15)


def test_no_pose_has_no_rotation(cls):
    none = make_poses(cls)[:0]
    assert len(none.rotation) == 0
    assert len(none.to_relion_angles().rot) == 0
    for other in CLASSES:
        assert other.from_pose(none).n_poses == 0


@pytest.mark.parametrize("index", [N, -N - 1, np.ones(N + 1, bool), 1.5, (0, 0), "a"])
def test_an_index_that_an_array_refuses_is_refused(cls, index):
    with pytest.raises(IndexError):
        make_poses(cls)[index]


@pytest.mark.parametrize("index", [None, [[0, 1]]])
def test_an_index_that_makes_an_axis_is_an_error(cls, index):
    with pytest.raises(ValueError, match=r"index: expected one that leaves at most one axis, got"):
        make_poses(cls)[index]


def test_poses_of_equal_values_are_equal(pose):
    other = type(pose)(**get_values(pose))
    assert pose == other
    assert hash(pose) == hash(other)
    assert {pose: "found"}[other] == "found"


def test_zero_and_minus_zero_are_equal_and_hash_alike(cls):
    assert cls(0.0) == cls(-0.0)
    assert hash(cls(0.0)) == hash(cls(-0.0))


def test_comparison_is_a_bool_for_anything(cls):
    pose, poses = cls(), make_poses(cls)
    others = [
        None,
        1,
        np.zeros(N),
        "pose",
        cls(1),
        cls(offset_z_in_angstroms=0),
        cls([0]),
        poses[1:],
    ]
    for other in [*others, *(another() for another in CLASSES if another is not cls)]:
        for mine in (pose, poses):
            assert (mine == other) is False
            assert (other == mine) is False
            assert (mine != other) is True


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, dataclasses.replace, lambda pose: pickle.loads(pickle.dumps(pose))],
    ids=["copy", "deepcopy", "replace", "pickle"],
)
def test_a_duplicate_is_equal_and_read_only(pose, duplicate):
    rotation, offset = pose.rotation, pose.offset_in_angstroms
    other = duplicate(pose)
    assert other == pose
    assert not any(value.flags.writeable for value in get_values(other).values())
    np.testing.assert_array_equal(other.rotation.as_matrix(), rotation.as_matrix())
    np.testing.assert_array_equal(other.offset_in_angstroms, offset)


def test_a_pickle_holds_no_cached_rotation(pose):
    before = len(pickle.dumps(pose))
    pose.rotation.as_matrix()
    assert len(pickle.dumps(pose)) == before


@pytest.mark.parametrize("name", OFFSETS)
def test_replace_changes_one_field(pose, name):
    expected = {**get_values(pose), name: np.full_like(getattr(pose, name), 9)}
    before = pose.offset_in_angstroms
    changed = dataclasses.replace(pose, **{name: 9.0})
    assert_same_values(changed, expected)
    np.testing.assert_array_equal(pose.offset_in_angstroms, before)
    np.testing.assert_array_equal(changed.offset_in_angstroms[..., OFFSETS.index(name)], 9)


def test_replace_checks_the_new_value():
    with pytest.raises(ValueError, match="phi_angle"):
        dataclasses.replace(EulerAnglePose(), phi_angle=np.nan)


def test_fields_are_the_arguments_of_the_constructor():
    assert EulerAnglePose(1, 2, 3, 4, 5, offset_z_in_angstroms=6) == EulerAnglePose(
        offset_x_in_angstroms=1,
        offset_y_in_angstroms=2,
        offset_z_in_angstroms=6,
        phi_angle=3,
        theta_angle=4,
        psi_angle=5,
    )
    assert AxisAnglePose(1, 2, (3, 4, 5)) == AxisAnglePose(
        offset_x_in_angstroms=1, offset_y_in_angstroms=2, euler_vector=(3, 4, 5)
    )


def test_the_repr_of_one_pose_makes_it(cls):
    pose = make_poses(cls)[0]
    assert eval(repr(pose)) == pose
    assert repr(EulerAnglePose(1, 2, 3, 4, 5)) == (
        "EulerAnglePose(offset_x_in_angstroms=1.0, offset_y_in_angstroms=2.0, "
        "phi_angle=3.0, theta_angle=4.0, psi_angle=5.0)"
    )


def test_the_repr_of_many_poses_is_short(cls):
    assert repr(make_poses(cls, 5000)) == f"<{cls.__name__}: 5000 poses>"
    assert repr(cls([0])) == f"<{cls.__name__}: 1 pose>"


@pytest.mark.parametrize("method", ["rotate_coordinates", "compute_translation_operator"])
def test_what_takes_one_pose_refuses_many(cls, method):
    with pytest.raises(ValueError, match=f"{method}: expected one pose, got <{cls.__name__}: 5 po"):
        getattr(make_poses(cls), method)(np.zeros((2, 2, 2)))


@pytest.mark.parametrize("name", ["offset_x_in_angstroms", "offset_z_in_angstroms", "psi_angle"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, r"expected finite values, got nan \(1 of 1\)"),
        ([1, -np.inf, np.inf], r"expected finite values, got -inf \(2 of 3\)"),
        (np.ones((2, 3)), r"expected shape \(\) or \(n,\), for one pose or n, got \(2, 3\)"),
        (1j, "expected real numbers, got dtype complex128"),
        ("north", "expected real numbers, got dtype <U5"),
        ([[1], [2, 3]], "expected an array of real numbers, got rows of unequal length"),
    ],
)
def test_a_wrong_number_is_an_error_that_names_it(name, value, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}"):
        EulerAnglePose(**{name: value})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: QuaternionPose(wxyz=np.ones(3)),
            r"wxyz: expected shape \(4,\) or \(n, 4\), for one pose or n, got \(3,\)",
        ),
        (
            lambda: QuaternionPose(wxyz=np.ones((2, 3, 4))),
            r"wxyz: expected shape \(4,\) or \(n, 4\), for one pose or n, got \(2, 3, 4\)",
        ),
        (
            lambda: QuaternionPose(wxyz=1.0),
            r"wxyz: expected shape \(4,\) or \(n, 4\), for one pose or n, got \(\)",
        ),
        (
            lambda: QuaternionPose(wxyz=(0, 0, 0, 0)),
            r"wxyz: expected quaternions other than zero, got \(0, 0, 0, 0\)$",
        ),
        (
            lambda: QuaternionPose(wxyz=[(1, 0, 0, 0), (0, 0, 0, 0)]),
            r"wxyz: expected quaternions other than zero, got \(0, 0, 0, 0\) for pose 1",
        ),
        (
            lambda: AxisAnglePose(euler_vector=np.ones(4)),
            r"euler_vector: expected shape \(3,\) or \(n, 3\), for one pose or n, got \(4,\)",
        ),
        (
            lambda: AxisAnglePose(euler_vector=(0, np.nan, 0)),
            r"euler_vector: expected finite values, got nan \(1 of 3\)",
        ),
        (
            lambda: EulerAnglePose([1, 2], phi_angle=[1, 2, 3]),
            r"equally many, got shapes offset_x_in_angstroms \(2,\), phi_angle \(3,\)",
        ),
        (
            lambda: AxisAnglePose([1, 2], euler_vector=np.ones((4, 3))),
            r"equally many, got shapes offset_x_in_angstroms \(2,\), euler_vector \(4,\)",
        ),
        (
            lambda: EulerAnglePose.from_relion_angles([1, 2], [1, 2, 3], 0),
            r"equally many, got shapes rot \(2,\), tilt \(3,\)",
        ),
        (
            lambda: AxisAnglePose.from_relion_angles(0, 0, 0, np.nan),
            r"origin_x_in_angstroms: expected finite values, got nan",
        ),
        (
            lambda: EulerAnglePose.from_translation([1, 2, 3, 4]),
            r"offset_in_angstroms: expected shape \(2,\) or \(n, 2\) or \(3,\) or \(n, 3\), for",
        ),
        (
            lambda: EulerAnglePose.from_rotation_and_translation(
                Rotation.identity(3), np.ones((2, 2))
            ),
            r"equally many, got shapes rotation \(3,\), offset_in_angstroms \(2,\)",
        ),
        (
            lambda: EulerAnglePose().rotate_coordinates(np.ones((3, 2))),
            r"coordinate_grid_or_list: expected shape \(..., 3\), got \(3, 2\)",
        ),
        (
            lambda: EulerAnglePose().rotate_coordinates(1.0),
            r"coordinate_grid_or_list: expected shape \(..., 3\), got \(\)",
        ),
        (
            lambda: EulerAnglePose().rotate_coordinates([1j, 0, 0]),
            r"coordinate_grid_or_list: expected real numbers, got dtype complex128",
        ),
    ],
)
def test_a_wrong_value_is_an_error_that_names_it(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_no_rotation_is_an_error(cls):
    with pytest.raises(TypeError, match=r"rotation: expected a scipy.*Rotation, got .*ndarray"):
        cls.from_rotation(np.eye(3))
    with pytest.raises(TypeError, match=r"rotation: expected a scipy.*Rotation, got .*list"):
        cls.from_rotation_and_translation([1, 0, 0, 0], (0, 0))


def test_a_grid_of_rotations_is_an_error(cls):
    # Before its 1.17, SciPy itself refuses to make one.
    with pytest.raises(ValueError, match=r"got an array of them of shape \(2, 3\)|`quat`"):
        cls.from_rotation(Rotation.from_quat(np.ones((2, 3, 4))))


def test_what_is_no_pose_is_named():
    with pytest.raises(TypeError, match="pose: expected an AbstractPose, got int"):
        EulerAnglePose.from_pose(3)
