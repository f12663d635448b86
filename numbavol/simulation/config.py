"""What a simulation is: every choice with its unit, its default and its range."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, get_args, get_origin, get_type_hints

from numbavol.atoms.load_options import LoadOptions


def _above(lowest: float, *, or_equal: bool = False, default: Any = dataclasses.MISSING) -> Any:
    """Declare a number that is above another."""
    return dataclasses.field(default=default, metadata={"lowest": lowest, "or_equal": or_equal})


class Checked:
    """A frozen dataclass whose words are among those declared, and numbers in their ranges.

    Raises
    ------
    ValueError
        If a value is of another type, word or range. The message begins with the field's name.
    """

    def __post_init__(self) -> None:
        """Check every field by its annotation and its range."""
        for field, hint in fields_of(type(self)):
            value = getattr(self, field.name)
            object.__setattr__(self, field.name, read_value(field.name, hint, value))
            self._check_range(field)

    def _check_range(self, field: dataclasses.Field[Any]) -> None:
        value, lowest = getattr(self, field.name), field.metadata.get("lowest")
        if lowest is None or value is None or isinstance(value, str):
            return
        or_equal = field.metadata["or_equal"]
        if value > lowest or (or_equal and value == lowest):
            return
        relation = "of at least" if or_equal else "above"
        msg = f"{field.name}: expected a number {relation} {lowest:g}, got {value!r}"
        raise ValueError(msg)


def fields_of(config: type) -> list[tuple[dataclasses.Field[Any], Any]]:
    """List the fields of a class of choices, and their types."""
    hints = get_type_hints(config)
    return [(field, hints[field.name]) for field in dataclasses.fields(config)]


def read_value(name: str, hint: Any, value: Any) -> Any:
    """Read a value of an annotated type: whole numbers serve as numbers, lists as tuples.

    Raises
    ------
    ValueError
        If it is another. The message begins with the name.
    """
    options = _options_of(hint)
    for option in options:
        if get_origin(option) is Literal and value in get_args(option):
            return value
        if option is type(None) and value is None:
            return None
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if option is float and is_number and math.isfinite(value):
            return float(value)
        if option is int and isinstance(value, int) and is_number:
            return value
        if option in (str, bool) and isinstance(value, option):
            return value
        if get_origin(option) is tuple and isinstance(value, (list, tuple)):
            return _read_tuple(name, option, value)
        if dataclasses.is_dataclass(option) and isinstance(value, option):  # type: ignore[arg-type]
            return value
    expected = " or ".join(_describe(option) for option in options if option is not type(None))
    msg = f"{name}: expected {expected}, got {value!r}"
    raise ValueError(msg)


def _options_of(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in (Literal, tuple) or isinstance(hint, type):
        return (hint,)
    return get_args(hint)


def _read_tuple(name: str, hint: Any, value: Any) -> tuple[Any, ...]:
    inner = get_args(hint)
    if inner[-1] is Ellipsis:
        return tuple(read_value(name, inner[0], part) for part in value)
    if len(value) != len(inner):
        msg = f"{name}: expected {_describe(hint)}, got {value!r}"
        raise ValueError(msg)
    return tuple(read_value(name, kind, part) for kind, part in zip(inner, value, strict=True))


def _describe(option: Any) -> str:
    if get_origin(option) is Literal:
        return " or ".join(repr(word) for word in get_args(option))
    if get_origin(option) is tuple:
        inner = get_args(option)
        return "a list" if inner[-1] is Ellipsis else f"a list of {len(inner)} numbers"
    words = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
    return words.get(option, "a table")


@dataclasses.dataclass(frozen=True)
class VolumeConfig(Checked):
    """A model or a map, and how often it is drawn."""

    file: str
    """PDB, mmCIF, or MRC; relative to the folder of the configuration."""
    weight: float = _above(0.0, or_equal=True, default=1.0)
    """How often it is drawn, relative to the others."""
    select: str = "all"
    """Which atoms of a model, in gemmi's selection language."""
    models: Literal["first", "all", "ensemble"] | int = "first"
    """Of a file with several models: one by its number, all at once, or one for each image."""
    alternates: str = "all"
    """Alternate conformations of a model: ``"all"``, ``"highest"`` or a letter."""
    hydrogens: Literal["keep", "drop"] = "keep"
    """Hydrogens of a model."""
    waters: Literal["keep", "drop"] = "keep"
    """Waters of a model."""
    b_factors: Literal["file"] | float = "file"
    """B-factors of a model in square angstroms: those of the file, or one for all."""
    b_factor_scale: float = 1.0
    """What they are multiplied by."""
    b_factor_offset: float = 0.0
    """What is added to them, in square angstroms."""
    assembly: str | None = None
    """A biological assembly of a model, by its name."""

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
    """How particles are turned and moved."""

    file: str | None = None
    """Orientations, offsets and CTFs of a STAR or .cs file, in their order; uniform by default."""
    offset_deviation: float = _above(0.0, or_equal=True, default=0.0)
    """Deviation of normal offsets along x and y, in angstroms."""


