"""``numbavol completion``: the script that lets a shell complete the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

# Click completes where this is set, which the script does.
COMPLETE_VARIABLE = "_NUMBAVOL_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, options and files.

    \b
    Examples:
      numbavol completion bash >> ~/.bashrc
      numbavol completion zsh >> ~/.zshrc
      numbavol completion fish > ~/.config/fish/completions/numbavol.fish
    """
    completer = get_completion_class(shell)
    if completer is None:
        msg = f"{shell}: not a shell that can be completed"
        raise click.UsageError(msg)
    command = context.find_root().command
    click.echo(completer(command, {}, "numbavol", COMPLETE_VARIABLE).source())
