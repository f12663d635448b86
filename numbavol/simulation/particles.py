"""Particles of a simulation: which volume, how it is turned and moved, and its defocus."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.imaging.aberrations import COMAS, join_odd_terms
from numbavol.imaging.ctf import CTF
from numbavol.imaging.dose import VOLTAGES
from numbavol.imaging.purposes import Purpose, draw_normals, draw_uniforms, make_normal
from numbavol.io import ParticleTable
from numbavol.io.ctf_defaults import find_unsaid
from numbavol.io.optics_groups import take
from numbavol.io.particle_reading import read_particle_file
from numbavol.poses import EulerAnglePose
from numbavol.simulation.choices import SimulationWarning
from numbavol.simulation.effects import list_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.tables import DefocusConfig

MICROGRAPH_NAME = "micrograph_{:06d}.mrc"
OPTICS_GROUP = "opticsGroup1"
# Of shares, which are sums.
ROUNDING = 1e-12
# In angstroms.
SMALLEST_DEFOCUS = 100.0
# What a file says of particles besides their poses and transfer functions, and stays as it is.
KEPT = ("micrograph_names", "optics_group_names", "random_subset")
# What a file with defoci may lack, and the configuration says in its place.
CHOICES_OF_UNSAID = {
    "voltage_in_kilovolts": "voltage",
    "spherical_aberration_in_millimetres": "spherical_aberration",
    "amplitude_contrast": "amplitude_contrast",
}


@dataclasses.dataclass(frozen=True)
class Particles:
    """Particles, and what is known of each."""

    numbers: NDArray[np.int64]
    """``(n,)``: what everything random of each belongs to."""
    poses: EulerAnglePose
    ctf: CTF | None
    volumes: NDArray[np.int64]
    """``(n,)``: the number of the volume that each is an image of."""
    micrographs: NDArray[np.int64] | None
    """``(n,)``: the number of the micrograph of each; None where a file says."""
    kept: Mapping[str, Any]
    """What a file says of them besides, by the names of `ParticleTable`."""

    def to_table(self, config: SimulationConfig) -> ParticleTable:
        """Say of them what RELION's and cryoSPARC's files say."""
        microscope = config.microscope
        known: dict[str, Any] = {}
        if self.ctf is not None:
            ctf = self.ctf
            known = {
                "defocus_u_in_angstroms": ctf.defocus_u_in_angstroms,
                "defocus_v_in_angstroms": ctf.defocus_v_in_angstroms,
                "astigmatism_angle": ctf.astigmatism_angle,
                "phase_shift": ctf.phase_shift,
                "ctf_b_factor": ctf.b_factor,
                "ctf_scale": ctf.scale,
                "spherical_aberration_in_millimetres": ctf.spherical_aberration_in_millimetres,
                "amplitude_contrast": ctf.amplitude_contrast,
            } | _describe_aberrations(ctf)
        if self.micrographs is not None:
            known["micrograph_names"] = [MICROGRAPH_NAME.format(n + 1) for n in self.micrographs]
        known |= {"optics_group_names": OPTICS_GROUP, "random_subset": self.numbers % 2 + 1}
        known |= self.kept
        return ParticleTable(
            **self.poses.to_relion_angles()._asdict(),
            pixel_size=config.pixel_size,
            voltage_in_kilovolts=(
                microscope.voltage if self.ctf is None else self.ctf.voltage_in_kilovolts
            ),
            image_size=config.box,
            class_number=self.volumes + 1,
            **known,
        )


def _describe_aberrations(ctf: CTF) -> dict[str, Any]:
    """Say what there is of aberrations, so that every version of RELION reads the same.

    It has no trefoil but among the Zernike polynomials. A beam tilt beside comas among these is
    added to them by some versions, and takes their place in others: both are written as one.
    """
    tilt, odd, known = ctf.beam_tilt_in_milliradians, ctf.odd_zernike, {}
    if np.any(ctf.trefoil):
        odd = join_odd_terms(odd, ctf.trefoil, np.zeros(2))
    if np.any(tilt) and np.any(odd[..., min(COMAS) : max(COMAS) + 1]):
        odd = ctf.odd_aberrations
    elif np.any(tilt):
        known["beam_tilt_x_in_milliradians"] = tilt[..., 0]
        known["beam_tilt_y_in_milliradians"] = tilt[..., 1]
    series = {"odd_zernike": odd, "even_zernike": ctf.even_zernike}
    return known | {name: values for name, values in series.items() if np.any(values)}


class ParticleSource:
    """Where the particles of a simulation come from: draws, or a file.

    Parameters
    ----------
    config
        The simulation.
    weights
        ``(volumes,)``: how often each is drawn.

    Attributes
    ----------
    filled_in
        Which choices of the microscope stand in for what a file with defoci does not say.

    Raises
    ------
    OSError, ValueError
        If a file of particles cannot be read, or has too few of them.
    """

    def __init__(self, config: SimulationConfig, weights: Sequence[float]) -> None:
        self._config = config
        self._shares = np.cumsum(np.asarray(weights, np.float64)) / np.sum(weights)
        self._given: ParticleTable | None = None
        self._given_ctf: CTF | None = None
        self._given_poses: EulerAnglePose | None = None
        self._given_micrographs: NDArray[np.int64] | None = None
        self._given_volumes: NDArray[np.int64] | None = None
        self._of_offsets = config.seed, Purpose.OFFSET
        self.filled_in: tuple[str, ...] = ()
        _warn_of_units(config.defocus)
        if config.poses.file is not None:
            self._given, oddities = read_particle_file(config.poses.file)
            for oddity in oddities:
                warnings.warn(oddity, SimulationWarning, stacklevel=2)
            if len(self._given) < config.number:
                msg = (
                    f"number: expected at most the {len(self._given)} particles of "
                    f"{config.poses.file}, got {config.number}"
                )
                raise ValueError(msg)
            self._given_poses = self._given.to_poses()
            self._given_volumes = self._read_volumes(self._given)
            # Those of the file may be of this seed: what is added has nothing in common with them.
            offsets = self._given_poses.offset_in_angstroms.tobytes()
            hashed = hashlib.sha256(config.seed.to_bytes(8, "little") + offsets).digest()
            self._of_offsets = int.from_bytes(hashed[:8], "little"), Purpose.MORE_OFFSET
            if config.microscope.ctf and self._given.defocus_u_in_angstroms is not None:
                self._given_ctf = CTF.from_particles(self._fill_in(self._given))
                self._warn_of_no_effect()

    def _read_volumes(self, given: ParticleTable) -> NDArray[np.int64] | None:
        """Take the classes of a file for volumes, where there are several, and all have one.

        Particles of one class are of a consensus: their volumes are drawn.
        """
        n_volumes = len(self._shares)
        if given.class_number is None or n_volumes == 1:
            return None
        classes = np.unique(given.class_number)
        if len(classes) == 1:
            return None
        if classes[0] < 1 or classes[-1] > n_volumes:
            msg = (
                f"{self._config.poses.file}: particles are of classes {classes[0]} to "
                f"{classes[-1]}, and there are {n_volumes} volumes: which one each is of is drawn"
            )
            warnings.warn(msg, SimulationWarning, stacklevel=3)
            return None
        if np.ptp(np.diff(self._shares, prepend=0.0)) > ROUNDING:
            msg = f"{self._config.poses.file}: its classes are volumes, and weights have no effect"
            warnings.warn(msg, SimulationWarning, stacklevel=3)
        return np.asarray(given.class_number) - 1

    @property
    def is_of_file(self) -> bool:
        """Whether particles are those of a file."""
        return self._given is not None

    @property
    def has_given_ctf(self) -> bool:
        """Whether transfer functions are those of a file."""
        return self._given_ctf is not None

    def find_voltage(self) -> float:
        """Return the voltage of all particles, whose damage by a dose is known.

        Raises
        ------
        ValueError
            If they have several, or another one.
        """
        if self._given_ctf is None:
            return self._config.microscope.voltage
        voltages = np.unique(self._given_ctf.voltage_in_kilovolts).tolist()
        if len(voltages) > 1 or voltages[0] not in VOLTAGES:
            listed = ", ".join(f"{voltage:g}" for voltage in voltages)
            where = "microscope.voltage" if "voltage" in self.filled_in else self._config.poses.file
            msg = (
                f"dose_weighting.n_frames: expected particles of one voltage, of 300, 200 or 100 "
                f"kV, {where} has {listed} kV"
            )
            raise ValueError(msg)
        return float(voltages[0])

    def _fill_in(self, particles: ParticleTable) -> ParticleTable:
        """Let the configuration say what a file with defoci does not."""
        unsaid = {name: CHOICES_OF_UNSAID[name] for name in find_unsaid(particles)}
        self.filled_in = tuple(unsaid.values())
        microscope = self._config.microscope
        values = {name: getattr(microscope, choice) for name, choice in unsaid.items()}
        return dataclasses.replace(particles, **values)

    def _warn_of_no_effect(self) -> None:
        groups = {"microscope": self._config.microscope, "defocus": self._config.defocus}
        idle = [
            f"{group}.{name}"
            for group in groups
            for name in list_changes(groups[group])
            if name not in self.filled_in
        ]
        if idle:
            msg = (
                f"{self._config.poses.file}: particles have transfer functions of their own, and "
                f"{', '.join(idle)} no effect"
            )
            warnings.warn(msg, SimulationWarning, stacklevel=2)

    def find_shares(self) -> list[float]:
        """Find how many of all particles are of each volume: as they are drawn, or are."""
        shares = np.diff(self._shares, prepend=0.0)
        if self._given_volumes is not None:
            n, n_volumes = self._config.number, len(self._shares)
            shares = np.bincount(self._given_volumes[:n], minlength=n_volumes) / n
        return [float(share) for share in shares]

    def spread(self, n: int) -> NDArray[np.int64]:
        """Choose the numbers of up to n particles that have as many defoci as can be.

        Those that are drawn are one of each micrograph, so that they do not depend on how many
        particles there are.
        """
        if self._given is None:
            return np.arange(n) * self._config.defocus.particles_per_micrograph
        n_given = len(self._given)
        return np.arange(n_given) if n_given <= n else np.arange(n) * n_given // n

    def take(self, numbers: NDArray[np.int64]) -> Particles:
        """Take particles by their numbers, whichever others are taken."""
        volumes = self._choose_volumes(numbers)
        if self._given is None or self._given_poses is None:
            micrographs = self._number_micrographs(numbers)
            ctf = self._draw_ctf(numbers, micrographs) if self._config.microscope.ctf else None
            return Particles(numbers, self._draw_poses(numbers), ctf, volumes, micrographs, {})
        poses = self._move(self._given_poses[numbers], numbers)
        kept = {name: take(getattr(self._given, name), numbers) for name in KEPT}
        # Groups that the file has not named are named anew, by what particles have in common.
        kept = {
            name: values
            for name, values in kept.items()
            if values is not None or name == "optics_group_names"
        }
        if not self._config.microscope.ctf:
            return Particles(numbers, poses, None, volumes, None, kept)
        if self._given_ctf is not None:
            return Particles(numbers, poses, self._given_ctf[numbers], volumes, None, kept)
        micrographs = self._number_micrographs(numbers)
        ctf = self._draw_ctf(numbers, micrographs)
        return Particles(numbers, poses, ctf, volumes, micrographs, kept)

    def _choose_volumes(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._given_volumes is not None:
            return self._given_volumes[numbers]
        drawn = draw_uniforms(self._config.seed, Purpose.VOLUME, numbers, 1)[:, 0]
        return np.minimum(np.searchsorted(self._shares, drawn, "right"), len(self._shares) - 1)

    def _number_micrographs(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each micrograph: as a file names them, or so many in a row."""
        if self._given is None or self._given.micrograph_names is None:
            return numbers // self._config.defocus.particles_per_micrograph
        if isinstance(self._given.micrograph_names, str):
            return np.zeros_like(numbers)
        if self._given_micrographs is None:
            self._given_micrographs = _number_names(self._given.micrograph_names)
        return self._given_micrographs[numbers]

    def _draw_poses(self, numbers: NDArray[np.int64]) -> EulerAnglePose:
        """Draw views, uniform or around a preferred one, any turn in the plane, and offsets.

        The von Mises-Fisher distribution of a view's angle to the preferred one has an inverse in
        three dimensions (Fisher, Lewis & Embleton (1987), Statistical Analysis of Spherical Data,
        section 3.6.2).
        """
        given = self._config.poses
        u, v, w = draw_uniforms(self._config.seed, Purpose.ORIENTATION, numbers, 3).T
        around, psi = 360.0 * u - 180.0, 360.0 * w - 180.0
        if given.distribution == "uniform":
            rot, tilt = around, np.rad2deg(np.arccos(1.0 - 2.0 * v))
        else:
            rest = (1.0 - v) * np.expm1(-2.0 * given.concentration)
            cosine = 1.0 + np.log1p(rest) / given.concentration
            angle = np.rad2deg(np.arccos(np.clip(cosine, -1.0, 1.0)))
            # Turned to the preferred view, by which a view's last turn is lost.
            turned = Rotation.from_euler("ZY", (given.rot, given.tilt), degrees=True)
            views = turned * Rotation.from_euler("ZY", np.stack([around, angle], 1), degrees=True)
            x, y, z = views.as_matrix()[:, :, 2].T
            rot, tilt = np.rad2deg(np.arctan2(y, x)), np.rad2deg(np.arctan2(np.hypot(x, y), z))
        return self._move(EulerAnglePose.from_relion_angles(rot, tilt, psi), numbers)

    def _move(self, poses: EulerAnglePose, numbers: NDArray[np.int64]) -> EulerAnglePose:
        deviation = self._config.poses.offset_deviation
        if deviation == 0:
            return poses
        drawn = draw_normals(*self._of_offsets, numbers, 2)
        x, y = poses.offset_in_angstroms[:, :2].T + deviation * drawn.T
        return dataclasses.replace(poses, offset_x_in_angstroms=x, offset_y_in_angstroms=y)

    def _draw_ctf(self, numbers: NDArray[np.int64], micrographs: NDArray[np.int64]) -> CTF:
        microscope, defocus = self._config.microscope, self._config.defocus
        mean, half_difference, angle = draw_defocus(self._config.seed, defocus, micrographs)
        if defocus.deviation_in_micrograph > 0:
            own = draw_normals(self._config.seed, Purpose.DEFOCUS_OF_PARTICLE, numbers, 1)[:, 0]
            mean = mean + defocus.deviation_in_micrograph * own
        return CTF(
            mean + half_difference,
            mean - half_difference,
            angle,
            voltage_in_kilovolts=microscope.voltage,
            spherical_aberration_in_millimetres=microscope.spherical_aberration,
            amplitude_contrast=microscope.amplitude_contrast,
            phase_shift=microscope.phase_shift,
            b_factor=microscope.b_factor,
            beam_tilt_in_milliradians=microscope.beam_tilt,
            trefoil=microscope.trefoil,
            odd_zernike=microscope.odd_zernike,
            even_zernike=microscope.even_zernike,
        )


