"""What options are read by."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Of a box, in voxels: more than any memory holds.
LARGEST_SIDE = 1_000_000
DEFAULT_MASK_EDGE = 5.0
# Poses that a file of images can be asked for: beyond them lies a slip of the keyboard.
MOST_POSES = 100_000_000
FINEST_GRID = 0.5
MOST_SUBUNITS = 10_000
# How images are made of a model, and of a map.
MODEL_METHODS, MAP_METHODS = ("gaussian", "fft"), ("spline", "linear", "voxels")


class WordOrNumber(click.ParamType):  # type: ignore[type-arg]  # not a generic before click 8.5
    """One of a few words, or a number.

    Parameters
    ----------
    words
        The words.
    number
        What the number is read by.
    """

    name = "word or number"

    def __init__(self, words: tuple[str, ...], number: Any) -> None:
        self._words, self._number = words, number

    def convert(self, value: Any, param: Any, ctx: Any) -> str | float:
        """Read the option."""
        if value in self._words:
            return str(value)
        try:
            converted: float = self._number.convert(value, param, ctx)
            return converted
        except click.BadParameter as error:
            words = " or ".join(repr(word) for word in self._words)
            self.fail(f"{error.message.rstrip('.')}; {words} is possible too", param, ctx)


class FiniteNumber(click.ParamType):  # type: ignore[type-arg]
    """A number that is neither infinite nor NaN.

    Parameters
    ----------
    number
        What the number is read by.
    """

    name = "number"

    def __init__(self, number: Any) -> None:
        self._number = number

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read the option."""
        converted = float(self._number.convert(value, param, ctx))
        if not math.isfinite(converted):
            self.fail(f"{converted} is not a finite number", param, ctx)
        return converted


# Of a voxel or a pixel, in angstroms: far beyond, its powers are no numbers any more.
SIDE = FiniteNumber(click.FloatRange(min=1e-6, max=1e6))


class Sphere(NamedTuple):
    """The radius of a mask and the width of its edge, in angstroms."""

    radius: float
    edge: float


class SphereText(click.ParamType):  # type: ignore[type-arg]
    """A mask as text: ``sphere:40:5``."""

    name = "mask"

    def convert(self, value: Any, param: Any, ctx: Any) -> Sphere:
        """Read the option."""
        kind, *texts = str(value).split(":")
        try:
            lengths = [float(text) for text in texts]
        except ValueError:
            lengths = []
        radius, edge = [*lengths, DEFAULT_MASK_EDGE][:2] if lengths else (0.0, 0.0)
        is_sphere = kind == "sphere" and 1 <= len(lengths) <= 2
        if not (is_sphere and 0 < radius < math.inf and 0 <= edge < math.inf):
            self.fail(
                "expected sphere:RADIUS or sphere:RADIUS:EDGE in angstroms, a radius above 0 and "
                f"an edge of at least 0, got {value!r}",
                param,
                ctx,
            )
        return Sphere(radius, edge)


class Helix(NamedTuple):
    """The parameters of a helix: see `numbavol.make_helical_operators`."""

    rise: float
    twist: float
    n_subunits: int


class HelixText(click.ParamType):  # type: ignore[type-arg]
    """A helix as text: ``4.75:-0.6:30``."""

    name = "helix"

    def convert(self, value: Any, param: Any, ctx: Any) -> Helix:
        """Read the option."""
        texts = str(value).split(":")
        try:
            rise, twist, number = float(texts[0]), float(texts[1]), int(texts[2])
        except (ValueError, IndexError):
            rise, twist, number = math.nan, math.nan, 0
        is_helix = math.isfinite(rise) and math.isfinite(twist) and len(texts) == 3
        if not (is_helix and 1 <= number <= MOST_SUBUNITS):
            self.fail(
                "expected RISE:TWIST:N, in angstroms, degrees and a number of subunits from 1 to "
                f"{MOST_SUBUNITS}, got {value!r}",
                param,
                ctx,
            )
        return Helix(rise, twist, number)


