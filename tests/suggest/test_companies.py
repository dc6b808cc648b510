"""Tenants and companies: exact names and domains are evidence, likeness only sorts what a person chooses from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.agreements import Company
from agent.suggest import Ranking
from agent.suggest.companies import suggest_companies, without_legal_form, words
from agent.suggest.ranking import AHEAD, LIKENESS_LIMIT, SURE, Choice
from tests.suggest.world import account, company

FLEET = [
    company(1, "Contoso Ltd", "Contoso"),
    company(2, "Fabrikam, Inc.", "FabrikamInc"),
    company(3, "Northwind Traders GmbH & Co. KG"),
    company(4, "Contoso Pharmaceuticals"),
    company(5, "Müller Söhne"),
]


def ranking(name: str, *domains: str, fleet: list[Company] = FLEET, taken: tuple[int, ...] = ()) -> Ranking[Company]:
    (found,) = suggest_companies({account(name): domains}, fleet, taken)
    return found.company


@pytest.mark.parametrize(
    ("name", "domains", "number", "confidence"),
    [
        ("CONTOSO LTD.", (), 1, 100),
        ("Contoso", (), 1, 97),
        ("fabrikam incorporated", (), 2, 97),
        ("Northwind Traders", (), 3, 97),
        ("Muller Sohne", (), 5, 100),
        ("Somebody else", ("fabrikam.onmicrosoft.com", "mail.fabrikam.com.au"), 2, 95),
    ],
)
def test_evidence_is_sure(name: str, domains: tuple[str, ...], number: int, confidence: int) -> None:
    """Same name, same name but for legal form and accents, or a domain of that name."""
    sure = ranking(name, *domains).sure

    assert sure is not None
    assert (sure.thing.id, sure.confidence) == (number, confidence)
    assert sure.reason


@pytest.mark.parametrize("name", ["Contosso", "Contoso Group", "Northwind", "Fabrikam Europe", "", "株式会社"])
def test_likeness_is_never_sure(name: str) -> None:
    """A typing error, a sister company and a short name look alike: three are offered, none is taken."""
    found = ranking(name)

    assert found.sure is None
    assert len(found.choices) == 3
    assert all(choice.confidence <= LIKENESS_LIMIT for choice in found.choices)


def test_best_likeness_comes_first() -> None:
    """A person finds the misspelt company at the top of the list."""
    assert ranking("Contosso Ltd").choices[0].thing.id == 1


def test_company_twice_in_the_psa() -> None:
    """Two companies of one name: which of them is meant, the name does not tell."""
    twice = [*FLEET, company(9, "Contoso Ltd")]

    assert ranking("Contoso Ltd", fleet=twice).sure is None


def test_company_with_a_tenant_is_not_taken_again() -> None:
    """It may have two tenants, but a person has to say so."""
    found = ranking("Contoso Ltd", taken=(1,))

    assert found.sure is None
    assert found.choices[0].reason == "same name, but it has a tenant already"


def test_two_tenants_of_one_name() -> None:
    """Where both would be the company, neither is."""
    tenants = {account("Contoso", 1): (), account("Contoso Ltd", 2): ()}

    found = suggest_companies(tenants, FLEET, ())

    assert [match.company.sure for match in found] == [None, None]
    assert "another tenant" in found[0].company.choices[0].reason


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("Contoso S.A.", ("contoso",)),
        ("The Contoso Company", ("contoso",)),
        ("Foo & Bar Pty. Ltd.", ("foo", "and", "bar")),
        ("Ltd", ("ltd",)),
        ("Co Ltd", ("co",)),
    ],
)
def test_legal_forms(name: str, core: tuple[str, ...]) -> None:
    """They stand around a name and are not the name, except where there is no other."""
    assert without_legal_form(words(name)) == core


@given(st.lists(st.integers(0, 100), max_size=6))
def test_sure_is_high_and_well_ahead(confidences: list[int]) -> None:
    """Whatever the list: a sure choice is the best one, high, and ahead of every other."""
    found = Ranking.of(Choice(index, confidence, "") for index, confidence in enumerate(confidences))
    sure, best = found.sure, sorted(confidences, reverse=True)

    clear = bool(best) and best[0] >= SURE and (len(best) == 1 or best[1] <= best[0] - AHEAD)
    assert (sure is not None) == clear
    assert sure is None or sure.confidence == best[0]
