"""Findings, holds, runs, the journal, the status, checks and explanations as people read them."""

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

from agent.domain.changes import Write
from agent.domain.findings import Code, Finding, Severity
from agent.domain.money import Money
from agent.ports import Entry, EntryState, Hold, JournalRecord, OpenFinding, RunSummary
from agent.reports.checks import Check, Grade, check_lines, checks_sum, of_findings
from agent.reports.findings import findings_text
from agent.reports.holds import holds_text
from agent.reports.journal import journal_text, verdict
from agent.reports.run import all_confirmed, run_text
from agent.reports.status import Status, status_text
from agent.reports.tenants import tenant_rows, tenants_text
from agent.reports.text import View, bare, cells
from agent.reports.values import of_money
from tests.domain.given import (
    NOW,
    TENANT,
    mapping,
    mappings,
    row,
    snapshot,
)

KEY = row().key("connectwise")
VIEW = View(80, UTC, NOW, {250: "Contoso Ltd"})
RUN = RunSummary("20260317-090000-ab12cd", "by hand", (250,), False, NOW, NOW + timedelta(seconds=3), "done", 1)
WRITE = Write(KEY, 1021, 250, "PATCH", "/x", "[]", "PATCH addition 4711: quantity 10 -> 12", {}, {}, 4711)


def known(code: Code, severity: Severity, company: int | None, amount: str = "") -> OpenFinding:
    money = Money(Decimal(amount), "USD") if amount else None
    finding = Finding(code, severity, company, f"{code}/{company}", f"{code} sentence", "remedy", money)
    return OpenFinding(finding, NOW - timedelta(days=2), NOW)


def entry(state: EntryState, detail: str = "") -> Entry:
    return Entry(1, RUN.id, WRITE, state, NOW, detail)


def test_what_is_lost_and_what_is_overcharged_do_not_cancel_out() -> None:
    """Two companies, 44.00 too little and 45.00 too much: both sums are told, not -1.00."""
    found = [
        known(Code.UNDER_BILLED, Severity.WARNING, 250, "44"),
        known(Code.OVER_BILLED, Severity.WARNING, 251, "-45"),
    ]
    assert findings_text(found, VIEW).splitlines()[-1] == (
        "2 open mismatches (2 warnings): 44.00 USD a month not billed, 45.00 USD a month billed too much"
    )


def test_findings_stand_by_company_and_gravity() -> None:
    """What belongs to no company comes first, then company by company, errors before notes."""
    found = [
        known(Code.UNASSIGNED_SEATS, Severity.INFO, 250),
        known(Code.CONSENT_LOST, Severity.ERROR, 250),
        known(Code.UNMAPPED_TENANT, Severity.WARNING, None),
    ]
    text = bare(findings_text(found, VIEW))
    places = [
        text.index(word) for word in ("All companies", "unmapped-tenant", "Contoso", "consent-lost", "unassigned")
    ]
    assert places == sorted(places)
    assert "since 2026-03-15 09:00" in text


def test_hold_shows_reasons_requests_and_digest() -> None:
    """All that a person needs in order to decide."""
    hold = Hold(
        "4f1c2d3e4a5b6c7d", 250, "end Visio: 3 -> 0", ("it would stop billing",), ("PATCH addition 1",), None, NOW
    )
    text = bare(holds_text([hold], [], VIEW))
    assert text.startswith("4f1c2d3e4a5b6c7d  open  Contoso Ltd (250), since 2026-03-17 09:00")
    assert "  held:   it would stop billing\n  writes: PATCH addition 1" in text
    assert "trueup approve 4f1c2d3e4a5b6c7d" in text
    assert holds_text([], [], VIEW) == "Nothing is held."


def test_holds_show_what_waits_for_a_renewal() -> None:
    """Seats that are owed until then are nothing to decide, and nothing to wonder about."""
    until = "waits until 2027-03-01, the renewal of seats that nobody uses"
    changes = [{"sentence": "E3: 13 -> 8 from 2027-03-01", "queued": until}, {"sentence": "other", "queued": ""}]
    text = bare(holds_text([], [{"company": 250, "changes": changes}], VIEW))
    assert "Contoso Ltd (250): E3: 13 -> 8 from 2027-03-01, waits until 2027-03-01" in text
    assert "other" not in text
    assert text.endswith("Nothing is held.")


def test_run_tells_each_write() -> None:
    """Confirmed writes in a line each; any other with what the PSA said and what follows."""
    done = bare(run_text(RUN, [entry(EntryState.CONFIRMED, "200 answered")], None, (7, "df8d"), VIEW))
    assert "Run 20260317-090000-ab12cd: done in 3 s, Contoso Ltd (250), 1 change planned" in done
    assert "  written  Contoso Ltd (250): PATCH addition 4711: quantity 10 -> 12" in done
    assert "200 answered" not in done
    unknown = bare(
        run_text(RUN, [entry(EntryState.UNKNOWN, "no answer")], NOW + timedelta(minutes=5), (7, "df8d"), VIEW)
    )
    assert "no answer" in unknown
    assert "settled by reading, never sent again" in unknown
    assert "not before 2026-03-17 09:05" in unknown


def test_run_is_well_when_all_is_confirmed() -> None:
    """A write of unknown outcome may have happened, and is no success."""
    assert all_confirmed([entry(EntryState.CONFIRMED)])
    assert not all_confirmed([entry(EntryState.CONFIRMED), entry(EntryState.UNKNOWN)])


