"""A small MSP in a few words: one company, one tenant, one monthly agreement, one product at 22.00."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from agent.domain.agreements import Agreement, Billable, Line, Product
from agent.domain.changes import Change
from agent.domain.counts import Account, Coverage, Member, Observation, Snapshot, Status, Subscription
from agent.domain.desired import Desired, desired
from agent.domain.holdings import Ground, ownership
from agent.domain.keys import LineKey, Mark
from agent.domain.mappings import (
    BillingProfile,
    CompanyMapping,
    LicenceCount,
    Mappings,
    Mode,
    Place,
    PricePolicy,
    Row,
)
from agent.domain.ownership import Binding, BindingState, Charge, Sighting, Timing, picture
from agent.domain.plan import Draft, draft
from agent.domain.price_lock import allotted
from agent.domain.terms import UNREAD, History

TENANT = "4f1c0000-0000-0000-0000-000000000001"
PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
INSTALLATION = "test-installation"
MARCH_17 = date(2026, 3, 17)
NOW = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)
PRODUCT = Product(4021, "M365-BP-M", "Microsoft 365 Business Premium", Decimal("22.00"))
PROFILE = BillingProfile("premium-monthly", PRODUCT.identifier, PricePolicy())


def agreement(number: int = 1021, **changes: object) -> Agreement:
    """Monthly, prorated, billed in advance on the first; March 2026 is invoiced."""
    plain = Agreement(number, 250, "Managed services", 1, "Monthly", True, date(2025, 1, 1), date(2026, 4, 1))
    return replace(plain, **changes)


def line(number: int = 4711, quantity: int = 10, **changes: object) -> Line:
    plain = Line(
        number,
        1021,
        PRODUCT.id,
        PRODUCT.identifier,
        Decimal(quantity),
        Decimal(0),
        PRODUCT.price,
        Billable.BILLABLE,
        date(2025, 1, 1),
        None,
        "Microsoft 365 Business Premium",
    )
    return replace(plain, **changes)


def member(login: str, *skus: str, enabled: bool = True, guest: bool = False, **attributes: str) -> Member:
    return Member(f"id-{login}", login, login.split("@")[0].title(), enabled, guest, frozenset(skus), attributes)


def observation(sku: str = PREMIUM, purchased: int = 12, assigned: int = 0, **changes: object) -> Observation:
    bought = (Subscription(f"sub-{sku[:8]}", purchased, Status.ENABLED),) if purchased else ()
    seen = Observation(sku, sku[:4].upper(), f"Licence {sku[:4]}", purchased, assigned, True, bought)
    return replace(seen, **changes)


def snapshot(*observations: Observation, members: Iterable[Member] = (), tenant: str = TENANT) -> Snapshot:
    seen = {o.sku: o for o in observations}
    return Snapshot(Account("microsoft", tenant), NOW, seen, tuple(members), frozenset(Coverage))


def row(position: int = 1, sku: str = PREMIUM, subscription: str = "", **changes: object) -> Row:
    place = Place("contoso.toml", position)
    return replace(Row(250, TENANT, LicenceCount(sku, subscription), PROFILE, 1021, place), **changes)


def mapping(*rows: Row, mode: Mode = Mode.AUTO) -> CompanyMapping:
    return CompanyMapping(250, "Contoso", (TENANT,), mode, rows, (), Place("contoso.toml", 1))


def mappings(*companies: CompanyMapping) -> Mappings:
    return Mappings({c.company: c for c in companies}, (), "digest")


def binding(key: LineKey, of: Line, adopted: bool = False, boundary: date | None = date(2026, 3, 1)) -> Binding:
    mark = str(Mark.of(INSTALLATION, key))
    return Binding(key, of.id, mark, BindingState.LIVE, adopted, {} if adopted else picture(of), boundary)


def ground(
    lines: Sequence[Line] = (),
    bindings: Sequence[Binding] = (),
    agreements: Sequence[Agreement] = (),
    charges: Sequence[Charge] = (),
    boundaries: dict[int, date] | None = None,
    today: date = MARCH_17,
) -> Ground:
    known = agreements or (agreement(),)
    return Ground(
        psa="connectwise",
        installation=INSTALLATION,
        company=250,
        today=today,
        agreements={a.id: a for a in known},
        lines={a.id: [x for x in lines if x.agreement == a.id] for a in known},
        bindings={b.key: b for b in bindings},
        charges={c.key: tuple(x for x in charges if x.key == c.key) for c in charges},
        boundaries=boundaries or {},
    )


def seen_before(key: LineKey, quantity: int, hours: int = 24, since: date = MARCH_17) -> dict[LineKey, Sighting]:
    first = NOW - timedelta(hours=hours)
    return {key: Sighting(key, quantity, since, first, first)}


def wished(rows: Sequence[Row], snap: Snapshot, history: History = UNREAD) -> Desired:
    company, products = mapping(*rows), {PRODUCT.identifier: PRODUCT}
    snapshots, histories = {TENANT: snap}, {TENANT: history}
    return desired(company, mappings(company), snapshots, products, "connectwise", 6000, "USD", histories)


def drafted(
    rows: Sequence[Row],
    snap: Snapshot,
    on: Ground,
    sightings: dict[LineKey, Sighting] | None = None,
    open_keys: frozenset[LineKey] = frozenset(),
    history: History = UNREAD,
) -> Draft:
    wanted = wished(rows, snap, history)
    owned = ownership(on, [r.key("connectwise") for r in rows])
    wanted = allotted(wanted, owned, on.today)
    timing = Timing(NOW, on.today, timedelta(seconds=60))
    return draft(wanted, owned, on, sightings or {}, open_keys, timing, "USD")


def only(changes: Sequence[Change]) -> Change:
    [change] = changes
    return change
