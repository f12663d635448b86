"""How far work is, for a person who is looking."""

from __future__ import annotations

import contextlib
import html
import math
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Update = Callable[[int, int], None]

SECONDS_BETWEEN_UPDATES = 0.1


@contextlib.contextmanager
def progress_bar(label: str, *, is_wanted: bool = True) -> Iterator[Update | None]:
    """Show how far work is: on a terminal, where errors go, or in a notebook.

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
    if is_wanted and _is_notebook():
        with _show_in_notebook(label) as show:
            yield _at_most_often(show)
    elif is_wanted and _is_on_terminal():
        with _show_on_terminal(label) as show:
            yield _at_most_often(show)
    else:
        yield None


def _is_notebook() -> bool:
    # A terminal's IPython has no kernel.
    ipython = sys.modules.get("IPython")
    # It may be half imported.
    find_shell = getattr(ipython, "get_ipython", None)
    return find_shell is not None and hasattr(find_shell(), "kernel")


def _is_on_terminal() -> bool:
    # There is no standard error where it was closed, and on a desktop.
    return sys.stderr is not None and sys.stderr.isatty()


def _at_most_often(show: Update) -> Update:
    shown = -math.inf

    def update(done: int, total: int) -> None:
        nonlocal shown
        # Thousands of images a second have better things to do.
        if time.monotonic() - shown > SECONDS_BETWEEN_UPDATES or done == total:
            show(done, total)
            shown = time.monotonic()

    return update


@contextlib.contextmanager
def _show_on_terminal(label: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    task = progress.add_task(label, total=None)
    progress.start()
    try:
        yield lambda done, total: progress.update(task, completed=done, total=total)
    finally:
        # A terminal that has gone away meanwhile is no reason to lose the work.
        with contextlib.suppress(OSError):
            progress.stop()


@contextlib.contextmanager
def _show_in_notebook(label: str) -> Iterator[Update]:
    from IPython.display import HTML, display

    shown = display(HTML(html.escape(label)), display_id=True)

    def show(done: int, total: int) -> None:
        bar = f"<progress value='{done}' max='{total}'></progress>"
        shown.update(HTML(f"{html.escape(label)} {bar} {done} of {total}"))

    try:
        yield show
    finally:
        # What is done needs no bar, as on a terminal.
        shown.update(HTML(""))
