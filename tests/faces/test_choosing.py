"""From what people type to what is meant."""

from dataclasses import replace

import pytest

from agent.domain.findings import Code
from agent.domain.mappings import CompanyMapping, Mappings
from agent.faces.choosing import NotOne, companies, company, finding_code, rows
from tests.domain.given import E3, PREMIUM, mapping, mappings, row


def named(number: int, name: str) -> CompanyMapping:
    return replace(mapping(), company=number, name=name)


KNOWN: Mappings = mappings(named(250, "Contoso Ltd"), named(251, "Contoso Foods"), named(25, "Fabrikam"))


@pytest.mark.parametrize(
    ("word", "number"), [("250", 250), ("fabrikam", 25), ("CONTOSO LTD", 250), ("foods", 251), (" Fabrikam ", 25)]
)
def test_company_by_id_name_or_part(word: str, number: int) -> None:
    """Its id, its name in any case, or a part that no other company has."""
    assert company(KNOWN, word) == number


def test_ambiguous_part_lists_the_choices() -> None:
    """Nothing is guessed: both are named, with their ids."""
    with pytest.raises(NotOne, match=r"Contoso Ltd \(250\) or Contoso Foods \(251\)"):
        company(KNOWN, "contoso")


@pytest.mark.parametrize("word", ["", "999", "²5"])
def test_unknown_company_is_refused(word: str) -> None:
    """An empty word is not everybody, and an odd digit is no id."""
    with pytest.raises(NotOne):
        company(KNOWN, word)


def test_misspelt_company_gets_a_hint() -> None:
    """The remedy names what may have been meant."""
    with pytest.raises(NotOne) as caught:
        company(KNOWN, "Fabricam")
    assert caught.value.remedy == 'Did you mean "Fabrikam"?'


def test_no_words_mean_all_and_each_counts_once() -> None:
    """`trueup plan` is about everybody, `trueup plan 250 "contoso ltd"` about one."""
    assert companies(KNOWN, []) == [250, 251, 25]
    assert companies(KNOWN, ["250", "contoso ltd"]) == [250]


@pytest.mark.parametrize("word", ["SPB", "spb", PREMIUM, "Microsoft 365 Business Premium", "premium-monthly"])
def test_licence_by_any_of_its_names(word: str) -> None:
    """Part number, GUID, display name, or the row's own profile."""
    first, second = row(1), row(2, E3, profile=replace(row().profile, name="e3", product="E3"))
    assert rows(mapping(first, second), word) == [first]


def test_licence_without_a_row_says_which_there_are() -> None:
    """The remedy lists what the company has rows for."""
    with pytest.raises(NotOne) as caught:
        rows(mapping(row()), "Visio")
    assert "Microsoft 365 Business Premium" in caught.value.remedy


def test_finding_codes() -> None:
    """A known code is taken, a misspelt one gets a hint."""
    assert finding_code("under-billed") is Code.UNDER_BILLED
    with pytest.raises(NotOne) as caught:
        finding_code("underbilled")
    assert "under-billed" in caught.value.remedy
