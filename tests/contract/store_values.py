"""Values for the laws of a store: a few plain ones by hand, and every one that Hypothesis can think of."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from agent.domain.agreements import Agreement, Billable, Line, Product, Standing
from agent.domain.changes import AddLine, Planned, Realisation, Step, Terms, Write
from agent.domain.counts import (
    Account,
    Coverage,
    Deal,
    Group,
    Invoiced,
    MailboxKind,
    Member,
    Observation,
    Snapshot,
    Status,
    Subscription,
    System,
    Term,
    Unit,
)
from agent.domain.findings import Apart, Code, Finding, Severity, Stop
from agent.domain.keys import LineKey, Role
from agent.domain.money import Money
from agent.domain.ownership import Binding, BindingState, Charge, Sighting
from agent.domain.periods import Grid, Period
from agent.ports import Learnt
from agent.store import open_store
from agent.store.store import SqlStore

COMPANY = 250
AGREEMENT = 1021
PSA = "connectwise"
TENANT = "4f1c0000-0000-0000-0000-000000000001"
NOW = datetime(2026, 3, 17, 9, 30, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERTH = timezone(timedelta(hours=8))  # without the summer times of ZoneInfo, whose repeated hours equal nothing


@dataclass
class StillClock:
    """A clock that stands until a test moves it."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def today(self, zone: ZoneInfo) -> date:
        return self.at.astimezone(zone).date()

    def monotonic(self) -> int:
        return 0

    def sleep(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Place:
    """Where a store lies. `sql` speaks to its database past the store; `unguarded` takes the journal's lock off."""

    url: str
    folder: Path
    sql: Callable[..., None]
    unguarded: tuple[str, ...]
    clock: StillClock = field(default_factory=StillClock)

    def open(self) -> SqlStore:
        return open_store(self.url, self.folder, self.clock)


def key(count: str = "sku-1", part: str = "", role: Role = Role.BASE) -> LineKey:
    return LineKey(PSA, AGREEMENT, TENANT, count, "", "", "M365-BP-M", role, part)


def write(of: LineKey | None = None) -> Write:
    """POST of a new line of 12."""
    return Write(
        of or key(),
        AGREEMENT,
        COMPANY,
        "POST",
        "/finance/agreements/1021/additions",
        '{"quantity": 12}',
        "new addition of 12",
        {},
        {"quantity": "12"},
        mark="TUAAAAAABBBBBBBBBBBBBBBBCCCCCC",
        boundary=date(2026, 4, 1),
    )


def planned(of: LineKey | None = None, quantity: int = 12, holds: tuple[str, ...] = ()) -> Planned:
    """12 at 22.00 = 264.00 a month more."""
    line = of or key()
    change = AddLine(
        key=line,
        company=COMPANY,
        label="Microsoft 365 Business Premium",
        product=4021,
        after=Terms(quantity, 0, Decimal("22.00"), Billable.BILLABLE, "Business Premium"),
        effective=date(2026, 3, 17),
        reason="12 purchased, nothing billed",
        monthly=Money(Decimal("22.00") * quantity, "USD"),
    )
    return Planned(change, Realisation((write(line),)), holds)


def binding(of: LineKey | None = None, state: BindingState = BindingState.LIVE, line: int = 4711) -> Binding:
    return Binding(of or key(), line, "TUmark", state, False, {"quantity": "12"}, date(2026, 4, 1))


def finding(
    subject: str = "t/sku-1", code: Code = Code.UNASSIGNED_SEATS, sentence: str = "2 seats of nobody"
) -> Finding:
    return Finding(code, Severity.INFO, COMPANY, subject, sentence, "use them or hand them back")


def line(quantity: int = 12, id: int = 4711) -> Line:
    price, start = Decimal("22.00"), date(2026, 3, 1)
    numbers = Decimal(quantity), Decimal(0), price
    return Line(id, AGREEMENT, 4021, "M365-BP-M", *numbers, Billable.BILLABLE, start, None, "Business Premium")


def standing(*lines: Line) -> Standing:
    agreement = Agreement(AGREEMENT, COMPANY, "Managed", 1, "monthly", True, date(2025, 1, 1), date(2026, 4, 1))
    product = Product(4021, "M365-BP-M", "Business Premium", Decimal("22.00"))
    return Standing({AGREEMENT: agreement}, {AGREEMENT: list(lines)}, {"M365-BP-M": product})


NOTHING = Learnt(COMPANY, (), (), (), {}, (), {}, (), None, True)


def learnt(**changes: object) -> Learnt:
    """A complete planning of company 250 that learnt just this."""
    return replace(NOTHING, **changes)


# Hostile text: quotes, slashes, NUL, halves of surrogate pairs, right-to-left marks.
texts = st.text(max_size=30) | st.sampled_from(["O'Neil/7; DROP", "a\x00b", "\ud800", "Łódź ‮ 東京", "%2F/", ""])
# Keys are made of ids and of mapping files, which hold no halves of surrogate pairs.
key_texts = st.text(st.characters(codec="utf-8"), max_size=20)
ids = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=36)
numbers = st.integers(-(2**63) + 1, 2**63 - 1)
days = st.dates()
instants = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, PERTH]),
)
plain_texts = st.dictionaries(texts, texts, max_size=4)
moneys = st.builds(
    Money, st.decimals(-(10**9), 10**9, places=6) | st.decimals(0, 1000, places=2), st.sampled_from(["USD", "JPY"])
)
keys = st.builds(
    LineKey,
    st.just(PSA),
    st.just(AGREEMENT),
    key_texts,
    key_texts,
    key_texts,
    key_texts,
    key_texts,
    st.sampled_from(Role),
    key_texts,
    key_texts,
)
perhaps = st.none() | days
periods = st.tuples(days, days).filter(lambda pair: pair[0] < pair[1]).map(lambda pair: Period(*pair))
bindings = st.builds(
    Binding, keys, numbers, ids, st.sampled_from(BindingState), st.booleans(), plain_texts, perhaps, perhaps
)
sightings = st.builds(Sighting, keys, numbers, days, instants, instants)
writes = st.builds(
    Write,
    keys,
    st.just(AGREEMENT),
    st.just(COMPANY),
    st.sampled_from(["POST", "PATCH"]),
    texts,
    texts,
    texts,
    plain_texts,
    plain_texts,
    st.none() | numbers,
    texts,
    perhaps,
    perhaps,
)
steps = st.lists(st.builds(Step, texts, texts, texts), max_size=4).map(tuple)
findings = st.builds(
    Finding,
    st.sampled_from(Code),
    st.sampled_from(Severity),
    st.none() | st.just(COMPANY),
    texts,
    texts,
    texts,
    st.none() | moneys,
    st.none()
    | st.builds(
        Apart,
        texts,
        st.integers(1, 10**6),
        st.none() | moneys,
        st.none() | st.integers(1),
        texts,
        st.none() | st.builds(Grid, days, st.integers(1, 12)),
    ),
)
terms = st.builds(
    Terms, st.integers(0), st.integers(0), st.none() | st.decimals(0, 10**6), st.sampled_from(Billable), texts
)
changes = st.builds(
    AddLine,
    key=keys,
    company=st.just(COMPANY),
    label=texts,
    product=numbers,
    after=terms,
    effective=days,
    reason=texts,
    before=st.none() | terms,
    monthly=st.none() | moneys,
)
helds = st.builds(
    Planned,
    changes,
    st.builds(Realisation, st.lists(writes, max_size=2).map(tuple), next_invoice=st.none() | moneys),
    st.lists(texts, min_size=1, max_size=3).map(tuple),
)
deals = st.builds(
    Deal,
    st.builds(Term, st.sampled_from([1, 12, 36]), st.sampled_from([1, 12, 36, None])),
    numbers,
    st.none() | instants,
    st.none() | instants,
    st.booleans(),
    st.none() | numbers,
    texts,
)
subscriptions = st.builds(
    Subscription,
    ids,
    numbers,
    st.sampled_from(Status),
    st.none() | instants,
    st.none() | instants,
    st.booleans(),
    texts,
    texts,
    st.none() | deals,
    st.none() | moneys,
    st.none() | moneys,
    st.sampled_from([None, 1, 12]),
    st.none() | instants,
)
observations = st.builds(
    Observation,
    ids,
    texts,
    texts,
    st.none() | numbers,
    st.none() | numbers,
    st.booleans(),
    st.lists(subscriptions, max_size=3).map(tuple),
    st.sampled_from(Unit),
    st.none() | st.builds(Invoiced, numbers, moneys),
)
members = st.builds(
    Member,
    ids,
    texts,
    texts,
    st.booleans(),
    st.booleans(),
    st.frozensets(ids, max_size=3),
    plain_texts,
    st.dictionaries(ids, instants.map(lambda at: at.replace(microsecond=0)), max_size=2),
)
people = st.lists(members, max_size=2).map(tuple)
snapshots = st.builds(
    Snapshot,
    st.builds(Account, st.just("microsoft"), ids, texts),
    instants,
    st.dictionaries(ids, observations, max_size=3),
    st.lists(members, max_size=3).map(tuple),
    st.frozensets(st.sampled_from(Coverage)),
    st.dictionaries(ids, st.builds(Group, people, people), max_size=2),
    st.dictionaries(st.sampled_from(MailboxKind), people),
    st.dictionaries(ids, st.builds(Stop, st.sampled_from(Code), texts, texts), max_size=2),
    st.dictionaries(st.sampled_from(System), people),
)


amounts = st.none() | st.decimals(-(10**6), 10**6, places=2)
agreements = st.builds(
    Agreement,
    st.just(AGREEMENT),
    numbers,
    texts,
    st.none() | st.integers(1, 12),
    texts,
    st.booleans(),
    *[st.none() | days] * 3,
    st.none() | texts,
    st.none() | numbers,
    texts,
)
lines = st.builds(
    Line,
    numbers,
    st.just(AGREEMENT),
    numbers,
    texts,
    st.decimals(-1000, 1000, places=2),
    st.decimals(0, 1000, places=2),
    amounts,
    st.sampled_from(Billable),
    st.none() | days,
    st.none() | days,
    *[texts] * 4,
)
products = st.builds(Product, numbers, texts, texts, amounts, amounts, texts)
standings = st.builds(
    lambda agreement, lines, products: Standing({AGREEMENT: agreement}, {AGREEMENT: lines}, products),
    agreements,
    st.lists(lines, max_size=3, unique_by=lambda line: line.id).map(lambda some: sorted(some, key=lambda x: x.id)),
    st.dictionaries(ids, products, max_size=2),
)


def charge(start: date, end: date, quantity: int, of: LineKey | None = None) -> Charge:
    return Charge(of or key(), Period(start, end), quantity)
