"""Many poses: random ones, a grid of all rotations, and turns in the plane."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.arguments import check_fits_in_memory, read_reals
from numbavol.poses.representations import EulerAnglePose, QuaternionPose
from numbavol.poses.symmetry import (
    find_mates,
    make_symmetry_rotations,
    reduce_to_asymmetric_unit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numbavol.poses.base import AbstractPose

# Of a number that was rounded: 7.5 degrees are 48 steps a turn, not 49.
_ROUNDING = 1e-9


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

    Examples
    --------
    >>> from numbavol.poses import draw_random_poses
    >>> poses = draw_random_poses(1000, rng=0, offset_deviation_in_angstroms=2.0)
    >>> poses
    <EulerAnglePose: 1000 poses>
    >>> bool(abs(poses.rotation.as_matrix().mean(axis=0)).max() < 0.1)
    True
    """
    number = _read_number(n_poses)
    deviation = read_reals("offset_deviation_in_angstroms", offset_deviation_in_angstroms)
    if deviation.ndim or not 0.0 <= deviation < math.inf:
        msg = (
            "offset_deviation_in_angstroms: expected a finite number of at least 0, got "
            f"{offset_deviation_in_angstroms!r}"
        )
        raise ValueError(msg)
    generator = np.random.default_rng(rng)
    # Four normal numbers point to a uniform place on the sphere of quaternions.
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
    has at HEALPix order 3: 768 views, 48 turns each. No rotation is further from the grid than 0.91
    times the spacing (measured at 30, 15 and 7.5 degrees).

    Parameters
    ----------
    angular_spacing_in_degrees
        Above 0, at most 180.
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
    psi = _divide_turn(spacing)
    n_poses = 12 * n_sides**2 * len(psi)
    # Five arrays of a pose, and as many while they are made.
    check_fits_in_memory("angular_spacing_in_degrees", f"{n_poses} poses", 80 * n_poses)
    rot, tilt = (np.repeat(angles, len(psi)) for angles in _make_healpix_directions(n_sides))
    poses = EulerAnglePose.from_relion_angles(rot, tilt, np.tile(psi, 12 * n_sides**2))
    if len(operations) == 1:
        return poses
    return poses[find_mates(poses.rotation, operations) == 0]


def make_in_plane_poses(
    angular_spacing_in_degrees: float, pose: AbstractPose | None = None
) -> EulerAnglePose:
    """Turn one view in the plane, in equal steps.

    Parameters
    ----------
    angular_spacing_in_degrees
        Above 0, at most 180: steps are at most as large, and a whole number of them is a turn.
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

    Examples
    --------
    >>> from numbavol.poses import make_in_plane_poses
    >>> make_in_plane_poses(90.0).psi_angle
    array([  0.,  90., 180., 270.])
    """
    turns = _divide_turn(_read_spacing(angular_spacing_in_degrees))
    view = EulerAnglePose() if pose is None else EulerAnglePose.from_pose(pose)
    if view.n_poses is not None:
        msg = f"pose: expected one pose, got {pose!r}"
        raise ValueError(msg)
    return EulerAnglePose(
        offset_x_in_angstroms=view.offset_x_in_angstroms,
        offset_y_in_angstroms=view.offset_y_in_angstroms,
        phi_angle=view.phi_angle,
        theta_angle=view.theta_angle,
        psi_angle=view.psi_angle + turns,
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


def _divide_turn(spacing: float) -> NDArray[np.float64]:
    n_steps = math.ceil(360.0 / spacing - _ROUNDING)
    return np.asarray(np.arange(n_steps) * (360.0 / n_steps), np.float64)


def _read_spacing(value: float) -> float:
    spacing = read_reals("angular_spacing_in_degrees", value)
    if spacing.ndim or not 0.0 < spacing <= 180.0:
        msg = f"angular_spacing_in_degrees: expected a number above 0, at most 180, got {value!r}"
        raise ValueError(msg)
    return float(spacing)


def _read_number(value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        msg = f"n_poses: expected a whole number above 0, got {value!r}"
        raise ValueError(msg)
    return number
