"""Options that commands share, worded and named alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# kernels.threads.MOST_THREADS, which --help is not to import NumPy for.
MOST_THREADS = 1024
threads_option = click.option(
    "--threads", type=click.IntRange(min=1, max=MOST_THREADS), metavar="N",
    help="Threads; by default all CPUs.",
)  # fmt: skip
device_option = click.option(
    "--device", type=click.Choice(["cpu", "cuda", "auto"]), default="cpu", show_default=True,
    help="Where to compute; auto is cuda where there is a card.",
)  # fmt: skip
overwrite_option = click.option(
    "--overwrite", is_flag=True, help="Replace what is to be written, if it exists."
)
report_option = click.option(
    "--report", "page", type=click.Path(path_type=Path), metavar="FILE.html",
    help="Write what was done, with pictures, as a web page that needs no network.",
)  # fmt: skip
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing but warnings and errors."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def add_options(command: Callable[..., Any], *options: Decorator) -> Callable[..., Any]:
    """Add options to a command, in their order."""
    for option in reversed(options):
        command = option(command)
    return command
