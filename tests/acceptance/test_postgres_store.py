"""PostgreSQL in place of the file in the state folder."""

from sqlalchemy import make_url

from tests.acceptance.conftest import Install
from tests.acceptance.site import AGREEMENT, Msp, two_more


def move_store(site: Msp, url: str) -> None:
    """Into an empty database, whose password lies in a file of its own."""
    parts = make_url(url)
    site.canaries["store password"] = str(parts.password)
    site.write_secret("store", str(parts.password))
    address = f"postgresql://{parts.username}@{parts.host}:{parts.port}/{parts.database}"
    with site.config.open("a") as config:
        config.write(f'\n[store]\nurl = "{address}"\npassword = "file:secrets/store"\n')


def test_seats_are_billed_from_a_database(install: Install, postgres_url: str) -> None:
    """Two more seats by `trueup sync`, nothing by the next one, and a sound journal."""
    site = install()
    move_store(site, postgres_url)
    day = site.today
    site.tenant().buy("SPB", 2)

    first, second = site.trueup("sync", "--json"), site.trueup("sync", "--json")

    assert [(told.status, told.json()["changes"]) for told in (first, second)] == [(0, 1), (0, 0)]
    assert site.psa.lines(AGREEMENT) == two_more(day)
    assert len(site.psa.sent()) == 2
    assert site.trueup("journal", "verify").status == 0
    assert [path.name for path in (site.folder / "state").iterdir()] == ["writer.lock"]


def test_database_has_one_writer(install: Install, postgres_url: str) -> None:
    """A second daemon, wherever its state folder is, refuses and names the first; `sync` lets that one do the work."""
    site = install()
    move_store(site, postgres_url)
    daemon, day = site.started(), site.today
    site.tenant().buy("SPB", 2)

    second, synced = site.trueup("run"), site.trueup("sync", "--json")

    assert second.status == 1
    assert f"process {daemon.process.pid} on " in second.err
    assert (synced.status, synced.json()["confirmed"]) == (0, 2)
    assert site.psa.lines(AGREEMENT) == two_more(day)
