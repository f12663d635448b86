"""The images of particles: volumes projected, and what the microscope makes of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from numbavol.imaging.detector import Detector, read_mtf
from numbavol.imaging.dose import DoseWeighting
from numbavol.imaging.formation import LARGEST_POWER, ImageFormation, PreparedFormation
from numbavol.imaging.ice import VitreousIce
from numbavol.imaging.noise import NoiseSpectrum
from numbavol.imaging.noise_estimation import measure_signal_variance
from numbavol.kernels.dispatch import find_device
from numbavol.projection.draws import Places
from numbavol.projection.each import Delivery, StreamedDelivery, project_each
from numbavol.simulation.particles import Particles, ParticleSource
from numbavol.simulation.volumes import Volumes, load_volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from numbavol.imaging.ctf import CTF
    from numbavol.projection.draws import Images
    from numbavol.projection.projections import Projection
    from numbavol.simulation.config import SimulationConfig
    from numbavol.simulation.tables import DetectorConfig
    from numbavol.simulation.volumes import Volume

# The signal is measured on the same particles of a seed, whichever are made, so that the noise of
# a particle depends on nothing else.
N_MEASURED = 100
# Of several volumes: so many particles are imaged volume by volume, and then those that follow.
PARTICLES_A_BLOCK = 2048


@dataclasses.dataclass(frozen=True)
class Simulator:
    """A simulation that is ready: its volumes are in memory, its noise is known."""

    config: SimulationConfig
    volumes: Volumes
    source: ParticleSource
    formation: ImageFormation
    signal_variance: float | None
    """Of images without noise, inside the circle; None where nothing asks for it."""

    @classmethod
    def prepare(
        cls,
        config: SimulationConfig,
        device: str = "cpu",
        given: Sequence[Volume] | None = None,
    ) -> Simulator:
        """Read what a simulation needs, and measure its signal.

        Parameters
        ----------
        config
            The simulation.
        device
            Where images are made, as `find_device` takes it.
        given
            Volumes in place of those of files.

        Raises
        ------
        OSError, ValueError, MemoryError
            If a file cannot be read, or choices do not go together.
        """
        volumes = load_volumes(config, given)
        if device != "cpu":
            moved = volumes.integrator.move_to(device)
            volumes = dataclasses.replace(volumes, integrator=moved)
        source = ParticleSource(config, volumes.weights)
        formation = _make_formation(config, source)
        variance: float | None = None
        simulator = cls(config, volumes, source, formation, None)
        if config.noise.is_wanted:
            noise_variance = config.noise.variance
            if noise_variance is None:
                assert config.noise.snr is not None
                variance = simulator._measure_signal()
                noise_variance = variance / config.noise.snr
            if not noise_variance < LARGEST_POWER:
                msg = (
                    f"noise.{'variance' if variance is None else 'snr'}: expected noise of a "
                    f"variance below {LARGEST_POWER:g}, got {noise_variance:g}"
                )
                raise ValueError(msg)
            spectrum = _read_spectrum(config).scaled_to(
                noise_variance, config.image_config.padded_shape, config.pixel_size
            )
            formation = dataclasses.replace(formation, noise=spectrum)
        return dataclasses.replace(simulator, formation=formation, signal_variance=variance)

    def _measure_signal(self) -> float:
        config = self.config
        numbers = self.source.spread(N_MEASURED)
        particles = self.source.take(numbers)
        images = np.empty((len(numbers), config.box, config.box), np.float32)
        # The structure of ice is no signal.
        clean = dataclasses.replace(self.formation, ice=None)
        dataclasses.replace(self, formation=clean).image(particles, images)
        variances = measure_signal_variance(images, config.pixel_size, config.noise_radius)
        variance = float(np.mean(variances))
        if variance == 0:
            msg = "noise.snr: expected images with a signal, got images of one value"
            raise ValueError(msg)
        return variance

    def image(
        self,
        particles: Particles,
        images: Images,
        *,
        report: Callable[[int, int], object] | None = None,
    ) -> None:
        """Image particles.

        Parameters
        ----------
        particles
            n of them.
        images
            Where their images go, by their places among the n: an array or an `ImageStack`.
        report
            Called as the work goes on, with the number of images done and of all.
        """
        n_all = len(particles.numbers)
        prepared = PreparedFormation(
            self.formation,
            self.config.image_config.padded_shape,
            self.config.pixel_size,
            self.volumes.integrator.device,
        )
        if len(self.volumes.volumes) == 1:
            chosen = np.arange(n_all)
            self._image_volume(0, particles, chosen, prepared, images, report, n_all)
            return
        for start in range(0, n_all, PARTICLES_A_BLOCK):
            block = np.arange(start, min(start + PARTICLES_A_BLOCK, n_all))
            for volume in np.unique(particles.volumes[block]).tolist():
                chosen = block[particles.volumes[block] == volume]
                self._image_volume(volume, particles, chosen, prepared, images, None, n_all)
            if report is not None:
                report(int(block[-1]) + 1, n_all)

    def _image_volume(
        self,
        volume: int,
        particles: Particles,
        chosen: NDArray[np.int64],
        prepared: PreparedFormation,
        images: Images,
        report: Callable[[int, int], object] | None,
        n_all: int,
    ) -> None:
        """Image those particles whose volume is one."""
        if not chosen.size:
            return
        config, integrator = self.config, self.volumes.integrator
        image_config = config.image_config
        ctf: CTF | None = None if particles.ctf is None else particles.ctf[chosen]

        def develop(here: int | slice, projection: Projection) -> NDArray[Any]:
            several = here if isinstance(here, slice) else slice(here, here + 1)
            half = projection.to_transform_from_first_pixel()
            developed = prepared.develop(
                half.reshape(-1, *half.shape[-2:]),
                None if ctf is None else ctf[several],
                config.seed,
                particles.numbers[chosen[several]],
                image_config.shape,
            )
            return developed if isinstance(here, slice) else developed[0]

        places = Places(images, chosen)
        delivery = (
            Delivery(places, develop)
            if integrator.device == "cpu"
            else StreamedDelivery(places, develop, find_device(integrator.device))
        )
        begun = int(chosen[0])

        def count(n_done: int, _: int) -> None:
            if report is not None:
                report(begun + n_done, n_all)

        project_each(
            delivery, self.volumes.volumes[volume], particles.poses[chosen], image_config,
            integrator, report=count,
        )  # fmt: skip


def _make_formation(config: SimulationConfig, source: ParticleSource) -> ImageFormation:
    solvent, frames = config.solvent, config.dose_weighting
    has_ice = solvent.ice_thickness > 0
    weighting = None
    if frames.n_frames is not None:
        weighting = DoseWeighting(
            frames.dose_per_frame, frames.n_frames, source.find_voltage(), frames.pre_exposure
        )
    return ImageFormation(
        config.contrast,
        ice=VitreousIce(solvent.ice_thickness, density=solvent.ice_density) if has_ice else None,
        dose_weighting=weighting,
        detector=None if config.detector.dose is None else _read_detector(config.detector),
        dose=config.detector.dose,
    )


def _read_detector(config: DetectorConfig) -> Detector:
    mtf, dqe = (None if file is None else read_mtf(file) for file in (config.mtf, config.dqe))
    try:
        return Detector(mtf, dqe)
    except ValueError as error:
        # It begins with mtf or dqe.
        msg = f"detector.{error}"
        raise ValueError(msg) from error


def _read_spectrum(config: SimulationConfig) -> NoiseSpectrum:
    if config.noise.spectrum == "white":
        return NoiseSpectrum.white(1.0)
    return NoiseSpectrum.read(config.noise.spectrum)
