"""The ledger beside a real cycle and a simulated PSA: what holding a change costs, and what its write makes good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from agent.domain.ledger import Cut, Gap, State, Verb
from agent.domain.settling import Asked
from agent.engine.settling import Past
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
    return Past(one.cycle.store, one.cycle.psa.traits, UTC_ZONE, one.mappings(), one.clock.now())


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


def test_whole_period_that_was_invoiced_without_the_seats_stays_open(tmp_path: Path) -> None:
    """Held until 10 April, after April's invoice: 4 x 22.00 of April are nobody's but the ledger's."""
    one = rig(tmp_path, prorates=False)
    one.pass_time(10 * DAYS)
    one.source.seats[SKUS[0]] += 4
    one.run()
    one.pass_time(17 * DAYS)
    one.psa.invoice(AGREEMENT)
    one.pass_time(9 * DAYS)
    one.run()
    approve(one)
    assert sums(one) == ("88.00", "0.00", "88.00")
    settled = past(one).settle(gap(one).id, replace(ASKED, phases=3))
    assert [str(part.amount.amount) for part in settled.settlements[0].instalments] == ["29.34", "29.33", "29.33"]


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
