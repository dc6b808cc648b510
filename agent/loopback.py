"""What counts as this machine itself. One answer for settings and for the door out: what the first lets in as harmless
plain HTTP, the second must not send elsewhere."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str | None) -> bool:
    """127.0.0.0/8, ::1 and `localhost`; no other name, because that may resolve to another machine tomorrow."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
