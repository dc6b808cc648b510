"""An administrator's first hour, command by command."""

from pathlib import Path

from tests.acceptance.conftest import Install
from tests.acceptance.site import AGREEMENT, APP, COMPANY, INTEGRATION, Msp, tenant_id, two_more


def answers(site: Msp) -> dict[str, str]:
    """What `trueup init` would ask."""
    return {
        "agent.timezone": "UTC",
        "agent.currency": "USD",
        "schedule.every": "1h",
        "microsoft.client-id": APP,
        "microsoft.client-secret": f"file:{site.folder}/secrets/graph",
        "microsoft.tenant": tenant_id(99),
        "microsoft.login-url": site.urls["graph"],
        "microsoft.graph-url": site.urls["graph"],
        "psa.connectwise.url": site.urls["psa"],
        "psa.connectwise.company": site.psa.site.company,
        "psa.connectwise.public-key": site.psa.site.public_key,
        "psa.connectwise.private-key": f"file:{site.folder}/secrets/psa",
        "psa.connectwise.client-id": INTEGRATION,
        "psa.connectwise.member": site.psa.site.member,
    }


def installed_by_hand(site: Msp) -> Path:
    """A second configuration for the same two sides, written by `trueup init`."""
    config = site.folder / "new" / "agent.toml"
    given = [word for key, value in answers(site).items() for word in ("--set", f"{key}={value}")]
    assert site.trueup_at(config, "init", "--non-interactive", *given).status == 0
    return config


def test_from_nothing_to_two_billed_seats(install: Install) -> None:
    """init, check, tenants, map suggest, sync, approve, explain: each does its part, and only the approval writes."""
    site = install()
    config = installed_by_hand(site)

    assert site.trueup_at(config, "check").status == 0
    (tenant,) = site.trueup_at(config, "tenants", "--unmapped", "--json").json()
    assert tenant["id"] == tenant_id(0)
    assert "mappings/companies/company-0.toml" in site.trueup_at(config, "map", "suggest", "--write").out
    checked = site.trueup_at(config, "map", "check", "--json").json()
    assert (checked["companies"], checked["rows"], checked["modes"]) == (1, 1, {"review": 1})

    site.tenant().buy("SPB", 2)
    assert site.trueup_at(config, "sync", str(COMPANY)).status == 0
    (hold,) = site.trueup_at(config, "holds", "--json").json()
    assert site.psa.sent() == []
    assert site.trueup_at(config, "approve", hold["digest"], "--now").status == 0
    assert site.psa.lines(AGREEMENT) == two_more(site.today)

    (explained,) = site.trueup_at(config, "explain", "Company 0", "SPB", "--json").json()
    assert explained["company"] == COMPANY
    findings = site.trueup_at(config, "findings", "--json").json()
    assert {found["code"] for found in findings} == {"unmapped-licence", "unassigned-seats"}
    assert "sound" in site.trueup_at(config, "journal", "verify").out


def test_nothing_is_asked_of_a_program(install: Install) -> None:
    """What was left out is told by its key, and nothing has been written."""
    site = install()
    config = site.folder / "new" / "agent.toml"

    told = site.trueup_at(config, "init", "--non-interactive", "--set", "agent.timezone=UTC")

    assert told.status == 2
    assert "psa.connectwise.url" in told.err
    assert not config.parent.exists()
