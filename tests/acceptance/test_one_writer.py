"""One agent writes; whoever else wants to is told who it is, or lets it do the work."""

import tempfile

from tests.acceptance.conftest import Install
from tests.acceptance.site import AGREEMENT, two_more


def test_second_daemon_refuses(install: Install) -> None:
    """It names the process that writes, and leaves that one undisturbed."""
    site = install()
    daemon = site.started()

    second = site.trueup("run")

    assert second.status == 1
    assert f"process {daemon.process.pid} on " in second.err
    assert daemon.get("/status")["companies"] == 1


def test_sync_beside_a_daemon_is_done_by_it(install: Install) -> None:
    """The command presses *sync now*, waits, and tells what the daemon wrote."""
    site = install()
    daemon, day = site.started(), site.today
    site.tenant().buy("SPB", 2)

    told = site.trueup("sync", "--json")

    assert (told.status, told.json()["confirmed"]) == (0, 2), told
    assert daemon.get("/runs")[0]["id"] == told.json()["id"]
    assert daemon.get("/runs")[0]["reason"] == "sync now"
    assert site.psa.lines(AGREEMENT) == two_more(day)


def test_sync_reaches_the_daemon_by_its_socket(install: Install) -> None:
    """Where other users share the machine: no port at all, and the command finds its way by the same setting."""
    site = install()
    with tempfile.TemporaryDirectory(prefix="tu") as folder:  # a socket's path holds 107 characters
        site.set("listen", f"unix:{folder}/run/api.sock")
        site.start()
        day = site.today
        site.tenant().buy("SPB", 2)

        told = site.trueup("sync", "--json")

    assert (told.status, told.json()["reason"], told.json()["state"]) == (0, "sync now", "done"), told
    assert site.psa.lines(AGREEMENT) == two_more(day)


def test_sync_beside_a_silent_daemon_says_so(install: Install) -> None:
    """Where the daemon's interface is out of reach, the command neither writes nor waits for ever."""
    site = install()
    site.started()
    site.set("listen", "127.0.0.1:9")
    site.tenant().buy("SPB", 2)

    told = site.trueup("sync")

    assert told.status == 1
    assert "The daemon does not answer on 127.0.0.1:9" in told.err
    assert site.psa.sent() == []
