"""Figures of today beside those of an earlier run."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from rows import quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What is to be the same for times to compare.
MACHINE = ("processor", "cpus")


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
        earlier = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        msg = f"{file}: expected the figures of an earlier run: {error}"
        raise ValueError(msg) from error
    if not isinstance(earlier, dict) or not {"machine", "rows"} <= set(earlier):
        msg = f"{file}: expected 'machine' and 'rows', as --json writes them"
        raise ValueError(msg)
    return earlier


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
    """Say that two machines differ, or nothing."""
    differing = [
        f"{name} {earlier['machine'].get(name)} then, {machine[name]} now"
        for name in MACHINE
        if earlier["machine"].get(name) != machine[name]
    ]
    return f"another machine: {'; '.join(differing)}" if differing else ""


def take_values(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, str]]:
    """Our own times, by the work; of a series, each size is a work."""
    values: dict[str, tuple[float, str]] = {}
    for row in rows:
        if "sizes" in row:
            for size, seconds in zip(row["sizes"], row["seconds"], strict=True):
                values[f"{row['work']}, {size:,.0f} {row['grows_with']}"] = (seconds, "s")
        elif isinstance(ours := row.get("ours", row.get("warm")), (int, float)):
            values[str(row["work"])] = (float(ours), str(row.get("unit", "s")))
    return values
