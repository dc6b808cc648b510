"""The daemon in a process of its own: what it takes, what it says, how it ends."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from agent.faces import api
from agent.faces import daemon as daemon_face
from agent.faces.daemon import Asked
from agent.faces.desk import Desk
from agent.simulators.world import World
from tests.faces.daemon import assembled, wait_for
from tests.faces.shell import MAIN, Said, environment, process


@dataclass
class Running:
    """`trueup run`, its log in a file, and its words for systemd on a socket."""

    config: Path
    process: subprocess.Popen[bytes]
    log: Path
    to_systemd: list[str]

    def events(self, name: str = "") -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [event for event in found if name in ("", event["event"])]

    def wait_for_event(self, name: str, times: int = 1) -> dict[str, Any]:
        wait_for(lambda: len(self.events(name)) >= times or self.process.poll() is not None)
        return self.events(name)[times - 1]

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        return self.process.wait(30)

    def command(self, *words: str) -> Said:
        return process(*words, "--config", str(self.config))


def listen(notified: socket.socket, heard: list[str]) -> None:
    """As systemd does: a few words that nobody takes would block who says more."""
    while words := notified.recv(4096):
        heard.append(words.decode())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def run(folder: Path) -> Iterator[Running]:
    """A daemon over the simulated MSP after its first cycle; killed at the end if it still runs."""
    world = World.build(datetime.now(UTC))
    with world.serve() as served, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        config = world.write_configuration(folder, served, f"127.0.0.1:{free_port()}")
        notified.bind(str(folder / "notify"))
        heard: list[str] = []
        Thread(target=listen, args=(notified, heard), daemon=True).start()
        log = folder / "log"
        with log.open("wb") as stdout:
            command = [sys.executable, "-c", MAIN, "run", "--config", str(config)]
            env = environment(NOTIFY_SOCKET=str(folder / "notify"))
            started = subprocess.Popen(command, env=env, stdout=stdout, stdin=subprocess.DEVNULL, stderr=stdout)
        running = Running(config, started, log, heard)
        try:
            running.wait_for_event("run.ended")
            yield running
        finally:
            started.kill()
            started.wait(30)
            notified.shutdown(socket.SHUT_RD)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with run(tmp_path_factory.mktemp("run")) as running:
        yield running


def test_every_line_of_the_log_is_an_event(daemon: Running) -> None:
    """JSON from the first line on, in the order of a start."""
    names = [event["event"] for event in daemon.events()]
    assert names.index("api.listening") < names.index("run.started") < names.index("run.ended")
    assert "service.started" in names


def test_only_one_agent_writes(daemon: Running) -> None:
    """A second daemon on the same store ends at once, and says who holds it."""
    said = daemon.command("run")
    assert said.status == 1
    assert f"process {daemon.process.pid}" in said.err
    assert "Traceback" not in said.err


def test_status_sees_the_daemon(daemon: Running) -> None:
    """By the lock that it holds."""
    assert json.loads(daemon.command("status", "--json").out)["daemon"].startswith(f"process {daemon.process.pid} ")


def test_sync_is_done_by_the_daemon(daemon: Running) -> None:
    """The command presses *sync now* and follows the run; the daemon's log has it."""
    said = daemon.command("sync", "kestrel", "--json")
    assert said.status == 0, said.err
    values = json.loads(said.out)
    assert (values["reason"], values["companies"], values["state"]) == ("sync now", [211], "done")
    assert values["id"] in [event["run"] for event in daemon.events("run.ended")]


def test_approval_beside_the_daemon(daemon: Running) -> None:
    """Decided in the store, written by the daemon, and told when the next cycle is."""
    [hold] = [hold for hold in json.loads(daemon.command("holds", "--json").out) if hold["company"] == 203]
    assert "in the next cycle, at 20" in daemon.command("approve", hold["digest"]).out
    said = daemon.command("sync", "corvane")
    assert said.status == 0, said.err
    assert "POST addition 3 x M365-E3-Y" in said.out


def test_hangup_reads_everything_again(daemon: Running) -> None:
    """Mapping files; then a wrong agent.toml, which is logged and changes nothing; then another one, which counts."""
    good = daemon.config.read_text()
    daemon.tell(signal.SIGHUP)
    assert daemon.wait_for_event("mappings.reloaded")["companies"] == 12
    daemon.config.write_text(good.replace('"1h"', '"often"'))
    daemon.tell(signal.SIGHUP)
    assert "schedule.every" in daemon.wait_for_event("settings.invalid")["problems"][0]
    daemon.config.write_text(good.replace('"1h"', '"30m"'))
    daemon.tell(signal.SIGHUP)
    daemon.wait_for_event("settings.changed")
    daemon.wait_for_event("service.started", times=2)
    assert daemon.command("sync", "kestrel").status == 0
    said = " ".join(daemon.to_systemd)
    assert "RELOADING=1" in said
    assert "STOPPING=1" not in said


def test_sigterm_ends_well(tmp_path: Path) -> None:
    """Status 0, the last event says that all ended in time, and systemd hears of both ends."""
    with run(tmp_path) as running:
        running.tell(signal.SIGTERM)
        assert running.end() == 0
        assert running.events("service.stopped")[-1]["clean"] is True
        assert any(words.startswith("READY=1\nSTATUS=12 companies") for words in running.to_systemd)
        assert running.to_systemd[-1] == "STOPPING=1"


def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    """The first asks politely; the second does not wait, and the exit status says which it was."""
    with run(tmp_path) as running:
        running.tell(signal.SIGSTOP)
        running.tell(signal.SIGTERM)
        running.tell(signal.SIGINT)
        before = time.monotonic()
        running.tell(signal.SIGCONT)
        assert running.end() in (128 + signal.SIGINT, 128 + signal.SIGTERM)
        assert time.monotonic() - before < 20


def test_daemon_without_its_interface_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event loop that is gone can be told nothing any more: the process ends unclean, for systemd to start it."""
    opened: list[api.Server] = []
    served = api.serve
    monkeypatch.setattr(api, "serve", lambda *given: opened.append(served(*given)) or opened[-1])
    monkeypatch.setattr(daemon_face, "_LOOK", 0.05)
    with assembled(tmp_path) as (engine, _), engine.store.writer(), ThreadPoolExecutor(1) as beside:
        ended = beside.submit(daemon_face._serve, Desk(engine.settings.agent.state / "agent.toml"), engine, Asked())
        wait_for(lambda: bool(opened) and opened[0].alive)
        opened[0].stop()

        assert ended.result(30) == (None, False)
        opened[0]._service.stop(30)


def test_broken_mapping_files_at_the_start(tmp_path: Path) -> None:
    """There is nothing good to go on with: every problem, and status 1."""
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        config = world.write_configuration(tmp_path, served, f"127.0.0.1:{free_port()}")
        (tmp_path / "mappings" / "profiles.toml").write_text("[broken]\n")
        said = process("run", "--config", str(config))
    assert said.status == 1
    assert said.err.count("profiles.toml:1") == 1
    assert "profiles.toml" not in said.out  # nothing has started that would say it again
    assert "Traceback" not in said.err


def test_occupied_address(tmp_path: Path) -> None:
    """Another program on api.listen is named as the reason."""
    world = World.build(datetime.now(UTC))
    with world.serve() as served, socket.create_server(("127.0.0.1", 0)) as taken:
        config = world.write_configuration(tmp_path, served, f"127.0.0.1:{taken.getsockname()[1]}")
        said = process("run", "--config", str(config))
    assert said.status == 1
    assert "api.listen" in said.err
