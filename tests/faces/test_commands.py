"""Every command against the simulated MSP, as one story: plan, approve, write, explain, prove."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.simulators.world import World
from tests.faces.shell import Said, here, process

LARKSPUR, CORVANE, DOVETAIL = 212, 203, 204


@dataclass(frozen=True)
class Msp:
    """The simulated MSP with a configuration of its own, and nothing run yet but a first plan."""

    config: Path

    def __call__(self, *words: str) -> Said:
        return here("--config", str(self.config), *words)

    def digest(self, company: int, verb: str = "") -> str:
        """Of the company's first held change."""
        holds = [hold for hold in self("holds", "--json").json() if hold["company"] == company]
        return str(next(hold["digest"] for hold in holds if verb in hold["sentence"]))


@pytest.fixture(scope="module")
def msp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Msp]:
    """Served for all tests of this file; they change different companies."""
    world = World.build(datetime.now(UTC))
    with world.serve() as served:
        folder = tmp_path_factory.mktemp("msp")
        made = Msp(world.write_configuration(folder, served, "127.0.0.1:1"))
        assert made("plan").status == 2
        yield made


def test_plan_writes_nothing(msp: Msp) -> None:
    """Planned twice, the same changes are still there, and the journal holds no write."""
    first, second = msp("plan", "corvane"), msp("plan", "corvane")
    assert (first.status, second.status) == (2, 2)
    assert "21 → 24" in second.out
    assert "trueup approve" in second.out
    assert not [record for record in msp("journal", "--json").json() if record["entry"] is not None]


def test_plan_shows_the_exact_requests(msp: Msp) -> None:
    """Method, path and body of each, as they will be sent."""
    [company] = msp("plan", "corvane", "--json").json()["companies"]
    [change] = company["changes"]
    assert [write["method"] for write in change["writes"]] == ["POST", "PATCH"]
    text = " ".join(msp("plan", "corvane").out.split())
    for write in change["writes"]:
        assert write["path"] in text
        assert " ".join(write["body"].split()) in text


def test_plan_of_one_company_is_about_nobody_else(msp: Msp) -> None:
    """Named by a part of its name."""
    values = msp("plan", "LARKSPUR", "--json").json()
    assert [company["company"] for company in values["companies"]] == [LARKSPUR]
    assert values["companies"][0]["name"] == "Larkspur Recruitment"


def test_plan_has_nothing_to_do(msp: Msp) -> None:
    """Exit status 0 where the PSA is right already."""
    said = msp("plan", "kestrel")
    assert (said.status, said.out) == (0, "Nothing to change at 1 company.\n")


def test_plan_says_why_a_line_is_not_planned(msp: Msp) -> None:
    """An expired agreement is no change and no silence."""
    said = msp("plan", "juniper")
    assert said.status == 0
    assert "Expired" in said.out
    assert "renew the agreement" in said.out


def test_plan_exit_status_of_the_process(msp: Msp) -> None:
    """What scripts branch on, from a process of its own."""
    said = process("plan", "corvane", "--config", str(msp.config))
    assert said.status == 2
    assert "\x1b" not in said.out


def test_approved_change_is_written(msp: Msp) -> None:
    """Approve by a shortened digest, write at once, and the next plan has nothing left of it."""
    said = msp("approve", msp.digest(DOVETAIL)[:8], "--now", "--json")
    assert said.status == 0
    values = said.json()
    assert [hold["state"] for hold in values["decided"]] == ["approved"]
    assert [write["state"] for write in values["run"]["writes"]] == ["confirmed"]
    [line] = msp("explain", "dovetail", "--json").json()
    assert (line["planned"], len(line["writes"])) == ([], 1)  # before the next read, too
    assert msp("plan", "dovetail").status == 0


def test_sync_writes_what_was_approved(msp: Msp) -> None:
    """The approval waits in the store; a cycle of all companies finds it."""
    said = msp("approve", msp.digest(CORVANE))
    assert "now with: trueup sync 203" in said.out
    assert msp("status", "--json").json()["holds"] > 0
    said = msp("sync")
    assert re.search(r"written +Corvane Logistics \(203\): POST addition 3 x M365-E3-Y", said.out)
    assert "held for a person" in said.out
    assert CORVANE not in {hold["company"] for hold in msp("holds", "--json").json()}  # what is written waits no more


