"""Symmetries of molecules, and one pose of those that give the same image."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.poses.base import AbstractPose

    Pose = TypeVar("Pose", bound=AbstractPose)

_GOLDEN = (1 + np.sqrt(5)) / 2
# Two axes (folds, direction) that generate each group, as RELION places them.
_POLYHEDRA: dict[str, tuple[tuple[int, tuple[float, float, float]], ...]] = {
    "T": ((3, (0, 0, 1)), (2, (0, np.sqrt(2), 1))),
    "O": ((4, (0, 0, 1)), (3, (1, 1, 1))),
    "I1": ((2, (1, 0, 0)), (5, (_GOLDEN, 0, -1))),
    "I2": ((5, (_GOLDEN, 1, 0)), (3, (1, 1, 1))),
    "I3": ((5, (0, 0, 1)), (2, (-1, 0, _GOLDEN))),
    "I4": ((5, (0, 0, 1)), (2, (1, 0, _GOLDEN))),
}
_ORDERS = {"T": 12, "O": 24, "I1": 60, "I2": 60, "I3": 60, "I4": 60}
_LARGEST_FOLD = 10_000
# The mate of a rotation R in the asymmetric unit has the largest sum of these numbers times its
# matrix: its third row is the view. The second row of numbers decides between views that lie on an
# edge of the unit, the third between turns in the plane of a view along an axis.
_TOWARDS = np.array([0.5, 0.0, np.sqrt(0.75)])
_ON_AN_EDGE = np.array([0.37, 0.79, 0.21])
_ON_AN_AXIS = np.array([0.61, 0.33, 0.72])
_WEIGHTS = np.array([1e-8 * _ON_AN_AXIS, np.zeros(3), _TOWARDS + 1e-4 * _ON_AN_EDGE])
_ROTATIONS_AT_A_TIME = 2**16
# Two rotations of a group differ by far more, products of its generators by far less.
_SAME = 1e-6


def make_symmetry_rotations(symmetry: str) -> Rotation:
    """Make the rotations that leave a symmetric molecule as it is.

    They are placed as RELION places them: the main axis of Cn and Dn along z, a twofold axis of Dn
    along x.

    Parameters
    ----------
    symmetry
        "C1", "C2" and so on, "D1", "D2" and so on, "T", "O", or "I1" to "I4", of which "I" is "I2";
        in upper or lower case.

    Returns
    -------
    scipy.spatial.transform.Rotation
        All of them, the identity first.

    Raises
    ------
    ValueError
        If there is no such symmetry.

    Examples
    --------
    >>> from numbavol.poses import make_symmetry_rotations
    >>> len(make_symmetry_rotations("D7")), len(make_symmetry_rotations("I"))
    (14, 60)
    """
    name = str(symmetry).upper()
    if (found := re.fullmatch(r"([CD])([1-9][0-9]*)", name)) and int(found[2]) <= _LARGEST_FOLD:
        angles = np.arange(int(found[2])) * (360.0 / int(found[2]))
        turns = Rotation.from_rotvec(np.multiply.outer(angles, [0.0, 0.0, 1.0]), degrees=True)
        if found[1] == "C":
            return turns
        return Rotation.concatenate([turns, turns * Rotation.from_quat([1.0, 0.0, 0.0, 0.0])])
    name = "I2" if name == "I" else name
    if name not in _POLYHEDRA:
        msg = (
            "symmetry: expected C or D and a number from 1 on, T, O, I, I1, I2, I3 or I4, got "
            f"{symmetry!r}"
        )
        raise ValueError(msg)
    return _generate(name)


def reduce_to_asymmetric_unit(poses: Pose, symmetry: str) -> Pose:
    """Replace each pose by the one in the asymmetric unit that gives the same image.

    A symmetric molecule looks the same in the rotations R and R S, for every S of its symmetry. In
    the unit is the one whose view, R^T z, is nearest to a direction 30 degrees from z towards x;
    where several are as near, it is one of them. Every rotation has one such mate.

    Parameters
    ----------
    poses
        One pose, or n.
    symmetry
        As in `make_symmetry_rotations`.

    Returns
    -------
    AbstractPose
        Of the same class; offsets are the same.

    Raises
    ------
    ValueError
        If there is no such symmetry.

    Examples
    --------
    >>> from numbavol.poses import QuaternionPose, reduce_to_asymmetric_unit
    >>> poses = QuaternionPose.from_relion_angles([0.0, 90.0, 180.0], 50.0, 0.0)
    >>> reduce_to_asymmetric_unit(poses, "C4").to_relion_angles().rot.round(9) + 0.0
    array([0., 0., 0.])
    """
    operations = make_symmetry_rotations(symmetry)
    rotation = poses.rotation
    chosen = find_mates(rotation, operations)
    reduced = rotation * operations[chosen if poses.n_poses is not None else int(chosen[0])]
    return type(poses).from_rotation_and_translation(reduced, poses.offset_in_angstroms)


def find_mates(rotation: Rotation, operations: Rotation) -> NDArray[np.intp]:
    """Find the number of the operation that takes each rotation into the asymmetric unit.

    Parameters
    ----------
    rotation
        One rotation, or n.
    operations
        All of a symmetry.

    Returns
    -------
    NDArray
        ``(n,)``; 0, the identity, for rotations that are there already.
    """
    # The sum of W times R S is that of W S^T times R.
    weights = (_WEIGHTS @ np.swapaxes(operations.as_matrix(), 1, 2)).reshape(-1, 9).T
    matrices = rotation.as_matrix().reshape(-1, 9)
    chosen = np.empty(len(matrices), np.intp)
    for start in range(0, len(matrices), _ROTATIONS_AT_A_TIME):
        some = slice(start, start + _ROTATIONS_AT_A_TIME)
        chosen[some] = np.argmax(matrices[some] @ weights, axis=1)
    return chosen


@functools.cache
def _generate(name: str) -> Rotation:
    generators = []
    for folds, axis in _POLYHEDRA[name]:
        direction = np.array(axis) / np.linalg.norm(axis)
        generators.append(Rotation.from_rotvec(360.0 / folds * direction, degrees=True).as_matrix())
    found = [np.eye(3)]
    for matrix in found:
        for generator in generators:
            product = generator @ matrix
            if np.abs(found - product).max(axis=(1, 2)).min() > _SAME:
                found.append(product)
    if len(found) != _ORDERS[name]:
        msg = f"{name} has {_ORDERS[name]} rotations, found {len(found)}"
        raise AssertionError(msg)
    return Rotation.from_matrix(np.array(found))
