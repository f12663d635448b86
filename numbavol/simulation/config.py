"""What a simulation is: every choice with its unit, its default and its range."""

from __future__ import annotations

import dataclasses
from typing import Literal

from numbavol.arguments import LARGEST_WORD
from numbavol.imaging.detector import MOST_EXPECTED
from numbavol.imaging.dose import VOLTAGES, check_dose_of_frames
from numbavol.projection import ImageConfig
from numbavol.simulation.choices import Checked, above
from numbavol.simulation.effects import check_effects
from numbavol.simulation.tables import (
    DefocusConfig,
    DetectorConfig,
    DoseWeightingConfig,
    MicroscopeConfig,
    NoiseConfig,
    PoseConfig,
    SolventConfig,
    VolumeConfig,
)

# More than any disk or memory holds: what is beyond was hardly meant.
MOST_PARTICLES, LARGEST_BOX = 10**9, 10**5
LARGEST_PAD_SCALE = 8.0


@dataclasses.dataclass(frozen=True)
class SimulationConfig(Checked):
    """A simulation: what `simulate` takes, and what a TOML file has, table by table.

    Parameters
    ----------
    number
        How many particles.
    box
        Pixels along a side of an image.
    pixel_size
        In angstroms.
    volume
        A `VolumeConfig` or several: ``[[volume]]`` in a file.
    seed
        Of everything that is drawn.
    method
        ``"spline"`` or ``"linear"``: slices through the transform of a map, that of a model is
        rendered before; or ``"gaussian"``, which images models without a map.
    contrast
        ``"linear"``: the projected potential in inverse angstroms, white, as RELION wants images;
        ``"weak_phase"``: the change of the intensity, dark, relative to that of no particle.
    pad_scale
        Images are made on so many times the box, so that what the transfer function moves beyond
        an edge does not come in at the other.
    dtype
        ``"float32"`` or ``"float16"``: of the stack.
    poses, microscope, defocus, noise, solvent, dose_weighting, detector
        Each a table of its own, which says its units.

    Raises
    ------
    ValueError
        If a choice is not as described, two do not go together, or one has no effect beside others.

    Examples
    --------
    >>> from numbavol.simulation import SimulationConfig, VolumeConfig
    >>> config = SimulationConfig(1000, 128, 1.5, volume=(VolumeConfig("1tii.cif.gz"),))
    >>> config.defocus.minimum, config.noise.is_wanted
    (8000.0, False)
    """

    number: int = above(0, highest=MOST_PARTICLES)
    box: int = above(0, highest=LARGEST_BOX)
    pixel_size: float = above(0.0)
    _: dataclasses.KW_ONLY
    volume: tuple[VolumeConfig, ...] = ()
    seed: int = above(0, or_equal=True, default=0)
    method: Literal["spline", "linear", "gaussian"] = "spline"
    contrast: Literal["linear", "weak_phase"] = "linear"
    pad_scale: float = above(1.0, or_equal=True, default=1.0, highest=LARGEST_PAD_SCALE)
    dtype: Literal["float32", "float16"] = "float32"
    poses: PoseConfig = PoseConfig()  # noqa: RUF009
    microscope: MicroscopeConfig = MicroscopeConfig()  # noqa: RUF009
    defocus: DefocusConfig = DefocusConfig()  # noqa: RUF009
    noise: NoiseConfig = NoiseConfig()  # noqa: RUF009
    solvent: SolventConfig = SolventConfig()  # noqa: RUF009
    dose_weighting: DoseWeightingConfig = DoseWeightingConfig()  # noqa: RUF009
    detector: DetectorConfig = DetectorConfig()  # noqa: RUF009

    def __post_init__(self) -> None:
        """Check every choice, and those that go together; one volume is as good as a tuple."""
        given: object = self.volume
        if isinstance(given, VolumeConfig):
            object.__setattr__(self, "volume", (given,))
        super().__post_init__()
        if self.seed > LARGEST_WORD:
            msg = f"seed: expected a whole number below 2^64, got {self.seed}"
            raise ValueError(msg)
        counts = self.detector.dose is not None
        self._check_dose()
        if counts and self.contrast != "weak_phase":
            msg = f"detector.dose: expected with contrast = 'weak_phase', it is {self.contrast!r}"
            raise ValueError(msg)
        if self.contrast == "weak_phase" and not self.microscope.ctf:
            msg = "contrast: 'weak_phase' is what a transfer function makes, and there is none"
            raise ValueError(msg)
        if self.contrast == "weak_phase" and self.microscope.amplitude_contrast == 1:
            msg = "microscope.amplitude_contrast: expected below 1 for weak-phase contrast, got 1"
            raise ValueError(msg)
        if counts and self.noise.is_wanted:
            msg = "noise: counts of electrons (detector.dose) have their own noise; take either"
            raise ValueError(msg)
        has_frames = self.dose_weighting.n_frames is not None
        # Particles of a file may have another voltage.
        if has_frames and self.poses.file is None and self.microscope.voltage not in VOLTAGES:
            voltages = ", ".join(f"{voltage:g}" for voltage in VOLTAGES)
            msg = (
                f"microscope.voltage: the damage of a dose was measured at {voltages} kV, got "
                f"{self.microscope.voltage:g}"
            )
            raise ValueError(msg)
        if self.method == "gaussian" and self.solvent.kind != "none":
            msg = "method: 'gaussian' images no map, and solvent is one; take 'spline'"
            raise ValueError(msg)
        check_effects(self)

    def _check_dose(self) -> None:
        dose = self.detector.dose
        if dose is None:
            return
        electrons = dose * self.pixel_size**2
        if electrons > MOST_EXPECTED:
            msg = (
                f"detector.dose: expected at most {MOST_EXPECTED:g} electrons a pixel, got "
                f"{electrons:g}"
            )
            raise ValueError(msg)
        frames = self.dose_weighting
        if frames.n_frames is not None:
            check_dose_of_frames("detector.dose", dose, frames.dose_per_frame, frames.n_frames)

    @property
    def noise_radius(self) -> float:
        """Of the circle in which the variance of images is measured, in angstroms."""
        return self.noise.radius or self.box * self.pixel_size / 2

    @property
    def image_config(self) -> ImageConfig:
        """The images."""
        return ImageConfig(
            (self.box, self.box),
            self.pixel_size,
            self.microscope.voltage,
            pad_scale=self.pad_scale,
        )

    @property
    def padded_box(self) -> int:
        """Pixels along a side of what images are cut from."""
        return self.image_config.padded_shape[0]
