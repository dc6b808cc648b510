"""The few nouns that suggestions look at, made short."""

from datetime import UTC, date, datetime
from decimal import Decimal

from agent.domain.agreements import Agreement, Billable, Company, Line, Product
from agent.domain.counts import Account, Coverage, Observation, Snapshot
from agent.domain.mappings import BillingProfile, CompanyMapping, LicenceCount, Mappings, Mode, Place, PricePolicy, Row
from agent.sku_table import shipped

READ_AT = datetime(2026, 3, 17, 8, tzinfo=UTC)


def sku(part_number: str) -> str:
    (found,) = shipped().find(part_number)
    return found


def account(name: str, number: int = 1) -> Account:
    return Account("microsoft", f"11111111-2222-3333-4444-{number:012}", name)


def licence(part_number: str, purchased: int = 10) -> Observation:
    guid = sku(part_number)
    return Observation(guid, part_number, shipped().name(guid), purchased, 0)


def snapshot(of: Account, *part_numbers: str) -> Snapshot:
    seen = {sku(part_number): licence(part_number) for part_number in part_numbers}
    return Snapshot(of, READ_AT, seen, (), frozenset({Coverage.LICENCES}))


def product(identifier: str, description: str) -> Product:
    return Product(1, identifier, description, Decimal("22.00"))


def agreement(number: int, company: int, name: str = "Managed services", refusal: str = "") -> Agreement:
    start = date(2026, 1, 1)
    return Agreement(number, company, name, 1, "Monthly", True, start, date(2026, 4, 1), refusal=refusal)


def line(number: int, agreement: int, identifier: str, text: str, end: date | None = None) -> Line:
    begun, none = date(2026, 1, 1), Decimal(0)
    return Line(number, agreement, 1, identifier, Decimal(10), none, None, Billable.BILLABLE, begun, end, text)


def company(number: int, name: str, identifier: str = "") -> Company:
    return Company(number, name, identifier)


def profile(name: str, product: str) -> BillingProfile:
    return BillingProfile(name, product, PricePolicy())


def mapped(number: int, tenant: Account, *bills: tuple[str, BillingProfile, int]) -> CompanyMapping:
    """A company with a row for each (part number, profile, agreement)."""
    place = Place(f"companies/{number}.toml", 1)
    rows = [Row(number, tenant.id, LicenceCount(sku(part)), profile, on, place) for part, profile, on in bills]
    return CompanyMapping(number, f"Company {number}", (tenant.id,), Mode.AUTO, tuple(rows), (), place)


def mappings(*companies: CompanyMapping, profiles: tuple[BillingProfile, ...] = ()) -> Mappings:
    known = {profile.name: profile for profile in profiles}
    return Mappings({company.company: company for company in companies}, (), "digest", known)
