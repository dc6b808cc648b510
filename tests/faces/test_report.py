"""The month-end report and the evidence of a company, on the simulated MSP after one approved change was written."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine

from agent.simulators.world import World
from tests.faces.shell import Said, here
from tests.notices.post import PostOffice, open_office

CORVANE = 203


@dataclass(frozen=True)
class Msp:
    config: Path

    def __call__(self, *words: str) -> Said:
        return here("--config", str(self.config), *words)


@pytest.fixture(scope="module")
def msp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Msp]:
    """Everybody was read once; Corvane's three more seats of E3 were approved and written."""
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        made = Msp(world.write_configuration(tmp_path_factory.mktemp("msp"), served, "127.0.0.1:1"))
        made("plan")
        [digest] = [hold["digest"] for hold in made("holds", "--json").json() if hold["company"] == CORVANE]
        made("approve", digest)
        assert made("sync", "corvane").status == 0
        yield made


def test_report_tells_the_month(msp: Msp, tmp_path: Path) -> None:
    """Sums that are those of the findings, what was written and by whose leave, and who was never read."""
    page = tmp_path / "report.html"
    said = msp("report", "--html", str(page))
    assert said.status == 0
    assert "Corvane Logistics (203): new addition 3 x M365-E3-Y" in " ".join(said.out.split())
    assert "yellow microsoft: 12 tenants" in said.out
    assert "Halcyon Bay Hotel (208) never read" in " ".join(said.out.split())
    assert "Held for a person" in page.read_text()
    values = msp("report", "--json").json()
    findings = [f for f in msp("findings", "--json").json() if f["monthly"]]
    leaks = sum(Decimal(f["monthly"]["amount"]) for f in findings if f["code"] == "under-billed")
    told = [d for d in values["differences"] if d["code"] == "under-billed"]
    assert sum(Decimal(d["monthly"]["amount"]) for d in told) == leaks > 0
    assert all(int(d["units"]) > 0 for d in told)


def test_report_goes_by_mail(msp: Msp, tmp_path: Path) -> None:
    """With page and workbook, to those whom notices reach; without a mail server it says what to add."""
    unable = msp("report", "--mail")
    assert (unable.status, "Add [notify.mail] to agent.toml." in unable.err) == (1, True)
    with open_office(PostOffice()) as office:
        section = f'\n[notify.mail]\nhost = "127.0.0.1"\nport = {office.port}\nsecurity = "none"\n'
        section += 'sender = "trueup@msp.example"\nto = ["anna@msp.example"]\n'
        config = msp.config.with_name("with-mail.toml")
        config.write_text(msp.config.read_text() + section)
        assert here("--config", str(config), "report", "--mail").status == 0
        [message] = office.mail
    names = [part.get_filename() for part in message.iter_attachments()]
    assert [str(name).rpartition(".")[2] for name in names] == ["html", "xlsx"]
    body = message.get_body()
    assert body is not None
    assert "Owed and not billed" in body.get_content()
    assert "\x1b" not in body.get_content()


def test_report_of_one_company_is_about_nobody_else(msp: Msp) -> None:
    """Its quantities on both sides, as they were last read."""
    values = msp("report", "kestrel", "--json").json()
    assert {d["company"] for d in values["differences"]} == {"Kestrel Ridge Farms (211)"}
    [legs] = [one for one in values["positions"] if one["licence"] == "Microsoft 365 Business Standard"]
    assert (legs["purchased"], legs["assigned"]) == ("8", "10")


def test_evidence_of_a_month_names_people_changes_and_hashes(msp: Msp, tmp_path: Path) -> None:
    """Corvane's 24 holders of E3, the two writes that were approved, and the hash of the reading."""
    page, table = tmp_path / "evidence.html", tmp_path / "evidence.csv"
    said = msp("evidence", "corvane", "--html", str(page), "--csv", str(table))
    assert said.status == 0
    rows = list(csv.reader(io.StringIO(table.read_text(encoding="utf-8-sig"))))
    of_e3 = [row for row in rows if row[2] == "Microsoft 365 E3"]
    assert [row[0] for row in of_e3].count("user") == 24
    assert [row[3] for row in of_e3 if row[0] == "change"][-1] == "PATCH addition 5: quantity 21 -> 24"
    [reading, *_] = [row for row in rows if row[0] == "reading"]
    assert re.fullmatch("[0-9a-f]{64}", reading[9])
    assert reading[9] in page.read_text()
    head = msp("journal", "--limit", "1", "--json").json()[0]
    assert rows[-1][3::6] == [f"record {head['seq']}", head["hash"]]
    values = msp("evidence", "corvane", "--json").json()
    assert len(values["lines"][0]["people"]) == 24
    days = {person["login"]: person["assigned"][:10] for person in values["lines"][0]["people"]}
    assert {row[3]: row[7] for row in of_e3 if row[0] == "user"} == days
    assert all(f'<td class="day">{day}</td>' in page.read_text() for day in days.values())


