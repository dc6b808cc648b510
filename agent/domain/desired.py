"""From snapshots and mapping rows to desired lines, with the derivation of every number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from agent.domain.agreements import Product
from agent.domain.changes import Step, Terms
from agent.domain.counts import (
    MICROSOFT,
    Account,
    Coverage,
    MailboxKind,
    Member,
    Observation,
    Snapshot,
    Status,
    Subscription,
    Unit,
)
from agent.domain.descriptions import invoice_text, shown
from agent.domain.findings import Code, Stop
from agent.domain.keys import LineKey
from agent.domain.mappings import (
    CompanyMapping,
    DeviceCount,
    FixedCount,
    GroupCount,
    GroupMembers,
    LicenceCount,
    MailboxCount,
    Mappings,
    PeopleCount,
    Place,
    Row,
    SumCount,
    Usernames,
)
from agent.domain.owed import Owed, commitment_steps, last_renewal, owed
from agent.domain.ownership import Kept
from agent.domain.partition import gap_of, licence_rows, overlaps, unclaimed, unjudged
from agent.domain.terms import UNREAD, History


@dataclass(frozen=True, slots=True)
class Tally:
    """What a row counts in a snapshot. `doubt` says why the number must not be billed on; None when it may."""

    counted: int
    people: tuple[Member, ...]
    unassigned: int | None
    steps: tuple[Step, ...]
    doubt: Stop | None = None
    bought: tuple[tuple[date, int], ...] = ()  # purchases behind the count whose day the source proves
    asks: str = ""  # why a person must agree before the number lowers anything


@dataclass(frozen=True, slots=True)
class DesiredLine:
    """What a row asks for. With a `doubt` its line stays as it is, whatever the number says.

    `renews` is when the seats' commitments will have renewed, where the source tells; `locked` up to which renewal
    the line keeps its price.
    """

    key: LineKey
    row: Row
    product: Product
    terms: Terms
    label: str
    counted: int
    steps: tuple[Step, ...]
    doubt: Stop | None = None
    bought: tuple[tuple[date, int], ...] = ()
    owes: Owed | None = None
    release: Release | None = None
    renews: date | None = None
    locked: date | None = None
    asks: str = ""
    kept: Kept | None = None  # these are not the row's terms: a person keeps the line


@dataclass(frozen=True, slots=True)
class Release:
    """What the line falls to once the next renewal sets unused seats free."""

    on: date
    quantity: int


@dataclass(frozen=True, slots=True)
class Desired:
    """`unknown` are the rows' keys for which no number could be had, with the reason: neither wanted nor orphaned."""

    lines: tuple[DesiredLine, ...]
    unknown: Mapping[LineKey, Stop]


def desired(
    mapping: CompanyMapping,
    mappings: Mappings,
    snapshots: Mapping[str, Snapshot],
    products: Mapping[str, Product],
    psa: str,
    text_limit: int,
    currency: str,
    histories: Mapping[str, History] = MappingProxyType({}),
) -> Desired:
    """Desired lines of one company. An account without a snapshot was not read: its rows are unknown, not zero.

    `histories` are those of the accounts whose rows ask for terms.
    """
    stops = _stopped(mappings, {row.account for row in mapping.rows}, snapshots)
    lines, unknown = [], {}
    for row in mapping.rows:
        snapshot, product = snapshots.get(row.account), products.get(row.profile.product)
        key = row.key(psa)
        if snapshot is None and not isinstance(row.count, FixedCount):
            unread = f"{Account.parse(row.account)} could not be read"
            unknown[key] = Stop(Code.SOURCE_STALE, unread, "see the finding of its own")
        elif product is None:
            unknown[key] = _no_product(row, f"the PSA has no product {row.profile.product}")
        elif product.refusal:
            unknown[key] = _no_product(row, product.refusal)
        else:
            history, stop = histories.get(row.account, UNREAD), stops.get(row.place)
            owes = owed(row, snapshot, history) if snapshot else None
            line = _line(row, key, snapshot, product, text_limit, currency, stop, owes)
            if snapshot and row.profile.price_lock:
                line = replace(line, renews=last_renewal(row, snapshot, history))
            lines.append(line)
    return Desired(tuple(lines), unknown)


def _no_product(row: Row, reason: str) -> Stop:
    return Stop(Code.MISSING_PRODUCT, reason, f"create the product, or name another in profile {row.profile.name}")


