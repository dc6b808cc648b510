"""The daemon in good days: it starts, says so, and bills what was bought when somebody asks."""

import time

from tests.acceptance.conftest import Install
from tests.acceptance.psa import Line
from tests.acceptance.site import AGREEMENT, BEGAN, COMPANY, two_more


def test_daemon_tells_systemd_how_it_is(install: Install) -> None:
    """READY with a status line, a watchdog's tick every few seconds, STOPPING; and exit status 0."""
    daemon = install(companies=2).started()

    daemon.notices.wait("WATCHDOG=1", times=2)
    assert daemon.stop() == 0
    told = [line for notice in daemon.notices.received for line in notice.splitlines()]
    assert told.index("READY=1") < told.index("STOPPING=1")
    assert "STATUS=2 companies, 0 held, 0 unknown, next 00:00" in told


def test_first_cycle_needs_nobody(install: Install) -> None:
    """Started for the first time, the daemon reads and bills by its schedule; a second start does not repeat that."""
    site = install()
    site.tenant().buy("SPB", 2)

    daemon = site.started()
    first = [run["reason"].partition(" ")[0] for run in daemon.get("/runs")]
    daemon.stop()
    again = site.started()

    assert first == ["schedule"]
    assert len(again.get("/runs")) == 1
    assert Line("M365-BP-M", 12, BEGAN, None) in site.psa.lines(AGREEMENT)


def test_daemon_answers_its_neighbours(install: Install) -> None:
    """Probes need no token, everything else does; a wrong one learns nothing and starts nothing."""
    daemon = install().started()

    assert daemon.ask("GET", "/livez", token="")[0] == 200
    assert daemon.ask("GET", "/readyz", token="") == (200, {"ready": True, "missing": []})
    assert daemon.get("/status")["companies"] == 1
    assert daemon.ask("GET", "/status", token="guessed")[0] == 401
    assert daemon.ask("POST", "/sync", {}, token="guessed")[0] == 401
    assert len(daemon.get("/runs")) == 1


def test_sync_now_bills_two_more_seats(install: Install) -> None:
    """Ten were invoiced to the end of the month. Two more: the line shows 12, and 2 are billed from today to then.

    All of it within five seconds of the press, in a tenant of a hundred people.
    """
    site = install()
    for number in range(100):
        site.tenant().add_user(f"user{number}@company0.onmicrosoft.com", f"User {number}", ["SPE_E3"])
    daemon = site.started()
    site.tenant().buy("SPB", 2)

    pressed = time.monotonic()
    run = daemon.sync(COMPANY)
    took = time.monotonic() - pressed

    assert (run["state"], run["confirmed"]) == ("done", 2)
    assert site.psa.lines(AGREEMENT) == two_more(site.today)
    assert set(site.psa.marks(AGREEMENT).values()) == {1}
    assert took < 5


def test_second_press_writes_nothing(install: Install) -> None:
    """What is billed already is not sent again, however often somebody presses."""
    site = install()
    daemon = site.started()
    site.tenant().buy("SPB", 2)
    daemon.sync(COMPANY)
    before = len(site.psa.sent())

    again = [daemon.sync(COMPANY), daemon.sync()]

    assert [run["changes"] for run in again] == [0, 0]
    assert len(site.psa.sent()) == before == 2
