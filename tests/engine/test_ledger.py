"""The ledger beside a real cycle and a simulated PSA: what holding a change costs, and what its write makes good."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.ledger import Cut, Gap, State, Verb
from agent.domain.settling import Asked
from agent.engine.settling import Past
from agent.engine.undoing import undoing
from agent.simulators.faults import Kind
from tests.engine.here import AGREEMENT, COMPANY, SKUS, UTC_ZONE
from tests.engine.rig import LOOSE, Rig

DAYS = 86_400
ASKED = Asked(Verb.BILL, "ana", "told on the phone")


def rig(folder: Path, **more: object) -> Rig:
    """10 seats of 22.00, in accord on 5 March; April is to be invoiced. More than one seat at once is held."""
    made = Rig(folder, limits=replace(LOOSE, raise_absolute=1, raise_percent=0), **more)  # type: ignore[arg-type]
    made.run()
    for hold in made.cycle.store.holds():
        made.cycle.store.decide(hold.digest, "approved", "ana", made.clock.now(), made.clock.now() + timedelta(days=9))
    made.run()
    return made


def past(one: Rig) -> Past:
    return Past(one.cycle.store, one.cycle.psa.traits.convention, UTC_ZONE, one.mappings(), one.clock.now())


def gap(one: Rig) -> Gap:
    """The one that is not over within a day."""
    [found] = [gap for gap in past(one).gaps() if gap.state(past(one).cut) is not State.NOTHING]
    return found


def sums(one: Rig) -> tuple[str, str, str]:
    found = gap(one).sums(past(one).cut)
    assert found is not None
    return str(found.added.amount), str(found.corrected.amount), str(found.open.amount)


def hold_four_more(one: Rig, days: int) -> None:
    """4 seats more on 15 March are held, and approved so many days later."""
    one.pass_time(10 * DAYS)
    one.source.seats[SKUS[0]] += 4
    one.run()
    one.pass_time(days * DAYS)
    one.run()


def approve(one: Rig) -> None:
    store, now = one.cycle.store, one.clock.now()
    [hold] = store.holds(COMPANY)
    store.decide(hold.digest, "approved", "ana", now, now + timedelta(days=1))
    one.run()


def approve_all(one: Rig) -> None:
    store, now = one.cycle.store, one.clock.now()
    for hold in store.holds(COMPANY):
        store.decide(hold.digest, "approved", "ana", now, now + timedelta(days=1))


def test_what_a_prorating_agreement_catches_up_on_is_corrected(tmp_path: Path) -> None:
    """Held for 10 days: 4 x 22.00 x 10/31 = 28.39; the difference line from 15 March on bills all of it."""
    one = rig(tmp_path)
    hold_four_more(one, 10)
    assert sums(one) == ("28.39", "0.00", "28.39")
    approve(one)
    one.pass_time(30 * DAYS)
    assert sums(one) == ("28.39", "28.39", "0.00")
    assert gap(one).state(past(one).cut) is State.CORRECTED


def test_whole_periods_owe_nothing_for_the_one_that_was_running(tmp_path: Path) -> None:
    """Seats of 15 March are billed from April on, and the line is right before April is invoiced."""
    one = rig(tmp_path, prorates=False)
    hold_four_more(one, 10)
    approve(one)
    assert all(gap.state(past(one).cut) is State.NOTHING for gap in past(one).gaps())


def invoice_april_without_them(one: Rig) -> None:
    """Four more come on 15 March and are held until 10 April, when April is invoiced."""
    one.pass_time(10 * DAYS)
    one.source.seats[SKUS[0]] += 4
    one.run()
    one.pass_time(17 * DAYS)
    one.psa.invoice(AGREEMENT)
    one.pass_time(9 * DAYS)
    one.run()
    approve(one)


def test_whole_period_that_was_invoiced_without_the_seats_stays_open(tmp_path: Path) -> None:
    """Held until 10 April, after April's invoice: 4 x 22.00 of April are nobody's but the ledger's."""
    one = rig(tmp_path, prorates=False)
    invoice_april_without_them(one)
    assert sums(one) == ("88.00", "0.00", "88.00")
    settled = past(one).settle(gap(one).id, replace(ASKED, phases=3))
    assert [str(part.amount.amount) for part in settled.settlements[0].instalments] == ["29.34", "29.33", "29.33"]


