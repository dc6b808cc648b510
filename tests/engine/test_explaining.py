"""Any line on any past day: what it billed, by which lines, since which write and which read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.counts import NO_NEEDS, Account, Coverage, Member, Needs, Snapshot
from agent.faces.explaining import Memoirs, NothingThen, moment
from agent.reports.explanation import Explanation, explanation_text, explanation_values
from agent.reports.text import View, bare
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SKUS, TENANT, UTC_ZONE, Seats
from tests.engine.rig import Rig


class People(Seats):
    """Every seat but the last has a person: user-1, user-2, ..."""

    def observe(self, account: Account, needs: Needs = NO_NEEDS) -> Snapshot:
        whole = Seats.observe(self, account)
        people = range(1, self.seats[SKUS[0]])
        members = tuple(_person(n) for n in people)
        return replace(whole, members=members, coverage=frozenset(Coverage))


def _person(n: int) -> Member:
    return Member(f"id-{n}", f"user-{n}@contoso.com", f"User {n}", True, False, frozenset({SKUS[0]}), {})


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """March 2026 is invoiced with 10 of each; on the 17th two more are bought; April is invoiced on the 1st."""
    made = Rig(tmp_path, begin=datetime(2026, 3, 5, 9, tzinfo=UTC))
    made.source = made.cycle.source = People(made.clock, dict.fromkeys(SKUS, 10))
    for product in PRODUCTS:
        made.psa.add_addition(AGREEMENT, product, 10, effective=date(2025, 6, 1))
    made.run()
    to(made, date(2026, 3, 17))
    made.source.seats[SKUS[0]] = 12
    made.run()
    to(made, date(2026, 4, 1))
    made.psa.invoice(AGREEMENT)
    made.run()
    to(made, date(2026, 4, 20))
    made.run()
    return made


def to(rig: Rig, day: date) -> None:
    rig.pass_time((day - rig.clock.now().date()).days * 86_400)


def explained(rig: Rig, on: date | None = None, run: str | None = None) -> Explanation:
    cycle = rig.cycle
    when = moment(cycle.store, UTC_ZONE, rig.clock.now(), on, run)
    mappings, traits = rig.mappings(), cycle.psa.traits
    [told] = Memoirs(cycle.store, mappings, traits, UTC_ZONE, "USD", COMPANY, when).explanations(PRODUCTS[0])
    return told


def test_day_before_the_change_was_billed_with_ten(rig: Rig) -> None:
    """16 March: one line of 10, on an invoice that was there before the first read; nothing had been written."""
    told = explained(rig, date(2026, 3, 16))

    assert (told.billed, [line.quantity for line in told.lines]) == (10, [10])
    assert [write for write in told.writes if write.entry.at > told.at] == []
    assert [step.value for step in told.derivation.steps if step.rule == "billed"] == ["10"]


def test_day_after_the_change_was_billed_with_twelve(rig: Rig) -> None:
    """20 March: 10 on March's invoice, and 2 for 15 of 31 days on April's: 2 x 22.00 x 15/31 = 21.29."""
    told = explained(rig, date(2026, 3, 20))
    march, april = told.invoices

    assert told.billed == 12
    assert [str(march.total("USD")), str(april.total("USD"))] == ["220.00 USD", "285.29 USD"]
    assert [(write.entry.reason, write.read.day) for write in told.writes[-2:]] == [
        ("12 counted, 10 on the agreement", 17)
    ] * 2
    assert [step.value for step in told.earlier.steps if step.rule == "billed"] == ["10"]


def test_what_is_told_is_what_the_psa_invoiced(rig: Rig) -> None:
    """April's invoice of the simulated PSA, line by line to the cent."""
    (april,) = rig.psa.invoices(AGREEMENT)
    told = explained(rig, date(2026, 4, 10))
    ids = {item.line.id for invoice in told.invoices for item in invoice.items}

    assert sum((april.lines[id] for id in ids), Decimal(0)) == told.invoices[0].total("USD").amount == Decimal("285.29")


