"""From lines typed by hand and by another tool to ours: found, proposed, proven, written, and invoiced to the cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agent.domain.cutover import Answer
from agent.domain.mappings import Mappings, Mode
from agent.domain.money import Money
from agent.faces.cutting_over import NotPossible, cut_over, written
from agent.mapping_files import MappingFiles
from agent.reports.cutover import CutOverReport, cutover_text, cutover_values
from agent.reports.text import View, bare
from agent.sku_table import shipped
from tests.engine.here import AGREEMENT, COMPANY, PRODUCTS, SKUS, TENANT
from tests.engine.rig import Rig

APRIL = date(2026, 4, 1)
FILE = f"""# Contoso: moved from the distributor's tool
company = {COMPANY}
name    = "Contoso"
tenant  = "{TENANT}"
mode    = "auto"

[[row]]
licence   = "SPB"      # {SKUS[0]}
profile   = "premium"
agreement = {AGREEMENT}

[[row]]
licence   = "SPE_E3"
profile   = "e3"       # sold by the month
agreement = {AGREEMENT}
"""
PROFILES = f"""
[premium]
product = "{PRODUCTS[0]}"

[e3]
product = "{PRODUCTS[1]}"
"""


@pytest.fixture
def files(tmp_path: Path) -> MappingFiles:
    folder = tmp_path / "mappings"
    (folder / "companies").mkdir(parents=True)
    (folder / "exclusions.toml").write_text("")
    (folder / "profiles.toml").write_text(PROFILES)
    (folder / "companies" / "contoso.toml").write_text(FILE)
    return MappingFiles(folder, Mode.REPORT, shipped())


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """20 March 2026, March is invoiced. The first licence is billed by another tool, as a product of its own and with
    its serial number, 10 and 1; the second was typed by hand, 8 of the mapped product. 12 and 10 are bought."""
    made = Rig(tmp_path, begin=datetime(2026, 3, 20, 9, tzinfo=UTC))
    made.psa.add_product("CLOUD-BP", price=Decimal("20.00"), cost=Decimal("15.00"), description="Business Premium")
    for seats in (10, 1):
        made.psa.add_addition(
            AGREEMENT, "CLOUD-BP", seats, effective=date(2025, 6, 1), marker="Cloudconsole",
            invoiceDescription="Microsoft 365 Business Premium",
        )  # fmt: skip
    made.psa.add_addition(AGREEMENT, PRODUCTS[1], 8, effective=date(2025, 6, 1))
    made.psa.add_addition(AGREEMENT, "CLOUD-BP", 3, effective=date(2025, 6, 1), invoiceDescription="Backup of Teams")
    made.source.seats = {SKUS[0]: 12, SKUS[1]: 10}
    return made


def asked(
    rig: Rig, mappings: Mappings, on: date = APRIL, chosen: Mapping[int, Answer] | None = None
) -> tuple[CutOverReport, tuple[object, ...]]:
    return cut_over(rig.cycle, rig.cycle.psa, mappings, COMPANY, on, ["Cloudconsole"], chosen or {})


def text(report: CutOverReport, rig: Rig) -> str:
    return bare(cutover_text(report, View(100, rig.cycle.zone, rig.clock.now(), {COMPANY: "Contoso"})))


def approved_runs(rig: Rig, mappings: Mappings) -> Iterator[str]:
    """Run, approve all that is held, run again, until nothing is held; the verbs that were approved."""
    for _ in range(4):
        rig.cycle.run(mappings, [COMPANY], "test")
        held = rig.cycle.store.holds(COMPANY)
        for hold in held:
            if hold.state == "open":
                yield hold.sentence
                now = rig.clock.now()
                rig.cycle.store.decide(hold.digest, "approved", "ana", now, now + timedelta(days=1))
        rig.pass_time(120)


def test_lines_are_found_and_an_answer_is_proposed(rig: Rig, files: MappingFiles) -> None:
    """By serial number and text: end; the only line of a row's own product: adopt; what no row means is not touched."""
    report, _ = asked(rig, files.load())

    assert [(p.line.id, p.by, p.answer) for p in report.proposals] == [
        (1, "serial number", Answer.END),
        (2, "serial number", Answer.END),
        (3, "product", Answer.ADOPT),
    ]
    assert report.faults == []


