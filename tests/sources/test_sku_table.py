"""The table of licences: keyed by GUID, found by what people write."""

import pytest

from agent.sku_table import SkuTable, free_skus, shipped, with_names

SPB = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
FLOW_FREE = "f30db892-07e9-47e9-837c-80727f46fd3d"


@pytest.mark.parametrize("written", ["SPB", "spb", SPB, SPB.upper(), " microsoft 365  business premium "])
def test_part_number_name_and_guid_mean_one_licence(written: str) -> None:
    """Case and surplus blanks do not matter."""
    assert shipped().find(written) == (SPB,)


def test_ambiguous_part_number_means_several() -> None:
    """MCOPSTN5 belongs to two licences, so whoever wrote it must be asked."""
    assert len(shipped().find("MCOPSTN5")) == 2


def test_unknown_word_means_none_and_unknown_guid_itself() -> None:
    """A GUID that the table does not know may still be in a tenant."""
    assert shipped().find("NO_SUCH_LICENCE") == ()
    unheard_of = "A6D18B68-A67E-4CBD-BA00-8744BC468FAA"
    assert shipped().find(unheard_of) == (unheard_of.lower(),)
    assert unheard_of not in shipped()


def test_historic_part_numbers_mislead_and_the_name_does_not() -> None:
    """O365_BUSINESS_PREMIUM is Business Standard."""
    (sku,) = shipped().find("O365_BUSINESS_PREMIUM")
    assert shipped().name(sku) == "Microsoft 365 Business Standard"


def test_names_fall_back_step_by_step() -> None:
    """Operator, table, part number, GUID."""
    table = SkuTable([("AA", "PART", "Name")], {"aa": "Ours"})
    assert (table.name("aa"), table.part_number("AA")) == ("Ours", "PART")
    assert (table.name("bb", "OTHER"), table.name("BB")) == ("OTHER", "bb")
    assert table.find("ours") == table.find("name") == ("aa",)
    assert list(table) == [("aa", "PART", "Ours")]


def test_operators_name_is_found_in_the_shipped_table() -> None:
    """Overrides lie over the shipped rows and leave the rest alone."""
    table = with_names({SPB: "Premium seat"})
    assert (table.name(SPB), table.find("premium seat"), len(list(table))) == ("Premium seat", (SPB,), 635)


def test_free_licences_have_a_reason_each() -> None:
    """All 43 are known by GUID; paid storage is not among them."""
    assert len(free_skus()) == 43
    assert all(free_skus().values())
    assert free_skus()[FLOW_FREE].startswith("free")
    assert not set(shipped().find("SHAREPOINTSTORAGE")) & set(free_skus())
