"""In mode review a person decides about every change, by the digest of what they saw."""

from typing import Any

from tests.acceptance.conftest import Install
from tests.acceptance.site import AGREEMENT, COMPANY, Msp


def holds(site: Msp) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.trueup("holds", "--json").json()
    return found


def test_approved_change_is_written_and_nothing_else(install: Install) -> None:
    """Two licences grew. The one that was approved is written by the next cycle, the other one waits on."""
    site = install(mode="review")
    daemon, day = site.started(), site.today
    site.tenant().buy("SPB", 2)
    site.tenant().buy("SPE_E3", 1)
    daemon.sync(COMPANY)
    assert site.psa.sent() == []
    seats = next(hold for hold in holds(site) if "Business Premium" in hold["sentence"])

    approved = site.trueup("approve", seats["digest"])
    daemon.sync(COMPANY)

    assert approved.status == 0
    assert [f"{e.request.method} {len(e.request.body)}" for e in site.psa.sent()] == _sizes(seats["writes"], site)
    assert site.psa.lines(AGREEMENT) == site.billed(day, SPB=12, difference=2)
    assert [hold["sentence"] for hold in holds(site)] != []


def test_approval_is_void_once_the_count_has_moved(install: Install) -> None:
    """Twelve were approved, thirteen are there now: that is another change, and it waits for another word."""
    site = install(mode="review")
    daemon = site.started()
    site.tenant().buy("SPB", 2)
    daemon.sync(COMPANY)
    (before,) = holds(site)

    assert site.trueup("approve", before["digest"][:8]).status == 0
    site.tenant().buy("SPB", 1)
    daemon.sync(COMPANY)

    (after,) = holds(site)
    assert after["digest"] != before["digest"]
    assert after["state"] == "open"
    assert site.psa.sent() == []
    assert site.trueup("approve", before["digest"]).status == 1


def test_rejected_change_stays_until_it_is_approved(install: Install) -> None:
    """A no is remembered; a later yes, written at once, takes it back."""
    site = install(mode="review")
    site.tenant().buy("SPB", 2)
    day = site.today
    assert site.trueup("sync").status == 0
    (hold,) = holds(site)

    assert site.trueup("reject", hold["digest"], "--reason", "they have called").status == 0
    assert site.trueup("sync").status == 0
    assert [(h["digest"], h["state"]) for h in holds(site)] == [(hold["digest"], "rejected")]
    assert site.psa.sent() == []

    assert site.trueup("approve", hold["digest"], "--now").status == 0
    assert site.psa.lines(AGREEMENT) == site.billed(day, SPB=12, difference=2)
    assert "they have called" in site.trueup("journal", "--json").out
