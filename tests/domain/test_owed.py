"""What a row bills because its seats are committed, and what people are told of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.changes import SetQuantity
from agent.domain.counts import Coverage, Deal, Snapshot, Status, Subscription, Term
from agent.domain.desired import DesiredLine
from agent.domain.findings import Code, Finding, Severity, Stop
from agent.domain.keys import Mark
from agent.domain.mappings import Basis, Commitment, Row
from agent.domain.renewals import of_commitments, of_terms
from agent.domain.terms import Chapter, History
from tests.domain.given import (
    INSTALLATION,
    PREMIUM,
    PROFILE,
    TENANT,
    agreement,
    binding,
    drafted,
    ground,
    line,
    member,
    observation,
    only,
    row,
    seen_before,
    snapshot,
    wished,
)
from tests.house.source import REPOSITORY

HELD = replace(PROFILE, commitment=Commitment.HOLD)
ANNUAL = Term(12, 1)
RENEWS = datetime(2027, 3, 1, tzinfo=UTC)
KEY = row().key("connectwise")


def holding(**changes: object) -> Row:
    return row(**{"profile": HELD, "basis": Basis.ASSIGNED, "term": ANNUAL, **changes})


def at(day: str, hour: int = 9) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def chapter(since: datetime, quantity: int, before: datetime | None = None) -> Chapter:
    return Chapter(since, before, quantity, Status.ENABLED, at("2026-03-01", 0), RENEWS)


# 10 bought on 1 March, 3 more on the 11th.
TEN, THIRTEEN = chapter(at("2026-03-01"), 10), chapter(at("2026-03-11"), 13, before=at("2026-03-11", 8))
HISTORY = History({"sub": (TEN, THIRTEEN)})


def reading(when: datetime, used: int, purchased: int = 13, **changes: object) -> Snapshot:
    sold = Subscription("sub", purchased, Status.ENABLED, at("2026-03-01", 0), RENEWS)
    seen = observation(purchased=purchased, assigned=used, subscriptions=(replace(sold, **changes),))
    people = [member(f"u{n}@contoso.com", PREMIUM) for n in range(used)]
    return replace(snapshot(seen, members=people), taken_at=when)


def billed(when: datetime, used: int, **changes: object) -> int:
    [wanted] = wished([holding(**changes)], reading(when, used), HISTORY).lines
    return wanted.terms.quantity


def test_what_is_owed_is_billed_though_nobody_uses_it() -> None:
    """8 of 13 used on 31 March: both windows are closed, so max(8, 10 + 3) = 13."""
    assert billed(at("2026-03-31"), 8) == 13


def test_seats_in_their_window_are_billed_as_used() -> None:
    """On 15 March the 10 are owed and the 3 can still be given back: max(8, 10) = 10."""
    assert billed(at("2026-03-15"), 8) == 10


DOCUMENTED = [
    ("5 March", at("2026-03-05"), 10),
    ("12 March", at("2026-03-12"), 13),
    ("31 March", at("2026-03-31"), 8),
    ("1 March of the next year, renewed", at("2027-03-01"), 8),
    ("8 March of the next year, still 13 at Microsoft", at("2027-03-08"), 8),
]


@pytest.mark.parametrize(("called", "when", "used"), DOCUMENTED, ids=[called for called, *_ in DOCUMENTED])
def test_the_documented_year_is_what_the_program_makes_of_it(called: str, when: datetime, used: int) -> None:
    """docs/billing.md: committed and billed on each of its days."""
    page = (REPOSITORY / "docs" / "billing.md").read_text("utf-8")
    [row_of_day] = re.findall(rf"^\| {called} \| (\d+) \| (\d+) \|$", page, re.M)
    bought, history = (10, History({"sub": (TEN,)})) if when < THIRTEEN.since else (13, HISTORY)
    [wanted] = wished([holding()], reading(when, used, bought), history).lines
    assert wanted.owes is not None
    assert (wanted.owes.seats, wanted.terms.quantity) == tuple(map(int, row_of_day))


def test_more_used_than_owed_is_billed() -> None:
    """12 used on 15 March, 10 owed: 12."""
    assert billed(at("2026-03-15"), 12) == 12


def test_the_renewal_sets_them_free() -> None:
    """On 1 March 2027 the 13 seats have a window again: 8 used, 8 billed; and 13 once it has closed."""
    assert billed(at("2027-02-28"), 8) == 13
    assert billed(at("2027-03-01"), 8) == 8
    assert billed(at("2027-03-08"), 8) == 13


def test_included_seats_come_off_what_is_owed() -> None:
    """13 owed, 2 included: 11 billed, as with any count."""
    assert billed(at("2026-03-31"), 8, included=2) == 11


def test_without_hold_the_used_seats_are_billed() -> None:
    """The profile decides: 8 used, 8 billed."""
    assert billed(at("2026-03-31"), 8, profile=PROFILE) == 8


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 700))
def test_billed_lies_between_used_and_purchased(used: int, more: int, day: int) -> None:
    """Whatever was bought and is used, on whichever day: used <= billed <= max(used, purchased)."""
    when = datetime.fromordinal(date(2026, 3, 11).toordinal() + day).replace(tzinfo=UTC)
    history = History({"sub": (TEN, replace(THIRTEEN, quantity=10 + more))})
    [wanted] = wished([holding()], reading(when, used, 10 + more), history).lines
    assert used <= wanted.terms.quantity <= max(used, 10 + more)


def test_the_derivation_names_every_batch() -> None:
    """Term and who says so, each batch with its day, and what waits for the renewal."""
    [wanted] = wished([holding()], reading(at("2026-03-15"), 8), HISTORY).lines
    assert [step.says for step in wanted.steps if step.rule in ("term", "commitment", "held")] == [
        "sub is annual, paid monthly: the row says so",
        "10 from 2026-03-01 are committed until 2027-03-01",
        "3 from 2026-03-11 can be lowered until 2026-03-18 08:00 UTC",
        "8 used, 10 committed: 2 of them wait until their renewal on 2027-03-01",
    ]


def test_the_derivation_gives_each_step_its_value() -> None:
    """The 3 in their window owe nothing yet: 10 committed, 10 billed."""
    [wanted] = wished([holding()], reading(at("2026-03-15"), 8), HISTORY).lines
    values = [(step.rule, step.value) for step in wanted.steps if step.rule in ("commitment", "held")]
    assert values == [("commitment", "10"), ("commitment", "0"), ("held", "10")]


def test_whoever_uses_what_is_owed_waits_for_nothing() -> None:
    """10 used, 10 committed: no step says that seats wait."""
    [wanted] = wished([holding()], reading(at("2026-03-15"), 10), HISTORY).lines
    assert "held" not in [step.rule for step in wanted.steps]


def test_each_renewal_frees_its_own_seats() -> None:
    """10 renew in March 2027 and 5 in June: of 15 committed and 2 used, 10 wait for March."""
    june = datetime(2027, 6, 1, tzinfo=UTC)
    first = Subscription("sub", 10, Status.ENABLED, at("2026-03-01", 0), RENEWS)
    second = Subscription("second", 5, Status.ENABLED, at("2026-06-01", 0), june)
    later = Chapter(at("2026-06-01"), None, 5, Status.ENABLED, at("2026-06-01", 0), june)
    snap = reading(at("2026-07-01"), 2, 15)
    seen = replace(snap.observations[PREMIUM], subscriptions=(first, second))
    snap = replace(snap, observations={PREMIUM: seen})
    [wanted] = wished([holding()], snap, History({"sub": (TEN,), "second": (later,)})).lines
    [held] = [step.says for step in wanted.steps if step.rule == "held"]
    assert held == "2 used, 15 committed: 10 of them wait until their renewal on 2027-03-01"


def test_the_tenants_seats_count_whatever_was_sold() -> None:
    """15 sold, and the tenant shows 13 yet: 13 are committed, and the derivation says why not 15."""
    sale = Deal(ANNUAL, 15, RENEWS, by="Partner Center")
    [wanted] = wished([holding()], reading(at("2026-03-31"), 8, deal=sale), HISTORY).lines
    assert wanted.terms.quantity == 13
    [seller] = [(step.says, step.value) for step in wanted.steps if step.rule == "seller"]
    assert seller == ("Partner Center says 15, the tenant 13: the tenant's seats count", "13")


def planned(when: datetime, used: int, standing: int = 13, **changes: object):
    ours = line(quantity=standing, mark=str(Mark.of(INSTALLATION, KEY)))
    snap = reading(when, used)
    before = seen_before(KEY, max(used, 1))
    return drafted([holding(**changes)], snap, ground([ours], [binding(KEY, ours)]), before, history=HISTORY)


def test_a_held_decrease_is_queued_for_the_renewal() -> None:
    """13 billed, 8 used, 13 owed: one change, 13 -> 8, dated and put off to 1 March 2027; nothing waits sooner."""
    change = only(planned(at("2026-03-31"), 8).changes)
    assert isinstance(change, SetQuantity)
    assert (change.was, change.after.quantity, change.effective) == (13, 8, date(2027, 3, 1))
    assert change.queued == "waits until 2027-03-01, the renewal of seats that nobody uses"
    assert change.waits == ""
    assert str(change.monthly) == "-110.00 USD"


def test_what_can_go_now_goes_before_anything_is_queued() -> None:
    """On 15 March 13 stand, 8 are used and 10 owed: first 13 -> 10, an ordinary decrease."""
    change = only(planned(at("2026-03-15"), 8).changes)
    assert (change.after.quantity, change.queued) == (10, "")


def test_an_unknown_term_lowers_nothing_and_raises_as_usual() -> None:
    """Nobody knows the term: 13 -> 8 rests, 5 -> 8 goes through."""
    lowered = planned(at("2026-03-31"), 8, term=None)
    assert lowered.changes == ()
    assert lowered.stopped[KEY].code is Code.TERM_UNKNOWN
    assert only(planned(at("2026-03-31"), 8, standing=5, term=None).changes).after.quantity == 8


def told(when: datetime, used: int, **changes: object) -> list[Finding]:
    lines = wished([holding(**changes)], reading(when, used), HISTORY).lines
    return [*of_commitments(lines, {1021: agreement()}, 250, "USD"), *terms(lines, when, used)]


def terms(lines: Iterable[DesiredLine], when: datetime, used: int) -> Iterable[Finding]:
    return of_terms(lines, {TENANT: reading(when, used)}, {TENANT: HISTORY}, (), 250)


def test_a_window_that_closes_is_told_48_hours_before() -> None:
    """The 3 from the 11th close on the 18th at 08:00: told from the 16th at 08:00, with what 2 unused cost a month."""
    assert told(at("2026-03-16", 7), 11) == []
    [finding] = told(at("2026-03-16", 8), 11)
    assert (finding.code, str(finding.money)) == (Code.COMMITMENT_WINDOW, "44.00 USD")
    assert finding.sentence == (
        "Licence cbdc: 2 unused of 3 seats from 2026-03-11 can be lowered until 2026-03-18 08:00 UTC; "
        "after that they are owed until 2027-03-01, 44.00 USD a month"
    )
    assert told(at("2026-03-18", 8), 11) == []


def test_whoever_uses_all_seats_has_nothing_to_decide() -> None:
    """13 of 13 in use: no finding though a window closes."""
    assert told(at("2026-03-17"), 13) == []


def test_a_renewal_is_told_30_14_and_7_days_before() -> None:
    """One finding that stays the same in between: INFO from 30 January, then WARNING."""
    days = ["2027-01-29", "2027-01-31", "2027-02-10", "2027-02-15", "2027-02-20", "2027-02-22", "2027-02-27"]
    found = [told(at(day), 8) for day in days]
    assert found[0] == []
    assert [f.severity for [f] in found[1:]] == [Severity.INFO] * 2 + [Severity.WARNING] * 4
    assert [f.sentence.split("within ")[1][:7] for [f] in found[1:]] == ["30 days"] * 2 + ["14 days"] * 2 + [
        "7 days;"
    ] * 2
    assert len({(f.code, f.subject) for [f] in found[1:]}) == 1
    [last] = found[-1]
    assert last.sentence == (
        "Licence cbdc: the subscription of 13 seats (annual, paid monthly) renews on 2027-03-01, within 7 days; "
        "5 unused, 110.00 USD a month"
    )
    assert (last.remedy, last.money) == ("order 8 for the renewal, or keep the seats", None)


def test_what_is_ordered_for_the_renewal_is_told() -> None:
    """Partner Center knows of 8 for the next term, and of subscriptions that end."""
    sale = Deal(ANNUAL, 13, RENEWS, renews=False, next_quantity=8)
    snap = reading(at("2027-02-27"), 8, deal=sale)
    lines = wished([holding()], snap, HISTORY).lines
    [finding] = of_commitments(lines, {1021: agreement()}, 250, "USD")
    assert "ends, and does not renew by itself, on 2027-03-01" in finding.sentence
    assert finding.sentence.endswith("; 8 seats ordered for then")


def test_monthly_terms_renew_in_silence() -> None:
    """Otherwise every month would be announced for all of its days."""
    assert told(at("2026-03-25"), 8, term=Term(1, 1)) == []


def test_an_unknown_term_is_told_once() -> None:
    """Where the profile holds commitments and nobody knows the term."""
    [finding] = told(at("2026-03-31"), 8, term=None)
    assert (finding.code, finding.severity) == (Code.TERM_UNKNOWN, Severity.WARNING)
    assert 'term = "annual/monthly"' in finding.remedy


def test_why_a_commitment_is_unknown_is_said() -> None:
    """Which subscription, why the source does not tell, and what may be written instead."""
    gap = Stop(Code.PERMISSION_MISSING, "may not read subscriptions", "let it")
    snap = replace(reading(at("2026-03-31"), 8), gaps={Coverage.TERMS: gap})
    unsure = [one.owes.unsure for seen in (snap, replace(snap, gaps={})) for one in unknown(seen) if one.owes]
    said = "the term of its subscription sub is not known, so nothing is lowered on its account"
    assert [stop.reason for stop in unsure if stop] == [f"{said} (may not read subscriptions)", said]
    assert {stop.remedy for stop in unsure if stop} == {
        'write the term into the row, such as term = "annual/monthly", or let Partner Center or Pax8 tell it'
    }


def unknown(snap: Snapshot) -> tuple[DesiredLine, ...]:
    return wished([holding(term=None)], snap, HISTORY).lines


def test_a_term_that_does_not_matter_is_not_missed() -> None:
    """The same subscription under a profile that ignores commitments: silence."""
    assert told(at("2026-03-31"), 8, term=None, profile=PROFILE) == []


def test_a_row_that_contradicts_a_proven_term_is_told() -> None:
    """The row says annual; its date moved from 1 to 31 March when that came, with 10 seats: monthly."""
    first = replace(TEN, renews=at("2026-03-01", 0))
    moved = replace(first, since=at("2026-03-02"), before=at("2026-03-01"), renews=at("2026-04-01", 0))
    history = History({"sub": (first, moved)})
    snap = reading(at("2026-03-05"), 8, 10, renews=at("2026-04-01", 0))
    lines = wished([holding()], snap, history).lines
    [finding] = of_terms(lines, {TENANT: snap}, {TENANT: history}, (), 250)
    assert finding.code is Code.TERM_DISAGREES
    assert "the row says annual, paid monthly, but subscription sub is monthly" in finding.sentence


@pytest.mark.parametrize("changes", [{"trial": True}, {"status": Status.WARNING}])
def test_a_trial_and_the_month_of_grace_commit_nobody(changes: dict[str, object]) -> None:
    """13 seats, 8 used: 8 billed, and no term is missed."""
    [wanted] = wished([holding(term=None)], reading(at("2026-03-31"), 8, **changes)).lines
    assert wanted.terms.quantity == 8
    assert wanted.owes is not None
    assert wanted.owes.unsure is None


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 30), st.integers(1, 700))
def test_no_plan_ever_lowers_committed_seats(standing: int, used: int, more: int, day: int) -> None:
    """Whatever stands and is used, on whichever day: what is not queued ends at the committed seats or above."""
    when = datetime.fromordinal(date(2026, 3, 11).toordinal() + day).replace(tzinfo=UTC)
    history = History({"sub": (TEN, replace(THIRTEEN, quantity=10 + more))})
    ours = line(quantity=standing, mark=str(Mark.of(INSTALLATION, KEY)))
    snap, on = reading(when, used, 10 + more), ground([ours], [binding(KEY, ours)])
    [wanted] = wished([holding()], snap, history).lines
    assert wanted.owes is not None
    for change in drafted([holding()], snap, on, seen_before(KEY, standing), history=history).changes:
        assert change.queued or change.after.quantity >= wanted.owes.seats
