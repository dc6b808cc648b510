"""Lines of one row whose seats were bought at different prices."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.agreements import Line
from agent.domain.changes import AddLine, EndLine, SetPrice, SetQuantity
from agent.domain.counts import Observation, Term
from agent.domain.keys import LineKey, Mark
from agent.domain.mappings import PricePolicy
from agent.domain.owed import last_renewal
from agent.domain.ownership import Binding
from agent.domain.terms import UNREAD
from tests.domain.given import (
    INSTALLATION,
    PROFILE,
    binding,
    drafted,
    ground,
    line,
    observation,
    row,
    seen_before,
    snapshot,
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
