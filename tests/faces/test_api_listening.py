"""Where the interface listens, and the token that opens it."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.credentials import SecretUnreadable
from agent.faces.api import CannotListen
from agent.faces.api.server import listener_on, token_digest
from agent.setting_types import TcpAddress, UnixSocket
from agent.settings import Settings, load
from tests.faces.daemon import QUICK, assembled, received, serving

MINIMAL = Path(__file__).parents[1] / "settings" / "minimal.toml"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Their state folder is empty."""
    (tmp_path / "state").mkdir(mode=0o700)
    file = tmp_path / "agent.toml"
    file.write_text(MINIMAL.read_text().replace("[agent]", '[agent]\nstate = "state"', 1))
    return load(file)


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A socket's path holds 107 characters, fewer than a test's own folder may take."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tu") as folder:
        yield Path(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_token_is_made_once(settings: Settings) -> None:
    """256 random bits, for the owner's eyes only, and the same at the next start."""
    file = settings.agent.state / "api-token"
    first = token_digest(settings)
    token = file.read_text().strip()

    assert token_digest(settings) == first
    assert len(token) == 43  # 256 bits, 6 a character
    assert mode(file) == 0o600
    assert os.listdir(settings.agent.state) == ["api-token"]


def test_many_starts_agree_on_one_token(settings: Settings) -> None:
    """Two that start together do not each believe in a token of their own."""
    start, digests = threading.Barrier(8), []

    def begin() -> None:
        start.wait()
        digests.append(token_digest(settings))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(digests) == 8
    assert len(set(digests)) == 1


@pytest.mark.parametrize("text", ["", "short", "x" * 31, "a token with spaces in it, long enough", "é" * 40])
def test_poor_token_is_refused(settings: Settings, text: str) -> None:
    """What can be guessed, or not be sent in a header, opens nothing; the message does not show it."""
    file = settings.agent.state / "api-token"
    file.write_text(text)
    file.chmod(0o600)

    with pytest.raises((CannotListen, SecretUnreadable)) as refusal:
        token_digest(settings)
    assert refusal.value.remedy
    assert len(text) < 5 or text not in str(refusal.value)


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o660, 0o666])
def test_token_that_others_can_read_is_refused(settings: Settings, open_mode: int) -> None:
    """It is no secret any more; changing the mode would only hide that."""
    token_digest(settings)
    (settings.agent.state / "api-token").chmod(open_mode)

    with pytest.raises(SecretUnreadable):
        token_digest(settings)


def test_token_elsewhere_is_not_made(settings: Settings, tmp_path: Path) -> None:
    """A slip in api.token-file must not scatter secrets."""
    file = tmp_path / "agent.toml"
    file.write_text(f'{file.read_text()}\n[api]\ntoken-file = "elsewhere/token"\n')

    with pytest.raises(SecretUnreadable):
        token_digest(load(file))
    assert not (tmp_path / "elsewhere").exists()


def test_link_in_place_of_the_token_is_refused(settings: Settings, tmp_path: Path) -> None:
    """Also one that leads nowhere yet, through which the token would be written to another place."""
    (settings.agent.state / "api-token").symlink_to(tmp_path / "nowhere")

    with pytest.raises(SecretUnreadable):
        token_digest(settings)
    assert not (tmp_path / "nowhere").exists()


def test_taken_port_is_said_plainly() -> None:
    """Where, what, and what to do about it."""
    with closing(listener_on(TcpAddress("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1:{port} cannot be used: Address already in use"):
            listener_on(TcpAddress("127.0.0.1", port))


def test_answers_leave_at_once() -> None:
    """An answer goes out in two pieces; the second must not wait for the first to be acknowledged."""
    with closing(listener_on(TcpAddress("127.0.0.1", 0))) as listener, socket.socket() as caller:
        caller.connect(listener.getsockname())
        listener.setblocking(True)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_socket_is_for_owner_and_group(short_folder: Path) -> None:
    """0660 in a folder that is closed to others."""
    path = short_folder / "run" / "api.sock"
    with closing(listener_on(UnixSocket(path))):
        assert mode(path) == 0o660
        assert mode(path.parent) == 0o700


@pytest.mark.parametrize("open_mode", [0o755, 0o701, 0o770, 0o777])
def test_open_folder_is_refused(short_folder: Path, open_mode: int) -> None:
    """Others could reach the socket, or put their own in its place."""
    short_folder.chmod(open_mode)

    with pytest.raises(CannotListen, match="is open to others"):
        listener_on(UnixSocket(short_folder / "api.sock"))


def test_socket_of_a_killed_daemon_is_replaced(short_folder: Path) -> None:
    """It stays behind, and nobody listens on it."""
    path = short_folder / "api.sock"
    listener_on(UnixSocket(path)).close()

    with closing(listener_on(UnixSocket(path))) as listener:
        assert listener.getsockname() == str(path)


def test_socket_of_a_living_daemon_stays(short_folder: Path) -> None:
    """A second Trueup must not take the first one's callers away."""
    path = short_folder / "api.sock"
    with closing(listener_on(UnixSocket(path))), pytest.raises(CannotListen, match="another program listens"):
        listener_on(UnixSocket(path))


def test_file_in_place_of_the_socket_stays(short_folder: Path) -> None:
    """Only sockets are ever removed."""
    path = short_folder / "api.sock"
    path.write_text("precious")

    with pytest.raises(CannotListen, match="is no socket"):
        listener_on(UnixSocket(path))
    assert path.read_text() == "precious"


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("127.0.0.1:8365", 421), ("", 421)])
def test_daemon_answers_on_a_socket(tmp_path: Path, short_folder: Path, host: str, status: int) -> None:
    """The same rules as on TCP, under the one name that callers of sockets send; it is gone after the stop."""
    path = short_folder / "api.sock"
    with assembled(tmp_path, f"unix:{path}") as (engine, service), serving(engine, service, QUICK) as server:
        token = engine.settings.api_token.read().reveal()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(path))
            connection.sendall(
                f"GET /status HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
            )
            answer = received(connection)
        assert server.url == f"unix:{path}"

    assert answer is not None
    assert answer.status == status
    assert not path.exists()
