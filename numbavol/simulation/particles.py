"""Particles of a simulation: which volume, how it is turned and moved, and its defocus."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from numbavol.imaging.aberrations import COMAS, join_odd_terms
from numbavol.imaging.ctf import CTF
from numbavol.imaging.purposes import Purpose, draw_normals, draw_uniforms, make_normal
from numbavol.io import ParticleTable, read_particles
from numbavol.poses import EulerAnglePose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.tables import DefocusConfig

MICROGRAPH_NAME = "micrograph_{:06d}.mrc"
OPTICS_GROUP = "opticsGroup1"


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
        return ParticleTable(
            **self.poses.to_relion_angles()._asdict(),
            pixel_size=config.pixel_size,
            voltage_in_kilovolts=(
                microscope.voltage if self.ctf is None else self.ctf.voltage_in_kilovolts
            ),
            image_size=config.box,
            optics_group_names=OPTICS_GROUP,
            random_subset=self.numbers % 2 + 1,
            class_number=self.volumes + 1,
            **known,
        )


def _describe_aberrations(ctf: CTF) -> dict[str, Any]:
    """Say what there is of aberrations, so that every version of RELION reads the same.

    It has no trefoil but among the Zernike polynomials. A beam tilt beside comas among these is
    added to them by some versions, and takes their place in others: both are written as one.
    """
    tilt, known = ctf.beam_tilt_in_milliradians, {}
    odd = join_odd_terms(ctf.odd_zernike, ctf.trefoil, np.zeros(2))
    if np.any(tilt) and np.any(odd[..., COMAS]):
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

    Raises
    ------
    OSError, ValueError
        If a file of particles cannot be read, or has too few of them.
    """

    def __init__(self, config: SimulationConfig, weights: Sequence[float]) -> None:
        self._config = config
        self._shares = np.cumsum(np.asarray(weights, np.float64)) / np.sum(weights)
        self._given: ParticleTable | None = None
        if config.poses.file is not None:
            self._given = read_particles(config.poses.file)
            if len(self._given) < config.number:
                msg = (
                    f"number: expected at most the {len(self._given)} particles of "
                    f"{config.poses.file}, got {config.number}"
                )
                raise ValueError(msg)

    @property
    def n_available(self) -> int:
        """How many there can be."""
        return sys.maxsize if self._given is None else len(self._given)

    def take(self, numbers: NDArray[np.int64]) -> Particles:
        """Take particles by their numbers, whichever others are taken."""
        seed = self._config.seed
        drawn = draw_uniforms(seed, Purpose.VOLUME, numbers, 1)[:, 0]
        volumes = np.minimum(np.searchsorted(self._shares, drawn, "right"), len(self._shares) - 1)
        if self._given is None:
            micrographs = numbers // self._config.defocus.particles_per_micrograph
            ctf = self._draw_ctf(numbers, micrographs) if self._config.microscope.ctf else None
            return Particles(numbers, self._draw_poses(numbers), ctf, volumes, micrographs)
        poses = EulerAnglePose.from_relion_angles(
            *(
                getattr(self._given, name)[numbers]
                for name in ("rot", "tilt", "psi", "origin_x_in_angstroms", "origin_y_in_angstroms")
            )
        )
        poses = self._move(poses, numbers)
        if not self._config.microscope.ctf:
            return Particles(numbers, poses, None, volumes, None)
        if self._given.defocus_u_in_angstroms is not None:
            return Particles(
                numbers, poses, CTF.from_particles(self._given)[numbers], volumes, None
            )
        micrographs = numbers // self._config.defocus.particles_per_micrograph
        return Particles(numbers, poses, self._draw_ctf(numbers, micrographs), volumes, micrographs)

    def _draw_poses(self, numbers: NDArray[np.int64]) -> EulerAnglePose:
        """Draw uniform rotations (Shoemake 1992, Graphics Gems III, 124-132), and offsets."""
        u, v, w = draw_uniforms(self._config.seed, Purpose.ORIENTATION, numbers, 3).T
        inner, outer = np.sqrt(1.0 - u), np.sqrt(u)
        quaternions = np.stack(
            [
                inner * np.sin(2 * np.pi * v),
                inner * np.cos(2 * np.pi * v),
                outer * np.sin(2 * np.pi * w),
                outer * np.cos(2 * np.pi * w),
            ],
            axis=1,
        )
        return self._move(EulerAnglePose.from_rotation(Rotation.from_quat(quaternions)), numbers)

    def _move(self, poses: EulerAnglePose, numbers: NDArray[np.int64]) -> EulerAnglePose:
        deviation = self._config.poses.offset_deviation
        if deviation == 0:
            return poses
        drawn = draw_normals(self._config.seed, Purpose.OFFSET, numbers, 2)
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
