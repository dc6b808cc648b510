"""See Trueup at work against simulated services."""

from __future__ import annotations

import click

from agent.faces import options


@click.command()
@options.common
@click.option("--once", is_flag=True, help="End after the story instead of staying up until Ctrl-C.")
def command(once: bool) -> None:
    """Tell the story of an invented MSP: plan, approve, write, change licences, sync now, explain.

    Needs no configuration and reaches no other machine.
    """
    from agent.simulators.demo import run

    run(once)
