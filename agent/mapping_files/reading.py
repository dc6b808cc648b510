"""What each table of a mapping file means, and what is wrong with the file by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unicodedata import normalize

from agent.domain.counts import Account, System
from agent.domain.mappings import (
    Basis,
    BillingProfile,
    Commitment,
    CompanyMapping,
    Count,
    DeviceCount,
    Exclusion,
    FixedCount,
    GroupCount,
    GroupMembers,
    LicenceCount,
    MailboxCount,
    Mode,
    PeopleCount,
    Row,
    SourceTraits,
    SumCount,
    UserFilter,
    folded,
)
from agent.domain.terms import TERMS
from agent.mapping_files.problems import Page, closest
from agent.mapping_files.schema import (
    CompanyExcludeTable,
    CompanyTable,
    CountTable,
    ExcludeTable,
    ExclusionsFile,
    ProfileTable,
    RowTable,
    TenantTable,
    kebab,
)
from agent.toml_scanner import Steps

NO_SOURCES: Mapping[str, SourceTraits] = {}
Profiles = Mapping[str, BillingProfile | None]
"""By name. None: it is there, but has problems of its own."""


def profiles(page: Page) -> Profiles:
    tables = {name: page.table((name,), data, ProfileTable) for name, data in page.document.data.items()}
    # Rows name profiles in this form too: an accent may be typed as one character or two.
    composed = {normalize("NFC", name): table for name, table in tables.items()}
    return {name: _profile(name, table) if table else None for name, table in composed.items()}


def exclusions(page: Page) -> list[Exclusion]:
    """Those of exclusions.toml: for every company."""
    rest = {name: data for name, data in page.document.data.items() if name != "exclude"}
    page.table((), rest, ExclusionsFile)
    found = []
    for steps, data in page.tables("exclude"):
        table = page.table(steps, data, ExcludeTable)
        sku = page.sku(table.licence, (*steps, "licence")) if table else None
        if table and sku:
            found.append(Exclusion(sku, table.reason, page.place(steps)))
    return found


def _profile(name: str, table: ProfileTable) -> BillingProfile:
    fields = table.model_dump(exclude={"price", "date_from"})
    return BillingProfile(name=name, price=table.price, date_from_source=table.date_from == "source", **fields)


class CompanyReader:
    """Reads a file of companies/. `profiles` is None where profiles.toml could not be read, so names are not judged."""

    def __init__(
        self, page: Page, profiles: Profiles | None, mode: Mode, sources: Mapping[str, SourceTraits] = NO_SOURCES
    ) -> None:
        self.page, self.profiles, self.mode = page, profiles, mode
        above = {name: data for name, data in page.document.data.items() if name not in ("row", "exclude")}
        self.head = page.table((), above, CompanyTable)
        if "tenant" not in above and not above.get("sources"):
            page.refuse(("tenant",), "is missing", "Add it. The Microsoft tenant id, or [[tenant]] tables for several")
        self.tenants = self._distinct_tenants(self.head.tenant) if self.head and self.head.tenant is not None else []
        self.elsewhere = Elsewhere(page, sources, self.head)

    def company(self) -> CompanyMapping | None:
        """None where what stands above the first row has problems; rows with problems are left out."""
        found = [(steps, self._row(steps, data)) for steps, data in self.page.tables("row")]
        excluded = [one for steps, data in self.page.tables("exclude") for one in self._exclusions(steps, data)]
        self._check_lines([steps for steps, _ in found])
        head = self.head
        if head is None:
            return None
        return CompanyMapping(
            company=head.company,
            name=head.name or f"company {head.company}",
            accounts=(*(tenant.id for tenant in self.tenants), *self.elsewhere.refs),
            mode=head.mode or self.mode,
            rows=tuple(row for _, row in found if row),
            exclusions=tuple(excluded),
            place=self.page.place(("company",)),
            limits=head.guards.model_dump(exclude_none=True) if head.guards else None,
        )

    def _distinct_tenants(self, tenants: Sequence[TenantTable]) -> Sequence[TenantTable]:
        seen: set[str] = set()
        for index, tenant in enumerate(tenants):
            for key, text in (("id", tenant.id), ("name", tenant.name)):
                if text and text.casefold() in seen:
                    self.page.refuse(("tenant", index, key), "is given to two tenants", "Remove or correct one of them")
                seen.add((text or "").casefold())
        if not tenants:
            self.page.refuse(("tenant",), "is an empty list", "Write the company's tenant id")
        return tenants

    def _row(self, steps: Steps, data: Any) -> Row | None:
        asked = self.page.table(steps, self._without_misplaced(steps, data), RowTable)
        if asked is None:
            return None
        before = len(self.page.problems)
        table = self._filtered(asked)
        for key, what, remedy in contradictions(table):
            if key == "users" and asked.users is None:
                what, remedy = f"is the company's, and {what}", "Write everybody = true in the row: it has no filter"
            self.page.refuse((*steps, key) if key else steps, what, remedy)
        count, profile = self._count(table, steps), self._profile(table.profile, (*steps, "profile"))
        if profile is not None and profile.commitment is Commitment.HOLD:
            self._check_holding(table, profile, steps)
        traits = self.elsewhere.sources.get(table.source or "")
        account = self.elsewhere.account(table, steps) if table.source else self._tenant(table.tenant, steps)
        basis = table.basis or (traits.basis if traits else None)
        unrenewed = table.licence is None or personal_keys(table) or basis is Basis.ASSIGNED
        if profile and profile.price_lock and unrenewed:
            remedy = "Only purchased seats of one licence renew; use a profile without price-lock"
            self.page.refuse(
                (*steps, "profile"), "locks prices, but the row counts no purchases of one licence", remedy
            )
        head = self.head
        if count is None or profile is None or account is None or head is None or len(self.page.problems) > before:
            return None
        return Row(
            company=head.company,
            account=account,
            count=count,
            profile=profile,
            agreement=table.agreement,
            place=self.page.place(steps),
            users=UserFilter.of(table.users) if table.users else None,
            basis=basis or (Basis.ASSIGNED if personal_keys(table) else Basis.PURCHASED),
            included=table.included,
            minimum=table.minimum,
            spare=table.spare,
            start_on=table.start_on,
            replaces=tuple(dict.fromkeys(table.replaces or ())),
            text=table.description or "",
            name=table.name or "",
            adopt=table.adopt,
            disabled_users=table.disabled_users,
            guests=table.guests,
            term=TERMS[table.term] if table.term else None,
        )

    def _filtered(self, table: RowTable) -> RowTable:
        """With the company's filter, where the row has none and is not for everybody."""
        if self.head is None or table.users is not None or table.everybody or table.source:
            return table
        return table.model_copy(update={"users": self.head.users})

    def _check_holding(self, table: RowTable, profile: BillingProfile, steps: Steps) -> None:
        """Seats are committed for a licence, not for some of its people: of unused ones nobody knows whose they are."""
        people = personal_keys(table)
        if table.licence is None or people:
            what = f'holds commitments ("{profile.name}"), which belong to all seats of one licence'
            beside = f"remove {' and '.join(people)}" if people else "bill one licence"
            remedy = f"Name a profile without commitment, or {beside}"
            self.page.refuse((*steps, "profile"), what, remedy)

    def _without_misplaced(self, steps: Steps, data: Any) -> Any:
        """TOML gives every key to the table above it: `mode` below a [[row]] is that row's, whatever was meant."""
        if not isinstance(data, dict):
            return data
        misplaced = [key for key in data if key in _ABOVE_ROWS]
        for key in misplaced:
            remedy = "Move it above the first [[row]] of the file"
            self.page.refuse((*steps, key), "belongs to the company, not to a row", remedy)
        return {key: value for key, value in data.items() if key not in misplaced}

    def _profile(self, name: str, steps: Steps) -> BillingProfile | None:
        if self.profiles is None:
            return None
        if name not in self.profiles:
            remedy = closest(name, list(self.profiles), f"Add [{name}] to profiles.toml")
            self.page.refuse(steps, f'names a profile that profiles.toml does not have: "{name}"', remedy)
        return self.profiles.get(name)

    def _tenant(self, name: str | None, steps: Steps) -> str | None:
        """The tenant's id; None where that cannot be told, which is a problem unless the file's head already is one."""
        if name is None:
            if len(self.tenants) > 1:
                known = " or ".join(f'"{tenant.name or tenant.id}"' for tenant in self.tenants)
                self.page.refuse(steps, "does not say which tenant it is about", f"Add: tenant = {known}")
            elif self.head is not None and self.head.sources and not self.tenants:
                remedy = "Add the tenant's id above the first [[row]], or name the source that counts the row"
                self.page.refuse(steps, "needs a tenant, which the company has not", remedy)
            return self.tenants[0].id if len(self.tenants) == 1 else None
        for tenant in self.tenants:
            if name.casefold() in (tenant.id, (tenant.name or "").casefold()):
                return tenant.id
        if self.tenants:
            names = [tenant.name or tenant.id for tenant in self.tenants]
            remedy = closest(name, names, "Write the id or name of a tenant given above the first [[row]]")
            self.page.refuse((*steps, "tenant"), "is not a tenant of this company", remedy)
        elif "tenant" not in self.page.document.data:
            remedy = "Move it above the first [[row]]"
            self.page.refuse((*steps, "tenant"), "names the tenant of one row only; the company has none", remedy)
        return None

    def _count(self, table: RowTable, steps: Steps) -> Count | None:
        if table.licence is not None:
            sku = self.page.sku(table.licence, (*steps, "licence"))
            return LicenceCount(sku, table.subscription or "") if sku else None
        if table.product is not None:
            return self.elsewhere.count(table.product)
        if table.count is None:
            return None
        if table.count.licences is not None:
            return self._sum(table.count.licences, (*steps, "count", "licences"))
        return _plain_count(table.count)

    def _sum(self, licences: Sequence[str], steps: Steps) -> Count | None:
        found: list[str] = []
        for index, text in enumerate(licences):
            sku = self.page.sku(text, (*steps, index))
            if sku in found:
                self.page.refuse((*steps, index), "is counted already", "Name each licence once")
            elif sku:
                found.append(sku)
        return SumCount(tuple(found)) if len(found) == len(licences) else None

    def _exclusions(self, steps: Steps, data: Any) -> Iterator[Exclusion]:
        table = self.page.table(steps, data, CompanyExcludeTable)
        if table is None:
            return
        if (table.licence is None) == (table.product is None) or (table.product is None) != (table.source is None):
            remedy = "Write licence, or product with the source that lists it"
            self.page.refuse(steps, "does not say what is excluded", remedy)
        elif table.product is not None:
            # In all accounts that the company has there, as a licence is excluded in all its tenants.
            for account in self.elsewhere.accounts(table.source or "", steps):
                yield Exclusion(folded(table.product), table.reason, self.page.place(steps), account)
        elif table.licence is not None:
            sku = self.page.sku(table.licence, (*steps, "licence"))
            tenant = self._tenant(table.tenant, steps) if table.tenant else ""
            if sku and tenant is not None:
                yield Exclusion(sku, table.reason, self.page.place(steps), tenant)

    def _check_lines(self, rows: Sequence[Steps]) -> None:
        """Rows are told apart by file and line, in findings as well, so two may not share one."""
        seen: set[int] = set()
        for steps in rows:
            line = self.page.place(steps).line
            if line in seen:
                self.page.refuse(steps, "stands on the same line as another row", "Write each row as its own [[row]]")
            seen.add(line)


