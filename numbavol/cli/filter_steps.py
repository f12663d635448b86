"""What ``numbavol filter`` is asked to do."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from numbavol.cli.options import Sphere


@dataclasses.dataclass(frozen=True)
class Steps:
    """What is to be done with a map: one option each, None where it is not given."""

    lowpass: float | None
    highpass: float | None
    b_factor: float | None
    voxel_size: float | None
    mask: Sphere | None
    crop: int | None
    pad: int | None
    box: int | None

    @property
    def multiplies_the_transform(self) -> bool:
        """Whether a filter is asked for."""
        return any(value is not None for value in (self.lowpass, self.highpass, self.b_factor))

    @property
    def side(self) -> int | None:
        """Of the new box, in voxels."""
        return self.crop or self.pad or self.box

    def check(self) -> None:
        """Refuse what no map allows.

        Raises
        ------
        click.UsageError
            If there is no step, or two that exclude each other.
        """
        names = {
            field.name: "--" + field.name.replace("_", "-") for field in dataclasses.fields(self)
        }
        given = [option for name, option in names.items() if getattr(self, name) is not None]
        boxes = [option for option in given if option in ("--crop", "--pad", "--box")]
        if not given:
            msg = f"expected at least one of {', '.join(names.values())}"
        elif len(boxes) > 1:
            msg = f"expected one of --crop, --pad and --box, got {' and '.join(boxes)}"
        elif (
            self.lowpass is not None and self.highpass is not None and self.highpass <= self.lowpass
        ):
            msg = (
                f"--highpass: expected a coarser resolution than that of --lowpass, "
                f"{self.lowpass:g} A, got {self.highpass:g} A: together they leave nothing"
            )
        else:
            return
        raise click.UsageError(msg)
