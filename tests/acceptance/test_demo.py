"""`trueup demo` as a newcomer runs it."""

import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.simulators.demo import INTERRUPTED, STORY, tell
from agent.simulators.demo.scene import Scene
from agent.simulators.demo.stage import Stage
from agent.simulators.demo.trueup import Trueup
from agent.simulators.world import World

DEMO = [sys.executable, "-m", "agent", "demo"]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def processes_with(word: str) -> list[str]:
    """Command lines and environments of whoever still runs with the word in them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += [process.name] if word.encode() in (process / "environ").read_bytes() else []
        except OSError:
            continue  # ended meanwhile, or somebody else's
    return found


def test_demo_tells_its_story(tmp_path: Path) -> None:
    """All that it claims holds, it says so and ends with 0; no file and no process is left behind."""
    done = subprocess.run([*DEMO, "--once"], env=environment(tmp_path), capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^(\d)  \w", done.stdout, re.M) == [str(number + 1) for number in range(len(STORY))]
    assert re.search(r"^All \d\d facts held", done.stdout, re.M)
    assert "NOT SO" not in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
    assert processes_with(str(tmp_path)) == []


def test_interrupted_demo_leaves_nothing_running(tmp_path: Path) -> None:
    """Ended in mid-story, once its daemon is up, it takes daemon and folder with it."""
    with subprocess.Popen(DEMO, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        for line in demo.stdout:
            if line.startswith("   $ trueup approve"):
                break
        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()

    assert demo.returncode == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
    assert processes_with(str(tmp_path)) == []


def test_demo_admits_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where Trueup does not do what is claimed, the story ends there, says what happened and counts as failed."""
    stage, world = Stage(), World.build(datetime.now(UTC))
    with world.serve() as served:
        config = world.write_configuration(tmp_path, served, "127.0.0.1:9")
        config.write_text(config.read_text().replace('mode     = "review"', 'mode     = "revue"'))
        tell(Scene(stage, world, Trueup(config, "127.0.0.1:9", width=100)))
    said = capsys.readouterr().out

    assert len(stage.failed) == 2
    assert "✗ NOT SO" in said
    assert "agent.mode" in stage.failed[-1]
    assert "Approve" not in said
