"""What rows, profiles and exclusions mean once they are read."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from agent.domain.agreements import Billable
from agent.domain.guards import Limits
from agent.domain.mappings import (
    AtZero,
    Basis,
    Commitment,
    Decrease,
    Increase,
    LicenceCount,
    Mode,
    PeopleCount,
    PricePolicy,
    Row,
    SumCount,
    UserFilter,
    Usernames,
)
from agent.domain.terms import TERMS
from agent.mapping_files import MappingsInvalid
from agent.mapping_files.schema import GuardsTable, TermWord
from agent.settings import GuardsSection
from tests.mapping_files.folders import E3, HEAD, ROW, SPB, TENANT, company_folder, mapping_folder


def only_row(folder: Path, row: str) -> Row:
    (found,) = company_folder(folder, HEAD + row).load().rows()
    return found


def test_smallest_row(tmp_path: Path) -> None:
    """Licence, profile and agreement are enough; everything purchased is billed."""
    row = only_row(tmp_path, ROW)

    assert (row.company, row.account, row.agreement) == (250, TENANT, 1021)
    assert row.count == LicenceCount(SPB)
    assert (row.basis, row.included, row.minimum, row.start_on) == (Basis.PURCHASED, 0, 0, None)
    assert str(row.place) == f"{tmp_path}/companies/contoso.toml:4"


def test_row_with_everything(tmp_path: Path) -> None:
    """Each key of a row arrives in the domain's own types."""
    row = only_row(
        tmp_path,
        ROW
        + """
        users          = { department = ["Sales", " support "], extension-1 = "AU" }
        included       = 2
        minimum        = 5
        start-on       = 2026-12-01
        description    = "Microsoft 365"
        name           = "sales"
        adopt          = true
        disabled-users = false
        guests         = false
        """,
    )

    assert row.users == UserFilter(
        (("department", frozenset({"sales", "support"})), ("extension-1", frozenset({"au"})))
    )
    assert (row.included, row.minimum, row.start_on) == (2, 5, date(2026, 12, 1))
    assert (row.text, row.name, row.adopt) == ("Microsoft 365", "sales", True)
    assert (row.disabled_users, row.guests) == (False, False)


@pytest.mark.parametrize("word", sorted(TERMS))
def test_term_says_what_was_bought(word: str, tmp_path: Path) -> None:
    """Commitment and payment in one word; without the key the row says nothing of its term."""
    assert only_row(tmp_path, f'{ROW}term = "{word}"\n').term == TERMS[word]
    assert only_row(tmp_path, ROW).term is None


def test_every_term_can_be_written() -> None:
    """The words that files know are those that the domain knows."""
    assert get_args(TermWord) == tuple(TERMS)


def test_profile_may_hold_commitments(tmp_path: Path) -> None:
    """Only where it says so are seats billed that nobody uses."""
    profiles = '[held]\nproduct = "A"\ncommitment = "hold"\n\n[plain]\nproduct = "B"\n'
    found = mapping_folder(tmp_path, {"profiles.toml": profiles}).load().profiles

    assert (found["held"].commitment, found["plain"].commitment) == (Commitment.HOLD, Commitment.IGNORE)


@pytest.mark.parametrize("word", ["SPB", "spb", SPB, SPB.upper(), "Microsoft 365 Business Premium"])
def test_licence_by_any_of_its_words(word: str, tmp_path: Path) -> None:
    """Part number, GUID and display name, in any case, are one licence: a key never changes with its spelling."""
    assert only_row(tmp_path, ROW.replace("SPB", word)).count == LicenceCount(SPB)


@pytest.mark.parametrize("key", ['users = { office = "Perth" }', "disabled-users = false", "guests = false"])
def test_row_about_people_counts_assigned_units(key: str, tmp_path: Path) -> None:
    """Purchased units belong to nobody, so a row that asks who has them counts those who do."""
    assert only_row(tmp_path, ROW + key).basis is Basis.ASSIGNED