def billed(counted: int, included: int, minimum: int) -> int:
    """What goes on the invoice: max(minimum, max(0, counted - included))."""
    return max(minimum, max(0, counted - included))


def tally(row: Row, snapshot: Snapshot | None) -> Tally:
    """Which seats belong to the row, before included and minimum. Only a fixed number needs no snapshot."""
    found = _tally(row, snapshot)
    if snapshot is None or not snapshot.from_file:
        return found
    return replace(found, asks=found.asks or f"{snapshot.account} is a file, and no second read agrees with it")


def _tally(row: Row, snapshot: Snapshot | None) -> Tally:
    if isinstance(row.count, FixedCount):
        number = row.count.quantity
        return Tally(number, (), None, (Step("fixed", f"the mapping file says {number}", str(number)),))
    if snapshot is None:
        return Tally(0, (), None, (), _half_told(f"{Account.parse(row.account)} was not read"))
    match row.count:
        case LicenceCount(sku=sku):
            return _licence_tally(row, sku, snapshot)
        case SumCount(skus=skus):
            return _sum_tally(row, skus, snapshot)
        case PeopleCount(domain=domain):
            return _people_tally(row, domain, snapshot)
        case GroupCount() as group:
            return _group_tally(row, group, snapshot)
        case MailboxCount(kind=kind):
            return _mailbox_tally(kind, snapshot)
        case DeviceCount() as devices:
            return _device_tally(devices, snapshot)


def label(row: Row, snapshot: Snapshot | None) -> str:
    """How people call what a row bills."""
    if not isinstance(row.count, LicenceCount):
        return row.name or row.text or _count_words(row, snapshot)
    name = _licence_name(row.count.sku, snapshot) or row.text or row.profile.name
    return f"{name} ({row.name or row.subscription[:8]})" if row.name or row.subscription else name


def _count_words(row: Row, snapshot: Snapshot | None) -> str:
    match row.count:
        case SumCount(skus=skus):
            return " + ".join(_licence_name(sku, snapshot) or sku for sku in skus)
        case PeopleCount(domain=domain):
            return f"licensed users of {domain}" if domain else "licensed users"
        case GroupCount(group=group, members=members):
            return f"{_MEMBER_WORDS[members]} in group {group[:8]}"
        case MailboxCount(kind=kind):
            return f"{kind} mailboxes"
        case DeviceCount() as devices:
            return _device_words(devices)
    return f"{row.profile.product}, fixed number"


_MEMBER_WORDS = {
    GroupMembers.USERS: "users",
    GroupMembers.DEVICES: "devices",
    GroupMembers.ALL: "users and devices",
}


def _licence_name(sku: str, snapshot: Snapshot | None) -> str:
    seen = snapshot.observations.get(sku) if snapshot else None
    return seen.name if seen else ""


def _line(
    row: Row,
    key: LineKey,
    snapshot: Snapshot | None,
    product: Product,
    limit: int,
    currency: str,
    stopped: Stop | None,
    owes: Owed | None,
) -> DesiredLine:
    found = tally(row, snapshot)
    counted = max(found.counted, owes.seats) if owes else found.counted
    terms = Terms(
        quantity=_shown_quantity(row, counted),
        included=_shown_included(row, counted),
        price=row.profile.price.price(product.price, currency),
        billable=row.profile.billable,
        text=_text(row, product, found, limit),
        heading=row.text,
    )
    held = tuple(commitment_steps(owes, found.counted)) if owes else _term_steps(row)
    steps = (*found.steps, *held, *_quantity_steps(row, counted), *_price_steps(row, product, terms))
    doubt = stopped or found.doubt
    bought = found.bought if row.profile.date_from_source else ()
    release = _release(row, found.counted, owes) if owes and not doubt else None
    called = label(row, snapshot)
    plain = DesiredLine(key, row, product, terms, called, found.counted, steps, doubt, bought, owes, release)
    return replace(plain, asks=found.asks)


def _shown_included(row: Row, counted: int) -> int:
    """With show-included the PSA subtracts what is included, so the line carries it on top of what is billed."""
    return min(row.included, counted) if row.profile.show_included else 0


def _shown_quantity(row: Row, counted: int) -> int:
    return billed(counted, row.included, row.minimum) + _shown_included(row, counted)


