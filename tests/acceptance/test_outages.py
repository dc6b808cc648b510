"""What the daemon does while the other sides do not answer, or refuse: it says so, waits, and lowers nothing."""

from collections.abc import Callable

import pytest

from agent.simulators.wire import serve
from tests.acceptance.conftest import Install
from tests.acceptance.process import wait_for
from tests.acceptance.site import AGREEMENT, APP, COMPANY, Msp, two_more

FEWER = 4  # seats given back where nobody can see it


def close_psa(site: Msp) -> None:
    site.psa_server.close()


def open_psa(site: Msp) -> None:
    site.psa_server = serve(site.psa, port=site.psa_server.port)


def take_secret_away(site: Msp) -> None:
    site.graph.login.applications[APP].secrets.clear()
    site.tenant().revoke_tokens()


def give_new_secret(site: Msp) -> None:
    site.canaries["new Microsoft secret"] = new = "canary-of-another-year"
    site.graph.login.register(APP, secret=new)
    site.write_secret("graph", new)


def withdraw_consent(site: Msp, of: int = 0) -> None:
    site.tenant(of).withdraw_consent(APP)
    site.tenant(of).revoke_tokens()


def give_consent(site: Msp) -> None:
    site.tenant().consent(APP)


@pytest.mark.parametrize(
    ("begin", "end", "state", "code"),
    [
        pytest.param(close_psa, open_psa, "failed", "psa-unreadable", id="PSA out of reach"),
        pytest.param(take_secret_away, give_new_secret, "failed", "credentials-rejected", id="secret refused"),
        pytest.param(withdraw_consent, give_consent, "done", "consent-lost", id="consent withdrawn"),
    ],
)
def test_outage_is_told_and_survived(
    install: Install, begin: Callable[[Msp], None], end: Callable[[Msp], None], state: str, code: str
) -> None:
    """A finding while it lasts, and no write; afterwards the finding is gone and what was bought is billed."""
    site = install()
    daemon, day = site.started(), site.today
    assert code not in daemon.codes()

    begin(site)
    site.tenant().buy("SPB", 2)
    site.tenant().reduce("SPE_E3", FEWER)
    assert daemon.sync(COMPANY)["state"] == state
    assert code in daemon.codes()
    assert daemon.ask("GET", "/readyz", token="")[0] == 200
    assert site.psa.sent() == []

    end(site)
    site.tenant().buy("SPE_E3", FEWER)
    wait_for(lambda: daemon.sync(COMPANY)["state"] == "done" and code not in daemon.codes(), "the finding stays")
    assert site.psa.lines(AGREEMENT) == two_more(day)


def test_lost_answer_is_settled_by_reading(install: Install) -> None:
    """The PSA wrote the line, the answer never came: it is unknown, and no press sends it again before it is known."""
    site = install()
    daemon, day = site.started(), site.today
    site.tenant().buy("SPB", 2)
    site.psa.faults.add("lost-answer", method="POST")

    assert daemon.sync(COMPANY)["unknown"] == 1
    assert daemon.sync(COMPANY)["changes"] == 1
    wait_for(lambda: daemon.sync(COMPANY)["changes"] == 0, "it stays unknown")

    assert len(site.psa.sent("POST")) == 1
    assert site.psa.lines(AGREEMENT) == two_more(day)


def test_one_tenant_without_consent_stops_nobody_else(install: Install) -> None:
    """Of two companies the one that can be read is billed; the other one is a finding with the link to consent."""
    site = install(companies=2)
    daemon, day = site.started(), site.today
    withdraw_consent(site, of=1)
    site.tenant(0).buy("SPB", 2)

    assert daemon.sync()["state"] == "done"

    assert site.psa.lines(AGREEMENT) == two_more(day)
    (finding,) = [found for found in daemon.get("/findings") if found["code"] == "consent-lost"]
    assert finding["company"] == COMPANY + 1
    assert "/adminconsent?client_id=" in finding["remedy"]
