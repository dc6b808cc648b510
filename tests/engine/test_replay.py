"""What was read is replayed: the same mappings come to the same invoices, others show what they would have cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.counts import Account
from agent.domain.invoices import Invoice
from agent.domain.mappings import Mappings, PricePolicy
from agent.domain.money import Money
from agent.domain.replayed import Replayed
from agent.engine.replay import Evidence, Replay
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SKUS, TENANT, UTC_ZONE
from tests.engine.rig import Rig

MARCH, MAY_END = date(2026, 3, 1), date(2026, 5, 31)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """10 of each on 5 March; 12 of the first from 17 March, 11 from 20 April; invoices of April, May and June."""
    made = Rig(tmp_path, begin=datetime(2026, 3, 5, 9, tzinfo=UTC))
    for product in PRODUCTS:
        made.psa.add_addition(AGREEMENT, product, 10, effective=date(2025, 6, 1))
    made.run()
    seats = {date(2026, 3, 17): 12, date(2026, 4, 20): 11}
    for day in (date(2026, 3, 17), date(2026, 4, 1), date(2026, 4, 20), date(2026, 5, 1), date(2026, 5, 10)):
        made.pass_time((day - made.clock.now().date()).days * 86_400)
        if day.day == 1:
            made.psa.invoice(AGREEMENT)
        made.source.seats[SKUS[0]] = seats.get(day, made.source.seats[SKUS[0]])
        for _ in range(2):
            made.run()
            made.pass_time(120)
    return made


def evidence(rig: Rig) -> Evidence:
    store, ever = rig.cycle.store, datetime(2000, 1, 1, tzinfo=UTC)
    snapshots = {TENANT: store.snapshots(Account("microsoft", TENANT), ever)}
    memory = store.memory("connectwise", COMPANY, [AGREEMENT], rig.clock.now())
    histories = store.histories("microsoft", [TENANT])
    return Evidence(store.standings(COMPANY, ever), snapshots, memory, {}, histories)


def replay(rig: Rig, mappings: Mappings | None = None, first: date = MARCH, last: date = MAY_END) -> Replayed | None:
    cycle = rig.cycle
    return Replay(mappings or rig.mappings(), cycle.psa, cycle.policy, UTC_ZONE).run(
        COMPANY, evidence(rig), first, last
    )


def priced(after: Mapping[str, str]) -> dict[str, str]:
    """Without what no stored line tells: its tax flag and its cost."""
    return {name: text for name, text in after.items() if name not in ("taxable", "cost")}


def totals(invoices: Iterable[Invoice]) -> list[str]:
    return [f"{invoice.period.start} {invoice.total('USD')}" for invoice in invoices]


def test_same_mappings_bill_what_was_billed(rig: Rig) -> None:
    """Write for write, and invoice for invoice to the cent of the simulated PSA."""
    sent = len(rig.psa.log)
    told = replay(rig)

    assert told is not None
    assert totals(told.replayed) == totals(told.billed)
    assert [i.total("USD").amount for i in told.billed[:2]] == [i.total for i in rig.psa.invoices(AGREEMENT)]
    really = [priced(entry.write.after) for entry in reversed(rig.cycle.store.entries())]
    assert [priced(w.after) for written in told.written for w in written.planned.realisation.writes] == really
    assert len(rig.psa.log) == sent  # nothing was asked of anybody


def test_worked_example_of_the_replay(rig: Rig) -> None:
    """April: 22 x 10 + 22 x 12 + 2 x 22 x 15/31 = 505.29; May: 22 x 21 = 462; and so June."""
    assert totals(replay(rig).replayed) == ["2026-04-01 505.29 USD", "2026-05-01 462.00 USD", "2026-06-01 462.00 USD"]


def test_another_price_shows_its_difference(rig: Rig) -> None:
    """24.00 instead of 22.00 for the first licence from 5 March on: April has 12 x 2.00 and 2 x 2.00 x 15/31 more."""
    told = replay(rig, changed(rig, price=PricePolicy(Decimal("24.00"))))
    more = [theirs.total("USD") - ours.total("USD") for theirs, ours in zip(told.replayed, told.billed, strict=True)]

    assert more == [Money(Decimal(amount), "USD") for amount in ("25.94", "22.00", "22.00")]
    assert [written.planned.change.verb for written in told.written] == ["price", "set", "set"]
    assert "the price changes" in told.written[0].planned.holds


def test_another_product_ends_the_old_line_and_begins_a_new_one(rig: Rig) -> None:
    """The line is known as ours, so another product is an end and a new line, as it would be in reality."""
    rig.psa.add_product("NEW", price=Decimal("30.00"), cost=Decimal("20.00"))
    others = changed(rig, product="NEW")
    known = replace(evidence(rig), products=rig.cycle.psa.products(["NEW"]))
    told = Replay(others, rig.cycle.psa, rig.cycle.policy, UTC_ZONE).run(COMPANY, known, MARCH, MAY_END)

    assert [written.planned.change.verb for written in told.written[:2]] == ["end", "add"]
    assert totals(told.replayed)[1] == "2026-05-01 550.00 USD"  # 11 x 30.00 + 10 x 22.00


def test_line_that_a_person_added_meanwhile_is_taken_over(rig: Rig) -> None:
    """Three more of a mapped product, typed by hand: they are billed in both."""
    rig.psa.add_addition(AGREEMENT, PRODUCTS[1], 3, effective=date(2026, 5, 11), billed=False)
    rig.pass_time(3600)
    rig.run()

    told = replay(rig)

    assert totals(told.replayed) == totals(told.billed)


def test_range_begins_with_what_was_read(rig: Rig) -> None:
    """Asked for the year, it begins on 5 March; of what nobody read there is nothing to say."""
    told = replay(rig, first=date(2026, 1, 1))

    assert told.begins == datetime(2026, 3, 5, 9, tzinfo=UTC)
    assert replay(rig, first=date(2026, 1, 1), last=date(2026, 2, 28)) is None
    unread = replace(evidence(rig), snapshots={TENANT: []})
    assert (
        Replay(rig.mappings(), rig.cycle.psa, rig.cycle.policy, UTC_ZONE).run(COMPANY, unread, MARCH, MAY_END) is None
    )


def test_replay_from_the_middle_begins_with_the_lines_of_that_day(rig: Rig) -> None:
    """From 2 April on: the difference line of March is history, the base has 12, one decrease follows."""
    told = replay(rig, first=date(2026, 4, 2))

    assert [written.at.date() for written in told.written] == [date(2026, 4, 20)]
    assert totals(told.replayed) == totals(told.billed) == ["2026-05-01 462.00 USD", "2026-06-01 462.00 USD"]


def changed(rig: Rig, **profile: object) -> Mappings:
    """The rig's mappings with another profile for the first licence."""
    company = rig.mappings().companies[COMPANY]
    first, *others = company.rows
    rows = (replace(first, profile=replace(first.profile, **profile)), *others)
    return replace(rig.mappings(), companies={COMPANY: replace(company, rows=rows)})
