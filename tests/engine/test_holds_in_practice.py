"""Guards at work: a year of people coming and going is hardly ever held, and what goes wrong always is.

`make soak` runs the same with 2,000 companies.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from agent.domain.guards import Limits, fleet_reason
from tests.engine.churn import SKUS, Office, Year, incidents

COMPANIES = 30


@pytest.fixture(scope="module")
def year() -> Year:
    """Thirty companies of 3 to 250 people, for a year."""
    passed = Year(random.Random(2026), COMPANIES)
    passed.passes()
    return passed


def test_a_year_of_churn_holds_fewer_than_two_of_a_hundred_changes(year: Year) -> None:
    """Some 600 changes of quantity, each judged when it is due; nearly all are written without anybody's help."""
    assert year.moved["written"] > 400
    assert year.share < 2, year.moved


def test_what_goes_wrong_is_held_entirely(year: Year) -> None:
    """At each company: an empty source, counts ten times too high, another's tenant, half of the people or a licence
    gone, half a page. What is not held is not planned at all."""
    told = incidents(year)

    written = {name: counts for name, counts in told.items() if counts["written"]}
    assert written == {}
    for name in ("units_are_tenfold", "tenant_is_wrong", "people_vanish", "licence_vanishes"):
        assert told[name]["held"] >= COMPANIES, told[name]
    for name in ("source_is_empty", "pages_are_half_read", "page_is_missing"):
        assert not told[name]


def test_a_fault_everywhere_stops_all_writes(year: Year) -> None:
    """One seat more at every company is within each one's limits, and not within the fleet's."""
    offices = [_opened(number) for number in range(12)]
    plans = []
    for office in offices:
        office.seats[SKUS[0]] += 1
        plans.append(office.plan())
    assert all(plan.ready for plan in plans)

    assert fleet_reason(plans, Limits(), "USD") == "12 of 12 companies change in one cycle (more than 10 %)"


def _opened(number: int, **limits: int) -> Office:
    year = Year(random.Random(number), 0)
    return Office(1000 + number, year.clock, {SKUS[0]: 20}, replace(Limits(), **limits))


def test_limits_are_a_companys_own() -> None:
    """20 -> 27 is within ten; where a company allows five, it is held."""
    held = []
    for allowed in (10, 5):
        office = _opened(1, raise_absolute=allowed, raise_percent=10, company_percent=100)
        office.seats[SKUS[0]] = 27
        [planned] = office.plan().planned
        held.append(planned.holds)

    assert held == [(), ("raised by 7, more than 5",)]


def test_freeze_window_holds_what_comes_late() -> None:
    """The invoice is due on 1 February: from 29 January on a person decides, and after it the window is over."""
    office = _opened(2, freeze_days=3)
    office.clock.advance(23 * 86_400)  # the 28th
    told = []
    for seats in (21, 22, 23, 24, 25):
        office.invoices()
        office.seats[SKUS[0]] = seats
        told.append([reason.split(":")[0] for p in office.cycles() for reason in p.holds if p.change.verb == "set"])
        office.clock.advance(86_400)

    assert told == [[], ["freeze window"], ["freeze window"], ["freeze window"], []]


def test_approval_is_void_once_its_ground_has_moved() -> None:
    """40 approved, then 41 are counted: that is another change, and waits anew; back at 40 it counts again."""
    office = _opened(3)
    office.seats[SKUS[0]] = 40
    [held] = office.plan().planned
    assert held.holds
    office.approves([held])
    office.seats[SKUS[0]] = 41
    [other] = office.plan().planned
    assert (other.digest != held.digest, bool(other.holds), other.approved) == (True, True, False)
    office.seats[SKUS[0]] = 40
    office.clock.advance(int(timedelta(minutes=5).total_seconds()))

    assert [p.approved for p in office.plan().planned] == [True]
