"""Invoices that were deleted: April's, unless said otherwise; it had been made with what the charges say."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from agent.domain.agreements import Line
from agent.domain.changes import Restore, SetPrice
from agent.domain.findings import Code
from agent.domain.holdings import Ground, ownership
from agent.domain.keys import Mark, Role
from agent.domain.mappings import PricePolicy
from agent.domain.mismatches import of_undone
from agent.domain.ownership import Binding, Charge, Sighting, Timing
from agent.domain.periods import Period
from agent.domain.plan import Draft, draft
from agent.domain.price_lock import allotted
from tests.domain.given import (
    INSTALLATION,
    NOW,
    PROFILE,
    binding,
    drafted,
    ground,
    line,
    observation,
    row,
    snapshot,
    wished,
)

KEY = row().key("connectwise")
APRIL, MAY = Period(date(2026, 4, 1), date(2026, 5, 1)), Period(date(2026, 5, 1), date(2026, 6, 1))


def ours(quantity: int, **changes: object) -> tuple[Line, Binding]:
    it = line(quantity=quantity, mark=str(Mark.of(INSTALLATION, KEY)), **changes)
    return it, binding(KEY, it)


def site(shown: int, *charges: Charge, last: date = APRIL.end, **changes: object) -> Ground:
    it, bound = ours(shown, **changes)
    return ground([it], [bound], charges=charges, boundaries={1021: last})


def restores(on: Ground, seats: int, later: timedelta = timedelta(0)) -> tuple[Draft, list[Restore]]:
    """The plan of a second reading, which comes a day after the first, or so much later."""
    first = planned(on, seats, NOW - timedelta(days=1), ())
    made = planned(on, seats, NOW - timedelta(days=1) + (later or timedelta(days=1)), first.sightings)
    return made, [change for change in made.changes if isinstance(change, Restore)]


def planned(on: Ground, seats: int, now: datetime, known: Iterable[Sighting]) -> Draft:
    sightings = {s.key: s for s in known}
    owned = ownership(on, [KEY])
    wanted = allotted(wished([row()], snapshot(observation(purchased=seats))), owned, on.today)
    return draft(wanted, owned, on, sightings, frozenset(), Timing(now, on.today, timedelta(seconds=60)), "USD")


def test_a_line_as_it_was_invoiced_needs_nothing() -> None:
    """Ten billed, ten on the line: the invoice can be made again."""
    assert restores(site(10, Charge(KEY, APRIL, 10)), 10)[1] == []


def test_seats_that_came_since_wait_behind_what_was_invoiced() -> None:
    """Ten billed, twelve on the line: two less until 1 May, and nothing is lacking."""
    _, [change] = restores(site(12, Charge(KEY, APRIL, 10)), 12)
    assert (change.surplus, change.lacking, change.beyond, change.waits) == (2, (), APRIL.end, "")


def test_seats_that_left_since_are_made_up_for() -> None:
    """Ten billed, eight on the line: the ninth and the tenth for April."""
    _, [change] = restores(site(8, Charge(KEY, APRIL, 10)), 8)
    assert (change.surplus, change.lacking) == (0, ((APRIL, 8, 10),))


def test_two_invoices_each_bill_what_they_billed() -> None:
    """April ten and May thirteen, twelve on the line: two less, and for May the eleventh to the thirteenth."""
    _, [change] = restores(site(12, Charge(KEY, APRIL, 10), Charge(KEY, MAY, 13), last=MAY.end), 12)
    assert (change.surplus, change.lacking, change.beyond) == (2, ((MAY, 10, 13),), MAY.end)


def test_an_invoice_that_nobody_saw_is_taken_as_the_line_shows_it() -> None:
    """Of May nothing is remembered: what the line loses for April, it keeps for May."""
    _, [change] = restores(site(12, Charge(KEY, APRIL, 10), last=MAY.end), 12)
    assert (change.surplus, change.lacking) == (2, ((MAY, 10, 12),))


def test_an_invoice_reaches_back_to_the_first_day_of_a_line() -> None:
    """The line began on 20 March and April's invoice caught up on it: ten from the 20th on."""
    it, bound = ours(8, start=date(2026, 3, 20))
    on = ground([it], [replace(bound, boundary=APRIL.start)], charges=[Charge(KEY, APRIL, 10)])
    _, [change] = restores(replace(on, boundaries={1021: APRIL.end}), 8)
    assert change.lacking == ((Period(date(2026, 3, 20), APRIL.end), 8, 10),)


def test_one_answer_that_is_out_of_date_moves_nothing() -> None:
    """Thirty seconds after the first reading nothing is written yet, and after sixty it is."""
    on = site(12, Charge(KEY, APRIL, 10))
    _, [early] = restores(on, 12, later=timedelta(seconds=30))
    _, [late] = restores(on, 12, later=timedelta(seconds=60))
    assert early.waits == "a deleted invoice needs a second read that agrees, not before 09:01:00 UTC"
    assert late.waits == ""


def test_once_made_again_the_next_time_is_another() -> None:
    """What was seen of a deleted invoice that has been made again does not speak for the next one."""
    charge = Charge(KEY, APRIL, 10)
    seen = restores(site(12, charge), 12)[0].sightings
    after = planned(site(12, charge, last=APRIL.start), 12, NOW, seen)
    assert [s.quantity for s in after.sightings if s.key.role is Role.AGAIN] == [0]


def test_a_price_may_be_what_the_invoice_was_deleted_for() -> None:
    """It is corrected while everything else rests."""
    it, bound = ours(12)
    dearer = row(profile=replace(PROFILE, price=PricePolicy(Decimal(24))))
    on = ground([it], [bound], boundaries={1021: APRIL.end})
    [change] = drafted([dearer], snapshot(observation()), on).changes
    assert isinstance(change, SetPrice)
    assert change.queued == ""


def test_the_finding_says_when_the_invoice_may_be_made_again() -> None:
    """Nothing lacks and nothing is too much: make it again."""
    [found] = of_undone(site(10, Charge(KEY, APRIL, 10)), [], 250)
    assert (found.code, found.subject) == (Code.INVOICE_UNDONE, "agreement/1021")
    assert found.remedy.startswith("make it again")
