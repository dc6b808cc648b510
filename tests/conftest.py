"""What holds for every test: it stays on this machine, and Hypothesis counts examples, not milliseconds."""

import ipaddress
import sys
from typing import Any

import hypothesis
import pytest

# Laws and helpers assert too: they are rewritten before any test module imports them.
pytest.register_assert_rewrite("tests.contract", "tests.published", "tests.billing", "tests.engine")
pytest_plugins = ("tests.postgres",)

# A busy machine is not a fault of the law under test, so no example has a deadline.
hypothesis.settings.register_profile("trueup", deadline=None, print_blob=True)
hypothesis.settings.load_profile("trueup")


def _is_here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook sees the sockets of every library, however imported; a patched class would not."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a plain string is a UNIX socket
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_here(host):
        raise RuntimeError(f"A test tried to reach {host}: tests talk to loopback only.")


sys.addaudithook(_stay_on_this_machine)