def test_boundary_is_proven_day_by_day(rig: Rig, files: MappingFiles) -> None:
    """Up to 31 March 11 as before; from 1 April 12 on the new line alone, so no day has both and none has neither."""
    report, _ = asked(rig, files.load())
    first = next(one for one in report.proofs if one.row.replaces)

    assert [(str(s.days), dict(s.before), dict(s.after)) for s in first.stretches] == [
        ("2026-03-01 to 2026-03-31", {1: 10, 2: 1}, {1: 10, 2: 1}),
        ("2026-04-01 to 2026-04-30", {1: 10, 2: 1}, {-1: 12}),
    ]
    assert "proven: no gap and no overlap" in text(report, rig)
    assert rig.cycle.store.entries() == []


def test_cut_over_is_invoiced_as_it_was_proven(rig: Rig, files: MappingFiles) -> None:
    """Written to the file, planned, held, approved: April is invoiced as the proof says, to the cent.

    March was invoiced before: 11 x 20.00 and 8 x 22.00. April: 12 x 22.00 = 264.00 for the first licence; for the
    second 10 x 22.00, and 2 x 22.00 x 12/31 = 17.03 for the seats that the adopted line lacked from 20 March on.
    """
    report, rows = asked(rig, files.load())
    written(files.load().companies[COMPANY], rows)
    mappings = files.load()
    approved = list(approved_runs(rig, mappings))
    rig.pass_time(12 * 86_400)
    rig.psa.invoice(AGREEMENT)
    [april] = rig.psa.invoices(AGREEMENT)

    assert sum("end CLOUD-BP" in sentence for sentence in approved) == 2
    assert sum("add Licence" in sentence for sentence in approved) == 1
    expected = Decimal("264.00") + Decimal("220.00") + Decimal("17.03")
    assert april.total - april.lines[4] == expected
    [(_, after)] = report.invoices
    assert after.total("USD") == Money(expected, "USD")
    assert [rig.psa.addition(AGREEMENT, id)["cancelledDate"][:10] for id in (1, 2)] == ["2026-03-31"] * 2


def test_mapping_file_keeps_its_comments(rig: Rig, files: MappingFiles) -> None:
    """Three keys are new; every other line stays as it was."""
    _, rows = asked(rig, files.load())
    written(files.load().companies[COMPANY], rows)
    after = (files.folder / "companies" / "contoso.toml").read_text().splitlines()

    new = [line for line in after if line not in FILE.splitlines()]
    assert new == ["start-on = 2026-04-01", "replaces = [1, 2]", "adopt = true"]
    assert [line for line in after if line not in new] == FILE.splitlines()


def test_nothing_moves_without_approval(rig: Rig, files: MappingFiles) -> None:
    """In mode auto too: the ends and the beginning that belongs to them are held."""
    _, rows = asked(rig, files.load())
    written(files.load().companies[COMPANY], rows)
    rig.cycle.run(files.load(), [COMPANY], "test")

    assert len([hold for hold in rig.cycle.store.holds() if "CLOUD" in hold.sentence or "add" in hold.sentence]) == 3
    assert {entry.write.key.count for entry in rig.cycle.store.entries()} == {SKUS[1]}  # the adopted line's own rise


def test_approval_after_the_next_invoice_moves_the_boundary_behind_it(rig: Rig, files: MappingFiles) -> None:
    """Nobody approves until April is invoiced with the old lines: they end on 30 April, and ours begin on 1 May."""
    _, rows = asked(rig, files.load())
    written(files.load().companies[COMPANY], rows)
    rig.pass_time(12 * 86_400)
    rig.psa.invoice(AGREEMENT)
    list(approved_runs(rig, files.load()))
    rig.psa.invoice(AGREEMENT)
    april, may = rig.psa.invoices(AGREEMENT)

    assert (april.lines[1], april.lines[2]) == (200, 20)
    assert not {1, 2} & may.lines.keys()
    new = next(a for a in rig.psa.additions(AGREEMENT) if a["product"]["identifier"] == PRODUCTS[0])
    assert (new["effectiveDate"][:10], may.lines[new["id"]]) == ("2026-05-01", Decimal("264.00"))


def test_day_within_an_invoiced_period_is_no_boundary(rig: Rig, files: MappingFiles) -> None:
    """25 March: the month is invoiced already, and the first clean day is named."""
    report, _ = asked(rig, files.load(), date(2026, 3, 25))

    assert "agreement 1021 is invoiced up to 2026-03-31: the first clean day is 2026-04-01" in report.faults
    assert "Nothing can be written like this" in text(report, rig)


