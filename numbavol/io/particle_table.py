"""`ParticleTable`: poses of particles and what is known of their images, as one value."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from numbavol.io.particle_columns import (
    COLUMNS,
    NAME_COLUMNS,
    POSE_COLUMNS,
    ZERNIKE_COLUMNS,
    read_coefficients,
    read_column,
    read_list_of_names,
    read_names,
    unless_all_are_equal,
    unless_all_lists_are_equal,
    unless_all_names_are_equal,
)
from numbavol.poses import EulerAnglePose
from numbavol.values import ArrayValue, FrozenArrays

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

_SHOWN = ("pixel_size", "voltage_in_kilovolts", "image_size", "defocus_u_in_angstroms")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ParticleTable(FrozenArrays, ArrayValue):
    """Particles as RELION's files have them: poses, images, and what is known of the images.

    Besides the poses, everything may be None, which is: not known. What RELION calls it stands
    first.

    Parameters
    ----------
    rot, tilt, psi
        `rlnAngleRot`, `rlnAngleTilt` and `rlnAnglePsi` in degrees: a number for all of n
        particles, or n of them.
    origin_x_in_angstroms, origin_y_in_angstroms
        `rlnOriginXAngst` and `rlnOriginYAngst`: a number, or n of them.
    image_names
        `rlnImageName`, n strings like `"000001@stack.mrcs"`.
    pixel_size
        `rlnImagePixelSize`, in angstroms, above 0: a number, or n of them.
    voltage_in_kilovolts
        `rlnVoltage` of the microscope, above 0: a number, or n of them.
    image_size
        `rlnImageSize`: pixels along a side of the square images, a whole number above 0: a number,
        or n of them.
    defocus_u_in_angstroms, defocus_v_in_angstroms
        `rlnDefocusU` and `rlnDefocusV`, along and across the direction of astigmatism, positive
        in underfocus: a number, or n of them. V is that of U if it is None.
    astigmatism_angle
        `rlnDefocusAngle`, in degrees, from the x axis to the direction of U: a number, or n of
        them.
    phase_shift
        `rlnPhaseShift` of a phase plate, in degrees: a number, or n of them.
    ctf_b_factor
        `rlnCtfBfactor` of the envelope of the contrast transfer function, in square angstroms: a
        number, or n of them.
    ctf_scale
        `rlnCtfScalefactor`, which multiplies the contrast transfer function: a number, or n of
        them.
    spherical_aberration_in_millimetres
        `rlnSphericalAberration`: a number, or n of them.
    amplitude_contrast
        `rlnAmplitudeContrast`, a fraction from 0 to 1: a number, or n of them.
    ctf_phase_flipped, ctf_premultiplied
        `rlnCtfDataArePhaseFlipped` and `rlnCtfDataAreCtfPremultiplied`: 1 where images are
        corrected for the sign of their contrast transfer functions, or multiplied by these, else 0:
        a number, or n of them.
    beam_tilt_x_in_milliradians, beam_tilt_y_in_milliradians
        `rlnBeamTiltX` and `rlnBeamTiltY`: a number, or n of them.
    odd_zernike, even_zernike
        `rlnOddZernike` and `rlnEvenZernike`, coefficients in RELION's order, in radians times
        angstroms to the power of each: a list of shape `(k,)` for all particles, or one a
        particle, `(n, k)`.
    micrograph_names
        `rlnMicrographName`: a string, or n of them.
    optics_group_names
        `rlnOpticsGroupName`: of which optics group each particle is, a string, or n of them.
    mtf_filenames
        `rlnMtfFileName` of the detector's modulation transfer function: a string, or n of them.
    original_pixel_size
        `rlnMicrographOriginalPixelSize`, in angstroms, above 0, which that function is of: a
        number, or n of them.
    random_subset
        `rlnRandomSubset`: the half that a particle is of, 1 or 2, or 0 for none: a number, or n of
        them.
    class_number
        `rlnClassNumber`, from 1 on, or 0 for none: a number, or n of them.

    Attributes
    ----------
    rot, tilt, psi, origin_x_in_angstroms, origin_y_in_angstroms
        Float64 of shape `(n,)`, read-only.
    image_names
        A tuple of n strings, or None.
    pixel_size, voltage_in_kilovolts, image_size, defocus_u_in_angstroms, defocus_v_in_angstroms
        A number if all particles have the same, as mostly; otherwise of shape `(n,)`, read-only.
        So are all other numbers.
    odd_zernike, even_zernike
        Of shape `(k,)` if all particles have the same, otherwise `(n, k)`, read-only.
    micrograph_names, optics_group_names, mtf_filenames
        A string if all particles have the same, otherwise a tuple of n.

    Raises
    ------
    ValueError
        If a value is wrong, there are unequal numbers of them, or there are no particles.

    Examples
    --------
    >>> from numbavol.io import ParticleTable
    >>> particles = ParticleTable(
    ...     [10, 20], [30, 40], [50, 60], pixel_size=[1.5, 1.5], defocus_u_in_angstroms=[9e3, 1e4]
    ... )
    >>> particles
    ParticleTable(2 particles, pixel_size=1.5, defocus_u_in_angstroms=9000.0 to 10000.0)
    >>> particles.tilt, particles.origin_x_in_angstroms
    (array([30., 40.]), array([0., 0.]))
    """

    rot: NDArray[np.float64]
    tilt: NDArray[np.float64]
    psi: NDArray[np.float64]
    origin_x_in_angstroms: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    origin_y_in_angstroms: NDArray[np.float64] = 0.0  # type: ignore[assignment]
    image_names: tuple[str, ...] | None = None
    pixel_size: float | NDArray[np.float64] | None = None
    voltage_in_kilovolts: float | NDArray[np.float64] | None = None
    image_size: int | NDArray[np.int64] | None = None
    _: dataclasses.KW_ONLY
    defocus_u_in_angstroms: float | NDArray[np.float64] | None = None
    defocus_v_in_angstroms: float | NDArray[np.float64] | None = None
    astigmatism_angle: float | NDArray[np.float64] | None = None
    phase_shift: float | NDArray[np.float64] | None = None
    ctf_b_factor: float | NDArray[np.float64] | None = None
    ctf_scale: float | NDArray[np.float64] | None = None
    ctf_phase_flipped: int | NDArray[np.int64] | None = None
    ctf_premultiplied: int | NDArray[np.int64] | None = None
    spherical_aberration_in_millimetres: float | NDArray[np.float64] | None = None
    amplitude_contrast: float | NDArray[np.float64] | None = None
    beam_tilt_x_in_milliradians: float | NDArray[np.float64] | None = None
    beam_tilt_y_in_milliradians: float | NDArray[np.float64] | None = None
    odd_zernike: NDArray[np.float64] | None = None
    even_zernike: NDArray[np.float64] | None = None
    micrograph_names: str | tuple[str, ...] | None = None
    optics_group_names: str | tuple[str, ...] | None = None
    mtf_filenames: str | tuple[str, ...] | None = None
    original_pixel_size: float | NDArray[np.float64] | None = None
    random_subset: int | NDArray[np.int64] | None = None
    class_number: int | NDArray[np.int64] | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            rot: ArrayLike,
            tilt: ArrayLike,
            psi: ArrayLike,
            origin_x_in_angstroms: ArrayLike = 0.0,
            origin_y_in_angstroms: ArrayLike = 0.0,
            image_names: Iterable[str] | None = None,
            pixel_size: ArrayLike | None = None,
            voltage_in_kilovolts: ArrayLike | None = None,
            image_size: ArrayLike | None = None,
            *,
            defocus_u_in_angstroms: ArrayLike | None = None,
            defocus_v_in_angstroms: ArrayLike | None = None,
            astigmatism_angle: ArrayLike | None = None,
            phase_shift: ArrayLike | None = None,
            ctf_b_factor: ArrayLike | None = None,
            ctf_scale: ArrayLike | None = None,
            ctf_phase_flipped: ArrayLike | None = None,
            ctf_premultiplied: ArrayLike | None = None,
            spherical_aberration_in_millimetres: ArrayLike | None = None,
            amplitude_contrast: ArrayLike | None = None,
            beam_tilt_x_in_milliradians: ArrayLike | None = None,
            beam_tilt_y_in_milliradians: ArrayLike | None = None,
            odd_zernike: ArrayLike | None = None,
            even_zernike: ArrayLike | None = None,
            micrograph_names: str | Iterable[str] | None = None,
            optics_group_names: str | Iterable[str] | None = None,
            mtf_filenames: str | Iterable[str] | None = None,
            original_pixel_size: ArrayLike | None = None,
            random_subset: ArrayLike | None = None,
            class_number: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Read the arguments into read-only arrays of one length."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        images = (
            None
            if self.image_names is None
            else read_list_of_names("image_names", self.image_names)
        )
        poses = {c.name: read_column(c, given[c.name]) for c in POSE_COLUMNS}
        numbers = {c.name: read_column(c, given[c.name]) for c in COLUMNS if c.name in given}
        lists = {
            c.name: read_coefficients(c.name, given[c.name])
            for c in ZERNIKE_COLUMNS
            if c.name in given
        }
        names = {c.name: read_names(c.name, given[c.name]) for c in NAME_COLUMNS if c.name in given}
        lengths = {name: column.size for name, column in (poses | numbers).items() if column.ndim}
        lengths |= {name: len(values) for name, values in lists.items() if values.ndim == 2}
        lengths |= {name: len(texts) for name, texts in names.items() if isinstance(texts, tuple)}
        if images is not None:
            lengths["image_names"] = len(images)
        n = _read_number_of_particles(lengths)
        self.__setstate__(
            {name: np.broadcast_to(column, n).copy() for name, column in poses.items()}
            | {name: unless_all_are_equal(values) for name, values in numbers.items()}
            | {name: unless_all_lists_are_equal(values) for name, values in lists.items()}
            | {name: unless_all_names_are_equal(texts) for name, texts in names.items()}
            | {"image_names": images}
        )

    def __len__(self) -> int:
        """Return how many particles there are."""
        return self.rot.size

    @property
    def ctf_correction(self) -> str:
        """What was done to all images about their contrast transfer functions.

        ``"none"``, ``"phase_flipped"`` or ``"premultiplied"``, as `backproject` takes it.

        Raises
        ------
        ValueError
            If it was done to some of them.
        """
        # Images that are multiplied have no sign of it left to flip.
        for column, correction in (
            ("ctf_premultiplied", "premultiplied"),
            ("ctf_phase_flipped", "phase_flipped"),
        ):
            is_done = getattr(self, column)
            if isinstance(is_done, np.ndarray):
                msg = f"{column}: expected images that are all alike, got 0 and 1"
                raise ValueError(msg)
            if is_done:
                return correction
        return "none"

    def to_poses(self) -> EulerAnglePose:
        """Take angles and origins for poses, which rotate and move density into the images.

        Returns
        -------
        EulerAnglePose
            n of them: see `EulerAnglePose.from_relion_angles`.

        Examples
        --------
        >>> from numbavol.io import ParticleTable
        >>> ParticleTable([10, 20], [30, 40], [50, 60]).to_poses().psi_angle
        array([-50., -60.])
        """
        return EulerAnglePose.from_relion_angles(
            self.rot,
            self.tilt,
            self.psi,
            self.origin_x_in_angstroms,
            self.origin_y_in_angstroms,
        )

    def __repr__(self) -> str:
        """Say how many particles there are, and what is known of their images."""
        known = [f"{len(self)} particle{'' if len(self) == 1 else 's'}"]
        for name in _SHOWN:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                known.append(f"{name}={value.min()} to {value.max()}")
            elif value is not None:
                known.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(known)})"


def _read_number_of_particles(lengths: Mapping[str, int]) -> int:
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        msg = f"expected values of equally many particles, at least one, got {found}"
        raise ValueError(msg)
    return next(iter(lengths.values()), 1)
