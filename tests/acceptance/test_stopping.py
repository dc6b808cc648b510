"""Ending the daemon in the middle of a write: politely, impatiently, and by force."""

import random
import signal
from datetime import UTC, datetime

from agent.store.glance import glance
from tests.acceptance.conftest import Install
from tests.acceptance.process import wait_for
from tests.acceptance.psa import Line
from tests.acceptance.site import AGREEMENT, BEGAN, COMPANY, PRODUCTS, SEATS, Msp, two_more

KILLS = 25


def posts(site: Msp) -> int:
    return len(site.psa.sent("POST"))


def open_writes(site: Msp) -> int:
    """Writes whose outcome the store does not know, without a process of Trueup's."""
    seen = glance(site.folder / "state" / "trueup.db", datetime.now(UTC))
    assert seen is not None
    return seen.intents + seen.unknown


def test_polite_stop_lets_the_write_end(install: Install) -> None:
    """SIGTERM while the PSA takes its time: the answer is waited for and recorded, and nothing more is sent."""
    site = install()
    daemon = site.started()
    site.tenant().buy("SPB", 2)

    with site.psa.gate("POST", "additions$", acted=True) as answer:
        daemon.press(COMPANY)
        answer.wait()
        daemon.terminate()
        daemon.notices.wait("STOPPING=1")
        assert daemon.process.poll() is None
    assert daemon.wait() == 0

    assert open_writes(site) == 0
    assert [e.request.method for e in site.psa.sent()] == ["POST"]


def test_second_signal_ends_at_once_and_the_next_start_settles(install: Install) -> None:
    """Impatience leaves a write open. The next daemon finds out by itself, reading, and goes on from there."""
    site = install()
    daemon, day = site.started(), site.today
    site.tenant().buy("SPB", 2)

    with site.psa.gate("POST", "additions$", acted=True) as answer:
        daemon.press(COMPANY)
        answer.wait()
        daemon.terminate()
        daemon.notices.wait("STOPPING=1")
        daemon.terminate()
        assert daemon.wait() == 128 + signal.SIGTERM
    assert open_writes(site) == 1
    site.start()
    wait_for(lambda: site.psa.lines(AGREEMENT) == two_more(day), "it did not go on by itself")

    assert posts(site) == 1


def test_writes_of_a_killed_daemon_are_settled_by_reading(install: Install) -> None:
    """Killed between intention and confirmation: of one company before its request left, of the next before the PSA
    has acted on it, of the third before it has answered. Presses send nothing again, and each line is there once."""
    site = install(companies=3)
    daemon, day = site.started(), site.today
    for number in range(3):
        site.tenant(number).buy("SPB", 2)
    agreements = range(AGREEMENT, AGREEMENT + 3)

    with (
        site.psa.gate("GET", f"{AGREEMENT}/additions.*conditions=serialNumber") as unsent,
        site.psa.gate("POST", f"{AGREEMENT + 1}/additions$") as unheeded,
        site.psa.gate("POST", f"{AGREEMENT + 2}/additions$", acted=True) as unanswered,
    ):
        daemon.press()
        for gate in (unsent, unheeded, unanswered):
            gate.wait()
        daemon.kill()
        assert (open_writes(site), posts(site)) == (3, 1)
    again = site.start()
    wait_for(lambda: again.sync()["changes"] == again.get("/status")["unknown"] == 0, "it does not converge")

    assert all(site.psa.lines(a) == two_more(day) for a in agreements)
    assert [e.effects for e in site.psa.sent("POST")] == [1, 1, 1]
    assert [set(site.psa.marks(a).values()) for a in agreements] == [{1}, {1}, {1}]


def test_killed_anywhere_it_bills_once(install: Install) -> None:
    """25 cycles killed at instants chosen by lot, while seats are bought: no line twice, and all are billed in the end.

    Each seat is billed from the next invoice by its base, and until then by a difference of its own.
    """
    site, rng = install(companies=2), random.Random(25)
    site.set("recheck", "0s")
    bought = {(number, licence): SEATS for number in range(2) for licence in PRODUCTS}
    left_open = 0

    with site.forking() as forking:
        for _ in range(KILLS):
            number, licence = rng.choice(list(bought))
            bought[number, licence] = site.tenant(number).buy(licence, 1)
            due = site.psa.nth(rng.randrange(1, 20))
            forking.kill(["sync", "--config", str(site.config)], due, rng.uniform(0, 0.02))
            left_open += open_writes(site) > 0
            assert all(set(site.psa.marks(AGREEMENT + number).values()) <= {1} for number in range(2))
    wait_for(lambda: site.trueup("sync").status == 0 and open_writes(site) == 0, "it does not converge")

    for (number, licence), seats in bought.items():
        lines = [line for line in site.psa.lines(AGREEMENT + number) if line.product == PRODUCTS[licence]]
        assert Line(PRODUCTS[licence], seats, BEGAN, None) in lines
        assert sum(line.quantity for line in lines if line.last) == seats - SEATS
    assert all(e.effects == 1 for e in site.psa.sent("POST"))
    assert site.trueup("journal", "verify").status == 0
    assert left_open >= 3, "the kills did not strike writes"
