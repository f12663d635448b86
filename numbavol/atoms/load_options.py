"""Which atoms of a structure file are meant, and how they count."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Literal, SupportsFloat

from numbavol.arguments import find_whole_number

if TYPE_CHECKING:
    import os


@dataclasses.dataclass(frozen=True)
class LoadOptions:
    """The arguments of `load_atoms`, which says what they mean.

    Raises
    ------
    ValueError
        If one is none of those that are possible.
    """

    selection_string: str = "all"
    models: Literal["first", "all"] | int = "first"
    alternates: str = "all"
    hydrogens: Literal["keep", "drop", "add"] = "keep"
    waters: Literal["keep", "drop"] = "keep"
    b_factors: Literal["file"] | float = "file"
    b_factor_scale: float = 1.0
    b_factor_offset: float = 0.0
    assembly: str | None = None
    monomer_library: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Check the options that are words or numbers."""
        models: object = self.models
        if models not in ("first", "all") and find_whole_number(models) is None:
            msg = f"models: expected 'first', 'all' or a model's number, got {models!r}"
            raise ValueError(msg)
        alternates: object = self.alternates
        is_letter = isinstance(alternates, str) and len(alternates) == 1 and alternates.isalnum()
        if self.alternates not in ("all", "highest") and not is_letter:
            msg = f"alternates: expected 'all', 'highest' or a letter, got {self.alternates!r}"
            raise ValueError(msg)
        if self.hydrogens not in ("keep", "drop", "add"):
            msg = f"hydrogens: expected 'keep', 'drop' or 'add', got {self.hydrogens!r}"
            raise ValueError(msg)
        if self.waters not in ("keep", "drop"):
            msg = f"waters: expected 'keep' or 'drop', got {self.waters!r}"
            raise ValueError(msg)
        if self.monomer_library is not None and self.hydrogens != "add":
            msg = f"monomer_library: nothing reads it with hydrogens={self.hydrogens!r}"
            raise ValueError(msg)
        given: object = self.b_factors
        if isinstance(given, str) and given != "file":
            msg = f"b_factors: expected 'file' or a number, got {given!r}"
            raise ValueError(msg)
        numbers = {
            "b_factors": 0.0 if self.b_factors == "file" else self.b_factors,
            "b_factor_scale": self.b_factor_scale,
            "b_factor_offset": self.b_factor_offset,
        }
        for name, number in numbers.items():
            value: object = number
            if not isinstance(value, SupportsFloat) or not math.isfinite(value):
                msg = f"{name}: expected a finite number, got {value!r}"
                raise ValueError(msg)
