"""The options of every command that reads a model, and what they say together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import add_options
from numbavol.cli.options import (
    CenterText,
    FiniteNumber,
    HelixText,
    WordOrNumber,
    refuse_without_effect,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numbavol.atoms.load_options import LoadOptions
    from numbavol.cli.options import Helix

CRYSTAL = "crystal"


def model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which atoms are meant, and how they count."""
    return add_options(
        command,
        click.option(
            "--b-factors", type=WordOrNumber(("file", "none"), click.FLOAT), default="file",
            show_default=True, metavar="file|none|VALUE",
            help="B-factors: the file's, none, or one value in square angstroms.",
        ),
        click.option(
            "--b-factor-scale", type=FiniteNumber(click.FLOAT), default=1.0, show_default=True,
            metavar="S", help="Multiply B-factors.",
        ),
        click.option(
            "--b-factor-offset", type=FiniteNumber(click.FLOAT), default=0.0, show_default=True,
            metavar="B", help="Add to B-factors, in square angstroms, after they are multiplied.",
        ),
        click.option(
            "--models", type=WordOrNumber(("first", "all", "ensemble"), click.INT),
            default="first", show_default=True, metavar="first|all|ensemble|NUMBER",
            help="Models of the file: one, all together, or as an ensemble: a map is their mean, "
            "and an image is of one that is drawn for it.",
        ),
        click.option(
            "--select", default="all", show_default=True, metavar="SELECTION",
            help="Atoms, in gemmi's selection language: '//A' is chain A, '[!H]' all but hydrogen.",
        ),
        click.option(
            "--alternates", default="all", show_default=True, metavar="all|highest|LETTER",
            help="Alternate conformations: all, weighted by occupancy, or one of each residue, "
            "that of the highest mean occupancy or of a letter, which then counts in full.",
        ),
        click.option(
            "--hydrogens", type=click.Choice(["keep", "drop", "add"]), default="keep",
            show_default=True,
            help="Hydrogens of the file, or, in their place, those of a monomer library.",
        ),
        click.option(
            "--monomer-library", type=click.Path(), metavar="FOLDER", envvar="CLIBD_MON",
            show_envvar=True, help="Says where --hydrogens add places hydrogens, as CCP4 has it.",
        ),
        click.option(
            "--waters", type=click.Choice(["keep", "drop"]), default="keep", show_default=True,
            help="Waters of the file.",
        ),
        click.option(
            "--assembly", metavar="NAME",
            help="A biological assembly of the file, as in 1; by default what is deposited.",
        ),
        click.option(
            "--symmetry", metavar="GROUP",
            help="Copies by a point group: C4, D7, T, O, I; or crystal: the content of the unit "
            "cell.",
        ),
        click.option(
            "--symmetry-center", type=CenterText(), default="origin", show_default=True,
            metavar="origin|box|X,Y,Z",
            help="What a point group or a helix is around: the file's origin; the middle of the "
            "box of a map that is given, where most models that were built in one have it; or a "
            "place in angstroms.",
        ),
        click.option(
            "--helix", type=HelixText(), metavar="RISE:TWIST:N",
            help="N copies along an axis parallel to z, by a rise in angstroms and a twist in "
            "degrees.",
        ),
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class ModelOptions:
    """Which atoms of a file are meant, and how they count: the options of the same names."""

    b_factors: str | float
    b_factor_scale: float
    b_factor_offset: float
    models: Any
    select: str
    alternates: str
    hydrogens: str
    monomer_library: str | None
    waters: str
    assembly: str | None
    symmetry: str | None
    symmetry_center: str | tuple[float, float, float]
    helix: Helix | None

    @property
    def is_ensemble(self) -> bool:
        """Whether the models of a file are as many states of one specimen."""
        return bool(self.models == "ensemble")

    @property
    def names(self) -> dict[str, str]:
        """What of the command line the arguments are that they become: for `name_options`."""
        names = {
            field.name: f"--{field.name.replace('_', '-')}" for field in dataclasses.fields(self)
        }
        # Of B-factors that are too low, what made them so.
        lowers = {"b_factor_offset": self.b_factor_offset, "b_factor_scale": self.b_factor_scale}
        of_b_factors = next((name for name, value in lowers.items() if value < 0), "b_factors")
        names["b_factors"] = names["extra_b_factors"] = names[of_b_factors]
        return names | {"selection_string": "--select"}

    def names_for(self, model: Path) -> dict[str, str]:
        """Return the names, and the file of the model where its elements are meant."""
        return self.names | {"atomic_numbers": str(model)}

    @property
    def load_options(self) -> LoadOptions:
        """What of them `numbavol.load_atoms` does."""
        from numbavol.atoms.load_options import LoadOptions

        chosen: dict[str, Any] = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(LoadOptions)
            if hasattr(self, field.name)
        }
        chosen["selection_string"] = self.select
        chosen["models"] = "all" if self.is_ensemble else self.models
        chosen["b_factors"] = 0.0 if self.b_factors == "none" else self.b_factors
        return LoadOptions(**chosen)


def read_options(given: dict[str, Any]) -> ModelOptions:
    """Read the options that `model_options` adds to a command.

    Raises
    ------
    click.UsageError
        If one would do nothing.
    """
    if given["hydrogens"] != "add":
        refuse_without_effect(("monomer_library",), "only --hydrogens add reads one")
        # That of the environment.
        given = {**given, "monomer_library": None}
    if given["symmetry"] == CRYSTAL:
        refuse_without_effect(("assembly",), "a crystal has copies of what is deposited")
    if given["symmetry"] in (None, CRYSTAL) and given["helix"] is None:
        reason = "there is neither a point group nor a helix"
        refuse_without_effect(("symmetry_center",), reason)
    return ModelOptions(**given)
