"""How far work is, for a person who is looking."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS_BETWEEN_UPDATES = 0.1


@contextlib.contextmanager
def progress_bar(
    label: str, *, is_wanted: bool = True
) -> Iterator[Callable[[int, int], None] | None]:
    """Show how far work is, where errors go to a terminal.

    Parameters
    ----------
    label
        What is being done.
    is_wanted
        Whether it is to be shown at all.

    Yields
    ------
    callable or None
        To be called with the number of parts done and of all; None where nothing is shown.
    """
    if not (is_wanted and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        shown = -math.inf

        def update(done: int, total: int) -> None:
            nonlocal shown
            # Thousands of images a second have better things to do.
            if time.monotonic() - shown > SECONDS_BETWEEN_UPDATES or done == total:
                progress.update(task, completed=done, total=total)
                shown = time.monotonic()

        yield update
