"""What is news: told once, again only where it has become graver, and at the hour that was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.findings import Code, Finding, Severity
from agent.domain.news import DIGEST, Every, Rule, Told, When, forgotten, last_due, news, topic, when_told

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def finding(code: Code = Code.UNASSIGNED_SEATS, severity: Severity = Severity.INFO, company: int = 250) -> Finding:
    return Finding(code, severity, company, "t/sku", "3 seats of nobody", "assign them")


def said(one: Finding) -> dict[str, Told]:
    return {topic(one): Told(one.severity, NOW)}


def test_told_is_told() -> None:
    """Also where its words have changed since: 4 seats instead of 3 is the same mismatch."""
    fresh = news([finding()], (), {})
    again = news([replace(finding(), sentence="4 seats of nobody")], (), said(finding()))

    assert (list(fresh.digest), list(again.digest), list(again.now)) == ([finding()], [], [])


def test_what_has_become_graver_is_told_again() -> None:
    """A certificate in its last 30 days, its last 14, its last three; and then at once."""
    expiring = [finding(Code.CREDENTIAL_EXPIRING, severity) for severity in Severity]
    told = [news([later], (), said(earlier)) for earlier, later in pairwise(expiring)]

    assert [(len(one.now), len(one.digest)) for one in told] == [(0, 1), (1, 0)]
    assert news([expiring[0]], (), said(expiring[2])).digest == []


def test_two_companies_of_one_tenant_are_two_topics() -> None:
    """They share the subject, and each has its own person who looks after it."""
    assert topic(finding(company=250)) != topic(finding(company=251))


@pytest.mark.parametrize(
    ("rules", "when"),
    [
        ([], When.DIGEST),
        ([Rule(frozenset(), frozenset(), When.NEVER)], When.NEVER),
        ([Rule(frozenset({Code.HELD}), frozenset(), When.NEVER)], When.DIGEST),
        ([Rule(frozenset({Code.HELD, Code.UNASSIGNED_SEATS}), frozenset({250}), When.NOW)], When.NOW),
        ([Rule(frozenset(), frozenset({251}), When.NEVER)], When.DIGEST),
        ([Rule(frozenset(), frozenset({250}), When.NOW), Rule(frozenset(), frozenset(), When.NEVER)], When.NOW),
    ],
)
def test_first_rule_that_fits_decides(rules: list[Rule], when: When) -> None:
    """By code, by company, by both; the others are not asked."""
    assert when_told(finding(), rules) is when


@pytest.mark.parametrize("code", [Code.DUPLICATE_LINES, Code.CYCLE_OVERDUE, Code.WRITE_UNSETTLED, Code.FLEET_HELD])
def test_some_things_cannot_wait(code: Code) -> None:
    """Unless a rule says that they can."""
    assert when_told(finding(code), ()) is When.NOW
    assert when_told(finding(code), [Rule(frozenset({code}), frozenset(), When.DIGEST)]) is When.DIGEST


def test_what_closed_and_came_back_soon_is_no_news() -> None:
    """A mismatch that flaps is told once in seven days; the digest's own time is never forgotten."""
    told = said(finding()) | {DIGEST: Told(Severity.INFO, NOW)}

    def left_after(days: int, still_open: list[Finding]) -> set[str]:
        return set(told) - forgotten(told, still_open, NOW + timedelta(days=days), timedelta(days=7))

    assert left_after(6, []) == {topic(finding()), DIGEST}
    assert left_after(8, []) == {DIGEST}
    assert left_after(400, [finding()]) == {topic(finding()), DIGEST}


@pytest.mark.parametrize(
    ("every", "now", "due"),
    [
        (Every.DAY, "2026-03-20T06:59", "2026-03-19T07:00"),
        (Every.DAY, "2026-03-20T07:00", "2026-03-20T07:00"),
        (Every.DAY, "2026-03-29T06:00", "2026-03-28T07:00"),
        (Every.WEEK, "2026-03-20T12:00", "2026-03-16T07:00"),  # the Monday of that week
        (Every.WEEK, "2026-03-16T06:00", "2026-03-09T07:00"),
        (Every.MONTH, "2026-03-20T12:00", "2026-03-01T07:00"),
        (Every.MONTH, "2026-03-01T06:00", "2026-02-01T07:00"),
    ],
)
def test_digest_is_due_by_the_wall_clock(every: Every, now: str, due: str) -> None:
    """In the zone of the settings, through the night in which its clock changes as well."""
    instant = datetime.fromisoformat(now).replace(tzinfo=LONDON)

    assert last_due(every, time(7), instant, LONDON) == datetime.fromisoformat(due).replace(tzinfo=LONDON)


@given(st.sampled_from([Every.DAY, Every.WEEK, Every.MONTH]), st.integers(0, 15 * 365 * 24 * 60))
def test_due_time_lies_behind_and_not_far(every: Every, minutes: int) -> None:
    """Never ahead, and never more than one period (and a clock change) ago."""
    now = NOW + timedelta(minutes=minutes)
    due = last_due(every, time(7), now, LONDON)
    longest = {Every.DAY: 1, Every.WEEK: 7, Every.MONTH: 31}[every]

    assert due is not None
    assert timedelta(0) <= now - due <= timedelta(days=longest, hours=1)


def test_digest_that_is_off_is_never_due() -> None:
    """What cannot wait is told all the same."""
    assert last_due(Every.OFF, time(7), NOW, LONDON) is None
