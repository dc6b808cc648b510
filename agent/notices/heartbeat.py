"""A sign of life after each good cycle: a service elsewhere alarms when it stays out, which no dead daemon could do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from agent.errors import NotDelivered, ReadFailed
from agent.outgoing import Outgoing


class Heartbeat:
    """`address` gives the address to ask for; its path is the secret by which the service knows us."""

    def __init__(self, address: Callable[[], str], connect: Callable[[str], Outgoing]) -> None:
        self._address, self._connect = address, connect

    def __call__(self) -> None:
        """Ask once, and once more; raises `NotDelivered`, which names the host alone."""
        parts = urlsplit(self._address())
        host = parts.hostname or "the address"
        try:
            out = self._connect(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            raise NotDelivered("the heartbeat's address is no https address", _REMEDY) from None
        try:
            query = f"?{parts.query}" if parts.query else ""
            answer = out.read("GET", f"{parts.path or '/'}{query}", attempts=2)
        except ReadFailed:
            raise NotDelivered(f"{host} did not answer the heartbeat", _REMEDY) from None
        finally:
            out.close()
        if not answer.ok:
            raise NotDelivered(f"{host} answered the heartbeat with {answer.status}", _REMEDY)


_REMEDY = "Check what the secret of notify.heartbeat holds."
