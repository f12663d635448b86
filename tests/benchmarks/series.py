"""How time grows with the size of the work: series of medians."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import TYPE_CHECKING, Any

from rows import quantity

if TYPE_CHECKING:
    from collections.abc import Callable

# In all, for one point: small works are repeated, large ones are not.
SECONDS_A_POINT = 1.0
FEWEST_RUNS, MOST_RUNS = 3, 200


@dataclasses.dataclass(frozen=True)
class Series:
    """Seconds against what the work grows with.

    ``figure`` names the picture that the series belongs to, and ``grows_with`` its axis.
    """

    work: str
    figure: str
    grows_with: str
    sizes: tuple[float, ...]
    seconds: tuple[float, ...]

    def cells(self) -> tuple[str, ...]:
        ends = " to ".join(quantity(self.seconds[n], "s") for n in (0, -1))
        sizes = " to ".join(f"{self.sizes[n]:,.0f}" for n in (0, -1))
        return (f"{self.work}, {sizes} {self.grows_with}", ends, "", "", "", "")

    def numbers(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def median_seconds(work: Callable[[], object]) -> float:
    """Time a piece of work until it has had a second, after one run unmeasured."""
    work()
    taken: list[float] = []
    while len(taken) < FEWEST_RUNS or (sum(taken) < SECONDS_A_POINT and len(taken) < MOST_RUNS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
