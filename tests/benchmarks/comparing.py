"""Figures of today beside those of an earlier run."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from rows import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What is to be the same for times to compare: on Linux the processor is its architecture alone, and
# its name tells two of them apart.
MACHINE = ("processor", "name", "cpus")
ALWAYS_SAID = {"processor", "cpus"}


@dataclasses.dataclass(frozen=True)
class Change:
    """A piece of work, before and now, in seconds or another unit."""

    work: str
    before: float
    now: float
    unit: str

    def cells(self) -> tuple[str, ...]:
        change = f"{100 * (self.now / self.before - 1):+.0f} %" if self.before > 0 else ""
        return (self.work, quantity(self.before, self.unit), quantity(self.now, self.unit), change)


def read_earlier(file: Path) -> dict[str, Any]:
    """Read what ``--json`` has written.

    Raises
    ------
    ValueError
        If it is another file. The message says why.
    """
    try:
        earlier: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        msg = f"{file}: expected the figures of an earlier run: {error}"
        raise ValueError(msg) from error
    if wrong := describe_what_is_wrong(earlier):
        msg = f"{file}: expected {wrong}, as --json writes them"
        raise ValueError(msg)
    return earlier


def describe_what_is_wrong(figures: Any) -> str:
    """Say what figures lack, or nothing."""
    if not isinstance(figures, dict) or not {"machine", "rows"} <= set(figures):
        return "'machine' and 'rows'"
    machine, rows = figures["machine"], figures["rows"]
    if not isinstance(machine, dict) or not set(machine) >= ALWAYS_SAID:
        return "the 'processor' and the 'cpus' of the machine"
    if not isinstance(rows, list) or not all(map(is_row, rows)):
        return "rows with their 'work', and series with as many 'sizes' as 'seconds'"
    return ""


def is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("work"), str):
        return False
    if "sizes" not in row:
        return True
    sizes, seconds = row["sizes"], row.get("seconds")
    return (
        {"figure", "grows_with"} <= set(row)
        and isinstance(sizes, list)
        and isinstance(seconds, list)
        and len(sizes) == len(seconds) > 0
        and all(isinstance(value, (int, float)) for value in (*sizes, *seconds))
    )


def compare(
    earlier: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> tuple[list[Change], list[str], list[str]]:
    """Find what stands in both, what is new, and what was not measured now."""
    before, now = take_values(earlier["rows"]), take_values(rows)
    changes = [
        Change(work, before[work][0], now[work][0], now[work][1]) for work in now if work in before
    ]
    new = [work for work in now if work not in before]
    left_out = [work for work in before if work not in now]
    return changes, new, left_out


def describe_machines(earlier: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """Say that two machines differ, or nothing; what one of them does not say is not compared."""
    before = earlier["machine"]
    differing = [
        f"{name} {before[name]} then, {machine[name]} now"
        for name in MACHINE
        if before.get(name) and machine.get(name) and before[name] != machine[name]
    ]
    return f"another machine: {'; '.join(differing)}" if differing else ""


def take_values(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, str]]:
    """Times by the work, and a peer's by the peer and the work; each size of a series is a work."""
    values: dict[str, tuple[float, str]] = {}
    for row in rows:
        if "sizes" in row:
            for size, seconds in zip(row["sizes"], row["seconds"], strict=True):
                values[f"{row['work']}, {size:,.0f} {row['grows_with']}"] = (seconds, "s")
        elif isinstance(ours := row.get("ours", row.get("warm")), (int, float)):
            unit = str(row.get("unit", "s"))
            values[row["work"]] = (float(ours), unit)
            if isinstance(theirs := row.get("theirs"), (int, float)):
                values[f"{row.get('beside')}: {row['work']}"] = (float(theirs), unit)
    return values
