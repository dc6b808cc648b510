"""Serve the simulated services."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event

import click

from agent.faces import options
from agent.faces.desk import Desk, desk, say


@click.command()
@options.common
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Write a configuration for them there."
)
@click.option("--microsoft-port", type=click.IntRange(0, 65_535), default=0, help="Default: a free one.")
@click.option("--connectwise-port", type=click.IntRange(0, 65_535), default=0, help="Default: a free one.")
@click.option("--listen", default="127.0.0.1:8365", show_default=True, help="api.listen of the written configuration.")
@desk
def command(desk: Desk, folder: Path | None, microsoft_port: int, connectwise_port: int, listen: str) -> None:
    """Serve an invented MSP's Microsoft and ConnectWise on this machine until Ctrl-C.

    With --folder also agent.toml, secrets and mapping files to try every command with.
    """
    from agent.simulators.world import World

    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    world = World.build(desk.clock.now())
    with world.serve(microsoft_port, connectwise_port) as served:
        say(f"Microsoft    {served.microsoft.url}")
        say(f"ConnectWise  {served.connectwise.url}")
        if folder is not None:
            config = world.write_configuration(folder, served, listen)
            say(f"\nTry:  trueup plan --config {config}")
        say("Ctrl-C ends it.")
        stop.wait()
