"""In mode review a person decides about every change, by the digest of what they saw."""

from typing import Any

from tests.acceptance.conftest import Install
from tests.acceptance.process import Daemon
from tests.acceptance.site import AGREEMENT, COMPANY, two_more


def only(daemon: Daemon) -> dict[str, Any]:
    """The one hold that there is."""
    (hold,) = daemon.get("/holds")
    assert isinstance(hold, dict)
    return hold


def test_approved_change_is_written_and_nothing_else(install: Install) -> None:
    """Two licences grew. The one that was approved is written by the next cycle, the other one waits on."""
    site = install(mode="review")
    daemon, day = site.started(), site.today
    site.tenant().buy("SPB", 2)
    site.tenant().buy("SPE_E3", 1)
    daemon.sync(COMPANY)
    premium, e3 = sorted(daemon.get("/holds"), key=lambda hold: "E3" in hold["sentence"])
    assert site.psa.sent() == []

    assert site.trueup("approve", premium["digest"]).status == 0
    written = daemon.sync(COMPANY)["entries"]

    assert [entry["sentence"] for entry in reversed(written)] == premium["writes"]
    assert site.psa.lines(AGREEMENT) == two_more(day)
    assert [hold for hold in daemon.get("/holds") if hold["state"] == "open"] == [e3]


def test_approval_is_void_once_the_count_has_moved(install: Install) -> None:
    """Twelve were approved, thirteen are there now: that is another change, and it waits for another word."""
    site = install(mode="review")
    site.tenant().buy("SPB", 2)
    daemon = site.started()
    before = only(daemon)

    assert site.trueup("approve", before["digest"][:8]).status == 0
    site.tenant().buy("SPB", 1)
    daemon.sync(COMPANY)

    assert only(daemon)["digest"] != before["digest"]
    assert only(daemon)["state"] == "open"
    assert site.psa.sent() == []
    late = site.trueup("approve", before["digest"])
    assert (late.status, "names no change that is held now" in late.err) == (1, True)


def test_rejected_change_stays_until_it_is_approved(install: Install) -> None:
    """A no is remembered, with its reason; a later yes, written at once, takes it back."""
    site = install(mode="review")
    site.tenant().buy("SPB", 2)
    daemon, day = site.started(), site.today
    hold = only(daemon)

    assert site.trueup("reject", hold["digest"], "--reason", "they have called").status == 0
    daemon.sync(COMPANY)
    assert only(daemon)["digest"] == hold["digest"]
    assert only(daemon)["state"] == "rejected"
    assert site.psa.sent() == []

    assert site.trueup("approve", hold["digest"], "--now").status == 0
    assert site.psa.lines(AGREEMENT) == two_more(day)
    assert [r["payload"] for r in daemon.get("/journal") if "they have called" in r["payload"]] != []