def test_subscription_row(tmp_path: Path) -> None:
    """A split by purchase keeps the subscription's id in the row and so in its key."""
    row = only_row(tmp_path, ROW + 'subscription = "AAAAAAAA-0000-4000-8000-000000000001"')

    assert row.subscription == "aaaaaaaa-0000-4000-8000-000000000001"
    assert row.key("connectwise").subscription == row.subscription


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ('{ licences = ["SPB", "SPE_E3"] }', SumCount((SPB, E3))),
        ('{ users = "licensed" }', PeopleCount()),
        ('{ domain = "Contoso.COM" }', PeopleCount("contoso.com")),
    ],
)
def test_counts_that_are_not_one_licence(count: str, expected: object, tmp_path: Path) -> None:
    """A sum of licences, everybody with a licence, or those of one domain."""
    assert only_row(tmp_path, ROW.replace('licence   = "SPB"', f"count = {count}")).count == expected


def test_several_tenants(tmp_path: Path) -> None:
    """A row names its tenant by the name that the file gives it, or by its id."""
    sydney = TENANT.replace("1111", "2222")
    head = f'company = 250\n[[tenant]]\nid = "{TENANT}"\nname = "Perth"\n[[tenant]]\nid = "{sydney}"\nname = "Sydney"\n'
    rows = ROW + 'tenant = "sydney"\n' + ROW + f'tenant = "{TENANT.upper()}"\n'

    mappings = company_folder(tmp_path, head + rows).load()

    assert [row.account for row in mappings.rows()] == [sydney, TENANT]
    assert mappings.companies[250].accounts == (TENANT, sydney)


def test_same_row_in_two_tenants_needs_no_names(tmp_path: Path) -> None:
    """The tenant is part of a row's key."""
    sydney = TENANT.replace("1111", "2222")
    head = f'company = 250\n[[tenant]]\nid = "{TENANT}"\n[[tenant]]\nid = "{sydney}"\n'
    rows = [f'{ROW}tenant = "{tenant}"\n' for tenant in (TENANT, sydney)]

    assert len(list(company_folder(tmp_path, head + "".join(rows)).load().rows())) == 2


def test_names_tell_rows_apart(tmp_path: Path) -> None:
    """Two rows of one licence on one agreement are two lines if each has a name."""
    rows = [f'{ROW}name = "{office}"\nusers = {{ office = "{office}" }}\n' for office in ("Perth", "Sydney")]

    mappings = company_folder(tmp_path, HEAD + "".join(rows)).load()

    assert len({row.key("connectwise") for row in mappings.rows()}) == 2


@pytest.mark.parametrize(("line", "mode"), [("", Mode.REVIEW), ('mode = "auto"\n', Mode.AUTO)])
def test_mode_of_a_company(line: str, mode: Mode, tmp_path: Path) -> None:
    """agent.toml decides where the company does not."""
    assert company_folder(tmp_path, HEAD + line, Mode.REVIEW).load().companies[250].mode is mode


def test_guards_of_a_company(tmp_path: Path) -> None:
    """They go by the names of the limits they replace; what is not given stays as it is in agent.toml."""
    files = company_folder(tmp_path, HEAD + "[guards]\nlower-percent = 50\nfreeze-days = 3\n")

    assert files.load().companies[250].limits == {"lower_percent": 50, "freeze_days": 3}


def test_guards_are_those_of_agent_toml() -> None:
    """A company's file and agent.toml call a limit the same, and the guards know it."""
    names = {field.alias for field in GuardsTable.model_fields.values()}

    assert names <= aliases(GuardsSection)
    assert GuardsTable.model_fields.keys() <= Limits.__dataclass_fields__.keys()


