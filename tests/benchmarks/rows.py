"""Rows of the table, and the timing of two pieces of work in turn."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


TURN_IN_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Row:
    """A measurement beside a peer: ``ratio`` is the peer's over ours, and is to be large."""

    work: str
    ours: float
    beside: str
    theirs: float
    target: float
    unit: str = "s"

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours

    def cells(self) -> tuple[str, ...]:
        return (
            self.work,
            quantity(self.ours, self.unit),
            f"{self.beside}: {quantity(self.theirs, self.unit)}",
            f"{self.ratio:.2f}",
            f">= {self.target:g}",
            "yes" if self.ratio >= self.target else "NO",
        )

    def numbers(self) -> dict[str, float | str]:
        return {**dataclasses.asdict(self), "ratio": self.ratio}


@dataclasses.dataclass(frozen=True)
class Limit:
    """A measurement that is to stay below a limit."""

    work: str
    ours: float
    limit: float
    unit: str = "s"

    def cells(self) -> tuple[str, ...]:
        return (
            self.work,
            quantity(self.ours, self.unit),
            "",
            "",
            f"< {quantity(self.limit, self.unit)}",
            "yes" if self.ours < self.limit else "NO",
        )

    def numbers(self) -> dict[str, float | str]:
        return dataclasses.asdict(self)


def medians_in_turn(works: Sequence[Callable[[], object]], n_rounds: int) -> list[float]:
    """Time pieces of work in turn, round by round, after one round unmeasured.

    Each round begins with another one, for what follows a peer that has freed much memory is slower
    than what follows something else. In its turn a piece of work is repeated for a tenth of a
    second: this times repeated calls, and hides what the first call after a peer costs.
    """
    seconds: list[list[float]] = [[] for _ in works]
    for n_round in range(n_rounds + 1):
        for n in range(len(works)):
            which = (n + n_round) % len(works)
            began, n_runs = time.perf_counter(), 0
            while (taken := time.perf_counter() - began) < TURN_IN_SECONDS:
                works[which]()
                n_runs += 1
            if n_round > 0:
                seconds[which].append(taken / n_runs)
    return [statistics.median(taken) for taken in seconds]


def quantity(value: float, unit: str) -> str:
    if unit == "s" and value < 1e-4:
        return f"{1e6 * value:.2f} us"
    if unit == "s" and value < 1:
        return f"{1e3 * value:.2f} ms"
    return f"{value:.2f} {unit}"