def test_sync_says_what_it_could_not_read(msp: Msp) -> None:
    """A tenant that took its consent back is no success, though all others went well: status 1, with what to do."""
    said = msp("sync")
    assert said.status == 1
    assert "not read  Halcyon Bay Hotel" in said.out
    assert "Let an administrator of the tenant open" in said.out
    [unread] = msp("sync", "halcyon", "--json").json()["unread"]
    assert unread["remedy"].startswith("Let an administrator")
    assert msp("plan", "halcyon").status == 1
    assert msp("sync", "alder").status == 0


def test_dry_run_writes_nothing(msp: Msp) -> None:
    """`sync --dry-run` is a cycle without its last step."""
    values = msp("sync", "everglass", "--dry-run", "--json").json()
    assert (values["dry"], values["writes"]) == (True, [])


def test_rejected_change_stays_out(msp: Msp) -> None:
    """With the reason in the journal, for those who ask later."""
    digest = msp.digest(LARKSPUR, "People")
    said = msp("reject", digest, "--reason", "call them first")
    assert said.status == 0
    assert "rejected" in said.out
    assert msp("sync", "larkspur", "--json").json()["writes"] == []
    assert "call them first" in msp("journal").out


def test_unknown_digest_decides_nothing(msp: Msp) -> None:
    """One wrong digest among several: none of them is decided."""
    digest = msp.digest(LARKSPUR, "Copilot")
    said = msp("approve", digest, "ffffffffffff")
    assert said.status == 1
    assert '"ffffffffffff" names no change that is held' in said.err
    assert [h["state"] for h in msp("holds", "--json").json() if h["digest"] == digest] == ["open"]


def test_findings_are_chosen_by_company_and_code(msp: Msp) -> None:
    """Both at once, for programs and for people."""
    [found] = msp("findings", "--company", "halcyon", "--code", "consent-lost", "--json").json()
    assert (found["company"], found["severity"]) == (208, "error")
    assert "adminconsent" in msp("findings", "--company", "208").out
    assert msp("findings", "--code", "consent-lots").status == 1


def test_closed_findings_say_why(msp: Msp) -> None:
    """What was approved and written is no mismatch any more, and says so."""
    assert msp("approve", msp.digest(LARKSPUR, "Copilot"), "--now").status == 0
    [over] = msp("findings", "--closed", "1", "--company", "larkspur", "--json").json()[:1]
    assert over["because"] == "what it asked for was written"
    assert over["first_seen"] <= over["closed"]
    assert "closed: what it asked for was written" in msp("findings", "--closed", "1").out


def test_explain_tells_the_chain(msp: Msp) -> None:
    """From the tenant's seats to the requests that were sent."""
    [said] = msp("explain", "dovetail", "O365_BUSINESS_PREMIUM", "--json").json()
    assert said["label"] == "Microsoft 365 Business Standard"
    assert [step["rule"] for step in said["steps"]][:1] == ["purchased"]
    assert len(said["people"]) == 9
    assert "9 holders" in msp("explain", "dovetail", "Microsoft 365 Business Standard").out


def test_journal_is_sound(msp: Msp) -> None:
    """After all that was written."""
    said = msp("journal", "verify", "--json")
    assert (said.status, said.json()["fault"]) == (0, None)
    assert f"{said.json()['records']} records" in msp("journal", "verify").out


def test_tenants_and_what_is_unmapped(msp: Msp) -> None:
    """Thirteen are seen, one of them is in no mapping file."""
    assert len(msp("tenants", "--json").json()) == 13
    [unmapped] = msp("tenants", "--unmapped", "--json").json()
    assert unmapped["name"] == "Marrow Hill Bakery"


def test_map_check_counts(msp: Msp) -> None:
    """Valid files say what they hold."""
    values = msp("map", "check", "--json").json()
    assert (values["valid"], values["companies"]) == (True, 12)


def test_map_suggest_proposes_rows(msp: Msp) -> None:
    """For the licences of one company that no row bills; nothing is written unasked."""
    values = msp("map", "suggest", "kestrel", "--json").json()
    assert {row["part_number"] for row in values["rows"]} == {"PROJECTPROFESSIONAL", "VISIOCLIENT"}
    assert values["written"] == []


def test_check_finds_the_tenant_without_consent(msp: Msp) -> None:
    """Everything else is well; the one failure has its remedy."""
    said = msp("check")
    assert said.status == 1
    assert said.out.count("fail  ") == 1
    assert re.search(r"fail  tenant +Halcyon Bay Hotel", said.out)
    assert "21 checks: 1 fault" in said.out


def test_status_after_all_that(msp: Msp) -> None:
    """The last run, and who would be writing."""
    values = msp("status", "--json").json()
    assert values["daemon"] == ""
    assert values["last_run"]["state"] == "done"
    assert len(values["tenants"]) == 11


