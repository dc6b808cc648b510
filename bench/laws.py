"""Random prorations, worked out twice by independent methods: python -m bench.laws [CASES] [SEED].

Ends with 1 at the first case on which agent.domain.proration and tests.domain.proration_twin differ, and prints it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

from agent.domain.money import Money, Rounding
from agent.domain.periods import Grid
from agent.domain.proration import Convention, Days, Denominator, Interval, PerSecond, RoundAt, Span
from tests.domain import proration_twin as twin

CASES, SEED = 1_000_000, 2026
CURRENCIES = {"USD": 2, "JPY": 0, "KWD": 3}
MONTHS = (1,) * 20 + (3, 3, 12, 36)  # long periods are walked day by day
FIRST_DAY, DAYS = date(2000, 1, 1), 36_525


def choice(rng: random.Random) -> twin.Choice:
    return twin.Choice(
        rng.choice(list(Days)),
        rng.choice(list(Denominator)),
        rng.choice(list(RoundAt)),
        rng.choice(list(Rounding)),
        rng.choice((None, None, 9)),
    )


def case(rng: random.Random) -> tuple[twin.Case, str]:
    """A case and its currency; intervals begin and end before, within and after the period."""
    anchor, months, nth = FIRST_DAY + timedelta(rng.randrange(DAYS)), rng.choice(MONTHS), rng.randint(-12, 12)
    about = Grid(anchor, months).nth(nth)
    start = about.start + timedelta(rng.randint(-5, about.days + 5))
    end = None if rng.random() < 0.3 else start + timedelta(rng.randint(0, about.days))
    price, quantity = rng.randint(-5_000_000, 50_000_000), rng.randint(-50, 5_000)
    currency = rng.choice(list(CURRENCIES))
    made = twin.Case(anchor, months, nth, start, end, price, quantity, CURRENCIES[currency], choice(rng))
    return made, currency


def by_the_domain(made: twin.Case, currency: str) -> tuple[tuple[date, date], Fraction, Decimal]:
    """The period, the share of it and the amount, in coins, as agent.domain has them."""
    period = Grid(made.anchor, made.months).nth(made.nth)
    convention = Convention(
        Days(made.choice.days),
        Denominator(made.choice.denominator),
        round_at=RoundAt(made.choice.round_at),
        rounding=Rounding(made.choice.rounding),
        ratio_places=made.choice.ratio_places,
    )
    price = Money(Decimal(made.price) / twin.PRICE_UNIT, currency)
    interval = Interval(made.start, made.end)
    amount = convention.amount(price, made.quantity, interval, period)
    share = convention.fraction(interval, period)
    return (period.start, period.end), share, amount.amount.scaleb(made.decimals)


def by_the_twin(made: twin.Case) -> tuple[tuple[date, date], Fraction, Decimal]:
    billed, whole = twin.count(made)
    return twin.period(made), Fraction(billed, whole), Decimal(twin.charge(made, billed, whole))


def spans(rng: random.Random) -> tuple[datetime, datetime, datetime, datetime]:
    """Start and end of an interval and of a period, each in a zone of its own."""

    def later(than: datetime, least: int) -> datetime:
        zone = timezone(timedelta(minutes=15 * rng.randint(-48, 56)))
        return (than + timedelta(seconds=rng.randint(least, 40 * 86_400))).astimezone(zone)

    new_year = datetime(rng.randint(2000, 2099), 1, 1, tzinfo=UTC)
    start, first = later(new_year, 0), later(new_year, 0)
    return start, later(start, 0), first, later(first, 1)


def disagreements(cases: int, seed: int) -> Iterator[str]:
    """Every case on which the two differ; one in ten is by the second."""
    rng = random.Random(seed)
    for i in range(cases):
        if i % 10:
            made, currency = case(rng)
            one, other = by_the_domain(made, currency), by_the_twin(made)
            if one != other:
                yield f"{made} in {currency}: {one} and {other}"
        else:
            instants = spans(rng)
            counted = PerSecond().count(Span(*instants[:2]), Span(*instants[2:]))
            if counted != twin.seconds(*instants):
                yield f"{instants}: {counted} and {twin.seconds(*instants)}"


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    cases, seed = [*given, *(CASES, SEED)[len(given) :]]
    began = time.perf_counter()
    for difference in disagreements(cases, seed):
        raise SystemExit(f"The two implementations differ on {difference}")
    took = time.perf_counter() - began
    print(f"{cases:,} random cases (seed {seed}) agree: {took:.0f} s, {cases / took:,.0f} a second by both methods")


if __name__ == "__main__":
    main()
