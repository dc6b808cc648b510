"""The store's files: whose they are, who may read them, and on which disk they lie."""

from __future__ import annotations

import os
import re
from pathlib import Path

from agent.errors import StoreFailed

_MOUNTS = Path("/proc/self/mountinfo")

# WAL's shared memory and its locks hold within one kernel only.
_SHARED_DISKS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ncpfs", "fuse.sshfs"}


def sqlite_file(url: str, state_folder: Path) -> Path | None:
    """The file that store.url names, by default in the state folder, as is a relative one; None for other databases."""
    if not url:
        return state_folder / "trueup.db"
    scheme, _, rest = url.partition(":///")
    name = rest.partition("?")[0]
    return state_folder / name if scheme == "sqlite" and name and name != ":memory:" else None


def own_folder(folder: Path) -> None:
    """The state folder of a store that lies elsewhere: there for the lock, on a disk where locks hold."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_shared_disk(folder.resolve())
    except OSError as error:
        remedy = "make the state folder writable for the user that runs Trueup"
        raise StoreFailed(f"the state folder {folder} cannot be used: {error.strerror}", remedy) from error


def prepared(path: Path) -> Path:
    """The SQLite file, made if need be, readable by its owner alone (its WAL takes over the mode)."""
    try:
        path = path.resolve()
        _close_folder(path)
        _refuse_shared_disk(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        remedy = "make the state folder writable for the user that runs Trueup, and for nobody else"
        raise StoreFailed(f"the store {path} cannot be opened: {error.strerror}", remedy) from error
    return path


def _close_folder(path: Path) -> None:
    """Make the file's folder, or close it to others where it is evidently ours: empty, or with the store in it.

    Any other folder is left as it is: a slip in the settings must not lock a machine's users out of /var/lib.
    """
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.stat().st_mode & 0o077:
        return
    if not path.exists() and any(folder.iterdir()):
        raise StoreFailed(
            f"the state folder {folder} is open to other users and holds other files",
            f"give Trueup a folder of its own, or close this one: chmod 700 {folder}",
        )
    folder.chmod(0o700)


def _refuse_shared_disk(folder: Path) -> None:
    if not _MOUNTS.exists():
        return
    kind = filesystem(folder, _MOUNTS.read_text())
    if kind in _SHARED_DISKS:
        raise StoreFailed(
            f"the state folder {folder} lies on a {kind} share, where locks do not hold",
            "set agent.state to a folder on a local disk; agents of several machines share a PostgreSQL database",
        )


def filesystem(folder: Path, mountinfo: str) -> str:
    """The type of the innermost mount that holds the folder; the later of two mounts on one point counts."""
    found = ""
    length = -1
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = Path(_unescaped(left.split()[4]))
        if folder.is_relative_to(point) and len(point.parts) >= length:
            found, length = right.split()[0], len(point.parts)
    return found


def _unescaped(text: str) -> str:
    """Mount points carry spaces and the like as octal: `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
