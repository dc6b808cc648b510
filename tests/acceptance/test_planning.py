"""`trueup plan` tells by its exit status what `trueup sync` would do, and touches nothing."""

import json

from tests.acceptance.conftest import Install
from tests.acceptance.site import COMPANY


def test_plan_says_nothing_to_do_changes_or_failure(install: Install) -> None:
    """0, 2 and 1; as JSON it holds every request in full, and none of them is sent."""
    site = install()

    assert site.trueup("plan").status == 0
    site.tenant().buy("SPB", 2)
    planned = site.trueup("plan", "--json")
    assert planned.status == 2
    (change,) = [change for company in planned.json()["companies"] for change in company["changes"]]
    assert [write["method"] for write in change["writes"]] == ["POST", "PATCH"]
    assert {"op": "replace", "path": "quantity", "value": 12} in json.loads(change["writes"][1]["body"])
    site.psa_server.close()
    failed = site.trueup("plan", "--json", str(COMPANY))
    assert failed.status == 1
    assert failed.json()["state"] == "failed"
    assert "had no answer" in failed.err

    assert site.psa.sent() == []


def test_plan_of_an_unknown_company_is_refused(install: Install) -> None:
    """With the names that were perhaps meant."""
    told = install(companies=2).trueup("plan", "Compny 1")

    assert told.status == 1
    assert 'Did you mean "Company 1"?' in told.err
