"""Which tenants the partner can see."""

import pytest

from agent.domain.counts import Account
from agent.errors import AccessDenied
from agent.simulators.microsoft import Tenant
from tests.sources.office import APP, PARTNER, Office

LISTS = ("DelegatedAdminRelationship.Read.All", "Directory.Read.All")


@pytest.fixture
def partner(office: Office) -> Tenant:
    partner = office.add_tenant(PARTNER, "Partner")
    partner.consent(APP, LISTS)
    return partner


def tenants(office: Office) -> list[tuple[str, str]]:
    return [(account.id, account.name) for account in office.source(partner=PARTNER.upper()).accounts()]


def test_relationships_and_contracts_are_one_list(office: Office, partner: Tenant) -> None:
    """Each tenant once, by id; the name of the relationship wins, for contracts keep old names."""
    partner.add_contract("4F1C0000-0000-4000-8000-00000000000A", "Contoso (old name)", "contoso.com")
    partner.add_contract("4f1c0000-0000-4000-8000-00000000000b", "Fabrikam", "fabrikam.com")
    partner.add_relationship("4f1c0000-0000-4000-8000-00000000000a", "Contoso Ltd")
    assert tenants(office) == [
        ("4f1c0000-0000-4000-8000-00000000000a", "Contoso Ltd"),
        ("4f1c0000-0000-4000-8000-00000000000b", "Fabrikam"),
    ]


def test_ended_relationships_are_left_out(office: Office, partner: Tenant) -> None:
    """Only those in force; two with one tenant are one tenant."""
    partner.add_relationship("4f1c0000-0000-4000-8000-00000000000a", "Contoso")
    partner.add_relationship("4f1c0000-0000-4000-8000-00000000000a", "Contoso")
    partner.add_relationship("4f1c0000-0000-4000-8000-00000000000b", "Fabrikam", status="terminated")
    assert tenants(office) == [("4f1c0000-0000-4000-8000-00000000000a", "Contoso")]


def test_long_lists_are_read_to_their_end(office: Office, partner: Tenant) -> None:
    """250 contracts in pages of 100."""
    for number in range(250):
        partner.add_contract(f"4f1c0000-0000-4000-8000-{number:012}", f"Tenant {number}", "x.com")
    assert len(tenants(office)) == 250


@pytest.mark.parametrize("allowed", LISTS)
def test_one_list_is_enough(office: Office, partner: Tenant, allowed: str) -> None:
    """Not every partner is a reseller, and not everyone uses delegated administration."""
    partner.add_contract("4f1c0000-0000-4000-8000-00000000000a", "Contoso", "contoso.com")
    partner.add_relationship("4f1c0000-0000-4000-8000-00000000000a", "Contoso")
    partner.consent(APP, [allowed])
    assert tenants(office) == [("4f1c0000-0000-4000-8000-00000000000a", "Contoso")]


def test_two_refusals_are_a_refusal(office: Office, partner: Tenant) -> None:
    """Nobody may be listed is not the same as nobody is there."""
    partner.consent(APP, [])
    with pytest.raises(AccessDenied, match=r"DelegatedAdminRelationship\.Read\.All"):
        tenants(office)


def test_partner_must_be_named(office: Office) -> None:
    """Without a partner's tenant there is nobody to ask, and the remedy says which setting is missing."""
    with pytest.raises(AccessDenied) as caught:
        office.source().accounts()
    assert "microsoft.tenant" in caught.value.remedy


def test_rights_to_list_are_not_too_wide_for_the_partner(office: Office, partner: Tenant) -> None:
    """The partner's own tenant needs more permissions than the others."""
    partner.consent(APP, [*LISTS, "Organization.Read.All", "User.Read.All"])
    assert office.source(partner=PARTNER).check(Account("microsoft", PARTNER)) == []
