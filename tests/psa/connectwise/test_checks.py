"""`check` on a ConnectWise site: each thing that a person must mend, with its remedy, and nothing else."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.domain.findings import Code, Finding, Severity
from agent.simulators import connectwise as simulated
from agent.simulators.faults import Kind
from agent.simulators.wire import Request, Response
from tests.psa.connectwise.desk import adapter


@dataclass
class Stopped:
    """A clock that shows one instant."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def today(self, zone: ZoneInfo) -> date:
        return self.instant.astimezone(zone).date()

    def monotonic(self) -> int:
        return 0

    def sleep(self, seconds: int) -> None:
        raise AssertionError("nobody waits here")


def check(site: simulated.ConnectWise, **settings: object) -> list[Finding]:
    return list(adapter(site, **settings).check())


def test_nothing_to_say(site: simulated.ConnectWise) -> None:
    """A site as it should be, with a minimal role: no finding, and nothing but reads."""
    assert check(site, member="trueupAPI") == []
    assert {exchange.request.method for exchange in site.log} == {"GET"}
    assert not any("/system/info" in exchange.request.path for exchange in site.log)


@pytest.mark.parametrize(
    ("path", "subject", "right"),
    [
        ("/finance/agreements", "agreements", "Finance > Agreements: Inquire = All"),
        ("/procurement/catalog", "products", "Procurement > Product Catalog: Inquire = All"),
        ("/company/companies", "companies", "Companies > Company Maintenance: Inquire = All"),
        ("/finance/billingCycles", "billing-cycles", "System > Table Setup: Inquire = All"),
        ("/system/myMembers", "member", "the right it lacks"),
    ],
)
def test_each_missing_right(site: simulated.ConnectWise, path: str, subject: str, right: str) -> None:
    """One finding for the one right, naming the module; the rest is checked all the same."""
    site.site.forbidden.add(("GET", path))
    (finding,) = check(site)
    assert (finding.code, finding.subject) == (Code.PSA_UNREADABLE, f"connectwise/{subject}")
    assert right in finding.remedy


def test_refused_keys(site: simulated.ConnectWise) -> None:
    """Nothing else is asked with keys that do not open."""
    site.site.client_id = "another"
    (finding,) = check(site)
    assert (finding.code, finding.severity) == (Code.CREDENTIALS_REJECTED, Severity.ERROR)
    assert "clientId" in finding.remedy


def test_nobody_there(site: simulated.ConnectWise) -> None:
    """One finding, not one for each thing that could not be asked."""
    site.faults.add(Kind.REFUSED, times=20)
    (finding,) = check(site)
    assert "nobody accepts connections there" in finding.sentence


def test_the_keys_of_a_person(site: simulated.ConnectWise, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's keys carry that person's rights."""
    person = {"id": 2, "identifier": "jdoe", "licenseClass": "F"}
    monkeypatch.setattr(site, "_member", lambda: person)
    found = check(site, member="TrueupAPI")
    assert [(f.code, f.severity) for f in found] == [
        (Code.PERMISSION_TOO_WIDE, Severity.WARNING),
        (Code.PSA_UNREADABLE, Severity.WARNING),
    ]
    assert "jdoe" in found[0].sentence
    assert 'member to "jdoe"' in found[1].remedy


def test_the_field_for_marks(site: simulated.ConnectWise) -> None:
    """It must be there, and take text."""
    (missing,) = check(site, marker_field="custom:Trueup line")
    assert "no custom field 'Trueup line' on additions" in missing.sentence
    site.add_custom_field("Trueup line", type="Number")
    (wrong,) = check(site, marker_field="custom:Trueup line")
    assert "is of type Number; a mark needs Text" in wrong.sentence
    site.add_custom_field("Trueup text")
    assert check(site, marker_field="custom:Trueup text") == []


@pytest.mark.parametrize(("seconds", "said"), [(200, ""), (400, "400 s ahead of"), (-400, "400 s behind")])
def test_our_clock(site: simulated.ConnectWise, monkeypatch: pytest.MonkeyPatch, seconds: int, said: str) -> None:
    """Compared with the Date of ConnectWise's own answer; five minutes are forgiven."""
    theirs = datetime(2026, 3, 17, 9, tzinfo=UTC)
    answer = site.answer

    def dated(request: Request, twist: object = None) -> Response:
        response = answer(request, twist)
        return Response(response.status, {**response.headers, "date": "Tue, 17 Mar 2026 09:00:00 GMT"}, response.body)

    monkeypatch.setattr(site, "answer", dated)
    found = check(site, clock=Stopped(theirs + timedelta(seconds=seconds)))
    assert [said in finding.sentence for finding in found] == [True] * bool(said)
