"""Symmetries of molecules, and one pose of those that give the same image."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from collections.abc import Iterator

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
# The mate of a rotation R in the asymmetric unit has the largest sum of these numbers times its
# matrix: its third row is the view. The second row of numbers decides between views that lie on an
# edge of the unit, the third between turns in the plane of a view along an axis.
_TOWARDS = np.array([0.5, 0.0, np.sqrt(0.75)])
_ON_AN_EDGE = np.array([0.37, 0.79, 0.21])
_ON_AN_AXIS = np.array([0.61, 0.33, 0.72])
# The last must not decide on an edge near an axis, where the second's difference is small as well.
_WEIGHTS = np.array([1e-8 * _ON_AN_AXIS, np.zeros(3), _TOWARDS + 1e-4 * _ON_AN_EDGE])
_MATES_AT_A_TIME = 2**21
# Two rotations of a group differ by far more, products of its generators by far less.
_SAME = 1e-6


def make_symmetry_rotations(symmetry: str) -> Rotation:
    """Make the rotations that leave a symmetric molecule as it is.

    They are placed as RELION places them: the main axis of Cn and Dn along z, a twofold axis of Dn
    along x. `relion_refine --sym D7 --print_symmetry_ops` prints the same matrices.

    Parameters
    ----------
    symmetry
        "C1" to "C99", "D1" to "D99", "T", "O", or "I1" to "I4", of which "I" is "I2"; in upper or
        lower case.

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
    if found := re.fullmatch(r"([CD])([1-9][0-9]?)", name):
        angles = np.arange(int(found[2])) * (360.0 / int(found[2]))
        turns = Rotation.from_rotvec(np.multiply.outer(angles, [0.0, 0.0, 1.0]), degrees=True)
        if found[1] == "C":
            return turns
        return Rotation.concatenate([turns, turns * Rotation.from_quat([1.0, 0.0, 0.0, 0.0])])
    name = "I2" if name == "I" else name
    if name not in _POLYHEDRA:
        msg = (
            "symmetry: expected C or D and a number from 1 to 99, T, O, I, I1, I2, I3 or I4, got "
            f"{symmetry!r}"
        )
        raise ValueError(msg)
    # A rotation can be written to, so that each caller needs his own.
    return Rotation.from_matrix(_generate(name))


def reduce_to_asymmetric_unit(poses: Pose, symmetry: str) -> Pose:
    """Replace each pose by the one in the asymmetric unit that gives the same image.

    A symmetric molecule looks the same in the rotations R and R S, for every S of its symmetry. In
    the unit is the one whose view, R^T z, is nearest to a direction 30 degrees from z towards x; of
    several that are as near to 0.01 degrees, it is always the same one. Every rotation has one such
    mate. For Cn, `rot` is from -180/n to 180/n; for Dn, `tilt` is at most 90 as well.

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
    quaternions = np.atleast_2d(rotation.as_quat())
    chosen = np.empty(len(quaternions), np.intp)
    for some in _divide(len(quaternions), len(operations)):
        matrices = Rotation.from_quat(quaternions[some]).as_matrix()
        chosen[some] = np.argmax(matrices.reshape(-1, 9) @ weights, axis=1)
    return chosen


def cover_unit(rotation: Rotation, operations: Rotation, farthest: float) -> NDArray[np.float64]:
    """Choose views in the asymmetric unit that cover with their mates what all views cover.

    Views in the unit stay. Of each other one the mate there is a candidate, for a grid need not
    have the symmetry of the molecule: the farthest from all before it and from their mates comes
    first, until none is left that is farther than `farthest`.

    Parameters
    ----------
    rotation
        A rotation of each view, n of them.
    operations
        All of a symmetry.
    farthest
        A distance between unit vectors.

    Returns
    -------
    NDArray
        Unit vectors, shape ``(m, 3)``.

    References
    ----------
    T. F. Gonzalez, Clustering to minimize the maximum intercluster distance, Theoretical Computer
    Science 38, 293-306, 1985.
    """
    chosen = find_mates(rotation, operations)
    views = (rotation * operations[chosen]).as_matrix()[:, 2]
    inside, candidates = views[chosen == 0], views[chosen != 0]
    distances = np.full(len(candidates), np.inf)
    if len(inside):
        everywhere = np.concatenate([operation.apply(inside) for operation in operations])
        distances = np.asarray(KDTree(everywhere).query(candidates)[0])
    added = []
    while np.any(far := distances > farthest):
        candidates, distances = candidates[far], distances[far]
        added.append(candidates[np.argmax(distances)])
        for mate in operations.apply(added[-1]):
            distances = np.minimum(distances, np.linalg.norm(candidates - mate, axis=1))
    return np.concatenate([inside, *(view[None] for view in added)])


def lie_on_axis(views: NDArray[np.float64], operations: Rotation) -> NDArray[np.bool]:
    """Tell which views, shape ``(n, 3)``, an operation other than the identity leaves in place."""
    found = np.zeros(len(views), np.bool)
    for operation in operations[1:]:
        found |= np.linalg.norm(operation.apply(views) - views, axis=1) < _SAME
    return found


def _divide(number: int, n_operations: int) -> Iterator[slice]:
    step = _MATES_AT_A_TIME // n_operations
    return (slice(start, start + step) for start in range(0, number, step))


@functools.cache
def _generate(name: str) -> NDArray[np.float64]:
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
    return np.array(found)
