"""From what people type to what is meant."""

from dataclasses import replace

import pytest

from agent.domain.findings import Code
from agent.domain.mappings import CompanyMapping, Mappings
from agent.faces.choosing import NotOne, companies, company, finding_code
from tests.domain.given import mapping, mappings


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


def test_finding_codes() -> None:
    """A known code is taken, a misspelt one gets a hint."""
    assert finding_code("under-billed") is Code.UNDER_BILLED
    with pytest.raises(NotOne) as caught:
        finding_code("underbilled")
    assert "under-billed" in caught.value.remedy