def test_evidence_needs_a_month_that_has_begun(msp: Msp) -> None:
    """And one that is written as one."""
    ahead = msp("evidence", "corvane", "--month", "2099-01")
    assert (ahead.status, "January 2099 lies ahead" in ahead.err) == (1, True)
    assert msp("evidence", "corvane", "--month", "November").status == 2


def test_letter_tells_what_was_corrected(msp: Msp, tmp_path: Path) -> None:
    """21 to 24 seats of E3 at 432.00 a year: 1,296.00 more a year, and the days up to the next invoice once."""
    page, text = tmp_path / "letter.html", tmp_path / "letter.txt"
    said = msp("letter", "corvane", "--html", str(page), "--text", str(text))
    assert said.status == 0
    assert text.read_text() == said.out
    [quantity] = msp("letter", "corvane", "--json").json()["quantities"]
    assert (quantity["before"], quantity["after"], quantity["unit"]) == ("21", "24", "year")
    assert quantity["difference"] == {"amount": "1296.00", "currency": "USD"}
    [charge] = msp("letter", "corvane", "--json").json()["charges"]
    [(days, whole)] = re.findall(r"^3 × 432\.00 × (\d+)/(\d+)$", charge["arithmetic"])
    assert Decimal(charge["amount"]["amount"]) == round(Decimal(3 * 432 * int(days)) / int(whole), 2)
    assert (charge["first_day"], charge["arithmetic"] in page.read_text()) == (quantity["since"], True)


def test_letter_about_nothing_is_not_written(msp: Msp, tmp_path: Path) -> None:
    """Alder's bill was right: a sentence, a status of its own, and no empty file."""
    page = tmp_path / "letter.html"
    said = msp("letter", "alder", "--html", str(page))
    assert (said.status, said.out, page.exists()) == (4, "", False)
    assert "Nothing was corrected for Alder & Finch Architects" in said.err


def test_letter_is_made_of_an_own_template(msp: Msp, tmp_path: Path) -> None:
    """The shipped ones are copied once and never over what was edited; a fault in one has its file and line."""
    folder = tmp_path / "letters"
    assert here("letter", "--copy-templates", str(folder)).status == 0
    (folder / "plain.jinja").write_text("{% extends layout %}\n{% block subject %}Ours, {{ month }}{% endblock %}")
    assert "plain.jinja" not in here("letter", "--copy-templates", str(folder)).err
    assert f"OURS, {datetime.now(UTC):%B}".upper() in msp("letter", "corvane", "--templates", str(folder)).out
    (folder / "plain.jinja").write_text("\n{{ invented }}")
    broken = msp("letter", "corvane", "--templates", str(folder))
    assert (broken.status, f"{folder}/plain.jinja:2: 'invented' is undefined" in broken.err) == (1, True)
    unable = msp("letter", "corvane", "--templates", str(tmp_path / "nowhere"))
    assert (unable.status, "nowhere cannot be read: no such file or directory" in unable.err) == (1, True)


def test_letter_of_a_month_that_is_over_says_the_same(msp: Msp) -> None:
    """Written weeks later it has the same numbers, and the day on which it is written."""
    month, later = f"{datetime.now(UTC):%Y-%m}", datetime.now(UTC) + timedelta(days=40)
    then = msp("letter", "corvane", "--month", month, "--json").json()
    with time_machine.travel(later):
        now = msp("letter", "corvane", "--month", month, "--json").json()
        assert msp("letter", "corvane").status == 4
    assert [now[part] for part in ("quantities", "charges", "forward")] == [
        then[part] for part in ("quantities", "charges", "forward")
    ]
    assert now["day"] > then["day"]
