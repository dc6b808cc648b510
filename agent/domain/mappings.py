"""What the admin wants: rows, billing profiles, exclusions, as read from the mapping files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from agent.domain.agreements import Billable
from agent.domain.counts import Member, Term
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something was said."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


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
    """Seats of one licence (by GUID), or of one of its subscriptions."""

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


Count = LicenceCount | SumCount | PeopleCount


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Attribute -> accepted values. Fields combine with AND, values within a field with OR.

    Values are compared without regard to case and surrounding space.
    """

    fields: tuple[tuple[str, frozenset[str]], ...]

    @classmethod
    def of(cls, fields: Mapping[str, list[str]]) -> UserFilter:
        return cls(tuple(sorted((name, frozenset(map(folded, values))) for name, values in fields.items())))

    def matches(self, member: Member) -> bool:
        return all(folded(member.attributes.get(name, "")) in values for name, values in self.fields)


def folded(text: str) -> str:
    return text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Row:
    """One licence (or count) -> one line of one agreement."""

    company: int
    tenant: str
    count: Count
    profile: BillingProfile
    agreement: int
    place: Place
    users: UserFilter | None = None
    basis: Basis = Basis.PURCHASED
    included: int = 0
    minimum: int = 0
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

    def counts(self, member: Member) -> bool:
        """Whether this row bills for the person, licence aside."""
        if not (self.disabled_users or member.enabled) or not (self.guests or not member.guest):
            return False
        return self.users is None or self.users.matches(member)

    def key(self, psa: str) -> LineKey:
        return LineKey(
            psa, self.agreement, self.tenant, str(self.count), self.subscription, self.name, self.profile.product
        )


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A licence that is not billed, and why. Global where `tenant` is empty."""

    sku: str
    reason: str
    place: Place
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class CompanyMapping:
    """One file of mappings/companies/: a PSA company, its tenants, its rows."""

    company: int
    name: str
    tenants: tuple[str, ...]
    mode: Mode
    rows: tuple[Row, ...]
    exclusions: tuple[Exclusion, ...]
    place: Place
    limits: Mapping[str, int] | None = None

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
    def rows_by_tenant(self) -> Mapping[str, tuple[Row, ...]]:
        """Rows of all companies that bill from a tenant: the ground of the partition proof."""
        found: dict[str, list[Row]] = {}
        for row in self.rows():
            found.setdefault(row.tenant, []).append(row)
        return {tenant: tuple(rows) for tenant, rows in found.items()}

    @cached_property
    def companies_by_tenant(self) -> Mapping[str, tuple[CompanyMapping, ...]]:
        found: dict[str, list[CompanyMapping]] = {}
        for company in self.companies.values():
            for tenant in company.tenants:
                found.setdefault(tenant, []).append(company)
        return {tenant: tuple(companies) for tenant, companies in found.items()}

    def rows(self) -> Iterator[Row]:
        for company in self.companies.values():
            yield from company.rows

    def excluded(self, tenant: str) -> Mapping[str, Exclusion]:
        """SKU -> why it is not billed in this tenant; a company's own word stands before the global one."""
        own = [e for company in self.companies_by_tenant.get(tenant, ()) for e in company.exclusions]
        local = [e for e in own if e.tenant in ("", tenant)]
        return {e.sku: e for e in (*self.exclusions, *local)}