_ABOVE_ROWS = {kebab(name) for name in CompanyTable.model_fields.keys() - RowTable.model_fields.keys()}


def _plain_count(table: CountTable) -> Count:
    """A count whose key says it all."""
    if table.group is not None:
        return GroupCount(table.group, table.members or GroupMembers.USERS)
    if table.mailboxes is not None:
        return MailboxCount(table.mailboxes)
    if table.devices is not None:
        return DeviceCount(None if table.devices == "all" else System(table.devices))
    if table.fixed is not None:
        return FixedCount(table.fixed)
    return PeopleCount(table.domain or "")


def filter_keys(table: RowTable) -> list[str]:
    """The keys by which a row leaves people out."""
    given = {
        "users": table.users is not None,
        "disabled-users": not table.disabled_users,
        "guests": not table.guests,
    }
    return [key for key, filters in given.items() if filters]


def personal_keys(table: RowTable) -> list[str]:
    """The keys by which a row counts people one by one."""
    counts_people = table.count is not None and table.count.licences is None
    return [*filter_keys(table), *(["count"] if counts_people else [])]


class Elsewhere:
    """What a company's file says of sources beside Microsoft: its ids there, and which of them a row counts."""

    def __init__(self, page: Page, sources: Mapping[str, SourceTraits], head: CompanyTable | None) -> None:
        self.page, self.sources = page, sources
        self.ids = {name: [*map(folded, ids)] for name, ids in (head.sources or {}).items()} if head else {}
        for name, ids in self.ids.items():
            if name not in sources:
                page.refuse(("sources", name), "is no source of agent.toml", self._known(name))
            elif len(set(ids)) < len(ids):
                page.refuse(("sources", name), "names an id twice", "Remove one of them")

    @property
    def refs(self) -> Iterator[str]:
        return (Account(name, id_).ref for name, ids in self.ids.items() for id_ in ids)

    def accounts(self, source: str, steps: Steps) -> Sequence[str]:
        """The refs of the company's accounts at a source; none where that is a problem."""
        ids = self.ids.get(source, [])
        if source not in self.sources:
            self.page.refuse((*steps, "source"), f'is no source of agent.toml: "{source}"', self._known(source))
        elif not ids:
            remedy = f'Add above the first [[row]]: sources = {{ {source} = "its id there" }}'
            self.page.refuse((*steps, "source"), "is one that the company has no id at", remedy)
        else:
            return [Account(source, id_).ref for id_ in ids]
        return ()

    def account(self, table: RowTable, steps: Steps) -> str | None:
        """The ref of the account that a row counts; None where that cannot be told, which is a problem."""
        source, asked = table.source or "", table.account
        if not self.accounts(source, steps):
            return None
        ids = self.ids[source]
        if asked is None and len(ids) > 1:
            known = " or ".join(f'"{id_}"' for id_ in ids)
            self.page.refuse(steps, f"does not say which account at {source} it is about", f"Add: account = {known}")
        elif asked is not None and folded(asked) not in ids:
            remedy = closest(asked, ids, f"Write one of the ids that sources gives for {source}")
            self.page.refuse((*steps, "account"), f"is no id of the company's at {source}", remedy)
        else:
            self._check(table, self.sources[source], steps)
            return Account(source, folded(asked or ids[0])).ref
        return None

    def count(self, products: Sequence[str]) -> Count:
        keys = tuple(dict.fromkeys(map(folded, products)))
        return LicenceCount(keys[0]) if len(keys) == 1 else SumCount(keys)

    def _check(self, table: RowTable, traits: SourceTraits, steps: Steps) -> None:
        """What of a row the source can tell."""
        for index, product in enumerate(table.product or ()):
            if traits.products and folded(product) not in traits.products:
                remedy = closest(product, list(traits.products), f"It lists {', '.join(traits.products)}")
                self.page.refuse((*steps, "product", index), f"is nothing that {table.source} lists", remedy)
        if table.licence is not None and not traits.licences:
            remedy = "Write product in place of licence"
            self.page.refuse((*steps, "licence"), f"is nothing that {table.source} lists", remedy)
        if table.basis not in (None, traits.basis):
            remedy = f"{table.source} tells only what is {'bought' if traits.basis is Basis.PURCHASED else 'in use'}"
            self.page.refuse((*steps, "basis"), "cannot be had", f"{remedy}; remove it")

    def _known(self, name: str) -> str:
        if not self.sources:
            return "agent.toml has no [sources] yet; docs/configuration.md shows how to add one"
        return closest(name, list(self.sources), f"It has {', '.join(self.sources)}")


