"""A private PostgreSQL for the tests: `postgres_url` is a fresh, empty database for one test.

The cluster lives in a temporary folder, listens on loopback at a free port with a random password, and
belongs to the test process: when that process ends, by whatever death, the server stops and its folder goes.
"""

import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.optional import missing

# The shell waits for the end of its standard input, whose other end only the test process holds. Background
# jobs of a shell start with SIGINT ignored, but PostgreSQL sets its own handler: INT is its "fast" shutdown.
_TIED_TO_ITS_PARENT = (
    'folder=$1; shift; "$@" >log 2>&1 & read -r _; kill -INT $! 2>/dev/null; wait $!; rm -rf "$folder"'
)
_TIED_AGAIN = 'shift; "$@" >>log 2>&1 & read -r _; kill -INT $!; wait $!'
_START_SECONDS = 30


def _programs() -> Path | None:
    """The folder of initdb and postgres: Debian keeps one per version, outside PATH; the newest wins."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda found: int(found.parts[4]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).parent if found else None


def _identity() -> dict[str, Any]:
    """Whom to become, as Popen's arguments: PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Cluster:
    """A running server. `server` is the shell that stops it when its standard input closes."""

    server: subprocess.Popen[Any]
    log: Path
    port: int
    password: str
    numbers: Iterator[int] = field(default_factory=itertools.count)
    again: list[subprocess.Popen[Any]] = field(default_factory=list)  # servers after a restart

    def url(self, database: str, scheme: str = "postgresql+psycopg") -> str:
        return f"{scheme}://trueup:{self.password}@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str) -> None:
        # CREATE and DROP DATABASE refuse to run inside a transaction.
        with psycopg.connect(self.url("postgres", "postgresql"), autocommit=True) as connection:
            connection.execute(statement)

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self.run("SELECT 1")
            except psycopg.OperationalError:
                if self.server.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"PostgreSQL did not start:\n{self.log.read_text()}", pytrace=False)
                time.sleep(0.05)

    def restart(self) -> None:
        """As after a power cut: no connection survives, and what was committed is there again."""
        folder = self.log.parent
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while Path(f"/proc/{pid}").exists() and f"{pid} (postgres) Z" not in Path(f"/proc/{pid}/stat").read_text():
            time.sleep(0.01)
        self.again.append(_server(folder, self.port, _TIED_AGAIN))
        self.wait_until_it_answers()

    def stop(self) -> None:
        for server in (*reversed(self.again), self.server):
            assert server.stdin is not None
            server.stdin.close()
            server.wait(timeout=_START_SECONDS)


def _server(folder: Path, port: int, script: str) -> subprocess.Popen[Any]:
    programs = _programs()
    assert programs is not None
    options = ("-D", "data", "-h", "127.0.0.1", "-p", str(port), "-k", folder)
    # Its own session: Ctrl-C is for pytest, which then stops the server in order.
    return subprocess.Popen(
        ["sh", "-c", script, "sh", folder, programs / "postgres", *options],
        cwd=folder,
        stdin=subprocess.PIPE,
        start_new_session=True,
        **_identity(),
    )


def _start(programs: Path) -> Cluster:
    identity, password = _identity(), secrets.token_urlsafe(16)
    folder = Path(tempfile.mkdtemp(prefix="trueup-postgres-"))
    secret = folder / "password"
    secret.write_text(password)
    if identity:
        for path in (folder, secret):
            shutil.chown(path, identity["user"], identity["group"])
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            "data",
            "-U",
            "trueup",
            "--pwfile",
            secret,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        **identity,
    )
    port = _free_port()
    return Cluster(_server(folder, port, _TIED_TO_ITS_PARENT), folder / "log", port, password)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """One server per test process (two under `-n 2`); a loud skip where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None:
        missing("PostgreSQL", "apt install postgresql", required_by="TRUEUP_REQUIRE_POSTGRES")
        return
    cluster = _start(programs)
    try:
        cluster.wait_until_it_answers()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> Iterator[str]:
    """The URL of an empty database that only this test sees."""
    name = f"test_{next(postgres_cluster.numbers)}"
    postgres_cluster.run(f"CREATE DATABASE {name} TEMPLATE template0")
    yield postgres_cluster.url(name)
    postgres_cluster.run(f"DROP DATABASE {name} WITH (FORCE)")