def test_journal_says_who_did_what() -> None:
    """Oldest first, each record with its sentence; what a name smuggles in is taken out."""
    write = '{"write": {"company": 250, "sentence": "PATCH addition 4711\\u001b[2J"}}'
    decision = '{"company": 250, "sentence": "end Visio", "who": "sam"}'
    records = [
        JournalRecord(2, NOW, "intent", 1, write, "", ""),
        JournalRecord(1, NOW, "approved", None, decision, "", ""),
    ]
    assert bare(journal_text(records, replace(VIEW, width=120))).splitlines() == [
        "1  2026-03-17 09:00  approved           Contoso Ltd (250); end Visio; by sam",
        "2  2026-03-17 09:00  intent    write 1  Contoso Ltd (250): PATCH addition 4711[2J",
    ]


def test_verdict_on_the_journal() -> None:
    """Sound, with the head that is worth keeping; or where the damage begins."""
    assert bare(verdict(35, "df8d", "")) == "The journal is sound: 35 records, head df8d."
    assert "damaged after 12 sound records: record 13 is missing" in bare(verdict(12, "df8d", "record 13 is missing"))


STATUS = Status(
    version="1.0",
    config="agent.toml",
    store="trueup.db",
    daemon="process 4711 on vm",
    last_run=RUN,
    findings={"error": 1},
    holds=2,
    unknown=1,
    tenants={"Contoso": NOW, "Fabrikam": NOW - timedelta(days=3)},
    held_since=NOW - timedelta(hours=1),
    open_since=NOW + timedelta(minutes=10),
    settle=timedelta(seconds=300),
    stale_after=timedelta(hours=24),
)


def test_status_on_one_screen() -> None:
    """The daemon, the last run, what waits, mismatches, tenants."""
    lines = bare(status_text(STATUS, replace(VIEW, now=NOW + timedelta(minutes=12)))).splitlines()
    assert lines[1:] == [
        "Daemon      running, process 4711 on vm",
        "Last run    done 11 min ago in 3 s: 1 change planned, 0 writes confirmed",
        "Held        2 changes, the oldest since 2026-03-17 08:00, until somebody decides (trueup holds)",
        "Unknown     1 write whose outcome is settled by reading, from 2026-03-17 09:15 on",
        "Mismatches  1 error (trueup findings)",
        "Tenants     2 read, the oldest 3 days ago (Fabrikam)",
        "Stale       1 tenant keeps what was read last: Fabrikam (3 days ago)",
    ]


def test_status_says_when_settling_is_overdue() -> None:
    """Half an hour beyond its window somebody should look why."""
    late = status_text(replace(STATUS, open_since=NOW - timedelta(hours=1)), VIEW)
    assert "overdue since 2026-03-17 08:05" in bare(late)


def test_status_where_all_is_well() -> None:
    """Three times nothing: that is what a glance in the morning looks for."""
    well = replace(STATUS, holds=0, unknown=0, tenants={"Contoso": NOW}, held_since=None, open_since=None)
    lines = bare(status_text(well, VIEW)).splitlines()
    assert [line for line in lines if line.endswith("  nothing")] == [
        "Held        nothing",
        "Unknown     nothing",
        "Stale       nothing",
    ]


def test_status_before_the_first_run() -> None:
    """Nothing is known yet, and that is said as such."""
    text = bare(
        status_text(replace(STATUS, daemon=None, last_run=None, findings={}, holds=0, unknown=0, tenants={}), VIEW)
    )
    assert "none yet" in text
    assert "cannot be told here" in text


def test_checks_of_findings() -> None:
    """One check for each finding, graded by its severity; a single ok where there is none."""
    wide = Finding(Code.PERMISSION_TOO_WIDE, Severity.WARNING, None, "x", "may write", "take the right away")
    assert [c.grade for c in of_findings("tenant", [wide], "fine")] == [Grade.WARN]
    assert [*of_findings("tenant", [], "fine")] == [Check("tenant", Grade.OK, "fine")]


def test_check_line_shows_its_remedy() -> None:
    """What is ok needs none; what is not has one below it, within the page."""
    bad = Check("tenant", Grade.FAIL, "Contoso: no consent " * 5, "let an administrator consent")
    lines = [bare(text) for text in check_lines(bad, 80)]
    assert lines[0].startswith("fail  tenant       Contoso: no consent")
    assert lines[-1].strip() == "→ let an administrator consent"
    assert max(map(cells, lines)) <= 80
    assert checks_sum([bad, Check("clock", Grade.OK, "fine")]) == "2 checks: 1 fault"


def test_tenants_of_both_sides() -> None:
    """A tenant that the partner sees but nobody mapped comes first; one that is only mapped is marked."""
    other = replace(snapshot().account, id="9999", name="Marrow Hill")
    rows = tenant_rows([other], mappings(mapping(row())))
    assert [(r.id, r.seen, bool(r.companies)) for r in rows] == [("9999", True, False), (TENANT, False, True)]
    assert "2 tenants, 1 unmapped; see: trueup map suggest" in tenants_text(rows)


def test_amounts_are_texts_at_the_coins() -> None:
    """44 USD is "44.00", 5 JPY is "5"; what is finer than the coins stays as fine as it is."""
    assert of_money(Money(Decimal("44.000000"), "USD")) == {"amount": "44.00", "currency": "USD"}
    assert of_money(Money(Decimal("5.0"), "JPY")) == {"amount": "5", "currency": "JPY"}
    assert of_money(Money(Decimal("0.0825"), "USD")) == {"amount": "0.0825", "currency": "USD"}
    assert of_money(None) is None
