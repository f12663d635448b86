"""The group of commands, and how errors leave it: one line, and a status."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from numbavol.cli.backproject import backproject
from numbavol.cli.compare import compare
from numbavol.cli.completion import COMPLETE_VARIABLE, completion
from numbavol.cli.filter import filter_map
from numbavol.cli.fsc import fsc
from numbavol.cli.info import info
from numbavol.cli.noise import noise
from numbavol.cli.output import flush_or_give_up
from numbavol.cli.project import project
from numbavol.cli.render import render
from numbavol.cli.simulate import simulate
from numbavol.cli.versions import describe_versions
from numbavol.cli.view import view
from numbavol.cli.warmup import warmup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

BAD_DATA, BAD_USAGE, INTERRUPTED = 1, 2, 130
# The signals that came to this process: where an interrupt meets an import, it may come out as an
# error of that.
_interrupts: list[int] = []


def _print_versions(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(describe_versions())
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_versions,
    help="Print the versions of numbavol and of what it stands on.",
)  # fmt: skip
def numbavol_command() -> None:
    """Cryo-EM volumes: from an atomic model to a potential map in physical units.

    --debug, anywhere, shows the traceback of an error.

    \b
    Examples:
      numbavol render 1tii.cif.gz -o 1tii.mrc
      numbavol view 1tii.mrc -o 1tii.png
      numbavol project 1tii.mrc -o stack.mrcs --poses random:1000
      numbavol simulate config.toml -o particles.mrcs
    """


for command in (
    render, project, simulate, backproject, view, info, compare, fsc, filter_map, noise, warmup,
    completion,
):  # fmt: skip
    numbavol_command.add_command(command)


def run() -> NoReturn:
    """Run the command as a process of its own."""
    _fill_standard_streams()
    # A batch system that ends the job is to leave no part of a map.
    signal.signal(signal.SIGTERM, _interrupt)
    # A shell's background job ignores the keyboard.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    status = main()
    # An interrupt that comes while Python shuts down would leave it waiting for its threads.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    flush_or_give_up()
    sys.exit(status)


def _fill_standard_streams() -> None:
    """Keep files from the numbers of streams that are closed: others may write to these."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    _interrupts.append(signal_number)
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments
        What follows the name of the command; by default that of this process.

    Returns
    -------
    int
        The exit status: 0, 1 for data that cannot be used, 2 for wrong usage.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments
    # --debug is taken anywhere, for one adds it at the end of the line that failed.
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        numbavol_command.main(
            arguments,
            "numbavol",
            standalone_mode=False,
            complete_var=COMPLETE_VARIABLE,
            obj=arguments,  # for a page that says what was asked for
        )
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())
        return BAD_USAGE
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f" (see '{error.ctx.command_path} --help')"
        return _fail(error.format_message().rstrip(".") + hint, error.exit_code)
    except (KeyboardInterrupt, click.Abort) as interrupt:
        return _fail(str(interrupt) or "interrupted", INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        if _interrupts:
            return _fail("interrupted", INTERRUPTED)
        if isinstance(error, (ValueError, TypeError, OSError, MemoryError)):
            return _fail(_in_one_line(error), BAD_DATA)
        reason = f"{type(error).__name__}: {_in_one_line(error)}"
        return _fail(f"{reason} (this is a bug; --debug shows where)", BAD_DATA)
    return 0


def _fail(message: str, status: int) -> int:
    _say(f"numbavol: error: {message}")
    return status


def _say(line: str) -> None:
    # Whoever cannot read it has the status.
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _in_one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = " ".join(str(error).split()) or type(error).__name__
    # The library speaks to programs.
    return text.replace("overwrite=True would replace it", "--overwrite replaces it")
