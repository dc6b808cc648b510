"""Which process holds the writer's lock of a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.settings import Settings


def holder(settings: Settings) -> str | None:
    """Empty if nobody holds it, None if that cannot be told: for PostgreSQL, or on a system without /proc."""
    url = settings.store_url
    return holder_of(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite:///") else None


def holder_of(store: Path) -> str | None:
    """The same for the file of an SQLite store.

    Asked of the kernel's list, because trying the lock would for a moment keep a starting daemon from it.
    """
    lock = store.with_name("writer.lock")
    try:
        inode = lock.stat().st_ino
        locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        held = any(fields[1:4:2] == ["FLOCK", "WRITE"] and fields[5].endswith(f":{inode}") for fields in locks)
        return (lock.read_text(errors="replace").strip() or "unnamed") if held else ""
    except FileNotFoundError:
        return "" if Path("/proc/locks").exists() else None
    except OSError:
        return None
