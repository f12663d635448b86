"""The groups of choices of a simulation, each a table of a TOML file."""

from __future__ import annotations

import dataclasses
from typing import Literal

from numbavol.atoms.load_options import LoadOptions
from numbavol.imaging.ctf_parameters import HIGHEST_ABERRATION
from numbavol.imaging.water import ICE_DENSITY
from numbavol.projection.image_config import HIGHEST_VOLTAGE
from numbavol.simulation.choices import Checked, above

# What solvents of one kind or another are made of.
OF_SOLVENTS = ("probe_radius", "shrink_radius", "k_sol", "b_sol")


@dataclasses.dataclass(frozen=True)
class VolumeConfig(Checked):
    """A model or a map, and how often it is drawn.

    Parameters
    ----------
    file
        PDB, mmCIF, or MRC; relative to the folder of the configuration.
    weight
        How often it is drawn, relative to the others.
    center
        What lies in the middle of images: the centre of mass of a model itself; that of the first
        volume, for states of one molecule in one frame; or the origin of the file's coordinates. Of
        maps it is their middle voxel.
    select
        Which atoms of a model, in gemmi's selection language.
    models
        Of a file with several models: one by its number, all at once, or one for each image.
    alternates
        Alternate conformations of a model: ``"all"``, ``"highest"`` or a letter.
    hydrogens
        Hydrogens of a model: those of the file, none, or in their place those of a monomer library.
    monomer_library
        Folder of that library, as CCP4 has it; by default what ``CLIBD_MON`` names.
    waters
        Waters of a model.
    b_factors
        B-factors of a model in square angstroms: those of the file, or one for all.
    b_factor_scale
        What they are multiplied by, without a unit.
    b_factor_offset
        What is added to them, in square angstroms.
    assembly
        A biological assembly of a model, by its name.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import VolumeConfig
    >>> VolumeConfig("1tii.cif.gz", waters="drop").weight
    1.0
    """

    file: str
    weight: float = above(0.0, or_equal=True, default=1.0, highest=1e9)
    center: Literal["own", "first", "file"] = "own"
    select: str = "all"
    models: Literal["first", "all", "ensemble"] | int = "first"
    alternates: str = "all"
    hydrogens: Literal["keep", "drop", "add"] = "keep"
    monomer_library: str | None = None
    waters: Literal["keep", "drop"] = "keep"
    b_factors: Literal["file"] | float = "file"
    b_factor_scale: float = 1.0
    b_factor_offset: float = 0.0
    assembly: str | None = None

    def __post_init__(self) -> None:
        """Check every choice, and what only models have."""
        super().__post_init__()
        _ = self.load_options

    @property
    def load_options(self) -> LoadOptions:
        """What of it `numbavol.load_atoms` does."""
        names = {field.name for field in dataclasses.fields(LoadOptions)}
        given = {name: value for name, value in vars(self).items() if name in names}
        given["models"] = "all" if self.models == "ensemble" else self.models
        return LoadOptions(**given, selection_string=self.select)


@dataclasses.dataclass(frozen=True)
class PoseConfig(Checked):
    """How particles are turned and moved.

    Parameters
    ----------
    file
        Orientations, offsets and CTFs of a STAR or .cs file, in their order, with the names of
        micrographs and optics groups and the halves; drawn by default. Where it has defoci, and no
        voltage, spherical aberration or amplitude contrast, these are of `MicroscopeConfig`. Where
        it has several classes, and each has a volume, they say of which one a particle is.
    distribution
        Of orientations: ``"uniform"`` over all; or ``"preferred"``, of which views gather around
        one by a von Mises-Fisher distribution, turned in the plane by any angle.
    rot
        Of the preferred view, in degrees, as RELION has it.
    tilt
        Of the preferred view, in degrees.
    concentration
        Of preferred views, without a unit: the larger, the narrower. At 10, half of them are within
        21 degrees of the preferred one.
    offset_deviation
        Deviation of normal offsets along x and y, in angstroms.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import PoseConfig
    >>> PoseConfig(offset_deviation=3.0).file is None
    True
    """

    file: str | None = None
    distribution: Literal["uniform", "preferred"] = "uniform"
    rot: float = 0.0
    tilt: float = 0.0
    concentration: float = above(0.0, default=10.0)
    offset_deviation: float = above(0.0, or_equal=True, default=0.0)


