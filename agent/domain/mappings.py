"""What the admin wants: rows, billing profiles, exclusions, as read from the mapping files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, reduce

from agent.domain.agreements import Billable
from agent.domain.counts import NO_NEEDS, Group, MailboxKind, Member, Needs, System, Term
from agent.domain.keys import LineKey
from agent.domain.money import minor_units, rounded


class Mode(StrEnum):
    REPORT = "report"  # never writes
    REVIEW = "review"  # every change is held
    AUTO = "auto"  # only guarded changes are held


class Increase(StrEnum):
    PRORATE = "prorate"
    NEXT_PERIOD = "next-period"
    FULL = "full"


class Decrease(StrEnum):
    NOW = "now"
    NEXT_PERIOD = "next-period"
    CREDIT = "credit"


class Commitment(StrEnum):
    IGNORE = "ignore"
    HOLD = "hold"  # seats that nobody can lower are billed until their renewal, used or not


class AtZero(StrEnum):
    END = "end"
    ZERO = "zero"


class Usernames(StrEnum):
    NONE = "none"
    UPN = "upn"
    NAME = "name"
    INITIALS = "initials"


class Basis(StrEnum):
    PURCHASED = "purchased"
    ASSIGNED = "assigned"


class GroupMembers(StrEnum):
    """Which members of a group count."""

    USERS = "users"
    DEVICES = "devices"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class SourceTraits:
    """What rows may ask of a source beside Microsoft's, known before anything is read.

    `basis` is what its numbers are: units that were bought, or those in use. `products` are its keys with their names;
    empty where it has too many to list. `licences`: it sells Microsoft's, and calls them by their GUIDs.
    """

    basis: Basis
    products: Mapping[str, str] = field(default_factory=dict)
    licences: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something was said."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def brief(self) -> str:
        """Without the folders above the last one: for what is kept for years, and handed out as evidence."""
        return f"{'/'.join(self.file.split('/')[-2:])}:{self.line}"


@dataclass(frozen=True, slots=True)
class PricePolicy:
    """`psa` leaves the price to the PSA; `fixed` names it; `percent` follows the PSA product's price."""

    fixed: Decimal | None = None
    percent: Decimal | None = None

    def price(self, product_price: Decimal | None, currency: str) -> Decimal | None:
        """The unit price we ask for; None where the PSA's own stands.

        A percentage is rounded half up to the currency's coins, or to the decimals of a PSA price that is finer.
        """
        if self.fixed is not None:
            return self.fixed
        if self.percent is None or product_price is None:
            return None
        exact = Fraction(product_price) * (100 + Fraction(self.percent)) / 100
        return rounded(exact, max(minor_units(currency), _decimals(product_price)))


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


@dataclass(frozen=True, slots=True)
class BillingProfile:
    name: str
    product: str
    price: PricePolicy
    price_lock: bool = False
    billable: Billable = Billable.BILLABLE
    increase: Increase = Increase.PRORATE
    decrease: Decrease = Decrease.NOW
    commitment: Commitment = Commitment.IGNORE
    at_zero: AtZero = AtZero.END
    usernames: Usernames = Usernames.NONE
    unassigned: bool = False
    show_included: bool = False
    date_from_source: bool = False


@dataclass(frozen=True, slots=True)
class LicenceCount:
    """Seats of one licence (by GUID), or of one of its subscriptions; units of another source's product, by its key."""

    sku: str
    subscription: str = ""

    def __str__(self) -> str:
        return self.sku


@dataclass(frozen=True, slots=True)
class SumCount:
    """Seats of several licences together."""

    skus: tuple[str, ...]

    def __str__(self) -> str:
        return "licences:" + "+".join(sorted(self.skus))


@dataclass(frozen=True, slots=True)
class PeopleCount:
    """People who hold any licence; of one UPN domain where it is given."""

    domain: str = ""

    def __str__(self) -> str:
        return f"domain:{self.domain}" if self.domain else "users:licensed"


@dataclass(frozen=True, slots=True)
class GroupCount:
    """Members of a group, those of the groups inside it included."""

    group: str
    members: GroupMembers = GroupMembers.USERS

    def __str__(self) -> str:
        return f"group:{self.group}:{self.members}"


@dataclass(frozen=True, slots=True)
class MailboxCount:
    kind: MailboxKind

    def __str__(self) -> str:
        return f"mailboxes:{self.kind}"


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """Devices that the tenant manages; None: whatever they run."""

    system: System | None = None

    def __str__(self) -> str:
        return f"devices:{self.system or 'all'}"


@dataclass(frozen=True, slots=True)
class FixedCount:
    """A number that the mapping file gives. It is no part of the line's identity, so that it can be changed."""

    quantity: int

    def __str__(self) -> str:
        return "fixed:quantity"


Count = LicenceCount | SumCount | PeopleCount | GroupCount | MailboxCount | DeviceCount | FixedCount