def _release(row: Row, used: int, owes: Owed) -> Release | None:
    on = owes.next_release
    if on is None:
        return None
    then = _shown_quantity(row, max(used, owes.seats_after(on)))
    return Release(on.date(), then) if then < _shown_quantity(row, max(used, owes.seats)) else None


def _stopped(mappings: Mappings, accounts: set[str], snapshots: Mapping[str, Snapshot]) -> Mapping[Place, Stop]:
    """Rows that must wait because of what other rows of their account say, in whichever company's file."""
    found: dict[Place, Stop] = {}
    for account in accounts:
        rows, snapshot = mappings.rows_by_account.get(account, ()), snapshots.get(account)
        if snapshot is not None:
            found |= {row.place: waiting.gap for waiting in unjudged(rows, snapshot) for row in waiting.rows}
            found |= _renewed(rows, snapshot)
        found |= _overlapping(rows, snapshot)
    return found


def _overlapping(rows: Sequence[Row], snapshot: Snapshot | None) -> Mapping[Place, Stop]:
    found: dict[Place, Stop] = {}
    for overlap in overlaps(rows, snapshot):
        people = f" ({', '.join(m.login for m in overlap.people[:_SHOWN])})" if overlap.people else ""
        for row in overlap.rows:
            others = ", ".join(str(r.place) for r in overlap.rows if r is not row)
            reason = f"its seats{people} are also billed by {others}"
            found[row.place] = Stop(Code.OVERLAP, reason, "let one row bill each seat: narrow a filter or remove a row")
    return found


_SHOWN = 5  # names in a sentence


def _renewed(rows: Sequence[Row], snapshot: Snapshot) -> Mapping[Place, Stop]:
    """Rows whose subscription is over while another one that no row names is live: it may be the renewal."""
    found: dict[Place, Stop] = {}
    for sku, of_sku in licence_rows(rows).items():
        seen = snapshot.observations.get(sku)
        for other in unclaimed(of_sku, seen):
            for row in of_sku:
                mine = next((one for one in seen.subscriptions if one.id == row.subscription), None) if seen else None
                if mine and mine.status in (Status.SUSPENDED, Status.LOCKED_OUT, Status.DELETED):
                    reason = f"its subscription is {mine.status}, and {_told(other)} is billed by no row"
                    found[row.place] = Stop(Code.SUBSCRIPTION_GONE, reason, _AFTER_RENEWAL)
    return found


_AFTER_RENEWAL = (
    "if the other one is its renewal, write its id into the row: the line ends and its successor begins the day after; "
    "else give the other one a row or an exclusion of its own"
)


def _licence_tally(row: Row, sku: str, snapshot: Snapshot) -> Tally:
    seen = snapshot.observations.get(sku)
    if seen is None and Coverage.LICENCES not in snapshot.coverage:
        return Tally(0, (), None, (), _half_told(f"{snapshot.account} does not list {sku}, and need not list all"))
    if seen is None:
        what = "the licence" if snapshot.account.source == MICROSOFT else sku
        gone = f"{snapshot.account} does not list {what} any more"
        return Tally(0, (), None, (Step("licence", gone, "0"),), _emptied(snapshot), asks=gone)
    if row.personal:
        return _assigned_tally(row, seen, snapshot)
    return _purchased_tally(row, seen, snapshot)


def _purchased_tally(row: Row, seen: Observation, snapshot: Snapshot) -> Tally:
    people = snapshot.holders(seen.sku) if seen.per_user else ()
    if row.subscription:
        return _subscription_tally(row.subscription, seen)
    if seen.purchased is None:
        return Tally(0, (), None, (), _half_told(f"{snapshot.account} tells no purchases"))
    parts = [f"{s.quantity} ({s.status}, {s.id[:8]})" for s in seen.subscriptions if s.status.billed]
    says = f"{seen.name}: {' + '.join(parts) or seen.prepaid} purchased"
    doubt = _half_told(_contradiction(seen, snapshot)) if seen.contradicts_itself else None
    unassigned = seen.unassigned if seen.per_user else None
    bought = tuple((s.created.date(), s.quantity) for s in seen.subscriptions if s.created and s.status.billed)
    step = Step("purchased", says, str(seen.purchased))
    return Tally(seen.purchased, people, unassigned, (step,), doubt, bought)


