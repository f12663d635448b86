"""Groups of rotations, placed as RELION places them, and the one pose of those that look alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import numbavol
from numbavol import make_symmetry_rotations, reduce_to_asymmetric_unit

ORDERS = {
    "C1": 1, "C2": 2, "C7": 7, "D1": 2, "D2": 4, "D5": 10, "T": 12, "O": 24, "I": 60, "I1": 60,
    "I2": 60, "I3": 60, "I4": 60,
}  # fmt: skip
ALL_SYMMETRIES = pytest.mark.parametrize("symmetry", ORDERS)
GOLDEN = (1 + 5**0.5) / 2


def contains(rotations: np.ndarray, matrix: np.ndarray) -> bool:
    return bool(np.abs(rotations - matrix).max(axis=(1, 2)).min() < 1e-6)


@ALL_SYMMETRIES
def test_the_rotations_are_a_group(symmetry: str) -> None:
    rotations = make_symmetry_rotations(symmetry).as_matrix()
    assert len(rotations) == ORDERS[symmetry]
    np.testing.assert_allclose(rotations[0], np.eye(3), atol=1e-15)
    for one in rotations:
        assert contains(rotations, one.T)
        assert contains(rotations, one @ rotations[-1])
    distances = np.abs(rotations[:, None] - rotations).max(axis=(2, 3))
    assert distances[~np.eye(len(rotations), dtype=bool)].min(initial=1.0) > 0.1


@pytest.mark.parametrize(
    ("symmetry", "folds", "axis"),
    # Axes that `relion_refine --sym X --print_symmetry_ops` of RELION 3.1.3 has matrices of.
    [
        ("C7", 7, (0, 0, 1)),
        ("D5", 5, (0, 0, 1)),
        ("D5", 2, (1, 0, 0)),
        ("T", 3, (0, 0, 1)),
        ("T", 2, (0, 0.81649658, 0.57735027)),
        ("O", 4, (0, 0, 1)),
        ("O", 4, (1, 0, 0)),
        ("O", 3, (1, 1, 1)),
        ("I", 2, (0, 0, 1)),
        ("I", 5, (1, 0, GOLDEN)),
        ("I1", 2, (1, 0, 0)),
        ("I1", 5, (GOLDEN, 0, -1)),
        ("I3", 5, (0, 0, 1)),
        ("I3", 2, (-1, 0, GOLDEN)),
        ("I4", 5, (0, 0, 1)),
        ("I4", 2, (1, 0, GOLDEN)),
    ],
)
def test_axes_lie_where_relion_has_them(symmetry: str, folds: int, axis) -> None:
    direction = np.array(axis) / np.linalg.norm(axis)
    turn = Rotation.from_rotvec(2 * np.pi / folds * direction).as_matrix()
    assert contains(make_symmetry_rotations(symmetry).as_matrix(), turn)


@pytest.mark.parametrize(
    "symmetry", ["", "C", "C0", "C100", "D0", "X2", "I5", "C-1", "C2.5", "O1", None]
)
def test_other_symmetries_are_refused(symmetry) -> None:
    with pytest.raises(ValueError, match=r"^symmetry: expected .*got"):
        make_symmetry_rotations(symmetry)


def test_who_writes_to_rotations_changes_only_his_own() -> None:
    rotations = make_symmetry_rotations("O")
    rotations[0] = rotations[5]
    assert make_symmetry_rotations("O")[0].magnitude() == 0.0


def test_lower_case_will_do() -> None:
    assert len(make_symmetry_rotations("d3")) == 6


@given(st.sampled_from(list(ORDERS)), st.integers(0, 2**32 - 1))
def test_every_rotation_has_one_mate_in_the_unit(symmetry: str, seed: int) -> None:
    operations = make_symmetry_rotations(symmetry)
    rotation = Rotation.random(rng=seed)
    mates = numbavol.QuaternionPose.from_rotation(rotation * operations)
    reduced = reduce_to_asymmetric_unit(mates, symmetry).rotation
    # All of one orbit come to the same, which is one of them, and stays where it is.
    assert (reduced * reduced[0].inv()).magnitude().max() < 1e-9
    assert (mates.rotation * reduced[0].inv()).magnitude().min() < 1e-9
    again = reduce_to_asymmetric_unit(numbavol.QuaternionPose.from_rotation(reduced), symmetry)
    assert (again.rotation * reduced.inv()).magnitude().max() < 1e-9


@pytest.mark.parametrize("symmetry", ["C3", "D2", "D5", "T", "O", "I"])
def test_views_along_axes_and_edges_have_one_mate(symmetry: str) -> None:
    operations = make_symmetry_rotations(symmetry)
    axes = operations[1:].as_rotvec()
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    # Every seventh is one of each kind.
    for axis in np.concatenate([axes[::7], -axes[::7], np.eye(3)]):
        view = Rotation.align_vectors([[0, 0, 1]], [axis])[0]
        for psi in (0.0, 30.0, 90.0):
            turned = Rotation.from_euler("z", psi, degrees=True) * view
            mates = numbavol.QuaternionPose.from_rotation(turned * operations)
            reduced = reduce_to_asymmetric_unit(mates, symmetry).rotation
            assert (reduced * reduced[0].inv()).magnitude().max() < 1e-6


def test_many_are_reduced_as_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    poses = numbavol.draw_random_poses(50, rng=5)
    one_by_one = [reduce_to_asymmetric_unit(pose, "O").rotation.as_matrix() for pose in poses]
    monkeypatch.setattr(numbavol.poses.symmetry, "_MATES_AT_A_TIME", 24 * 7)
    together = reduce_to_asymmetric_unit(poses, "O").rotation.as_matrix()
    np.testing.assert_allclose(together, one_by_one, atol=1e-14)
    assert len(reduce_to_asymmetric_unit(poses[:0], "O")) == 0


@pytest.mark.parametrize("symmetry", ["C3", "D2", "T", "O", "I"])
def test_mates_look_the_same(symmetry: str) -> None:
    rng = np.random.default_rng(0)
    operations = make_symmetry_rotations(symmetry)
    positions = operations.apply(rng.normal(scale=3, size=3))
    volume = numbavol.GaussianMixtureVolume(positions, 5.0, 2.0)
    poses = numbavol.draw_random_poses(10, rng=1, offset_deviation_in_angstroms=1.0)
    config = numbavol.ImageConfig((24, 25), 1.0)
    reduced = reduce_to_asymmetric_unit(poses, symmetry)
    assert type(reduced) is type(poses)
    np.testing.assert_array_equal(reduced.offset_in_angstroms, poses.offset_in_angstroms)
    images = numbavol.project(volume, poses, config)
    again = numbavol.project(volume, reduced, config)
    # The two differ by the rounding of positions in float64 and of pixels in float32.
    np.testing.assert_allclose(again, images, atol=1e-6 * images.max())


def test_one_pose_stays_one_pose() -> None:
    pose = numbavol.EulerAnglePose(phi_angle=200.0, offset_x_in_angstroms=3.0)
    reduced = reduce_to_asymmetric_unit(pose, "C2")
    assert reduced.n_poses is None
    assert float(reduced.offset_x_in_angstroms) == 3.0


@pytest.mark.parametrize("symmetry", ["C4", "D3", "O"])
def test_the_unit_is_one_of_as_many_parts_of_all_rotations(symmetry: str) -> None:
    poses = numbavol.draw_random_poses(20_000, rng=3)
    same = reduce_to_asymmetric_unit(poses, symmetry).rotation * poses.rotation.inv()
    share = np.mean(same.magnitude() < 1e-9)
    expected = 1 / ORDERS.get(symmetry, len(make_symmetry_rotations(symmetry)))
    # Four standard deviations of a count of 20,000.
    assert abs(share - expected) < 4 * np.sqrt(expected / 20_000)
