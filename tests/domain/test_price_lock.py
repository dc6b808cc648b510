"""Lines of one row whose seats were bought at different prices."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.agreements import Line
from agent.domain.changes import AddLine, EndLine, SetPrice, SetQuantity
from agent.domain.counts import Observation, Term
from agent.domain.desired import DesiredLine
from agent.domain.holdings import ownership
from agent.domain.keys import LineKey, Mark
from agent.domain.mappings import PricePolicy, Row
from agent.domain.owed import last_renewal
from agent.domain.ownership import Binding, BindingState
from agent.domain.price_lock import allotted
from agent.domain.terms import UNREAD
from tests.domain.given import (
    INSTALLATION,
    MARCH_17,
    PROFILE,
    binding,
    drafted,
    ground,
    line,
    observation,
    row,
    seen_before,
    snapshot,
    wished,
)

LOCKED = row(profile=replace(PROFILE, price_lock=True, price=PricePolicy(Decimal(24))))
KEY = LOCKED.key("connectwise")
AHEAD, PAST = date(2026, 12, 1), date(2026, 3, 1)

lots = st.lists(
    st.tuples(
        st.integers(1, 9), st.sampled_from([Decimal(20), Decimal(22), Decimal(24)]), st.sampled_from([AHEAD, PAST])
    ),
    min_size=1,
    max_size=4,
)


def key_of(number: int) -> LineKey:
    return replace(KEY, lot=str(number) if number > 1 else "")


def lines_of(held: list[tuple[int, Decimal, date]]) -> tuple[list[Line], list[Binding]]:
    lines, bindings = [], []
    for number, (quantity, price, until) in enumerate(held, 1):
        key = key_of(number)
        ours = line(4710 + number, quantity, price=price, mark=str(Mark.of(INSTALLATION, key)))
        lines.append(ours)
        bindings.append(replace(binding(key, ours), locked=until))
    return lines, bindings


def seen(purchased: int) -> Observation:
    plain = observation(purchased=purchased)
    return replace(
        plain, subscriptions=tuple(replace(s, renews=datetime(2026, 12, 1, tzinfo=UTC)) for s in plain.subscriptions)
    )


@given(lots, st.integers(1, 40))
def test_every_seat_stands_on_one_line(held: list[tuple[int, Decimal, date]], wanted: int) -> None:
    """Whatever stands on the lines, the changes of quantity add up to what is wanted, and all go one way."""
    lines, bindings = lines_of(held)
    sightings = {k: v for n in range(1, 6) for k, v in seen_before(key_of(n), 0).items()}
    changes = drafted([LOCKED], snapshot(seen(wanted)), ground(lines, bindings), sightings).changes
    moves = [c for c in changes if isinstance(c, AddLine | SetQuantity | EndLine)]
    by = [c.after.quantity - (c.before.quantity if c.before else 0) for c in moves]
    assert sum(by) == wanted - sum(quantity for quantity, _, _ in held)
    assert all(n > 0 for n in by) or all(n < 0 for n in by)


@given(lots, st.integers(1, 40))
def test_a_locked_price_never_moves(held: list[tuple[int, Decimal, date]], wanted: int) -> None:
    """Prices change only where the renewal is over; new seats are at the present price, 24.00, and nowhere else."""
    lines, bindings = lines_of(held)
    changes = drafted([LOCKED], snapshot(seen(wanted)), ground(lines, bindings)).changes
    for change in changes:
        number = int(change.key.lot or 1)
        price, until = held[number - 1][1:] if number <= len(held) else (None, None)
        if isinstance(change, SetPrice):
            assert until == PAST
            assert change.after.price == Decimal(24)
        if isinstance(change, AddLine):
            assert change.after.price == Decimal(24)
        if isinstance(change, SetQuantity) and change.after.quantity > change.was:
            assert price == Decimal(24)


def test_the_lock_follows_the_renewal_while_the_price_stands() -> None:
    """A line at the present price remembers 1 December, as the tenant tells; one whose price moved keeps its own."""
    known = date(2026, 6, 1)
    for price, until in ((Decimal(24), AHEAD), (Decimal(22), known)):
        lines, bindings = lines_of([(10, price, known)])
        made = drafted([LOCKED], snapshot(seen(10)), ground(lines, bindings))
        assert made.changes == ()
        assert {b.locked for b in made.bindings} == ({AHEAD} if until == AHEAD else set())


def test_a_renewal_is_counted_in_whole_terms() -> None:
    """The tenant still shows 1 March 2026; where the row says that the term is annual, it is 1 March 2027."""
    shown = datetime(2026, 3, 1, tzinfo=UTC)
    behind = observation(purchased=10)
    bought = tuple(replace(s, created=datetime(2024, 3, 1, tzinfo=UTC), renews=shown) for s in behind.subscriptions)
    snap = snapshot(replace(behind, subscriptions=bought))
    ends = [last_renewal(asks, snap, UNREAD) for asks in (LOCKED, replace(LOCKED, term=Term(12)))]
    assert ends == [date(2026, 3, 1), date(2027, 3, 1)]


Held = tuple[int, Decimal | None, date | None]
PRICE_MOVED, PRESENT = (10, Decimal(22), AHEAD), (3, Decimal(24), AHEAD)


def shared(wanted: int, *held: Held, asks: Row = LOCKED) -> list[DesiredLine]:
    """The row's lines, given what stands."""
    lines, bindings = lines_of([*held])
    owned = ownership(ground(lines, bindings[::-1]), [KEY])
    return [*allotted(wished([asks], snapshot(seen(wanted))), owned, MARCH_17).lines]