def test_whole_periods_change_over_at_their_beginning(tmp_path: Path, files: MappingFiles) -> None:
    """10 April on an agreement that does not prorate would bill April twice."""
    whole = Rig(tmp_path / "whole", begin=datetime(2026, 3, 20, 9, tzinfo=UTC), prorates=False)
    for seats in (4, 6):
        whole.psa.add_addition(AGREEMENT, PRODUCTS[0], seats, effective=date(2025, 6, 1))
    report, _ = asked(whole, files.load(), date(2026, 4, 10))

    assert "billed by whole periods: the first clean day is 2026-05-01" in report.faults[0]


def test_several_lines_of_one_product_give_way_to_one(rig: Rig, files: MappingFiles) -> None:
    """A second line of the second licence: which is right cannot be told, so one new line takes their place."""
    rig.psa.add_addition(AGREEMENT, PRODUCTS[1], 3, effective=date(2026, 1, 1))
    report, _ = asked(rig, files.load())

    assert [p.answer for p in report.proposals if p.row.profile.product == PRODUCTS[1]] == [Answer.END, Answer.END]
    assert report.faults == []


def test_person_may_choose_otherwise(rig: Rig, files: MappingFiles) -> None:
    """End the one that would be adopted, leave one of the other tool: then the proof shows what stays."""
    report, rows = asked(rig, files.load(), chosen={3: Answer.END, 2: Answer.LEAVE})

    assert [row.replaces for row in rows] == [(1,), (3,)]
    assert report.faults == ["2026-04-01 to 2026-04-30: 13 would be billed, but 12 are counted"]


def test_line_that_trueup_found_by_itself_may_still_be_replaced(rig: Rig, files: MappingFiles) -> None:
    """A cycle in report mode has bound the only line of a product; nobody has let us write to it."""
    report_mode = replace(files.load().companies[COMPANY], mode=Mode.REPORT)
    rig.cycle.run(replace(files.load(), companies={COMPANY: report_mode}), [COMPANY], "test")
    report, rows = asked(rig, files.load(), chosen={3: Answer.END})
    written(files.load().companies[COMPANY], rows)
    list(approved_runs(rig, files.load()))

    assert report.faults == []
    assert rig.psa.addition(AGREEMENT, 3)["cancelledDate"][:10] == "2026-03-31"
    begun = [a for a in rig.psa.additions(AGREEMENT) if a["product"]["identifier"] == PRODUCTS[1] and a["id"] != 3]
    assert [(int(a["quantity"]), a["effectiveDate"][:10]) for a in begun] == [(10, "2026-04-01")]


def test_choices_that_cannot_be_had_are_refused(rig: Rig, files: MappingFiles) -> None:
    """A line that was not found, and one of another product, which no row can go on with."""
    for chosen, why in (({99: Answer.END}, "none of the lines"), ({1: Answer.ADOPT}, "keeps its product")):
        with pytest.raises(NotPossible, match=why):
            asked(rig, files.load(), chosen=chosen)


def test_lines_on_other_agreements_are_shown_and_left(rig: Rig, files: MappingFiles) -> None:
    """An agreement of the company that no row names: a person ends what is on it."""
    rig.psa.add_agreement(COMPANY, "Old", id=900, bills_from=date(2025, 1, 1), next_invoice=APRIL)
    rig.psa.add_addition(900, PRODUCTS[0], 5, effective=date(2025, 6, 1))
    report, _ = asked(rig, files.load())

    [left] = [p for p in report.proposals if p.line.agreement == 900]
    assert (left.answer, "another agreement" in left.why) == (Answer.LEAVE, True)


def test_units_that_nobody_knows_prove_nothing(rig: Rig, files: MappingFiles) -> None:
    """The row's new product is not in the PSA: that is said, and not that there is nothing to bill."""
    profiles = files.folder / "profiles.toml"
    profiles.write_text(PROFILES.replace(PRODUCTS[0], "M365-BP-2027"))
    report, _ = asked(rig, files.load(), chosen={1: Answer.END, 2: Answer.END})

    assert report.faults == ["how many are to be billed is not known: the PSA has no product M365-BP-2027"]


def test_json_says_what_the_page_says(rig: Rig, files: MappingFiles) -> None:
    """Answers, stretches and sums."""
    report, _ = asked(rig, files.load())
    told = cutover_values(report)

    assert [line["answer"] for line in told["lines"]] == ["end", "end", "adopt"]
    assert told["proofs"][0]["stretches"][1]["after"] == {"new": "12"}
    assert (told["faults"], told["written"]) == ([], None)
    assert max(map(len, text(report, rig).splitlines())) <= 100
