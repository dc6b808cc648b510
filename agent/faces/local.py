"""Talking to the daemon over its local HTTP interface, TCP or socket. Only the standard library: it starts fast."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from agent.errors import TrueupError
from agent.setting_types import TcpAddress, UnixSocket
from agent.settings import Settings

_PATIENCE = 5  # seconds that the daemon may keep us waiting where it is asked to
_TIMEOUT = 10  # seconds; apart from that it answers in milliseconds, whatever it is doing


class DaemonSilent(TrueupError):
    """The daemon holds the writer's lock but does not answer, or answers no."""


class Local:
    def __init__(self, settings: Settings) -> None:
        self._address = settings.api.listen
        self._token = settings.api_token.read()

    def sync(self, companies: Sequence[int] | None, dry: bool = False) -> str:
        """Press *sync now* for these companies (None: all); the id of the run that will do it."""
        wanted = {"companies": list(companies)} if companies is not None else {}
        return str(self._ask("POST", "/sync", {**wanted, "dry": dry})["run"])

    def run(self, run: str) -> Mapping[str, Any]:
        """As it is when it ends, or after some seconds."""
        return self._ask("GET", f"/runs/{run}?wait={_PATIENCE}")

    def status(self) -> Mapping[str, Any]:
        return self._ask("GET", "/status")

    def _ask(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token.reveal()}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        connection = _connection(self._address)
        try:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            what = f"The daemon does not answer on {self._address}: {error}"
            raise DaemonSilent(what, "See what it says: journalctl -u trueup") from error
        finally:
            connection.close()
        return _understood(answer.status, text, self._address)


def _understood(status: int, text: str, address: object) -> Mapping[str, Any]:
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if status < 300 and isinstance(values, dict):
        return values
    match values:
        case {"error": {"what": str(what), "remedy": str(remedy)}}:
            raise DaemonSilent(f"The daemon on {address} refused: {what}", remedy)
    raise DaemonSilent(f"What answers on {address} is no Trueup daemon (status {status})", "Correct api.listen")


def _connection(address: TcpAddress | UnixSocket) -> http.client.HTTPConnection:
    if isinstance(address, TcpAddress):
        return http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT)
    return _SocketConnection(str(address.path))


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)
