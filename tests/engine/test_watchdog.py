"""Words for systemd, on the socket that it names."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.engine.watchdog import Systemd


@pytest.fixture(params=["file", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """An address as it stands in NOTIFY_SOCKET, and who listens there."""
    named = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.settimeout(5)
        heard.bind(named if request.param == "file" else f"\0{named}")
        yield (named if request.param == "file" else f"@{named}"), heard


def test_each_word_is_one_datagram(listening: tuple[str, socket.socket]) -> None:
    """As sd_notify(3) spells them; an address that begins with @ lies in the abstract namespace."""
    address, heard = listening
    systemd = Systemd({"NOTIFY_SOCKET": address})
    systemd.ready("12 companies")
    systemd.reloading(5_000_000_123)
    systemd.status("3 held")
    systemd.alive()
    systemd.stopping()
    assert [heard.recv(4096).decode() for _ in range(5)] == [
        "READY=1\nSTATUS=12 companies",
        "RELOADING=1\nMONOTONIC_USEC=5000000",  # nanoseconds here, microseconds there
        "STATUS=3 held",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_without_systemd_nothing_is_said() -> None:
    """Started by hand there is no address, and that is no fault."""
    Systemd({}).alive()


def test_nobody_listens(tmp_path: Path) -> None:
    """An address that leads nowhere, as containers inherit it, does not keep the daemon from billing."""
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("12 companies")
