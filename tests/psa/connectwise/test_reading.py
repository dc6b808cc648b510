"""Reading a site: where it is, whole lists or none, and what each refusal asks of a person (reference 2, 3, 5)."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import unquote_plus

import pytest

from agent.domain.agreements import Billable
from agent.errors import AccessDenied, CredentialsRejected, Incomplete, Unreachable
from agent.psa.connectwise import ConnectWise
from agent.psa.connectwise.site import LONGEST_URL
from agent.simulators import connectwise as simulated
from agent.simulators.faults import Kind
from tests.psa.connectwise.desk import AGREEMENT, CONTOSO, PRODUCT, adapter, day

LINES = f"/finance/agreements/{AGREEMENT}/additions"


def asked(site: simulated.ConnectWise) -> list[str]:
    """Path and query of every request so far, readable, without the API's root."""
    return [unquote_plus(exchange.request.target.partition("/apis/3.0")[2]) for exchange in site.log]


def fill(site: simulated.ConnectWise, number: int) -> list[int]:
    return [site.add_addition(AGREEMENT, PRODUCT, n, effective="2026-01-01") for n in range(1, number + 1)]


def test_a_cloud_site_has_two_hosts(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """The login page says where the API is; the API answers on its own host, at that codebase, in our version."""
    psa.lines(AGREEMENT)
    login, api, *_ = (exchange.request for exchange in site.log)
    assert (login.headers["host"], login.path) == ("na.myconnectwise.net", "/login/companyinfo/evergreen")
    assert (api.headers["host"], api.path) == ("api-na.myconnectwise.net", f"/v2026_4/apis/3.0{LINES}")
    assert api.headers["accept"] == "application/vnd.connectwise.com+json; version=2026.4"
    assert api.headers["pagination-type"] == "forward-only"
    assert "authorization" not in login.headers


@pytest.mark.parametrize(
    "url", ["https://psa.contoso.example", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"]
)
def test_other_hosts_are_taken_as_they_are(site: simulated.ConnectWise, url: str) -> None:
    """A site of one's own has one host; whoever gives the API's own address means the same site."""
    adapter(site, url).companies()
    assert site.log[-1].request.headers["host"] == url.split("/")[2]


def test_an_unknown_company_is_said_before_any_key_is_sent(site: simulated.ConnectWise) -> None:
    """The login page answers null, with 200, for a company that it does not know."""
    psa = adapter(site, company="everbrown")
    with pytest.raises(CredentialsRejected, match="knows no company 'everbrown'") as caught:
        psa.companies()
    assert "psa.connectwise.company" in caught.value.remedy
    assert len(site.log) == 1


def test_an_upgrade_in_mid_cycle(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """The old codebase is gone: one 404, one look at the login page, the same read at the new one."""
    psa.companies()
    site.site.routes_old_path = False
    site.upgrade("2026.5")
    assert [company.name for company in psa.companies()] == ["Contoso Ltd"]
    roots = [exchange.request.path.split("/")[1] for exchange in site.log]
    assert roots[-4:] == ["v2026_4", "login", "v2026_5", "v2026_5"]


def test_a_silent_login_page_is_waited_for_once(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """Eight threads that need it at the same time share its failure; the next read asks anew, and goes on."""
    site.faults.add(Kind.REFUSED, path="companyinfo", times=4)  # as often as one read asks
    site.latency = 0.05
    with ThreadPoolExecutor(8) as pool:
        failed = [future.exception() for future in [pool.submit(psa.companies) for _ in range(8)]]
    assert {type(error) for error in failed} == {Unreachable}
    assert len(site.log) == 4
    assert psa.companies()


def test_a_404_without_an_upgrade_is_about_the_keys(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """The cloud answers wrong keys as a wrong path. Said once, with both remedies, and not asked again."""
    site.site.hides_behind_404 = True
    site.site.client_id = "another"
    with pytest.raises(CredentialsRejected, match="The endpoint does not exist") as caught:
        psa.companies()
    assert "psa.connectwise.url" in caught.value.remedy
    assert "keys" in caught.value.remedy
    assert len(site.log) == 3


def test_refused_keys_stop_everything(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """401 is the same for every agreement."""
    site.site.client_id = "another"
    with pytest.raises(CredentialsRejected, match="answered 401"):
        psa.agreements([AGREEMENT])


def test_a_missing_right_is_named(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """403 names the path, and the remedy the module and the right to grant."""
    site.site.forbidden.add(("GET", "/procurement/catalog"))
    with pytest.raises(AccessDenied, match="GET /procurement/catalog") as caught:
        psa.products([PRODUCT])
    assert "Procurement > Product Catalog: Inquire = All" in caught.value.remedy


def test_a_list_of_three_pages(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """2,001 lines are three pages of at most 1,000, each once, in the order of their ids."""
    ids = fill(site, 2_001)
    assert [line.id for line in psa.lines(AGREEMENT)] == ids
    pages = [target.rpartition("&page")[2] for target in asked(site) if "pageSize" in target]
    assert pages == ["Size=1000", f"Id={ids[999]}", f"Id={ids[1999]}"]


def test_a_failed_page_fails_the_list(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """The second page stays away through all patience: no lines, not half of them."""
    fill(site, 1_001)
    site.faults.add(Kind.ERROR_BEFORE, path=LINES, nth=2, times=4, status=503)
    with pytest.raises(Unreachable, match="503"):
        psa.lines(AGREEMENT)


@pytest.mark.parametrize("kind", [Kind.NOT_JSON, Kind.TRUNCATED_JSON])
def test_what_cannot_be_read_is_no_list(site: simulated.ConnectWise, psa: ConnectWise, kind: Kind) -> None:
    """A maintenance page with 200 is not an empty list."""
    psa.companies()
    site.faults.add(kind, path=LINES)
    with pytest.raises(Incomplete):
        psa.lines(AGREEMENT)


def test_one_request_for_lines_that_are_known(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """The first read of an agreement is counted; after that one request is enough, also when a line was added."""
    fill(site, 3)
    psa.lines(AGREEMENT)
    assert [target for target in asked(site) if "/count" in target] == [f"{LINES}/count"]
    site.log.clear()
    fill(site, 1)
    assert len(psa.lines(AGREEMENT)) == 4
    assert len(site.log) == 1


@pytest.mark.parametrize("kind", [Kind.EMPTY_LIST, Kind.PAGE_SHORT, Kind.PAGE_SKIPPED])
def test_a_line_that_is_gone_is_counted(site: simulated.ConnectWise, psa: ConnectWise, kind: Kind) -> None:
    """A known line is missing: the count disagrees, the second look is whole. If it is not, there is no list."""
    ids = fill(site, 3)
    psa.lines(AGREEMENT)
    site.faults.add(kind, path=f"{LINES}$")
    assert [line.id for line in psa.lines(AGREEMENT)] == ids
    site.faults.add(kind, path=f"{LINES}$", times=2)
    with pytest.raises(Incomplete, match="but counts 3"):
        psa.lines(AGREEMENT)


def test_a_deleted_line_is_believed_once_counted(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """List and count agree that it is gone; the next read is one request again."""
    ids = fill(site, 3)
    psa.lines(AGREEMENT)
    site.person_deletes(AGREEMENT, ids[0])
    assert [line.id for line in psa.lines(AGREEMENT)] == ids[1:]
    site.log.clear()
    psa.lines(AGREEMENT)
    assert len(site.log) == 1


def test_a_record_that_comes_twice_spoils_the_list(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """A seam that repeats a row would have lost one somewhere else."""
    fill(site, 1_005)
    site.faults.add(Kind.PAGE_REPEATED, path=LINES, nth=2)
    with pytest.raises(Incomplete, match="the same record twice"):
        psa.lines(AGREEMENT)


def test_a_wrong_count_is_not_outvoted(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """If the count says twice that there is more, there is more."""
    fill(site, 3)
    site.faults.add(Kind.COUNT_WRONG, path="/count", times=2)
    with pytest.raises(Incomplete, match="listed 3 records but counts 4"):
        psa.lines(AGREEMENT)


def test_a_hundred_agreements_in_short_addresses(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """Two hundred ids of four digits are one request; ids of ten digits are split so that no URL is too long."""
    ids = [site.add_agreement(CONTOSO, f"No {n}", id=2_000 + n, bills_from="2026-01-01") for n in range(200)]
    psa.agreements(ids)
    assert len([target for target in asked(site) if target.startswith("/finance/agreements?")]) == 1
    far = [site.add_agreement(CONTOSO, f"Far {n}", id=2_000_000_000 + n, bills_from="2026-01-01") for n in range(200)]
    assert psa.agreements(far).keys() == set(far)
    lengths = [len(e.request.origin) + len(e.request.target) for e in site.log if "conditions" in e.request.target]
    assert max(lengths) < LONGEST_URL


def test_agreements_that_are_gone(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """What is not there is left out, after a count the first time and without one afterwards."""
    assert psa.agreements([AGREEMENT, 77]).keys() == {AGREEMENT}
    site.log.clear()
    assert psa.agreements([AGREEMENT, 77]).keys() == {AGREEMENT}
    assert len(site.log) == 1


def test_an_agreement_lost_from_its_page(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """One that was there a moment ago is counted before it is given up."""
    psa.agreements([AGREEMENT])
    site.faults.add(Kind.EMPTY_LIST, path="/finance/agreements$")
    assert psa.agreements([AGREEMENT]).keys() == {AGREEMENT}


def test_no_ids_no_request(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """Nothing asked, nothing sent."""
    assert psa.agreements([]) == {}
    assert psa.products([]) == {}
    assert asked(site) == []


def test_billing_cycles_are_read_once(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """And once more when an agreement names one that is new."""
    psa.agreements([AGREEMENT])
    psa.agreements([AGREEMENT])
    new = site.add_cycle("Yearly", "Jahr")
    site.person_edits_agreement(AGREEMENT, billingCycle={"id": new, "name": "Jahr"})
    assert psa.agreements([AGREEMENT])[AGREEMENT].months == 12
    assert [target for target in asked(site) if "billingCycles" in target] == [
        "/finance/billingCycles?fields=id,name,billingOptions&pageSize=1000"
    ] * 2


def test_the_admin_knows_the_cycle(site: simulated.ConnectWise) -> None:
    """A name in psa.connectwise.billing-cycles stands before what the site says, and spares asking."""
    psa = adapter(site, billing_cycles={"monthly": 12})
    assert psa.agreements([AGREEMENT])[AGREEMENT].months == 12
    assert not any("billingCycles" in target for target in asked(site))


def test_products_by_awkward_names(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """Quotes and ampersands are escaped; the case of what was asked is kept, as ConnectWise disregards it."""
    for name in ('24" rack', "Ada's", "R&D 100% [x]", "M365-BP-M "):
        site.add_product(name, price="1.00", cost="0.50")
    found = psa.products(['24" rack', "Ada's", "R&D 100% [x]", "m365-bp-m", "no such"])
    assert {name: product.identifier for name, product in found.items()} == {
        '24" rack': '24" rack',
        "Ada's": "Ada's",
        "R&D 100% [x]": "R&D 100% [x]",
        "m365-bp-m": PRODUCT,
    }


def test_companies_without_the_recycle_bin(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """A deleted company looks like a double of the live one."""
    site.add_company("Contoso Ltd", id=251, identifier="Contoso2", deletedFlag=True)
    assert [(c.id, c.name, c.identifier) for c in psa.companies()] == [(CONTOSO, "Contoso Ltd", "Contoso")]


def test_agreements_of_companies(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """All of them, cancelled ones with their refusal."""
    site.add_agreement(CONTOSO, "Old", id=7, bills_from="2020-01-01", status="Cancelled")
    assert {a.name: a.refusal for a in psa.agreements_of([CONTOSO])} == {
        "Microsoft 365": "",
        "Old": "agreement 7 is cancelled",
    }


def test_a_line_as_it_is_read(site: simulated.ConnectWise, psa: ConnectWise) -> None:
    """Decimals, dates without a shift, the day after the last billed one, and who touched it last."""
    id = site.add_addition(
        AGREEMENT,
        PRODUCT,
        "12.50",
        effective="2026-01-31",
        cancelled="2026-03-31",
        price="22.10",
        lessIncluded=Decimal(2),
        serialNumber="of a printer",
        by="jdoe",
    )
    (line,) = psa.lines(AGREEMENT)
    assert (line.id, line.agreement, line.product, line.identifier) == (id, AGREEMENT, 4021, PRODUCT)
    assert (line.quantity, line.included, line.price) == (Decimal("12.50"), Decimal(2), Decimal("22.10"))
    assert (line.start, line.end, line.billable) == (day("01-31"), day("04-01"), Billable.BILLABLE)
    assert (line.mark, line.changed_by, line.version) == ("of a printer", "jdoe", "2026-03-17T09:00:00Z")