def contradictions(table: RowTable) -> Iterator[tuple[str, str, str]]:
    """Keys that are right alone and wrong together: key ("" is the whole row), what is wrong, remedy."""
    if table.licence is None and table.count is None and table.product is None:
        yield "", "has neither licence, product nor count", "Add one of the three"
    if table.licence is not None and table.count is not None:
        yield "count", "cannot stand beside licence", "Keep one of the two"
    yield from _elsewhere(table)
    if table.term is not None and table.licence is None:
        yield "term", "needs a licence", "Only what was bought has a term; remove it"
    if table.subscription is not None and table.licence is None:
        yield "subscription", "needs a licence", "A count has no subscriptions; remove it"
    if table.count is not None:
        yield from _confused(table.count, table)
    if table.users is not None and table.everybody:
        yield "everybody", "cannot stand beside users", "Keep one of the two"
    if table.replaces is not None and table.start_on is None:
        yield "replaces", "needs start-on", "Write the first day on which this row's own line bills"
    yield from _unpersonal(table)


def _elsewhere(table: RowTable) -> Iterator[tuple[str, str, str]]:
    """Keys that need another source, and keys that only Microsoft can answer."""
    for key in ("product", "account"):
        if getattr(table, key) is not None and table.source is None:
            yield key, "needs a source", "Name the source of agent.toml that it is about"
    if table.product is not None and (table.licence is not None or table.count is not None):
        yield "product", f"cannot stand beside {'count' if table.licence is None else 'licence'}", "Keep one of the two"
    if table.source is not None:
        given = [key for key in ("count", "tenant") if getattr(table, key) is not None]
        for key in (*given, *filter_keys(table)):
            yield key, "cannot stand beside source", "Only Microsoft can tell; remove it"


