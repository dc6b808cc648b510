"""A first configuration, question by question."""

from __future__ import annotations

import sys

import click

from agent.errors import TrueupError
from agent.faces import options
from agent.faces.desk import Desk, desk


@click.command()
@options.common
@click.option(
    "--set", "given", multiple=True, metavar="KEY=VALUE", help="Answer a question, or give any other setting."
)
@click.option("--non-interactive", is_flag=True, help="Ask nothing: --set gives every answer.")
@desk
def command(desk: Desk, given: tuple[str, ...], non_interactive: bool) -> None:
    """Write agent.toml, the files of its secrets and a folder of mapping files to start from.

    Without --config and $TRUEUP_CONFIG: in the present folder. What is there already is never overwritten. A new
    installation is in mode "report": it writes nothing to the PSA.

    \b
    Secrets go into files of mode 0600 that agent.toml refers to: in credentials/ beside it, where that folder
    exists (the systemd service), else in secrets/. Without questions, give references:
      --set psa.connectwise.private-key=env:PSA_KEY
    """
    from agent.faces.first_steps import write_first

    if not non_interactive and not sys.stdin.isatty():
        raise TrueupError("init asks questions, and nobody is at the keyboard", "Use --non-interactive with --set")
    write_first(desk, given, ask=not non_interactive)
