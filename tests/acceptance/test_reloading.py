"""Mapping files and settings that people edit while the daemon runs."""

import signal

from tests.acceptance.conftest import Install
from tests.acceptance.process import Daemon, wait_for
from tests.acceptance.site import AGREEMENT, COMPANY, Msp, two_more


def reloaded(daemon: Daemon) -> None:
    """SIGHUP, and the notice that it has been obeyed."""
    before = daemon.notices.count("READY=1")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.notices.wait("READY=1", before + 1)


def complaints(daemon: Daemon) -> list[str]:
    return [f["sentence"] for f in daemon.get("/findings") if f["code"] == "mapping-invalid"]


def edited(site: Msp, old: str, new: str) -> None:
    text = site.company_file().read_text()
    assert text.count(old) == 1
    site.company_file().write_text(text.replace(old, new))


def test_reload_takes_what_is_good_and_keeps_what_was(install: Install) -> None:
    """A broken file is a finding with its line, while the last good mappings bill on; mended, it is none."""
    site = install()
    daemon, day = site.started(), site.today

    edited(site, 'profile = "m365-bp-m"', 'profile = "m365-bp-m"\nminimum = 12')
    reloaded(daemon)
    daemon.sync(COMPANY)
    assert site.psa.lines(AGREEMENT) == two_more(day)

    edited(site, "minimum = 12", 'minimum = "a dozen"')
    site.tenant().buy("SPB", 3)
    reloaded(daemon)
    (complaint,) = complaints(daemon)
    daemon.sync(COMPANY)
    assert f"{site.company_file()}:8: row[1].minimum: must be a whole number" in complaint
    assert {line.quantity for line in site.psa.lines(AGREEMENT)} == {13, 10, 2, 1}

    edited(site, '"a dozen"', "12")
    reloaded(daemon)
    assert complaints(daemon) == []
    assert daemon.get("/status")["mapping_problems"] == []


def test_change_is_noticed_without_a_signal(install: Install) -> None:
    """A file that was saved broken is a finding within seconds."""
    site = install()
    daemon = site.started()

    edited(site, f"company = {COMPANY}", "company = ")

    wait_for(lambda: len(complaints(daemon)) == 1, "the broken file is not noticed")


def test_reload_takes_new_settings_in_the_same_process(install: Install) -> None:
    """From auto to report: what was bought is planned and not written. Wrong settings change nothing."""
    site = install()
    daemon = site.started()

    site.set("mode", "report")
    reloaded(daemon)
    site.tenant().buy("SPB", 2)
    run = daemon.sync(COMPANY)
    assert (run["changes"], run["held"], site.psa.sent()) == (1, 1, [])

    site.set("mode", "automatic")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: f"{site.config}:4: agent.mode" in daemon.log(), "wrong settings are not told")
    assert daemon.sync(COMPANY)["held"] == 1
    assert daemon.stop() == 0
