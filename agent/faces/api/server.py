"""The interface in a thread of its own: its token, its socket, its event loop."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from agent.engine.assembly import Engine
from agent.engine.service import Service
from agent.errors import TrueupError
from agent.faces.api.app import application
from agent.faces.api.door import Connection, Door
from agent.faces.api.guard import Guard, Limits
from agent.faces.api.problems import SECURITY_HEADERS
from agent.setting_types import TcpAddress, UnixSocket
from agent.settings import Settings

log = structlog.get_logger()

_TOKEN_BYTES = 32
_SHORTEST_TOKEN = 32  # characters: 128 bits even where they are hexadecimal digits
_QUEUE = 1024  # connections that the kernel keeps for us
_HEAD_LIMIT = 16 * 1024
_KEEP_ALIVE = 5
_LAST_ANSWERS = 3  # seconds for what is being answered when the daemon stops
_START = 10


class CannotListen(TrueupError):
    """The interface cannot be opened where api.listen says, or has no token that it could trust."""


class Server:
    """The local HTTP interface of a running service. `url` is known once it has started."""

    def __init__(self, settings: Settings, service: Service, limits: Limits) -> None:
        self._settings, self._service, self._limits = settings, service, limits
        self._uvicorn: _Uvicorn | None = None
        self._thread: Thread | None = None
        self.url = ""

    def start(self) -> None:
        """Listen and answer; raises `CannotListen`, or `SecretUnreadable` for the token."""
        token = token_digest(self._settings)
        listen = self._settings.api.listen
        listener = listener_on(listen)
        self.url = f"http://{_address(listener)}" if isinstance(listen, TcpAddress) else str(listen)
        hosts = {*hosts_of(listener), *self._settings.api.hosts}
        app = application(self._service, self._settings)
        self._uvicorn = _Uvicorn(Guard(app, hosts, token, self._limits), listener, self._limits)
        self._thread = Thread(target=self._uvicorn.run, name="api", daemon=True)
        self._thread.start()
        if not self._uvicorn.ready.wait(_START):
            raise CannotListen("the local HTTP interface did not start", "see the log for the reason")
        log.info("api.listening", url=self.url)

    def stop(self) -> None:
        """Answer what is being asked, and take nothing new."""
        if self._uvicorn is None or self._thread is None:
            return
        self._uvicorn.should_exit = True
        self._thread.join(_LAST_ANSWERS + 2)
        listen = self._settings.api.listen
        if isinstance(listen, UnixSocket):
            listen.path.unlink(missing_ok=True)

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


class _Uvicorn(uvicorn.Server):
    """uvicorn, with our door in place of its own listener."""

    def __init__(self, app: ASGIApp, listener: socket.socket, limits: Limits) -> None:
        # By name: "auto" takes another loop and another parser where they happen to be installed, and what is refused
        # as no HTTP was tried with h11.
        config = uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # its warnings tell of bad requests, of which anybody can send as many as they like
            access_log=False,
            proxy_headers=False,
            server_header=False,
            headers=list(SECURITY_HEADERS.items()),
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_LAST_ANSWERS,
            h11_max_incomplete_event_size=_HEAD_LIMIT,
        )
        super().__init__(config)
        self._listener, self._limits = listener, limits
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # Without a list uvicorn would bind an address of its own.
        await super().startup(sockets=[])
        self._door = Door(self._listener, self._limits, self._connection)
        self._door.open()
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._door.close()
        await super().shutdown(sockets=[])

    def _connection(self, door: Door) -> Connection:
        return Connection(door, self._limits, self.config, self.server_state)


def token_digest(settings: Settings) -> bytes:
    """SHA-256 of the bearer token; the token is made first where its file would lie in the state folder."""
    reference = settings.api_token
    path = Path(reference.name)
    if reference.kind == "file" and path.is_relative_to(settings.agent.state) and not os.path.lexists(path):
        _make_token(path)
    token = reference.read().reveal()
    # Also of a token that a person wrote: it stands between any user of this machine and the invoices.
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        what = f"the token in {reference} is no secret: it has fewer than {_SHORTEST_TOKEN} characters, or odd ones"
        raise CannotListen(what, "remove the file, and Trueup makes a good one; or write one: openssl rand -hex 32")
    return hashlib.sha256(token.encode()).digest()


def _make_token(path: Path) -> None:
    """Whole or not at all: linked under its name only when it is on the disk; an older one always wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(f"{secrets.token_urlsafe(_TOKEN_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError as error:
        remedy = "make the state folder writable for the user that runs Trueup"
        raise CannotListen(f"the token {path} cannot be made: {error.strerror}", remedy) from error
    finally:
        draft.unlink(missing_ok=True)


def listener_on(listen: TcpAddress | UnixSocket) -> socket.socket:
    """A listening socket, or CannotListen."""
    try:
        return _listening(*_place(listen))
    except OSError as error:
        remedy = "stop what listens there, or choose another api.listen"
        raise CannotListen(f"api.listen = {listen} cannot be used: {error.strerror or error}", remedy) from error


def _place(listen: TcpAddress | UnixSocket) -> tuple[socket.AddressFamily, Any]:
    if isinstance(listen, TcpAddress):
        family, *_, where = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM)[0]
        return family, where
    _close_folder(listen.path)
    _clear(listen.path)
    return socket.AF_UNIX, str(listen.path)


def _listening(family: socket.AddressFamily, where: Any) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family != socket.AF_UNIX:
            # Head and body of an answer leave one after the other: without this the body waits 40 ms for the head's
            # acknowledgement. Connections inherit it; asyncio sets it only where the socket names its protocol.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.bind(where)
        if family == socket.AF_UNIX:
            # The folder is closed and nobody listens yet, so the mode before this line let nobody in.
            os.chmod(where, 0o660)
        made.listen(_QUEUE)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _close_folder(path: Path) -> None:
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & 0o027:
        what = f"the folder {folder} of the socket is open to others, or its group may change it"
        raise CannotListen(what, f"run: chmod 750 {folder}")


def _clear(path: Path) -> None:
    """Remove the socket that a killed daemon left behind, and nothing else."""
    if not os.path.lexists(path):
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise CannotListen(f"{path} is there already, and is no socket", "choose another path for api.listen")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise CannotListen(f"another program listens on {path}", "stop it first; is a second Trueup running?")


def hosts_of(listener: socket.socket) -> Iterator[str]:
    """What the Host header may say: this machine's own names with exactly our port."""
    if listener.family == socket.AF_UNIX:
        yield "localhost"
        return
    port = listener.getsockname()[1]
    names = {"127.0.0.1", "localhost", "[::1]", _address(listener).rpartition(":")[0]}
    yield from (f"{name}:{port}" for name in names)
    if port == 80:  # which callers leave out
        yield from names


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return str(TcpAddress(host, port))


def serve(engine: Engine, service: Service, limits: Limits | None = None) -> Server:
    """The interface of the engine's service; `start` opens it."""
    return Server(engine.settings, service, limits or Limits())