class CenterText(click.ParamType):  # type: ignore[type-arg]
    """A place as text: ``origin``, ``box`` or ``80.5,80.5,80.5``."""

    name = "center"

    def convert(self, value: Any, param: Any, ctx: Any) -> str | tuple[float, float, float]:
        """Read the option."""
        if value in ("origin", "box"):
            return str(value)
        try:
            x, y, z = map(float, str(value).split(","))
        except ValueError:
            x = y = z = math.nan
        if not all(map(math.isfinite, (x, y, z))):
            self.fail(f"expected origin, box or X,Y,Z in angstroms, got {value!r}", param, ctx)
        return x, y, z


class PoseSource(NamedTuple):
    """Where poses are from: one of the three."""

    n_random: int = 0
    spacing: float | None = None
    """Of a grid, in degrees."""
    path: Path | None = None
    """Of a STAR file, or one of cryoSPARC."""


class PoseText(click.ParamType):  # type: ignore[type-arg]
    """Poses as text: ``random:1000``, ``grid:7.5``, or the name of a file."""

    name = "poses"

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Offer the words, or files where no word begins so: bash offers no words beside files."""
        words = [word for word in ("random:", "grid:") if word.startswith(incomplete)]
        return [*map(CompletionItem, words)] or [CompletionItem(incomplete, type="file")]

    def convert(self, value: Any, param: Any, ctx: Any) -> PoseSource:
        """Read the option."""
        kind, _, text = str(value).partition(":")
        if kind == "random":
            if text.isascii() and text.isdecimal() and 0 < int(text) <= MOST_POSES:
                return PoseSource(n_random=int(text))
            msg = f"expected a whole number from 1 to {MOST_POSES} after random:, got {text!r}"
            self.fail(msg, param, ctx)
        if kind == "grid":
            try:
                spacing = float(text)
            except ValueError:
                spacing = 0.0
            if FINEST_GRID <= spacing <= 180.0:
                return PoseSource(spacing=spacing)
            msg = f"expected {FINEST_GRID} to 180 degrees after grid:, got {text!r}"
            self.fail(msg, param, ctx)
        if Path(value).suffix.lower() not in (".star", ".cs"):
            msg = f"expected random:N, grid:DEGREES, or a .star or .cs file, got {value!r}"
            self.fail(msg, param, ctx)
        return PoseSource(path=Path(value))


def read_device(device: str) -> str:
    """Read ``--device`` as the name of a device that can be used.

    Raises
    ------
    click.ClickException
        If it cannot. The message says what is missing.
    """
    from numbavol.kernels.dispatch import check_device

    try:
        return check_device(device)
    except RuntimeError as error:
        raise click.ClickException(say_options(str(error), {"device": "--device"})) from error


def say_options(text: str, names: Mapping[str, str]) -> str:
    """Say the options of the command where a text of the library says its arguments.

    Parameters
    ----------
    text
        Such as ``"models=3: there is no such model"``, or ``"models: expected ..."``.
    names
        Options, by the arguments that they become.
    """
    any_name = "|".join(names)
    text = re.sub(rf"^({any_name}): ", lambda found: f"{names[found[1]]}: ", text)
    return re.sub(rf"(?<!\S)({any_name})=", lambda found: f"{names[found[1]]} ", text)


@contextlib.contextmanager
def name_options(names: Mapping[str, str]) -> Iterator[None]:
    """Let errors of the library name options of the command: see `say_options`."""
    try:
        yield
    except (ValueError, MemoryError) as error:
        kind = MemoryError if isinstance(error, MemoryError) else ValueError
        raise kind(say_options(str(error), names)) from error


def refuse_without_effect(names: tuple[str, ...], reason: str) -> None:
    """Refuse options that were given and would do nothing.

    Raises
    ------
    click.UsageError
        If one was; names it.
    """
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            msg = f"--{name.replace('_', '-')}: {reason}"
            raise click.UsageError(msg)
