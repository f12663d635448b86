"""Many poses: random ones, a grid of all rotations, and turns in the plane."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.arguments import check_fits_in_memory, read_count, read_reals
from numbavol.poses.representations import EulerAnglePose, QuaternionPose
from numbavol.poses.symmetry import (
    cover_unit,
    find_mates,
    lie_on_axis,
    make_symmetry_rotations,
    reduce_to_asymmetric_unit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.poses.base import AbstractPose

# Of a number that was rounded: 7.5 degrees are 48 steps a turn, not 49.
_ROUNDING = 1e-9
# Below it, numbers of poses stop being numbers.
_FINEST_IN_DEGREES = 1e-9
# In units of the square root of a view's area. A smaller number leaves near mates on the edges of a
# unit, a larger one gaps; neighbours in HEALPix are as near as this.
_SPARSEST_MATES = 0.7
_BYTES_OF_A_RANDOM_POSE = 360
_BYTES_OF_A_GRIDS_POSE = 150


def draw_random_poses(
    n_poses: int,
    rng: np.random.Generator | int | None = None,
    *,
    symmetry: str = "C1",
    offset_deviation_in_angstroms: float = 0.0,
) -> EulerAnglePose:
    """Draw poses whose rotations are uniform.

    Parameters
    ----------
    n_poses
        How many.
    rng
        A generator, or a seed: the same seed gives the same poses. None gives others every time.
    symmetry
        Of the molecule, see `make_symmetry_rotations`: rotations are drawn from its asymmetric
        unit.
    offset_deviation_in_angstroms
        Offsets along x and y are drawn from a normal distribution of this standard deviation. The
        rotations do not depend on it.

    Returns
    -------
    EulerAnglePose
        n poses.

    Raises
    ------
    ValueError
        If an argument is not as described.
    MemoryError
        If there are more poses than memory is free for.

    References
    ----------
    G. Marsaglia, Choosing a point from the surface of a sphere, The Annals of Mathematical
    Statistics 43, 645-646, 1972: normal numbers, divided by their length, are uniform on a sphere.

    Examples
    --------
    >>> from numbavol.poses import draw_random_poses
    >>> poses = draw_random_poses(1000, rng=0, offset_deviation_in_angstroms=2.0)
    >>> poses
    <EulerAnglePose: 1000 poses>
    >>> bool(abs(poses.rotation.as_matrix().mean(axis=0)).max() < 0.1)
    True
    """
    number = read_count("n_poses", n_poses)
    deviation = read_reals("offset_deviation_in_angstroms", offset_deviation_in_angstroms)
    if deviation.ndim or not 0.0 <= deviation < math.inf:
        msg = (
            "offset_deviation_in_angstroms: expected a finite number of at least 0, got "
            f"{offset_deviation_in_angstroms!r}"
        )
        raise ValueError(msg)
    generator = _read_generator(rng)
    check_fits_in_memory("n_poses", f"{number} poses", _BYTES_OF_A_RANDOM_POSE * number)
    rotation = Rotation.from_quat(generator.normal(size=(number, 4)))
    offsets = deviation * generator.normal(size=(number, 2))
    poses = QuaternionPose.from_rotation_and_translation(rotation, offsets)
    reduced = reduce_to_asymmetric_unit(poses, symmetry)
    # RELION's tilt is then from 0 to 180, as its users expect.
    return EulerAnglePose.from_relion_angles(*reduced.to_relion_angles())


def make_pose_grid(angular_spacing_in_degrees: float, *, symmetry: str = "C1") -> EulerAnglePose:
    r"""Make a grid of all rotations, evenly spaced.

    Views are the pixels of HEALPix, :math:`12 n^2` directions of equal area, with the smallest n
    for which :math:`\sqrt{\pi / 3} / n`, the square root of that area, is at most the spacing; each
    is turned in the plane in equal steps of at most the spacing. At 7.5 degrees this is what RELION
    has at HEALPix order 3: 768 views, 48 turns each. No rotation was found further from the grid
    than 0.93 times the spacing.

    Of a symmetric molecule, views in the asymmetric unit stay. HEALPix has not every symmetry, so
    that mates of others may lie between them: these are added, until all are within 0.7 of a view's
    side. No rotation was found further from the grid and its mates than 1.1 times the spacing.

    Parameters
    ----------
    angular_spacing_in_degrees
        From 1e-9 to 180.
    symmetry
        Of the molecule, see `make_symmetry_rotations`: the grid is that of its asymmetric unit.

    Returns
    -------
    EulerAnglePose
        The poses, view by view.

    Raises
    ------
    ValueError
        If an argument is not as described.
    MemoryError
        If there are more poses than memory is free for.

    References
    ----------
    Gorski et al. (2005), The Astrophysical Journal 622, 759-771, equations 2 to 9.
    Yershova, Jain, LaValle & Mitchell (2010), The International Journal of Robotics Research 29,
    801-812.

    Examples
    --------
    >>> from numbavol.poses import make_pose_grid
    >>> make_pose_grid(7.5)
    <EulerAnglePose: 36864 poses>
    """
    spacing = _read_spacing(angular_spacing_in_degrees)
    operations = make_symmetry_rotations(symmetry)
    n_sides = math.ceil(math.sqrt(math.pi / 3) / math.radians(spacing) - _ROUNDING)
    n_turns = _count_turns(spacing)
    _check_grid_fits(12 * n_sides**2 * n_turns // len(operations))
    rot, tilt = _make_healpix_directions(n_sides)
    if len(operations) == 1:
        return _turn_views(rot, tilt, n_turns)
    rotation = EulerAnglePose.from_relion_angles(rot, tilt, 0.0).rotation
    farthest = _SPARSEST_MATES * math.sqrt(math.pi / 3) / n_sides
    views = cover_unit(rotation, operations, farthest)
    x, y, z = views.T
    rot, tilt = np.rad2deg(np.arctan2(y, x)), np.rad2deg(np.arctan2(np.hypot(x, y), z))
    poses = _turn_views(rot, tilt, n_turns)
    # Of turns about a view along an axis, some are mates.
    needed = np.ones(len(poses), np.bool)
    on_axis = np.flatnonzero(np.repeat(lie_on_axis(views, operations), n_turns))
    if len(on_axis):
        needed[on_axis] = find_mates(poses[on_axis].rotation, operations) == 0
    return poses[needed]


def make_in_plane_poses(
    angular_spacing_in_degrees: float, pose: AbstractPose | None = None
) -> EulerAnglePose:
    """Turn one view in the plane, in equal steps.

    Parameters
    ----------
    angular_spacing_in_degrees
        From 1e-9 to 180: steps are at most as large, and a whole number of them is a turn.
    pose
        The view, which comes first; without it, along z. Its offset is kept.

    Returns
    -------
    EulerAnglePose
        The poses, which differ in `psi_angle`.

    Raises
    ------
    ValueError
        If an argument is not as described.
    MemoryError
        If there are more poses than memory is free for.

    Examples
    --------
    >>> from numbavol.poses import make_in_plane_poses
    >>> make_in_plane_poses(90.0).psi_angle
    array([  0.,  90., 180., 270.])
    """
    n_turns = _count_turns(_read_spacing(angular_spacing_in_degrees))
    view = EulerAnglePose() if pose is None else EulerAnglePose.from_pose(pose)
    if view.n_poses is not None:
        msg = f"pose: expected one pose, got {pose!r}"
        raise ValueError(msg)
    _check_grid_fits(n_turns)
    return EulerAnglePose(
        offset_x_in_angstroms=view.offset_x_in_angstroms,
        offset_y_in_angstroms=view.offset_y_in_angstroms,
        phi_angle=view.phi_angle,
        theta_angle=view.theta_angle,
        psi_angle=view.psi_angle + _divide_turn(n_turns),
        offset_z_in_angstroms=view.offset_z_in_angstroms,
    )


def _make_healpix_directions(n_sides: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Make the centres of HEALPix's pixels, ring by ring: azimuth and polar angle in degrees."""
    rings = np.arange(1, 4 * n_sides)
    from_pole = np.minimum(rings, 4 * n_sides - rings)
    in_cap = from_pole < n_sides
    n_in_ring = np.where(in_cap, 4 * from_pole, 4 * n_sides)
    # The cosine of the polar angle, and whether a ring begins half a pixel from azimuth 0.
    height = np.where(
        in_cap,
        np.sign(2 * n_sides - rings) * (1 - from_pole**2 / (3 * n_sides**2)),
        4 / 3 - 2 * rings / (3 * n_sides),
    )
    begins_late = in_cap | ((rings - n_sides) % 2 == 0)
    number = np.concatenate([np.arange(n) for n in n_in_ring])
    azimuth = (number + 0.5 * np.repeat(begins_late, n_in_ring)) * (
        360.0 / np.repeat(n_in_ring, n_in_ring)
    )
    return azimuth, np.rad2deg(np.arccos(np.repeat(height, n_in_ring)))