@dataclasses.dataclass(frozen=True)
class MicroscopeConfig(Checked):
    """The microscope, but for its defocus: see `numbavol.CTF`.

    Parameters
    ----------
    ctf
        Whether there is a contrast transfer function at all.
    voltage
        In kilovolts.
    spherical_aberration
        In millimetres.
    amplitude_contrast
        From 0 to 1, without a unit.
    phase_shift
        Of a phase plate, in degrees.
    b_factor
        Of the envelope, in square angstroms.
    beam_tilt
        Along x and y, in milliradians.
    trefoil
        Of the sine and the cosine of three times the angle, in radians times cubic angstroms.
    odd_zernike
        RELION's antisymmetric aberrations.
    even_zernike
        RELION's symmetric aberrations.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import MicroscopeConfig
    >>> MicroscopeConfig(voltage=200.0).amplitude_contrast
    0.1
    """

    ctf: bool = True
    voltage: float = above(0.0, default=300.0, highest=HIGHEST_VOLTAGE)
    spherical_aberration: float = above(
        -HIGHEST_ABERRATION, or_equal=True, default=2.7, highest=HIGHEST_ABERRATION
    )
    amplitude_contrast: float = above(0.0, or_equal=True, default=0.1, highest=1.0)
    phase_shift: float = 0.0
    b_factor: float = 0.0
    beam_tilt: tuple[float, float] = (0.0, 0.0)
    trefoil: tuple[float, float] = (0.0, 0.0)
    odd_zernike: tuple[float, ...] = ()
    even_zernike: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class DefocusConfig(Checked):
    """How defocus is distributed, in angstroms, positive in underfocus.

    Parameters
    ----------
    distribution
        Of the defocus of micrographs.
    minimum
        Of the uniform distribution.
    maximum
        Of the uniform distribution.
    mean
        Of the normal distribution.
    deviation
        Of the normal distribution.
    astigmatism
        Deviation of the difference U - V of micrographs, whose direction is any.
    particles_per_micrograph
        So many particles in a row have one defocus.
    deviation_in_micrograph
        Deviation of the defocus of particles from that of their micrograph.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import DefocusConfig
    >>> DefocusConfig(minimum=5000.0, maximum=15000.0).distribution
    'uniform'
    """

    distribution: Literal["uniform", "normal"] = "uniform"
    minimum: float = 8000.0
    maximum: float = 20000.0
    mean: float = 14000.0
    deviation: float = above(0.0, or_equal=True, default=3000.0)
    astigmatism: float = above(0.0, or_equal=True, default=0.0)
    particles_per_micrograph: int = above(0, default=1, highest=10**9)
    deviation_in_micrograph: float = above(0.0, or_equal=True, default=0.0)

    def __post_init__(self) -> None:
        """Check every choice, and the order of the two ends."""
        super().__post_init__()
        if self.minimum > self.maximum:
            msg = f"minimum: expected at most the maximum, {self.maximum:g}, got {self.minimum:g}"
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class NoiseConfig(Checked):
    """Gaussian noise that is added to images.

    Parameters
    ----------
    snr
        Variance of an image without noise and ice inside a circle, the mean of 100 particles of
        different micrographs, or spread over those of a file, over that of the noise of a pixel.
    variance
        Variance of the noise of a pixel in the unit of the images squared, in place of `snr`.
    radius
        Of the circle in which the variance of images is measured, in angstroms; half the box.
    spectrum
        ``"white"``, or a file of a spectrum as ``numbavol noise estimate`` writes it.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import NoiseConfig
    >>> NoiseConfig(snr=0.05).is_wanted
    True
    """

    snr: float | None = above(0.0, default=None)
    variance: float | None = above(0.0, default=None)
    radius: float | None = above(0.0, default=None)
    spectrum: str = "white"

    def __post_init__(self) -> None:
        """Check every choice, and that there is one measure."""
        super().__post_init__()
        if self.snr is not None and self.variance is not None:
            msg = "variance: expected either snr or variance, got both"
            raise ValueError(msg)

    @property
    def is_wanted(self) -> bool:
        """Whether there is noise."""
        return self.snr is not None or self.variance is not None


@dataclasses.dataclass(frozen=True)
class SolventConfig(Checked):
    """What is around the molecule.

    Parameters
    ----------
    kind
        What the molecule displaces: nothing, bulk solvent (`numbavol.BulkSolvent`), or a hydration
        layer and more (`numbavol.HydrationLayer`).
    probe_radius
        In angstroms; by default that of the kind, as all that follows.
    shrink_radius
        Of bulk solvent, in angstroms.
    k_sol
        Potential of the solvent, in inverse square angstroms.
    b_sol
        B-factor of its boundary, in square angstroms.
    ice_thickness
        Of a layer of vitreous ice whose structure is seen, in angstroms (`numbavol.VitreousIce`).
    ice_density
        Of that layer, in grams per cubic centimetre.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import SolventConfig
    >>> SolventConfig(kind="bulk").ice_thickness
    0.0
    """

    kind: Literal["none", "bulk", "hydration"] = "none"
    probe_radius: float | None = above(0.0, or_equal=True, default=None)
    shrink_radius: float | None = above(0.0, or_equal=True, default=None)
    k_sol: float | None = None
    b_sol: float | None = above(0.0, or_equal=True, default=None)
    ice_thickness: float = above(0.0, or_equal=True, default=0.0)
    ice_density: float = above(0.0, default=ICE_DENSITY)

    @property
    def of_kind(self) -> dict[str, float]:
        """What is said of the solvent of its kind."""
        said = {name: getattr(self, name) for name in OF_SOLVENTS}
        return {name: value for name, value in said.items() if value is not None}


@dataclasses.dataclass(frozen=True)
class DoseWeightingConfig(Checked):
    """Frames of one dose each that are summed by their weights: see `numbavol.DoseWeighting`.

    Parameters
    ----------
    n_frames
        How many; none leaves the signal as it is.
    dose_per_frame
        In electrons a square angstrom.
    pre_exposure
        Dose before the first frame, in electrons a square angstrom.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import DoseWeightingConfig
    >>> DoseWeightingConfig(n_frames=40, dose_per_frame=1.25).pre_exposure
    0.0
    """

    n_frames: int | None = above(0, default=None)
    dose_per_frame: float = above(0.0, default=1.0)
    pre_exposure: float = above(0.0, or_equal=True, default=0.0)


@dataclasses.dataclass(frozen=True)
class DetectorConfig(Checked):
    """Electrons that are counted.

    Parameters
    ----------
    dose
        Electrons a square angstrom: images are counts, which Poisson's statistics have. With
        frames, it is the dose of all of them.
    mtf
        RELION's STAR file of the modulation transfer function; an ideal detector by default.
    dqe
        The detective quantum efficiency in the form of such a file.

    Raises
    ------
    ValueError
        If a choice is not as described. The message begins with its name.

    Examples
    --------
    >>> from numbavol.simulation import DetectorConfig
    >>> DetectorConfig(dose=40.0).mtf is None
    True
    """

    dose: float | None = above(0.0, default=None)
    mtf: str | None = None
    dqe: str | None = None
