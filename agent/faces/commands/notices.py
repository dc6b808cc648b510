"""Whether people would be told."""

from __future__ import annotations

import click

from agent.faces import options
from agent.faces.desk import Desk, desk

_WAYS = click.Choice(["mail", "chat", "heartbeat"])


@click.group()
@options.common
def command() -> None:
    """Try the ways in which Trueup tells people what they have not asked for."""


@command.command(epilog=options.examples("trueup notices test", "trueup notices test mail"))
@options.common
@options.as_json
@click.argument("ways", metavar="[mail|chat|heartbeat]...", nargs=-1, type=_WAYS)
@desk
@click.pass_context
def test(context: click.Context, desk: Desk, ways: tuple[str, ...], as_json: bool) -> None:
    """Send a test by every way that agent.toml configures, or by those that are named.

    Each line says ok or fail, with a remedy. A heartbeat looks like that of a good cycle. Exit status 1 if something
    did not get through, or if nothing is configured.
    """
    from agent.faces.grading import tell
    from agent.faces.trying import WAYS, tried

    desk.log()
    context.exit(tell(tried(desk.settings, desk.clock, ways or WAYS), as_json))