def _contradiction(seen: Observation, snapshot: Snapshot) -> str:
    if seen.purchased != seen.prepaid:
        return f"its purchases add up to {seen.purchased}, but {snapshot.account} says {seen.prepaid} units"
    unknown = ", ".join(one.id for one in seen.subscriptions if one.status is Status.UNKNOWN)
    return f"it is not known whether purchase {unknown} is in force"


def _subscription_tally(subscription: str, seen: Observation) -> Tally:
    # Who uses which subscription is nowhere to be read, so a split line names nobody.
    found = next((s for s in seen.subscriptions if s.id == subscription), None)
    if found is None:
        step = Step("subscription", f"{seen.name}: subscription {subscription} is not listed any more", "0")
        listed = ", ".join(_told(one) for one in seen.subscriptions) or "none"
        reason = f"subscription {subscription} is not listed any more; the licence has {listed}"
        return Tally(0, (), None, (step,), Stop(Code.SUBSCRIPTION_GONE, reason, _AFTER_RENEWAL))
    counted = found.quantity if found.status.billed else 0
    says = f"{seen.name}: {found.quantity} in subscription {subscription}, {found.status}"
    doubt = _half_told("the subscription's state is not known") if found.status is Status.UNKNOWN else None
    return Tally(counted, (), None, (Step("subscription", says, str(counted)),), doubt)


def _assigned_tally(row: Row, seen: Observation, snapshot: Snapshot) -> Tally:
    if Coverage.MEMBERS not in snapshot.coverage:
        return _in_use_tally(row, seen, snapshot)
    gap = gap_of(row, snapshot)
    if gap:
        return Tally(0, (), None, (), gap)
    holders = snapshot.holders(seen.sku)
    people = tuple(m for m in holders if row.counts(m, snapshot.groups))
    if seen.unit is not Unit.SEAT and row.users is None:
        return Tally(len(people), people, None, (Step("in use", f"{seen.name}: {seen.told}", str(len(people))),))
    says = f"{seen.name}: {len(people)} of {len(holders)} holders match {_filter_words(row)}"
    return Tally(len(people), people, None, (Step("assigned", says, str(len(people))),))


def _in_use_tally(row: Row, seen: Observation, snapshot: Snapshot) -> Tally:
    """A number without names is as good as the list, unless the row asks who they are."""
    if row.users is not None or seen.assigned is None or Coverage.IN_USE not in snapshot.coverage:
        whose = (
            "the tenant's users" if snapshot.account.source == MICROSOFT else f"what is in use at {snapshot.account}"
        )
        return Tally(0, (), None, (), _half_told(f"{whose} could not be read"))
    return Tally(seen.assigned, (), None, (Step("in use", f"{seen.name}: {seen.told}", str(seen.assigned)),))


def _sum_tally(row: Row, skus: Sequence[str], snapshot: Snapshot) -> Tally:
    tallies = [_licence_tally(row, sku, snapshot) for sku in skus]
    people = {m.id: m for t in tallies for m in t.people}
    steps = tuple(step for t in tallies for step in t.steps)
    counted = sum(t.counted for t in tallies)
    doubt = next((t.doubt for t in tallies if t.doubt), None)
    asks = next((t.asks for t in tallies if t.asks), "")
    total = Step("sum", "together", str(counted))
    return Tally(counted, tuple(people.values()), None, (*steps, total), doubt, asks=asks)


def _people_tally(row: Row, domain: str, snapshot: Snapshot) -> Tally:
    if Coverage.MEMBERS not in snapshot.coverage:
        return Tally(0, (), None, (), _half_told("the tenant's users could not be read"))
    gap = gap_of(row, snapshot)
    if gap:
        return Tally(0, (), None, (), gap)
    suffix = f"@{domain.casefold()}" if domain else ""
    licensed = [m for m in snapshot.members if m.licences and m.login.casefold().endswith(suffix)]
    people = tuple(m for m in licensed if row.counts(m, snapshot.groups))
    whose = f"licensed users of {domain}" if domain else "licensed users"
    doubt = _emptied(snapshot) if not people else None
    return Tally(len(people), people, None, (Step("people", f"{len(people)} {whose}", str(len(people))),), doubt)