def _confused(count: CountTable, table: RowTable) -> Iterator[tuple[str, str, str]]:
    kinds = [name for name in CountTable.model_fields if name != "members"]
    if len([name for name in kinds if getattr(count, name) is not None]) != 1:
        yield "count", f"needs exactly one of {', '.join(kinds)}", "Keep or add one of them"
    if count.members is not None and count.group is None:
        yield "count", "says which members, but names no group", "Add group, or remove members"
    for key in filter_keys(table):
        what = _unfiltered(count, key)
        if what:
            yield key, f"cannot stand beside a count of {what}", "Nobody knows whom it would leave out; remove it"


def _unfiltered(count: CountTable, key: str) -> str:
    """What a count counts, where a filter key cannot tell who of it is meant; empty where it can."""
    if count.fixed is not None:
        return "a fixed number"
    if count.mailboxes is not None:
        return "mailboxes"
    if count.devices or (count.group is not None and count.members not in (None, GroupMembers.USERS)):
        return "devices"
    # Of a group's members only their ids and names are read; their department may be a stranger's.
    return "a group's members" if count.group is not None and key == "users" else ""


def _unpersonal(table: RowTable) -> Iterator[tuple[str, str, str]]:
    people = personal_keys(table)
    if table.subscription is not None:
        # Microsoft tells which licence a person holds, but nowhere which purchase it came from.
        unknowable = [*people, *(["basis"] if table.basis is Basis.ASSIGNED else [])]
        for key in unknowable:
            remedy = "Nobody knows who uses which subscription; keep one of the two"
            yield key, "cannot stand beside subscription", remedy
    elif table.basis is Basis.PURCHASED and people:
        remedy = f"Purchased units belong to nobody; remove basis, or {' and '.join(people)}"
        yield "basis", f'cannot be "purchased" beside {" and ".join(people)}', remedy
