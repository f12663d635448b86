"""What ``numbavol simulate`` is asked for: a file, options in place of its choices, and both."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from numbavol.cli.common_options import add_options
from numbavol.cli.options import LARGEST_SIDE, MOST_POSES, SIDE, FiniteNumber, refuse_without_effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numbavol.simulation import SimulationConfig
    from numbavol.simulation.config_reading import KeyPath

LARGEST_SEED = 2**64 - 1
LENGTH = FiniteNumber(click.FloatRange(min=0, min_open=True))
NOT_NEGATIVE = FiniteNumber(click.FloatRange(min=0))
# Where the choice that an option makes stands in a configuration.
CHOICES: dict[str, tuple[str, ...]] = {
    "number": ("number",),
    "box": ("box",),
    "pixel_size": ("pixel_size",),
    "seed": ("seed",),
    "method": ("method",),
    "contrast": ("contrast",),
    "pad_scale": ("pad_scale",),
    "dtype": ("dtype",),
    "poses": ("poses", "file"),
    "offsets": ("poses", "offset_deviation"),
    "voltage": ("microscope", "voltage"),
    "spherical_aberration": ("microscope", "spherical_aberration"),
    "amplitude_contrast": ("microscope", "amplitude_contrast"),
    "astigmatism": ("defocus", "astigmatism"),
    "particles_per_micrograph": ("defocus", "particles_per_micrograph"),
    "snr": ("noise", "snr"),
    "noise_variance": ("noise", "variance"),
    "noise_spectrum": ("noise", "spectrum"),
    "noise_radius": ("noise", "radius"),
    "solvent": ("solvent", "kind"),
    "ice": ("solvent", "ice_thickness"),
    "dose": ("detector", "dose"),
    "mtf": ("detector", "mtf"),
    "dqe": ("detector", "dqe"),
}
# What has no place in a configuration, and whose errors name the option.
OF_THE_COMMAND = {
    ("shards",): "shards", ("cs",): "cs", ("output",): "o",
    # Of the stacks, in a table of particles.
    ("particles", "image_names"): "o",
}  # fmt: skip
# Further names that errors begin with.
TABLES = {("solvent",): "solvent"} | OF_THE_COMMAND
# What options take away of a file: another measure of the noise, the distribution of views.
IN_PLACE_OF: dict[str, list[tuple[str, ...]]] = {
    "snr": [("noise", "variance"), ("detector",)],
    "noise_variance": [("noise", "snr"), ("noise", "radius"), ("detector",)],
    "dose": [("noise",)],
    "poses": [("poses", name) for name in ("distribution", "rot", "tilt", "concentration")],
}
OF_DEFOCUS = ("defocus", "astigmatism", "particles_per_micrograph")
OF_THE_CTF = (*OF_DEFOCUS, "spherical_aberration", "amplitude_contrast")


class DefocusRange(NamedTuple):
    """The ends of a uniform distribution, in angstroms."""

    minimum: float
    maximum: float


class DefocusText(click.ParamType):  # type: ignore[type-arg]  # not a generic before click 8.5
    """A range of defocus as text: ``8000:20000``, or one number."""

    name = "defocus"

    def convert(self, value: Any, param: Any, ctx: Any) -> DefocusRange:
        """Read the option."""
        if isinstance(value, DefocusRange):
            return value
        texts = str(value).split(":")
        ends = [FiniteNumber(click.FLOAT).convert(text, param, ctx) for text in texts]
        if len(ends) > 2 or ends[0] > ends[-1]:
            order = ", the smaller one first" if len(ends) == 2 else ""
            expected = f"expected MIN:MAX in angstroms{order}, or one number"
            self.fail(f"{expected}, got {value!r}", param, ctx)
        return DefocusRange(ends[0], ends[-1])


def simulation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is simulated."""
    return add_options(
        command,
        click.option(
            "--number", type=click.IntRange(min=1, max=MOST_POSES), metavar="N",
            help="Particles; by default those of --poses.",
        ),
        click.option(
            "--box", type=click.IntRange(min=1, max=LARGEST_SIDE), metavar="N",
            help="Pixels of a side of an image; by default those of --poses.",
        ),
        click.option(
            "--pixel-size", type=SIDE, metavar="A",
            help="Side of a pixel in angstroms; by default that of --poses.",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0, max=LARGEST_SEED), default=0, show_default=True,
            metavar="K", help="Of everything that is drawn.",
        ),
        click.option(
            "--method", type=click.Choice(["spline", "linear", "gaussian"]), default="spline",
            show_default=True,
            help="spline and linear interpolate slices of the transform of a map, which is made of "
            "a model; gaussian images models without one.",
        ),
        click.option(
            "--contrast", type=click.Choice(["linear", "weak_phase"]), default="linear",
            show_default=True,
            help="linear is white, in inverse angstroms, as RELION wants images; weak_phase is "
            "dark: the relative change of the intensity.",
        ),
        click.option(
            "--pad-scale", type=FiniteNumber(click.FloatRange(min=1, max=8)), default=1.0,
            show_default=True, metavar="P",
            help="Make images on so many times the box, and cut them out.",
        ),
        click.option(
            "--dtype", type=click.Choice(["float32", "float16"]), default="float32",
            show_default=True, help="Of the stack.",
        ),
        click.option(
            "--poses", metavar="FILE",
            help="Views, offsets and CTFs of a STAR or .cs file, in their order; by default views "
            "are random.",
        ),
        click.option(
            "--offsets", type=NOT_NEGATIVE, default=0.0, show_default=True, metavar="A",
            help="Move each image by normal offsets of this deviation along x and y.",
        ),
        click.option(
            "--defocus", type=DefocusText(), default="8000:20000", show_default=True,
            metavar="MIN:MAX", help="Uniform between these, in angstroms of underfocus.",
        ),
        click.option(
            "--astigmatism", type=NOT_NEGATIVE, default=0.0, show_default=True, metavar="A",
            help="Deviation of the difference of the two defoci, in angstroms.",
        ),
        click.option(
            "--particles-per-micrograph", type=click.IntRange(min=1), default=1,
            show_default=True, metavar="N", help="So many in a row have one defocus.",
        ),
        click.option(
            "--voltage", type=LENGTH, default=300.0, show_default=True, metavar="KV",
            help="In kilovolts.",
        ),
        click.option(
            "--spherical-aberration", type=FiniteNumber(click.FLOAT), default=2.7,
            show_default=True, metavar="MM", help="In millimetres.",
        ),
        click.option(
            "--amplitude-contrast", type=FiniteNumber(click.FloatRange(min=0, max=1)), default=0.1,
            show_default=True, metavar="Q", help="From 0 to 1.",
        ),
        click.option("--no-ctf", is_flag=True, help="No contrast transfer function."),
        click.option(
            "--snr", type=LENGTH, metavar="R",
            help="Noise, by the variance of the images within a circle over that of the noise.",
        ),
        click.option(
            "--noise-variance", type=LENGTH, metavar="V",
            help="Noise, by its variance in the unit of the images squared.",
        ),
        click.option(
            "--noise-spectrum", default="white", show_default=True, metavar="white|FILE",
            help="Of the noise: a STAR file as numbavol noise estimate writes it.",
        ),
        click.option(
            "--noise-radius", type=LENGTH, metavar="A",
            help="Of the circle of --snr, in angstroms; by default half the box.",
        ),
        click.option(
            "--solvent", type=click.Choice(["none", "bulk", "hydration"]), default="none",
            show_default=True, help="What the molecules of models displace.",
        ),
        click.option(
            "--ice", type=NOT_NEGATIVE, default=0.0, show_default=True, metavar="A",
            help="Thickness of vitreous ice whose structure is seen, in angstroms.",
        ),
        click.option(
            "--dose", type=LENGTH, metavar="E",
            help="Count electrons, so many a square angstrom; takes --contrast weak_phase.",
        ),
        click.option(
            "--mtf", metavar="FILE", help="Of the detector that counts: a STAR file of RELION.",
        ),
        click.option(
            "--dqe", metavar="FILE", help="Of the detector that counts, in the form of an MTF.",
        ),
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Choices:
    """A simulation as the command was told it."""

    config_file: Path | None
    given: Mapping[tuple[str, ...], Any]
    """What options say, by paths in a configuration."""
    lines: dict[KeyPath, int] = dataclasses.field(default_factory=dict)
    """Of the file."""

    @classmethod
    def of_the_command(cls, sources: tuple[Path, ...], options: Mapping[str, Any]) -> Choices:
        """Sort what was given on the command line.

        Parameters
        ----------
        sources
            A configuration first, or volumes.
        options
            Those that `simulation_options` adds.

        Raises
        ------
        click.UsageError
            If one would do nothing.
        """
        from numbavol.simulation.tables import OF_SOLVENTS

        context = click.get_current_context()
        asked = {
            name: value
            for name, value in options.items()
            if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        }
        if "snr" in asked and "noise_variance" in asked:
            msg = "--noise-variance: expected either this or --snr, got both"
            raise click.UsageError(msg)
        given: dict[tuple[str, ...], Any] = {}
        if asked.pop("no_ctf", False):
            refuse_without_effect(OF_THE_CTF, "there is no CTF with --no-ctf")
            given["microscope", "ctf"] = False
        if "defocus" in asked:
            given |= dict.fromkeys((("defocus", "mean"), ("defocus", "deviation")))
            given["defocus", "distribution"] = "uniform"
            ends: DefocusRange = asked.pop("defocus")
            given |= {("defocus", key): value for key, value in ends._asdict().items()}
        given |= {path: None for name in asked for path in IN_PLACE_OF.get(name, ())}
        if asked.get("solvent") == "none":
            given |= {("solvent", name): None for name in OF_SOLVENTS}
        elif asked.get("solvent") == "hydration":
            given["solvent", "shrink_radius"] = None
        given |= {CHOICES[name]: value for name, value in asked.items()}
        config_file = sources[0] if sources[0].suffix.lower() == ".toml" else None
        volumes = sources if config_file is None else sources[1:]
        if volumes:
            given["volume",] = [{"file": str(volume)} for volume in volumes]
        return cls(config_file, given)

    def read(self) -> tuple[SimulationConfig, Choices]:
        """Read the configuration, if there is one, and make the simulation.

        Returns
        -------
        SimulationConfig
            The simulation.
        Choices
            These, which know the lines of the file.

        Raises
        ------
        OSError, ValueError
            If a file cannot be read, or a choice is none.
        """
        from numbavol.simulation import read_simulation_config
        from numbavol.simulation.config_reading import (
            find_lines,
            make_simulation_config,
            read_text,
        )
        from numbavol.simulation.files import list_files

        if self.config_file is None:
            with self.explain():
                return make_simulation_config(self.given), self
        known = dataclasses.replace(self, lines=find_lines(read_text(self.config_file)))
        with known.explain():
            config = read_simulation_config(self.config_file, self.given)
            if not config.microscope.ctf:
                refuse_without_effect(OF_THE_CTF, "the configuration has no CTF")
            for path, file in list_files(config).items():
                if (
                    path not in self.given
                    and path[:1] not in self.given
                    and not Path(file).exists()
                ):
                    name = ".".join(str(key + 1 if isinstance(key, int) else key) for key in path)
                    msg = f"{name}: there is no file {file}"
                    raise ValueError(msg)
        return config, known

    @contextlib.contextmanager
    def explain(self) -> Iterator[None]:
        """Let errors name the option, or the line of the file, that made a choice."""
        try:
            yield
        except ValueError as error:
            from numbavol.simulation.config_reading import find_line

            # Of a stack, whose type is the only choice of its own.
            text = re.sub(r"^(image \d+: expected finite )", r"dtype: \1", str(error))
            name, separator, rest = text.partition(": ")
            if not separator or not re.fullmatch(r"[\w.]+", name):
                raise
            path = tuple(int(key) - 1 if key.isdecimal() else key for key in name.split("."))
            if ("volume",) in self.given and path[:1] == ("volume",) and len(path) == 3:
                # Which the file itself says, as no option does.
                msg = f"{self.given['volume',][path[1]]['file']}: {path[2]}: {rest}"
                raise ValueError(msg) from error
            option = self._option_of(path)
            if path in self.given or self.config_file is None or path in OF_THE_COMMAND:
                if option is None:
                    raise
                dashes = "-" if len(option) == 1 else "--"
                msg = f"{dashes}{option.replace('_', '-')}: {_say_choices(rest)}"
                raise ValueError(msg) from error
            line = find_line(self.lines, path)
            if line is not None:
                msg = f"{self.config_file}:{line}: {text}"
            elif path[:1] in [("volume",), *CHOICES.values()]:
                msg = f"{self.config_file}: {text}"
            else:
                raise
            raise ValueError(msg) from error

    def _option_of(self, path: KeyPath) -> str | None:
        names = {made: name for name, made in CHOICES.items()} | TABLES
        if path == ("noise",):
            # Which of its measures was asked for.
            asked = ("snr", "noise_variance")
            return next((name for name in asked if self.given.get(CHOICES[name]) is not None), None)
        return names.get(path)  # type: ignore[arg-type]


def _say_choices(text: str) -> str:
    """Say the options of the command where a text of the library points to choices."""
    names = {".".join(made): f"--{name.replace('_', '-')}" for name, made in CHOICES.items()}
    any_name = "|".join(map(re.escape, names))
    return re.sub(rf"(?<![\w.])({any_name})(?= says |\))", lambda found: names[found[1]], text)
