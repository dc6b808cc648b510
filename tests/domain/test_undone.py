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


def test_what_is_included_was_never_billed() -> None:
    """Twelve on the line, two of them included, ten billed: made again it bills ten."""
    assert restores(site(12, Charge(KEY, APRIL, 10), included=Decimal(2)), 10)[1] == []


def test_a_line_that_was_over_is_reached_by_no_invoice() -> None:
    """It ended with March, so April's invoice cannot have billed it, whatever is remembered."""
    assert restores(site(8, Charge(KEY, APRIL, 10), end=APRIL.start), 8)[1] == []


def test_the_change_says_what_was_billed_and_moves_no_money() -> None:
    """April thirteen and May fourteen, twelve on the line, which stays as it is."""
    charges = Charge(KEY, APRIL, 13), Charge(KEY, MAY, 14)
    _, [change] = restores(site(12, *charges, last=MAY.end), 12)
    assert change.reason == (
        "the deleted invoice of 2026-04-01 to 2026-05-31 billed 13 and 14 on this line, made again it would bill 12"
    )
    assert change.before is not None
    assert (change.before.quantity, change.after.quantity, str(change.monthly)) == (12, 12, "0.00 USD")


def test_the_change_says_what_was_billed_of_seats_that_came_since() -> None:
    """Ten billed, twelve on the line."""
    _, [change] = restores(site(12, Charge(KEY, APRIL, 10)), 12)
    assert "billed 10 on this line, made again it would bill 12" in change.reason


def made_up(of: int, quantity: int) -> tuple[Line, Binding]:
    """A line for seats that line `of` would no longer bill for April."""
    key = KEY.delta(f"{of}/{APRIL.start}/8-{8 + quantity}", Role.AGAIN)
    mark = str(Mark.of(INSTALLATION, key))
    it = line(5000 + of, quantity, start=APRIL.start, end=APRIL.end, mark=mark)
    return it, binding(key, it)


def test_what_was_made_up_for_is_not_lacking_again() -> None:
    """Eight on the line and two beside it for April, twelve billed: the eleventh and the twelfth."""
    (it, bound), (two, beside), (other, elsewhere) = ours(8), made_up(4711, 2), made_up(4712, 1)
    charges, known = [Charge(KEY, APRIL, 12)], [bound, beside, elsewhere]
    on = replace(ground([it, two, other], known, charges=charges), boundaries={1021: APRIL.end})
    _, [change] = restores(on, 8)
    assert change.lacking == ((APRIL, 10, 12),)
    assert change.holding is not None
    assert [delta.line.id for delta in change.holding.closed] == [two.id, other.id]


def test_a_difference_line_has_invoices_of_its_own() -> None:
    """Ten on the base as billed; three were billed on the difference beside it, which shows one."""
    (it, bound), key = ours(10), KEY.delta("1")
    one = line(4712, 1, mark=str(Mark.of(INSTALLATION, key)))
    charges = [Charge(KEY, APRIL, 10), Charge(key, APRIL, 3)]
    on = ground([it, one], [bound, binding(key, one)], charges=charges, boundaries={1021: APRIL.end})
    _, [change] = restores(on, 11)
    assert (change.key, change.lacking) == (key, ((APRIL, 1, 3),))


def test_each_life_of_a_line_has_the_invoices_from_its_start_on() -> None:
    """The first billed ten in April and ends on 15 May; the second billed fourteen in May and shows thirteen."""
    first, bound = ours(10, end=date(2026, 5, 15))
    key = replace(KEY, part="2")
    second = line(4000, 13, start=MAY.start, mark=str(Mark.of(INSTALLATION, key)))
    charges = [Charge(KEY, APRIL, 10), Charge(KEY, MAY, 14)]
    on = ground([first, second], [bound, binding(key, second)], charges=charges, boundaries={1021: MAY.end})
    _, [change] = restores(on, 13)
    assert (change.key, change.lacking) == (key, ((MAY, 13, 14),))


def test_lines_of_others_are_no_lives_of_this_one() -> None:
    """Two more lines begin on 1 April, another row's and one by hand: the first still speaks for April."""
    (it, bound), other = ours(8), row(2, "another").key("connectwise")
    theirs = line(9, 3, start=APRIL.start, mark=str(Mark.of(INSTALLATION, other)))
    lines = [it, theirs, line(10, 3, start=APRIL.start)]
    on = ground(lines, [bound, binding(other, theirs)], charges=[Charge(KEY, APRIL, 10)], boundaries={1021: APRIL.end})
    assert [change.lacking for change in restores(on, 8)[1]] == [((APRIL, 8, 10),)]


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