def _number_names(names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return a number for each name, in the order that they come in."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names])


def _warn_of_units(defocus: DefocusConfig) -> None:
    """Say of a defocus that it is hardly one in angstroms."""
    names = ("minimum", "maximum") if defocus.distribution == "uniform" else ("mean",)
    largest = max(abs(getattr(defocus, name)) for name in names)
    if 0 < largest < SMALLEST_DEFOCUS:
        msg = (
            f"defocus.{names[-1]}: it is in angstroms, of which a micrometre has 10000, got "
            f"{largest:g}"
        )
        warnings.warn(msg, SimulationWarning, stacklevel=3)


def draw_defocus(
    seed: int, defocus: DefocusConfig, micrographs: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Draw the defocus of micrographs.

    Parameters
    ----------
    seed
        Of all draws.
    defocus
        How it is distributed.
    micrographs
        ``(n,)``: their numbers; equal ones have equal values.

    Returns
    -------
    ndarray, ndarray, ndarray
        ``(n,)`` each: the mean and half the difference of U and V in angstroms, the direction of U
        in degrees.
    """
    drawn = draw_uniforms(seed, Purpose.DEFOCUS_OF_MICROGRAPH, micrographs, 6)
    normal, of_astigmatism = make_normal(drawn[:, :4]).T
    if defocus.distribution == "uniform":
        mean = defocus.minimum + (defocus.maximum - defocus.minimum) * drawn[:, 4]
    else:
        mean = defocus.mean + defocus.deviation * normal
    difference = defocus.astigmatism * np.abs(of_astigmatism)
    return mean, difference / 2, 180.0 * drawn[:, 5] - 90.0
