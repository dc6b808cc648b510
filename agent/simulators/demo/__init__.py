"""`trueup demo`: the real commands and the real daemon against an invented MSP, told as a story.

What is claimed is checked in the simulators, so that the demonstration fails where Trueup does.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import FrameType

from agent.simulators.companies import MSP
from agent.simulators.demo import keeping_right, putting_right
from agent.simulators.demo.invitation import invite
from agent.simulators.demo.scene import Scene
from agent.simulators.demo.stage import Stage
from agent.simulators.demo.trueup import Trouble, Trueup, free_port
from agent.simulators.world import World

STORY = (
    putting_right.introduce,
    putting_right.check,
    putting_right.plan,
    putting_right.apply,
    keeping_right.hire,
    keeping_right.mismatches,
    keeping_right.explain,
    keeping_right.lose_an_answer,
    keeping_right.rest,
)
INTERRUPTED = 130  # as a shell reports a Ctrl-C


def run(once: bool) -> int:
    """Tell the story, then stay up until Ctrl-C, or with `once` end. Exit status: 0 if all that was claimed holds."""
    signal.signal(signal.SIGTERM, _interrupt)
    stage, folder = Stage(), Path(tempfile.mkdtemp(prefix="trueup-demo-"))
    began, told = time.monotonic(), False
    stage.title(
        "Trueup keeps the agreements in your PSA true to the licences that tenants really hold",
        "Microsoft and ConnectWise PSA are simulated on this machine. All the rest is real.",
    )
    world = World.build(datetime.now(UTC))
    listen = f"127.0.0.1:{free_port()}"
    with world.serve() as served:
        trueup = Trueup(world.write_configuration(folder, served, listen), listen, stage.width - 5)
        try:
            tell(Scene(stage, world, trueup))
            _conclude(stage, time.monotonic() - began)
            told = True
            if not once and not stage.failed:
                stage.gap()
                stage.title("Everything stays up until Ctrl-C", "Nothing of it reaches another machine.")
                invite(stage, trueup.config, served, f"{trueup.url}, with the token in {trueup.token_file}")
                Event().wait()
        except KeyboardInterrupt:
            stage.says("Ending.")
        finally:
            status = trueup.stop()
    if status:
        stage.fact(False, f"The daemon ended with status {status}")
    _clear_up(stage, folder)
    return 1 if stage.failed else 0 if told else INTERRUPTED


def simulate(folder: Path, microsoft_port: int, connectwise_port: int, listen: str) -> int:
    """Serve the world until Ctrl-C (0 takes a free port), with a configuration for it in `folder`."""
    signal.signal(signal.SIGTERM, _interrupt)
    stage, world = Stage(), World.build(datetime.now(UTC))
    with world.serve(microsoft_port, connectwise_port) as served:
        config = world.write_configuration(folder.absolute(), served, listen)
        stage.title(f"{MSP} is up until Ctrl-C", "It is invented, and nothing of it reaches another machine.")
        invite(stage, config, served, f"http://{listen}, once you start it: trueup run")
        try:
            Event().wait()
        except KeyboardInterrupt:
            stage.says("Ending.")
    return 0


def tell(scene: Scene) -> None:
    """All steps; the first one in which Trueup leaves the path ends the story."""
    for step in STORY:
        try:
            step(scene)
        except Trouble as trouble:
            scene.stage.fact(False, str(trouble))
            return


def _conclude(stage: Stage, seconds: float) -> None:
    stage.gap()
    if stage.failed:
        stage.title(f"{len(stage.failed)} of {stage.facts} facts did not hold.", "See ✗ above.")
    else:
        stage.title(
            f"All {stage.facts} facts held, in {seconds:.0f} s.", "What they say of the PSA was looked up there."
        )


def _clear_up(stage: Stage, folder: Path) -> None:
    """What would explain a failure is kept."""
    if stage.failed:
        stage.says(f"Everything is left in {folder}; what the daemon said is in daemon.log there.")
    else:
        shutil.rmtree(folder)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
