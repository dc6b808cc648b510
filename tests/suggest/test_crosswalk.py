"""Accounts of other sources and companies: exact ids before domains before names, and nothing by likeness."""

from dataclasses import replace

import pytest

from agent.domain.counts import Account, Hint
from agent.domain.mappings import CompanyMapping, Mappings
from agent.suggest import Ranking
from agent.suggest.crosswalk import suggest_accounts
from tests.suggest.world import account, company, mapped, mappings

CONTOSO, FABRIKAM = account("Contoso", 1), account("Fabrikam", 2)
FLEET = [company(250, "Contoso Ltd"), company(251, "Fabrikam Inc"), company(252, "Contoso Pharmaceuticals")]
FILES = mappings(mapped(250, CONTOSO), mapped(251, FABRIKAM))
DOMAINS = {CONTOSO.id: {"contoso.com"}, FABRIKAM.id: {"fabrikam.com"}}

Hints = tuple[tuple[Hint, str], ...]


def ranking(name: str, *hints: tuple[Hint, str], files: Mappings = FILES) -> tuple[int, int, str] | None:
    """(company, confidence, reason) of what is sure."""
    [found] = suggest_accounts([Account("rmm", "7", name, hints)], files, {}, FLEET, DOMAINS)
    return told(found.company)


def told(ranking: Ranking[object]) -> tuple[int, int, str] | None:
    sure = ranking.sure
    return (sure.thing.id, sure.confidence, sure.reason) if sure else None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "hints", "expected"),
    [
        ("Somebody", ((Hint.TENANT, FABRIKAM.id),), (251, 100, f"names tenant {FABRIKAM.id}")),
        ("Somebody", ((Hint.COMPANY, "252"),), (252, 98, "carries the company's id 252")),
        ("Somebody", ((Hint.DOMAIN, "fabrikam.com"),), (251, 96, "has the domain fabrikam.com")),
        ("CONTOSO LIMITED", (), (250, 94, "same name but for the legal form")),
        ("Contoso GmbH", ((Hint.TENANT, FABRIKAM.id),), (251, 100, f"names tenant {FABRIKAM.id}")),
    ],
)
def test_evidence_is_sure(name: str, hints: Hints, expected: tuple[int, int, str]) -> None:
    """An id says whose it is whatever the name says; a domain of the tenant's; a name without its legal form."""
    assert ranking(name, *hints) == expected


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("Contosso", ()),
        ("Fabrikam Europe", ()),
        ("", ()),
        ("Contoso", ((Hint.COMPANY, "252"),)),  # the name says one company, a number typed by hand another
        ("Somebody", ((Hint.COMPANY, "99"),)),
        ("Somebody", ((Hint.TENANT, "4f1c0000-0000-4000-8000-000000000009"),)),
    ],
)
def test_doubt_is_a_persons(name: str, hints: Hints) -> None:
    """Likeness, contradiction, and ids that nobody knows: offered at most, never taken."""
    assert ranking(name, *hints) is None


def test_shared_tenant_says_not_whose_it_is() -> None:
    """Two companies bill from the tenant that it names."""
    files = mappings(mapped(250, FABRIKAM), mapped(251, FABRIKAM))
    assert ranking("Somebody", (Hint.TENANT, FABRIKAM.id), files=files) is None


def test_company_that_has_an_id_there_is_not_given_another() -> None:
    """It may have two sites; a person says so."""
    files = with_account(FILES, 250, "rmm:1")
    assert ranking("Contoso", files=files) is None
    assert ranking("Contoso", files=with_account(FILES, 250, "pax8:1")) == (250, 94, "same name but for the legal form")


def test_two_of_one_source_are_not_both_sure() -> None:
    """Neither is: they may be two sites, or one of them is somebody else."""
    twins = [Account("rmm", id, "Contoso", ()) for id in ("7", "8")]
    assert [told(one.company) for one in suggest_accounts(twins, FILES, {}, FLEET, DOMAINS)] == [None, None]


def test_sources_do_not_compete() -> None:
    """One company is at Pax8 and in the RMM."""
    both = [Account("rmm", "7", "Contoso"), Account("pax8", "8", "Contoso")]
    assert [told(one.company) is not None for one in suggest_accounts(both, FILES, {}, FLEET, DOMAINS)] == [True, True]


def test_what_is_mapped_needs_no_match() -> None:
    """By source and id, whatever it is called."""
    assert suggest_accounts([Account("rmm", "1", "X")], with_account(FILES, 250, "rmm:1"), {}, FLEET, DOMAINS) == ()


def test_tenant_that_was_just_matched_counts() -> None:
    """Its company has no file yet; the same command may write it."""
    [found] = suggest_accounts(
        [Account("rmm", "7", "X", ((Hint.TENANT, "t9"),))], mappings(), {"t9": FLEET[2]}, FLEET, {}
    )
    assert told(found.company) == (252, 100, "names tenant t9")


def with_account(files: Mappings, number: int, ref: str) -> Mappings:
    one: CompanyMapping = files.companies[number]
    return replace(files, companies={**files.companies, number: replace(one, accounts=(*one.accounts, ref))})
