"""The options of every command that reads a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from numbavol.cli.common_options import add_options
from numbavol.cli.options import HelixText, WordOrNumber

if TYPE_CHECKING:
    from collections.abc import Callable


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
            "--models", type=WordOrNumber(("first", "all"), click.INT), default="first",
            show_default=True, metavar="first|all|NUMBER", help="Models of the file.",
        ),
        click.option(
            "--select", default="all", show_default=True, metavar="SELECTION",
            help="Atoms, in gemmi's selection language: '//A' is chain A, '[!H]' all but hydrogen.",
        ),
        click.option(
            "--alternates", default="all", show_default=True, metavar="all|highest|LETTER",
            help="Alternate conformations: all, weighted by occupancy, or one of each residue, "
            "which then counts in full.",
        ),
        click.option(
            "--hydrogens", type=click.Choice(["keep", "drop"]), default="keep", show_default=True,
            help="Hydrogens of the file.",
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
            help="Copies by a point group around the file's origin: C4, D7, T, O, I.",
        ),
        click.option(
            "--helix", type=HelixText(), metavar="RISE:TWIST:N",
            help="N copies along the file's z axis, by a rise in angstroms and a twist in degrees.",
        ),
    )  # fmt: skip
