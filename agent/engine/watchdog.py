"""Words for systemd (sd_notify), or for nobody when it did not start us."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import structlog

log = structlog.get_logger()


class Systemd:
    """Sends to $NOTIFY_SOCKET. Liveness does not depend on Microsoft or the PSA: a tick that returns is alive."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._unheard = False

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic: int) -> None:
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic // 1000}")

    def status(self, status: str) -> None:
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # An address that starts with @ lives in the abstract namespace, where the first byte is zero.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.sendto(message.encode(), address)
        except OSError as error:
            # Containers and shells inherit addresses at which nobody listens; that is no reason not to bill.
            if not self._unheard:
                log.warning("systemd.unheard", address=self._address, error=str(error))
            self._unheard = True
