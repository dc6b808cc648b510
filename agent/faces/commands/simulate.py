"""Serve the simulated services."""

from __future__ import annotations

from pathlib import Path

import click

from agent.faces import options


@click.command()
@options.common
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-state",
    show_default=True,
    help="Write a configuration for them there.",
)
@click.option("--microsoft-port", type=click.IntRange(0, 65_535), default=0, help="Default: a free one.")
@click.option("--connectwise-port", type=click.IntRange(0, 65_535), default=0, help="Default: a free one.")
@click.option("--listen", default="127.0.0.1:8365", show_default=True, help="api.listen of the written configuration.")
@click.pass_context
def command(context: click.Context, folder: Path, microsoft_port: int, connectwise_port: int, listen: str) -> None:
    """Serve an invented MSP's Microsoft and ConnectWise on this machine until Ctrl-C.

    Writes agent.toml, secrets and mapping files to try every command with, and says how.
    """
    from agent.simulators.demo import simulate

    context.exit(simulate(folder, microsoft_port, connectwise_port, listen))
