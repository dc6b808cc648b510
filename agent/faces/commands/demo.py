"""See Trueup at work against simulated services."""

from __future__ import annotations

import click

from agent.faces import options


@click.command()
@options.common
@click.option("--once", is_flag=True, help="End after the story instead of staying up until Ctrl-C.")
@click.pass_context
def command(context: click.Context, once: bool) -> None:
    """Tell the story of an invented MSP: plan, approve, write, change licences, sync now, explain.

    Needs no configuration and reaches no other machine. Exit status 1 if anything it claims does not hold.
    """
    from agent.simulators.demo import run

    context.exit(run(once))