def test_broken_mapping_file_stops_a_plan(msp: Msp) -> None:
    """Every problem with file and line, status 1, and nothing is read from anybody."""
    broken = msp.config.parent / "mappings" / "companies" / "broken.toml"
    broken.write_text("company = 999\nnonsense = true\n")
    try:
        said = msp("plan")
        assert said.status == 1
        assert re.search(r"broken\.toml:2: nonsense", said.err)
        assert msp("map", "check").status == 1
        assert msp("findings").status == 0
    finally:
        broken.unlink()


def test_explain_of_a_day_that_lies_ahead_is_refused(msp: Msp) -> None:
    """Nothing is known of tomorrow; and a run that never was explains nothing."""
    said = msp("explain", "dovetail", "--on", "2999-01-01")
    assert (said.status, "lies ahead" in said.err) == (1, True)
    assert "There is no run" in msp("explain", "dovetail", "--run", "20200101-000000-abcdef").err
    assert msp("explain", "dovetail", "--on", "yesterday").status == 2


def test_explain_without_a_licence_tells_every_line(msp: Msp) -> None:
    """Larkspur has three rows; today and by its day it is the same."""
    lines = msp("explain", "larkspur", "--json").json()
    assert len(lines) == 3
    today = lines[0]["day"]
    again = msp("explain", "larkspur", "--on", today, "--json").json()
    assert [line["billed"] for line in again] == [line["billed"] for line in lines]


def copied(msp: Msp, to: Path) -> Path:
    """The mapping files once more, to be edited."""
    return Path(shutil.copytree(msp.config.parent / "mappings", to / "edited"))


def test_edited_files_are_compared_before_they_go_live(msp: Msp, tmp_path: Path) -> None:
    """Two seats of Bluebell's included: planned one way by the files in force, another way by the edited ones."""
    edited = copied(msp, tmp_path)
    file = next((edited / "companies").glob("bluebell*"))
    file.write_text(file.read_text().replace("[[row]]", "[[row]]\nincluded = 2", 1))
    for words in ([], ["--stored"]):
        said = msp("plan", "--mappings", str(edited), *words, "bluebell", "--json")
        [company] = said.json()["companies"]
        assert (said.status, company["monthly"]["amount"]) == (2, "-44.00")
    assert msp("plan", "--mappings", str(copied(msp, tmp_path / "same")), "bluebell").status == 0
    assert msp("plan", "--stored").status == 2


def test_backtest_replays_what_was_read(msp: Msp) -> None:
    """Of today only: what would have been written is what is held, and its money is beside what is billed."""
    today = msp("explain", "larkspur", "--json").json()[0]["day"]
    said = msp("backtest", "--from", today, "--to", today, "--company", "bluebell", "--json").json()
    [company] = said["companies"]
    assert [change["verb"] for change in company["written"]] == ["set"]
    assert company["difference"]["amount"] == "-44.00"
    assert "would have been written" in msp("backtest", "--from", today, "--to", today, "--company", "202").out
    refused = msp("backtest", "--from", "2020-01-01", "--to", "2020-01-31")
    assert (refused.status, "Nothing stored covers" in refused.err) == (1, True)
    assert msp("backtest", "--from", "2020-02-01", "--to", "2020-01-31").status == 2


def test_cut_over_is_proposed_written_and_planned(msp: Msp) -> None:
    """Somebody typed Ironbark's line twice: both give way to one new line, and the plan holds it for a person."""
    first = msp("cutover", "ironbark", "--on", first_of_next_month())
    assert (first.status, first.out.count("proven: no gap and no overlap")) == (0, 2)
    written = msp("cutover", "ironbark", "--on", first_of_next_month(), "--write", "--json").json()
    text = Path(written["written"]).read_text()
    assert [line["answer"] for line in written["lines"]].count("end") == 2
    assert "replaces = [" in text
    [company] = msp("plan", "ironbark", "--json").json()["companies"]
    assert sorted(change["verb"] for change in company["changes"]) == ["add", "end", "end"]
    assert all(change["holds"] for change in company["changes"])
    assert msp("cutover", "ironbark", "--on", "2020-01-01").status == 1
    assert msp("cutover", "ironbark", "--on", first_of_next_month(), "--end", "1", "--leave", "1").status == 2


def first_of_next_month() -> str:
    today = datetime.now(UTC).date()
    return str((today.replace(day=1) + timedelta(days=32)).replace(day=1))