def aliases(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_profile_with_everything(tmp_path: Path) -> None:
    """Each key of a profile arrives in the domain's own types."""
    text = """
    [e3]
    product       = "M365-E3"
    price         = "22.00"
    billable      = "no-charge"
    increase      = "next-period"
    decrease      = "credit"
    at-zero       = "zero"
    usernames     = "initials"
    unassigned    = true
    show-included = true
    date-from     = "source"
    """
    profile = mapping_folder(tmp_path, {"profiles.toml": text}).load().profiles["e3"]

    assert (profile.name, profile.product, profile.price.fixed) == ("e3", "M365-E3", Decimal("22.00"))
    assert (profile.billable, profile.increase, profile.decrease) == (
        Billable.NO_CHARGE,
        Increase.NEXT_PERIOD,
        Decrease.CREDIT,
    )
    assert (profile.at_zero, profile.usernames) == (AtZero.ZERO, Usernames.INITIALS)
    assert (profile.unassigned, profile.show_included, profile.date_from_source) == (True, True, True)


def test_accent_typed_in_two_ways_is_one_profile(tmp_path: Path) -> None:
    """Two editors may write the same é as one character or as two."""
    profiles = '["caf\u00e9"]\nproduct = "CAFE"\n'
    row = ROW.replace("business-premium", "cafe\u0301")

    (read,) = mapping_folder(tmp_path, {"profiles.toml": profiles, "companies/a.toml": HEAD + row}).load().rows()

    assert read.profile.product == "CAFE"


@pytest.mark.parametrize(
    ("text", "policy", "price"),
    [
        ("psa", PricePolicy(), None),
        ("22.00", PricePolicy(fixed=Decimal("22.00")), "22.00"),
        ("0.0825", PricePolicy(fixed=Decimal("0.0825")), "0.0825"),
        ("psa+10%", PricePolicy(percent=Decimal(10)), "22.00"),  # 20.00 + 2.00
        ("psa-2.5%", PricePolicy(percent=Decimal("-2.5")), "19.50"),  # 20.00 - 0.50
    ],
)
def test_prices(text: str, policy: PricePolicy, price: str | None, tmp_path: Path) -> None:
    """The PSA's own price, a fixed one, or one that follows a PSA price of 20.00."""
    files = mapping_folder(tmp_path, {"profiles.toml": f'[e3]\nproduct = "M365-E3"\nprice = "{text}"\n'})

    read = files.load().profiles["e3"].price

    assert read == policy
    assert read.price(Decimal("20.00"), "USD") == (Decimal(price) if price else None)


@pytest.mark.parametrize("price", ['"22,00"', "22.00", "22", '"-1.00"', '"psa+10"', '"psa%"', '"1e3"', '"٢٢"', '"NaN"'])
def test_what_is_no_price(price: str, tmp_path: Path) -> None:
    """Nothing is guessed about money: a comma, a binary fraction or a sign is refused."""
    files = mapping_folder(tmp_path, {"profiles.toml": f'[e3]\nproduct = "M365-E3"\nprice = {price}\n'})

    with pytest.raises(MappingsInvalid, match="is not a price"):
        files.load()


def test_exclusions(tmp_path: Path) -> None:
    """Global ones hold everywhere, a company's own in its tenants; each keeps its reason."""
    own = '[[exclude]]\nlicence = "SPB"\nreason  = "they buy it themselves"\n'

    mappings = company_folder(tmp_path, HEAD + own).load()

    reasons = [exclusion.reason for exclusion in mappings.excluded(TENANT).values()]
    assert reasons == ["free", "they buy it themselves"]
    assert [exclusion.reason for exclusion in mappings.excluded("another").values()] == ["free"]


def test_windows_files(tmp_path: Path) -> None:
    """Byte order mark and carriage returns change nothing, lines in messages included."""
    text = "\ufeff" + (HEAD + ROW).replace("\n", "\r\n")

    (row,) = company_folder(tmp_path, text).load().rows()

    assert (row.count, row.place.line) == (LicenceCount(SPB), 4)


def test_digest_is_of_names_and_bytes(tmp_path: Path) -> None:
    """A plan is valid for the files it was made from: where they lie does not matter, each byte does."""
    one, same, other = (
        company_folder(tmp_path / name, HEAD + text).load().digest
        for name, text in (("one", ROW), ("same", ROW), ("other", ROW + "# a comment\n"))
    )

    assert one == same != other