def bill_april(one: Rig, **how: object) -> Gap:
    """88.00 of April, which was invoiced without 4 seats, are decided to be billed by Trueup."""
    invoice_april_without_them(one)
    return past(one).settle(gap(one).id, replace(ASKED, write=True, **how))  # type: ignore[arg-type]


def lines(one: Rig) -> list[tuple[int, str, str, str]]:
    """Additions with a last day: quantity, price, first and last day."""
    read = one.cycle.psa.lines(AGREEMENT)
    return [(int(x.quantity), str(x.price), str(x.start), str(x.last_day)) for x in read if x.end]


def test_part_is_written_once_and_billed_once(tmp_path: Path) -> None:
    """Two parts of 44.00, from May on: each is held, approved, written for its whole month, and invoiced as it is."""
    one = rig(tmp_path, prorates=False)
    bill_april(one, phases=2)
    assert lines(one) == []
    one.run()
    approve(one)
    for _ in range(3):
        one.run()
    assert lines(one) == [(1, "44.00", "2026-05-01", "2026-05-31")]
    [may] = one.psa.invoice(AGREEMENT)
    assert may.total == Decimal("572.00")  # (14 + 10) x 22.00 + 44.00
    one.run()
    approve(one)
    one.run()
    assert [line[2] for line in lines(one)] == ["2026-05-01", "2026-06-01"]
    assert gap(one).written == {(1, 1), (1, 2)}
    assert one.cycle.store.verify_journal()[2] == ""


def test_agreement_that_prorates_bills_the_whole_amount(tmp_path: Path) -> None:
    """Ten days of 4 seats in March that went again, 28.39, on a line that stands for all of April."""
    one = rig(tmp_path)
    hold_four_more(one, 10)
    one.source.seats[SKUS[0]] -= 4
    one.run()
    past(one).settle(gap(one).id, replace(ASKED, write=True))
    one.run()
    approve(one)
    assert lines(one) == [(1, "28.39", "2026-04-01", "2026-04-30")]
    [april] = one.psa.invoice(AGREEMENT)
    # 20 x 22.00 for April, the same from 5 March on, which the first invoice missed, and the past.
    assert april.total == Decimal("440.00") + 2 * Decimal("191.61") + Decimal("28.39")


@pytest.mark.parametrize("kind", [Kind.LOST_ANSWER, Kind.DROPPED_BEFORE, Kind.ERROR_AFTER, Kind.LATE_EFFECT])
def test_part_whose_outcome_is_unknown_is_written_once(tmp_path: Path, kind: Kind) -> None:
    """Done or not, seen or not: it is settled by reading, approved again where it was not done, and stands once."""
    one = rig(tmp_path, prorates=False)
    bill_april(one)
    one.run()
    one.psa.faults.add(kind, method="POST", path="/additions$")
    for _ in range(6):
        approve_all(one)
        one.run()
        one.pass_time(400)
    assert one.psa.faults.pending == ()
    assert lines(one) == [(1, "88.00", "2026-05-01", "2026-05-31")]
    assert gap(one).written == {(1, 1)}


def test_undoing_a_run_leaves_its_part_to_the_ledger(tmp_path: Path) -> None:
    """And says what to do instead; the row's own line is not moved on its account."""
    one = rig(tmp_path, prorates=False)
    bill_april(one)
    one.run()
    one.pass_time(60)
    approve(one)
    run = one.cycle.store.runs(1)[0].id
    [part] = undoing(one.cycle, one.mappings(), run, None, "ana").parts
    assert (part.kept, part.planned) == ((), ())
    assert "was decided in the ledger" in part.notes[0]


