"""Choices of a user, as frozen dataclasses that check types, words and ranges; and a warning."""

from __future__ import annotations

import dataclasses
import math
import numbers
import os
from typing import Any, Literal, get_args, get_origin, get_type_hints


class SimulationWarning(UserWarning):
    """Something in a simulation that is probably not meant.

    Examples
    --------
    >>> import warnings
    >>> import numbavol
    >>> from numbavol.simulation import SimulationConfig, SimulationWarning, VolumeConfig
    >>> volume = VolumeConfig(str(numbavol.data.enterotoxin()))
    >>> with warnings.catch_warnings(record=True) as found:
    ...     warnings.simplefilter("always", SimulationWarning)
    ...     _ = numbavol.simulate(SimulationConfig(1, 16, 4.0, volume=(volume,)))
    >>> print(str(found[0].message).partition(": ")[2])
    the box of 16 pixels does not hold it in every pose, 30 would; what is outside is lost
    """


def above(
    lowest: float,
    *,
    or_equal: bool = False,
    default: Any = dataclasses.MISSING,
    highest: float = math.inf,
) -> Any:
    """Declare a number that is above another, and at most a third."""
    metadata = {"lowest": lowest, "or_equal": or_equal, "highest": highest}
    return dataclasses.field(default=default, metadata=metadata)


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
        or_equal, highest = field.metadata["or_equal"], field.metadata["highest"]
        if value > highest:
            expected = f"of at most {highest:g}"
        elif value > lowest or (or_equal and value == lowest):
            return
        else:
            expected = f"{'of at least' if or_equal else 'above'} {lowest:g}"
        msg = f"{field.name}: expected a number {expected}, got {value!r}"
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
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if option is float and is_number and _is_finite(value):
            return float(value)
        if option is int and is_number and isinstance(value, numbers.Integral):
            return int(value)
        if option is str and isinstance(value, os.PathLike):
            return os.fspath(value)
        if option in (str, bool) and isinstance(value, option):
            return value
        if get_origin(option) is tuple and isinstance(value, (list, tuple)):
            return _read_tuple(name, option, value)
        if dataclasses.is_dataclass(option) and isinstance(value, option):  # type: ignore[arg-type]
            return value
    expected = " or ".join(_describe(option) for option in options if option is not type(None))
    msg = f"{name}: expected {expected}, got {value!r}"
    raise ValueError(msg)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # of a whole number that no double holds
        return False


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
