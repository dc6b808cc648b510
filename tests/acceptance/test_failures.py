"""What goes wrong at the start ends in one sentence that says what to do; the fixture looks for tracebacks."""

import re
import socket
from collections.abc import Callable

import pytest

from tests.acceptance.conftest import Install
from tests.acceptance.site import Msp


@pytest.mark.parametrize("command", ["run", "sync"])
def test_wrong_settings_are_told_with_file_and_line(install: Install, command: str) -> None:
    """All problems at once, each with its line, and exit status 2, after which systemd does not start it again."""
    site = install()
    site.set("timezone", "Europe/Londn")
    site.set("settle", "one second")

    told = site.trueup(command)

    assert (told.status, told.out) == (2, "")
    places = re.findall(rf"^Error: {re.escape(str(site.config))}:(\d+): ([a-z.]+): is not", told.err, re.M)
    lines = site.config.read_text().splitlines()
    assert [(lines[int(number) - 1].partition(" ")[0], key) for number, key in places] == [
        ("timezone", "agent.timezone"),
        ("settle", "psa.connectwise.settle"),
    ]


def others_may_read_a_secret(site: Msp) -> None:
    (site.folder / "secrets" / "psa").chmod(0o644)


def secret_is_gone(site: Msp) -> None:
    (site.folder / "secrets" / "psa").unlink()


def store_is_damaged(site: Msp) -> None:
    (site.folder / "state" / "trueup.db").write_bytes(b"no database " * 1000)


def state_is_a_file(site: Msp) -> None:
    (site.folder / "state").rmdir()
    (site.folder / "state").touch()


def mappings_never_were_good(site: Msp) -> None:
    site.company_file().write_text("company = 250\n")


@pytest.mark.parametrize(
    ("spoil", "command", "told"),
    [
        (others_may_read_a_secret, "sync", r"secrets/psa is open to others \(mode 0644\)\. .*chmod"),
        (secret_is_gone, "sync", r"secrets/psa does not exist"),
        (store_is_damaged, "run", r"trueup\.db .* restore the last backup"),
        (state_is_a_file, "run", r"state"),
        (mappings_never_were_good, "run", r"companies/250\.toml:1: tenant: is missing\. Add it"),
    ],
)
def test_failure_ends_in_a_sentence(install: Install, spoil: Callable[[Msp], None], command: str, told: str) -> None:
    """Exit status 1, what is wrong where, and a remedy."""
    site = install()
    spoil(site)

    done = site.trueup(command)

    assert done.status == 1
    assert re.search(told, " ".join((done.out + done.err).split())), done


def test_taken_port_is_told(install: Install) -> None:
    """Another program on api.listen is no reason to run without the interface, or to say nothing."""
    site = install()
    with socket.socket() as other:
        other.bind(("127.0.0.1", site.port))
        other.listen()
        done = site.trueup("run")

    assert done.status == 1
    assert f"api.listen = 127.0.0.1:{site.port} cannot be used: Address already in use" in done.err