def test_part_waits_for_its_day_and_for_a_person(tmp_path: Path) -> None:
    """From July on: nothing is planned before the invoice of July is the next one, and nothing written unasked."""
    one = rig(tmp_path, prorates=False)
    bill_april(one, first=date(2026, 7, 10))
    one.run()
    assert one.cycle.store.holds(COMPANY) == []
    for _ in range(2):
        one.psa.invoice(AGREEMENT)
        one.run()
    [hold] = one.cycle.store.holds(COMPANY)
    assert hold.reasons == ("a one-off line for the past: see that nobody has entered it by hand",)
    assert "88.00 USD billed once, on the invoice of 2026-07-01 to 2026-07-31" in hold.sentence
    assert hold.next_invoice is not None
    assert hold.next_invoice.amount == Decimal("88.00")
    assert lines(one) == []


def test_store_that_forgot_its_write_finds_the_line(tmp_path: Path) -> None:
    """Its copy is of before the write: the mark on the line, its month over, keeps it from being made again."""
    one = rig(tmp_path / "state", prorates=False)
    bill_april(one)
    one.run()
    one.cycle.store.dispose()
    shutil.copytree(tmp_path / "state", tmp_path / "before")
    one.start_agent()
    approve(one)
    assert len(lines(one)) == 1
    one.psa.invoice(AGREEMENT)
    one.start_agent(tmp_path / "before")
    for _ in range(3):
        one.run()
        approve_all(one)
    assert len(lines(one)) == 1


def test_line_that_a_person_deletes_is_not_made_again(tmp_path: Path) -> None:
    """Why it went, only that person knows."""
    one = rig(tmp_path, prorates=False)
    bill_april(one)
    one.run()
    approve(one)
    [made] = [x for x in one.cycle.psa.lines(AGREEMENT) if x.end]
    one.psa.person_deletes(AGREEMENT, made.id)
    one.run()
    assert (lines(one), one.cycle.store.holds(COMPANY)) == ([], [])


def test_decision_taken_back_writes_no_further_part(tmp_path: Path) -> None:
    """The first of two stands in the PSA and counts as billed; the other half is open again."""
    one = rig(tmp_path, prorates=False)
    found = bill_april(one, phases=2)
    one.run()
    approve(one)
    past(one).settle(found.id, Asked(Verb.REOPEN, "ben", "not agreed"))
    one.psa.invoice(AGREEMENT)
    one.pass_time(30 * DAYS)
    one.run()
    assert one.cycle.store.holds(COMPANY) == []
    assert sums(one) == ("88.00", "0.00", "44.00")


@pytest.mark.parametrize(
    ("credits", "written"),
    [("off", []), ("negative-quantity", [(-1, "88.00")]), ("negative-price", [(1, "-88.00")])],
)
def test_credit_is_written_as_the_site_takes_them(tmp_path: Path, credits: str, written: list[tuple[int, str]]) -> None:
    """4 seats less are held over April's invoice: 88.00 too much."""
    one = rig(tmp_path, prorates=False, credits=credits)
    one.cycle.policy = replace(one.cycle.policy, limits=replace(one.limits, lower_absolute=1, lower_percent=0))
    one.pass_time(10 * DAYS)
    one.source.seats[SKUS[0]] -= 4
    one.run()
    one.pass_time(120)
    one.run()
    one.pass_time(17 * DAYS)
    one.psa.invoice(AGREEMENT)
    one.pass_time(9 * DAYS)
    one.run()
    approve(one)
    past(one).settle(gap(one).id, replace(ASKED, write=True))
    one.run()
    approve_all(one)
    one.run()
    assert [line[:2] for line in lines(one)] == written


def test_month_that_has_passed_is_told_as_it_stood(tmp_path: Path) -> None:
    """On the last of March 17 days were owed, 48.26; what was corrected in April does not change that."""
    one = rig(tmp_path)
    hold_four_more(one, 27)
    approve(one)
    begin, end, last = past(one).month(one.begin.date())
    found = gap(one).sums(end)
    assert found is not None
    assert (str(last), found.open.amount) == ("2026-03-31", Decimal("48.26"))
    before = gap(one).sums(begin)
    assert before is not None
    assert not before.added


def test_reading_that_proves_a_gap_is_named(tmp_path: Path) -> None:
    """By the hash of what is stored of it."""
    one = rig(tmp_path)
    hold_four_more(one, 10)
    [reading] = past(one).readings(gap(one))
    assert len(reading.digest) == 64
    assert Cut.now(past(one).today) == past(one).cut