def _turn_views(
    rot: NDArray[np.float64], tilt: NDArray[np.float64], n_turns: int
) -> EulerAnglePose:
    psi = np.tile(_divide_turn(n_turns), len(rot))
    return EulerAnglePose.from_relion_angles(np.repeat(rot, n_turns), np.repeat(tilt, n_turns), psi)


def _count_turns(spacing: float) -> int:
    return math.ceil(360.0 / spacing - _ROUNDING)


def _divide_turn(n_turns: int) -> NDArray[np.float64]:
    return np.asarray(np.arange(n_turns) * (360.0 / n_turns), np.float64)


def _check_grid_fits(n_poses: int) -> None:
    n_bytes = _BYTES_OF_A_GRIDS_POSE * n_poses
    check_fits_in_memory("angular_spacing_in_degrees", f"{n_poses} poses", n_bytes)


def _read_spacing(value: float) -> float:
    spacing = read_reals("angular_spacing_in_degrees", value)
    if spacing.ndim or not _FINEST_IN_DEGREES <= spacing <= 180.0:
        msg = f"angular_spacing_in_degrees: expected a number from 1e-9 to 180, got {value!r}"
        raise ValueError(msg)
    return float(spacing)


def _read_generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        msg = f"rng: expected a Generator, a whole number of at least 0, or None, got {rng!r}"
        raise ValueError(msg) from error
