"""`trueup notices test`: each way is tried, and a person sees which gets through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from agent.simulators.world import World
from tests.faces.shell import Said, here
from tests.notices.post import PostOffice, open_office


class _Monitor(BaseHTTPRequestHandler):
    """Knows one path, and counts how often it was asked for."""

    server: HTTPServer

    def do_GET(self) -> None:
        known = self.path == "/ping/canary"
        self.server.asked += known  # type: ignore[attr-defined]
        self.send_response(200 if known else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@contextmanager
def monitor() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Monitor)
    server.asked = 0  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        return world.write_configuration(tmp_path_factory.mktemp("msp"), served, "127.0.0.1:1")


class Notified:
    """A configuration with a mail server and a heartbeat at the address that the file holds."""

    def __init__(self, config: Path, office: PostOffice, beat: str) -> None:
        self.config = config.with_name("notified.toml")
        secret = config.with_name("heartbeat")
        secret.write_text(beat)
        secret.chmod(0o600)
        mail = f'[notify.mail]\nhost = "127.0.0.1"\nport = {office.port}\nsecurity = "none"\n'
        mail += 'sender = "trueup@msp.example"\nto = ["anna@msp.example", "ben@msp.example"]\n'
        notify = f'[notify]\nheartbeat = "file:{secret}"\n'
        self.config.write_text(f"{config.read_text()}\n{notify}\n{mail}")

    def __call__(self, *words: str) -> Said:
        return here("--config", str(self.config), "notices", "test", *words)


def test_every_way_is_tried(config: Path) -> None:
    """One mail for both people, one heartbeat; nothing of it stands in the store."""
    with open_office(PostOffice()) as office, monitor() as server:
        said = Notified(config, office, f"http://127.0.0.1:{server.server_port}/ping/canary")()
        [message] = office.mail

    assert said.status == 0
    assert "ok    mail         127.0.0.1 took it for anna@msp.example, ben@msp.example" in said.out
    assert "ok    heartbeat" in said.out
    assert "2 checks: no fault" in said.out
    assert message["Subject"] == "Trueup: Test"
    assert server.asked == 1  # type: ignore[attr-defined]


def test_what_does_not_get_through_is_told_beside_what_does(config: Path) -> None:
    """The server refuses one person, and the monitor does not know the address; neither answer quotes a secret."""
    office = PostOffice(refuses={"ben@msp.example": "550 nobody", "TO:<ben@msp.example>": "550 nobody"})
    with open_office(office), monitor() as server:
        notified = Notified(config, office, f"http://127.0.0.1:{server.server_port}/ping/secret")
        said, told = notified(), notified("heartbeat", "--json").json()

    assert said.status == 1
    assert "fail  heartbeat    127.0.0.1 answered the heartbeat with 404" in said.out
    assert "secret" not in said.out.replace("the secret of notify.heartbeat", "")
    assert [(one["what"], one["grade"]) for one in told] == [("heartbeat", "fail")]
    assert "Check what the secret of notify.heartbeat holds" in told[0]["remedy"]


def test_nothing_configured_is_a_fault(config: Path) -> None:
    """Somebody who tries it believes that there is something."""
    said = here("--config", str(config), "notices", "test", "mail", "chat")

    assert said.status == 1
    assert "agent.toml configures no mail and no chat" in " ".join(said.out.split())