@dataclasses.dataclass(frozen=True)
class MicroscopeConfig(Checked):
    """The microscope, but for its defocus: see `numbavol.CTF`."""

    ctf: bool = True
    """Whether there is a contrast transfer function at all."""
    voltage: float = _above(0.0, default=300.0)
    """In kilovolts."""
    spherical_aberration: float = 2.7
    """In millimetres."""
    amplitude_contrast: float = _above(0.0, or_equal=True, default=0.1)
    """From 0 to 1."""
    phase_shift: float = 0.0
    """Of a phase plate, in degrees."""
    b_factor: float = 0.0
    """Of the envelope, in square angstroms."""
    beam_tilt: tuple[float, float] = (0.0, 0.0)
    """Along x and y, in milliradians."""
    trefoil: tuple[float, float] = (0.0, 0.0)
    """Of the sine and the cosine of three times the angle, in cubic angstroms."""
    odd_zernike: tuple[float, ...] = ()
    """RELION's antisymmetric aberrations."""
    even_zernike: tuple[float, ...] = ()
    """RELION's symmetric aberrations."""


@dataclasses.dataclass(frozen=True)
class DefocusConfig(Checked):
    """How defocus is distributed, in angstroms, positive in underfocus."""

    distribution: Literal["uniform", "normal"] = "uniform"
    """Of the defocus of micrographs."""
    minimum: float = 8000.0
    """Of the uniform distribution."""
    maximum: float = 20000.0
    """Of the uniform distribution."""
    mean: float = 14000.0
    """Of the normal distribution."""
    deviation: float = _above(0.0, or_equal=True, default=3000.0)
    """Of the normal distribution."""
    astigmatism: float = _above(0.0, or_equal=True, default=0.0)
    """Deviation of the difference U - V of micrographs, whose direction is any."""
    particles_per_micrograph: int = _above(0, default=1)
    """So many particles in a row have one defocus."""
    deviation_in_micrograph: float = _above(0.0, or_equal=True, default=0.0)
    """Deviation of the defocus of particles from that of their micrograph."""

    def __post_init__(self) -> None:
        """Check every choice, and the order of the two ends."""
        super().__post_init__()
        if self.minimum > self.maximum:
            msg = f"minimum: expected at most the maximum, {self.maximum:g}, got {self.minimum:g}"
            raise ValueError(msg)


@dataclasses.dataclass(frozen=True)
class NoiseConfig(Checked):
    """Gaussian noise that is added to images."""

    snr: float | None = _above(0.0, default=None)
    """Variance of the images inside a circle, of all particles, over that of the noise."""
    variance: float | None = _above(0.0, default=None)
    """Variance of the noise of a pixel, in place of `snr`."""
    radius: float | None = _above(0.0, default=None)
    """Of the circle in which the variance of images is measured, in angstroms; half the box."""
    spectrum: str = "white"
    """``"white"``, or a file of a spectrum as ``numbavol noise estimate`` writes it."""

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
    """What is around the molecule."""

    kind: Literal["none", "bulk", "hydration"] = "none"
    """What the molecule displaces: nothing, bulk solvent, or a hydration layer and more."""
    ice_thickness: float = _above(0.0, or_equal=True, default=0.0)
    """Of a layer of vitreous ice whose structure is seen, in angstroms."""


@dataclasses.dataclass(frozen=True)
class DetectorConfig(Checked):
    """Electrons that are counted."""

    dose: float | None = _above(0.0, default=None)
    """Electrons a square angstrom: images are counts, which Poisson's statistics have."""
    mtf: str | None = None
    """RELION's STAR file of the modulation transfer function; an ideal detector by default."""
    dqe: str | None = None
    """The detective quantum efficiency in the form of such a file."""


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
        One or several `VolumeConfig`: ``[[volume]]`` in a file.
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
    poses, microscope, defocus, noise, solvent, detector
        Each a table of its own.

    Raises
    ------
    ValueError
        If a choice is not as described, or two do not go together.

    Examples
    --------
    >>> from numbavol.simulation import SimulationConfig, VolumeConfig
    >>> config = SimulationConfig(1000, 128, 1.5, volume=(VolumeConfig("1tii.cif.gz"),))
    >>> config.defocus.minimum, config.noise.is_wanted
    (8000.0, False)
    """

    number: int = _above(0)
    box: int = _above(0)
    pixel_size: float = _above(0.0)
    _: dataclasses.KW_ONLY
    volume: tuple[VolumeConfig, ...] = ()
    seed: int = _above(0, or_equal=True, default=0)
    method: Literal["spline", "linear", "gaussian"] = "spline"
    contrast: Literal["linear", "weak_phase"] = "linear"
    pad_scale: float = _above(1.0, or_equal=True, default=1.0)
    dtype: Literal["float32", "float16"] = "float32"
    poses: PoseConfig = PoseConfig()
    microscope: MicroscopeConfig = MicroscopeConfig()
    defocus: DefocusConfig = DefocusConfig()
    noise: NoiseConfig = NoiseConfig()
    solvent: SolventConfig = SolventConfig()
    detector: DetectorConfig = DetectorConfig()

    def __post_init__(self) -> None:
        """Check every choice, and those that go together."""
        super().__post_init__()
        counts = self.detector.dose is not None
        if counts and self.contrast != "weak_phase":
            msg = f"contrast: expected 'weak_phase' with a dose, got {self.contrast!r}"
            raise ValueError(msg)
        if self.contrast == "weak_phase" and not self.microscope.ctf:
            msg = "contrast: 'weak_phase' is what a transfer function makes, and there is none"
            raise ValueError(msg)
        if counts and self.noise.is_wanted:
            msg = "noise: counts of electrons have their own noise; take either"
            raise ValueError(msg)
        if self.method == "gaussian" and self.solvent.kind != "none":
            msg = "method: 'gaussian' images no map, and solvent is one; take 'spline'"
            raise ValueError(msg)
