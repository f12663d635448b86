"""Where a particle lies: its rotation and its shift, for one image or for many.

================== ===========================================================================
`parameters`       `PoseParameters`: the arrays of one pose or of many, as a value that can be
                   indexed, compared, copied and pickled
`base`             `AbstractPose`: what a pose does to coordinates and images, and how one is made
                   from another, whatever its rotation is written as
`representations`  `EulerAnglePose`, `QuaternionPose`, `AxisAnglePose`: three ways to write it
`euler`            Euler angles of a quaternion, without the gimbal lock
`relion`           `RelionAngles`, the columns that a STAR file has
`translation`      the phase ramp of a shift, and its product with a half transform
`symmetry`         `make_symmetry_rotations`, `reduce_to_asymmetric_unit`: poses of the same image
`helices`          `make_helical_operators`: the copies of a helix
`sampling`         `draw_random_poses`, `make_pose_grid`, `make_in_plane_poses`: many poses at once
`arguments`        reading, checking and broadcasting of what a user passes
================== ===========================================================================

The rotation is ``R = Rz(psi) Ry(theta) Rz(phi)``, in degrees. It turns atoms and real-space grids;
a Fourier slice turns by its transpose. Positive offsets move density toward +x and +y, after the
rotation.
"""

from __future__ import annotations

from numbavol.poses.base import AbstractPose
from numbavol.poses.helices import HelicalOperators, make_helical_operators
from numbavol.poses.relion import RelionAngles
from numbavol.poses.representations import AxisAnglePose, EulerAnglePose, QuaternionPose
from numbavol.poses.sampling import draw_random_poses, make_in_plane_poses, make_pose_grid
from numbavol.poses.symmetry import make_symmetry_rotations, reduce_to_asymmetric_unit

__all__ = [
    "AbstractPose",
    "AxisAnglePose",
    "EulerAnglePose",
    "HelicalOperators",
    "QuaternionPose",
    "RelionAngles",
    "draw_random_poses",
    "make_helical_operators",
    "make_in_plane_poses",
    "make_pose_grid",
    "make_symmetry_rotations",
    "reduce_to_asymmetric_unit",
]