def _group_tally(row: Row, count: GroupCount, snapshot: Snapshot) -> Tally:
    group = snapshot.groups.get(count.group)
    if group is None:
        return Tally(0, (), None, (), snapshot.gap(count.group))
    counted = {
        GroupMembers.USERS: group.people,
        GroupMembers.DEVICES: group.devices,
        GroupMembers.ALL: (*group.people, *group.devices),
    }
    listed = counted[count.members]
    people = tuple(m for m in listed if row.counts(m, snapshot.groups))
    says = f"{len(people)} of {len(listed)} {_MEMBER_WORDS[count.members]} in group {count.group} and those inside it"
    return Tally(len(people), people, None, (Step("group", says, str(len(people))),))


def _mailbox_tally(kind: MailboxKind, snapshot: Snapshot) -> Tally:
    if Coverage.MAILBOXES not in snapshot.coverage:
        return Tally(0, (), None, (), snapshot.gap(Coverage.MAILBOXES))
    found = snapshot.mailboxes.get(kind, ())
    return Tally(len(found), found, None, (Step("mailboxes", f"{len(found)} {kind} mailboxes", str(len(found))),))


def _device_tally(count: DeviceCount, snapshot: Snapshot) -> Tally:
    if Coverage.DEVICES not in snapshot.coverage:
        return Tally(0, (), None, (), snapshot.gap(Coverage.DEVICES))
    found = tuple(
        device for system, held in snapshot.devices.items() for device in held if count.system in (None, system)
    )
    step = Step("devices", f"{len(found)} {_device_words(count)}", str(len(found)))
    return Tally(len(found), found, None, (step,))


def _device_words(count: DeviceCount) -> str:
    return f"{count.system} devices in Intune" if count.system else "devices in Intune"


def _told(one: Subscription) -> str:
    since = f" since {one.created}" if one.created else ""
    return f"subscription {one.id} of {one.quantity} ({one.status}{since})"


def _half_told(reason: str) -> Stop:
    return Stop(
        Code.SOURCE_INCOMPLETE, reason, "wait for the next read; if it stays, look at the tenant's licences page"
    )


def _emptied(snapshot: Snapshot) -> Stop | None:
    """An empty tenant is never an instruction: nothing is lowered until it lists something again."""
    if snapshot.observations:
        return None
    if snapshot.account.source == MICROSOFT:
        remedy = "look at the tenant: if it really has no licences left, remove its rows"
        return Stop(Code.SOURCE_EMPTY, "the tenant lists no licence at all", remedy)
    remedy = "look there: if it really holds nothing any more, remove its rows"
    return Stop(Code.SOURCE_EMPTY, f"{snapshot.account} lists nothing at all", remedy)


def _text(row: Row, product: Product, found: Tally, limit: int) -> str:
    """Empty where nothing is asked of the text: the PSA's own then stands."""
    profile = row.profile
    if not row.text and profile.usernames is Usernames.NONE and not profile.unassigned:
        return ""
    names = [] if profile.usernames is Usernames.NONE else [shown(m, profile.usernames) for m in found.people]
    return invoice_text(row.text or product.description, names, found.unassigned if profile.unassigned else None, limit)


def _filter_words(row: Row) -> str:
    fields = [f"{name} in ({', '.join(sorted(values))})" for name, values in row.users.fields] if row.users else []
    kinds = [word for word, kept in (("enabled", row.disabled_users), ("not a guest", row.guests)) if not kept]
    return " and ".join((*fields, *kinds)) or "the licence"


def _quantity_steps(row: Row, counted: int) -> tuple[Step, ...]:
    steps, to_bill = [], billed(counted, row.included, row.minimum)
    if row.included:
        how = "shown as included on the invoice" if row.profile.show_included else "not billed"
        steps.append(Step("included", f"{row.included} included, {how}", str(max(0, counted - row.included))))
    if row.minimum:
        steps.append(Step("minimum", f"at least {row.minimum} billed", str(to_bill)))
    return (*steps, Step("billed", f"{to_bill} to bill ({row.place.brief})", str(to_bill)))


def _term_steps(row: Row) -> tuple[Step, ...]:
    return (Step("term", f"{row.term}: the row says so"),) if row.term else ()


def _price_steps(row: Row, product: Product, terms: Terms) -> tuple[Step, ...]:
    policy = row.profile.price
    if policy.fixed is not None:
        return (Step("price", f"fixed by profile {row.profile.name}", str(policy.fixed)),)
    if policy.percent is not None:
        says = f"PSA price {product.price} {policy.percent:+}% by profile {row.profile.name}"
        return (Step("price", says, str(terms.price)),)
    return (Step("price", f"the PSA's own price of {product.identifier}", str(product.price)),)