def test_people_are_told_with_their_days(rig: Rig) -> None:
    """Nine were there from the first read on; user-10 and user-11 came on the 17th; the last seat is nobody's."""
    told = explained(rig, date(2026, 3, 20))
    new = [holder.login for holder in told.holders if holder.since is not None]

    assert len(told.holders) == 11
    assert new == ["user-10@contoso.com", "user-11@contoso.com"]


def test_person_who_left_within_the_period_is_told_as_gone(rig: Rig) -> None:
    """11 seats from 20 April on: user-11 was last seen on that day, and is a former holder on the 21st."""
    rig.source.seats[SKUS[0]] = 11
    to(rig, date(2026, 4, 21))
    rig.run()
    told = explained(rig)

    [gone] = [holder for holder in told.holders if not holder.there(told.at)]
    assert (gone.login, gone.since.day, gone.last.day) == ("user-11@contoso.com", 17, 20)
    assert "1 former holder" in bare(explanation_text(told, View(100, UTC, told.at)))


def test_run_is_explained_as_it_stood_then(rig: Rig) -> None:
    """The run that wrote saw 12 seats, whatever came after it; its own writes are the last."""
    rig.source.seats[SKUS[0]] = 20
    rig.run()
    wrote = rig.cycle.store.runs()[-1]
    told = explained(rig, run=wrote.id)

    assert (told.day, told.derivation.run) == (date(2026, 3, 17), wrote.id)
    assert (told.seen[0].purchased, told.writes[-1].entry.run) == (12, wrote.id)


def test_row_that_is_gone_is_still_explained(rig: Rig) -> None:
    """Nothing asks for the line any more; what it billed in March is known all the same."""
    bare_of_rows = {number: replace(company, rows=()) for number, company in rig.mappings().companies.items()}
    mappings = replace(rig.mappings(), companies=bare_of_rows)
    cycle = rig.cycle
    when = moment(cycle.store, UTC_ZONE, rig.clock.now(), date(2026, 3, 20), None)
    memoirs = Memoirs(cycle.store, mappings, cycle.psa.traits, UTC_ZONE, "USD", COMPANY, when)

    [told] = memoirs.explanations(PRODUCTS[0])

    assert (told.row, told.billed) == (None, 12)
    assert "No mapping file asks for this line any more." in bare(explanation_text(told, View(100, UTC, told.at)))


def test_day_before_anything_was_read_is_not_guessed(rig: Rig) -> None:
    """January: no reading goes back to it, so no number is told."""
    told = explained(rig, date(2026, 1, 20))

    assert (told.billed, told.read, told.derivation) == (None, None, None)
    assert "not known here" in bare(explanation_text(told, View(100, UTC, told.at)))


def test_times_of_which_nothing_can_be_known_are_refused(rig: Rig) -> None:
    """Tomorrow, and a run that never was."""
    for asked in ({"on": date(2026, 4, 21)}, {"run": "20260101-000000-abcdef"}):
        with pytest.raises(NothingThen):
            explained(rig, **asked)


def test_every_line_fits_the_page(rig: Rig) -> None:
    """Long sentences wrap, their numbers stay at the right edge; the JSON tells the same sums."""
    told = explained(rig, date(2026, 3, 20))
    lines = bare(explanation_text(told, View(80, UTC, told.at))).splitlines()

    assert max(map(len, lines)) <= 80
    assert [invoice["total"]["amount"] for invoice in explanation_values(told)["invoices"]] == ["220.00", "285.29"]
    assert TENANT in explanation_text(told, View(80, UTC, told.at))


def test_large_tenant_is_told_on_a_page(rig: Rig) -> None:
    """Of 60 people 58 were always there: 40 of them are named, and the two who came."""
    told = explained(rig, date(2026, 3, 20))
    steady = tuple(replace(told.holders[-1], login=f"u{n}@contoso.com") for n in range(58))
    text = bare(explanation_text(replace(told, holders=(*told.holders[:2], *steady)), View(80, UTC, told.at)))

    assert "60 holders" in text
    assert "and 18 others since before the oldest read" in text
    assert text.count("@contoso.com") == 42