def numbers(lines: list[DesiredLine]) -> list[tuple[int, Decimal | None]]:
    return [(one.terms.quantity, one.terms.price) for one in lines]


def test_new_seats_get_a_line_of_their_own() -> None:
    """10 at 22.00 stay, 3 more are at 24.00; each line says which seats it has, and why at that price."""
    first, second = shared(13, PRICE_MOVED)
    assert numbers([first, second]) == [(10, Decimal(22)), (3, Decimal(24))]
    assert [one.key for one in (first, second)] == [key_of(1), key_of(2)]
    assert [one.label for one in (first, second)] == ["Licence cbdc at 22", "Licence cbdc at 24"]
    assert [one.counted for one in (first, second)] == [10, 3]
    says = [(one.steps[-1].rule, one.steps[-1].says, one.steps[-1].value) for one in (first, second)]
    assert says == [
        ("price-lock", "10 of 13 seats keep 22 until 2026-12-01; the present price is 24", "10"),
        ("price-lock", "3 of 13 seats at the present price of 24", "3"),
    ]


def test_seats_whose_renewal_nobody_tells_keep_their_price() -> None:
    """Without a date the price is kept: a person may end that, a guess may not."""
    lines, bindings = lines_of([(10, Decimal(22), None)])
    wanted = wished([LOCKED], snapshot(observation(purchased=10)))
    [one] = allotted(wanted, ownership(ground(lines, bindings), [KEY]), MARCH_17).lines
    assert one.terms.price == 22
    assert "10 of 10 seats keep 22 until their renewal, which no source tells" in one.steps[-1].says


def test_on_the_day_of_the_renewal_the_lock_is_over() -> None:
    """Locked until 17 March, today: 24.00; until the 18th: 22.00 yet. Without a price there is none to keep."""
    assert numbers(shared(10, (10, Decimal(22), MARCH_17))) == [(10, Decimal(24))]
    assert numbers(shared(10, (10, Decimal(22), MARCH_17 + timedelta(days=1)))) == [(10, Decimal(22))]
    assert numbers(shared(10, (10, None, AHEAD))) == [(10, Decimal(24))]


def test_seats_at_the_present_price_share_a_line() -> None:
    """10 at 24.00 become 13, and are not called locked: their price is everybody's."""
    [one] = shared(13, (10, Decimal(24), AHEAD))
    assert numbers([one]) == [(13, Decimal(24))]
    assert one.steps[-1].says == "13 of 13 seats at the present price of 24"


