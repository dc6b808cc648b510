"""Chats by apprise, tried with its plainest service: a webhook that takes JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from agent.errors import NotDelivered
from agent.notices import Chat
from agent.notices.chat import harmless
from agent.ports import Notice

# apprise asks it for the kind of a picture, of which a notice has none; Python 3.13 is without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NEWS = Notice("2 open mismatches", "Contoso (250)\n  <b>@everyone</b> & more\n", False)


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.took.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Hooks(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.took: list[tuple[str, dict[str, str]]] = []
        self.status = 200


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks() as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_notice_is_posted(hooks: Hooks) -> None:
    """Title and text as they are, save for what would ring every phone."""
    Chat(1, lambda: f"json://127.0.0.1:{hooks.server_port}/canary-token").send(NEWS)

    [(path, posted)] = hooks.took
    assert path == "/canary-token"
    assert posted["title"] == "Trueup: 2 open mismatches"
    assert posted["message"].splitlines()[0] == "Contoso (250)"
    assert "@everyone" not in posted["message"]


@pytest.mark.parametrize(
    "address", ["json://127.0.0.1:{port}/canary", "nonsense://canary", "", "json://127.0.0.1:9/canary"]
)
def test_trouble_is_one_sentence_without_the_address(
    hooks: Hooks, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Refused, no address, nobody there: the address is the token, and stays unsaid."""
    hooks.status = 403
    with pytest.raises(NotDelivered, match="number 2") as caught:
        Chat(2, lambda: address.format(port=hooks.server_port)).send(NEWS)

    assert caught.value.remedy
    assert "canary" not in "".join([str(caught.value), *capfd.readouterr()])


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is optional."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NotDelivered, match="needs the extra") as caught:
        Chat(1, lambda: "json://127.0.0.1/x").send(NEWS)
    assert "trueup-agent[chat]" in caught.value.remedy


@pytest.mark.parametrize("name", ["@everyone", "@here", "<!channel>", "<@U123>", "@Channel", "<#C1>"])
def test_names_call_nobody(name: str) -> None:
    """A tenant chooses its own name."""
    assert name not in harmless(f"tenant {name} Ltd")
    assert harmless("anna@contoso.com holds 3 < 4 seats") == "anna@contoso.com holds 3 < 4 seats"
