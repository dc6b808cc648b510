"""The lock of one machine: a file that the kernel gives back when its holder dies, and keeps while it is stopped."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import AnotherWriter, StoreFailed

REMEDY = "stop the other Trueup first; two that write would bill twice"


@contextmanager
def file_lock(path: Path) -> Iterator[str]:
    """Hold the file; who holds it stands in its first line. Yields the name of this state folder's agent.

    The file is never removed: a lock on a removed file locks out nobody.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        remedy = "make the state folder writable for the user that runs Trueup"
        raise StoreFailed(f"the lock file {path} cannot be opened: {error.strerror}", remedy) from error
    try:
        yield _take(descriptor, path)
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> str:
    before = os.pread(descriptor, 400, 0).decode(errors="replace")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = before.partition("\n")[0].strip()
        raise AnotherWriter(f"another Trueup writes to this store ({path}): {holder or 'unnamed'}", REMEDY) from error
    name = _name(descriptor, before)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{me()}\n{name}\n".encode(), 0)
    return name


def _name(descriptor: int, before: str) -> str:
    """Made at random for this very file: a folder that was copied to another machine gets a name of its own there."""
    status = os.fstat(descriptor)
    here = f"{status.st_dev}:{status.st_ino}"
    known = before.splitlines()[1:2]
    return known[0] if known and known[0].endswith(f"@{here}") else f"{secrets.token_hex(8)}@{here}"


def me() -> str:
    """This process, for people who look for it."""
    return f"process {os.getpid()} on {socket.gethostname()}"