def test_newest_seats_leave_first() -> None:
    """10 at 22.00 and 3 at 24.00: of 11 wanted one is left at 24.00, whatever order they were read in."""
    assert numbers(shared(11, PRICE_MOVED, PRESENT)) == [(10, Decimal(22)), (1, Decimal(24))]
    assert numbers(shared(13, PRICE_MOVED, PRESENT)) == [(10, Decimal(22)), (3, Decimal(24))]
    assert numbers(shared(10, PRICE_MOVED)) == [(10, Decimal(22))]


def test_included_seats_come_off_the_lines_in_turn() -> None:
    """12 included of 10 + 3: all of the first line and two of the second."""
    asks = replace(LOCKED, included=12, profile=replace(LOCKED.profile, show_included=True))
    lines = shared(13, PRICE_MOVED, PRESENT, asks=asks)
    assert [one.terms.included for one in lines] == [10, 2]


def test_whom_seats_belong_to_stands_on_one_line() -> None:
    """The first that has any; on the other the row's own words alone. Where none has, on the row's own line."""
    asks = replace(LOCKED, text="Office", profile=replace(LOCKED.profile, unassigned=True))
    assert [one.terms.text for one in shared(13, PRICE_MOVED, PRESENT, asks=asks)] == [
        "Office; Unassigned: 13",
        "Office",
    ]
    none = shared(0, PRICE_MOVED, PRESENT, asks=asks)
    assert [(one.terms.quantity, one.terms.text) for one in none] == [(0, "Office; Unassigned: 0"), (0, "Office")]


def test_start_on_is_for_seats_that_were_there() -> None:
    """A day to come holds for a new line too; one that is over, or is today, says nothing of seats bought since."""
    for day, later in ((AHEAD, AHEAD), (MARCH_17, None), (PAST, None)):
        lines = shared(13, PRICE_MOVED, asks=replace(LOCKED, start_on=day))
        assert [one.row.start_on for one in lines] == [day, later]


def test_line_that_is_gone_stops_those_beside_it() -> None:
    """Of 13 seats nobody knows how many are to stand on the line that is left."""
    lines, bindings = lines_of([PRICE_MOVED, PRESENT])
    owned = ownership(ground(lines[:1], bindings), [KEY])
    stopped = allotted(wished([LOCKED], snapshot(seen(14))), owned, MARCH_17).lines
    assert [(one.key, one.doubt is not None) for one in stopped] == [(key_of(1), True), (key_of(2), True)]


def test_ended_line_of_a_row_has_no_seats() -> None:
    """The first line ended in February; three stand on the second, and five more join them."""
    lines, bindings = lines_of([PRICE_MOVED, PRESENT])
    lines[0], bindings[0] = replace(lines[0], end=date(2026, 2, 1)), replace(bindings[0], state=BindingState.ENDED)
    owned = ownership(ground(lines, bindings), [KEY])
    found = allotted(wished([LOCKED], snapshot(seen(8))), owned, MARCH_17).lines
    assert [(one.key, one.terms.quantity) for one in found] == [(key_of(1), 0), (key_of(2), 8)]


def test_row_that_locks_no_more_has_one_price() -> None:
    """Both lines go to the PSA's price; new seats join the line at the present price, or else the newest."""
    plain = replace(LOCKED, profile=PROFILE)
    assert numbers(shared(15, PRICE_MOVED, PRESENT, asks=plain)) == [(12, None), (3, None)]
    assert numbers(shared(15, (10, Decimal(21), AHEAD), PRESENT, asks=plain)) == [(10, None), (5, None)]


def test_first_line_of_a_row_says_no_price() -> None:
    """One line, one price: the label names it only where there is another."""
    [one] = shared(10)
    assert (one.label, one.terms.price) == ("Licence cbdc", Decimal(24))
