"""Completion of commands, options, companies and digests in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from agent.faces.desk import say


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that completes trueup's commands.

    \b
    bash  eval "$(trueup completion bash)"      in ~/.bashrc
    zsh   eval "$(trueup completion zsh)"       in ~/.zshrc
    fish  trueup completion fish | source       in ~/.config/fish/config.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"There is no completion for {shell}; use bash, zsh or fish.")
    say(found(context.find_root().command, {}, "trueup", "_TRUEUP_COMPLETE").source())