# Filter fields that are no attributes of a person: a group's id, and what a login has behind its @.
GROUP_FIELD, DOMAIN_FIELD = "group", "domain"


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Attribute -> accepted values. Fields combine with AND, values within a field with OR.

    Values are compared without regard to case and surrounding space.
    """

    fields: tuple[tuple[str, frozenset[str]], ...]

    @classmethod
    def of(cls, fields: Mapping[str, list[str]]) -> UserFilter:
        return cls(tuple(sorted((name, frozenset(map(folded, values))) for name, values in fields.items())))

    @property
    def groups(self) -> frozenset[str]:
        return frozenset().union(*(values for name, values in self.fields if name == GROUP_FIELD))

    def matches(self, member: Member, groups: Mapping[str, Group]) -> bool:
        """`groups` must hold every group that the filter names; nobody is in one that was not read."""
        return all(_accepts(name, values, member, groups) for name, values in self.fields)


def _accepts(name: str, values: frozenset[str], member: Member, groups: Mapping[str, Group]) -> bool:
    if name == GROUP_FIELD:
        return any(member.id in groups[group].ids for group in values if group in groups)
    if name == DOMAIN_FIELD:
        return folded(member.login.rpartition("@")[2]) in values
    return folded(member.attributes.get(name, "")) in values


def folded(text: str) -> str:
    return text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Row:
    """One licence (or count) -> one line of one agreement."""

    company: int
    account: str  # the ref of the one that is counted
    count: Count
    profile: BillingProfile
    agreement: int
    place: Place
    users: UserFilter | None = None
    basis: Basis = Basis.PURCHASED
    included: int = 0
    minimum: int = 0
    spare: int = 0  # seats of nobody that nobody wants to hear of
    start_on: date | None = None
    replaces: tuple[int, ...] = ()  # lines of the PSA that end where this row's own begins
    text: str = ""
    name: str = ""
    adopt: bool = False
    disabled_users: bool = True
    guests: bool = True
    term: Term | None = None

    @property
    def asks_for_term(self) -> bool:
        return self.term is not None or self.profile.commitment is Commitment.HOLD or self.profile.price_lock

    @property
    def skus(self) -> tuple[str, ...]:
        """The licences whose units the row bills; none where it counts people."""
        match self.count:
            case LicenceCount(sku=sku):
                return (sku,)
            case SumCount(skus=skus):
                return skus
        return ()

    @property
    def subscription(self) -> str:
        return self.count.subscription if isinstance(self.count, LicenceCount) else ""

    @property
    def personal(self) -> bool:
        """Whether the row counts the people who hold a licence one by one, and not the units that were bought."""
        return self.users is not None or self.basis is Basis.ASSIGNED or not (self.disabled_users and self.guests)

    @property
    def needs(self) -> Needs:
        groups = self.users.groups if self.users else frozenset()
        if isinstance(self.count, GroupCount):
            groups |= {self.count.group}
        devices = isinstance(self.count, DeviceCount)
        return Needs(groups, isinstance(self.count, MailboxCount), self.asks_for_term, devices)

    def counts(self, member: Member, groups: Mapping[str, Group]) -> bool:
        """Whether this row bills for the person, licence aside."""
        if not (self.disabled_users or member.enabled) or not (self.guests or not member.guest):
            return False
        return self.users is None or self.users.matches(member, groups)

    def key(self, psa: str) -> LineKey:
        return LineKey(
            psa, self.agreement, self.account, str(self.count), self.subscription, self.name, self.profile.product
        )


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A licence or product that is not billed, and why. Global where `account` is empty."""

    sku: str
    reason: str
    place: Place
    account: str = ""


@dataclass(frozen=True, slots=True)
class CompanyMapping:
    """One file of mappings/companies/: a PSA company, its accounts at all sources (by ref), its rows."""

    company: int
    name: str
    accounts: tuple[str, ...]
    mode: Mode
    rows: tuple[Row, ...]
    exclusions: tuple[Exclusion, ...]
    place: Place
    limits: Mapping[str, int] | None = None

    def needs(self, account: str) -> Needs:
        """What this company's rows alone ask of an account's source."""
        return reduce(Needs.__or__, (row.needs for row in self.rows if row.account == account), NO_NEEDS)

    @property
    def agreements(self) -> frozenset[int]:
        return frozenset(row.agreement for row in self.rows)


@dataclass(frozen=True)
class Mappings:
    """All mapping files, valid together. `digest` is the hash of the files' bytes, kept with every plan.

    `profiles` holds those that no row uses as well.
    """

    companies: Mapping[int, CompanyMapping]
    exclusions: tuple[Exclusion, ...]
    digest: str
    profiles: Mapping[str, BillingProfile] = field(default_factory=dict)

    @cached_property
    def rows_by_account(self) -> Mapping[str, tuple[Row, ...]]:
        """Rows of all companies that bill from an account: the ground of the partition proof."""
        found: dict[str, list[Row]] = {}
        for row in self.rows():
            found.setdefault(row.account, []).append(row)
        return {account: tuple(rows) for account, rows in found.items()}

    @cached_property
    def companies_by_account(self) -> Mapping[str, tuple[CompanyMapping, ...]]:
        found: dict[str, list[CompanyMapping]] = {}
        for company in self.companies.values():
            for account in company.accounts:
                found.setdefault(account, []).append(company)
        return {account: tuple(companies) for account, companies in found.items()}

    def needs(self, account: str) -> Needs:
        """What all rows of an account ask of its source together, whichever company they are of."""
        return reduce(Needs.__or__, (row.needs for row in self.rows_by_account.get(account, ())), NO_NEEDS)

    @cached_property
    def all_needs(self) -> Needs:
        return reduce(Needs.__or__, map(self.needs, self.rows_by_account), NO_NEEDS)

    def rows(self) -> Iterator[Row]:
        for company in self.companies.values():
            yield from company.rows

    def excluded(self, account: str) -> Mapping[str, Exclusion]:
        """SKU -> why it is not billed in this account; a company's own word stands before the global one."""
        own = [e for company in self.companies_by_account.get(account, ()) for e in company.exclusions]
        local = [e for e in own if e.account in ("", account)]
        return {e.sku: e for e in (*self.exclusions, *local)}
